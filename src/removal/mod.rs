//! Removing a flag from the code when its value is known: pure, from a text and its reads to edits or to a refusal.
//!
//! Each step is a small rewriting that keeps what the code does: a read gives its value, a value decides a condition,
//! a condition picks a branch, and what nothing uses any more goes. Where no step fits, the value is written down in
//! place of the read, so that the code does the same in any case. Nothing is guessed; what cannot be written down is
//! refused.

mod askers;
mod check;
mod document;
mod gaps;
mod imports;
mod instances;
mod javascript;
mod known;
mod layout;
mod members;
mod pass;
mod plan;
mod python;
mod registry;
mod scopes;
mod settled;
mod stand_ins;
mod view;
mod world;
mod wrappers;

use std::ops::Range;
use std::path::Path;

use tree_sitter::Tree;

use self::document::Document;
use self::known::Known;
use self::pass::Pass;
use self::wrappers::Wrappers;
use crate::feature::Value;
use crate::syntax::{Language, Read, Returns, Via};

pub(crate) use self::scopes::{Binding, Kind, Scopes};
pub(crate) use self::view::{named, parts, text_of};

pub use self::known::Kept;
pub use self::plan::{FileChange, Leftover, Removal, Request, plan};
pub use self::world::{ALONE, Alone, World};

/// A replacement; ranges are bytes of the text before any edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub range: Range<usize>,
    /// By what.
    pub text: String,
}

/// Why a read is left alone, and where the reason stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// A sentence for a person.
    pub reason: String,
}

/// A pass changes at least one thing; more passes than this mean that two steps undo each other.
const MOST_PASSES: usize = 500;

/// Removes the reads of one flag from a file of a world, as if it served `kept` for ever; those of other flags are left
/// as they are. The edits do not overlap and are sorted.
pub fn remove(world: &dyn World, path: &Path, key: &str, kept: &Kept) -> Result<Vec<Edit>, Vec<Refusal>> {
    let Some((language, text)) = world.text(path) else {
        return Err(vec![Refusal { range: 0..0, reason: "the file cannot be read".into() }]);
    };
    let tree = language.parse(&text, None);
    let mut document = Document::new(language, text.to_string(), tree.clone());
    let facts = world.facts(path).unwrap_or_default();
    let mut shared = Vec::new();
    let mut refused = sow(&Wrappers::new(world, kept), path, &mut document, &facts.reads, key, &mut shared);
    refused.extend(shared);
    if !refused.is_empty() {
        return Err(refused);
    }
    rewrite(&mut document);
    let edits = gaps::closed(&text, document.edits(&text));
    check::unsound(&text, &tree, &document, &edits).map_or(Ok(edits), Err)
}

/// Notes what the reads give. Returns those of which that cannot be told; `shared` are those whose key comes from a list
/// of several, and that go when the key goes from the list.
fn sow(
    wrappers: &Wrappers,
    path: &Path,
    document: &mut Document,
    reads: &[Read],
    key: &str,
    shared: &mut Vec<Refusal>,
) -> Vec<Refusal> {
    let mut refused = Vec::new();
    let is_own = |it: &&Read| it.key.as_ref().is_some_and(|it| it.as_str() == key);
    for read in reads.iter().filter(is_own) {
        let range = read.call_span.bytes();
        let mut refuse = |reason: String| refused.push(Refusal { range: range.clone(), reason });
        let others = reads.iter().any(|it| it.call_span == read.call_span && it.key != read.key);
        if has_error_at(&document.tree, &range) {
            refuse("the code here has a syntax error".into());
            continue;
        }
        if others {
            let is_said_here = document.text[read.key_span.bytes()].contains(key);
            let list = if is_said_here { &mut refused } else { &mut *shared };
            list.push(Refusal { range, reason: "this call reads several flags".into() });
            continue;
        }
        let known = match read.via {
            Via::Wrapper => wrappers.value_of_call(path, document, read, 0),
            _ => value_of_method(document.language, read, wrappers.kept),
        };
        match known {
            Ok(known) => drop(document.marks.insert((range.start, range.end), known)),
            Err(reason) => refuse(reason),
        }
    }
    refused
}

/// What a method, hook or component of the SDK gives.
fn value_of_method(language: Language, read: &Read, kept: &Kept) -> Result<Known, String> {
    if read.via == Via::Component {
        return Ok(Known::Feature(kept.clone()));
    }
    if read.via == Via::Map && kept.value == Value::Off && read.returns != Returns::Payload {
        return Ok(Known::Falsy);
    }
    Ok(match read.returns {
        Returns::Boolean => kept.is_on(),
        Returns::Variant => kept.variant(),
        Returns::Payload => kept.payload(language),
        Returns::Result => Known::Result(kept.clone()),
    })
}

/// Whether the statement of the top level that holds a place has a syntax error.
fn has_error_at(tree: &Tree, range: &Range<usize>) -> bool {
    let root = tree.root_node();
    let mut node = root.named_descendant_for_byte_range(range.start, range.end);
    while let Some(it) = node.filter(|it| *it != root) {
        if it.has_error() {
            return true;
        }
        node = it.parent();
    }
    false
}

/// Applies steps until there are none.
fn rewrite(document: &mut Document) {
    for _ in 0..MOST_PASSES {
        let scopes = document.scopes();
        let pass = Pass::new(document, &scopes);
        let mut changes = pass.steps();
        if changes.is_empty() {
            changes = pass.bury();
        }
        if changes.is_empty() {
            changes = pass.literals();
        }
        let marks = pass.lasting();
        // The declaration that they follow from may go.
        document.marks.extend(marks);
        if document.apply(changes, &scopes) == 0 {
            return;
        }
    }
}

/// Applies sorted edits that do not overlap.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        result.push_str(&text[at..edit.range.start]);
        result.push_str(&edit.text);
        at = edit.range.end;
    }
    result.push_str(&text[at..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{Names, Source};
    use crate::text::Text;

    /// Fixture files hold cases: `=== name: keep on`, the code, `---`, the code after or `refused: why`. With `UPDATE=1`
    /// in the environment what comes out is written down, to be read.
    #[test]
    fn golden_cases() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/removal");
        let update = std::env::var_os("UPDATE").is_some();
        let (mut failures, mut n_cases) = (String::new(), 0);
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let language = Language::from_path(&path).unwrap();
            let content = std::fs::read_to_string(&path).unwrap();
            let mut written = String::new();
            for case in format!("\n{content}").split("\n=== ").skip(1) {
                let (head, body) = case.split_once('\n').unwrap();
                let body = format!("{body}\n");
                let before = body.split_once("\n---\n").map_or(&*body, |it| it.0);
                let expect = body.split_once("\n---\n").map_or("", |it| it.1);
                let (_, keep) = head.split_once(": keep ").unwrap();
                let after = run(language, &format!("{}\n", before.trim_end()), keep);
                n_cases += 1;
                assert!(!after.contains("no read in it"), "{}: {head}", path.display());
                if after.trim_end() != expect.trim_end() {
                    failures.push_str(&format!("\n{}: {head}\n{before}\n---\n{after}", path.display()));
                }
                written.push_str(&format!("=== {head}\n{}\n---\n{}\n", before.trim_end(), after.trim_end()));
            }
            if update {
                std::fs::write(&path, written).unwrap();
            }
        }
        assert!(n_cases > 40, "the cases were not found: {n_cases}");
        assert!(update || failures.is_empty(), "these differ; what came out stands below ---\n{failures}");
    }

    fn run(language: Language, before: &str, keep: &str) -> String {
        let (keep, payload) = match keep.split_once(" with ") {
            Some((keep, payload)) => (keep, Some(serde_json::from_str(payload).unwrap())),
            None => (keep, None),
        };
        let keep = Value::from(keep.trim());
        let source = Source::new(language, 1, Text::new(before));
        let facts = crate::index::facts(language, &source.text, &Names::default());
        let Some(key) = facts.reads.iter().find_map(|it| it.key.clone()) else {
            return "refused: no read in it".into();
        };
        let kept = Kept { value: keep, payload };
        let facts = facts.into();
        let world = Alone { facts: &facts, text: before, language };
        let result = remove(&world, Path::new(ALONE), key.as_str(), &kept);
        match result {
            Ok(edits) => apply(before, &edits),
            Err(refusals) => {
                refusals.iter().map(|it| format!("refused: {}", it.reason)).collect::<Vec<_>>().join("\n")
            }
        }
    }
}
