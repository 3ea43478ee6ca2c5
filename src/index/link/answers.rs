//! PostHog asked without an SDK: what `fetch("https://us.i.posthog.com/flags?v=2")` answers.

use super::Linker;
use super::value::*;
use crate::syntax::ir::{Call, CallId, Symbol};
use crate::syntax::{Certainty, Returns, Via};

/// What a map of flags is taken to come from that was fetched.
const FETCHED_MAP: &str = "getAllFlagsAndPayloads";

impl Linker<'_> {
    /// What a call is answered that fetches flags by their address.
    pub(super) fn fetched(&mut self, at: At<CallId>, call: &Call) -> Option<Value> {
        let chunk = self.chunk(&at);
        chunk.call_names[at.id.at()].filter(|it| fetches(it))?;
        let first = chunk.args_in(call.args).first().filter(|it| !it.spread)?;
        let first = at.with(first.value);
        let address = self.eval(first);
        let is_address = address.iter().any(|it| match it {
            Value::Text(known) => gives_flags(&known.text, || self.speaks_of_posthog(at.file)),
            Value::Joined(parts) => {
                let texts =
                    parts.iter().map(|it| if let Value::Text(it) = it { it.text.as_str() } else { "…" });
                gives_flags(&texts.collect::<String>(), || self.speaks_of_posthog(at.file))
            }
            _ => false,
        });
        is_address.then_some(Value::Answer)
    }

    fn speaks_of_posthog(&self, file: FileId) -> bool {
        self.program.file(file).speaks_of_posthog()
    }
}

/// Whether a function may be called so that asks a server.
fn fetches(name: &str) -> bool {
    matches!(name, "get" | "post" | "request" | "urlopen" | "axios" | "ky" | "got")
        || name.to_ascii_lowercase().contains("fetch")
}

/// A part of what is answered.
pub(super) fn of_answer(name: Symbol) -> Value {
    let map = |returns| {
        Value::Map(Map {
            method: FETCHED_MAP,
            via: Via::Map,
            returns,
            certainty: Certainty::Inferred,
            by_name: false,
        })
    };
    match &*name {
        "flags" | "featureFlags" => map(Returns::Variant),
        "featureFlagPayloads" => map(Returns::Payload),
        "json" | "text" | "data" | "body" | "content" => Value::Answer,
        _ => Value::Foreign,
    }
}

/// Whether an address is that of PostHog's flags. Where the host is not written there, the rest must say it.
fn gives_flags(address: &str, speaks_of_posthog: impl Fn() -> bool) -> bool {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let path = path.trim_end_matches('/');
    let is_known = ["/decide", "/flags"].iter().any(|it| path.ends_with(it));
    // Without a host it is the server of this program, perhaps in a test of it.
    let has_host = path.starts_with('…');
    is_known && (path.contains(".posthog.com/") || has_host && query.starts_with("v=") && speaks_of_posthog())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_flags() {
        for (address, speaks, gives) in [
            ("https://us.i.posthog.com/flags?v=2", false, true),
            ("https://app.posthog.com/decide/", false, true),
            ("…/flags/?v=2", true, true),
            ("…/flags/?v=2", false, false),
            ("…/flags", true, false),
            ("/decide/?v=3", true, false),
            ("/decide/?v=…", true, false),
            ("https://us.posthog.com/api/projects/1/feature_flags", true, false),
            ("https://example.com/flags", true, false),
        ] {
            assert_eq!(gives_flags(address, || speaks), gives, "{address}");
        }
    }
}
