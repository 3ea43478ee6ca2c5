use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::Period;
use super::super::plan_entry::PropertyEntry;

/// What the feature is for, as a number that PostHog can draw.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// What it is called on graphs; its events when nothing is written.
    #[serde(default)]
    pub name: Option<String>,
    /// How it is measured.
    pub kind: MetricKind,
    /// The events, in their order: one for a trend; the steps after meeting the feature for a funnel; what counts as
    /// coming back for retention (`$pageview` when nothing is written).
    #[serde(default)]
    pub events: Vec<EventEntry>,
    /// What is counted in a trend.
    #[serde(default)]
    pub count: Count,
    /// What is hoped for. A trend: a week's count for each hundred people who meet the feature. A funnel: percent of
    /// them who reach its last step. Retention: percent of them who come back in the week after.
    #[serde(default)]
    pub target: Option<f64>,
    /// Whether the target is reached from below or from above.
    #[serde(default)]
    pub goal: Goal,
    /// The day on which the target should be reached, like `2027-02-28`.
    #[serde(default)]
    #[schemars(
        with = "Option<String>",
        extend("format" = "date", "pattern" = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "examples" = ["2027-02-28"])
    )]
    pub by: Option<Date>,
}

/// How a metric is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// How often something happens.
    Trend,
    /// How many of those who meet the feature go all the way.
    Funnel,
    /// How many of those who meet the feature come back.
    Retention,
}

/// An event of the product, by its name or with properties.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum EventEntry {
    /// Its name in PostHog.
    Name(String),
    /// Only those with certain properties.
    Filtered(FilteredEvent),
}

/// An event with certain properties.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilteredEvent {
    /// Its name in PostHog.
    pub event: String,
    /// What must hold of its properties.
    #[serde(default)]
    pub properties: Vec<PropertyEntry>,
}

/// What is counted in a trend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Count {
    /// Every event.
    #[default]
    Events,
    /// People, each once a day.
    People,
}

/// Whether a target is reached from below or from above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// More is better.
    #[default]
    AtLeast,
    /// Less is better.
    AtMost,
}

/// What stops a rollout.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// `exceptions`, or the name of an event: the share of the people who meet the feature to whom it happens.
    pub metric: String,
    /// More than so many percent of them stop the rollout; with a baseline, more than so many times its share.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub above: Option<f64>,
    /// Less than so many percent of them stop the rollout; with a baseline, less than so many times its share.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub below: Option<f64>,
    /// The time over which it is measured.
    #[serde(default)]
    #[schemars(extend("default" = "1h"))]
    pub window: Option<Period>,
    /// So many complete windows in a row must cross the threshold.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100), extend("default" = 2))]
    pub windows: Option<u32>,
    /// A window with fewer people says nothing.
    #[serde(default)]
    #[schemars(range(min = 1), extend("default" = 20))]
    pub people: Option<u32>,
    /// What it is compared with.
    #[serde(default)]
    pub baseline: Option<Baseline>,
    /// Where the rollout goes when it is stopped.
    #[serde(default)]
    pub then: After,
}

/// What a guard compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Baseline {
    /// The people who get the control variant at the same time.
    Control,
    /// The people of the week before the stage opened.
    Before,
}

/// Where a rollout goes that is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    /// To the last stage that passed its gate.
    #[default]
    PreviousStage,
    /// The flag is switched off.
    Off,
}

impl Guard {
    /// The time over which it is measured.
    pub fn window(&self) -> Period {
        self.window.unwrap_or(Period::hours(1))
    }

    /// So many complete windows in a row must cross the threshold.
    pub fn windows(&self) -> u32 {
        self.windows.unwrap_or(2).max(1)
    }

    /// A window with fewer people says nothing.
    pub fn people(&self) -> u32 {
        self.people.unwrap_or(20).max(1)
    }
}

impl Metric {
    /// What it is called on graphs.
    pub fn title(&self) -> String {
        let events = || self.events.iter().map(EventEntry::event).collect::<Vec<_>>().join(" → ");
        match &self.name {
            Some(name) => name.clone(),
            None if self.events.is_empty() => "coming back".to_owned(),
            None => events(),
        }
    }

    /// Its title with what is hoped for: "purchase: at least 12 a week for each hundred people, by 28 Feb 2027"
    pub fn words(&self) -> String {
        let Some(target) = self.target else { return self.title() };
        let goal = match self.goal {
            Goal::AtLeast => "at least",
            Goal::AtMost => "at most",
        };
        let unit = match (self.kind, self.count) {
            (MetricKind::Trend, Count::Events) => " a week for each hundred people",
            (MetricKind::Trend, Count::People) => " people a week for each hundred",
            (MetricKind::Funnel, _) => " % of people reach the last step",
            (MetricKind::Retention, _) => " % of people come back in the week after",
        };
        let by = self.by.map(|it| format!(", by {}", it.strftime("%-d %b %Y"))).unwrap_or_default();
        format!("{}: {goal} {target}{unit}{by}", self.title())
    }
}

impl Metric {
    /// The event whose number tells how the metric does: of a funnel the last step, of retention what counts as coming
    /// back; `None` = any page.
    pub fn counted(&self) -> Option<&EventEntry> {
        match self.kind {
            MetricKind::Trend | MetricKind::Retention => self.events.first(),
            MetricKind::Funnel => self.events.last(),
        }
    }
}

impl EventEntry {
    /// The event's name.
    pub fn event(&self) -> &str {
        match self {
            EventEntry::Name(name) => name,
            EventEntry::Filtered(filtered) => &filtered.event,
        }
    }

    /// What must hold of its properties, as PostHog takes it in the series of an insight.
    pub fn properties(&self) -> Vec<serde_json::Value> {
        let of_event = |it: &PropertyEntry| {
            let mut filter = it.filter();
            if it.group_type.is_none() {
                filter["type"] = "event".into();
            }
            filter
        };
        match self {
            EventEntry::Name(_) => Vec::new(),
            EventEntry::Filtered(filtered) => filtered.properties.iter().map(of_event).collect(),
        }
    }
}
