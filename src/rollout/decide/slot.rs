use std::fmt;

/// One thing of a launch, in the order in which they are made: useful at every point, and what others need first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// A cohort that a stage names.
    Cohort(String),
    /// The flag: off, every stage a described condition.
    Flag,
    /// The early access feature on it.
    EarlyAccess,
    /// The experiment on it, a draft.
    Experiment,
    /// The dashboard.
    Dashboard,
    /// An insight on it.
    Insight(InsightKind),
    /// The link from the flag to the dashboard.
    Link,
    /// A list of recordings; of a variant in an A/B test.
    Playlist(Option<String>),
    /// What tells people.
    Function(FunctionKind),
    /// The invitation to an interview, a draft.
    Survey,
    /// Where the insights stand on the dashboard, and the text beside them, with links to the rest.
    Layout,
    /// The alert on exceptions.
    Alert,
    /// What tells people of the alert.
    AlertFunction,
    /// The flag, on.
    On,
    /// The experiment, running.
    Start,
    /// The message that it begins.
    Message,
    /// The note on all graphs: the mark that the message was sent, which is there at once.
    Annotation,
}

/// What an insight shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InsightKind {
    /// People by variant.
    Exposure,
    /// The key metric by variant.
    Metric,
    /// Exceptions by variant.
    Exceptions,
    /// People who met exceptions as a share, which an alert can watch.
    ExceptionRate,
    /// Who comes back.
    Retention,
    /// Who comes back without the feature, to compare with.
    WithoutIt,
    /// One of the secondary metrics, by its place in the brief.
    Secondary(usize),
}

/// What a function tells, and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FunctionKind {
    /// Messages, to Slack.
    SlackMessages,
    /// Messages, to a webhook.
    WebhookMessages,
    /// Changes of the flag, to Slack.
    SlackChanges,
    /// Changes of the flag, to a webhook.
    WebhookChanges,
}

impl Slot {
    /// Whether it is a function that tells people.
    pub fn is_function(&self) -> bool {
        matches!(self, Slot::Function(_) | Slot::AlertFunction)
    }
}

impl FunctionKind {
    /// All of them.
    pub const ALL: [FunctionKind; 4] = [
        FunctionKind::SlackMessages,
        FunctionKind::WebhookMessages,
        FunctionKind::SlackChanges,
        FunctionKind::WebhookChanges,
    ];

    /// Whether PostHog must know the webhook's address.
    pub fn is_webhook(self) -> bool {
        matches!(self, FunctionKind::WebhookMessages | FunctionKind::WebhookChanges)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Slot::Cohort(name) => return write!(f, "cohort '{name}'"),
            Slot::Flag => "flag",
            Slot::EarlyAccess => "early access feature",
            Slot::Experiment => "experiment",
            Slot::Dashboard => "dashboard",
            Slot::Insight(kind) => return write!(f, "insight: {kind}"),
            Slot::Link => "link from the flag to the dashboard",
            Slot::Playlist(None) => "recordings playlist",
            Slot::Playlist(Some(variant)) => return write!(f, "recordings playlist of {variant}"),
            Slot::Layout => "text and order of the dashboard",
            Slot::Function(kind) => return write!(f, "notification: {kind}"),
            Slot::Survey => "interview invitation",
            Slot::Alert => "alert on exceptions",
            Slot::AlertFunction => "notification: the alert to Slack",
            Slot::Annotation => "annotation",
            Slot::On => "flag on",
            Slot::Start => "experiment launched",
            Slot::Message => "message",
        })
    }
}

impl fmt::Display for InsightKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InsightKind::Exposure => "people by variant",
            InsightKind::Metric => "key metric by variant",
            InsightKind::Exceptions => "exceptions by variant",
            InsightKind::ExceptionRate => "percent of people with exceptions",
            InsightKind::Retention => "people who come back",
            InsightKind::WithoutIt => "people who come back without it",
            InsightKind::Secondary(at) => return write!(f, "secondary metric {} by variant", at + 1),
        })
    }
}

impl fmt::Display for FunctionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FunctionKind::SlackMessages => "messages to Slack",
            FunctionKind::WebhookMessages => "messages to a webhook",
            FunctionKind::SlackChanges => "changes of the flag to Slack",
            FunctionKind::WebhookChanges => "changes of the flag to a webhook",
        })
    }
}
