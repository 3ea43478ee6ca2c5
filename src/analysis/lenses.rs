use std::collections::{BTreeMap, HashSet};

use super::Snapshot;
use super::markup::plain;
use crate::feature::stage;
use crate::flags::{FlagKey, Lookup};
use crate::text::Span;

/// A line above code that reads or defines a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lens {
    /// The flag.
    pub key: FlagKey,
    /// From the first character of its line to the key's end: editors put a lens where its range begins.
    pub span: Span,
    /// What it says: `2/4 beta, 40 % · 3 reads`.
    pub title: String,
}

/// The lenses of a file by place: one for each key of a line.
pub fn lenses(snapshot: &Snapshot) -> Vec<Lens> {
    if !snapshot.config.lens {
        return Vec::new();
    }
    let facts = &snapshot.facts;
    let read = facts.reads.iter().filter_map(|it| Some((it.key.as_ref()?, it.key_span)));
    let mut counts: BTreeMap<&FlagKey, usize> = BTreeMap::new();
    for key in snapshot.index.files().flat_map(|(_, it)| &it.reads).filter_map(|it| it.key.as_ref()) {
        *counts.entry(key).or_default() += 1;
    }
    // A constant that nothing reads may be anything.
    let defined = facts.definitions.iter().map(|it| (&it.key, it.key_span));
    let defined = defined.filter(|it| counts.contains_key(it.0));
    let mut all: Vec<(&FlagKey, Span)> = read.chain(defined).filter(|it| !it.0.as_str().is_empty()).collect();
    all.sort_by_key(|it| it.1);
    let mut seen = HashSet::new();
    all.retain(|it| seen.insert((it.0, it.1.start.line)));
    let lens = |(key, span): (&FlagKey, Span)| {
        let n = counts.get(key).copied().unwrap_or_default();
        Lens { key: key.clone(), span: from_line_start(snapshot, span), title: title(snapshot, key, n) }
    };
    all.into_iter().map(lens).collect()
}

fn from_line_start(snapshot: &Snapshot, span: Span) -> Span {
    let Some(source) = &snapshot.source else { return span };
    let (text, end) = (&source.text, span.end.offset as usize);
    let line_start = (span.start.offset - span.start.utf8) as usize;
    let line = text.as_str().get(line_start..span.start.offset as usize).unwrap_or_default();
    let indent = line.len() - line.trim_start().len();
    text.span(line_start + indent..end)
}

fn title(snapshot: &Snapshot, key: &FlagKey, n_reads: usize) -> String {
    let reads = if n_reads == 1 { "1 read".to_owned() } else { format!("{n_reads} reads") };
    let environment = snapshot.mirror.primary();
    let state = environment.and_then(|it| match it.lookup(key) {
        Lookup::NotLoaded => None,
        Lookup::Unknown => Some("unknown".to_owned()),
        Lookup::Known(flag) => Some(stage(flag, it.history_of(flag).map(|it| &**it)).to_string()),
    });
    plain(&state.map_or(reads.clone(), |it| format!("{it} · {reads}")))
}
