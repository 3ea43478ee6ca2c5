//! What is known of a value: is it a PostHog client, a snapshot, something of another vendor?

use super::Certainty;

/// What a value is known to be. A function counts as what it returns and a class as its instances: the places
/// that ask know whether they call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A client, or the SDK's module.
    Client(Certainty),
    /// What `evaluateFlags` gives.
    Snapshot(Certainty),
    /// Nobody can tell from this file.
    Unknown,
    /// Something else.
    Foreign,
    /// null, undefined, None: says nothing when something else is assigned as well.
    Nothing,
}

impl Verdict {
    /// What a name is that is assigned both: any evidence for PostHog wins, then doubt.
    pub fn or(self, other: Verdict) -> Verdict {
        if other.rank() < self.rank() { other } else { self }
    }

    fn rank(self) -> u8 {
        match self {
            Verdict::Client(Certainty::Certain) | Verdict::Snapshot(Certainty::Certain) => 0,
            Verdict::Client(Certainty::Inferred) | Verdict::Snapshot(Certainty::Inferred) => 1,
            Verdict::Unknown => 2,
            Verdict::Foreign => 3,
            Verdict::Nothing => 4,
        }
    }

    /// Lets the name decide where nothing else does.
    pub fn or_named(self, named: bool) -> Verdict {
        match self {
            Verdict::Unknown | Verdict::Nothing if named => Verdict::Client(Certainty::Inferred),
            _ => self,
        }
    }
}

/// Whether a name is plainly that of a PostHog client. Test doubles are not.
pub(super) fn named_like_client(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.replace(['_', '$', '#', '-'], "");
    name.contains("posthog") && !["mock", "fake", "stub", "spy"].iter().any(|it| name.contains(it))
}

/// Whether a name is the customary short form, which needs a file that speaks of PostHog elsewhere.
pub(super) fn short_for_client(name: &str) -> bool {
    matches!(name.trim_matches(['_', '$', '#']), "ph" | "phClient" | "ph_client")
}

/// Whether a variable's name says that it holds a flag's key.
pub(super) fn names_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["flag", "key", "feature", "experiment"].iter().any(|it| name.contains(it))
}

/// Whether a module is another vendor's, or makes test doubles.
pub(super) fn is_other_vendor(module: &str) -> bool {
    const VENDORS: [&str; 35] = [
        "launchdarkly",
        "unleash",
        "growthbook",
        "statsig",
        "flagsmith",
        "configcat",
        "splitio",
        "split.io",
        "splitsoftware",
        "optimizely",
        "devcycle",
        "flipt",
        "eppo",
        "amplitude",
        "kameleoon",
        "harness",
        "hypertune",
        "happykit",
        "openfeature",
        "featbit",
        "flagd",
        "firebase",
        "mixpanel",
        "abtasty",
        "vwo",
        "ldclient",
        "ldobserve",
        "waffle",
        "gargoyle",
        "unittest",
        "pytest",
        "vitest",
        "sinon",
        "@jest",
        "flagship",
    ];
    let module = module.to_ascii_lowercase();
    VENDORS.iter().any(|it| module.contains(it)) || module == "mock" || module.starts_with("mock.")
}
