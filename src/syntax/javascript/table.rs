//! The calls of PostHog's JavaScript SDKs that take a flag's key: browser, React, Next, Node, React Native,
//! lite and Convex.

use std::sync::LazyLock;

use super::super::words::{self, Call, Needs, Table};
use super::super::{Returns, Via};

/// The words of the SDKs.
pub static TABLE: Table = Table {
    calls: &[
        method("isFeatureEnabled", Returns::Boolean),
        method("getFeatureFlag", Returns::Variant),
        method("getFeatureFlagDetails", Returns::Result),
        method("getRemoteConfigPayload", Returns::Payload),
        method("evaluateFlag", Returns::Variant),
        method("evaluateFlagPayload", Returns::Payload),
        free("getFeatureFlagResult", Via::Call, Returns::Result),
        free("getFeatureFlagPayload", Via::Call, Returns::Payload),
        free("useFeatureFlagEnabled", Via::Hook, Returns::Boolean),
        free("useFeatureFlagVariantKey", Via::Hook, Returns::Variant),
        free("useFeatureFlagPayload", Via::Hook, Returns::Payload),
        free("useFeatureFlagResult", Via::Hook, Returns::Result),
        free("PostHogFeature", Via::Component, Returns::Variant),
        Call {
            name: "useFeatureFlag",
            via: Via::Hook,
            returns: Returns::Variant,
            needs: Needs::Client,
            is_map: false,
        },
        Call {
            name: "useFeatureFlagWithPayload",
            via: Via::Hook,
            returns: Returns::Variant,
            needs: Needs::Client,
            is_map: false,
        },
        Call {
            name: "onFeatureFlag",
            via: Via::Callback,
            returns: Returns::Variant,
            needs: Needs::Client,
            is_map: false,
        },
        snapshot("isEnabled", Returns::Boolean),
        snapshot("getFlag", Returns::Variant),
        snapshot("getFlagPayload", Returns::Payload),
    ],
    maps: &[
        map("useActiveFeatureFlags", Via::Map, Returns::Boolean),
        map("useFeatureFlags", Via::Map, Returns::Variant),
        map("getFeatureFlags", Via::Map, Returns::Variant),
        map("getFeatureFlagPayloads", Via::Map, Returns::Payload),
        map("getFlags", Via::Map, Returns::Boolean),
        map("getFlagVariants", Via::Map, Returns::Variant),
        map("getFlagPayloads", Via::Map, Returns::Payload),
        map("getAllFlags", Via::Map, Returns::Variant),
        map("getAllFlagsAndPayloads", Via::Map, Returns::Result),
        map("onFeatureFlags", Via::Callback, Returns::Variant),
    ],
    makers: &["evaluateFlags", "FeatureFlagEvaluations"],
    sieve: LazyLock::new(|| {
        words::sieve(&["eature", "valuateFlag", "emoteConfigPayload", "getAllFlags", "getFlag"])
    }),
};

const fn method(name: &'static str, returns: Returns) -> Call {
    Call { name, via: Via::Call, returns, needs: Needs::Client, is_map: false }
}

const fn free(name: &'static str, via: Via, returns: Returns) -> Call {
    Call { name, via, returns, needs: Needs::Nothing, is_map: false }
}

const fn map(name: &'static str, via: Via, returns: Returns) -> Call {
    Call { name, via, returns, needs: Needs::Client, is_map: true }
}

const fn snapshot(name: &'static str, returns: Returns) -> Call {
    Call { name, via: Via::Snapshot, returns, needs: Needs::Snapshot, is_map: false }
}
