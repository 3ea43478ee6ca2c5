//! Functions that the settings say ask for a flag.

use super::Linker;
use super::sites::{Asked, named, positional, property_of};
use super::value::*;
use crate::syntax::ir::{Call, CallId, CallKind, Expr, ExprId, Origin, Symbol};
use crate::syntax::{Certainty, Returns, Via, Wrapper};

/// What the argument with a key is called where nobody says.
const USUAL: [&str; 4] = ["key", "flag", "flag_key", "flagKey"];

impl<'p> Linker<'p> {
    /// What the settings say of what a call calls.
    pub(super) fn named_wrapper(&self, at: At<CallId>, name: Symbol) -> Option<&'p Wrapper> {
        let names = &self.program.file(at.file).names;
        // The SDK's own functions ask what they ask.
        if names.wrappers.is_empty() || self.table(&at).any(&name).is_some() {
            return None;
        }
        let imports = self.imports_of_callee(at);
        let chunk = self.chunk(&at);
        let is_name = matches!(chunk.exprs[chunk.calls[at.id.at()].callee.at()], Expr::Name(..));
        let is_renamed = |it: &Wrapper| is_name && imports.iter().any(|(_, own)| own == &*it.name);
        let is_called = |it: &Wrapper| *it.name == *name || is_renamed(it);
        let is_from = |module: &str| imports.iter().any(|(from, own)| is_in(module, from, own));
        names.wrappers.iter().find(|it| is_called(it) && it.module.as_deref().is_none_or(is_from))
    }

    /// What the name is imported from that a call calls, or the object of it, and what it is called there.
    fn imports_of_callee(&self, at: At<CallId>) -> Vec<(Symbol, Symbol)> {
        let chunk = self.chunk(&at);
        let mut root = chunk.calls[at.id.at()].callee;
        while let Expr::Member(member) = chunk.exprs[root.at()] {
            root = chunk.members[member as usize].object;
        }
        let Expr::Name(name, scope) = chunk.exprs[root.at()] else { return Vec::new() };
        let imported = |it: &BindingAt| match self.chunk(it).bindings[it.id.at()].origin {
            Origin::Import { module, name } => Some((module, name)),
            _ => None,
        };
        self.program.lookup(name, at.with(scope)).iter().filter_map(imported).collect()
    }

    /// What a call asks for of a function that the settings name.
    pub(super) fn asked_by_settings(
        &mut self,
        at: At<CallId>,
        call: &Call,
        wrapper: &'p Wrapper,
    ) -> Vec<Asked> {
        let Some(key) = self.key_by_settings(at, call, wrapper) else { return Vec::new() };
        let read = Sdk {
            name: Symbol::from(&wrapper.name).as_str(),
            via: Via::Wrapper,
            returns: wrapper.returns.unwrap_or(Returns::Variant),
            certainty: Certainty::Certain,
            is_map: false,
            by_name: false,
        };
        self.asked_for(at.with(key), &read)
    }

    fn key_by_settings(&self, at: At<CallId>, call: &Call, wrapper: &Wrapper) -> Option<ExprId> {
        let chunk = self.chunk(&at);
        let args = chunk.args_in(call.args);
        let by_position = |index: usize| positional(args, index).filter(|_| call.kind != CallKind::Element);
        if wrapper.key.is_none() && wrapper.argument.is_none() {
            return USUAL.iter().find_map(|it| named(args, it)).or_else(|| by_position(0));
        }
        let in_object = |name: &str| {
            args.iter().filter(|it| it.name.is_none()).find_map(|it| property_of(chunk, it.value, name))
        };
        let by_name = wrapper.key.as_deref().and_then(|it| named(args, it).or_else(|| in_object(it)));
        by_name.or_else(|| by_position(wrapper.argument? as usize))
    }
}

/// Whether what is imported from a module comes from this one: `acme.toggles`, `@acme/toggles/server`, and with
/// Python the module itself by `from acme import toggles`.
fn is_in(module: &str, from: &str, name: &str) -> bool {
    let rest = from.strip_prefix(module);
    rest.is_some_and(|it| it.is_empty() || it.starts_with(['/', '.'])) || module == format!("{from}.{name}")
}
