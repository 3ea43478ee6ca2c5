use jiff::Timestamp;

/// How a running experiment goes by its key metric, as PostHog computes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentResult {
    /// What came of the question.
    pub outcome: Outcome,
    /// When PostHog computed it; it may answer with what it knows from earlier that day.
    pub computed_at: Timestamp,
    /// When it was asked.
    pub fetched_at: Timestamp,
}

/// What PostHog says, or why it says nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Variants were compared.
    Compared(Comparison),
    /// It cannot be told, and why.
    CannotTell(String),
}

/// Variants against the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What the others are compared with: `control`.
    pub baseline: Sample,
    /// What lacks of the baseline before anything can be said.
    pub baseline_lacks: Vec<Lacking>,
    /// The others.
    pub variants: Vec<Compared>,
}

/// People with one variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The variant's key.
    pub variant: String,
    /// How many take part.
    pub people: u64,
    /// The metric's mean over them; a part of one for funnels.
    pub mean: Option<f64>,
}

/// A variant against the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Who has it.
    pub sample: Sample,
    /// How much more than the baseline: 0.1 is a tenth more. `None` = too early to say.
    pub difference: Option<f64>,
    /// Between what bounds the difference is with 95 %, where the server says.
    pub interval: Option<(f64, f64)>,
    /// How sure that is.
    pub certainty: Option<Certainty>,
    /// Whether PostHog takes it for more than chance; `None` = too early to say.
    pub significant: Option<bool>,
    /// What lacks before anything can be said.
    pub lacks: Vec<Lacking>,
}

/// How sure a difference is, by the method that the experiment is set to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Certainty {
    /// How probable it is that the variant does better.
    ChanceToWin(f64),
    /// How probable so large a difference is by chance.
    PValue(f64),
}

/// Why PostHog does not compare yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lacking {
    /// Fewer than 50 people.
    People,
    /// Too few of them did what a funnel counts.
    MetricData,
    /// Nobody of the baseline did it: nothing is a multiple of nothing.
    Baseline,
    /// What newer servers say.
    Other(String),
}
