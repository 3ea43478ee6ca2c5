//! What a selection means: whole statements, whole children of an element, or one expression.

use std::ops::Range;

use tree_sitter::Node;

use super::file::{File, ancestors};
use crate::removal::{Refusal, named};

/// What is wrapped.
#[derive(Debug, Clone)]
pub(super) enum Target<'t> {
    /// Siblings in a block, comments included.
    Statements(Vec<Node<'t>>),
    /// Siblings between the tags of an element, comments included.
    Children(Vec<Node<'t>>),
    /// One expression.
    Expression(Node<'t>),
    /// Nothing yet, in an empty line of a block or an element.
    Nothing { at: usize, inside: Node<'t> },
}

impl<'t> Target<'t> {
    /// The nodes that are wrapped.
    pub(super) fn nodes(&self) -> Vec<Node<'t>> {
        match self {
            Target::Statements(all) | Target::Children(all) => all.clone(),
            Target::Expression(one) => vec![*one],
            Target::Nothing { .. } => Vec::new(),
        }
    }

    /// Where it stands, without white space round it.
    pub(super) fn range(&self, file: &File) -> Range<usize> {
        if let Target::Nothing { at, .. } = self {
            return *at..*at;
        }
        let nodes = self.nodes();
        let start = nodes.first().map_or(0, Node::start_byte);
        let end = nodes.last().map_or(start, Node::end_byte);
        trimmed(file.text, start..end)
    }

    /// The node that it stands in.
    pub(super) fn around(&self) -> Option<Node<'t>> {
        match self {
            Target::Nothing { inside, .. } => Some(*inside),
            _ => self.first_code()?.parent(),
        }
    }

    /// The first node that is no comment; in Python comments may stand outside of the block.
    pub(super) fn first_code(&self) -> Option<Node<'t>> {
        let nodes = self.nodes();
        nodes.iter().find(|it| it.kind() != "comment").or(nodes.first()).copied()
    }
}

/// Brings a selection to whole nodes.
pub(super) fn target<'t>(file: &File<'t>, selection: Range<usize>) -> Result<Target<'t>, Refusal> {
    let end = file.text.floor_char_boundary(selection.end.min(file.text.len()));
    let start = file.text.floor_char_boundary(selection.start.min(end));
    let range = trimmed(file.text, start..end);
    // A semicolon before a statement ends the one above.
    let is_led = !file.is_python() && file.text[range.clone()].starts_with(';') && range.len() > 1;
    let range = if is_led { trimmed(file.text, range.start + 1..range.end) } else { range };
    let target = match range.is_empty() {
        true => at_cursor(file, start),
        false if file.is_python() => with_comments(file, range),
        false => selected(file, range),
    };
    target.map(without_break)
}

/// The `break` that ends a case stays outside: without the flag the next case would be run.
fn without_break(target: Target) -> Target {
    let Target::Statements(mut all) = target else { return target };
    let last = all.iter().rposition(|it| it.kind() != "comment");
    let ends_case =
        |it: Node| it.kind() == "break_statement" && it.named_child(0).is_none() && case_of(it).is_some();
    if let Some(last) =
        last.filter(|it| ends_case(all[*it]) && all[..*it].iter().any(|it| it.kind() != "comment"))
    {
        all.truncate(last);
    }
    Target::Statements(all)
}

/// The case that a statement belongs to, itself or in the block that the case is.
pub(super) fn case_of(statement: Node) -> Option<Node> {
    let parent = statement.parent()?;
    let list = if parent.kind() == "statement_block" { parent.parent()? } else { parent };
    matches!(list.kind(), "switch_case" | "switch_default").then_some(list)
}

/// In Python comments at the ends of a block may stand outside of it.
fn with_comments<'t>(file: &File<'t>, range: Range<usize>) -> Result<Target<'t>, Refusal> {
    let root = file.tree.root_node();
    let comment = |at: usize| {
        let node = root.descendant_for_byte_range(at, at + 1).filter(|it| it.kind() == "comment");
        node.filter(|it| range.start <= it.start_byte() && it.end_byte() <= range.end)
    };
    let (mut inner, mut before, mut behind) = (range.clone(), Vec::new(), Vec::new());
    while let Some(it) = comment(inner.start).filter(|it| it.end_byte() < inner.end) {
        before.push(it);
        inner = trimmed(file.text, it.end_byte()..inner.end);
    }
    while let Some(it) = comment(inner.end - 1).filter(|it| inner.start < it.start_byte()) {
        behind.insert(0, it);
        inner = trimmed(file.text, inner.start..it.start_byte());
    }
    Ok(match selected(file, inner)? {
        Target::Statements(all) => Target::Statements([before, all, behind].concat()),
        target if before.is_empty() && behind.is_empty() => target,
        _ => return Err(partial(file, range)),
    })
}

/// A range without the white space at its ends.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}

fn selected<'t>(file: &File<'t>, range: Range<usize>) -> Result<Target<'t>, Refusal> {
    let root = file.tree.root_node();
    let Some(smallest) = root.named_descendant_for_byte_range(range.start, range.end) else {
        return Err(partial(file, range));
    };
    let is_whole =
        |it: &Node| trimmed(file.text, it.byte_range()) == range || is_but_semicolon(file, *it, &range);
    // The outermost with this range says most.
    let whole: Vec<Node> = ancestors(smallest).take_while(is_whole).collect();
    if let Some(statement) = whole.iter().find(|it| is_statement(**it)) {
        return Ok(Target::Statements(vec![*statement]));
    }
    if let Some(value) = whole.iter().find_map(|it| value_of_attribute(*it)) {
        return Ok(Target::Expression(value));
    }
    if let Some(child) = whole.iter().find(|it| is_child(**it)) {
        if [child.prev_sibling(), child.next_sibling()]
            .into_iter()
            .flatten()
            .any(|it| is_one_text(*child, it))
        {
            return Err(file.refuse(range, PART_OF_TEXT));
        }
        return Ok(Target::Children(vec![*child]));
    }
    // A block with its braces means what is in it.
    let block = whole.iter().find(|it| it.kind() == "statement_block").map(|it| named(*it));
    if let Some(statements) = block.filter(|it| !it.is_empty()) {
        return Ok(Target::Statements(statements));
    }
    if let Some(expression) = whole.iter().rev().find(|it| is_expression(file, **it)) {
        return Ok(Target::Expression(*expression));
    }
    let container = whole.last().copied().unwrap_or(smallest);
    let of_list = siblings(file, container, &range).filter(|it| !it.is_empty());
    match of_list {
        Some(nodes) if is_element(container) => Ok(Target::Children(nodes)),
        Some(nodes) if is_list(container) => Ok(Target::Statements(nodes)),
        _ => Err(whole
            .last()
            .map_or_else(|| partial(file, range.clone()), |it| file.refuse(range.clone(), unwrappable(*it)))),
    }
}

pub(super) const PART_OF_TYPE: &str =
    "the selection is part of a type, which is not there when the code runs";
const PART_OF_TEXT: &str = "the selection is part of a text between tags; select the text from tag to tag, or give these words tags of their own";

/// The value between the braces of an attribute.
fn value_of_attribute(braces: Node) -> Option<Node> {
    let is_value = braces.kind() == "jsx_expression" && braces.parent()?.kind() == "jsx_attribute";
    match named(braces)[..] {
        [value] if is_value && !value.is_extra() => Some(value),
        _ => None,
    }
}

/// Whether two children are one text, of which one part is written `&nbsp;`.
fn is_one_text(a: Node, b: Node) -> bool {
    let is_text = |it: Node| matches!(it.kind(), "jsx_text" | "html_character_reference");
    is_text(a) && is_text(b)
}

/// A statement that is selected up to its semicolon.
fn is_but_semicolon(file: &File, node: Node, range: &Range<usize>) -> bool {
    node.start_byte() == range.start
        && range.end < node.end_byte()
        && file.text[range.end..node.end_byte()].trim() == ";"
}

/// The children of a node that a range covers, if it covers each wholly or not at all.
fn siblings<'t>(file: &File, node: Node<'t>, range: &Range<usize>) -> Option<Vec<Node<'t>>> {
    let mut covered = Vec::new();
    for child in list_of(node) {
        let own = trimmed(file.text, child.byte_range());
        if own.is_empty() || own.end <= range.start || range.end <= own.start {
            continue;
        }
        let reaches_end = own.end <= range.end || is_but_semicolon(file, child, &(own.start..range.end));
        if range.start > own.start || !reaches_end {
            return None;
        }
        covered.push(child);
    }
    let starts = covered.first().is_some_and(|it| trimmed(file.text, it.byte_range()).start == range.start);
    starts.then_some(covered)
}

/// The nodes of a list of statements or children.
fn list_of(node: Node) -> Vec<Node> {
    let edges = ["open_tag", "close_tag", "value"].map(|it| node.child_by_field_name(it));
    let mut all = named(node);
    all.retain(|it| !edges.contains(&Some(*it)));
    all
}

/// The innermost statement or element at the cursor, or an empty line.
fn at_cursor<'t>(file: &File<'t>, cursor: usize) -> Result<Target<'t>, Refusal> {
    let root = file.tree.root_node();
    let line = trimmed(file.text, file.line_start(cursor)..file.line_end(cursor));
    let at = cursor.clamp(line.start, line.end.max(line.start));
    let at = if line.is_empty() { cursor } else { at };
    let touched = root.descendant_for_byte_range(at, at);
    if line.is_empty() {
        return empty_line(file, cursor, touched.unwrap_or(root));
    }
    // Behind the last character of something, it is meant.
    let before = at.checked_sub(1).filter(|it| *it >= line.start && file.text.is_char_boundary(*it));
    let before = before.and_then(|it| root.descendant_for_byte_range(it, it));
    let found = |node: Node<'t>| {
        let is_wanted = |it: &Node| is_statement(*it) || is_jsx(*it) && is_usable_element(file, *it);
        let found = ancestors(node).find(is_wanted)?;
        let is_on_line = found.start_byte() <= line.end && line.start <= found.end_byte();
        is_on_line.then(|| decorated(found))
    };
    let innermost =
        [touched, before].into_iter().flatten().filter_map(found).min_by_key(|it| it.byte_range().len());
    if let Some(found) = innermost {
        return Ok(match found {
            it if is_statement(it) => Target::Statements(vec![it]),
            it if is_child(it) => Target::Children(vec![it]),
            it => Target::Expression(it),
        });
    }
    Err(file.refuse(cursor..cursor, "there is no statement or element at the cursor"))
}

fn empty_line<'t>(file: &File<'t>, cursor: usize, touched: Node<'t>) -> Result<Target<'t>, Refusal> {
    let inside = ancestors(touched).find(|it| it.kind() != "jsx_text").unwrap_or(touched);
    let is_text = ["string", "template_string", "comment"].contains(&inside.kind()) || touched.is_error();
    if (is_list(inside) || is_element(inside)) && !is_text && !file.is_in_string(cursor) {
        return Ok(Target::Nothing { at: cursor, inside });
    }
    // In Python a block ends with its last statement.
    let block = ancestors(touched).find(|it| is_list(*it)).filter(|_| file.is_python());
    match block.filter(|_| !file.is_in_string(cursor)) {
        Some(inside) => Ok(Target::Nothing { at: cursor, inside }),
        None => Err(file.refuse(cursor..cursor, "there is no statement or element at the cursor")),
    }
}

/// A decorator stays with its function.
fn decorated(node: Node) -> Node {
    node.parent().filter(|it| it.kind() == "decorated_definition").unwrap_or(node)
}

fn partial(file: &File, range: Range<usize>) -> Refusal {
    let node = file.tree.root_node().descendant_for_byte_range(range.start, range.end);
    let kind = node.map_or("", |it| it.kind());
    let reason = match kind {
        "comment" => "the selection is part of a comment",
        "string" | "string_fragment" | "string_content" | "template_string" => {
            "the selection is part of a string; select the whole string"
        }
        "jsx_text" => PART_OF_TEXT,
        _ if node.is_some_and(is_of_type) => PART_OF_TYPE,
        _ => "the selection cuts through the code; select whole statements, whole elements or one expression",
    };
    file.refuse(range, reason)
}

/// Why a node can not be wrapped, although all of it is selected.
fn unwrappable(node: Node) -> String {
    if ancestors(node).any(is_of_type) {
        return PART_OF_TYPE.into();
    }
    match node.kind() {
        "comment" => "only a comment is selected".into(),
        "string_fragment" | "string_content" => {
            "the selection is part of a string; select the whole string".into()
        }
        "jsx_attribute" => "an attribute cannot stand in a condition; select its value".into(),
        "switch_case" | "switch_default" | "case_clause" => {
            "a case cannot stand in a condition; select the statements in it".into()
        }
        "elif_clause" | "else_clause" | "except_clause" | "finally_clause" | "catch_clause" => {
            let name = node.kind().trim_end_matches("_clause");
            format!("'{name}' belongs to the statement above it; select all of that")
        }
        "method_definition" | "public_field_definition" | "abstract_method_signature" => {
            "members of a class cannot stand in a condition; select the statements in them".into()
        }
        "function_definition" | "class_definition" => "its decorators belong to it; select them too".into(),
        "decorator" => "a decorator cannot stand in a condition".into(),
        "import_specifier" | "import_clause" | "named_imports" => {
            "imports cannot stand in a condition".into()
        }
        "spread_element" => "a spread cannot stand in a condition; select what is spread".into(),
        it if it.ends_with("_statement") || it.ends_with("_declaration") => {
            "this statement has no braces round it; give it some first".into()
        }
        "sequence_expression" => "several expressions are selected; select one".into(),
        _ => "this cannot stand in a condition; select whole statements, whole elements or one expression"
            .into(),
    }
}

pub(super) fn is_of_type(node: Node) -> bool {
    matches!(
        node.kind(),
        "type_annotation"
            | "type_arguments"
            | "type_parameters"
            | "type_alias_declaration"
            | "interface_body"
            | "object_type"
            | "union_type"
            | "predefined_type"
            | "type_identifier"
            | "literal_type"
            | "function_type"
            | "type"
    )
}

/// A list of statements.
pub(super) fn is_list(node: Node) -> bool {
    matches!(
        node.kind(),
        "program" | "statement_block" | "switch_case" | "switch_default" | "module" | "block"
    )
}

/// An element with children.
pub(super) fn is_element(node: Node) -> bool {
    node.kind() == "jsx_element"
}

/// An element or fragment.
pub(super) fn is_jsx(node: Node) -> bool {
    matches!(node.kind(), "jsx_element" | "jsx_self_closing_element")
}

/// A whole statement of a list.
pub(super) fn is_statement(node: Node) -> bool {
    let is_value = |parent: Node| parent.child_by_field_name("value") == Some(node);
    let is_kind = node.is_named() && node.kind() != "comment" && node.kind() != "jsx_text";
    is_kind && node.parent().is_some_and(|it| is_list(it) && !is_value(it))
}

/// A child between the tags of an element.
pub(super) fn is_child(node: Node) -> bool {
    let is_edge = |parent: Node| {
        ["open_tag", "close_tag"].iter().any(|it| parent.child_by_field_name(it) == Some(node))
    };
    node.is_named() && node.parent().is_some_and(|it| is_element(it) && !is_edge(it))
}

/// An element that is a child, or may be wrapped as an expression.
fn is_usable_element(file: &File, node: Node) -> bool {
    is_child(node) || super::position::position(file, node).is_ok()
}

fn is_expression(file: &File, node: Node) -> bool {
    if file.is_python() {
        return matches!(
            node.kind(),
            "identifier"
                | "string"
                | "concatenated_string"
                | "integer"
                | "float"
                | "true"
                | "false"
                | "none"
                | "list"
                | "dictionary"
                | "set"
                | "tuple"
                | "call"
                | "attribute"
                | "subscript"
                | "lambda"
                | "await"
                | "yield"
                | "list_comprehension"
                | "set_comprehension"
                | "dictionary_comprehension"
                | "generator_expression"
                | "conditional_expression"
                | "boolean_operator"
                | "not_operator"
                | "comparison_operator"
                | "binary_operator"
                | "unary_operator"
                | "parenthesized_expression"
                | "named_expression"
        );
    }
    match node.kind() {
        "jsx_expression" | "sequence_expression" => false,
        "identifier"
        | "string"
        | "template_string"
        | "number"
        | "true"
        | "false"
        | "null"
        | "undefined"
        | "this"
        | "object"
        | "array"
        | "arrow_function"
        | "generator_function"
        | "class"
        | "regex"
        | "jsx_element"
        | "jsx_self_closing_element" => true,
        kind => kind.ends_with("_expression"),
    }
}
