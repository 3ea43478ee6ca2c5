//! The languages that are read, and one parser a thread for each grammar.

use std::cell::RefCell;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::time::{Duration, Instant};

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Point, Tree};

use crate::text::Text;

/// A language that flags are read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// TypeScript without JSX.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// JavaScript.
    JavaScript,
    /// JavaScript with JSX.
    Jsx,
    /// Python.
    Python,
}

impl Language {
    /// The language of a file, by its name.
    pub fn from_path(path: &Path) -> Option<Language> {
        match path.extension()?.to_str()? {
            "ts" | "mts" | "cts" => Some(Language::TypeScript),
            "tsx" => Some(Language::Tsx),
            "js" | "mjs" | "cjs" => Some(Language::JavaScript),
            "jsx" => Some(Language::Jsx),
            "py" | "pyi" => Some(Language::Python),
            _ => None,
        }
    }

    /// The language of an open document, by the identifier that LSP gives it.
    pub fn from_language_id(id: &str) -> Option<Language> {
        match id {
            "typescript" => Some(Language::TypeScript),
            "typescriptreact" => Some(Language::Tsx),
            "javascript" => Some(Language::JavaScript),
            "javascriptreact" => Some(Language::Jsx),
            "python" => Some(Language::Python),
            _ => None,
        }
    }

    /// Its name in public JSON.
    pub fn name(self) -> &'static str {
        match self {
            Language::TypeScript => "typescript",
            Language::Tsx => "tsx",
            Language::JavaScript => "javascript",
            Language::Jsx => "jsx",
            Language::Python => "python",
        }
    }

    /// Whether a node is a function, method or component that has a name.
    pub fn is_named_function(self, source: &str, node: Node) -> bool {
        match node.kind() {
            "function_definition" => self == Language::Python,
            "function_declaration" | "generator_function_declaration" | "method_definition" => true,
            "variable_declarator" => {
                let Some(value) = node.child_by_field_name("value") else { return false };
                let is_function = |it: Node| matches!(it.kind(), "arrow_function" | "function_expression");
                // `const Page = memo(() => ...)`: a component; what hooks are given has no name of its own.
                let wrapped = || {
                    let is_component = node.child_by_field_name("name").is_some_and(|it| {
                        source.as_bytes().get(it.start_byte()).is_some_and(u8::is_ascii_uppercase)
                    });
                    let first = value.child_by_field_name("arguments").and_then(|it| it.named_child(0));
                    is_component && first.is_some_and(is_function)
                };
                is_function(value) || wrapped()
            }
            _ => false,
        }
    }

    /// Parses `text`; `old` is the edited tree of the text before it.
    pub(crate) fn parse(self, text: &str, old: Option<&Tree>) -> Tree {
        self.with_parser(|it| parse(it, text, old))
    }

    /// Parses while there is time; `None` once `budget` is spent. An edit that breaks the syntax of a large text
    /// can take longer than a parse from the start.
    pub(super) fn parse_within(self, text: &str, old: Option<&Tree>, budget: Duration) -> Option<Tree> {
        let start = Instant::now();
        let mut in_time = |_: &ParseState| match start.elapsed() > budget {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        self.with_parser(|parser| {
            let mut read = |at: usize, _| text.as_bytes().get(at..).unwrap_or_default();
            let options = ParseOptions::new().progress_callback(&mut in_time);
            let tree = parser.parse_with_options(&mut read, old, Some(options));
            // Else the next parse would go on where this one was cancelled.
            parser.reset();
            tree
        })
    }

    /// Parses parts of `text`, in bytes and in order, as if there were nothing else.
    pub(super) fn parse_parts(self, text: &Text, parts: &[Range<usize>]) -> Tree {
        let point = |at: usize| {
            let it = text.point(at);
            Point::new(it.line as usize, it.utf8 as usize)
        };
        let range = |it: &Range<usize>| tree_sitter::Range {
            start_byte: it.start,
            start_point: point(it.start),
            end_byte: it.end,
            end_point: point(it.end),
        };
        let ranges: Vec<_> = parts.iter().map(range).collect();
        self.with_parser(|parser| {
            // Never refused: they are in order.
            let _ = parser.set_included_ranges(&ranges);
            let tree = parse(parser, text.as_str(), None);
            let _ = parser.set_included_ranges(&[]);
            tree
        })
    }

    fn with_parser<T>(self, parse: impl FnOnce(&mut Parser) -> T) -> T {
        thread_local! {
            static TYPESCRIPT: RefCell<Parser> = RefCell::new(parser(tree_sitter_typescript::LANGUAGE_TYPESCRIPT));
            static TSX: RefCell<Parser> = RefCell::new(parser(tree_sitter_typescript::LANGUAGE_TSX));
            static PYTHON: RefCell<Parser> = RefCell::new(parser(tree_sitter_python::LANGUAGE));
        }
        let parser = match self {
            Language::TypeScript => &TYPESCRIPT,
            Language::Tsx | Language::JavaScript | Language::Jsx => &TSX,
            Language::Python => &PYTHON,
        };
        parser.with_borrow_mut(parse)
    }
}

#[expect(
    clippy::expect_used,
    reason = "fails only for a grammar that does not fit the library; a test loads all"
)]
fn parse(parser: &mut Parser, text: &str, old: Option<&Tree>) -> Tree {
    parser.parse(text, old).expect("no parse is cancelled")
}

#[expect(
    clippy::expect_used,
    reason = "fails only for a grammar that does not fit the library; a test loads all"
)]
fn parser(grammar: impl Into<tree_sitter::Language>) -> Parser {
    let mut parser = Parser::new();
    parser.set_language(&grammar.into()).expect("a grammar that fits the library");
    parser
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grammar_loads() {
        for language in
            [Language::TypeScript, Language::Tsx, Language::JavaScript, Language::Jsx, Language::Python]
        {
            assert!(!language.parse("x", None).root_node().has_error(), "{language:?}");
        }
    }

    #[test]
    fn files_and_documents_have_a_language() {
        for (file, name) in
            [("a.ts", "typescript"), ("a.d.mts", "typescript"), ("a.cjs", "javascript"), ("a.pyi", "python")]
        {
            assert_eq!(Language::from_path(Path::new(file)).map(Language::name), Some(name));
        }
        assert_eq!(Language::from_path(Path::new("a.vue")), None);
        assert_eq!(Language::from_language_id("typescriptreact"), Some(Language::Tsx));
    }
}
