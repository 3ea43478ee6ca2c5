//! JSX.

use super::super::super::field::Field;
use super::super::super::ir::{Arg, CallKind, Expr, ExprId, Symbol};
use super::{Kind, Lower, Part, Parts};

impl<'t> Lower<'_, 't> {
    /// Lowers an element. Only what is a component is called.
    pub fn element(&mut self, part: Part<'t>) -> ExprId {
        let parts = self.parts(part.node);
        let value = match parts.get(Field::OpenTag) {
            Some(tag) => {
                let tag = self.parts(tag.node);
                let value = self.tag(part, &tag);
                self.done(tag);
                self.children(&parts);
                value
            }
            None => self.tag(part, &parts),
        };
        self.done(parts);
        value
    }

    fn tag(&mut self, whole: Part<'t>, tag: &Parts<'t>) -> ExprId {
        let component = tag.get(Field::Name).filter(|it| self.is_component(*it));
        let callee = component.map(|it| self.expression(it));
        let args: Vec<Arg> = tag.of(Field::Attribute).filter_map(|it| self.attribute(it)).collect();
        match callee {
            Some(callee) => self.add_call(CallKind::Element, callee, &args, whole.node),
            None => self.plain(whole),
        }
    }

    /// A small letter begins the name of a tag of the page.
    fn is_component(&self, name: Part<'t>) -> bool {
        match name.kind {
            Kind::Member => true,
            Kind::Identifier => !self.of(name).starts_with(|it: char| it.is_lowercase()),
            _ => false,
        }
    }

    fn attribute(&mut self, part: Part<'t>) -> Option<Arg> {
        let parts = self.parts(part.node);
        let arg = match part.kind {
            Kind::JsxExpression => match parts.first(Kind::Spread) {
                Some(it) => Some(Arg { name: None, value: self.only(it), spread: true }),
                None => {
                    parts.expression().map(|it| self.expression(it));
                    None
                }
            },
            _ => self.named_attribute(part, &parts),
        };
        self.done(parts);
        arg
    }

    fn named_attribute(&mut self, part: Part<'t>, parts: &Parts<'t>) -> Option<Arg> {
        let name = self.symbol(parts.all.first()?.node);
        let value = match parts.all.iter().skip(1).find(|it| it.kind != Kind::Equals) {
            Some(it) if it.kind == Kind::String => self.attribute_string(*it),
            Some(it) if it.kind == Kind::JsxExpression => self.held(*it, name),
            Some(it) => self.expression(*it),
            None => self.plain(part),
        };
        Some(Arg { name: Some(name), value, spread: false })
    }

    /// `{value}`
    fn held(&mut self, part: Part<'t>, name: Symbol) -> ExprId {
        let parts = self.parts(part.node);
        let value = match parts.expression() {
            Some(it) => self.value(it, Some(name)),
            None => self.opaque(part),
        };
        self.done(parts);
        value
    }

    /// A backslash is one here, and `&amp;` is not what it seems.
    fn attribute_string(&mut self, part: Part<'t>) -> ExprId {
        let text = self.of(part);
        let is_known = text.len() >= 2 && !text.contains('&') && !part.node.has_error();
        match text.get(1..text.len().saturating_sub(1)).filter(|_| is_known) {
            Some(text) => self.add_text(text, part.node),
            None => self.add(Expr::Opaque, part.node),
        }
    }

    fn children(&mut self, parts: &Parts<'t>) {
        for it in &parts.all {
            match it.kind {
                Kind::JsxExpression => self.all_in(*it),
                kind if kind.is_expression() && it.field.is_none() => {
                    self.expression(*it);
                }
                _ => {}
            }
        }
    }
}
