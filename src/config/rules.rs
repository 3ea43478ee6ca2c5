use super::Severity;

/// The kinds of findings; their names are public, in settings, in JSON and on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The project has no such flag.
    UnknownFlag,
    /// The code can do without the flag.
    StaleFlag,
    /// The flag was on before and is off now.
    DisabledFlag,
    /// The flag was archived or deleted.
    ArchivedFlag,
    /// The code asks for a variant that the flag does not have.
    UnknownVariant,
    /// The code tells variants apart and leaves one out.
    MissingVariant,
    /// The read never gives what the code wants of it.
    WrongRead,
    /// The flag is on for everyone, and nobody has asked for it.
    NotLive,
    /// The rollout of the flag was stopped.
    RolloutStopped,
    /// The rollout of the flag waits for a person's go.
    GateReady,
    /// PostHog will change the flag by itself, against its plan.
    ScheduleConflict,
    /// The flag is not as its plan says.
    PlanDrift,
    /// A secret key of PostHog stands in the code.
    SecretInCode,
    /// Everyone has had the feature for as long as its brief says, and nobody has said what came of it.
    ReviewDue,
    /// Something is wrong in a brief itself. No setting makes it quieter: nothing can be done with such a brief.
    Brief,
}

impl Rule {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Rule; 15] = [
        Rule::UnknownFlag,
        Rule::StaleFlag,
        Rule::DisabledFlag,
        Rule::ArchivedFlag,
        Rule::UnknownVariant,
        Rule::MissingVariant,
        Rule::WrongRead,
        Rule::NotLive,
        Rule::RolloutStopped,
        Rule::GateReady,
        Rule::ScheduleConflict,
        Rule::PlanDrift,
        Rule::SecretInCode,
        Rule::ReviewDue,
        Rule::Brief,
    ];

    /// The public name.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::UnknownFlag => "unknown-flag",
            Rule::StaleFlag => "stale-flag",
            Rule::DisabledFlag => "disabled-flag",
            Rule::ArchivedFlag => "archived-flag",
            Rule::UnknownVariant => "unknown-variant",
            Rule::MissingVariant => "missing-variant",
            Rule::WrongRead => "wrong-read",
            Rule::NotLive => "not-live",
            Rule::RolloutStopped => "rollout-stopped",
            Rule::GateReady => "gate-ready",
            Rule::ScheduleConflict => "schedule-conflict",
            Rule::PlanDrift => "plan-drift",
            Rule::SecretInCode => "secret-in-code",
            Rule::ReviewDue => "review-due",
            Rule::Brief => "brief",
        }
    }

    /// How loud it is where nobody says otherwise.
    pub const fn usual(self) -> Severity {
        match self {
            Rule::SecretInCode | Rule::Brief => Severity::Error,
            Rule::UnknownFlag
            | Rule::StaleFlag
            | Rule::ArchivedFlag
            | Rule::UnknownVariant
            | Rule::MissingVariant
            | Rule::WrongRead
            | Rule::ScheduleConflict
            | Rule::PlanDrift => Severity::Warning,
            Rule::DisabledFlag | Rule::NotLive | Rule::RolloutStopped | Rule::GateReady | Rule::ReviewDue => {
                Severity::Information
            }
        }
    }
}

/// How loud each kind of finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Severities {
    of: [Option<Severity>; Rule::ALL.len()],
    /// Of a check for true or false of a flag that has variants: part of [`Rule::WrongRead`], and not told by itself.
    pub boolean_read: Option<Severity>,
}

impl Default for Severities {
    fn default() -> Severities {
        Severities { of: Rule::ALL.map(|it| Some(it.usual())), boolean_read: None }
    }
}

impl Severities {
    /// Of a rule; `None` = not told at all.
    pub fn of(&self, rule: Rule) -> Option<Severity> {
        self.of[rule as usize]
    }

    /// Sets that of a rule.
    pub fn set(&mut self, rule: Rule, severity: Option<Severity>) {
        self.of[rule as usize] = severity;
    }
}
