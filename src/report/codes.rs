/// What a kind of finding means, for those who meet it outside of an editor.
#[derive(Debug)]
pub(super) struct Description {
    /// The public name.
    pub(super) code: &'static str,
    /// One line.
    pub(super) short: &'static str,
    /// What to do.
    pub(super) help: &'static str,
}

/// Every kind of finding, in the order of the numbers that SARIF gives them.
pub(super) const DESCRIPTIONS: [Description; 9] = [
    Description {
        code: "unknown-flag",
        short: "The project has no such flag",
        help: "Without the flag, PostHog answers false to everyone. Correct the key, or create the flag.",
    },
    Description {
        code: "stale-flag",
        short: "The flag gives everyone the same value for long",
        help: "Keep the code of that value, remove the other and the read, then archive the flag in PostHog.",
    },
    Description {
        code: "disabled-flag",
        short: "The flag was on before and is off for everyone",
        help: "Switch it on again, or remove the code that nobody reaches.",
    },
    Description {
        code: "archived-flag",
        short: "The flag is archived, and the code still reads it",
        help: "An archived flag is off for everyone. Remove the read, or restore the flag in PostHog.",
    },
    Description {
        code: "unknown-variant",
        short: "The code compares with a variant that the flag does not have",
        help: "That branch is never taken. Correct the name, or add the variant to the flag.",
    },
    Description {
        code: "missing-variant",
        short: "The code handles some variants of the flag and leaves others out",
        help: "Handle the variants that are left out, or add a branch for all others.",
    },
    Description {
        code: "wrong-read",
        short: "The flag is read in a way that never gives what is wanted",
        help: "Add the payload in PostHog, or read the flag itself; read a flag with variants by its variant.",
    },
    Description {
        code: "not-live",
        short: "The flag is on for everyone, and nobody has asked for it",
        help: "Release the code, or see to it that its events reach this project.",
    },
    Description {
        code: "secret-in-code",
        short: "A secret key of PostHog stands in the code",
        help: "Revoke the key in PostHog, make a new one, and read it from the environment.",
    },
];

/// What is known of a kind, with the place where it stands in [`DESCRIPTIONS`].
pub(super) fn describe(code: &str) -> Option<(usize, &'static Description)> {
    DESCRIPTIONS.iter().enumerate().find(|it| it.1.code == code)
}
