//! What a value of a brief names, by its place.

use crate::schema::Node;

/// What a value names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// The flag.
    Flag,
    /// A plan of `flagline.toml`.
    Plan,
    /// A stage of the plan that counts.
    Stage,
    /// A stage of the brief's own, where it is defined.
    OwnStage,
    Cohort,
    Event,
    /// An event, or `exceptions`.
    GuardMetric,
    EventProperty,
    PersonProperty,
    Channel,
    /// An e-mail address.
    Person,
    /// The domain of an e-mail address.
    Domain,
    /// A variant of an A/B test.
    Variant,
    /// A time like `1d`.
    Period,
    /// How a property of people is compared.
    Condition,
}

/// What stands at a path of keys.
pub(super) fn names(path: &[String]) -> Option<Names> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    Some(match path[..] {
        ["key"] => Names::Flag,
        ["plan"] => Names::Plan,
        ["owner"] | ["notify", "people"] | ["stage", "audience", "email"] => Names::Person,
        ["stage", "audience", "email_domain"] => Names::Domain,
        ["stage", "audience", .., "properties", "operator"] => Names::Condition,
        ["stage", "pace"] | ["stage", "gate", "after"] | ["guard", "window"] | ["review_after"] => {
            Names::Period
        }
        ["variant", "key"] => Names::Variant,
        ["notify", "slack"] => Names::Channel,
        ["interview", "stage"] => Names::Stage,
        ["stage", "name"] => Names::OwnStage,
        ["stage", "audience", "cohort"] | ["stage", "audience", "cohort", "name"] => Names::Cohort,
        ["stage", "audience", .., "properties", "key"] => Names::PersonProperty,
        ["guard", "metric"] => Names::GuardMetric,
        ["interview", "event"] => Names::Event,
        ["metric" | "secondary", "events"] | ["metric" | "secondary", "events", "event"] => Names::Event,
        ["metric" | "secondary", "events", "properties", "key"] => Names::EventProperty,
        _ => return None,
    })
}

/// The cohorts that the stages name: the node of the name or number, and whether the brief says what to make of it.
pub(super) fn cohorts(brief: &Node) -> impl Iterator<Item = (&Node, bool)> {
    let stages = brief.get("stage").map(Node::elements).unwrap_or_default().iter();
    stages.filter_map(|it| {
        let cohort = it.at(&["audience", "cohort"])?;
        Some(cohort.get("name").map_or((cohort, false), |it| (it, true)))
    })
}

/// Whether a brief names a cohort.
pub fn names_cohort(text: &str) -> bool {
    cohorts(&Node::from_toml(text).0).next().is_some()
}

/// The events that metrics, guards and the interview name.
pub(super) fn events(brief: &Node) -> impl Iterator<Item = &Node> {
    let list = |key: &str| brief.get(key).map(Node::elements).unwrap_or_default().iter();
    let metrics = brief.get("metric").into_iter().chain(list("secondary"));
    let of_metrics = metrics.flat_map(|it| it.get("events").map(Node::elements).unwrap_or_default());
    let of_metrics = of_metrics.map(|it| it.get("event").unwrap_or(it));
    let of_guards =
        list("guard").filter_map(|it| it.get("metric")).filter(|it| it.as_str() != Some("exceptions"));
    of_metrics.chain(of_guards).chain(brief.at(&["interview", "event"]))
}
