//! An open document.

use std::sync::Arc;
use std::time::Duration;

use tree_sitter::Tree;

use super::ir::Module;
use super::{Language, ir, rules};
use crate::text::{Change, Encoding, Text};

/// An open document: its text, its tree and what that says. Never changed in place; an edit makes a new one.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its language.
    pub language: Language,
    /// The client's version of the document.
    pub version: i32,
    /// Its text.
    pub text: Text,
    /// The tree of exactly this text.
    pub tree: Tree,
    /// What the text says.
    pub module: Arc<Module>,
}

impl Source {
    /// Parses a document from the start.
    pub fn new(language: Language, version: i32, text: Text) -> Source {
        let tree = language.parse(text.as_str(), None);
        Source::from_tree(language, version, text, tree, None)
    }

    /// The document after a client's changes.
    pub fn edit(&self, version: i32, changes: &[Change], encoding: Encoding) -> Source {
        let (text, old) = self.changed(changes, encoding);
        let tree = self.language.parse(text.as_str(), old.as_ref());
        Source::from_tree(self.language, version, text, tree, Some(&self.module))
    }

    /// The same while there is time; the new text alone once `budget` is spent on parsing it.
    pub fn edit_within(
        &self,
        version: i32,
        changes: &[Change],
        encoding: Encoding,
        budget: Duration,
    ) -> Result<Source, Text> {
        let (text, old) = self.changed(changes, encoding);
        match self.language.parse_within(text.as_str(), old.as_ref(), budget) {
            Some(tree) => Ok(Source::from_tree(self.language, version, text, tree, Some(&self.module))),
            None => Err(text),
        }
    }

    /// The new text, and the old tree made to fit it.
    fn changed(&self, changes: &[Change], encoding: Encoding) -> (Text, Option<Tree>) {
        let (text, edits) = self.text.apply(changes, encoding);
        let old = edits.map(|edits| {
            let mut tree = self.tree.clone();
            edits.iter().for_each(|it| tree.edit(it));
            tree
        });
        (text, old)
    }

    fn from_tree(
        language: Language,
        version: i32,
        text: Text,
        tree: Tree,
        before: Option<&Module>,
    ) -> Source {
        let module = ir::lower(rules(language), language, &text, &tree, before).into();
        Source { language, version, text, tree, module }
    }
}
