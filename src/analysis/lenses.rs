use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use super::Snapshot;
use super::findings::{Code, Finding, findings};
use super::hover::{is_silent, outlook_of, people};
use super::markup::plain;
use super::moves::Step;
use crate::feature::{Stage, Value, stage};
use crate::flags::{FlagKey, Lookup};
use crate::text::Span;

/// A line above a function that reads a flag, or above its definition; another one removes a flag that is done, or moves
/// its rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lens {
    /// The flag.
    pub key: FlagKey,
    /// The head of the function or component round the key, else the key, from the first character of the line:
    /// editors put a lens where its range begins.
    pub span: Span,
    /// What it says: `2/4 beta, 40 % · 1,245 people · 3 reads`, behind the key where a line has several.
    pub title: String,
    /// Where it leads.
    pub leads: Leads,
}

/// Where a lens leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leads {
    /// To the reads of the flag.
    Reads,
    /// Out of the code: the flag is removed, and this stays.
    Removal(Value),
    /// On, or back: the rollout is moved.
    Move(Step),
}

/// The lenses of a file by place: one for each key of a function, and of a line outside of all.
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
    let mut placed: Vec<(&FlagKey, Span)> = all
        .into_iter()
        .map(|(key, span)| (key, from_line_start(snapshot, enclosing(snapshot, span))))
        .collect();
    placed.sort_by_key(|it| it.1.start);
    let mut seen = HashSet::new();
    placed.retain(|it| seen.insert((it.0, it.1.start.line)));
    let mut on_line: BTreeMap<u32, usize> = BTreeMap::new();
    placed.iter().for_each(|it| *on_line.entry(it.1.start.line).or_default() += 1);
    let lens = |(key, span): (&FlagKey, Span)| {
        let n = counts.get(key).copied().unwrap_or_default();
        let title = title(snapshot, key, n);
        // Side by side nobody could tell which is which.
        let is_alone = on_line.get(&span.start.line) == Some(&1);
        let title = if is_alone { title } else { plain(&format!("{key}: {title}")) };
        Lens { key: key.clone(), span, title, leads: Leads::Reads }
    };
    let done = done(snapshot);
    let moves = moves(snapshot, placed.iter().map(|it| it.0));
    let with_second = |it: (&FlagKey, Span)| {
        let lens = lens(it);
        let removal = done.get(it.0).map(|keep| removal(&lens, keep));
        let is_alone = on_line.get(&it.1.start.line) == Some(&1);
        let moves = moves.get(it.0).map(|(title, step)| moving(&lens, title, step, is_alone));
        let second = removal.or(moves);
        [Some(lens), second].into_iter().flatten()
    };
    placed.into_iter().flat_map(with_second).collect()
}

/// What is the most likely to be done about the rollouts of flags: there is room for one lens each.
fn moves<'k>(
    snapshot: &Snapshot,
    keys: impl Iterator<Item = &'k FlagKey>,
) -> BTreeMap<&'k FlagKey, (String, Step)> {
    if snapshot.config.read_only || snapshot.briefs.is_empty() {
        return BTreeMap::new();
    }
    let keys: BTreeSet<&FlagKey> = keys.collect();
    let first = |key: &FlagKey| {
        let offers = outlook_of(snapshot, key)?.offers;
        offers.into_iter().find_map(|it| Some((it.lens?, it.step)))
    };
    keys.into_iter().filter_map(|key| Some((key, first(key)?))).collect()
}

fn moving(of: &Lens, title: &str, step: &Step, is_alone: bool) -> Lens {
    let title = if is_alone { title.to_owned() } else { plain(&format!("{}: {title}", of.key)) };
    Lens { title, leads: Leads::Move(step.clone()), ..of.clone() }
}

/// Flags that can be removed, and what stays of each.
fn done(snapshot: &Snapshot) -> BTreeMap<FlagKey, Value> {
    let value = |it: Finding| match it.code {
        Code::StaleFlag { value: Some(value) } => Some((it.key?, value)),
        _ => None,
    };
    findings(snapshot).into_iter().filter_map(value).collect()
}

fn removal(of: &Lens, keep: &Value) -> Lens {
    Lens {
        title: plain(&format!("remove '{}' (keep {keep})", of.key)),
        leads: Leads::Removal(keep.clone()),
        ..of.clone()
    }
}

/// The head of the function or component round a key, as far as its first line goes; outside of all, the key.
fn enclosing(snapshot: &Snapshot, key: Span) -> Span {
    let Some(source) = &snapshot.source else { return key };
    let bytes = key.bytes();
    let mut node = source.tree.root_node().descendant_for_byte_range(bytes.start, bytes.end);
    while let Some(it) = node {
        let text = source.text.as_str();
        if source.language.is_named_function(text, it) {
            let line = &text[it.start_byte()..it.end_byte()];
            let end = it.start_byte() + line.find('\n').unwrap_or(line.len());
            return source.text.span(it.start_byte()..end);
        }
        node = it.parent();
    }
    key
}

/// A remark behind a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlayHint {
    /// The flag.
    pub key: FlagKey,
    /// The key in the source; the remark stands behind it.
    pub span: Span,
    /// `● beta 40 %`.
    pub label: String,
}

/// The stage behind every key that is read or defined in a stretch of the document (bytes).
pub fn inlay_hints(snapshot: &Snapshot, range: Range<u32>) -> Vec<InlayHint> {
    let Some(environment) = snapshot.mirror.primary().filter(|_| snapshot.config.inlay_hints) else {
        return Vec::new();
    };
    let facts = &snapshot.facts;
    let read = facts.reads.iter().filter_map(|it| Some((it.key.as_ref()?, it.key_span)));
    let defined = facts.definitions.iter().map(|it| (&it.key, it.key_span));
    let mut all: Vec<(&FlagKey, Span)> = read
        .chain(defined)
        .filter(|it| it.1.start.offset < range.end && range.start < it.1.end.offset)
        .collect();
    all.sort_by_key(|it| it.1);
    all.dedup();
    let hint = |(key, span): (&FlagKey, Span)| {
        let Lookup::Known(flag) = environment.lookup(key) else { return None };
        let stage = stage(flag, environment.history_of(flag).map(|it| &**it));
        Some(InlayHint { key: key.clone(), span, label: plain(&label(&stage)) })
    };
    all.into_iter().filter_map(hint).collect()
}

/// A full circle where everyone gets the feature or its end, an empty one where nobody does.
fn label(stage: &Stage) -> String {
    let (mark, words) = match stage {
        Stage::NotLaunched | Stage::Off | Stage::Archived | Stage::Deleted => ('○', stage.to_string()),
        Stage::Planned { name, percent, .. } => ('◐', format!("{} {percent} %", name.name)),
        Stage::Targeted | Stage::Partial(_) | Stage::Experiment => ('◐', stage.to_string()),
        Stage::Everyone(_) => ('●', stage.to_string()),
        Stage::Unreadable => ('?', stage.to_string()),
    };
    format!("{mark} {words}")
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
        Lookup::Known(flag) => {
            let stage = stage(flag, it.history_of(flag).map(|it| &**it)).to_string();
            let exposure = it.exposure.get(key).map(|it| it.people());
            let seen = match exposure {
                // PostHog is not told of reads of the payload.
                Some(0) if is_silent(snapshot, key) => Some(" · people not counted".to_owned()),
                _ => exposure.map(|it| format!(" · {}", people(it))),
            };
            Some(stage + &seen.unwrap_or_default())
        }
    });
    plain(&state.map_or(reads.clone(), |it| format!("{it} · {reads}")))
}
