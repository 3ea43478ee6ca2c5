//! What every language's scan needs: the way to a place in the tree, scopes, and where facts are put.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use tree_sitter::{Node, Tree, TreeCursor};

use super::evidence::{Verdict, named_like_client, short_for_client};
use super::scope::{BindingId, Rules, ScopeId, Scopes};
use super::words::Call;
use super::{Certainty, Definition, FileFacts, KeyFrom, Names, Read, Returns};
use crate::flags::FlagKey;
use crate::text::Text;

/// How far evidence is followed from value to value, and how deep a key's expression is read.
pub(super) const MOST_HOPS: u8 = 12;

/// One scan of one file.
pub(super) struct Scan<'t> {
    pub text: &'t Text,
    pub source: &'t str,
    pub tree: &'t Tree,
    /// What the settings add to the SDK's names.
    pub names: &'t Names,
    pub scopes: Scopes<'t>,
    /// Verdicts on bindings. One that is being judged stands here as unknown, which ends cycles.
    pub bindings: HashMap<BindingId, Verdict>,
    /// Verdicts on attributes of a class.
    pub fields: HashMap<(ScopeId, &'t str), Verdict>,
    /// Whether a binding is assigned after its declaration.
    pub reassigned: HashMap<BindingId, bool>,
    /// Names that are assigned anywhere without being declared there; a language says how it finds them.
    pub assigned_names: Option<HashSet<&'t str>>,
    /// The members of objects, enums and classes, by node.
    pub members: HashMap<usize, Rc<HashMap<&'t str, Node<'t>>>>,
    /// Counts the templates and sums that are being read: their parts are no keys, so they define none.
    pub composing: u32,
    facts: FileFacts,
    defined: HashSet<Range<usize>>,
    speaks_of_posthog: Option<bool>,
}

/// A key as the code gives it.
#[derive(Debug, Clone)]
pub(super) struct Key<'t> {
    /// The expression that yields it.
    pub node: Node<'t>,
    /// The key, when the code says it.
    pub key: Option<String>,
    /// How a dynamic one begins.
    pub prefix: Option<String>,
    /// Where it comes from.
    pub from: KeyFrom,
}

/// A call that is a read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub call: &'static Call,
    pub returns: Returns,
    pub certainty: Certainty,
}

impl<'t> Scan<'t> {
    pub fn new(text: &'t Text, tree: &'t Tree, names: &'t Names, rules: &'static Rules) -> Scan<'t> {
        Scan {
            text,
            source: text.as_str(),
            tree,
            names,
            scopes: Scopes::new(rules, tree),
            bindings: HashMap::new(),
            fields: HashMap::new(),
            reassigned: HashMap::new(),
            assigned_names: None,
            members: HashMap::new(),
            composing: 0,
            facts: FileFacts::default(),
            defined: HashSet::new(),
            speaks_of_posthog: None,
        }
    }

    /// The text of a node.
    pub fn of(&self, node: Node<'t>) -> &'t str {
        &self.source[node.byte_range()]
    }

    /// What a name means in a scope.
    pub fn resolve(&mut self, name: &str, scope: ScopeId) -> Option<BindingId> {
        self.scopes.resolve(self.source, name, scope)
    }

    /// Whether the file speaks of PostHog anywhere.
    pub fn speaks_of_posthog(&mut self) -> bool {
        let source = self.source;
        *self.speaks_of_posthog.get_or_insert_with(|| {
            ["posthog", "PostHog", "Posthog", "POSTHOG"]
                .iter()
                .any(|it| memchr::memmem::find(source.as_bytes(), it.as_bytes()).is_some())
        })
    }

    /// Whether a name is plainly that of a PostHog client, here.
    pub fn is_named_like_client(&mut self, name: &str) -> bool {
        named_like_client(name) || short_for_client(name) && self.speaks_of_posthog()
    }

    /// Adds a read for each key.
    pub fn add_reads(&mut self, found: Found, keys: Vec<Key<'t>>, call: Node<'t>) {
        self.add_reads_by(found.call.name, found, keys, call);
    }

    /// Adds a read for each key that goes through a function of this name.
    pub fn add_reads_by(&mut self, method: &str, found: Found, keys: Vec<Key<'t>>, call: Node<'t>) {
        let call_span = self.text.span(call.byte_range());
        for it in keys {
            self.facts.reads.push(Read {
                key: it.key.as_deref().map(FlagKey::from),
                prefix: it.prefix.map(Into::into),
                method: method.into(),
                key_span: self.text.span(it.node.byte_range()),
                call_span,
                returns: found.returns,
                key_from: it.from,
                via: found.call.via,
                certainty: found.certainty,
            });
        }
    }

    /// Adds a definition, once.
    pub fn add_definition(&mut self, key: &str, name: &str, node: Node<'t>) {
        if self.composing == 0 && self.defined.insert(node.byte_range()) {
            let key_span = self.text.span(node.byte_range());
            self.facts.definitions.push(Definition { key: key.into(), name: name.into(), key_span });
        }
    }

    /// Whether this is the first time that somebody defines the members of a node.
    pub fn first_time(&mut self, node: Node<'t>) -> bool {
        // No key is as long as its container, so the ranges of both can share a set.
        self.composing == 0 && self.defined.insert(node.byte_range())
    }

    /// The facts, by place.
    pub fn finish(mut self) -> FileFacts {
        self.facts.reads.sort_by(|a, b| (a.key_span, a.key.as_ref()).cmp(&(b.key_span, b.key.as_ref())));
        self.facts.reads.dedup();
        self.facts.definitions.sort_by_key(|it| it.key_span);
        self.facts
    }
}

/// The nodes from the root to a place, with the scope that each stands in or is. Places are best sought in
/// order: what two of them share is walked once.
pub(super) struct Path<'t> {
    cursor: TreeCursor<'t>,
    nodes: Vec<(Node<'t>, ScopeId)>,
}

impl<'t> Path<'t> {
    pub fn new(scan: &Scan<'t>) -> Path<'t> {
        let root = scan.tree.root_node();
        Path { cursor: root.walk(), nodes: vec![(root, ScopeId::ROOT)] }
    }

    /// Goes to the innermost node round a place.
    pub fn seek(&mut self, scan: &mut Scan<'t>, offset: usize) {
        let shared = self.nodes.iter().rposition(|(it, _)| it.byte_range().contains(&offset)).unwrap_or(0);
        while self.nodes.len() > shared + 2 {
            self.leave();
        }
        if self.nodes.len() > shared + 1 && !self.go_on(scan, offset) {
            self.leave();
        }
        while self.cursor.goto_first_child_for_byte(offset).is_some() {
            let (node, outer) = (self.cursor.node(), self.scope());
            if node.start_byte() > offset {
                self.cursor.goto_parent();
                break;
            }
            let scope = scan.scopes.enter(node, outer);
            self.nodes.push((node, scope));
        }
    }

    fn leave(&mut self) {
        self.cursor.goto_parent();
        self.nodes.pop();
    }

    /// Goes from sibling to sibling: from the first child on, a long file would be walked for each place.
    fn go_on(&mut self, scan: &mut Scan<'t>, offset: usize) -> bool {
        while self.cursor.node().end_byte() <= offset {
            if !self.cursor.goto_next_sibling() {
                return false;
            }
        }
        let node = self.cursor.node();
        if node.start_byte() > offset {
            return false;
        }
        self.nodes.pop();
        let scope = scan.scopes.enter(node, self.scope());
        self.nodes.push((node, scope));
        true
    }

    /// The node `up` levels above the innermost.
    pub fn up(&self, up: usize) -> Option<Node<'t>> {
        let at = self.nodes.len().checked_sub(up + 1)?;
        Some(self.nodes[at].0)
    }

    /// The whole tree.
    pub fn root(&self) -> Node<'t> {
        self.nodes[0].0
    }

    /// The innermost scope.
    pub fn scope(&self) -> ScopeId {
        self.nodes.last().map_or(ScopeId::ROOT, |it| it.1)
    }

    /// The scope round the node `up` levels above the innermost.
    pub fn scope_at(&self, up: usize) -> ScopeId {
        let at = self.nodes.len().saturating_sub(up + 1);
        self.nodes.get(at).map_or(ScopeId::ROOT, |it| it.1)
    }
}

/// The named children of a node, comments excluded.
pub(super) fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    // A cursor is dearer than a few steps from the first child.
    if node.named_child_count() <= 4 {
        return few(node).collect();
    }
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|it| it.kind() != "comment").collect()
}

/// The first named child that is no comment.
pub(super) fn first<'t>(node: Node<'t>) -> Option<Node<'t>> {
    few(node).next()
}

/// The named children of a node that has few, or of which the first few matter; comments excluded.
pub(super) fn few<'t>(node: Node<'t>) -> impl Iterator<Item = Node<'t>> {
    let count = node.named_child_count() as u32;
    (0..count).filter_map(move |it| node.named_child(it)).filter(|it| it.kind() != "comment")
}
