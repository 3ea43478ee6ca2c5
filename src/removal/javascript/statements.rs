//! Statements: the branch that stays, loops, `switch`, `try`, and what can no longer run.

use std::ops::Range;

use tree_sitter::Node;

use crate::removal::Edit;
use crate::removal::document::Change;
use crate::removal::known::Known;
use crate::removal::pass::{Mark, Pass};
use crate::removal::scopes::Binding;
use crate::removal::view::parts;

/// Whether statements follow each other in a node.
pub(super) fn is_list(node: Node) -> bool {
    matches!(
        node.kind(),
        "program" | "statement_block" | "switch_case" | "switch_default" | "class_static_block"
    )
}

pub(super) fn if_step(pass: &Pass, statement: Node, mark: &Mark) -> Option<Change> {
    let holds = mark.known.is_truthy(pass.language())?;
    let else_clause = statement.child_by_field_name("alternative");
    let consequence = statement.child_by_field_name("consequence");
    let otherwise = else_clause.and_then(|it| parts(it).last().copied());
    let (kept, dropped) = if holds { (consequence, otherwise) } else { (otherwise, consequence) };
    if dropped.is_some_and(|it| declares_for_others(pass, it)) {
        return None;
    }
    match statement.parent() {
        Some(parent) if parent.kind() == "else_clause" => {
            // The statement round it is decided too, and first.
            let outer = parent.parent().and_then(|it| it.child_by_field_name("condition"));
            if outer.is_some_and(|it| pass.marked(it).is_some()) {
                return None;
            }
            else_if(pass, parent, statement, kept, mark)
        }
        Some(parent) if is_list(parent) => Some(in_list(pass, statement, kept, &mark.effects)),
        _ if mark.effects.is_empty() => {
            let range = pass.doc.extent(statement);
            Some(match kept {
                Some(kept) => pass.doc.keep(&range, &pass.doc.extent(kept), ("", "")),
                None => Change::of([Edit { range, text: "{}".into() }]),
            })
        }
        _ => None,
    }
}

/// `else if (read) { a } else { b }`: the clause keeps one of them, or goes.
fn else_if(pass: &Pass, clause: Node, statement: Node, kept: Option<Node>, mark: &Mark) -> Option<Change> {
    mark.effects.is_empty().then_some(())?;
    let doc = pass.doc;
    let range = doc.extent(statement);
    let is_empty = |it: Node| it.kind() == "statement_block" && it.named_child_count() == 0;
    Some(match kept.filter(|it| !is_empty(*it)) {
        Some(kept) => {
            let change = doc.keep(&range, &doc.extent(kept), ("", ""));
            let after = ends_chain(clause, kept).and_then(|it| unreachable_after(pass, it));
            Change { edits: change.edits.into_iter().chain(after).collect(), ..change }
        }
        None => {
            let before = doc.text[..clause.start_byte()].trim_end().len();
            Change::of([Edit { range: before..doc.extent(clause).end, text: String::new() }])
        }
    })
}

/// The whole chain of `else if` that a clause ends, if nothing behind it runs once `kept` is its end.
fn ends_chain<'t>(clause: Node<'t>, kept: Node) -> Option<Node<'t>> {
    let mut statement = clause.parent()?;
    let mut ends = ends_here(kept);
    loop {
        ends &= statement.child_by_field_name("consequence").is_some_and(ends_here);
        match statement.parent().filter(|it| it.kind() == "else_clause") {
            Some(outer) => statement = outer.parent()?,
            None => return ends.then_some(statement),
        }
    }
}

/// A statement of a list, replaced by a branch of its own, after what had effects.
pub(super) fn in_list(pass: &Pass, statement: Node, kept: Option<Node>, effects: &[Range<usize>]) -> Change {
    let doc = pass.doc;
    let range = doc.extent(statement);
    let unreachable = || kept.filter(|it| ends_here(*it)).and_then(|_| unreachable_after(pass, statement));
    let is_needless = |it: Node| {
        let list = statement.parent().filter(|list| is_needless_end(it, *list));
        list.is_some_and(|it| parts(it).last() == Some(&statement))
            || list.is_some() && unreachable().is_some()
    };
    let kept_range = kept.and_then(|it| match it.kind() {
        "statement_block" if may_open(pass, statement, it) => without_end(pass, statement, it)
            .or_else(|| doc.content(it.start_byte() + 1..doc.extent(it).end - 1))
            .filter(|it| !it.is_empty()),
        "empty_statement" => None,
        _ if is_needless(it) => None,
        _ => Some(doc.extent(it)),
    });
    // What cannot run any more may hold the only name that a name of the block would meet.
    if let Some(block) = kept.filter(|it| it.kind() == "statement_block" && !may_open(pass, statement, *it))
        && effects.is_empty()
        && let Some(edit) = unreachable()
        && ends_here(block)
    {
        return Change::of([edit]);
    }
    let is_first = statement
        .parent()
        .is_some_and(|it| it.kind() == "statement_block" && parts(it).first() == Some(&statement));
    if kept_range.is_none()
        && effects.is_empty()
        && is_first
        && unreachable().is_some()
        && let Some(change) = statement.parent().and_then(|it| emptied(pass, it))
    {
        return change;
    }
    if !effects.is_empty() {
        let mut change = after_effects(pass, statement, kept_range, effects);
        if !change.edits.is_empty() {
            change.edits = Change::of(change.edits.into_iter().chain(unreachable())).edits;
        }
        change.claim = list_of(statement);
        return change;
    }
    let joined = kept_range.as_ref().and_then(|it| joined_to_declaration(pass, statement, kept?, it));
    let mut change = match kept_range {
        Some(_) if let Some(joined) = joined => joined,
        Some(kept_range) => {
            let ends = ends(pass, statement, &doc.text[kept_range.clone()]);
            doc.keep(&range, &kept_range, (&ends.0, &ends.1))
        }
        None => match ends(pass, statement, "") {
            (before, after) if before.is_empty() && after.is_empty() => delete(pass, statement),
            (before, after) => Change::of([Edit { range, text: before + &after }]),
        },
    };
    if let Some(edit) = unreachable() {
        change.edits = Change::of(change.edits.into_iter().chain([edit])).edits;
    }
    let declares = |it: Node| pass.scopes.declared_in(&it.byte_range()).next().is_some();
    if kept.is_some_and(declares) {
        change.claim = list_of(statement);
    }
    change
}

/// The deletion of a statement. Where a block would be empty, and its statement do nothing, that goes too.
pub(super) fn delete(pass: &Pass, statement: Node) -> Change {
    let doc = pass.doc;
    let whole = || Change::of([doc.delete(statement)]);
    let block = statement.parent().filter(|it| it.kind() == "statement_block");
    if let Some(block) = block.filter(|it| it.named_child_count() == 1) {
        return emptied(pass, block).unwrap_or_else(whole);
    }
    let mut change = whole();
    // Two deletions at once could empty the block.
    change.claim = block.map(|it| it.start_byte());
    change
}

/// `let size = 's'; if (read) { size = 'l'; }`: the declaration begins with what is assigned.
fn joined_to_declaration(pass: &Pass, statement: Node, kept: Node, range: &Range<usize>) -> Option<Change> {
    let doc = pass.doc;
    let first = if kept.kind() == "statement_block" { *parts(kept).first()? } else { kept };
    let assignment = first.named_child(0).filter(|it| it.kind() == "assignment_expression")?;
    let (left, right) = (assignment.child_by_field_name("left")?, assignment.child_by_field_name("right")?);
    let binding = pass.scopes.at(&left.byte_range()).filter(|_| left.kind() == "identifier")?;
    let declarator = pass.node(&binding.declaration).filter(|it| it.kind() == "variable_declarator")?;
    let declaration = declarator.parent().filter(|it| it.kind() == "lexical_declaration")?;
    let value = declarator.child_by_field_name("value");
    let own = right.byte_range();
    let fits = statement.prev_sibling() == Some(declaration)
        && parts(declaration).len() == 1
        && first.start_byte() == range.start
        && value.is_none_or(|it| pass.is_pure(it))
        && !binding.reads.iter().any(|it| own.start <= it.range.start && it.range.end <= own.end);
    fits.then_some(())?;
    let (from, lead) = match value {
        Some(value) => (value.start_byte(), ""),
        None => (declarator.end_byte(), " = "),
    };
    let last = ends(pass, statement, &doc.text[range.clone()]).1;
    let mut change = doc.keep(&(from..doc.extent(statement).end), &(own.start..range.end), (lead, &last));
    if binding.writes.len() == 1 && binding.again.is_empty() {
        change.edits.push(as_constant(declaration));
    }
    Some(Change::of(change.edits))
}

/// `let` that is never assigned to is `const`.
pub(super) fn as_constant(declaration: Node) -> Edit {
    let start = declaration.start_byte();
    Edit { range: start..start + "let".len(), text: "const".into() }
}

/// What goes together with the last statement of a block.
fn emptied(pass: &Pass, block: Node) -> Option<Change> {
    let doc = pass.doc;
    let owner = block.parent()?;
    match owner.kind() {
        "else_clause" => {
            let start = doc.text[..owner.start_byte()].trim_end().len();
            Some(Change::of([Edit { range: start..doc.extent(owner).end, text: String::new() }]))
        }
        "if_statement" if owner.child_by_field_name("consequence") == Some(block) => {
            let quiet = owner.child_by_field_name("condition").is_some_and(|it| pass.is_pure(it));
            let alone =
                owner.child_by_field_name("alternative").is_none() && owner.parent().is_some_and(is_list);
            (quiet && alone).then(|| delete(pass, owner))
        }
        "for_in_statement" => is_idle(pass, owner).then(|| delete(pass, owner)),
        "arrow_function" | "function_expression" => {
            let call = owner.parent()?.parent().filter(|it| it.kind() == "call_expression")?;
            let callee = call.child_by_field_name("function").map(|it| doc.of(it))?;
            let listens = ["useEffect", "useLayoutEffect", "useInsertionEffect", "onFeatureFlags"];
            let others = parts(call.child_by_field_name("arguments")?);
            let pure = others.iter().all(|it| *it == owner || pass.is_pure(*it));
            let is_listener = listens.contains(&callee.rsplit('.').next().unwrap_or_default());
            let statement = call.parent().filter(|it| it.kind() == "expression_statement")?;
            (pure && is_listener && statement.parent().is_some_and(is_list)).then(|| delete(pass, statement))
        }
        _ => None,
    }
}

/// Whether a loop without a body does nothing: what a call gave may be a generator.
fn is_idle(pass: &Pass, statement: Node) -> bool {
    let declares = statement.child_by_field_name("kind").is_some_and(|it| pass.doc.of(it) != "var");
    let waits =
        pass.doc.text[statement.start_byte()..].trim_start_matches("for").trim_start().starts_with("await");
    let is_quiet = statement.child_by_field_name("right").is_some_and(|it| {
        let binding = pass.scopes.at(&it.byte_range()).filter(|_| it.kind() == "identifier");
        let value =
            binding.and_then(|it| pass.node(&it.declaration)).and_then(|it| it.child_by_field_name("value"));
        pass.is_pure(it) && value.is_none_or(|it| pass.is_pure(it))
    });
    declares && !waits && is_quiet && statement.parent().is_some_and(is_list)
}

/// Whether a statement ends nothing but what ends here anyway: `return;` at the end of a function, `continue;` at that
/// of a loop.
fn is_needless_end(statement: Node, list: Node) -> bool {
    let is_bare = statement.named_child_count() == 0;
    let owner = list.parent().filter(|_| is_bare && list.kind() == "statement_block");
    owner.is_some_and(|owner| match statement.kind() {
        "return_statement" => owner.kind().contains("function") || owner.kind() == "method_definition",
        "continue_statement" => {
            matches!(owner.kind(), "for_statement" | "for_in_statement" | "while_statement")
        }
        _ => false,
    })
}

/// What a branch runs, without an end that is none where the statement stands.
fn without_end(pass: &Pass, statement: Node, kept: Node) -> Option<Range<usize>> {
    let list = statement.parent()?;
    let is_last = parts(list).last() == Some(&statement);
    let ends = if kept.kind() == "statement_block" { *parts(kept).last()? } else { kept };
    let ends_all = is_last || unreachable_after(pass, statement).is_some();
    (ends_all && is_needless_end(ends, list)).then_some(())?;
    let before = ends.prev_sibling().filter(|_| ends != kept)?;
    let open = kept.start_byte() + 1;
    let end = if before.kind() == "{" { open } else { before.end_byte() };
    Some(pass.doc.content(open..end).unwrap_or(open..open))
}

fn after_effects(
    pass: &Pass,
    statement: Node,
    kept: Option<Range<usize>>,
    effects: &[Range<usize>],
) -> Change {
    let doc = pass.doc;
    let range = doc.extent(statement);
    let indentation = doc.indentation(range.start).to_owned();
    let next = format!(";{}{indentation}", doc.line_break);
    let mut edits = Vec::new();
    let begins = effects.first().map_or("", |it| &doc.text[it.clone()]);
    let (mut at, mut text) = (range.start, ends(pass, statement, begins).0);
    for part in effects {
        edits.push(Edit { range: at..part.start, text: std::mem::replace(&mut text, next.clone()) });
        at = part.end;
    }
    match kept {
        Some(kept) => {
            edits.push(Edit { range: at..kept.start, text });
            let last = ends(pass, statement, &doc.text[kept.clone()]).1;
            edits.push(Edit { range: kept.end..range.end, text: last });
            let from = doc.indentation(kept.start).to_owned();
            edits.extend(doc.reindent(&kept, &from, &indentation));
        }
        None => edits.push(Edit { range: at..range.end, text: ";".into() }),
    }
    if edits.iter().any(|it| it.range.start > it.range.end) {
        return Change::default();
    }
    Change::of(edits)
}

/// Semicolons that a statement needs before and after, once its braces are gone: one that begins like the rest of an
/// expression is joined to the one before it, unless a semicolon stands between them.
pub(super) fn ends(pass: &Pass, statement: Node, text: &str) -> (String, String) {
    let doc = pass.doc;
    let goes_on = |it: &str| {
        it.starts_with(['(', '[', '`', '+', '-', '/', '<']) && !it.starts_with("//") && !it.starts_with("/*")
    };
    let before = beside(statement, |it| it.prev_named_sibling());
    let open_before = before.is_some_and(|it| {
        !doc.of(it).ends_with([';', '}']) || is_open_ended(doc.of(it), it) || has_open_block(pass, it)
    });
    let after = beside(statement, |it| it.next_named_sibling());
    let goes_on_after = after.is_some_and(|it| goes_on(doc.of(it)));
    let rest = doc.rest_of_line(doc.extent(statement).end);
    let same_line_after = !rest.is_empty() && !rest.starts_with(['}', ';', '/']);
    let ended = text.ends_with([';', '}']) || text.is_empty();
    let first = if open_before && goes_on(text) { ";" } else { "" };
    let comment = text.lines().last().is_some_and(|it| it.contains("//"));
    let needs_end = (goes_on_after && !text.ends_with(';') && (open_before || !text.is_empty()))
        || (same_line_after && !ended);
    let last = match (comment, needs_end) {
        // What follows must not become part of the comment.
        (true, _) if needs_end || !rest.is_empty() => {
            let end = if needs_end { ";" } else { "" };
            format!("{}{}{end}", doc.line_break, doc.indentation(statement.start_byte()))
        }
        (_, true) => ";".to_owned(),
        _ => String::new(),
    };
    (first.to_owned(), last)
}

/// `x = {}` without a semicolon goes on, `if (x) {}` does not.
fn is_open_ended(text: &str, statement: Node) -> bool {
    text.ends_with('}')
        && matches!(
            statement.kind(),
            "expression_statement"
                | "lexical_declaration"
                | "variable_declaration"
                | "return_statement"
                | "throw_statement"
                | "export_statement"
        )
}

/// Whether a block inside of a statement ends without a semicolon: its braces may go at the same time.
fn has_open_block(pass: &Pass, statement: Node) -> bool {
    let opens = |it: &Node| match it.kind() {
        "statement_block" | "switch_case" | "switch_default" => parts(*it)
            .last()
            .is_some_and(|it| !pass.doc.of(*it).ends_with([';', '}']) || has_open_block(pass, *it)),
        "if_statement" | "else_clause" | "switch_statement" | "switch_body" | "try_statement"
        | "do_statement" => has_open_block(pass, *it),
        _ => false,
    };
    matches!(
        statement.kind(),
        "if_statement"
            | "else_clause"
            | "switch_statement"
            | "switch_body"
            | "try_statement"
            | "do_statement"
    ) && parts(statement).iter().any(opens)
}

/// What two blocks may not do at once: give names to the same list of statements.
fn list_of(statement: Node) -> Option<usize> {
    statement.parent().map(|it| it.start_byte())
}

fn beside<'t>(node: Node<'t>, step: impl Fn(Node<'t>) -> Option<Node<'t>>) -> Option<Node<'t>> {
    let mut next = step(node);
    while let Some(it) = next.filter(|it| it.is_extra()) {
        next = step(it);
    }
    next
}

/// Whether the statements of a block may stand in the list round it: its names meet no others, and nothing ends with
/// the block.
fn may_open(pass: &Pass, statement: Node, block: Node) -> bool {
    let disposes = parts(block).iter().any(|it| {
        let text = pass.doc.of(*it);
        text.starts_with("using ") || text.starts_with("await using ")
    });
    let clashes = || {
        pass.scopes
            .declared_in(&block.byte_range())
            .any(|it| pass.scopes.would_clash(&pass.doc.text, it, &statement.byte_range()))
    };
    !disposes && !clashes()
}

/// Whether a branch declares what code outside of it uses.
fn declares_for_others(pass: &Pass, branch: Node) -> bool {
    declared_for_others(pass, branch).is_some()
}

/// A name that a branch declares and code outside of it uses.
fn declared_for_others<'p>(pass: &'p Pass, branch: Node) -> Option<&'p Binding> {
    let inside = |it: &Range<usize>| branch.start_byte() <= it.start && it.end <= branch.end_byte();
    pass.scopes.bindings.iter().find(|it| {
        inside(&it.name)
            && (it.reads.iter().any(|it| !inside(&it.range))
                || it.writes.iter().chain(&it.again).any(|it| !inside(it)))
    })
}

/// Why the branches of an `if` stay.
pub(super) fn why_not_if(pass: &Pass, statement: Node) -> String {
    let branches =
        [statement.child_by_field_name("consequence"), statement.child_by_field_name("alternative")];
    let shared = branches.into_iter().flatten().find_map(|it| declared_for_others(pass, it));
    match shared.map(|it| &pass.doc.text[it.name.clone()]) {
        Some(name) => format!("a branch declares '{name}', which the code outside of it uses"),
        None => "this condition has effects that must stay".into(),
    }
}

/// Whether nothing after a statement runs.
fn ends_here(node: Node) -> bool {
    match node.kind() {
        "return_statement" | "throw_statement" | "break_statement" | "continue_statement" => true,
        "statement_block" => parts(node).last().is_some_and(|it| ends_here(*it)),
        "if_statement" => {
            let branch = |it: Option<Node>| it.is_some_and(|it| ends_here(it));
            let otherwise = node.child_by_field_name("alternative").and_then(|it| parts(it).last().copied());
            branch(node.child_by_field_name("consequence")) && branch(otherwise)
        }
        _ => false,
    }
}

/// What can no longer run. Left alone when it declares something that earlier code may use.
fn unreachable_after(pass: &Pass, statement: Node) -> Option<Edit> {
    let list = statement.parent()?;
    if list.kind() == "program" {
        return None;
    }
    let all = parts(list);
    let at = all.iter().position(|it| *it == statement)?;
    let rest = &all[at + 1..];
    let (first, last) = (rest.first()?, rest.last()?);
    let range = first.start_byte()..last.end_byte();
    let inside = |it: &Range<usize>| range.start <= it.start && it.end <= range.end;
    let declares = pass.scopes.bindings.iter().any(|it| {
        inside(&it.name)
            && (it.reads.iter().any(|it| !inside(&it.range)) || it.again.iter().any(|it| !inside(it)))
    });
    let is_hoisted = rest.iter().any(|it| it.kind().contains("function"));
    if declares || is_hoisted {
        return None;
    }
    // Its comments go along.
    let begin = pass.doc.with_comments(*first).start.max(pass.doc.extent(statement).end);
    let before = pass.doc.text[..begin].trim_end_matches([' ', '\t', '\n', '\r']).len();
    let start = before.max(pass.doc.extent(statement).end);
    Some(Edit { range: start..pass.doc.extent(*last).end, text: String::new() })
}

/// `while (false)`, `for (; false;)`.
pub(super) fn loop_step(pass: &Pass, statement: Node, mark: &Mark) -> Option<Change> {
    // What has effects in the condition of a `while` runs once.
    let is_quiet = mark.effects.is_empty() || statement.kind() == "while_statement";
    let never = mark.known.is_truthy(pass.language()) == Some(false) && is_quiet;
    let begins = statement.child_by_field_name("initializer");
    let pure = begins.is_none_or(|it| {
        it.kind() == "empty_statement"
            || it.kind() == "lexical_declaration"
                && parts(it)
                    .iter()
                    .all(|it| it.child_by_field_name("value").is_none_or(|it| pass.is_pure(it)))
    });
    let listed = statement.parent().is_some_and(is_list);
    (never && pure && listed && !declares_for_others(pass, statement))
        .then(|| in_list(pass, statement, None, &mark.effects))
}

/// `do { ... } while (false)` runs once.
pub(super) fn do_step(pass: &Pass, statement: Node, mark: &Mark) -> Option<Change> {
    let once = mark.known.is_truthy(pass.language()) == Some(false) && mark.effects.is_empty();
    let body = statement.child_by_field_name("body").filter(|it| it.kind() == "statement_block")?;
    let listed = statement.parent().is_some_and(is_list);
    (once && listed && !jumps(body)).then(|| in_list(pass, statement, Some(body), &[]))
}

/// Whether `break` or `continue` stands inside that may mean the statement round it.
fn jumps(node: Node) -> bool {
    parts(node).into_iter().any(|it| match it.kind() {
        "break_statement" | "continue_statement" => true,
        kind if kind.contains("function") || kind == "class_declaration" => false,
        _ => jumps(it),
    })
}

/// Whether `break` stands inside that means the `switch` round it.
fn breaks(node: Node) -> bool {
    let is_own = matches!(
        node.kind(),
        "switch_statement" | "while_statement" | "do_statement" | "for_statement" | "for_in_statement"
    );
    !is_own && breaks_inside(node)
}

fn breaks_inside(node: Node) -> bool {
    parts(node).into_iter().any(|it| match it.kind() {
        "break_statement" => it.named_child_count() == 0,
        "switch_statement" | "while_statement" | "do_statement" | "for_statement" | "for_in_statement" => {
            false
        }
        kind if kind.contains("function") || kind == "class_declaration" => false,
        _ => breaks_inside(it),
    })
}

/// The case that fits, in place of the `switch`.
pub(super) fn switch_step(pass: &Pass, statement: Node, mark: &Mark) -> Option<Change> {
    let is_listed = statement.parent().is_some_and(is_list);
    (mark.effects.is_empty() && is_listed).then_some(())?;
    let cases = parts(statement.child_by_field_name("body")?);
    let nothing = || Some(in_list(pass, statement, None, &[]));
    let found = match fitting_case(pass, &cases, &mark.known)? {
        Some(found) => found,
        None if declares_for_others(pass, statement) => return None,
        None => return nothing(),
    };
    // `case 'a': case 'b': ...`
    let Some(at) = (found..cases.len()).find(|it| !case_body(cases[*it]).is_empty()) else {
        return nothing();
    };
    let case = Run::new(&case_body(cases[at]), at + 1 == cases.len())?;
    match (case.statements.first(), case.statements.last()) {
        (Some(first), Some(last)) => in_place_of_switch(pass, statement, &case, *first, *last),
        _ => nothing(),
    }
}

/// The number of the case that fits, the default one where none does; `None` where that cannot be told.
fn fitting_case(pass: &Pass, cases: &[Node], known: &Known) -> Option<Option<usize>> {
    for (at, case) in cases.iter().enumerate().filter(|(_, it)| it.kind() == "switch_case") {
        let value = pass.node(&case.child_by_field_name("value")?.byte_range())?;
        let value = pass.known(value).filter(|it| it.effects.is_empty())?;
        if known.equals(&value.known, false)? {
            return Some(Some(at));
        }
    }
    Some(cases.iter().position(|it| it.kind() == "switch_default"))
}

/// What runs where a case fits.
struct Run<'t> {
    statements: Vec<Node<'t>>,
    /// The block that holds all of it.
    block: Option<Node<'t>>,
    /// The `break` at its end.
    end: Option<Node<'t>>,
    /// Nothing after the `switch` runs.
    leaves: bool,
}

impl<'t> Run<'t> {
    /// `None` where the next case runs too, or a `break` stands in the middle.
    fn new(body: &[Node<'t>], is_last: bool) -> Option<Run<'t>> {
        let is_break = |it: &Node| it.kind() == "break_statement" && it.named_child_count() == 0;
        let (mut statements, mut end) = (body.to_vec(), None);
        if statements.last().is_some_and(is_break) {
            end = statements.pop();
        }
        let block = match statements[..] {
            [block] if block.kind() == "statement_block" => Some(block),
            _ => None,
        };
        if let Some(block) = block {
            statements = parts(block);
            if statements.last().is_some_and(is_break) {
                end = statements.pop();
            }
        }
        let leaves = statements.last().is_some_and(|it| ends_here(*it));
        let ends = end.is_some() || leaves || is_last;
        let breaks_inside = statements.iter().any(|it| breaks(*it) || is_break(it));
        (ends && !breaks_inside).then_some(Run { statements, block, end, leaves })
    }
}

fn in_place_of_switch(pass: &Pass, statement: Node, run: &Run, first: Node, last: Node) -> Option<Change> {
    let doc = pass.doc;
    let range = doc.extent(statement);
    let kept = comments_before(pass, first)..doc.extent(last).end;
    let inside = |it: &Range<usize>| kept.start <= it.start && it.end <= kept.end;
    let in_statement = |it: &Range<usize>| range.start <= it.start && it.end <= range.end;
    let dropped_is_used = pass.scopes.bindings.iter().any(|it| {
        in_statement(&it.name)
            && !inside(&it.name)
            && it.reads.iter().any(|it| inside(&it.range) || !in_statement(&it.range))
    });
    let scope = run.block.or_else(|| statement.child_by_field_name("body"))?;
    let clashes = pass.scopes.declared_in(&scope.byte_range()).filter(|it| inside(&it.name)).any(|it| {
        pass.scopes.would_clash(&doc.text, it, &range) || !it.reads.iter().all(|it| inside(&it.range))
    });
    let mut change = match (clashes, run.block) {
        _ if dropped_is_used => return None,
        (false, _) => {
            let ends = ends(pass, statement, &doc.text[kept.clone()]);
            doc.keep(&range, &kept, (&ends.0, &ends.1))
        }
        // The block keeps its names apart.
        (true, Some(block)) => {
            let mut change = doc.keep(&range, &doc.extent(block), ("", ""));
            let end = run
                .end
                .filter(|it| block.start_byte() <= it.start_byte() && it.end_byte() <= block.end_byte());
            if let Some(delete) = end.map(|it| doc.delete(it)) {
                let is_gone =
                    |it: &Edit| delete.range.start <= it.range.start && it.range.end <= delete.range.end;
                change.edits.retain(|it| !is_gone(it));
                change.edits.push(delete);
            }
            Change::of(change.edits)
        }
        (true, None) => return None,
    };
    if run.leaves
        && let Some(edit) = unreachable_after(pass, statement)
    {
        change = Change::of(change.edits.into_iter().chain([edit]));
    }
    change.claim = list_of(statement);
    Some(change)
}

fn case_body(case: Node) -> Vec<Node> {
    let value = case.child_by_field_name("value");
    parts(case).into_iter().filter(|it| Some(*it) != value).collect()
}

/// Where the comments above a statement begin that belong to it.
fn comments_before(pass: &Pass, node: Node) -> usize {
    let mut start = node.start_byte();
    let mut before = node.prev_sibling();
    while let Some(it) = before.filter(|it| it.is_extra() && pass.doc.begins_line(it.start_byte())) {
        start = it.start_byte();
        before = it.prev_sibling();
    }
    start
}

/// A known expression as a statement does nothing; what had effects stays.
pub(super) fn expression_step(pass: &Pass, statement: Node, mark: &Mark) -> Option<Change> {
    let listed = statement.parent().is_some_and(is_list);
    if !mark.effects.is_empty() {
        return Some(after_effects(pass, statement, None, &mark.effects));
    }
    match listed {
        true => Some(in_list(pass, statement, None, &[])),
        false => Some(Change::of([Edit { range: pass.doc.extent(statement), text: "{}".into() }])),
    }
}

/// `let on = false; on = read;` is `let on = read;`.
pub(super) fn assignment_step(pass: &Pass, assignment: Node, mark: &Mark) -> Option<Change> {
    let doc = pass.doc;
    let name = assignment.child_by_field_name("left").filter(|it| it.kind() == "identifier")?;
    let statement = assignment.parent().filter(|it| it.kind() == "expression_statement")?;
    let binding = pass.scopes.at(&name.byte_range())?;
    let declarator = pass.node(&binding.declaration).filter(|it| it.kind() == "variable_declarator")?;
    let declaration = declarator.parent()?;
    let first = declarator.child_by_field_name("value");
    let (Known::Json(_) | Known::Undefined, true) = (&mark.known, mark.effects.is_empty()) else {
        return None;
    };
    let literal = mark.known.literal(pass.language(), doc.quote)?;
    let is_alone = binding.writes.len() == 1
        && binding.again.is_empty()
        && parts(declaration).len() == 1
        && declaration.parent() == statement.parent()
        && binding.reads.iter().all(|it| it.range.start > statement.end_byte())
        && first.is_none_or(|it| pass.is_pure(it));
    is_alone.then_some(())?;
    let edit = match first {
        Some(first) => Edit { range: first.byte_range(), text: literal },
        None => Edit { range: declarator.end_byte()..declarator.end_byte(), text: format!(" = {literal}") },
    };
    let mut change = Change::of([edit, in_list(pass, statement, None, &[]).edits.first()?.clone()]);
    let lead = if first.is_some() { 0 } else { " = ".len() };
    change.known.push((0, lead, mark.known.clone()));
    Some(change)
}

/// A `try` in which nothing can fail any more.
pub(super) fn try_step(pass: &Pass, node: Node) -> Option<Change> {
    let mut at = node;
    let block = loop {
        let parent = at.parent()?;
        match parent.kind() {
            "statement_block" => break parent,
            kind if kind.contains("function") || kind == "if_statement" => return None,
            _ => at = parent,
        }
    };
    let statement = block.parent().filter(|it| it.kind() == "try_statement")?;
    let is_body = statement.child_by_field_name("body") == Some(block);
    let no_end = statement.child_by_field_name("finalizer").is_none();
    let safe = parts(block).iter().all(|it| cannot_fail(pass, *it));
    let listed = statement.parent().is_some_and(is_list);
    let handler = statement.child_by_field_name("handler");
    let dropped_is_used = handler.is_some_and(|it| declares_for_others(pass, it));
    (is_body && no_end && safe && listed && !dropped_is_used)
        .then(|| in_list(pass, statement, Some(block), &[]))
}

fn cannot_fail(pass: &Pass, statement: Node) -> bool {
    let is_value = |it: Node| pass.known(it).is_some_and(|it| it.effects.is_empty());
    match statement.kind() {
        "return_statement" => parts(statement).iter().all(|it| is_value(*it)),
        "expression_statement" => parts(statement).iter().all(|it| {
            is_value(*it)
                || it.kind() == "assignment_expression"
                    && it.child_by_field_name("left").is_some_and(|it| it.kind() == "identifier")
                    && it.child_by_field_name("right").is_some_and(is_value)
        }),
        "lexical_declaration" => parts(statement).iter().all(|it| {
            let plain = it.child_by_field_name("name").is_some_and(|it| it.kind() == "identifier");
            plain && it.child_by_field_name("value").is_none_or(is_value)
        }),
        _ => false,
    }
}
