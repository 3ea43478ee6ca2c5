use std::fmt;

use crate::flags::{Filters, ReleaseCondition};

/// A value that a flag serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// false.
    Off,
    /// true.
    On,
    /// The variant with this key.
    Variant(Box<str>),
}

impl From<&str> for Value {
    /// As it is displayed: `on`, `off`, else the key of a variant.
    fn from(word: &str) -> Value {
        match word {
            "on" => Value::On,
            "off" => Value::Off,
            variant => Value::Variant(variant.into()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Off => f.write_str("off"),
            Value::On => f.write_str("on"),
            Value::Variant(key) => f.write_str(key),
        }
    }
}

/// What people get from a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// The same for everyone, now and until somebody changes the flag.
    Everyone(Value),
    /// It depends on who asks.
    Varies,
    /// The conditions are of a shape that nobody here can read.
    CannotTell,
}

/// What a flag with these conditions serves. Conditions are tried in order and the first match wins; somebody
/// who matches a condition but is outside its percentage goes on to the next one (posthog-api 2.5).
pub fn served(active: bool, filters: Option<&Filters>) -> Served {
    if !active {
        return Served::Everyone(Value::Off);
    }
    let Some(filters) = filters.filter(|it| it.version < 2 && !it.groups.is_empty()) else {
        return Served::CannotTell;
    };
    if decided_before_conditions(filters) {
        return Served::Varies;
    }
    let mut outcomes = Outcomes::default();
    for condition in &filters.groups {
        let for_all = condition.properties.is_empty() && !of_groups(filters, condition);
        let percent = condition.percent();
        if percent > 0.0 {
            outcomes.add(value_of(filters, condition));
        }
        if for_all && percent >= 100.0 {
            return outcomes.served();
        }
        if filters.early_exit {
            outcomes.add(Some(Value::Off));
            if for_all {
                return outcomes.served();
            }
        }
    }
    outcomes.add(Some(Value::Off));
    outcomes.served()
}

/// Early access enrolment and holdouts decide for some people before the conditions are asked.
fn decided_before_conditions(filters: &Filters) -> bool {
    let non_empty = |it: &Option<Vec<serde_json::Value>>| it.as_ref().is_some_and(|it| !it.is_empty());
    filters.feature_enrollment
        || non_empty(&filters.super_groups)
        || non_empty(&filters.holdout_groups)
        || filters.holdout.as_ref().is_some_and(|it| it.exclusion_percentage > 0.0)
}

/// A condition over groups says nothing of a caller that passes no group.
pub(super) fn of_groups(filters: &Filters, condition: &ReleaseCondition) -> bool {
    filters.aggregation_group_type_index.is_some() || condition.aggregation_group_type_index.is_some()
}

/// The value of those whom a condition lets in; `None` = split among variants.
fn value_of(filters: &Filters, condition: &ReleaseCondition) -> Option<Value> {
    let variants = filters.variants();
    if variants.is_empty() {
        return Some(Value::On);
    }
    let forced = condition.variant.as_deref().filter(|it| variants.iter().any(|variant| variant.key == **it));
    let whole = || variants.iter().find(|it| it.rollout_percentage >= 100.0).map(|it| it.key.as_str());
    forced.or_else(whole).map(|it| Value::Variant(it.into()))
}

#[derive(Default)]
struct Outcomes {
    only: Option<Value>,
    varies: bool,
}

impl Outcomes {
    fn add(&mut self, value: Option<Value>) {
        match (value, &self.only) {
            (None, _) => self.varies = true,
            (Some(value), None) => self.only = Some(value),
            (Some(value), Some(only)) => self.varies |= value != *only,
        }
    }

    fn served(self) -> Served {
        match self.only {
            Some(value) if !self.varies => Served::Everyone(value),
            _ => Served::Varies,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(filters: &str, expect: &str) {
        let filters: Filters = serde_json::from_str(filters).unwrap();
        let got = match served(true, Some(&filters)) {
            Served::Everyone(value) => value.to_string(),
            Served::Varies => "varies".into(),
            Served::CannotTell => "cannot tell".into(),
        };
        assert_eq!(got, expect, "{filters:?}");
    }

    const AB: &str = r#""multivariate":{"variants":[{"key":"a","rollout_percentage":50},{"key":"b","rollout_percentage":50}]}"#;
    const B: &str = r#""multivariate":{"variants":[{"key":"a","rollout_percentage":0},{"key":"b","rollout_percentage":100}]}"#;

    #[test]
    fn the_value_for_everyone() {
        let person = r#"{"properties":[{"key":"email","value":"x"}]"#;
        for (filters, expect) in [
            (r#"{"groups":[{"rollout_percentage":100}]}"#.to_owned(), "on"),
            (r#"{"groups":[{"properties":null,"rollout_percentage":null}]}"#.into(), "on"),
            (r#"{"groups":[{"rollout_percentage":99.5}]}"#.into(), "varies"),
            (r#"{"groups":[{"rollout_percentage":0}]}"#.into(), "off"),
            (r#"{"groups":[]}"#.into(), "cannot tell"),
            (r#"{"version":2,"rules":[]}"#.into(), "cannot tell"),
            (format!(r#"{{"groups":[{person}}}]}}"#), "varies"),
            (format!(r#"{{"groups":[{person}}},{{}}]}}"#), "on"),
            (format!(r#"{{"groups":[{person},"rollout_percentage":0}},{{}}],"early_exit":true}}"#), "varies"),
            (format!(r#"{{"groups":[{{}}],{AB}}}"#), "varies"),
            (format!(r#"{{"groups":[{{}}],{B}}}"#), "b"),
            (format!(r#"{{"groups":[{{"variant":"a"}}],{B}}}"#), "a"),
            (format!(r#"{{"groups":[{{"variant":"gone"}}],{B}}}"#), "b"),
            (format!(r#"{{"groups":[{person},"variant":"a"}},{{}}],{B}}}"#), "varies"),
            (format!(r#"{{"groups":[{person},"variant":"b"}},{{}}],{B}}}"#), "b"),
            (r#"{"groups":[{}],"feature_enrollment":true}"#.into(), "varies"),
            (r#"{"groups":[{}],"super_groups":[{}]}"#.into(), "varies"),
            (r#"{"groups":[{}],"holdout":{"id":7,"exclusion_percentage":5}}"#.into(), "varies"),
            (r#"{"groups":[{}],"aggregation_group_type_index":0}"#.into(), "varies"),
            (r#"{"groups":[{"rollout_percentage":0}],"aggregation_group_type_index":0}"#.into(), "off"),
        ] {
            check(&filters, expect);
        }
    }

    #[test]
    fn a_disabled_flag_is_off_whatever_its_conditions() {
        assert_eq!(served(false, None), Served::Everyone(Value::Off));
    }
}
