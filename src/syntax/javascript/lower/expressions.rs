//! Expressions, but for calls and operators.

use super::super::super::field::Field;
use super::super::super::ir::{Arg, BranchKind, Bytes, End, Expr, ExprId, Prop, PropName, Symbol};
use super::{Kind, Lower, Part};

impl<'t> Lower<'_, 't> {
    /// Lowers an expression. Of what does not change a value only what is inside counts.
    pub fn expression(&mut self, part: Part<'t>) -> ExprId {
        self.value(part, None)
    }

    /// Lowers what becomes the value of a variable or property, whose name a function takes.
    pub fn value(&mut self, part: Part<'t>, name: Option<Symbol>) -> ExprId {
        if part.is_missing() {
            return self.opaque(part);
        }
        match part.kind {
            Kind::Identifier => self.name(part),
            Kind::String => self.string(part),
            Kind::Number | Kind::True | Kind::False | Kind::Regex => self.plain(part),
            Kind::Null | Kind::Undefined => self.add(Expr::Nothing, part.node),
            Kind::This | Kind::Super => {
                let scope = self.scope;
                self.add(Expr::This(scope), part.node)
            }
            Kind::MetaProperty | Kind::ImportCall => self.opaque(part),
            _ => self.deeper(|it| it.nested(part, name)).unwrap_or_else(|| self.opaque(part)),
        }
    }

    fn nested(&mut self, whole: Part<'t>, name: Option<Symbol>) -> ExprId {
        let Some(part) = self.unwrapped(whole) else { return self.opaque(whole) };
        let n_before = self.chunk.assignments.len();
        let value = self.nested_in(part, whole, name);
        let is_perhaps = matches!(part.kind, Kind::Ternary | Kind::Binary | Kind::Augmented);
        if is_perhaps && self.chunk.assignments.len() > n_before {
            self.branches(BranchKind::Way, false, [(part.node.byte_range(), End::On)]);
        }
        value
    }

    fn nested_in(&mut self, part: Part<'t>, whole: Part<'t>, name: Option<Symbol>) -> ExprId {
        match part.kind {
            Kind::Member | Kind::Subscript | Kind::Call => self.chain(part),
            Kind::New => self.construction(part),
            Kind::Arrow | Kind::FunctionExpression | Kind::GeneratorExpression => {
                let function = self.function(part, name, None);
                self.add(Expr::Function(function), part.node)
            }
            Kind::Object => self.object(part),
            Kind::Array => self.array(part),
            Kind::JsxElement | Kind::JsxSelfClosing | Kind::JsxOpening => self.element(part),
            Kind::TemplateString => self.template(part),
            Kind::Ternary => self.ternary(part),
            Kind::Binary => self.binary(part),
            Kind::Unary => self.unary(part),
            Kind::Update => self.update(part),
            Kind::Assignment => self.assignment(part),
            Kind::Augmented => self.augmented(part),
            Kind::Yield => self.yields(part),
            Kind::Class => {
                let class = self.class(part, name);
                self.add(Expr::Class(class), part.node)
            }
            _ if part.node == whole.node => {
                self.all_in(part);
                self.opaque(part)
            }
            _ => self.value(part, name),
        }
    }

    /// Goes into parentheses and the like, as many as there are.
    fn unwrapped(&mut self, mut part: Part<'t>) -> Option<Part<'t>> {
        loop {
            let is_last = match part.kind {
                Kind::Sequence | Kind::Assertion => true,
                Kind::Parenthesized
                | Kind::Await
                | Kind::NonNull
                | Kind::As
                | Kind::Satisfies
                | Kind::Instantiation => false,
                _ => return Some(part),
            };
            let parts = self.parts(part.node);
            let mut all = parts.all.iter().filter(|it| it.kind.is_expression());
            let inner = if is_last { all.next_back() } else { all.next() }.copied();
            for it in all {
                self.expression(*it);
            }
            self.done(parts);
            part = inner?;
        }
    }

    /// The only expression in a node, such as the one that it returns.
    pub fn only(&mut self, part: Part<'t>) -> ExprId {
        let parts = self.parts(part.node);
        let value = match parts.expression() {
            Some(it) => self.expression(it),
            None => self.opaque(part),
        };
        self.done(parts);
        value
    }

    fn object(&mut self, part: Part<'t>) -> ExprId {
        let parts = self.parts(part.node);
        let mut props = Vec::with_capacity(parts.all.len());
        for it in &parts.all {
            props.extend(self.property(*it));
        }
        self.done(parts);
        let run = self.props(props);
        self.add(Expr::Object(run), part.node)
    }

    fn property(&mut self, part: Part<'t>) -> Option<Prop> {
        let at = self.bytes(part.node);
        match part.kind {
            Kind::Pair => self.pair(part),
            Kind::Shorthand => {
                let value = self.name(part);
                Some(Prop { name: PropName::Fixed(self.symbol(part.node)), value, at })
            }
            Kind::Spread => Some(Prop { name: PropName::Spread, value: self.only(part), at }),
            Kind::Method => self.method_in_object(part),
            _ => {
                self.statement(part);
                None
            }
        }
    }

    fn pair(&mut self, part: Part<'t>) -> Option<Prop> {
        let parts = self.parts(part.node);
        let (key, value) = (parts.get(Field::Key), parts.get(Field::Value));
        self.done(parts);
        let named = key.and_then(|it| self.property_key(it));
        let held = named.as_ref().and_then(|it| if let PropName::Fixed(it) = it.0 { Some(it) } else { None });
        let value = value.map(|it| self.value(it, held))?;
        named.map(|(name, at)| Prop { name, value, at })
    }

    fn method_in_object(&mut self, part: Part<'t>) -> Option<Prop> {
        let method = self.method(part, None);
        let named = method.key.and_then(|it| self.property_key(it));
        // What is written to a setter is not what is read from it.
        named.filter(|_| !method.is_setter).map(|(name, at)| Prop { name, value: method.value, at })
    }

    /// The name that a key gives, and where it is.
    pub fn property_key(&mut self, key: Part<'t>) -> Option<(PropName, Bytes)> {
        let at = self.bytes(key.node);
        let name = match self.property_name(key) {
            Some(name) => PropName::Fixed(name),
            None if key.kind == Kind::ComputedName => PropName::Computed(self.only(key)),
            None => return None,
        };
        Some((name, at))
    }

    /// Holes count; what is spread is some element of something else.
    fn array(&mut self, part: Part<'t>) -> ExprId {
        let parts = self.parts(part.node);
        let mut items = Vec::with_capacity(parts.all.len());
        let mut is_hole = true;
        for it in &parts.all {
            match it.kind {
                Kind::Comma if is_hole => items.push(self.add(Expr::Nothing, it.node)),
                Kind::Spread => {
                    let inner = self.only(*it);
                    items.push(self.add(Expr::Element(inner), it.node));
                }
                it if !it.is_expression() => {}
                _ => items.push(self.expression(*it)),
            }
            is_hole = it.kind == Kind::Comma;
        }
        self.done(parts);
        let run = self.list(&items);
        self.add(Expr::List(run), part.node)
    }

    /// The arguments of a call.
    pub fn arguments(&mut self, list: Option<Part<'t>>) -> Vec<Arg> {
        let Some(list) = list else { return Vec::new() };
        let parts = self.parts(list.node);
        let mut args = Vec::with_capacity(parts.all.len());
        for it in &parts.all {
            match it.kind {
                Kind::Spread => args.push(Arg { name: None, value: self.only(*it), spread: true }),
                kind if kind.is_expression() => {
                    args.push(Arg { name: None, value: self.expression(*it), spread: false });
                }
                _ => self.statement(*it),
            }
        }
        self.done(parts);
        args
    }
}
