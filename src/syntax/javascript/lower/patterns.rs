//! What declares names and what is assigned to: patterns.

use super::super::super::field::Field;
use super::super::super::ir::{
    Assignment, Binding, Bytes, Export, Expr, ExprId, Member, Origin, PropName, ScopeId, Step, Symbol, Target,
};
use super::{Kind, Lower, Part};

/// Where a pattern has come to.
struct Way {
    origin: Origin,
    scope: ScopeId,
    path: Vec<Step>,
    /// The name of the property, if that is what names the binding.
    at: Option<Bytes>,
    default: Option<ExprId>,
}

impl<'t> Lower<'_, 't> {
    /// Declares the names of a pattern.
    pub fn declare_all(&mut self, part: Part<'t>, origin: Origin, scope: ScopeId, default: Option<ExprId>) {
        // What a parameter has where nothing is given is no default of what is inside it.
        let default = default.filter(|_| part.kind == Kind::Identifier);
        self.pattern(part, &mut Way { origin, scope, path: Vec::new(), at: None, default });
    }

    fn pattern(&mut self, part: Part<'t>, way: &mut Way) {
        match part.kind {
            Kind::Identifier => self.declare_name(part, way),
            Kind::ShorthandPattern => {
                way.path.push(Step::Property(self.symbol(part.node)));
                self.declare_name(part, way);
                way.path.pop();
            }
            Kind::AssignmentPattern | Kind::ObjectAssignmentPattern => {
                let (left, value) = self.with_default(part);
                if let Some(left) = left {
                    let is_name = matches!(left.kind, Kind::Identifier | Kind::ShorthandPattern);
                    way.default = value.filter(|_| is_name);
                    self.pattern(left, way);
                    way.default = None;
                }
            }
            _ => {
                self.deeper(|it| it.pattern_parts(part, way));
            }
        }
    }

    fn declare_name(&mut self, part: Part<'t>, way: &mut Way) {
        if part.is_missing() {
            return;
        }
        let binding = Binding {
            name: self.symbol(part.node),
            scope: way.scope,
            at: way.at.take().unwrap_or_else(|| self.bytes(part.node)),
            origin: way.origin,
            path: way.path.clone(),
            default: way.default.take(),
            next: None,
        };
        self.declare(binding);
    }

    /// The sides of `left = default`; the default is lowered.
    fn with_default(&mut self, part: Part<'t>) -> (Option<Part<'t>>, Option<ExprId>) {
        let parts = self.parts(part.node);
        let (left, right) = (parts.get(Field::Left), parts.get(Field::Right));
        self.done(parts);
        let name = left.and_then(|it| self.assigned_name(it));
        (left, right.map(|it| self.value(it, name)))
    }

    fn pattern_parts(&mut self, part: Part<'t>, way: &mut Way) {
        let parts = self.parts(part.node);
        let mut index = 0;
        for it in &parts.all {
            match (part.kind, it.kind) {
                (Kind::ArrayPattern, Kind::Comma) => index += 1,
                (Kind::ArrayPattern, kind) if kind != Kind::RestPattern => {
                    way.path.push(Step::Index(index));
                    self.pattern(*it, way);
                    way.path.pop();
                }
                (Kind::RestPattern, _) => {
                    way.path.push(Step::Rest);
                    self.pattern(*it, way);
                    way.path.pop();
                }
                (_, Kind::PairPattern) => self.pair_pattern(*it, way),
                (Kind::ObjectPattern | Kind::ArrayPattern, _) => self.pattern(*it, way),
                _ => self.statement(*it),
            }
        }
        self.done(parts);
    }

    fn pair_pattern(&mut self, part: Part<'t>, way: &mut Way) {
        let parts = self.parts(part.node);
        let (key, value) = (parts.get(Field::Key), parts.get(Field::Value));
        self.done(parts);
        let (Some(key), Some(value)) = (key, value) else { return };
        match self.property_name(key) {
            Some(name) => {
                way.path.push(Step::Property(name));
                let names = matches!(value.kind, Kind::Identifier | Kind::AssignmentPattern);
                way.at = names.then(|| self.bytes(key.node));
                self.pattern(value, way);
                way.path.pop();
            }
            None => self.computed_pattern(key, value, way),
        }
        way.at = None;
    }

    /// `{ [key]: name }` takes what `value[key]` is. A path cannot say that.
    fn computed_pattern(&mut self, key: Part<'t>, value: Part<'t>, way: &mut Way) {
        let index = self.only(key);
        let origin = match way.origin {
            Origin::Value { value: Some(whole), .. } if way.path.is_empty() => {
                let value = Some(self.add(Expr::Index(whole, index), key.node));
                Origin::Value { value, declared: None, constant: false }
            }
            _ => Origin::Other,
        };
        let scope = way.scope;
        self.pattern(value, &mut Way { origin, scope, path: Vec::new(), at: None, default: None });
    }

    /// The name that a function takes when it is assigned to this.
    pub fn assigned_name(&self, part: Part<'t>) -> Option<Symbol> {
        match part.kind {
            Kind::Identifier | Kind::ShorthandPattern => Some(self.symbol(part.node)),
            Kind::Member => {
                let last = part.node.child(part.node.child_count().checked_sub(1)?)?;
                Some(Symbol::from(self.text(last).trim_start_matches('#')))
            }
            _ => None,
        }
    }

    /// Assigns a value to a name, a member or what a pattern names.
    pub fn assign(&mut self, target: Part<'t>, value: ExprId) {
        match target.kind {
            _ if target.is_missing() => {}
            Kind::Identifier | Kind::ShorthandPattern => {
                let target = Target::Name(self.symbol(target.node), self.scope);
                self.chunk.assignments.push(Assignment { target, value });
            }
            Kind::Member | Kind::Subscript => self.assign_member(target, value),
            _ => {
                self.deeper(|it| it.assign_parts(target, value));
            }
        }
    }

    fn assign_member(&mut self, target: Part<'t>, value: ExprId) {
        let parts = self.parts(target.node);
        let (object, index) = (parts.get(Field::Object), parts.get(Field::Index));
        let property = parts.get(Field::Property);
        self.done(parts);
        let Some(whole) = object else { return };
        let object = self.expression(whole);
        let name = match (property, index) {
            (Some(property), _) => self.property_name(property),
            (_, Some(index)) => match self.literal(index) {
                Some(name) => Some(Symbol::from(&name)),
                None => {
                    self.expression(index);
                    self.chunk.assignments.push(Assignment { target: Target::Element(object), value });
                    None
                }
            },
            _ => None,
        };
        let Some(name) = name else { return };
        self.chunk.assignments.push(Assignment { target: Target::Member(object, name), value });
        match self.of(whole) {
            "module" if name == "exports" => self.chunk.exports.push(Export::Whole { value }),
            "exports" | "module.exports" => self.chunk.exports.push(Export::Name { name, value }),
            _ => {}
        }
    }

    fn assign_parts(&mut self, target: Part<'t>, value: ExprId) {
        let parts = self.parts(target.node);
        for it in &parts.all {
            match (target.kind, it.kind) {
                (Kind::ObjectPattern, _) => self.assign_property(*it, value),
                (Kind::ArrayPattern, Kind::Comma) => {}
                (Kind::ArrayPattern, Kind::RestPattern) => self.assign_rest(*it),
                (Kind::ArrayPattern, _) => {
                    let index = self.plain(*it);
                    let value = self.add(Expr::Index(value, index), it.node);
                    self.assign_or_default(*it, value);
                }
                (Kind::Parenthesized | Kind::NonNull | Kind::As | Kind::Satisfies, kind)
                    if kind.is_expression() =>
                {
                    self.assign(*it, value);
                }
                _ => self.statement(*it),
            }
        }
        self.done(parts);
    }

    fn assign_property(&mut self, part: Part<'t>, value: ExprId) {
        match part.kind {
            Kind::ShorthandPattern | Kind::ObjectAssignmentPattern => {
                let parts = self.parts(part.node);
                let key = parts.get(Field::Left).unwrap_or(part);
                self.done(parts);
                let value = self.property_of(value, key);
                self.assign_or_default(part, value);
            }
            Kind::PairPattern => {
                let parts = self.parts(part.node);
                let (key, target) = (parts.get(Field::Key), parts.get(Field::Value));
                self.done(parts);
                let (Some(key), Some(target)) = (key, target) else { return };
                let value = self.property_of(value, key);
                self.assign_or_default(target, value);
            }
            Kind::RestPattern => self.assign_rest(part),
            _ => self.statement(part),
        }
    }

    fn assign_or_default(&mut self, target: Part<'t>, value: ExprId) {
        if !matches!(target.kind, Kind::AssignmentPattern | Kind::ObjectAssignmentPattern) {
            return self.assign(target, value);
        }
        let (left, default) = self.with_default(target);
        let Some(left) = left else { return };
        let both: Vec<ExprId> = [Some(value), default].into_iter().flatten().collect();
        let run = self.list(&both);
        let value = self.add(Expr::Either(run), target.node);
        self.assign(left, value);
    }

    fn assign_rest(&mut self, rest: Part<'t>) {
        let value = self.opaque(rest);
        let parts = self.parts(rest.node);
        for it in &parts.all {
            self.assign(*it, value);
        }
        self.done(parts);
    }

    /// `{ key: x } = object` reads `object.key`.
    fn property_of(&mut self, object: ExprId, key: Part<'t>) -> ExprId {
        match self.property_key(key) {
            Some((PropName::Fixed(name), at)) => {
                let quoted = key.kind == Kind::String;
                self.add_member(Member { object, name, at, quoted }, key.node)
            }
            Some((PropName::Computed(index), _)) => self.add(Expr::Index(object, index), key.node),
            _ => self.opaque(key),
        }
    }
}
