//! An open document.

use std::sync::Arc;
use std::time::Duration;

use tree_sitter::Tree;

use super::{FileFacts, Language, Names, Read, scan_tree};
use crate::text::{Change, Encoding, Text};

/// An open document: its text, tree and facts. Never changed in place; an edit makes a new one.
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
    /// What the text says about flags.
    pub facts: Arc<FileFacts>,
    names: Arc<Names>,
}

impl Source {
    /// Parses and scans a document from the start, with the SDK's names alone.
    pub fn new(language: Language, version: i32, text: Text) -> Source {
        Source::with_names(language, version, text, Arc::default())
    }

    /// Parses and scans a document from the start.
    pub fn with_names(language: Language, version: i32, text: Text, names: Arc<Names>) -> Source {
        let tree = language.parse(text.as_str(), None);
        Source::from_tree(language, version, text, tree, names)
    }

    /// The same text, read with other names.
    pub fn renamed(&self, names: Arc<Names>) -> Source {
        Source::from_tree(self.language, self.version, self.text.clone(), self.tree.clone(), names)
    }

    /// The document after a client's changes.
    pub fn edit(&self, version: i32, changes: &[Change], encoding: Encoding) -> Source {
        let (text, old) = self.changed(changes, encoding);
        let tree = self.language.parse(text.as_str(), old.as_ref());
        Source::from_tree(self.language, version, text, tree, self.names.clone())
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
            Some(tree) => Ok(Source::from_tree(self.language, version, text, tree, self.names.clone())),
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

    /// The read whose key is at `offset`; of several, the one that begins last.
    pub fn read_at(&self, offset: u32) -> Option<&Read> {
        self.facts.reads.iter().rfind(|it| it.key_span.touches(offset))
    }

    fn from_tree(language: Language, version: i32, text: Text, tree: Tree, names: Arc<Names>) -> Source {
        let facts = scan_tree(language, &text, &tree, &names);
        Source { language, version, text, tree, facts: Arc::new(facts), names }
    }
}
