//! TypeScript, TSX and JavaScript.

use std::ops::Range;

use tree_sitter::Node;

use super::{Code, Edit, Refusal, bare, refusal, root_of};

pub(super) fn remove(code: &Code, call: Node) -> Result<Vec<Edit>, Refusal> {
    let condition = bare(call, &["parenthesized_expression", "await_expression"]);
    let Some(parent) = condition.parent() else { return Err(refusal(call, "nothing is decided here")) };
    let is_condition = parent.child_by_field_name("condition") == Some(condition);
    match parent.kind() {
        "ternary_expression" if is_condition => ternary(code, parent),
        "if_statement" if is_condition => if_statement(code, parent),
        _ => Err(refusal(parent, why_not(code, parent))),
    }
}

fn why_not(code: &Code, parent: Node) -> String {
    let rule = "only a bare condition of if or ?: can be removed so far";
    match parent.kind() {
        "variable_declarator" => {
            let name = parent.child_by_field_name("name").map_or("a variable", |it| code.of(it));
            format!("its value is kept in {name}; {rule}")
        }
        "unary_expression" => format!("it is negated or converted; {rule}"),
        "binary_expression" => format!("it is one part of a larger condition; {rule}"),
        "return_statement" | "arrow_function" => format!("its value is returned; {rule}"),
        "arguments" => format!("its value is passed on; {rule}"),
        "while_statement" | "do_statement" | "for_statement" => format!("it decides a loop; {rule}"),
        "expression_statement" => format!("its value is not used here; {rule}"),
        _ => rule.to_owned(),
    }
}

fn ternary(code: &Code, ternary: Node) -> Result<Vec<Edit>, Refusal> {
    let field = if code.keep { "consequence" } else { "alternative" };
    let Some(kept) = ternary.child_by_field_name(field).filter(|_| !ternary.has_error()) else {
        return Err(refusal(ternary, "the code here has a syntax error"));
    };
    if let Some(child) = jsx_child(ternary) {
        return Ok(vec![in_jsx(code, child, kept)]);
    }
    let root = root_of(ternary);
    let mut text = code.reindent(
        root,
        kept.byte_range(),
        code.line_indentation(kept.start_byte()),
        code.line_indentation(ternary.start_byte()),
    );
    if needs_parentheses(ternary, kept) {
        text = format!("({text})");
    }
    if let Some(statement) = ternary.parent().filter(|it| it.kind() == "expression_statement") {
        text = on_its_own(code, statement, text);
    }
    Ok(vec![Edit { range: ternary.byte_range(), text }])
}

/// A kept object, function or class would be read as a block or a declaration where a statement or the body of
/// an arrow function begins.
fn needs_parentheses(ternary: Node, kept: Node) -> bool {
    if kept.kind() == "sequence_expression" {
        return true;
    }
    let mut node = ternary;
    while let Some(parent) = node.parent() {
        let begins = match parent.kind() {
            "expression_statement" => true,
            "arrow_function" => parent.child_by_field_name("body") == Some(node),
            "export_statement" => true,
            _ => false,
        };
        if begins {
            return matches!(leftmost(kept).kind(), "{" | "function" | "class" | "async" | "let");
        }
        if parent.start_byte() != ternary.start_byte() {
            return false;
        }
        node = parent;
    }
    false
}

fn leftmost(node: Node) -> Node {
    let mut node = node;
    while let Some(first) = node.child(0) {
        node = first;
    }
    node
}

/// `{read ? <A/> : <B/>}` between tags: the braces go when an element stays.
fn jsx_child(ternary: Node) -> Option<Node> {
    let mut node = ternary;
    while let Some(parent) = node.parent().filter(|it| it.kind() == "parenthesized_expression") {
        node = parent;
    }
    let braces = node.parent().filter(|it| it.kind() == "jsx_expression")?;
    let between_tags = |it: Node| matches!(it.kind(), "jsx_element" | "jsx_fragment");
    (braces.named_child_count() == 1 && braces.parent().is_some_and(between_tags)).then_some(braces)
}

fn in_jsx(code: &Code, braces: Node, kept: Node) -> Edit {
    let mut inner = kept;
    while inner.kind() == "parenthesized_expression" && inner.named_child_count() == 1 {
        match inner.named_child(0) {
            Some(it) => inner = it,
            None => break,
        }
    }
    if matches!(inner.kind(), "null" | "undefined" | "false" | "true") {
        // Between two texts the braces keep the line break from becoming a space.
        let is_text =
            |it: Option<Node>| it.is_some_and(|it| it.kind() == "jsx_text" && !code.of(it).trim().is_empty());
        if is_text(braces.prev_sibling()) && is_text(braces.next_sibling()) {
            return Edit { range: braces.byte_range(), text: "{null}".into() };
        }
        return code.delete(braces.byte_range());
    }
    let from = code.line_indentation(inner.start_byte());
    let to = code.line_indentation(braces.start_byte());
    let text = code.reindent(root_of(braces), inner.byte_range(), from, to);
    let is_element = matches!(inner.kind(), "jsx_element" | "jsx_self_closing_element" | "jsx_fragment");
    Edit { range: braces.byte_range(), text: if is_element { text } else { format!("{{{text}}}") } }
}

fn if_statement(code: &Code, statement: Node) -> Result<Vec<Edit>, Refusal> {
    if statement.has_error() {
        return Err(refusal(statement, "the code here has a syntax error"));
    }
    let consequence = statement.child_by_field_name("consequence");
    let else_clause = statement.child_by_field_name("alternative");
    let kept = if code.keep { consequence } else { else_clause.and_then(|it| last_named(it)) };
    let dropped = if code.keep { else_clause } else { consequence };
    if let Some(var) = dropped.and_then(|it| hoisted(it)) {
        return Err(refusal(
            var,
            format!("the branch that goes declares {}, which the code after it can see", code.of(var)),
        ));
    }
    match statement.parent() {
        Some(parent) if parent.kind() == "else_clause" => Ok(vec![else_if(code, parent, kept)]),
        Some(parent) if is_statement_list(parent) => Ok(in_list(code, statement, kept)),
        _ => {
            let text = kept.map_or_else(|| "{}".to_owned(), |it| code.text[extent(it)].to_owned());
            Ok(vec![Edit { range: extent(statement), text }])
        }
    }
}

/// `else if (read) { a } else { b }`: the clause keeps one of them, or goes.
fn else_if(code: &Code, else_clause: Node, kept: Option<Node>) -> Edit {
    let Some(kept) = kept else {
        let before = code.text[..else_clause.start_byte()].trim_end().len();
        return Edit { range: before..extent(else_clause).end, text: String::new() };
    };
    Edit { range: extent(else_clause), text: format!("else {}", &code.text[extent(kept)]) }
}

fn is_statement_list(node: Node) -> bool {
    matches!(
        node.kind(),
        "program" | "statement_block" | "switch_case" | "switch_default" | "class_static_block"
    )
}

fn in_list(code: &Code, statement: Node, kept: Option<Node>) -> Vec<Edit> {
    let mut edit = match kept {
        None => code.delete(extent(statement)),
        Some(block) if block.kind() == "statement_block" => unwrap_block(code, statement, block),
        Some(single) => {
            let from = code.line_indentation(single.start_byte());
            let to = code.line_indentation(statement.start_byte());
            let text = code.reindent(root_of(statement), extent(single), from, to);
            Edit { range: extent(statement), text }
        }
    };
    edit.text = on_its_own(code, statement, edit.text);
    if !edit.text.is_empty() {
        // A deletion takes its whole lines, but a semicolon needs its place on one.
        edit.range = extent(statement);
    }
    let unreachable = kept.filter(|it| ends_here(*it)).and_then(|_| unreachable_after(code, statement));
    [edit].into_iter().chain(unreachable).collect()
}

/// A node without the comments behind its end, which the grammar counts in after a closing brace.
fn extent(node: Node) -> Range<usize> {
    let mut end = node.end_byte();
    let mut last = Some(node);
    while let Some(it) = last {
        end = it.end_byte();
        let mut cursor = it.walk();
        last = it.children(&mut cursor).filter(|it| it.kind() != "comment").last();
    }
    node.start_byte()..end
}

/// A statement that begins like the rest of an expression is joined to the one before it, unless a semicolon
/// stands between them. The braces of the `if` kept them apart; here the semicolon does.
fn on_its_own(code: &Code, statement: Node, text: String) -> String {
    let goes_on = |it: &str| {
        it.starts_with(['(', '[', '`', '+', '-', '/', '<']) && !it.starts_with("//") && !it.starts_with("/*")
    };
    let before = beside(statement, Node::prev_named_sibling);
    let open_before = before.is_some_and(|it| !code.of(it).ends_with(';'));
    let after = beside(statement, Node::next_named_sibling);
    let goes_on_after = after.is_some_and(|it| goes_on(code.of(it)));
    let rest = code.line_rest(extent(statement).end);
    let same_line_after = !rest.is_empty() && !rest.starts_with(['}', ';', '/']);
    let ended = text.ends_with([';', '}']) || text.is_empty();
    let first = if open_before && goes_on(&text) { ";" } else { "" };
    let comment = text.lines().last().is_some_and(|it| it.contains("//"));
    let needs_end = (goes_on_after && !text.ends_with(';') && (open_before || !text.is_empty()))
        || (same_line_after && !ended);
    let last = match (comment, needs_end) {
        // What follows must not become part of the comment.
        (true, _) if needs_end || !rest.is_empty() => {
            let end = if needs_end { ";" } else { "" };
            format!("\n{}{end}", code.line_indentation(statement.start_byte()))
        }
        (_, true) => ";".to_owned(),
        _ => String::new(),
    };
    format!("{first}{text}{last}")
}

fn beside<'t>(node: Node<'t>, step: impl Fn(&Node<'t>) -> Option<Node<'t>>) -> Option<Node<'t>> {
    let mut next = step(&node);
    while let Some(it) = next.filter(|it| it.kind() == "comment") {
        next = step(&it);
    }
    next
}

/// The statements of a block in place of the `if`. The block stays when its names would meet others.
fn unwrap_block(code: &Code, statement: Node, block: Node) -> Edit {
    let names = block_scoped_names(block);
    if disposes(code, block) || names.iter().any(|name| is_used_outside(code, statement, block, name)) {
        return Edit { range: extent(statement), text: code.text[extent(block)].to_owned() };
    }
    let inner = block.start_byte() + 1..extent(block).end - 1;
    let content = code.text[inner.clone()].trim();
    if content.is_empty() {
        return code.delete(extent(statement));
    }
    let offset = code.text[inner.clone()].len() - code.text[inner.clone()].trim_start().len();
    let start = inner.start + offset;
    let range = start..start + content.len();
    let from = code.line_indentation(start);
    let to = code.line_indentation(statement.start_byte());
    Edit { range: extent(statement), text: code.reindent(root_of(block), range, from, to) }
}

/// What a block declares with `using` ends with the block.
fn disposes(code: &Code, block: Node) -> bool {
    let mut cursor = block.walk();
    block.named_children(&mut cursor).any(|it| {
        let text = code.of(it);
        text.starts_with("using ") || text.starts_with("await using ")
    })
}

/// Names whose scope is the block itself.
fn block_scoped_names(block: Node) -> Vec<Node> {
    let mut names = Vec::new();
    let mut cursor = block.walk();
    for statement in block.named_children(&mut cursor) {
        match statement.kind() {
            "lexical_declaration" => {
                let mut cursor = statement.walk();
                let declarators =
                    statement.named_children(&mut cursor).filter(|it| it.kind() == "variable_declarator");
                for pattern in declarators.filter_map(|it| it.child_by_field_name("name")) {
                    identifiers(pattern, &mut names);
                }
            }
            "function_declaration"
            | "generator_function_declaration"
            | "class_declaration"
            | "enum_declaration"
            | "interface_declaration"
            | "type_alias_declaration"
            | "abstract_class_declaration" => {
                names.extend(statement.child_by_field_name("name"));
            }
            _ => {}
        }
    }
    names
}

fn identifiers<'t>(pattern: Node<'t>, names: &mut Vec<Node<'t>>) {
    if matches!(pattern.kind(), "identifier" | "shorthand_property_identifier_pattern") {
        names.push(pattern);
        return;
    }
    let mut cursor = pattern.walk();
    for child in pattern.named_children(&mut cursor) {
        identifiers(child, names);
    }
}

/// Whether the same word stands in the scope round the `if`, outside of the block that stays.
fn is_used_outside(code: &Code, statement: Node, block: Node, name: &Node) -> bool {
    // Parameters and catch clauses stand outside of the block whose names they share.
    let Some(scope) =
        statement.parent().and_then(|it| if it.kind() == "program" { Some(it) } else { it.parent() })
    else {
        return true;
    };
    let word = code.of(*name);
    let dropped = extent(statement);
    let kept = extent(block);
    memchr::memmem::find_iter(code.of(scope).as_bytes(), word.as_bytes())
        .map(|it| scope.start_byte() + it)
        .any(|at| !dropped.contains(&at) && !kept.contains(&at) && is_whole_word(code.text, at, word))
}

fn is_whole_word(text: &str, at: usize, word: &str) -> bool {
    let is_word = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
    !text[..at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word)
}

/// A `var` or function declaration that code outside of the branch can see.
fn hoisted(branch: Node) -> Option<Node> {
    let mut stack = vec![branch];
    while let Some(node) = stack.pop() {
        match node.kind() {
            "variable_declaration" => {
                return node.named_child(0)?.child_by_field_name("name").or(Some(node));
            }
            "for_in_statement" if node.child_by_field_name("kind").is_some_and(|it| it.kind() == "var") => {
                return node.child_by_field_name("left").or(Some(node));
            }
            "function_declaration"
            | "generator_function_declaration"
            | "function_expression"
            | "arrow_function"
            | "method_definition"
            | "class_declaration"
            | "class" => continue,
            _ => {}
        }
        let mut cursor = node.walk();
        stack.extend(node.named_children(&mut cursor));
    }
    None
}

/// Whether nothing after this statement runs.
fn ends_here(node: Node) -> bool {
    match node.kind() {
        "return_statement" | "throw_statement" | "break_statement" | "continue_statement" => true,
        "statement_block" => last_statement(node).is_some_and(ends_here),
        _ => false,
    }
}

fn last_statement(block: Node) -> Option<Node> {
    let mut cursor = block.walk();
    block.named_children(&mut cursor).filter(|it| it.kind() != "comment").last()
}

fn last_named(node: Node) -> Option<Node> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|it| it.kind() != "comment").last()
}

/// What can no longer run. Left alone when it declares something that earlier code may call.
fn unreachable_after(code: &Code, statement: Node) -> Option<Edit> {
    let mut siblings = Vec::new();
    let mut next = beside(statement, Node::next_named_sibling);
    while let Some(it) = next {
        siblings.push(it);
        next = beside(it, Node::next_named_sibling);
    }
    let declares = |it: &Node| {
        hoisted(*it).is_some() || it.kind().contains("declaration") && it.kind() != "lexical_declaration"
    };
    if siblings.iter().any(declares) || statement.parent().is_some_and(|it| it.kind() == "program") {
        return None;
    }
    let (first, last) = (siblings.first()?, siblings.last()?);
    let Range { start, end } = first.start_byte()..last.end_byte();
    let before = code.text[..start].trim_end_matches([' ', '\t', '\n', '\r']).len();
    Some(Edit { range: before.max(extent(statement).end)..end, text: String::new() })
}
