//! Statements, and whatever else stands where one should.

use std::ops::Range;

use tree_sitter::Node;

use super::super::super::field::Field;
use super::super::super::ir::{
    Arg, BranchKind, CallKind, End, Expr, ExprId, Member, Origin, ScopeKind, Symbol,
};
use super::{Kind, Lower, Part};

impl<'t> Lower<'_, 't> {
    /// Lowers a node, whatever it is: broken code puts anything anywhere.
    pub fn statement(&mut self, part: Part<'t>) {
        if part.kind.is_expression() {
            self.expression(part);
        } else if part.kind == Kind::Error {
            self.deeper(|it| it.broken(part.node));
        } else if !part.kind.is_type() && part.node.child_count() > 0 {
            let n_before = self.n_given();
            self.deeper(|it| it.nested_statement(part));
            if self.n_given() > n_before {
                self.branches_of(part);
            }
        }
    }

    /// Takes note of which parts of a statement may run, or not.
    fn branches_of(&mut self, part: Part<'t>) {
        let node = part.node;
        let of = |name: &str| node.child_by_field_name(name).map(branch);
        match node.kind() {
            "if_statement" => {
                let (mut ways, mut rest) = (Vec::new(), Some(node));
                while let Some(at) = rest.take() {
                    ways.extend(at.child_by_field_name("consequence").map(branch));
                    let other = at.child_by_field_name("alternative").and_then(|it| it.named_child(0));
                    match other {
                        Some(it) if it.kind() == "if_statement" => rest = Some(it),
                        Some(it) => {
                            ways.push(branch(it));
                            return self.branches(BranchKind::Way, true, ways);
                        }
                        None => {}
                    }
                }
                self.branches(BranchKind::Way, false, ways);
            }
            "switch_statement" => {
                let Some(body) = node.child_by_field_name("body") else { return };
                let cases: Vec<_> = body.named_children(&mut body.walk()).collect();
                let is_total = cases.iter().any(|it| it.kind() == "switch_default");
                self.branches(BranchKind::Way, is_total, cases.into_iter().map(branch));
            }
            "try_statement" => {
                let handler = of("handler");
                self.branches(BranchKind::Attempt, handler.is_some(), of("body").into_iter().chain(handler));
            }
            "for_statement" | "for_in_statement" | "while_statement" | "do_statement" => {
                self.branches(BranchKind::Loop, false, [(node.byte_range(), End::On)]);
            }
            _ => {}
        }
    }

    fn nested_statement(&mut self, part: Part<'t>) {
        match part.kind {
            Kind::Lexical | Kind::Variable => self.variables(part),
            Kind::Variables => self.variable(part, false, false),
            Kind::Function | Kind::Generator | Kind::FunctionSignature => {
                let function = self.function(part, None, None);
                self.declare_named(part, Origin::Function(function));
            }
            Kind::ClassDeclaration | Kind::AbstractClass => {
                let class = self.class(part, None);
                self.declare_named(part, Origin::Class(class));
            }
            Kind::Enum => self.enumeration(part),
            Kind::TypeAlias => self.type_alias(part),
            Kind::Interface => self.interface(part),
            Kind::Import => self.import(part),
            Kind::ImportAlias => self.alias(part),
            Kind::Export => self.export(part),
            Kind::InternalModule | Kind::Module => self.namespace(part),
            Kind::Ambient => self.ambient(part),
            Kind::Return => self.returned(part),
            Kind::If => self.conditional(part),
            Kind::For | Kind::Block | Kind::SwitchBody => self.in_block(|it| it.all_in(part)),
            Kind::Switch => self.switch(part),
            Kind::ForIn => self.in_block(|it| it.loop_over(part)),
            Kind::CatchClause => self.in_block(|it| it.catch(part)),
            Kind::Method => {
                self.method(part, None);
            }
            _ => self.all_in(part),
        }
    }

    /// Lowers all parts of a node.
    pub fn all_in(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        for it in &parts.all {
            self.statement(*it);
        }
        self.done(parts);
    }

    fn switch(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        let subject = parts.get(Field::Value).map(|it| self.expression(it));
        let body = parts.get(Field::Body);
        self.done(parts);
        let (Some(subject), Some(body)) = (subject, body) else { return };
        let (mut values, mut is_open) = (Vec::new(), true);
        self.in_block(|it| {
            let parts = it.parts(body.node);
            for case in &parts.all {
                match case.kind {
                    Kind::SwitchCase => values.extend(it.case(*case)),
                    Kind::SwitchDefault => {
                        is_open = false;
                        it.statement(*case);
                    }
                    _ => it.statement(*case),
                }
            }
            it.done(parts);
        });
        self.compare(subject, &values, is_open);
    }

    /// Lowers a case; answers its value.
    fn case(&mut self, part: Part<'t>) -> Option<ExprId> {
        let parts = self.parts(part.node);
        let value = parts.get(Field::Value);
        let lowered = value.map(|it| self.expression(it));
        for it in parts.all.iter().filter(|it| value.is_none_or(|value| value.node != it.node)) {
            self.statement(*it);
        }
        self.done(parts);
        lowered
    }

    fn in_block(&mut self, lower: impl FnOnce(&mut Self)) {
        let outer = self.open(ScopeKind::Block);
        lower(self);
        self.scope = outer;
    }

    fn declare_named(&mut self, part: Part<'t>, origin: Origin) {
        let name = self.walk.grammar.field(Field::Name);
        if let Some(node) = name.and_then(|it| part.node.child_by_field_id(it)) {
            self.declare_as(Part { node, kind: Kind::Identifier, field: name }, origin);
        }
    }

    fn variables(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        let constant = parts.has(Kind::Const);
        let hoisted = part.kind == Kind::Variable;
        for it in parts.all.iter().filter(|it| it.kind == Kind::Variables) {
            self.variable(*it, constant, hoisted);
        }
        self.done(parts);
    }

    fn variable(&mut self, part: Part<'t>, constant: bool, hoisted: bool) {
        let parts = self.parts(part.node);
        let (name, value) = (parts.get(Field::Name), parts.get(Field::Value));
        let declared = self.annotation(&parts);
        self.done(parts);
        let holder = name.and_then(|it| self.assigned_name(it));
        let value = value.map(|it| self.value(it, holder));
        let scope = if hoisted { self.function_scope } else { self.scope };
        if let Some(name) = name {
            self.declare_all(name, Origin::Value { value, declared, constant }, scope, None);
        }
    }

    fn alias(&mut self, part: Part<'t>) {
        if let Some((name, value)) = self.import_alias(part) {
            let value = Some(value);
            self.declare_as(name, Origin::Value { value, declared: None, constant: true });
        }
    }

    /// `declare ...`; `declare global { ... }` gives nothing to others.
    fn ambient(&mut self, part: Part<'t>) {
        let exports = self.chunk.exports.len();
        let parts = self.parts(part.node);
        for it in &parts.all {
            self.statement(*it);
        }
        self.done(parts);
        self.chunk.exports.truncate(exports);
    }

    fn returned(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        let value = parts.expression();
        self.done(parts);
        if let Some(it) = value {
            let value = self.expression(it);
            self.returns.push(value);
        }
    }

    /// `if ... else if ... else`, which may go on for long.
    fn conditional(&mut self, part: Part<'t>) {
        let mut rest = Some(part);
        while let Some(at) = rest.take() {
            let parts = self.parts(at.node);
            for it in &parts.all {
                match it.kind {
                    Kind::ElseClause => rest = Some(*it),
                    Kind::If if at.kind == Kind::ElseClause => rest = Some(*it),
                    _ => self.statement(*it),
                }
            }
            self.done(parts);
        }
    }

    fn catch(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        let scope = self.scope;
        if let Some(it) = parts.get(Field::Parameter) {
            self.declare_all(it, Origin::Other, scope, None);
        }
        if let Some(it) = parts.get(Field::Body) {
            self.statement(it);
        }
        self.done(parts);
    }

    fn loop_over(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        let (left, right) = (parts.get(Field::Left), parts.get(Field::Right));
        let kind = parts.get(Field::Kind).map(|it| it.kind);
        let is_in = parts.get(Field::Operator).is_some_and(|it| it.kind == Kind::In);
        let body = parts.get(Field::Body);
        self.done(parts);
        let value = right.map(|it| if is_in { self.keys_of(it) } else { self.expression(it) });
        let value = right.zip(value).map(|(it, value)| self.add(Expr::Element(value), it.node));
        match (left, kind, value) {
            (Some(left), Some(kind), value) => {
                let scope = if kind == Kind::Var { self.function_scope } else { self.scope };
                let origin = Origin::Value { value, declared: None, constant: kind == Kind::Const };
                self.declare_all(left, origin, scope, None);
            }
            (Some(left), None, Some(value)) => self.assign(left, value),
            _ => {}
        }
        if let Some(body) = body {
            self.statement(body);
        }
    }

    /// What `for (key in object)` goes over, as if it were written `Object.keys(object)`.
    fn keys_of(&mut self, object: Part<'t>) -> ExprId {
        let value = self.expression(object);
        let start = self.bytes(object.node).start;
        let at = start..start;
        let global = Expr::Name(Symbol::from("Object"), self.scope);
        let global = self.add_at(global, at.clone());
        let keys = Member { object: global, name: Symbol::from("keys"), at: at.clone(), quoted: false };
        self.chunk.members.push(keys);
        let member = self.chunk.members.len() as u32 - 1;
        let callee = self.add_at(Expr::Member(member), at);
        let arg = Arg { name: None, value, spread: false };
        self.add_call(CallKind::Call, callee, &[arg], object.node)
    }
}

/// Where a branch is, and where it goes at its end. What breaks out of a `switch` goes on behind it.
fn branch(node: Node) -> (Range<usize>, End) {
    let (mut last, mut is_case) = (node, false);
    while matches!(last.kind(), "statement_block" | "catch_clause" | "switch_case" | "switch_default") {
        is_case |= last.kind().starts_with("switch");
        let inner = (0..last.named_child_count() as u32).rev().filter_map(|it| last.named_child(it));
        let Some(inner) = inner.into_iter().find(|it| !it.is_extra()) else { break };
        last = inner;
    }
    let end = match last.kind() {
        "return_statement" | "throw_statement" => End::Out,
        "break_statement" if is_case => End::On,
        "break_statement" | "continue_statement" => End::OutOfLoop,
        _ => End::On,
    };
    (node.byte_range(), end)
}
