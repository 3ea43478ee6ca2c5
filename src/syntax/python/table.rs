//! The calls of PostHog's Python SDK that take a flag's key: functions of the module and methods of a client.

use std::sync::LazyLock;

use super::super::words::{self, Call, Needs, Table};
use super::super::{Returns, Via};

/// The words of the SDK.
pub static TABLE: Table = Table {
    calls: &[
        call("feature_enabled", Returns::Boolean, Needs::Client),
        call("get_feature_flag", Returns::Variant, Needs::Client),
        call("get_remote_config_payload", Returns::Payload, Needs::Client),
        call("get_feature_flag_result", Returns::Result, Needs::Nothing),
        call("get_feature_flag_payload", Returns::Payload, Needs::Nothing),
        snapshot("is_enabled", Returns::Boolean),
        snapshot("get_flag", Returns::Variant),
        snapshot("get_flag_payload", Returns::Payload),
    ],
    maps: &[
        map("get_all_flags", Returns::Variant),
        map("get_all_flags_and_payloads", Returns::Result),
        map("get_feature_variants", Returns::Variant),
        map("get_feature_payloads", Returns::Payload),
        map("get_flags_decision", Returns::Result),
    ],
    makers: &["evaluate_flags", "FeatureFlagEvaluations"],
    sieve: LazyLock::new(|| {
        words::sieve(&[
            "eature",
            "emote_config_payload",
            "valuate_flags",
            "get_all_flags",
            "get_flags_decision",
        ])
    }),
};

const fn call(name: &'static str, returns: Returns, needs: Needs) -> Call {
    Call { name, via: Via::Call, returns, needs, is_map: false }
}

const fn map(name: &'static str, returns: Returns) -> Call {
    Call { name, via: Via::Map, returns, needs: Needs::Client, is_map: true }
}

const fn snapshot(name: &'static str, returns: Returns) -> Call {
    Call { name, via: Via::Snapshot, returns, needs: Needs::Snapshot, is_map: false }
}
