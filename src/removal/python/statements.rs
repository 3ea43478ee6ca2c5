//! Statements: the branch that stays, `match`, `try`, and what can no longer run.

use std::ops::Range;

use tree_sitter::Node;

use crate::removal::Edit;
use crate::removal::document::{Change, Document};
use crate::removal::known::Known;
use crate::removal::pass::{Mark, Pass};
use crate::removal::view::parts;

use super::comprehensions::idle_loop;

fn is_list(node: Node) -> bool {
    matches!(node.kind(), "block" | "module")
}

/// The content of the block of a clause: comments above its first statement and below its last one belong to it.
fn content(pass: &Pass, block: Node) -> Option<Range<usize>> {
    let doc = pass.doc;
    let mut colon = block.prev_sibling();
    while let Some(it) = colon.filter(|it| it.kind() != ":") {
        colon = it.prev_sibling();
    }
    let range = doc.content(colon?.end_byte()..block.end_byte())?;
    Some(range.start..end_with_comments(doc, block, range.end))
}

/// Comments that stand below a block, as far in as its statements, belong to it.
fn end_with_comments(doc: &Document, block: Node, end: usize) -> usize {
    let first = block.named_child(0).map_or(0, |it| it.start_byte());
    if !doc.begins_line(first) {
        return end;
    }
    let deep = doc.indentation(first).len();
    let (mut end, mut at) = (end, doc.line_end(end));
    while at < doc.text.len() {
        let line = &doc.text[at..doc.line_end(at)];
        let comment = line.trim_start();
        let is_inside = line.len() - comment.len() >= deep && deep > 0;
        if comment.starts_with('#') && is_inside {
            end = at + line.trim_end().len();
        } else if !comment.trim().is_empty() {
            break;
        }
        at = doc.line_end(at);
    }
    end
}

/// The bodies after an `if`: `elif` and `else` clauses in order.
fn alternatives(statement: Node) -> Vec<Node> {
    let mut cursor = statement.walk();
    statement.children_by_field_name("alternative", &mut cursor).collect()
}

pub(super) fn if_step(pass: &Pass, statement: Node, mark: &Mark) -> Option<Change> {
    let doc = pass.doc;
    let holds = mark.known.is_truthy(pass.language())?;
    if holds {
        let body = statement.child_by_field_name("consequence");
        return Some(in_list(pass, statement, body, &mark.effects));
    }
    let all = alternatives(statement);
    match all.first() {
        Some(next) if next.kind() == "elif_clause" => {
            if !mark.effects.is_empty() {
                return None;
            }
            let start = comments_above(doc, *next);
            let edits = [
                Edit { range: statement.start_byte()..start, text: String::new() },
                Edit { range: next.start_byte()..next.start_byte() + "elif".len(), text: "if".into() },
            ];
            Some(Change::of(edits))
        }
        Some(next) => Some(in_list(pass, statement, next.child_by_field_name("body"), &mark.effects)),
        None => Some(in_list(pass, statement, None, &mark.effects)),
    }
}

/// Where the comments above a clause begin that stand as far in as it does.
fn comments_above(doc: &Document, clause: Node) -> usize {
    let at = clause.start_byte();
    let indentation = doc.indentation(at);
    let mut start = doc.line_start(at);
    while start > 0 {
        let above = doc.line_start(start - 1);
        let is_own = doc.text[above..].strip_prefix(indentation).is_some_and(|it| it.starts_with('#'));
        if !is_own {
            break;
        }
        start = above;
    }
    if start == doc.line_start(at) { at } else { start + indentation.len() }
}

pub(super) fn elif_step(pass: &Pass, clause: Node, mark: &Mark) -> Option<Change> {
    mark.effects.is_empty().then_some(())?;
    let doc = pass.doc;
    let statement = clause.parent()?;
    let holds = mark.known.is_truthy(pass.language())?;
    let all = alternatives(statement);
    let at = all.iter().position(|it| *it == clause)?;
    if !holds {
        let start = doc.text[..clause.start_byte()].trim_end().len();
        let end = last_of(pass, clause.child_by_field_name("consequence")?);
        return Some(Change::of([Edit { range: start..end, text: String::new() }]));
    }
    let body = clause.child_by_field_name("consequence")?;
    let colon = clause.children(&mut clause.walk()).find(|it| it.kind() == ":")?;
    let mut edits = vec![Edit { range: clause.start_byte()..colon.start_byte(), text: "else".into() }];
    if let Some(last) = all.get(at + 1..).and_then(|it| it.last()) {
        let body_end = last_of(pass, body);
        edits.push(Edit { range: body_end..last_of(pass, body_of(*last)?), text: String::new() });
    }
    let before = all[..at].iter().filter_map(|it| body_of(*it));
    let all_end = before.chain(statement.child_by_field_name("consequence")).chain([body]).all(ends_here);
    if all_end {
        edits.extend(unreachable_after(pass, statement));
    }
    Some(Change::of(edits))
}

fn last_of(pass: &Pass, block: Node) -> usize {
    content(pass, block).map_or(block.end_byte(), |it| it.end)
}

/// Where a statement ends, the comments of its last block included.
fn end_of(pass: &Pass, statement: Node) -> usize {
    let mut end = statement.end_byte();
    let mut node = statement;
    while let Some(last) = parts(node).last().copied() {
        if last.kind() == "block" {
            end = end.max(last_of(pass, last));
        }
        node = last;
    }
    // The grammar counts the \r behind a comment in.
    pass.doc.text[..end].trim_end().len()
}

/// A statement of a block, replaced by a branch of its own, after what had effects.
fn in_list(pass: &Pass, statement: Node, kept: Option<Node>, effects: &[Range<usize>]) -> Change {
    let doc = pass.doc;
    let range = statement.start_byte()..end_of(pass, statement);
    let to = doc.indentation(range.start).to_owned();
    if effects.is_empty()
        && kept.is_some_and(goes_on)
        && let Some(idle) = loop_left(pass, statement)
    {
        return delete(pass, idle);
    }
    let kept = kept.filter(|it| !is_only_pass(*it)).and_then(|it| content(pass, it).map(|range| (it, range)));
    if effects.is_empty() && kept.is_none() {
        return delete(pass, statement);
    }
    let next = format!("{}{to}", doc.line_break);
    let mut edits = Vec::new();
    let (mut at, mut text) = (range.start, String::new());
    for part in effects {
        edits.push(Edit { range: at..part.start, text: std::mem::replace(&mut text, next.clone()) });
        at = part.end;
    }
    let Some((block, kept)) = kept else {
        edits.push(Edit { range: at..range.end, text: String::new() });
        return ordered(edits);
    };
    edits.push(Edit { range: at..kept.start, text });
    edits.push(Edit { range: kept.end..range.end, text: String::new() });
    // A comment may stand behind the colon, above the first statement.
    let first = block.named_child(0).map_or(kept.start, |it| it.start_byte()).max(kept.start);
    if doc.begins_line(first) {
        edits.extend(doc.reindent(&kept, doc.indentation(first), &to));
    }
    if ends_here(block) {
        edits.extend(unreachable_after(pass, statement));
    }
    ordered(edits)
}

fn ordered(edits: Vec<Edit>) -> Change {
    match edits.iter().all(|it| it.range.start <= it.range.end) {
        true => Change::of(edits),
        false => Change::default(),
    }
}

/// `continue`, and nothing else.
fn goes_on(block: Node) -> bool {
    matches!(parts(block)[..], [only] if only.kind() == "continue_statement")
}

/// The loop of which a statement is all that runs, where it goes with that.
fn loop_left<'d>(pass: &Pass<'d>, statement: Node) -> Option<Node<'d>> {
    let block = statement.parent().filter(|it| parts(*it).first() == Some(&statement))?;
    let is_all = parts(block).len() == 1 || unreachable_after(pass, statement).is_some();
    let block = pass.node(&block.byte_range()).filter(|_| is_all)?;
    idle_loop(pass, if block.kind() == "block" { block } else { block.parent()? })
}

fn is_only_pass(block: Node) -> bool {
    parts(block).iter().all(|it| it.kind() == "pass_statement")
}

/// The deletion of a statement. A block that would be empty goes with its statement where that does nothing else, or
/// gets a `pass`.
pub(super) fn delete(pass: &Pass, statement: Node) -> Change {
    let doc = pass.doc;
    let Some(block) = statement.parent().filter(|it| it.kind() == "block") else {
        return Change::of([delete_lines(pass, statement)]);
    };
    let is_only = parts(block).len() == 1;
    if !is_only {
        let mut change = Change::of([delete_lines(pass, statement)]);
        // Two deletions at once could empty the block.
        change.claim = Some(block.start_byte());
        return change;
    }
    if let Some(idle) = idle_loop(pass, block) {
        return delete(pass, idle);
    }
    if let Some(owner) = block.parent() {
        let alone = owner.kind() == "if_statement" && alternatives(owner).is_empty();
        let condition = owner.child_by_field_name("condition");
        if alone && condition.is_some_and(|it| pass.is_pure(it)) {
            return delete(pass, owner);
        }
        if owner.kind() == "else_clause" && owner.parent().is_some_and(|it| it.kind() == "if_statement") {
            let start = doc.text[..owner.start_byte()].trim_end().len();
            return Change::of([Edit { range: start..last_of(pass, block), text: String::new() }]);
        }
    }
    let range = statement.start_byte()..end_of(pass, statement);
    Change::of([Edit { range, text: "pass".into() }])
}

fn delete_lines(pass: &Pass, statement: Node) -> Edit {
    let doc = pass.doc;
    let range = doc.with_comments(statement);
    let end = range.end.max(end_of(pass, statement));
    // `a(); b()` on one line.
    let rest = doc.rest_of_line(end);
    if rest.starts_with(';') {
        let gap = doc.text[end..].find(|it: char| it != ';' && it != ' ').unwrap_or(0);
        return Edit { range: range.start..end + gap, text: String::new() };
    }
    doc.delete_range(range.start..end)
}

/// The deletion of an item of a list together with a comma.
pub(super) fn delete_item(doc: &Document, item: Node) -> Edit {
    let after = item.next_sibling().filter(|it| it.kind() == ",");
    let before = item.prev_sibling().filter(|it| it.kind() == ",");
    let text = String::new();
    match (after, before) {
        (Some(comma), _)
            if doc.begins_line(item.start_byte()) && doc.rest_of_line(comma.end_byte()).is_empty() =>
        {
            doc.delete_range(item.start_byte()..comma.end_byte())
        }
        (Some(comma), _) => {
            let end = comma.end_byte();
            let gap = doc.text[end..].len() - doc.text[end..].trim_start_matches([' ', '\t']).len();
            Edit { range: item.start_byte()..end + gap, text }
        }
        (None, Some(comma)) => Edit { range: comma.start_byte()..item.end_byte(), text },
        (None, None) => Edit { range: item.byte_range(), text },
    }
}

/// Whether nothing after a block or statement runs.
fn ends_here(node: Node) -> bool {
    match node.kind() {
        "return_statement" | "raise_statement" | "break_statement" | "continue_statement" => true,
        "block" => parts(node).last().is_some_and(|it| ends_here(*it)),
        "if_statement" => {
            let all = alternatives(node);
            let has_else = all.last().is_some_and(|it| it.kind() == "else_clause");
            has_else
                && node.child_by_field_name("consequence").is_some_and(ends_here)
                && all.iter().all(|it| body_of(*it).is_some_and(ends_here))
        }
        _ => false,
    }
}

fn body_of(clause: Node) -> Option<Node> {
    clause.child_by_field_name("body").or_else(|| clause.child_by_field_name("consequence"))
}

/// What can no longer run; left alone where it makes a generator of the function, or declares what runs elsewhere.
fn unreachable_after(pass: &Pass, statement: Node) -> Option<Edit> {
    let block = statement.parent().filter(|it| it.kind() == "block")?;
    let all = parts(block);
    let at = all.iter().position(|it| *it == statement)?;
    let rest = &all[at + 1..];
    let (first, last) = (rest.first()?, rest.last()?);
    if rest.iter().any(|it| contains(*it, &["yield", "global_statement", "nonlocal_statement"])) {
        return None;
    }
    let range = first.start_byte()..last.end_byte();
    let inside = |it: &Range<usize>| range.start <= it.start && it.end <= range.end;
    // To assign a name makes it a name of the function.
    let declares = pass.scopes.bindings.iter().any(|it| {
        inside(&it.name)
            && (it.reads.iter().any(|it| !inside(&it.range)) || it.again.iter().any(|it| !inside(it)))
    });
    if declares {
        return None;
    }
    let start = pass.doc.text[..range.start].trim_end().len().max(end_of(pass, statement));
    Some(Edit { range: start..end_of(pass, *last), text: String::new() })
}

/// Whether a function is a generator.
pub(in crate::removal) fn yields(function: Node) -> bool {
    function.child_by_field_name("body").is_some_and(|it| contains(it, &["yield"]))
}

fn contains(node: Node, kinds: &[&str]) -> bool {
    let is_other_function = matches!(node.kind(), "function_definition" | "lambda" | "class_definition");
    kinds.contains(&node.kind())
        || (!is_other_function && parts(node).into_iter().any(|it| contains(it, kinds)))
}

/// `while False:`
pub(super) fn while_step(pass: &Pass, statement: Node, mark: &Mark) -> Option<Change> {
    let never = mark.known.is_truthy(pass.language()) == Some(false);
    let otherwise =
        statement.child_by_field_name("alternative").and_then(|it| it.child_by_field_name("body"));
    // What has effects in the condition runs once.
    never.then(|| in_list(pass, statement, otherwise, &mark.effects))
}

/// `assert True`
pub(super) fn assert_step(pass: &Pass, statement: Node, node: Node, mark: &Mark) -> Option<Change> {
    let holds = statement.named_child(0) == Some(node) && mark.known.is_truthy(pass.language())?;
    holds.then(|| in_list(pass, statement, None, &mark.effects))
}

/// The case that fits, in place of the `match`.
pub(super) fn match_step(pass: &Pass, statement: Node, mark: &Mark) -> Option<Change> {
    mark.effects.is_empty().then_some(())?;
    let body = statement.child_by_field_name("body")?;
    for case in parts(body) {
        if case.child_by_field_name("guard").is_some() {
            return None;
        }
        let mut fits = false;
        for pattern in parts(case).into_iter().filter(|it| it.kind() == "case_pattern") {
            fits |= matches_pattern(pass, pattern, &mark.known)?;
        }
        if fits {
            return Some(in_list(pass, statement, case.child_by_field_name("consequence"), &[]));
        }
    }
    Some(in_list(pass, statement, None, &[]))
}

/// Whether a value fits a pattern; `None` where that cannot be told.
fn matches_pattern(pass: &Pass, pattern: Node, known: &Known) -> Option<bool> {
    let text = pass.doc.of(pattern);
    if text == "_" {
        return Some(true);
    }
    let inner = parts(pattern);
    match &inner[..] {
        [only] if only.kind() == "union_pattern" => {
            let mut fits = false;
            for it in parts(*only) {
                fits |= known.equals(&pass.known(it)?.known, false)?;
            }
            Some(fits)
        }
        [only] => known.equals(&pass.known(*only)?.known, false),
        _ => None,
    }
}

/// A known expression as a statement does nothing; what had effects stays.
pub(super) fn expression_step(pass: &Pass, statement: Node, mark: &Mark) -> Option<Change> {
    Some(in_list(pass, statement, None, &mark.effects))
}

/// `on = False` right before `on = read` says nothing.
pub(super) fn assignment_step(pass: &Pass, assignment: Node, mark: &Mark) -> Option<Change> {
    let name = assignment.child_by_field_name("left").filter(|it| it.kind() == "identifier")?;
    let statement = assignment.parent().filter(|it| it.kind() == "expression_statement")?;
    let binding = pass.scopes.declared_at(name.start_byte())?;
    let [second] = &binding.again[..] else { return None };
    let first = pass.node(&binding.declaration).filter(|it| it.kind() == "assignment")?;
    let first_statement = first.parent()?;
    let fits = *second == name.byte_range()
        && binding.writes.is_empty()
        && mark.effects.is_empty()
        && first_statement.parent() == statement.parent()
        && binding.reads.iter().all(|it| it.range.start > statement.end_byte())
        && first.child_by_field_name("right").is_some_and(|it| pass.is_pure(it));
    fits.then(|| delete(pass, first_statement))
}

/// A `try` in which nothing can fail any more.
pub(super) fn try_step(pass: &Pass, node: Node) -> Option<Change> {
    let mut at = node;
    let block = loop {
        let parent = at.parent()?;
        match parent.kind() {
            "block" => break parent,
            "function_definition" | "if_statement" | "lambda" => return None,
            _ => at = parent,
        }
    };
    let statement = block.parent().filter(|it| it.kind() == "try_statement")?;
    let is_body = statement.child_by_field_name("body") == Some(block);
    let plain = parts(statement).iter().all(|it| matches!(it.kind(), "block" | "except_clause"));
    let safe = parts(block).iter().all(|it| cannot_fail(pass, *it));
    (is_body && plain && safe && statement.parent().is_some_and(is_list))
        .then(|| in_list(pass, statement, Some(block), &[]))
}

fn cannot_fail(pass: &Pass, statement: Node) -> bool {
    let is_value = |it: Node| pass.known(it).is_some_and(|it| it.effects.is_empty());
    match statement.kind() {
        "return_statement" => parts(statement).iter().all(|it| is_value(*it)),
        "pass_statement" => true,
        "expression_statement" => parts(statement).iter().all(|it| {
            is_value(*it)
                || it.kind() == "assignment"
                    && it.child_by_field_name("left").is_some_and(|it| it.kind() == "identifier")
                    && it.child_by_field_name("right").is_some_and(is_value)
        }),
        _ => false,
    }
}
