//! What must hold when a flag is removed from a program.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use flagline::feature::Value;
use flagline::removal::{ALONE, Alone, Edit, Kept, apply, remove};
use flagline::syntax::{Language, Names, Read, Source};
use flagline::text::Text;
use serde_json::json;

use crate::run::{Job, Trace};

/// The flag that is removed.
pub const KEY: &str = "gone";
/// Another one that is removed before or after it, and what it gives.
const ALSO: (&str, &str) = ("also", "test");

/// What comes of a removal.
pub enum Outcome {
    /// The reasons.
    Refused(Vec<String>),
    /// The result, and those with another flag removed after it and before it.
    Cleaned(String, Vec<String>),
    /// What should hold and does not; then the text that came out.
    Wrong(&'static str, String),
}

fn parsed(language: Language, text: &str) -> (Source, Vec<Read>) {
    let source = Source::new(language, 1, Text::new(text));
    let reads = flagline::index::facts(language, &source.text, &Names::default()).reads;
    (source, reads)
}

fn cleaned(language: Language, text: &str, key: &str, kept: &Kept) -> Result<(String, Vec<Edit>), Outcome> {
    let facts = Arc::new(flagline::index::facts(language, &Text::new(text), &Names::default()));
    let world = Alone { facts: &facts, text, language };
    let removed = catch_unwind(AssertUnwindSafe(|| remove(&world, Path::new(ALONE), key, kept)));
    match removed {
        Err(_) => Err(Outcome::Wrong("it panics", text.into())),
        Ok(Err(refusals)) => Err(Outcome::Refused(refusals.into_iter().map(|it| it.reason).collect())),
        Ok(Ok(edits)) => Ok((apply(text, &edits), edits)),
    }
}

/// Removes the flag and looks at what can be told without running the result.
///
/// Another flag is removed before and after only `with_another`.
pub fn outcome(language: Language, text: &str, kept: &Kept, with_another: bool) -> Outcome {
    let (before, reads) = parsed(language, text);
    assert!(!before.tree.root_node().has_error(), "the generator writes what does not parse:\n{text}");
    let (result, edits) = match cleaned(language, text, KEY, kept) {
        Ok(it) => it,
        Err(it) => return it,
    };
    match wrong(language, (text, &reads), (&result, &edits), kept) {
        Some((what, told)) => Outcome::Wrong(what, told),
        None => {
            let both = if with_another { both(language, text, &result, kept) } else { Vec::new() };
            Outcome::Cleaned(result, both)
        }
    }
}

fn wrong(
    language: Language,
    (text, reads): (&str, &[Read]),
    (result, edits): (&str, &[Edit]),
    kept: &Kept,
) -> Option<(&'static str, String)> {
    let told = |what| Some((what, result.to_owned()));
    let in_order = edits.windows(2).all(|it| it[0].range.end <= it[1].range.start);
    if !in_order {
        return told("edits are sorted and apart");
    }
    if edits.iter().any(|it| text[it.range.clone()] == it.text) {
        return told("an edit changes something");
    }
    let (after, left) = parsed(language, result);
    if after.tree.root_node().has_error() {
        return told("the result parses");
    }
    if result.contains(&format!("'{KEY}'")) {
        return told("no read is left");
    }
    let (before, left) = (keys(reads), keys(&left));
    if left.iter().any(|(key, n)| before.get(key).is_none_or(|it| it < n)) {
        return told("other reads stay as they are");
    }
    if !matches!(cleaned(language, result, KEY, kept), Ok((again, _)) if again == *result) {
        return told("a second time nothing is changed");
    }
    if result.contains('\n') && text.contains("\r\n") != result.contains("\r\n") {
        return told("line ends stay");
    }
    let is_mixed = text.contains("\r\n") && result.replace("\r\n", "").contains('\n');
    if is_mixed {
        return told("line ends are all the same");
    }
    None
}

/// The program without this flag and another one, by the order in which they are removed; one where that does not
/// matter, none where one of them is refused.
fn both(language: Language, text: &str, result: &str, kept: &Kept) -> Vec<String> {
    let also = Kept { value: Value::Variant(ALSO.1.into()), payload: kept.payload.clone() };
    let Ok((first, _)) = cleaned(language, result, ALSO.0, &also) else { return Vec::new() };
    let Ok((other, _)) = cleaned(language, text, ALSO.0, &also) else { return Vec::new() };
    match cleaned(language, &other, KEY, kept) {
        Ok((last, _)) if last != first => vec![first, last],
        Ok(_) => vec![first],
        Err(_) => Vec::new(),
    }
}

fn keys(reads: &[Read]) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for key in reads.iter().filter_map(|it| it.key.as_ref()) {
        *all.entry(key.as_str().to_owned()).or_default() += 1;
    }
    all
}

/// A program to run, with the flag as it is kept, and the other one too if that is removed as well.
pub fn job(code: &str, kept: &Kept, both: bool) -> Job {
    let value = match &kept.value {
        Value::Off => json!(false),
        Value::On => json!(true),
        Value::Variant(variant) => json!(variant),
    };
    let mut quiet = BTreeMap::from([(KEY.to_owned(), value)]);
    if both {
        quiet.insert(ALSO.0.into(), json!(ALSO.1));
    }
    Job { code: code.into(), quiet, payload: kept.payload.clone().unwrap_or_default() }
}

/// Whether the generator made a program that is none.
pub fn is_invalid(trace: &Trace) -> bool {
    trace.last().is_some_and(|it| it.starts_with("invalid: "))
}
