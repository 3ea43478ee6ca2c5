//! Classes and enums.

use super::super::super::field::Field;
use super::super::super::ir::{
    Class, ClassId, ClassMember, Expr, ExprId, Origin, Prop, PropName, ScopeKind, Symbol, Type,
};
use super::{Kind, Lower, Part, Parts};

impl<'t> Lower<'_, 't> {
    /// Lowers a class; `name` is that of what holds it.
    pub fn class(&mut self, part: Part<'t>, name: Option<Symbol>) -> ClassId {
        let parts = self.parts(part.node);
        for it in parts.of(Field::Decorator) {
            self.only(it);
        }
        let own = parts.get(Field::Name).filter(|it| !it.is_missing());
        let heritage = parts.first(Kind::ClassHeritage);
        let implements = heritage.is_some_and(|it| self.parts(it.node).first(Kind::Implements).is_some());
        let bases = heritage.map(|it| self.bases(it)).unwrap_or_default();
        let bases = self.list(&bases);
        let name = own.map(|it| self.symbol(it.node)).or(name);
        let scope = self.scope;
        let id = self.add_class(Class { name, bases, implements, scope, members: Vec::new() });
        let outer = self.open(ScopeKind::Class(id));
        self.chunk.classes[id.at()].scope = self.builder.scope;
        if let Some(own) = own.filter(|_| part.kind == Kind::Class) {
            self.declare_as(own, Origin::Class(id));
        }
        if let Some(body) = parts.get(Field::Body) {
            self.members(id, body);
        }
        self.done(parts);
        self.scope = outer;
        id
    }

    fn bases(&mut self, heritage: Part<'t>) -> Vec<ExprId> {
        let parts = self.parts(heritage.node);
        let mut bases = Vec::new();
        for clause in parts.all.iter().filter(|it| it.kind == Kind::Extends) {
            let parts = self.parts(clause.node);
            bases.extend(parts.of(Field::Value).map(|it| self.expression(it)));
            self.done(parts);
        }
        self.done(parts);
        bases
    }

    fn members(&mut self, class: ClassId, body: Part<'t>) {
        let parts = self.parts(body.node);
        let mut decorators = Vec::new();
        for it in &parts.all {
            match it.kind {
                // They stand before the method that they are for.
                Kind::Decorator => decorators.push(self.only(*it)),
                Kind::Method => {
                    let decorators = std::mem::take(&mut decorators);
                    self.method_in_class(class, *it, &decorators);
                }
                Kind::Field => self.field_of(class, *it),
                Kind::MethodSignature | Kind::AbstractMethod => self.signature_in_class(class, *it),
                Kind::StaticBlock => self.static_block(*it),
                Kind::IndexSignature | Kind::Semicolon => {}
                _ => self.statement(*it),
            }
        }
        self.done(parts);
    }

    fn method_in_class(&mut self, class: ClassId, part: Part<'t>, decorators: &[ExprId]) {
        let method = self.method(part, Some(class));
        self.chunk.functions[method.function.at()].decorators = self.builder.list(decorators);
        let Some(key) = method.key else { return };
        // What is written to a setter is not what is read from it.
        if let Some(name) = self.member_name(key).filter(|_| !method.is_setter) {
            let at = self.bytes(key.node);
            let members = &mut self.chunk.classes[class.at()].members;
            // It is what the signatures before it announced.
            while members.pop_if(|it| it.name == name && it.value.is_none()).is_some() {}
            members.push(ClassMember { name, at, value: Some(method.value), declared: None });
        }
    }

    /// A computed name is lowered, but names no member.
    fn member_name(&mut self, key: Part<'t>) -> Option<Symbol> {
        match self.property_key(key) {
            Some((PropName::Fixed(name), _)) => Some(name),
            _ => None,
        }
    }

    fn field_of(&mut self, class: ClassId, part: Part<'t>) {
        let parts = self.parts(part.node);
        for it in parts.of(Field::Decorator) {
            self.only(it);
        }
        let key = parts.get(Field::Name);
        let name = key.and_then(|it| self.member_name(it));
        let declared = self.annotation(&parts);
        let value = parts.get(Field::Value).map(|it| self.value(it, name));
        self.done(parts);
        if let (Some(key), Some(name)) = (key, name) {
            let at = self.bytes(key.node);
            self.chunk.classes[class.at()].members.push(ClassMember { name, at, value, declared });
        }
    }

    fn signature_in_class(&mut self, class: ClassId, part: Part<'t>) {
        let parts = self.parts(part.node);
        let key = parts.get(Field::Name);
        let name = key.and_then(|it| self.member_name(it));
        let declared = self.returned_type(&parts).map(|it| self.add_type(Type::Function(it)));
        self.done(parts);
        if let (Some(key), Some(name)) = (key, name) {
            let at = self.bytes(key.node);
            self.chunk.classes[class.at()].members.push(ClassMember { name, at, value: None, declared });
        }
    }

    fn static_block(&mut self, part: Part<'t>) {
        let outer = self.open(ScopeKind::Block);
        let outer_function = std::mem::replace(&mut self.builder.function_scope, self.builder.scope);
        let parts = self.parts(part.node);
        if let Some(body) = parts.get(Field::Body) {
            self.all_in(body);
        }
        self.done(parts);
        self.scope = outer;
        self.function_scope = outer_function;
    }

    /// Lowers an enum and declares it.
    pub fn enumeration(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        let (name, body) = (parts.get(Field::Name), parts.get(Field::Body));
        self.done(parts);
        let props = body.map(|it| self.enum_members(it)).unwrap_or_default();
        let run = self.props(props);
        let value = Some(self.add(Expr::Enum(run), part.node));
        if let Some(name) = name {
            self.declare_as(name, Origin::Value { value, declared: None, constant: true });
        }
    }

    fn enum_members(&mut self, body: Part<'t>) -> Vec<Prop> {
        let parts = self.parts(body.node);
        let mut props = Vec::with_capacity(parts.all.len());
        for it in &parts.all {
            match it.kind {
                Kind::EnumAssignment => {
                    let parts = self.parts(it.node);
                    props.extend(self.enum_member(&parts));
                    self.done(parts);
                }
                _ if it.field.is_none() => {}
                _ => {
                    if let Some((name, at)) = self.property_key(*it) {
                        props.push(Prop { name, value: self.plain(*it), at });
                    }
                }
            }
        }
        self.done(parts);
        props
    }

    fn enum_member(&mut self, parts: &Parts<'t>) -> Option<Prop> {
        let value = parts.get(Field::Value).map(|it| self.expression(it))?;
        let (name, at) = self.property_key(parts.get(Field::Name)?)?;
        Some(Prop { name, value, at })
    }
}
