//! What PostHog refuses in a flag.

use serde::Deserialize;
use serde_json::Value;

use super::reply::{Problem, Result};
use super::targeting::{Filters, OPERATORS};
use super::world::World;

/// Checks a key for a flag; `own` is the flag that may hold it already.
pub(super) fn key(world: &World, key: &str, own: Option<u64>) -> Result<()> {
    if key.is_empty() {
        return Err(Problem::field(Some("key"), "blank", "This field may not be blank."));
    }
    if key.len() > 400 {
        let text = "Ensure this field has no more than 400 characters.";
        return Err(Problem::field(Some("key"), "max_length", text));
    }
    // Older servers took any key, and any percentage.
    if !world.shape.is_old() && !key.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'-')
    {
        let text = "Only letters, numbers, hyphens (-) & underscores (_) are allowed.";
        return Err(Problem::field(Some("key"), "invalid_key", text));
    }
    if world.living_flags().any(|it| it.state.key == key && Some(it.id) != own) {
        return Err(Problem::field(Some("key"), "unique", "There is already a feature flag with this key."));
    }
    Ok(())
}

/// Checks complete filters, as they would be stored.
pub(super) fn filters(world: &World, filters: &Value, creating: bool) -> Result<()> {
    let refuse = |detail: String| Err(Problem::invalid(Some("filters"), detail));
    if !filters.is_object() {
        return refuse("Expected a dictionary of items.".into());
    }
    if filters.get("version").is_some() {
        let text = "The filters version is reserved and cannot be set.";
        return Err(Problem::field(Some("filters"), "reserved_config_version", text));
    }
    let typed = match Filters::deserialize(filters) {
        Ok(it) => it,
        Err(_) if world.shape.is_old() => return Ok(()),
        Err(error) => return refuse(format!("Invalid filters: {error}")),
    };
    if creating && typed.groups.is_empty() {
        return refuse("Feature flags must have at least one condition set (group).".into());
    }
    for condition in &typed.groups {
        if !world.shape.is_old() && !(0.0..=100.0).contains(&condition.percentage()) {
            return refuse("Rollout percentage must be between 0 and 100.".into());
        }
        if let Some(variant) = &condition.variant
            && !typed.variants().iter().any(|it| it.key == *variant)
        {
            return refuse(format!("Invalid variant override: there is no variant with key '{variant}'."));
        }
        for property in &condition.properties {
            let operator = property.operator.as_deref().unwrap_or("exact");
            if !OPERATORS.contains(&operator) {
                return refuse(format!("Invalid operator: '{operator}'."));
            }
            if property.kind.as_deref() == Some("cohort") {
                cohort(world, &property.value)?;
            }
        }
    }
    variants(&typed, filters)
}

fn cohort(world: &World, id: &Value) -> Result<()> {
    let number = id.as_u64().or_else(|| super::targeting::text(id).parse().ok());
    let Some(cohort) = world.cohorts.iter().find(|it| Some(it.id) == number && !it.deleted) else {
        let text = format!("Cohort with id {id} does not exist");
        return Err(Problem::field(Some("filters"), "cohort_does_not_exist", text));
    };
    if super::cohorts::behavioral(world, cohort.id) {
        let text =
            format!("Cohort '{}' with behavioral filters cannot be used in feature flags.", cohort.name);
        return Err(Problem::field(Some("filters"), "behavioral_cohort_found", text));
    }
    Ok(())
}

fn variants(typed: &Filters, filters: &Value) -> Result<()> {
    let refuse = |detail: String| Err(Problem::invalid(Some("filters"), detail));
    let variants = typed.variants();
    let sum: f64 = variants.iter().map(|it| it.rollout_percentage).sum();
    if !variants.is_empty() && (sum - 100.0).abs() > 0.01 {
        return refuse("Invalid variant definitions: Variant rollout percentages must sum to 100.".into());
    }
    if let Some(bad) = variants.iter().find(|it| !(0.0..=100.0).contains(&it.rollout_percentage)) {
        return refuse(format!(
            "Invalid variant definitions: '{}' is not between 0 and 100 percent.",
            bad.key
        ));
    }
    let twice = |at: usize| variants[..at].iter().any(|it| it.key == variants[at].key);
    if (0..variants.len()).any(twice) {
        return refuse("Invalid variant definitions: Variant keys must be unique.".into());
    }
    if variants.iter().any(|it| it.key.is_empty()) {
        return refuse("Invalid variant definitions: Variant keys may not be empty.".into());
    }
    let payloads = filters.get("payloads").and_then(Value::as_object);
    for (key, payload) in payloads.into_iter().flatten() {
        let known = match variants.is_empty() {
            true => key == "true",
            false => variants.iter().any(|it| it.key == *key),
        };
        if !known {
            return refuse(match variants.is_empty() {
                true => "Payload keys must be 'true' for boolean flags".into(),
                false => "Payload keys must match a variant key for multivariate flags".into(),
            });
        }
        if payload.as_str().is_some_and(|it| serde_json::from_str::<Value>(it).is_err()) {
            return refuse("Payload value is not valid JSON".into());
        }
    }
    Ok(())
}
