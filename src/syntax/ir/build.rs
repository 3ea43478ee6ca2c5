//! Making a module from a tree, and making it again after an edit from what the edit did not touch.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use tree_sitter::{Node, Tree};

use super::*;

/// How a language lowers its trees.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Lowers a node of the top level, whatever it is: broken code puts anything there.
    pub statement: for<'t> fn(&mut Builder<'t>, Node<'t>),
    /// Lowers the body of a function. What it returns goes to [`Builder::returns`].
    pub body: for<'t> fn(&mut Builder<'t>, Node<'t>),
}

/// Bodies of this many bytes are chunks of their own.
const LONG_BODY: usize = 2048;

/// Nobody nests deeper; generated text does.
const MOST_DEPTH: u32 = 200;

/// Longer strings are no names of anything.
const MOST_TEXT: usize = 1024;

/// Lowers a file. `before` is the same file as it was before an edit, if that is known.
pub(crate) fn lower(
    rules: &Rules,
    language: Language,
    text: &Text,
    tree: &Tree,
    before: Option<&Module>,
) -> Module {
    let root = tree.root_node();
    let mut cursor = root.walk();
    // What the parser skipped as an error is "extra", as comments are.
    let is_code = |it: &Node| !it.is_extra() || it.is_error();
    let nodes: Vec<Node> = root.named_children(&mut cursor).filter(is_code).collect();
    let old = before.map(Old::of).unwrap_or_default();
    let source = text.as_str();
    let (front, back) = old.unchanged(source, &nodes);
    let mut made = Made { rules, source, old: &old, front, back, chunks: Vec::with_capacity(nodes.len()) };
    for (at, node) in nodes.iter().enumerate() {
        let same = match at {
            _ if at < front => Some(at),
            _ if at >= nodes.len() - back => Some(old.tops.len() - (nodes.len() - at)),
            _ => None,
        };
        let from = same.map_or(From::Node(*node), |it| From::Old(old.tops[it]));
        made.make(Todo { from, start: node.start_byte() as u32, parent: None });
    }
    Module::new(language, text.clone(), made.chunks)
}

/// What there was before an edit.
#[derive(Default)]
struct Old<'m> {
    source: &'m str,
    chunks: &'m [Placed],
    /// The chunks of the top level, in order.
    tops: Vec<u32>,
}

impl<'m> Old<'m> {
    fn of(module: &'m Module) -> Old<'m> {
        let tops = (0..module.chunks.len() as u32).filter(|it| module.chunks[*it as usize].parent.is_none());
        Old { source: module.text.as_str(), chunks: &module.chunks, tops: tops.collect() }
    }

    fn is(&self, at: u32, source: &str, node: Node) -> bool {
        let old = &self.chunks[at as usize];
        let range = old.start as usize..(old.start + old.len) as usize;
        !node.has_error()
            && old.kind == Some(node.kind_id())
            && range.len() == node.byte_range().len()
            && self.source.as_bytes().get(range) == source.as_bytes().get(node.byte_range())
    }

    /// How many nodes of the top level are as before, from the front and from the back.
    fn unchanged(&self, source: &str, nodes: &[Node]) -> (usize, usize) {
        let most = self.tops.len().min(nodes.len());
        let same = |old: usize, new: usize| self.is(self.tops[old], source, nodes[new]);
        let front = (0..most).take_while(|it| same(*it, *it)).count();
        let from_back = |it: &usize| same(self.tops.len() - 1 - it, nodes.len() - 1 - it);
        let back = (0..most - front).take_while(from_back).count();
        (front, back)
    }
}

/// A chunk that is to be made.
struct Todo<'t> {
    from: From<'t>,
    start: u32,
    parent: Option<(u32, FunctionId)>,
}

/// What a chunk is made from.
enum From<'t> {
    Node(Node<'t>),
    Old(u32),
}

struct Made<'t, 'm> {
    rules: &'m Rules,
    source: &'t str,
    old: &'m Old<'m>,
    front: usize,
    back: usize,
    chunks: Vec<Placed>,
}

impl<'t> Made<'t, '_> {
    /// Makes a chunk and all bodies in it, each after the chunk that it belongs to. Bodies nest as deep as
    /// generated text does, so nothing calls itself here.
    fn make(&mut self, top: Todo<'t>) {
        let mut todo = vec![top];
        while let Some(next) = todo.pop() {
            if let Some((parent, _)) = next.parent {
                let at = self.chunks.len() as u32;
                self.chunks[parent as usize].nested.push(at);
            }
            let mut inside = match next.from {
                From::Old(old) => self.again(old, next.start, next.parent),
                From::Node(node) => self.anew(node, next.parent),
            };
            inside.reverse();
            todo.append(&mut inside);
        }
    }

    /// Uses a chunk again; answers the bodies in it.
    fn again(&mut self, old: u32, start: u32, parent: Option<(u32, FunctionId)>) -> Vec<Todo<'t>> {
        let from = &self.old.chunks[old as usize];
        let at = self.chunks.len() as u32;
        let chunk = from.chunk.clone();
        self.chunks.push(Placed { chunk, start, len: from.len, kind: from.kind, parent, nested: Vec::new() });
        let bodies = from.nested.iter().zip(&from.chunk.nested);
        let todo = bodies.map(|(inner, body)| Todo {
            from: From::Old(*inner),
            start: start + body.at.start,
            parent: Some((at, body.function)),
        });
        todo.collect()
    }

    /// Lowers a chunk; answers the bodies in it.
    fn anew(&mut self, node: Node<'t>, parent: Option<(u32, FunctionId)>) -> Vec<Todo<'t>> {
        let mut builder = Builder::new(self.source, node, parent.is_some());
        match parent {
            Some(_) => (self.rules.body)(&mut builder, node),
            None => (self.rules.statement)(&mut builder, node),
        }
        let bodies = std::mem::take(&mut builder.bodies);
        let at = self.chunks.len() as u32;
        self.chunks.push(Placed {
            chunk: Arc::new(builder.finish()),
            start: node.start_byte() as u32,
            len: node.byte_range().len() as u32,
            kind: (!node.has_error()).then(|| node.kind_id()),
            parent,
            nested: Vec::new(),
        });
        let todo = bodies.into_iter().map(|(body, function)| Todo {
            from: self.old_body(body).map_or(From::Node(body), From::Old),
            start: body.start_byte() as u32,
            parent: Some((at, function)),
        });
        todo.collect()
    }

    /// A body of the old text that was in what changed, and is the same.
    fn old_body(&self, body: Node) -> Option<u32> {
        let tops = &self.old.tops;
        let from = *tops.get(self.front)?;
        let to = tops.get(tops.len() - self.back).copied().unwrap_or(self.old.chunks.len() as u32);
        (from..to)
            .find(|it| self.old.chunks[*it as usize].parent.is_some() && self.old.is(*it, self.source, body))
    }
}

/// Collects one chunk.
pub(crate) struct Builder<'t> {
    /// The text of the file.
    pub source: &'t str,
    /// The chunk so far.
    pub chunk: Chunk,
    /// The innermost scope at this place of the walk.
    pub scope: ScopeId,
    /// The scope that `var`, and in Python every assignment, declares in.
    pub function_scope: ScopeId,
    /// What the function that is being lowered returns and yields.
    pub returns: Vec<ExprId>,
    /// Names that a function says are not its own, with its scope: `global`, `nonlocal`.
    pub outer: Vec<(Symbol, ScopeId)>,
    base: usize,
    depth: u32,
    is_body: bool,
    bodies: Vec<(Node<'t>, FunctionId)>,
    /// The last binding of each name.
    last: HashMap<(ScopeId, Symbol), BindingId>,
}

impl<'t> Builder<'t> {
    fn new(source: &'t str, node: Node<'t>, is_body: bool) -> Builder<'t> {
        let kind = if is_body { ScopeKind::Body } else { ScopeKind::Module };
        let root = Scope { parent: None, kind, names: Vec::new(), types: Vec::new() };
        Builder {
            source,
            chunk: Chunk { scopes: vec![root], ..Chunk::default() },
            scope: ScopeId::ROOT,
            function_scope: ScopeId::ROOT,
            returns: Vec::new(),
            outer: Vec::new(),
            base: node.start_byte(),
            depth: 0,
            is_body,
            bodies: Vec::new(),
            last: HashMap::new(),
        }
    }

    fn finish(mut self) -> Chunk {
        if self.is_body {
            self.chunk.returns = std::mem::take(&mut self.returns);
        }
        self.index();
        let it = &mut self.chunk;
        it.exprs.shrink_to_fit();
        it.spans.shrink_to_fit();
        it.lists.shrink_to_fit();
        it.members.shrink_to_fit();
        it.calls.shrink_to_fit();
        it.args.shrink_to_fit();
        it.props.shrink_to_fit();
        it.bindings.shrink_to_fit();
        it.comparisons.shrink_to_fit();
        it.branches.shrink_to_fit();
        self.chunk
    }

    fn index(&mut self) {
        let it = &self.chunk;
        let name = |call: &Call| match it.exprs[call.callee.at()] {
            Expr::Name(name, _) => Some(name),
            Expr::Member(at) => Some(it.members[at as usize].name),
            _ => None,
        };
        let call_names = it.calls.iter().map(name).collect();
        let mut passed = Vec::new();
        for (at, call) in it.calls.iter().enumerate() {
            let all = it.args_in(call.args).iter().enumerate().filter(|it| !it.1.spread);
            passed.extend(all.map(|(index, arg)| (arg.value, CallId(at as u32), index as u32)));
        }
        passed.sort_unstable_by_key(|it| it.0);
        let mut function_exprs = vec![None; it.functions.len()];
        for (at, expr) in it.exprs.iter().enumerate() {
            if let Expr::Function(function) = expr {
                function_exprs[function.at()] = Some(ExprId(at as u32));
            }
        }
        self.chunk.call_names = call_names;
        self.chunk.passed = passed;
        self.chunk.function_exprs = function_exprs;
    }

    /// The text of a node.
    pub fn text(&self, node: Node<'t>) -> &'t str {
        &self.source[node.byte_range()]
    }

    /// The text of a node as a name.
    pub fn symbol(&self, node: Node<'t>) -> Symbol {
        Symbol::from(self.text(node))
    }

    /// Where a node is in the chunk.
    pub fn bytes(&self, node: Node<'t>) -> Bytes {
        self.place(node.byte_range())
    }

    /// Where a stretch of the file is in the chunk.
    pub fn place(&self, range: Range<usize>) -> Bytes {
        (range.start - self.base) as u32..(range.end - self.base) as u32
    }

    /// Adds an expression.
    pub fn add(&mut self, expr: Expr, node: Node<'t>) -> ExprId {
        let bytes = self.bytes(node);
        self.add_at(expr, bytes)
    }

    /// Adds an expression that is at this place of the chunk.
    pub fn add_at(&mut self, expr: Expr, bytes: Bytes) -> ExprId {
        self.chunk.exprs.push(expr);
        self.chunk.spans.push(bytes);
        ExprId(self.chunk.exprs.len() as u32 - 1)
    }

    /// Adds a string, unless it is too long to be a name.
    pub fn add_text(&mut self, text: &str, node: Node<'t>) -> ExprId {
        let bytes = self.bytes(node);
        self.add_text_at(text, bytes)
    }

    /// The same at this place of the chunk.
    pub fn add_text_at(&mut self, text: &str, bytes: Bytes) -> ExprId {
        let expr = if text.len() > MOST_TEXT { Expr::Plain } else { Expr::Text(Symbol::from(text)) };
        self.add_at(expr, bytes)
    }

    /// Adds `object.name`.
    pub fn compare(&mut self, subject: ExprId, values: &[ExprId], is_open: bool) {
        let values = self.list(values);
        self.chunk.comparisons.push(Comparison { subject, values, is_open });
    }

    pub fn add_member(&mut self, member: Member, node: Node<'t>) -> ExprId {
        self.chunk.members.push(member);
        let at = self.chunk.members.len() as u32 - 1;
        self.add(Expr::Member(at), node)
    }

    /// Adds a call in the current scope; its arguments are lowered already.
    pub fn add_call(&mut self, kind: CallKind, callee: ExprId, args: &[Arg], node: Node<'t>) -> ExprId {
        let args = self.args(args);
        let call = CallId(self.chunk.calls.len() as u32);
        let expr = self.add(Expr::Call(call), node);
        self.chunk.calls.push(Call { kind, callee, args, expr, scope: self.scope });
        expr
    }

    /// Adds a list of expressions.
    pub fn list(&mut self, exprs: &[ExprId]) -> Run {
        self.chunk.lists.extend_from_slice(exprs);
        Run { start: (self.chunk.lists.len() - exprs.len()) as u32, len: exprs.len() as u32 }
    }

    /// Adds a list of arguments.
    pub fn args(&mut self, args: &[Arg]) -> Run {
        self.chunk.args.extend_from_slice(args);
        Run { start: (self.chunk.args.len() - args.len()) as u32, len: args.len() as u32 }
    }

    /// Adds a list of properties.
    pub fn props(&mut self, props: Vec<Prop>) -> Run {
        let len = props.len() as u32;
        self.chunk.props.extend(props);
        Run { start: self.chunk.props.len() as u32 - len, len }
    }

    /// Adds a declared type.
    pub fn add_type(&mut self, it: Type) -> TypeId {
        self.chunk.types.push(it);
        TypeId(self.chunk.types.len() as u32 - 1)
    }

    /// Adds a list of types.
    pub fn types(&mut self, types: &[TypeId]) -> Run {
        self.chunk.type_lists.extend_from_slice(types);
        Run { start: (self.chunk.type_lists.len() - types.len()) as u32, len: types.len() as u32 }
    }

    /// Adds a function whose parts are filled in as they are lowered.
    pub fn add_function(&mut self, function: Function) -> FunctionId {
        self.chunk.functions.push(function);
        FunctionId(self.chunk.functions.len() as u32 - 1)
    }

    /// Adds a class whose parts are filled in as they are lowered.
    pub fn add_class(&mut self, class: Class) -> ClassId {
        self.chunk.classes.push(class);
        ClassId(self.chunk.classes.len() as u32 - 1)
    }

    /// Opens a scope inside the current one and makes it the current one; answers the one before, which the
    /// caller sets again.
    pub fn open(&mut self, kind: ScopeKind) -> ScopeId {
        let before = self.scope;
        let scope = Scope { parent: Some(before), kind, names: Vec::new(), types: Vec::new() };
        self.chunk.scopes.push(scope);
        self.scope = ScopeId(self.chunk.scopes.len() as u32 - 1);
        before
    }

    /// Declares a name in a scope.
    pub fn declare(&mut self, binding: Binding) -> BindingId {
        let id = BindingId(self.chunk.bindings.len() as u32);
        match self.last.insert((binding.scope, binding.name), id) {
            None => self.chunk.scopes[binding.scope.at()].names.push((binding.name, id)),
            Some(last) => self.chunk.bindings[last.at()].next = Some(id),
        }
        self.chunk.bindings.push(binding);
        id
    }

    /// How many times names were given values so far.
    pub fn n_given(&self) -> usize {
        self.chunk.bindings.len() + self.chunk.assignments.len()
    }

    /// Adds the branches of a statement.
    pub fn branches(
        &mut self,
        kind: BranchKind,
        is_total: bool,
        all: impl IntoIterator<Item = (Range<usize>, End)>,
    ) {
        let statement = self.chunk.branches.len() as u32;
        for (range, end) in all {
            let at = self.place(range);
            self.chunk.branches.push(Branch { at, statement, kind, is_total, end });
        }
    }

    /// Declares a type's name in the current scope.
    pub fn declare_type(&mut self, name: Symbol, it: TypeId) {
        self.chunk.scopes[self.scope.at()].types.push((name, it));
    }

    /// Lowers the body of a function now, unless it is long: then it becomes a chunk of its own, `false` is the
    /// answer, and `lower` is not called. The scope of the parameters is the current one.
    pub fn body(
        &mut self,
        function: FunctionId,
        node: Node<'t>,
        lower: impl FnOnce(&mut Self, Node<'t>),
    ) -> bool {
        if node.byte_range().len() > LONG_BODY {
            let at = self.bytes(node);
            self.chunk.functions[function.at()].nested = Some(self.chunk.nested.len() as u32);
            self.chunk.nested.push(Nested { function, at });
            self.bodies.push((node, function));
            return false;
        }
        let outside = std::mem::take(&mut self.returns);
        lower(self, node);
        let returns = std::mem::replace(&mut self.returns, outside);
        self.chunk.functions[function.at()].returns = self.list(&returns);
        true
    }

    /// Goes one level deeper; nothing when that is deeper than anybody writes.
    pub fn deeper<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MOST_DEPTH {
            return None;
        }
        self.depth += 1;
        let done = lower(self);
        self.depth -= 1;
        Some(done)
    }
}
