//! Places that tell the variants of a flag apart.

use super::Linker;
use super::value::*;
use crate::flags::FlagKey;
use crate::syntax::ir::{Arg, CallId, CallKind, Chunk, Expr, ExprId, Origin, PropName, Step, Symbol};
use crate::syntax::{Compared, Returns};
use crate::text::Span;

/// Names that lead to a value are followed so far.
const MOST_STEPS: u32 = 8;

impl Linker<'_> {
    /// What a chunk compares with the variants of flags.
    pub(super) fn compared(&mut self, at: At<()>) -> Vec<Compared> {
        let chunk = self.chunk(&at);
        let mut found = Vec::new();
        for it in &chunk.comparisons {
            let values = chunk.exprs_in(it.values);
            self.begin_site();
            let mut subject = it.subject;
            let mut key = self.served_at(at.with(subject), 0);
            let mut values = values.to_vec();
            if let (None, [other], false) = (&key, &values[..], it.is_open) {
                key = self.served_at(at.with(*other), 0);
                (subject, values) = (*other, vec![subject]);
            }
            let Some(key) = key else { continue };
            let named: Vec<_> = values.iter().filter_map(|it| self.variant_at(at.with(*it))).collect();
            // Who compares with something that is not known may well compare with the variant that is missing;
            // `false`, `undefined` and numbers are no variants.
            let is_none = |it: &&ExprId| matches!(chunk.exprs[it.at()], Expr::Plain | Expr::Nothing);
            let is_open = it.is_open && named.len() + values.iter().filter(is_none).count() == values.len();
            if !named.is_empty() {
                found.push(Compared { key, span: self.span_of(at.with(subject)), variants: named, is_open });
            }
        }
        for id in 0..chunk.calls.len() {
            let at = at.with(CallId(id as u32));
            found.extend(self.included(at).or_else(|| self.matched(at)));
        }
        for (id, expr) in chunk.exprs.iter().enumerate() {
            if let Expr::Index(object, index) = *expr {
                found.extend(self.looked_up(at.with(ExprId(id as u32)), object, index));
            }
        }
        found
    }

    /// `['control', 'test'].includes(variant)`
    fn included(&mut self, at: At<CallId>) -> Option<Compared> {
        let chunk = self.chunk(&at);
        let call = &chunk.calls[at.id.at()];
        let Expr::Member(member) = chunk.exprs[call.callee.at()] else { return None };
        let member = &chunk.members[member as usize];
        let (true, [subject]) = (&*member.name == "includes", chunk.args_in(call.args)) else { return None };
        let Expr::List(run) = chunk.exprs[member.object.at()] else { return None };
        self.begin_site();
        let key = self.served_at(at.with(subject.value), 0)?;
        let items = chunk.exprs_in(run);
        let variants: Vec<_> = items.iter().filter_map(|it| self.variant_at(at.with(*it))).collect();
        let span = self.span_of(at.with(subject.value));
        (!variants.is_empty()).then_some(Compared { key, span, variants, is_open: false })
    }

    /// `<PostHogFeature flag="pricing" match="test">`
    fn matched(&mut self, at: At<CallId>) -> Option<Compared> {
        let chunk = self.chunk(&at);
        let call = &chunk.calls[at.id.at()];
        if call.kind != CallKind::Element {
            return None;
        }
        let is_match = |it: &&Arg| it.name.is_some_and(|it| &*it == "match");
        let matched = chunk.args_in(call.args).iter().find(is_match)?;
        self.begin_site();
        let asked = self.asked_by_call(at);
        let [asked] = &asked[..] else { return None };
        let [Value::Text(known)] = &asked.values[..] else { return None };
        let (key, is_of_sdk) = (FlagKey::from(known.text.as_str()), asked.method == "PostHogFeature");
        let variant = self.variant_at(at.with(matched.value)).filter(|_| is_of_sdk)?;
        let span = variant.1;
        Some(Compared { key, span, variants: vec![variant], is_open: false })
    }

    /// `{ control: <Old />, test: <New /> }[variant]`
    fn looked_up(&mut self, at: ExprAt, object: ExprId, index: ExprId) -> Option<Compared> {
        self.begin_site();
        let key = self.served_at(at.with(index), 0)?;
        let values = self.eval(at.with(object));
        let [Value::Object(object)] = &values[..] else { return None };
        let chunk = self.chunk(object);
        let Expr::Object(run) = chunk.exprs[object.id.at()] else { return None };
        let props = chunk.props_in(run);
        let module = self.program.module(object.file);
        let named = props.iter().filter_map(|it| Some((it.name.fixed()?, &it.at)));
        let place = |it| if object.file == at.file { Some(module.span(object.chunk, it)) } else { None };
        let here = self.span_of(at);
        let variants: Vec<(Box<str>, Span)> =
            named.map(|(name, it)| (name.as_str().into(), place(it).unwrap_or(here))).collect();
        let is_whole = props.iter().all(|it| matches!(it.name, PropName::Fixed(_)));
        let is_open = is_whole && !has_alternative(self.chunk(&at), at.id);
        (!variants.is_empty()).then_some(Compared { key, span: here, variants, is_open })
    }

    /// The name that an expression is, and where it stands.
    fn variant_at(&mut self, at: ExprAt) -> Option<(Box<str>, Span)> {
        let values = self.eval(at);
        let [Value::Text(known)] = &values[..] else { return None };
        Some((known.text.as_str().into(), self.span_of(at)))
    }

    /// The flag whose variant an expression is.
    fn served_at(&mut self, at: ExprAt, depth: u32) -> Option<FlagKey> {
        if depth > MOST_STEPS {
            return None;
        }
        let chunk = self.chunk(&at);
        match chunk.exprs[at.id.at()] {
            Expr::Call(call) => {
                let asked = self.asked_by_call(at.with(call));
                let [asked] = &asked[..] else { return None };
                let [Value::Text(known)] = &asked.values[..] else { return None };
                (asked.returns == Returns::Variant).then(|| FlagKey::from(known.text.as_str()))
            }
            Expr::Name(name, scope) => self.served_by_name(at.with(scope), name, depth),
            Expr::Index(..) => {
                let asked = self.asked_by_index(at);
                let [asked] = &asked[..] else { return None };
                let [Value::Text(known)] = &asked.values[..] else { return None };
                (asked.returns != Returns::Payload).then(|| FlagKey::from(known.text.as_str()))
            }
            Expr::Member(member) => {
                let member = &chunk.members[member as usize];
                if &*member.name == "variant" {
                    return self.result_at(at.with(member.object), depth + 1);
                }
                let map = self.map_of_member(at)?;
                (map.returns != Returns::Payload).then(|| FlagKey::from(member.name.as_str()))
            }
            // `flag ?? 'control'`
            Expr::Either(run) => {
                chunk.exprs_in(run).iter().find_map(|it| self.served_at(at.with(*it), depth + 1))
            }
            _ => None,
        }
    }

    fn served_by_name(
        &mut self,
        from: At<crate::syntax::ir::ScopeId>,
        name: Symbol,
        depth: u32,
    ) -> Option<FlagKey> {
        let bindings = self.program.lookup(name, from);
        let [binding] = bindings[..] else { return None };
        let it = &self.chunk(&binding).bindings[binding.id.at()];
        let Origin::Value { value: Some(value), .. } = it.origin else { return None };
        match it.path[..] {
            [] => self.served_at(binding.with(value), depth + 1),
            [Step::Property(property)] if &*property == "variant" => {
                self.result_at(binding.with(value), depth + 1)
            }
            _ => {
                let (map, name) = self.map_of_binding(binding)?;
                (map.returns != Returns::Payload).then(|| FlagKey::from(name.as_str()))
            }
        }
    }

    /// The flag whose result an expression is.
    fn result_at(&mut self, at: ExprAt, depth: u32) -> Option<FlagKey> {
        if depth > MOST_STEPS {
            return None;
        }
        match self.chunk(&at).exprs[at.id.at()] {
            Expr::Call(call) => {
                let asked = self.asked_by_call(at.with(call));
                let [asked] = &asked[..] else { return None };
                let [Value::Text(known)] = &asked.values[..] else { return None };
                (asked.returns == Returns::Result).then(|| FlagKey::from(known.text.as_str()))
            }
            Expr::Name(name, scope) => {
                let bindings = self.program.lookup(name, at.with(scope));
                let [binding] = bindings[..] else { return None };
                let it = &self.chunk(&binding).bindings[binding.id.at()];
                match it.origin {
                    Origin::Value { value: Some(value), .. } if it.path.is_empty() => {
                        self.result_at(binding.with(value), depth + 1)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn span_of(&self, at: ExprAt) -> Span {
        let module = self.program.module(at.file);
        module.span(at.chunk, &module.chunks[at.chunk as usize].chunk.spans[at.id.at()])
    }
}

/// Whether something stands in for an expression that gives nothing: `copy[variant] ?? copy.control`.
fn has_alternative(chunk: &Chunk, id: ExprId) -> bool {
    chunk.exprs.iter().any(|it| match it {
        Expr::Either(run) => chunk.exprs_in(*run).contains(&id),
        _ => false,
    })
}
