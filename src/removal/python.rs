//! Python.

use tree_sitter::Node;

use super::{Code, Edit, Refusal, bare, refusal, root_of};

pub(super) fn remove(code: &Code, call: Node) -> Result<Vec<Edit>, Refusal> {
    let condition = bare(call, &["parenthesized_expression", "await"]);
    let Some(parent) = condition.parent() else { return Err(refusal(call, "nothing is decided here")) };
    let is_condition = parent.child_by_field_name("condition") == Some(condition);
    match parent.kind() {
        _ if parent.has_error() => Err(refusal(parent, "the code here has a syntax error")),
        "if_statement" if is_condition => if_statement(code, parent),
        "elif_clause" if is_condition => elif_clause(code, parent),
        "conditional_expression" if operand(parent, 1) == Some(condition) => conditional(code, parent),
        _ => Err(refusal(parent, why_not(code, parent))),
    }
}

fn why_not(code: &Code, parent: Node) -> String {
    let rule = "only a bare condition of if, elif or a conditional expression can be removed so far";
    match parent.kind() {
        "assignment" => {
            let name = parent.child_by_field_name("left").map_or("a variable", |it| code.of(it));
            format!("its value is kept in {name}; {rule}")
        }
        "named_expression" => format!("its value is kept in a variable; {rule}"),
        "not_operator" => format!("it is negated; {rule}"),
        "boolean_operator" | "comparison_operator" => format!("it is one part of a larger condition; {rule}"),
        "return_statement" => format!("its value is returned; {rule}"),
        "argument_list" | "keyword_argument" => format!("its value is passed on; {rule}"),
        "while_statement" => format!("it decides a loop; {rule}"),
        "expression_statement" => format!("its value is not used here; {rule}"),
        _ => rule.to_owned(),
    }
}

fn conditional(code: &Code, conditional: Node) -> Result<Vec<Edit>, Refusal> {
    let Some(kept) = operand(conditional, if code.keep { 0 } else { 2 }) else {
        return Err(refusal(conditional, "the code here has a syntax error"));
    };
    Ok(vec![Edit { range: conditional.byte_range(), text: code.of(kept).to_owned() }])
}

/// Python's grammar names no fields here: value, condition, other value; comments may stand between.
fn operand(conditional: Node, number: usize) -> Option<Node> {
    let mut cursor = conditional.walk();
    conditional.named_children(&mut cursor).filter(|it| it.kind() != "comment").nth(number)
}

fn if_statement(code: &Code, statement: Node) -> Result<Vec<Edit>, Refusal> {
    if code.keep {
        let body = statement.child_by_field_name("consequence");
        return Ok(in_place_of(code, statement, body));
    }
    let mut cursor = statement.walk();
    let mut alternatives = statement.children_by_field_name("alternative", &mut cursor);
    match alternatives.next() {
        None => Ok(in_place_of(code, statement, None)),
        Some(next) if next.kind() == "elif_clause" => {
            let range = statement.start_byte()..next.start_byte() + "elif".len();
            Ok(vec![Edit { range, text: "if".into() }])
        }
        Some(next) => Ok(in_place_of(code, statement, next.child_by_field_name("body"))),
    }
}

fn elif_clause(code: &Code, clause: Node) -> Result<Vec<Edit>, Refusal> {
    let (Some(statement), Some(body)) = (clause.parent(), clause.child_by_field_name("consequence")) else {
        return Err(refusal(clause, "the code here has a syntax error"));
    };
    if code.keep {
        // From the keyword to the colon becomes `else:`; what comes after this clause is never reached.
        let mut cursor = clause.walk();
        let colon = clause.children(&mut cursor).find(|it| it.kind() == ":");
        let Some(colon) = colon else { return Err(refusal(clause, "the code here has a syntax error")) };
        let mut edits = vec![Edit { range: clause.start_byte()..colon.start_byte(), text: "else".into() }];
        let end = statement.end_byte();
        if body.end_byte() < end {
            edits.push(Edit { range: body.end_byte()..end, text: String::new() });
        }
        return Ok(edits);
    }
    let next = clause.next_named_sibling().filter(|it| it.kind() != "comment");
    let edit = match next {
        Some(next) => Edit { range: clause.start_byte()..next.start_byte(), text: String::new() },
        None => {
            let before = code.text[..clause.start_byte()].trim_end().len();
            Edit { range: before..clause.end_byte(), text: String::new() }
        }
    };
    Ok(vec![edit])
}

/// Puts the statements of `body` in place of a whole statement; `None` deletes it.
fn in_place_of(code: &Code, statement: Node, body: Option<Node>) -> Vec<Edit> {
    let Some(body) = body else {
        let alone = statement.parent().is_some_and(|it| it.kind() == "block" && statements(it) == 1);
        return vec![match alone {
            true => Edit { range: statement.byte_range(), text: "pass".into() },
            false => code.delete(statement.byte_range()),
        }];
    };
    let start = first_line_of(code, statement, body);
    let root = root_of(statement);
    let (from, to) = (code.line_indentation(start), code.line_indentation(statement.start_byte()));
    let text = code.reindent(root, start..body.end_byte(), from, to);
    let mut edits = vec![Edit { range: statement.byte_range(), text }];
    if ends_here(body) {
        edits.extend(unreachable_after(code, statement));
    }
    edits
}

/// Comments between the colon and the first statement belong to the body, though the tree puts them outside.
fn first_line_of(code: &Code, statement: Node, body: Node) -> usize {
    let header = &code.text[statement.start_byte()..body.start_byte()];
    let mut start = body.start_byte();
    let mut lines: Vec<&str> = header.split_inclusive('\n').collect();
    lines.pop();
    let mut at = code.line_start(body.start_byte());
    while let Some(line) = lines.pop().filter(|it| it.trim_start().starts_with('#')) {
        at -= line.len();
        start = at + line.len() - line.trim_start().len();
    }
    start
}

fn statements(block: Node) -> usize {
    let mut cursor = block.walk();
    block.named_children(&mut cursor).filter(|it| it.kind() != "comment").count()
}

fn ends_here(block: Node) -> bool {
    let mut cursor = block.walk();
    let last = block.named_children(&mut cursor).filter(|it| it.kind() != "comment").last();
    last.is_some_and(|it| {
        matches!(it.kind(), "return_statement" | "raise_statement" | "break_statement" | "continue_statement")
    })
}

/// What can no longer run, in a function or loop. A `yield` there still makes its function a generator.
fn unreachable_after(code: &Code, statement: Node) -> Option<Edit> {
    let block = statement.parent().filter(|it| it.kind() == "block")?;
    let mut cursor = block.walk();
    let code_after = |it: &Node| it.start_byte() >= statement.end_byte() && it.kind() != "comment";
    let unreachable: Vec<Node> = block.named_children(&mut cursor).filter(code_after).collect();
    let (first, end) = (unreachable.first()?, unreachable.last()?.end_byte());
    if contains_yield(block, first.start_byte()) {
        return None;
    }
    let before = code.text[..first.start_byte()].trim_end().len();
    Some(Edit { range: before.max(statement.end_byte())..end, text: String::new() })
}

fn contains_yield(block: Node, after: usize) -> bool {
    let mut stack = vec![block];
    while let Some(node) = stack.pop() {
        if node.kind() == "yield" && node.start_byte() >= after {
            return true;
        }
        let mut cursor = node.walk();
        stack.extend(node.named_children(&mut cursor).filter(|it| it.end_byte() > after));
    }
    false
}
