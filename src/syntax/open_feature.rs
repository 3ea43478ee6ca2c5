//! OpenFeature: one API for the flags of any vendor. Its words ask PostHog only where a provider of PostHog's is
//! set, so they are no part of the sieve: files that name it are read once such a provider was seen.

use super::words::{Call, Needs};
use super::{Returns, Via};

/// What reads a flag, in every language.
static CALLS: &[Call] = &[
    call("getBooleanValue", Via::Call, Returns::Boolean),
    call("getStringValue", Via::Call, Returns::Variant),
    call("getNumberValue", Via::Call, Returns::Payload),
    call("getObjectValue", Via::Call, Returns::Payload),
    call("getBooleanDetails", Via::Call, Returns::Result),
    call("getStringDetails", Via::Call, Returns::Result),
    call("getNumberDetails", Via::Call, Returns::Result),
    call("getObjectDetails", Via::Call, Returns::Result),
    call("useBooleanFlagValue", Via::Hook, Returns::Boolean),
    call("useStringFlagValue", Via::Hook, Returns::Variant),
    call("useNumberFlagValue", Via::Hook, Returns::Payload),
    call("useObjectFlagValue", Via::Hook, Returns::Payload),
    call("useBooleanFlagDetails", Via::Hook, Returns::Result),
    call("useStringFlagDetails", Via::Hook, Returns::Result),
    call("useNumberFlagDetails", Via::Hook, Returns::Result),
    call("useObjectFlagDetails", Via::Hook, Returns::Result),
    call("useFlag", Via::Hook, Returns::Result),
    call("useSuspenseFlag", Via::Hook, Returns::Result),
    call("FeatureFlag", Via::Component, Returns::Variant),
    call("RequireFlagsEnabled", Via::Call, Returns::Boolean),
    call("BooleanFeatureFlag", Via::Call, Returns::Result),
    call("StringFeatureFlag", Via::Call, Returns::Result),
    call("NumberFeatureFlag", Via::Call, Returns::Result),
    call("ObjectFeatureFlag", Via::Call, Returns::Result),
    call("get_boolean_value", Via::Call, Returns::Boolean),
    call("get_string_value", Via::Call, Returns::Variant),
    call("get_integer_value", Via::Call, Returns::Payload),
    call("get_float_value", Via::Call, Returns::Payload),
    call("get_object_value", Via::Call, Returns::Payload),
    call("get_boolean_details", Via::Call, Returns::Result),
    call("get_string_details", Via::Call, Returns::Result),
    call("get_integer_details", Via::Call, Returns::Result),
    call("get_float_details", Via::Call, Returns::Result),
    call("get_object_details", Via::Call, Returns::Result),
    call("get_boolean_value_async", Via::Call, Returns::Boolean),
    call("get_string_value_async", Via::Call, Returns::Variant),
    call("get_integer_value_async", Via::Call, Returns::Payload),
    call("get_float_value_async", Via::Call, Returns::Payload),
    call("get_object_value_async", Via::Call, Returns::Payload),
    call("get_boolean_details_async", Via::Call, Returns::Result),
    call("get_string_details_async", Via::Call, Returns::Result),
    call("get_integer_details_async", Via::Call, Returns::Result),
    call("get_float_details_async", Via::Call, Returns::Result),
    call("get_object_details_async", Via::Call, Returns::Result),
];

const fn call(name: &'static str, via: Via, returns: Returns) -> Call {
    Call { name, via, returns, needs: Needs::Client, is_map: false }
}

/// What reads a flag by this name.
pub(crate) fn find(name: &str) -> Option<&'static Call> {
    CALLS.iter().find(|it| it.name == name)
}

/// Words of which a file has one that reads a flag so, or hands on what does: what imports name, and the methods
/// of a client that comes from elsewhere.
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    let methods = CALLS.iter().map(|it| it.name).filter(|it| it.starts_with("get"));
    methods.chain(["openfeature"])
}

/// Names the functions that set a provider.
pub(crate) const SETTERS: [&str; 5] =
    ["setProvider", "setProviderAndWait", "set_provider", "set_provider_and_wait", "forRoot"];

/// Whether a module is one of OpenFeature's own, which come without a vendor.
pub(crate) fn is_sdk(module: &str) -> bool {
    match module.strip_prefix("@openfeature/") {
        Some(package) => package == "core" || package.ends_with("-sdk"),
        None => {
            let inner = module.strip_prefix("openfeature");
            inner.is_some_and(|it| it.is_empty() || it.starts_with('.') && !it.starts_with(".contrib"))
        }
    }
}

/// Whether a module gives a provider that asks PostHog.
pub(crate) fn is_posthog_provider(module: &str) -> bool {
    let module = module.to_ascii_lowercase();
    let is_package = !module.starts_with('.');
    is_package && module.contains("openfeature") && module.contains("posthog")
}
