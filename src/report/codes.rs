use crate::config::Rule;

/// What a kind of finding means and what to do, a line each, for those who meet it outside of an editor.
pub(super) const fn describe(rule: Rule) -> (&'static str, &'static str) {
    match rule {
        Rule::UnknownFlag => (
            "The project has no such flag",
            "Without the flag, PostHog answers false to everyone. Correct the key, or create the flag.",
        ),
        Rule::StaleFlag => (
            "The flag gives everyone the same value for long",
            "Keep the code of that value, remove the other and the read, then archive the flag in PostHog.",
        ),
        Rule::DisabledFlag => (
            "The flag was on before and is off for everyone",
            "Switch it on again, or remove the code that nobody reaches.",
        ),
        Rule::ArchivedFlag => (
            "The flag is archived, and the code still reads it",
            "An archived flag is off for everyone. Remove the read, or restore the flag in PostHog.",
        ),
        Rule::UnknownVariant => (
            "The code compares with a variant that the flag does not have",
            "That branch is never taken. Correct the name, or add the variant to the flag.",
        ),
        Rule::MissingVariant => (
            "The code handles some variants of the flag and leaves others out",
            "Handle the variants that are left out, or add a branch for all others.",
        ),
        Rule::WrongRead => (
            "The flag is read in a way that never gives what is wanted",
            "Add the payload in PostHog, or read the flag itself; read a flag with variants by its variant.",
        ),
        Rule::NotLive => (
            "The flag is on for everyone, and nobody has asked for it",
            "Release the code, or see to it that its events reach this project.",
        ),
        Rule::Brief => (
            "A brief says something wrong",
            "Mend it where it stands, or take it out: a feature with such a brief is not launched.",
        ),
        Rule::ReviewDue => (
            "The feature is due for its review",
            "Look at its key metric with `flagline review`, and write down what came of it.",
        ),
        Rule::RolloutStopped => (
            "The rollout of the flag was stopped",
            "Look at why, mend it, and go on with `flagline resume`; or roll it back.",
        ),
        Rule::GateReady => (
            "The rollout of the flag waits for a person's go",
            "Look at what people met, and go on with `flagline promote`, or stop it.",
        ),
        Rule::ScheduleConflict => (
            "PostHog will change the flag by itself, against its plan",
            "Take the scheduled change back on the flag's page, or change the plan.",
        ),
        Rule::PlanDrift => (
            "The flag is not as its plan says",
            "Change the brief, or make the flag as it says with `flagline launch --take-over`.",
        ),
        Rule::SecretInCode => (
            "A secret key of PostHog stands in the code",
            "Revoke the key in PostHog, make a new one, and read it from the environment.",
        ),
    }
}
