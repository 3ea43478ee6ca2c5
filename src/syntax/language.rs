//! The languages that are read, and one parser a thread for each grammar.

use std::cell::RefCell;
use std::path::Path;

use tree_sitter::{Parser, Tree};

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

    /// Parses `text`; `old` is the edited tree of the text before it.
    #[expect(
        clippy::expect_used,
        reason = "fails only for a grammar that does not fit the library; a test loads all"
    )]
    pub(crate) fn parse(self, text: &str, old: Option<&Tree>) -> Tree {
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
        parser.with_borrow_mut(|it| it.parse(text, old)).expect("no parse is cancelled")
    }
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
