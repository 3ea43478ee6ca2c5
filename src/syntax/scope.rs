//! Scopes and what is declared in them. A scope lists its names when the first one is looked up.

use std::collections::HashMap;
use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::words::occurrences;

/// A scope of a [`Scopes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ScopeId(u32);

impl ScopeId {
    /// The scope of the whole file.
    pub const ROOT: ScopeId = ScopeId(0);
}

/// A binding of a [`Scopes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct BindingId(u32);

/// A declared name.
#[derive(Debug, Clone)]
pub(super) struct Binding<'t> {
    /// Where it is declared, a node of its own.
    pub node: Node<'t>,
    /// The scope that it is declared in.
    pub scope: ScopeId,
    /// What declares it.
    pub origin: Origin<'t>,
    /// The way from the declared value to this name: `{ a: [, b] }` binds `b` to `.a[1]`.
    pub path: Vec<Step<'t>>,
    /// Further declarations of the same name in the same scope, oldest first.
    pub more: Vec<Origin<'t>>,
}

/// What declares a name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin<'t> {
    /// An import: the module, and the name there (`default`, `*` for the module itself).
    Import {
        /// As written.
        module: &'t str,
        /// The name in the module.
        name: &'t str,
    },
    /// A variable.
    Value {
        /// What it begins as.
        value: Option<Node<'t>>,
        /// Its declared type.
        annotation: Option<Node<'t>>,
        /// Declared so that nothing can be assigned.
        constant: bool,
    },
    /// A parameter of a function.
    Parameter {
        /// The function.
        function: Node<'t>,
        /// Which one.
        index: usize,
        /// Its declared type.
        annotation: Option<Node<'t>>,
        /// Its default.
        value: Option<Node<'t>>,
    },
    /// A function.
    Function(Node<'t>),
    /// A class.
    Class(Node<'t>),
    /// An enum.
    Enum(Node<'t>),
    /// A type without a value.
    Type(Node<'t>),
    /// Anything else: a loop variable, a caught error, an augmented assignment.
    Other,
}

/// One step into a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'t> {
    /// A property.
    Property(&'t str),
    /// An element.
    Index(usize),
    /// The rest of it.
    Rest,
}

/// How a language nests and fills its scopes.
pub(super) struct Rules {
    /// Whether a node of this kind is a scope.
    pub is_scope: fn(&str) -> bool,
    /// Whether names of this scope are visible in scopes inside it.
    pub is_visible_inside: fn(&str) -> bool,
    /// Declares the names of a scope.
    pub declare: for<'t> fn(&mut Names<'t, '_>, Node<'t>),
}

/// The scopes of one file, made on demand.
pub(super) struct Scopes<'t> {
    rules: &'static Rules,
    scopes: Vec<Scope<'t>>,
    bindings: Vec<Binding<'t>>,
    by_node: HashMap<usize, ScopeId>,
    /// Whether a node is a scope, by the number of its kind: the names are long to compare.
    scope_kinds: Vec<Option<bool>>,
    /// Where the text may declare a name: spares the lists of scopes that merely use it.
    maybe_declared: HashMap<Box<str>, Vec<usize>>,
}

struct Scope<'t> {
    node: Node<'t>,
    parent: Option<ScopeId>,
    names: Option<HashMap<&'t str, BindingId>>,
}

/// Collects the names of one scope.
pub(super) struct Names<'t, 'a> {
    /// The text of the file.
    pub source: &'t str,
    scope: ScopeId,
    names: HashMap<&'t str, BindingId>,
    bindings: &'a mut Vec<Binding<'t>>,
}

/// Nobody nests functions deeper; generated text does.
const MOST_SCOPES: usize = 500;

/// Each name that is looked up this way costs a search of the text; a file of constants has too many.
const MOST_SEARCHES: usize = 64;

impl<'t> Scopes<'t> {
    pub fn new(rules: &'static Rules, tree: &'t Tree) -> Scopes<'t> {
        let root = Scope { node: tree.root_node(), parent: None, names: None };
        let by_node = HashMap::from([(root.node.id(), ScopeId::ROOT)]);
        Scopes {
            rules,
            scopes: vec![root],
            bindings: Vec::new(),
            by_node,
            scope_kinds: vec![None; tree.language().node_kind_count()],
            maybe_declared: HashMap::new(),
        }
    }

    /// The scope that `node` is, or the one it stands in when it is none.
    pub fn enter(&mut self, node: Node<'t>, outer: ScopeId) -> ScopeId {
        if !self.is_scope(node) {
            return outer;
        }
        let next = ScopeId(self.scopes.len() as u32);
        let id = *self.by_node.entry(node.id()).or_insert(next);
        if id == next {
            self.scopes.push(Scope { node, parent: Some(outer), names: None });
        }
        id
    }

    fn is_scope(&mut self, node: Node<'t>) -> bool {
        let is_scope = self.rules.is_scope;
        match self.scope_kinds.get_mut(usize::from(node.kind_id())) {
            Some(known) => *known.get_or_insert_with(|| is_scope(node.kind())),
            // An error has a number of its own.
            None => is_scope(node.kind()),
        }
    }

    /// The innermost scope round a node, the node's own excluded.
    pub fn around(&mut self, node: Node<'t>) -> ScopeId {
        let mut scope = ScopeId::ROOT;
        let mut at = self.node(scope);
        let range = node.byte_range();
        let mut cursor = at.walk();
        while cursor.goto_first_child_for_byte(range.start).is_some() {
            at = cursor.node();
            if at.id() == node.id() || at.end_byte() < range.end {
                break;
            }
            scope = self.enter(at, scope);
        }
        scope
    }

    pub fn node(&self, scope: ScopeId) -> Node<'t> {
        self.scopes[scope.0 as usize].node
    }

    pub fn binding(&self, id: BindingId) -> &Binding<'t> {
        &self.bindings[id.0 as usize]
    }

    /// A scope and those round it, from the inside.
    pub fn outward(&self, scope: ScopeId) -> impl Iterator<Item = ScopeId> + '_ {
        std::iter::successors(Some(scope), |it| self.scopes[it.0 as usize].parent).take(MOST_SCOPES)
    }

    /// What a name means in a scope.
    pub fn resolve(&mut self, source: &'t str, name: &str, scope: ScopeId) -> Option<BindingId> {
        self.search(source, name);
        let mut at = Some(scope);
        for _ in 0..MOST_SCOPES {
            let id = at?;
            let listed = self.scopes[id.0 as usize].names.is_some();
            if !listed && !self.may_declare(name, self.node(id)) {
                at = self.scopes[id.0 as usize].parent;
                continue;
            }
            let visible = id == scope || (self.rules.is_visible_inside)(self.node(id).kind());
            if visible && let Some(found) = self.names(source, id).get(name) {
                return Some(*found);
            }
            at = self.scopes[id.0 as usize].parent;
        }
        None
    }

    fn search(&mut self, source: &str, name: &str) {
        if self.maybe_declared.len() < MOST_SEARCHES && !self.maybe_declared.contains_key(name) {
            let all = occurrences(source, name, 0..source.len()).filter(|it| may_declare(source, it));
            self.maybe_declared.insert(name.into(), all.map(|it| it.start).collect());
        }
    }

    fn may_declare(&self, name: &str, scope: Node<'t>) -> bool {
        self.maybe_declared.get(name).is_none_or(|places| {
            let first = places.partition_point(|it| *it < scope.start_byte());
            places.get(first).is_some_and(|it| *it < scope.end_byte())
        })
    }

    /// What a name means among the names of exactly this scope.
    pub fn own(&mut self, source: &'t str, name: &str, scope: ScopeId) -> Option<BindingId> {
        self.names(source, scope).get(name).copied()
    }

    fn names(&mut self, source: &'t str, id: ScopeId) -> &HashMap<&'t str, BindingId> {
        let at = id.0 as usize;
        if self.scopes[at].names.is_none() {
            let node = self.scopes[at].node;
            let bindings = &mut self.bindings;
            let mut names = Names { source, scope: id, names: HashMap::new(), bindings };
            (self.rules.declare)(&mut names, node);
            self.scopes[at].names = Some(names.names);
        }
        self.scopes[at].names.get_or_insert_default()
    }
}

/// Whether a word may declare a name, by its neighbours: `name.x` and `name(` only use it, but for
/// `import name.x` and `function name(`.
fn may_declare(source: &str, word: &Range<usize>) -> bool {
    let (before, after) = (source[..word.start].trim_end(), source[word.end..].trim_start());
    if after.starts_with('(') {
        return ["function", "*", "def", "class", "/"].iter().any(|it| before.ends_with(it));
    }
    let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
    !(after.starts_with("?.") || after.starts_with('.')) || line.starts_with("import")
}

impl<'t> Names<'t, '_> {
    /// Declares a name.
    pub fn declare(&mut self, node: Node<'t>, origin: Origin<'t>, path: &[Step<'t>]) {
        let name = &self.source[node.byte_range()];
        if let Some(known) = self.names.get(name) {
            let known = &mut self.bindings[known.0 as usize];
            match (&known.origin, &origin) {
                // A value and a type may share a name; the value is what code reads.
                (Origin::Type(_), _) => {
                    (known.node, known.origin, known.path) = (node, origin, path.to_vec())
                }
                (_, Origin::Type(_)) => {}
                _ => known.more.push(if path.is_empty() { origin } else { Origin::Other }),
            }
            return;
        }
        let id = BindingId(self.bindings.len() as u32);
        self.bindings.push(Binding {
            node,
            scope: self.scope,
            origin,
            path: path.to_vec(),
            more: Vec::new(),
        });
        self.names.insert(name, id);
    }
}
