//! Who gets what: a flag's filters against one person or group.

use std::cell::RefCell;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::cohorts;
use super::flag::State;
use super::hash::unit;
use super::world::World;

/// The part of `filters` that decides. Everything else is kept as it was sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filters {
    pub groups: Vec<Condition>,
    pub multivariate: Option<Multivariate>,
    pub aggregation_group_type_index: Option<u64>,
    pub feature_enrollment: Option<bool>,
    /// The older form of `feature_enrollment`: one condition.
    pub super_groups: Option<Vec<Value>>,
}

/// One release condition.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    #[serde(deserialize_with = "null_is_default")]
    pub properties: Vec<Property>,
    pub rollout_percentage: Option<f64>,
    pub variant: Option<String>,
    pub description: Option<String>,
}

/// The variants of a flag.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Multivariate {
    pub variants: Vec<Variant>,
}

/// One variant.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Variant {
    pub key: String,
    pub rollout_percentage: f64,
}

/// A filter on a property, as flags, cohorts and insights have it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Property {
    /// A string; old rows have numbers.
    pub key: Value,
    pub value: Value,
    pub operator: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub negation: Option<bool>,
}

fn null_is_default<'de, D, T>(input: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

/// Whom a condition is matched against.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// What the bucket is made of: the distinct id, or the group's key.
    pub id: &'a str,
    /// The person's UUID; a group has none and is in no cohort.
    pub person: Option<&'a str>,
    pub properties: &'a Map<String, Value>,
}

/// What a flag serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Served {
    Off,
    On,
    Variant(String),
}

impl Served {
    /// `$feature_flag_response`.
    pub fn response(&self) -> Value {
        match self {
            Served::Off => false.into(),
            Served::On => true.into(),
            Served::Variant(key) => key.as_str().into(),
        }
    }
}

impl Filters {
    /// Filters of any stored shape; what cannot be read targets nobody.
    pub fn read(filters: &Value) -> Filters {
        Filters::deserialize(filters).unwrap_or_default()
    }

    /// Whether everyone gets the same thing: PostHog's rule for "fully rolled out".
    pub fn full(&self) -> bool {
        let everyone = |it: &&Condition| it.properties.is_empty() && it.percentage() >= 100.0;
        self.groups.iter().filter(everyone).any(|it| {
            let variants = self.variants();
            variants.is_empty()
                || it.variant.is_some()
                || variants.iter().any(|it| it.rollout_percentage >= 100.0)
        })
    }

    pub fn variants(&self) -> &[Variant] {
        self.multivariate.as_ref().map_or(&[], |it| &it.variants)
    }

    /// Whether the subject opted in to the flag's early access feature, or out of it.
    fn enrolled(&self, key: &str, subject: Subject<'_>) -> Option<bool> {
        let is_open = self.feature_enrollment == Some(true)
            || self.super_groups.as_ref().is_some_and(|it| !it.is_empty());
        let said = subject.properties.get(&super::early_access::property(key)).filter(|_| is_open)?;
        Some(text(said).eq_ignore_ascii_case("true"))
    }

    /// What the subject gets, and by which condition. The first condition that matches decides; the bucket is
    /// the same for all of them, so that a wider percentage includes a narrower one.
    pub fn serve(&self, world: &World, key: &str, subject: Subject<'_>) -> (Served, Option<usize>) {
        if let Some(enrolled) = self.enrolled(key, subject) {
            return (if enrolled { Served::On } else { Served::Off }, None);
        }
        let bucket = unit(&[key, subject.id]) * 100.0;
        let matches = |it: &Condition| {
            bucket < it.percentage()
                && it.properties.iter().all(|it| it.matches(world, subject).unwrap_or(false))
        };
        let Some(at) = self.groups.iter().position(matches) else { return (Served::Off, None) };
        let variants = self.variants();
        if variants.is_empty() {
            return (Served::On, Some(at));
        }
        let known = |it: &&String| variants.iter().any(|variant| variant.key == **it);
        if let Some(forced) = self.groups[at].variant.as_ref().filter(known) {
            return (Served::Variant(forced.clone()), Some(at));
        }
        let place = unit(&[key, subject.id, "variant"]) * 100.0;
        let mut end = 0.0;
        for variant in variants {
            end += variant.rollout_percentage;
            if place < end {
                return (Served::Variant(variant.key.clone()), Some(at));
            }
        }
        (Served::Off, None)
    }
}

/// What a flag in this state serves.
pub(super) fn serve(world: &World, state: &State, subject: Subject<'_>) -> (Served, Option<usize>) {
    match state.active && !state.deleted && !state.archived {
        true => Filters::read(&state.filters).serve(world, &state.key, subject),
        false => (Served::Off, None),
    }
}

impl Condition {
    pub fn percentage(&self) -> f64 {
        self.rollout_percentage.unwrap_or(100.0)
    }
}

/// Operators that PostHog documents for flags.
pub(super) const OPERATORS: &[&str] = &[
    "exact",
    "is_not",
    "icontains",
    "not_icontains",
    "icontains_multi",
    "not_icontains_multi",
    "regex",
    "not_regex",
    "gt",
    "gte",
    "lt",
    "lte",
    "is_set",
    "is_not_set",
    "is_date_exact",
    "is_date_before",
    "is_date_after",
    "semver_eq",
    "semver_neq",
    "semver_gt",
    "semver_gte",
    "semver_lt",
    "semver_lte",
    "semver_tilde",
    "semver_caret",
    "semver_wildcard",
    "in",
    "not_in",
    "flag_evaluates_to",
];

impl Property {
    /// The property's name.
    pub fn name(&self) -> String {
        text(&self.key)
    }

    fn operator(&self) -> &str {
        self.operator.as_deref().unwrap_or("exact")
    }

    /// Whether the subject has it. An error names an operator that the sandbox cannot evaluate.
    pub fn matches(&self, world: &World, subject: Subject<'_>) -> Result<bool, String> {
        let held = match self.kind.as_deref() {
            Some("cohort") => {
                let id = self.value.as_u64().or_else(|| text(&self.value).parse().ok());
                let inside = id.is_some_and(|it| cohorts::contains(world, it, subject));
                inside != (self.operator() == "not_in")
            }
            Some("flag") => {
                let id = self.name();
                let flag = world.living_flags().find(|it| it.id.to_string() == id || it.state.key == id);
                let served = flag.map_or(Served::Off, |it| serve(world, &it.state, subject).0);
                match &self.value {
                    Value::Bool(wanted) => (served != Served::Off) == *wanted,
                    other => served.response() == *other,
                }
            }
            _ => self.holds(subject.properties.get(&self.name()), world.now())?,
        };
        Ok(held != self.negation.unwrap_or(false))
    }

    /// Whether a property's value passes.
    pub fn holds(&self, actual: Option<&Value>, now: Timestamp) -> Result<bool, String> {
        let actual = actual.filter(|it| !it.is_null());
        let wanted = || -> Vec<String> {
            match &self.value {
                Value::Array(list) => list.iter().map(|it| text(it).to_lowercase()).collect(),
                other => vec![text(other).to_lowercase()],
            }
        };
        if !OPERATORS.contains(&self.operator()) {
            return Err(self.operator().to_owned());
        }
        let positive = match self.operator() {
            "is_set" => return Ok(actual.is_some()),
            "is_not_set" => return Ok(actual.is_none()),
            "is_not" => "exact",
            "not_in" => "in",
            "not_icontains" => "icontains",
            "not_icontains_multi" => "icontains_multi",
            "not_regex" => "regex",
            "semver_neq" => "semver_eq",
            other => other,
        };
        let Some(actual) = actual else { return Ok(positive != self.operator()) };
        let text_of = text(actual).to_lowercase();
        let held = match positive {
            "exact" | "in" => match actual {
                Value::Array(list) => list.iter().any(|it| wanted().contains(&text(it).to_lowercase())),
                _ => wanted().contains(&text_of),
            },
            "icontains" | "icontains_multi" => wanted().iter().any(|it| text_of.contains(it.as_str())),
            "regex" => matches(&text(&self.value), &text(actual)),
            "gt" | "gte" | "lt" | "lte" => {
                let order = compare(actual, &self.value);
                match positive {
                    "gt" => order.is_gt(),
                    "gte" => order.is_ge(),
                    "lt" => order.is_lt(),
                    _ => order.is_le(),
                }
            }
            "is_date_before" | "is_date_after" | "is_date_exact" => {
                let (Some(a), Some(b)) = (date(&text(actual), now), date(&text(&self.value), now)) else {
                    return Ok(false);
                };
                match positive {
                    "is_date_before" => a < b,
                    "is_date_after" => a > b,
                    _ => a == b,
                }
            }
            other => match other.strip_prefix("semver_") {
                Some(relation) => semver(relation, &text(actual), &text(&self.value)),
                None => return Err(other.to_owned()),
            },
        };
        Ok(held == (positive == self.operator()))
    }
}

/// Numbers by size, everything else by its text.
/// Whether a text matches. One pattern is asked of everybody in a row, and compiling it takes far longer than matching.
fn matches(pattern: &str, text: &str) -> bool {
    thread_local! {
        static LAST: RefCell<Option<(String, regex::Regex)>> = const { RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| {
        if last.as_ref().is_none_or(|it| it.0 != pattern) {
            *last = regex::Regex::new(pattern).ok().map(|it| (pattern.to_owned(), it));
        }
        last.as_ref().is_some_and(|it| it.1.is_match(text))
    })
}

fn compare(a: &Value, b: &Value) -> std::cmp::Ordering {
    match (text(a).parse::<f64>(), text(b).parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => text(a).cmp(&text(b)),
    }
}

/// Whether a version stands in a relation to another one; what is no version stands in none.
fn semver(relation: &str, actual: &str, wanted: &str) -> bool {
    fn parts(text: &str) -> Option<Vec<u64>> {
        let text = text.trim().trim_start_matches('v').split(['-', '+']).next()?;
        let parts = text.trim_end_matches(".*").split('.').map(|it| it.parse().ok());
        parts.collect::<Option<Vec<u64>>>().filter(|it| it.len() <= 3)
    }
    let (Some(mut version), Some(wanted)) = (parts(actual), parts(wanted)) else { return false };
    version.resize(3, 0);
    let mut least = wanted.clone();
    least.resize(3, 0);
    let same = |count: usize| version[..count.min(3)] == least[..count.min(3)];
    match relation {
        "eq" => version == least,
        "gt" => version > least,
        "gte" => version >= least,
        "lt" => version < least,
        "lte" => version <= least,
        "wildcard" => same(wanted.len()),
        "tilde" => version >= least && same(wanted.len().min(2)),
        // Up to the first part that is not zero nothing may change.
        "caret" => {
            let fixed = least.iter().position(|it| *it > 0).map_or(wanted.len(), |it| it + 1);
            version >= least && same(fixed)
        }
        _ => false,
    }
}

/// A date, a time, or `-30d` from now.
pub(super) fn date(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(back) = relative(text) {
        return Some(super::clock::add(now, -back));
    }
    let day = || text.parse::<jiff::civil::Date>().ok();
    let civil = || text.parse::<jiff::civil::DateTime>().ok();
    (text.parse().ok())
        .or_else(|| civil().and_then(super::clock::timestamp))
        .or_else(|| day().and_then(|it| super::clock::timestamp(it.at(0, 0, 0, 0))))
}

/// How far back `-14d`, `-48h`, `-2w`, `-3m` mean.
pub(super) fn relative(text: &str) -> Option<SignedDuration> {
    let rest = text.strip_prefix('-')?;
    let unit = rest.chars().last()?;
    let count: i64 = rest[..rest.len() - unit.len_utf8()].parse().ok()?;
    let hours = match unit {
        'h' => 1,
        'd' => 24,
        'w' => 24 * 7,
        'm' => 24 * 30,
        'y' => 24 * 365,
        _ => return None,
    };
    Some(SignedDuration::from_hours(count.checked_mul(hours)?.min(24 * 365 * 50)))
}

/// A JSON value as text, strings without quotes.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(it) => it.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operators() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        for (operator, value, actual, expect) in [
            ("exact", json!(["free", "Trial"]), json!("trial"), true),
            ("exact", json!("true"), json!(true), true),
            ("is_not", json!("free"), json!("pro"), true),
            ("is_not", json!("free"), Value::Null, true),
            ("exact", json!("free"), Value::Null, false),
            ("icontains", json!("@OFFSET"), json!("ada@offset.example"), true),
            ("not_icontains", json!("@offset"), json!("ada@offset.example"), false),
            ("regex", json!("^a.a@"), json!("ada@offset.example"), true),
            ("regex", json!("("), json!("("), false),
            ("gt", json!(9), json!(10), true),
            ("gt", json!("9"), json!(10), true),
            ("lte", json!(10), json!(10), true),
            ("is_set", json!("is_set"), json!(0), true),
            ("is_not_set", json!("is_not_set"), json!(0), false),
            ("semver_gt", json!("1.9"), json!("1.10.2"), true),
            ("semver_neq", json!("1.2"), json!("1.2.0"), false),
            ("semver_tilde", json!("1.2.3"), json!("1.3.0"), false),
            ("semver_caret", json!("1.2.3"), json!("1.3.0"), true),
            ("semver_caret", json!("0.2.3"), json!("0.3.0"), false),
            ("semver_wildcard", json!("1.2.*"), json!("1.2.7"), true),
            ("semver_gt", json!("one"), json!("2"), false),
            ("is_date_before", json!("-7d"), json!("2026-11-01"), true),
            ("is_date_after", json!("-7d"), json!("2026-11-01"), false),
        ] {
            let property =
                Property { operator: Some(operator.into()), value: value.clone(), ..Default::default() };
            assert_eq!(property.holds(Some(&actual), now), Ok(expect), "{operator} {value} {actual}");
        }
        let odd = Property { operator: Some("sounds_like".into()), ..Default::default() };
        assert_eq!(odd.holds(None, now), Err("sounds_like".to_owned()));
    }

    #[test]
    fn full_needs_a_condition_without_properties() {
        let full = |filters: Value| Filters::read(&filters).full();
        assert!(full(json!({"groups": [{"properties": [], "rollout_percentage": null}]})));
        assert!(full(json!({"groups": [{"rollout_percentage": 100}], "multivariate": null})));
        assert!(!full(
            json!({"groups": [{"properties": [{"key": "plan", "value": "pro"}], "rollout_percentage": 100}]})
        ));
        let split = json!({"variants": [{"key": "a", "rollout_percentage": 50}, {"key": "b", "rollout_percentage": 50}]});
        assert!(!full(json!({"groups": [{"rollout_percentage": 100}], "multivariate": split})));
        assert!(full(
            json!({"groups": [{"rollout_percentage": 100, "variant": "a"}], "multivariate": split})
        ));
    }
}
