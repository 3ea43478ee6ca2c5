use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A flag's release conditions (posthog-api 2.5). Missing and null fields take their defaults, unknown ones are
/// ignored; the raw value on the flag keeps them.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// The configuration version; 2 has another shape that cannot be written through this API.
    #[serde(deserialize_with = "null_to_default")]
    pub version: u64,
    /// Conditions, tried in order; the first match wins.
    #[serde(deserialize_with = "null_to_default")]
    pub groups: Vec<ReleaseCondition>,
    /// Variants; `None` = a boolean flag.
    pub multivariate: Option<Multivariate>,
    /// By variant, `true` for a boolean flag: a text with JSON in it.
    #[serde(deserialize_with = "null_to_default")]
    pub payloads: serde_json::Map<String, Value>,
    /// Evaluated for groups of this type instead of people.
    pub aggregation_group_type_index: Option<u64>,
    /// People held out of the experiment.
    pub holdout: Option<Holdout>,
    /// The older form of `holdout`.
    pub holdout_groups: Option<Vec<Value>>,
    /// Early access: people who opted in or out are decided before the conditions.
    #[serde(deserialize_with = "null_to_default")]
    pub feature_enrollment: bool,
    /// The older form of `feature_enrollment`.
    pub super_groups: Option<Vec<Value>>,
    /// Stop at the first condition whose properties match, whatever its percentage says.
    #[serde(deserialize_with = "null_to_default")]
    pub early_exit: bool,
}

/// One release condition; PostHog calls it a group.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ReleaseCondition {
    /// What must hold, all of it.
    #[serde(deserialize_with = "null_to_default")]
    pub properties: Vec<Property>,
    /// Percent of those who match, 0 to 100, fractions allowed; `None` = 100.
    pub rollout_percentage: Option<f64>,
    /// The variant for everyone who matches.
    pub variant: Option<String>,
    /// Shown by PostHog's page; a stage stands here as `<n>/<N> <stage>`.
    pub description: Option<String>,
    /// Evaluated for groups of this type instead of people.
    pub aggregation_group_type_index: Option<u64>,
}

impl ReleaseCondition {
    /// The percentage, 0 to 100.
    pub fn percent(&self) -> f64 {
        self.rollout_percentage.unwrap_or(100.0)
    }
}

/// A property filter of a condition.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Property {
    /// The property's name, or `id` for a cohort; old rows have numbers here.
    pub key: Value,
    /// `person`, `cohort`, `group` or `flag`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `exact` when absent.
    pub operator: Option<String>,
    /// What it is compared with.
    pub value: Value,
    /// The cohort's name, which newer servers add.
    pub cohort_name: Option<String>,
}

impl Property {
    /// The number of the cohort that is asked for, if one is.
    pub fn cohort(&self) -> Option<u64> {
        let id = || self.value.as_u64().or_else(|| self.value.as_str()?.parse().ok());
        (self.kind.as_deref() == Some("cohort")).then(id).flatten()
    }

    /// The number of the flag that is asked for, if one is.
    fn flag(&self) -> Option<u64> {
        let id = || self.key.as_u64().or_else(|| self.key.as_str()?.parse().ok());
        (self.kind.as_deref() == Some("flag")).then(id).flatten()
    }
}

/// The variants of a flag.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Multivariate {
    /// In PostHog's order; percentages sum to 100.
    #[serde(deserialize_with = "null_to_default")]
    pub variants: Vec<Variant>,
}

/// One variant.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Variant {
    /// What code compares with.
    pub key: String,
    /// Percent, 0 to 100.
    #[serde(deserialize_with = "null_to_default")]
    pub rollout_percentage: f64,
}

/// A holdout.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Holdout {
    /// Percent of people kept out.
    #[serde(deserialize_with = "null_to_default")]
    pub exclusion_percentage: f64,
}

impl Filters {
    /// Types raw filters; `None` when a field has a type that the documentation does not know.
    pub fn parse(raw: &RawValue) -> Option<Filters> {
        serde_json::from_str(raw.get()).ok()
    }

    /// Whether somebody gets a payload.
    pub fn has_payload(&self) -> bool {
        self.payloads.values().any(|it| !it.is_null() && it != "")
    }

    /// The cohorts of the conditions, with their names where the server gives them.
    pub fn cohorts(&self) -> impl Iterator<Item = (u64, Option<&str>)> {
        let properties = self.groups.iter().flat_map(|it| &it.properties);
        properties.filter_map(|it| Some((it.cohort()?, it.cohort_name.as_deref())))
    }

    /// The numbers of the flags that conditions ask for.
    pub fn flags(&self) -> impl Iterator<Item = u64> {
        self.groups.iter().flat_map(|it| &it.properties).filter_map(Property::flag)
    }

    /// The variants; empty for a boolean flag.
    pub fn variants(&self) -> &[Variant] {
        self.multivariate.as_ref().map_or(&[], |it| &it.variants)
    }
}

/// Reads null as the default: PostHog sends null for what is not set.
pub(crate) fn null_to_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    input: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}
