//! The safety net under every removal: what would be wrong with the result.

use std::ops::Range;

use tree_sitter::Tree;

use super::document::{Document, Pieces};
use super::known::Known;
use super::pass::Pass;
use super::scopes::Scopes;
use super::view::parts;
use super::{Edit, Refusal, python};
use crate::syntax::Language;

/// Why the result may not be used, if it may not.
pub(super) fn unsound(
    before: &str,
    tree: &Tree,
    document: &Document,
    edits: &[Edit],
) -> Option<Vec<Refusal>> {
    let names = document.scopes();
    let moved = document.moved();
    let refusals = untold(document, &names, &moved);
    if !refusals.is_empty() {
        return Some(refusals);
    }
    if !tree.root_node().has_error() && document.tree.root_node().has_error() {
        let range = edits.first().map_or(0..0, |it| it.range.clone());
        let reason = "the result would not parse, so nothing is changed; please report this code as a bug";
        return Some(vec![Refusal { range, reason: reason.into() }]);
    }
    if let Some(refusal) = no_generator(before, tree, document, &moved) {
        return Some(vec![refusal]);
    }
    if let Some(range) = no_element(document, &moved) {
        let reason =
            "the element that is shown here would be none: what its name stands for has no such entry";
        return Some(vec![Refusal { range, reason: reason.into() }]);
    }
    let changed = changed_name(&document.first_scopes(before, tree), &names, &moved)?;
    let reason = format!("'{}' would mean something else afterwards", &before[changed.clone()]);
    Some(vec![Refusal { range: changed, reason }])
}

/// An element whose name became a value that is no component: `<undefined />`.
fn no_element(document: &Document, moved: &Pieces) -> Option<Range<usize>> {
    let values = ["undefined", "null", "true", "false"];
    let text = &document.text;
    if !values.iter().any(|it| text.contains(&format!("<{it}"))) {
        return None;
    }
    let mut stack = vec![document.tree.root_node()];
    while let Some(node) = stack.pop() {
        stack.extend(parts(node));
        let is_tag = matches!(node.kind(), "jsx_opening_element" | "jsx_self_closing_element");
        let name = node.child_by_field_name("name").filter(|it| is_tag && values.contains(&document.of(*it)));
        if name.is_some() {
            let at = moved.before(node.start_byte()).unwrap_or_default();
            return Some(at..at);
        }
    }
    None
}

/// A function of Python that gave several things and would give one: its last `yield` is gone.
fn no_generator(before: &str, tree: &Tree, document: &Document, moved: &Pieces) -> Option<Refusal> {
    let is_python = document.language == Language::Python;
    (is_python && before.contains("yield")).then_some(())?;
    let mut stack = vec![tree.root_node()];
    while let Some(node) = stack.pop() {
        stack.extend(parts(node));
        let name = node.child_by_field_name("name").filter(|_| node.kind() == "function_definition");
        let now = name
            .and_then(|it| moved.now(it.start_byte()))
            .and_then(|it| document.tree.root_node().named_descendant_for_byte_range(it, it + 1)?.parent());
        if now.is_some_and(|it| python::yields(node) && !python::yields(it)) {
            let reason = "this would be no generator any more".to_owned();
            return Some(Refusal { range: name?.byte_range(), reason });
        }
    }
    None
}

/// Values that nobody can write down, where they are still needed.
fn untold(document: &Document, names: &Scopes, moved: &Pieces) -> Vec<Refusal> {
    let pass = Pass::new(document, names);
    let why = |(range, known): (Range<usize>, Known)| {
        let reason = match known {
            Known::UntoldPayload => "the payload that it gives is not known",
            _ => "the whole result is passed on, which cannot be written down",
        };
        (range, reason.to_owned())
    };
    let refusal = |(range, reason): (Range<usize>, String)| {
        let start = moved.before(range.start).unwrap_or_default();
        Refusal { range: start..start + range.len(), reason }
    };
    let mut refusals: Vec<Refusal> =
        pass.untold().into_iter().map(why).chain(pass.undecided()).map(refusal).collect();
    refusals.sort_by_key(|it| (it.range.start, it.range.end));
    refusals
}

/// A name that stays, of which the declaration is another one than before.
fn changed_name(old: &Scopes, new: &Scopes, moved: &Pieces) -> Option<Range<usize>> {
    let was = |range: &Range<usize>| {
        let (start, last) = (moved.before(range.start)?, moved.before(range.end.checked_sub(1)?)?);
        (start + range.len() == last + 1).then_some(start..last + 1)
    };
    for (range, declared) in new.resolved() {
        let Some(old_range) = was(&range) else { continue };
        let Some(binding) = old.at(&old_range) else { return Some(old_range) };
        let starts = || std::iter::once(&binding.name).chain(&binding.again).map(|it| it.start);
        if !starts().any(|it| moved.now(it) == Some(declared)) {
            return Some(old_range);
        }
    }
    let mut lost = new.undeclared().filter_map(was);
    lost.find(|it| old.at(it).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::removal::document::Change;
    use crate::removal::scopes::Scopes;
    use crate::syntax::Language;

    fn after(text: &str, deleted: &str) -> Option<String> {
        let language = Language::TypeScript;
        let tree = language.parse(text, None);
        let mut document = Document::new(language, text.into(), tree.clone());
        let start = text.find(deleted).unwrap();
        let edit = Edit { range: start..start + deleted.len(), text: String::new() };
        let old = Scopes::of(language, text, &tree);
        document.apply(vec![Change::of([edit])], &old);
        let new = document.scopes();
        changed_name(&old, &new, &document.moved()).map(|it| text[it].to_owned())
    }

    #[test]
    fn a_name_must_keep_its_declaration() {
        let text = "const a = 1;\nfunction f() {\n  const a = 2;\n  return { a };\n}\n";
        assert_eq!(after(text, "const a = 1;\n"), None);
        assert_eq!(after(text, "const a = 2;\n"), Some("a".into()), "the outer one is meant now");
        assert_eq!(after("const a = 1;\ntrack({ a });\n", "const a = 1;\n"), Some("a".into()));
        assert_eq!(after("track(b);\n", "b"), None);
    }
}
