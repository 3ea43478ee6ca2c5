//! Members and calls, which stand behind each other: `a.b().c[d]()`.

use super::super::super::field::Field;
use super::super::super::ir::{CallKind, Expr, ExprId, Member, Symbol};
use super::{Kind, Lower, Part, Parts};

impl<'t> Lower<'_, 't> {
    /// Lowers a chain from its innermost object. It may have thousands of links, so nothing calls itself here.
    pub fn chain(&mut self, part: Part<'t>) -> ExprId {
        let first = self.walk.links.len();
        let mut at = part;
        let mut value = loop {
            if !matches!(at.kind, Kind::Member | Kind::Subscript | Kind::Call | Kind::NonNull) {
                break self.expression(at);
            }
            let parts = self.parts(at.node);
            if let Some(known) = self.known_call(at, &parts) {
                break known;
            }
            let inner = match at.kind {
                Kind::Call => parts.get(Field::Function),
                Kind::NonNull => parts.expression(),
                _ => parts.get(Field::Object),
            };
            self.walk.links.push((at, parts));
            match inner {
                Some(inner) => at = inner,
                None => break self.opaque(at),
            }
        };
        while let Some((part, parts)) = self.outer_link(first) {
            value = match part.kind {
                Kind::Member => self.member(part, &parts, value),
                Kind::Subscript => self.subscript(part, &parts, value),
                Kind::Call => self.call(part, &parts, value),
                _ => value,
            };
            self.done(parts);
        }
        value
    }

    /// The next link outwards, of those from the `first` on.
    fn outer_link(&mut self, first: usize) -> Option<(Part<'t>, Parts<'t>)> {
        (self.walk.links.len() > first).then(|| self.walk.links.pop()).flatten()
    }

    fn member(&mut self, part: Part<'t>, parts: &Parts<'t>, object: ExprId) -> ExprId {
        let property = parts.get(Field::Property);
        let Some((property, name)) = property.and_then(|it| Some((it, self.property_name(it)?))) else {
            return self.opaque(part);
        };
        let at = self.bytes(property.node);
        self.add_member(Member { object, name, at, quoted: false }, part.node)
    }

    fn subscript(&mut self, part: Part<'t>, parts: &Parts<'t>, object: ExprId) -> ExprId {
        let Some(index) = parts.get(Field::Index) else { return self.opaque(part) };
        match self.literal(index) {
            Some(name) => {
                let (name, at) = (Symbol::from(&name), self.bytes(index.node));
                self.add_member(Member { object, name, at, quoted: true }, part.node)
            }
            None => {
                let index = self.expression(index);
                self.add(Expr::Index(object, index), part.node)
            }
        }
    }

    fn call(&mut self, part: Part<'t>, parts: &Parts<'t>, callee: ExprId) -> ExprId {
        let list = parts.get(Field::Arguments);
        if let Some(template) = list.filter(|it| it.kind == Kind::TemplateString) {
            self.pieces(template);
            return self.opaque(part);
        }
        let args = self.arguments(list);
        match parts.get(Field::Function).map(|it| it.kind) {
            Some(Kind::ImportCall) => self.opaque(part),
            _ => self.add_call(CallKind::Call, callee, &args, part.node),
        }
    }

    /// `require('m')`, `import('m')`, `Object.freeze(x)`.
    fn known_call(&mut self, part: Part<'t>, parts: &Parts<'t>) -> Option<ExprId> {
        if part.kind != Kind::Call {
            return None;
        }
        let (callee, list) = (parts.get(Field::Function)?, parts.get(Field::Arguments)?);
        match callee.kind {
            Kind::ImportCall => self.loaded(part, list, false),
            Kind::Identifier if self.of(callee) == "require" => self.loaded(part, list, true),
            Kind::Member if self.of(callee) == "Object.freeze" => {
                let args = self.arguments(Some(list));
                Some(args.first().map_or_else(|| self.opaque(part), |it| it.value))
            }
            _ => None,
        }
    }

    fn loaded(&mut self, part: Part<'t>, list: Part<'t>, only: bool) -> Option<ExprId> {
        let parts = self.parts(list.node);
        let mut all = parts.all.iter().filter(|it| it.kind.is_expression());
        let name = all.next().and_then(|it| self.literal(*it)).filter(|_| !only || all.next().is_none());
        self.done(parts);
        name.map(|it| self.add(Expr::Module(Symbol::from(&it)), part.node))
    }

    /// `new X(a)`.
    pub fn construction(&mut self, part: Part<'t>) -> ExprId {
        let parts = self.parts(part.node);
        let callee = match parts.get(Field::Constructor) {
            Some(it) => self.expression(it),
            None => self.opaque(part),
        };
        let args = self.arguments(parts.get(Field::Arguments));
        self.done(parts);
        self.add_call(CallKind::New, callee, &args, part.node)
    }
}
