//! Functions and methods.

use super::super::super::field::Field;
use super::super::super::ir::{
    Binding, ClassId, ClassMember, Expr, ExprId, Function, FunctionId, Origin, Run, ScopeKind, Symbol, TypeId,
};
use super::{Kind, Lower, Part, Parts};

/// A method, lowered.
pub struct Method<'t> {
    /// Its name as written.
    pub key: Option<Part<'t>>,
    /// Its function.
    pub function: FunctionId,
    /// The same as an expression.
    pub value: ExprId,
    /// Written `set name(value)`.
    pub is_setter: bool,
}

impl<'t> Lower<'_, 't> {
    /// Lowers a function; `name` is that of what holds it.
    pub fn function(&mut self, part: Part<'t>, name: Option<Symbol>, class: Option<ClassId>) -> FunctionId {
        let parts = self.parts(part.node);
        let own = parts.get(Field::Name).filter(|it| it.kind == Kind::Identifier && !it.is_missing());
        let name = own.map(|it| self.symbol(it.node)).or(name);
        let scope = self.scope;
        let id = self.add_function(Function {
            name,
            scope,
            class,
            has_self: false,
            is_getter: parts.has(Kind::Get),
            returns: Run::default(),
            declared: None,
            decorators: Run::default(),
            nested: None,
        });
        let outer = self.open(ScopeKind::Function(id));
        let outer_function = std::mem::replace(&mut self.builder.function_scope, self.builder.scope);
        self.chunk.functions[id.at()].scope = self.builder.scope;
        // An expression's name is known inside it alone.
        if let Some(own) =
            own.filter(|_| matches!(part.kind, Kind::FunctionExpression | Kind::GeneratorExpression))
        {
            self.declare_as(own, Origin::Function(id));
        }
        self.parameters(id, &parts);
        self.chunk.functions[id.at()].declared = self.returned_type(&parts);
        if let Some(body) = parts.get(Field::Body) {
            self.body(id, body);
        }
        self.done(parts);
        self.scope = outer;
        self.function_scope = outer_function;
        id
    }

    /// Declares a name in the current scope.
    pub fn declare_as(&mut self, name: Part<'t>, origin: Origin) {
        if name.is_missing() {
            return;
        }
        let binding = Binding {
            name: self.symbol(name.node),
            scope: self.scope,
            at: self.bytes(name.node),
            origin,
            path: Vec::new(),
            default: None,
            next: None,
        };
        self.declare(binding);
    }

    fn parameters(&mut self, function: FunctionId, parts: &Parts<'t>) {
        if let Some(only) = parts.get(Field::Parameter) {
            let origin = Origin::Parameter { function, index: 0, declared: None, rest: false };
            self.declare_as(only, origin);
        }
        let Some(list) = parts.get(Field::Parameters) else { return };
        let parts = self.parts(list.node);
        let mut index = 0;
        for it in &parts.all {
            if matches!(it.kind, Kind::RequiredParameter | Kind::OptionalParameter) {
                index += u32::from(self.parameter(*it, function, index));
            }
        }
        self.done(parts);
    }

    /// Answers whether it counts: TypeScript's `this` is none.
    fn parameter(&mut self, part: Part<'t>, function: FunctionId, index: u32) -> bool {
        let parts = self.parts(part.node);
        for it in parts.of(Field::Decorator) {
            self.only(it);
        }
        let pattern = parts.get(Field::Pattern).or_else(|| parts.get(Field::Name));
        let declared = self.annotation(&parts);
        let name = pattern.and_then(|it| self.assigned_name(it));
        let default = parts.get(Field::Value).map(|it| self.value(it, name));
        let is_property =
            parts.has(Kind::Accessibility) || parts.has(Kind::Readonly) || parts.has(Kind::OverrideModifier);
        self.done(parts);
        let Some(pattern) = pattern.filter(|it| it.kind != Kind::This) else { return false };
        let rest = pattern.kind == Kind::RestPattern;
        let origin = Origin::Parameter { function, index, declared, rest };
        let scope = self.scope;
        match rest {
            true => {
                let parts = self.parts(pattern.node);
                parts.all.iter().for_each(|it| self.declare_all(*it, origin, scope, None));
                self.done(parts);
            }
            false => self.declare_all(pattern, origin, scope, default),
        }
        if is_property {
            self.parameter_property(function, pattern, declared);
        }
        true
    }

    /// `constructor(private client: Client)` is a member of the class too.
    fn parameter_property(&mut self, function: FunctionId, pattern: Part<'t>, declared: Option<TypeId>) {
        let class = self.chunk.functions[function.at()].class;
        let Some(class) = class.filter(|_| pattern.kind == Kind::Identifier) else { return };
        let value = Some(self.name(pattern));
        let (name, at) = (self.symbol(pattern.node), self.bytes(pattern.node));
        self.chunk.classes[class.at()].members.push(ClassMember { name, at, value, declared });
    }

    /// Lowers the body of a function now, or leaves it to be a chunk of its own.
    fn body(&mut self, function: FunctionId, body: Part<'t>) {
        let Lower { builder, walk } = self;
        builder.body(function, body.node, |builder, _| {
            let mut it = Lower { builder, walk };
            let outer = it.scope;
            if body.kind == Kind::Block {
                it.open(ScopeKind::Block);
            }
            it.body_of(body);
            it.scope = outer;
        });
    }

    /// Lowers a body in the current scope: a block, or the expression of an arrow function.
    pub fn body_of(&mut self, part: Part<'t>) {
        if part.kind == Kind::Block {
            return self.all_in(part);
        }
        let value = self.expression(part);
        self.returns.push(value);
    }

    /// Lowers a method of a class or object.
    pub fn method(&mut self, part: Part<'t>, class: Option<ClassId>) -> Method<'t> {
        let parts = self.parts(part.node);
        let key = parts.get(Field::Name);
        let is_setter = parts.has(Kind::Set);
        self.done(parts);
        let name = key.and_then(|it| self.property_name(it));
        let function = self.function(part, name, class);
        Method { key, function, value: self.add(Expr::Function(function), part.node), is_setter }
    }
}
