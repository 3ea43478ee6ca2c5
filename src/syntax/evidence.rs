//! What names say: is this a PostHog client, a map of flags, something of another vendor?

/// Whether a name is plainly that of a PostHog client. Test doubles are not.
pub(crate) fn named_like_client(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.replace(['_', '$', '#', '-'], "");
    name.contains("posthog") && !["mock", "fake", "stub", "spy"].iter().any(|it| name.contains(it))
}

/// Whether a name is the customary short form, which needs a file that speaks of PostHog elsewhere.
pub(crate) fn short_for_client(name: &str) -> bool {
    matches!(name.trim_matches(['_', '$', '#']), "ph" | "phClient" | "ph_client")
}

/// Whether a name is plainly that of a map of flags.
pub(crate) fn named_like_flags(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['_', '$', '#'], "");
    name == "flags" || name.ends_with("featureflags") || name.ends_with("posthogflags")
}

/// Whether a constant's name says that it is a flag's key: `FEATURE_FLAGS.NEW_NAV`, `ROLLOUT_FLAG`.
pub(crate) fn names_flag(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["flag", "experiment", "feature"].iter().any(|it| name.contains(it))
}

/// Whether a variable's name says that it holds a flag's key.
pub(crate) fn names_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["flag", "key", "feature", "experiment"].iter().any(|it| name.contains(it))
}

/// Whether a module is another vendor's, or makes test doubles.
pub(crate) fn is_other_vendor(module: &str) -> bool {
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
