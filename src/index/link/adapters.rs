//! Vercel's Flags SDK with PostHog's adapter: `flag({ key: 'new-nav', adapter: postHogAdapter.isFeatureEnabled() })`.

use super::Linker;
use super::sites::{Asked, positional, property_of};
use super::value::*;
use crate::syntax::ir::{Call, CallId, Symbol};
use crate::syntax::{Certainty, Returns, Via};

/// The module of the adapter.
const MODULE: &str = "@flags-sdk/posthog";

/// What a name of the adapter's module is.
pub(super) fn imported(module: Symbol, name: Symbol) -> Option<Value> {
    let is_adapter = matches!(&*name, "postHogAdapter" | "createPostHogAdapter" | "*" | "default");
    (&*module == MODULE && is_adapter).then_some(Value::Adapter(None))
}

/// A part of an adapter, or of its module.
pub(super) fn of_adapter(returns: Option<Returns>, name: Symbol) -> Value {
    Value::Adapter(match &*name {
        "isFeatureEnabled" => Some(Returns::Boolean),
        "featureFlagValue" => Some(Returns::Variant),
        "featureFlagPayload" | "payload" => Some(Returns::Payload),
        "postHogAdapter" | "createPostHogAdapter" | "default" => returns,
        _ => return Value::Foreign,
    })
}

impl Linker<'_> {
    /// The flag that a call declares which asks PostHog by an adapter.
    pub(super) fn asked_by_adapter(&mut self, at: At<CallId>, call: &Call) -> Option<Vec<Asked>> {
        let chunk = self.chunk(&at);
        let options = positional(chunk.args_in(call.args), 0)?;
        let adapter = property_of(chunk, options, "adapter")?;
        let key = property_of(chunk, options, "key")?;
        let adapters = self.eval(at.with(adapter));
        let returns = adapters.iter().find_map(|it| match it {
            Value::Adapter(returns) => Some(returns.unwrap_or(Returns::Variant)),
            _ => None,
        });
        let Some(returns) = returns else {
            self.wanted.extend(adapters.iter().filter_map(Value::unloaded).cloned());
            return None;
        };
        let name = match returns {
            Returns::Boolean => "isFeatureEnabled",
            Returns::Payload => "getFeatureFlagPayload",
            _ => "getFeatureFlag",
        };
        // What the call gives is no value of the flag, but a function that gives it.
        let (via, certainty) = (Via::Wrapper, Certainty::Certain);
        let read = Sdk { name, via, returns, certainty, is_map: false, by_name: false };
        Some(self.asked_for(at.with(key), &read))
    }
}
