//! How a file is written: quotes, semicolons, indentation, line ends.

use std::collections::BTreeMap;
use std::ops::Range;

use tree_sitter::{Node, Tree};

use crate::removal::named;
use crate::syntax::Language;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Style {
    /// The quote of strings.
    pub(super) quote: char,
    /// `;`, or nothing.
    pub(super) end: &'static str,
    /// One step of indentation.
    pub(super) unit: String,
    /// `\n` or `\r\n`.
    pub(super) line_end: &'static str,
}

impl Style {
    pub(super) fn of(language: Language, text: &str, tree: &Tree) -> Style {
        let is_python = language == Language::Python;
        let (mut single, mut double) = (0, 0);
        let (mut ended, mut open, mut needless) = (0, 0, 0);
        let mut apart: Vec<Range<usize>> = Vec::new();
        let mut stack = vec![tree.root_node()];
        while let Some(node) = stack.pop() {
            let is_apart = matches!(node.kind(), "string" | "template_string" | "comment");
            if is_apart && node.start_position().row < node.end_position().row {
                apart.push(node.byte_range());
            }
            match node.kind() {
                // Attributes have quotes of their own.
                "string" if node.parent().is_none_or(|it| it.kind() != "jsx_attribute") => {
                    let written = &text[node.byte_range()];
                    single += usize::from(written.starts_with('\''));
                    double += usize::from(written.starts_with('"') && !written.starts_with("\"\"\""));
                }
                "expression_statement"
                | "lexical_declaration"
                | "return_statement"
                | "import_statement"
                | "throw_statement"
                | "break_statement"
                | "type_alias_declaration"
                | "variable_declaration" => match text[node.byte_range()].ends_with(';') {
                    true => ended += 1,
                    false if is_before_brace(text, &node) => needless += 1,
                    false => open += 1,
                },
                _ => {}
            }
            stack.extend(named(node));
        }
        let default = if is_python { "    " } else { "  " };
        let quote = match single.cmp(&double) {
            std::cmp::Ordering::Greater => '\'',
            std::cmp::Ordering::Less => '"',
            std::cmp::Ordering::Equal if is_python => '"',
            std::cmp::Ordering::Equal => '\'',
        };
        Style {
            quote,
            end: if is_python || open > ended || open == 0 && ended == 0 && needless > 0 { "" } else { ";" },
            unit: unit(text, &apart, default),
            line_end: if text.contains("\r\n") { "\r\n" } else { "\n" },
        }
    }
}

/// `{ go() }`: what stands before a brace needs no semicolon, so that it says little.
fn is_before_brace(text: &str, statement: &Node) -> bool {
    text[statement.end_byte()..].trim_start_matches(' ').starts_with('}')
}

/// A string literal.
pub(super) fn literal(quote: char, content: &str) -> String {
    let escaped = content.replace('\\', "\\\\").replace(quote, &format!("\\{quote}"));
    format!("{quote}{escaped}{quote}")
}

/// The step by which lines most often are indented further than the one before; `apart` are long strings and comments, of
/// which the lines say nothing.
fn unit(text: &str, apart: &[Range<usize>], default: &str) -> String {
    let mut steps: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut before, mut at) = ("", 0);
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if line.trim().is_empty() || apart.iter().any(|it| it.start < start && start < it.end) {
            continue;
        }
        let indentation = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        if let Some(step) = indentation.strip_prefix(before) {
            let is_step = step == "\t" || step.len() > 1 && step.bytes().all(|it| it == b' ');
            if is_step && step.len() <= 8 {
                *steps.entry(step).or_default() += 1;
            }
        }
        before = indentation;
    }
    let most =
        steps.into_iter().max_by_key(|(step, n)| (*n, *step == default, std::cmp::Reverse(step.len())));
    most.map_or(default, |it| it.0).to_owned()
}
