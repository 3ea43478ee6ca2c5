//! All HogQL that Flagline asks, and how its rows are read. Keys from source never become part of a query's
//! text: values travel as parameters.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::{Value, json};

use crate::flags::{DayExposure, Exposure, FlagKey, SdkSeen, VariantExposure};

/// Keys of one query; more go into a further one.
pub const KEYS_PER_QUERY: usize = 500;

/// A query with its parameters.
#[derive(Debug, Clone)]
pub struct Query {
    /// Shown in PostHog's query log.
    pub name: &'static str,
    /// HogQL with `{name}` placeholders.
    pub text: String,
    /// The placeholders' values.
    pub values: Value,
}

/// Which table holds evaluations (posthog-api 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evaluations {
    /// `$feature_flag_called` in `events`.
    Events,
    /// `flag_evaluations`; in mode 2 `events` stays silently empty.
    FlagEvaluations,
}

impl Evaluations {
    /// The table for a project's `flag_evaluations_mode`.
    pub fn of_mode(mode: Option<u8>) -> Evaluations {
        if mode.unwrap_or(0) == 0 { Evaluations::Events } else { Evaluations::FlagEvaluations }
    }

    /// Key, response, SDK, and the source of rows.
    fn columns(self) -> [&'static str; 4] {
        match self {
            Evaluations::Events => [
                "properties.$feature_flag",
                "toString(properties.$feature_flag_response)",
                "toString(properties.$lib)",
                "events WHERE event = '$feature_flag_called' AND",
            ],
            Evaluations::FlagEvaluations => {
                ["flag_key", "response", "toString(properties.$lib)", "flag_evaluations WHERE"]
            }
        }
    }
}

/// People and calls by key and response.
pub fn exposure_counts(table: Evaluations, keys: &[FlagKey], days: u32) -> Query {
    let [key, response, _, from] = table.columns();
    let text = format!(
        "SELECT {key} AS flag_key, {response} AS response, count() AS calls, \
         count(DISTINCT person_id) AS people, \
         countIf(timestamp >= now() - INTERVAL 1 DAY) AS calls_24h, \
         uniqIf(person_id, timestamp >= now() - INTERVAL 1 DAY) AS people_24h, max(timestamp) AS last_seen \
         FROM {from} timestamp >= now() - INTERVAL {days} DAY AND {key} IN {{keys}} \
         GROUP BY flag_key, response ORDER BY flag_key, calls DESC LIMIT 20000"
    );
    Query { name: "flagline exposure", text, values: json!({ "keys": names(keys) }) }
}

/// Exposed people by key, day and SDK.
pub fn exposure_trend(table: Evaluations, keys: &[FlagKey], days: u32) -> Query {
    let [key, response, lib, from] = table.columns();
    let text = format!(
        "SELECT {key} AS flag_key, toDate(timestamp) AS day, {lib} AS lib, \
         uniqIf(person_id, {response} NOT IN ('false', 'null', '')) AS people, max(timestamp) AS last_seen \
         FROM {from} timestamp >= now() - INTERVAL {days} DAY AND {key} IN {{keys}} \
         GROUP BY flag_key, day, lib ORDER BY flag_key, day LIMIT 50000"
    );
    Query { name: "flagline trend", text, values: json!({ "keys": names(keys) }) }
}

/// Joins the rows of both queries. Every asked key gets an exposure, also when nobody met it.
pub fn exposures(
    keys: &[FlagKey],
    counts: &[Vec<Value>],
    trend: &[Vec<Value>],
    window_days: u32,
    fetched_at: Timestamp,
) -> HashMap<FlagKey, Exposure> {
    let empty = || Exposure { variants: vec![], days: vec![], sdks: vec![], window_days, fetched_at };
    let mut all: HashMap<FlagKey, Exposure> = keys.iter().map(|it| (it.clone(), empty())).collect();
    for row in counts {
        if let Some((key, variant)) = variant_row(row)
            && let Some(exposure) = all.get_mut(key)
        {
            exposure.variants.push(variant);
        }
    }
    for exposure in all.values_mut() {
        exposure.variants.sort_by(|a, b| b.people.cmp(&a.people).then_with(|| a.response.cmp(&b.response)));
    }
    add_trend(&mut all, trend);
    all
}

fn add_trend(all: &mut HashMap<FlagKey, Exposure>, trend: &[Vec<Value>]) {
    let mut days: BTreeMap<(&str, Date), u64> = BTreeMap::new();
    let mut sdks: BTreeMap<(&str, &str), Timestamp> = BTreeMap::new();
    for row in trend {
        let [key, day, lib, people, last_seen] = row.as_slice() else { continue };
        let (Some(key), Some(people)) = (key.as_str(), people.as_u64()) else { continue };
        if let Some(day) = day.as_str().and_then(|it| it.get(..10)?.parse().ok()) {
            *days.entry((key, day)).or_default() += people;
        }
        if let (Some(lib), Some(at)) = (lib.as_str(), time(last_seen)) {
            let latest = sdks.entry((key, lib)).or_insert(at);
            *latest = at.max(*latest);
        }
    }
    for ((key, day), people) in days {
        if let Some(exposure) = all.get_mut(key) {
            exposure.days.push(DayExposure { day, people });
        }
    }
    for ((key, lib), last_seen) in sdks {
        if let Some(exposure) = all.get_mut(key) {
            exposure.sdks.push(SdkSeen { lib: lib.into(), last_seen });
            exposure.sdks.sort_by_key(|it| std::cmp::Reverse(it.last_seen));
        }
    }
}

fn variant_row(row: &[Value]) -> Option<(&str, VariantExposure)> {
    let [key, response, calls, people, calls_24h, people_24h, last_seen] = row else { return None };
    let variant = VariantExposure {
        response: response.as_str().unwrap_or_default().to_owned(),
        people: people.as_u64()?,
        calls: calls.as_u64()?,
        people_24h: people_24h.as_u64()?,
        calls_24h: calls_24h.as_u64()?,
        last_seen: time(last_seen),
    };
    Some((key.as_str()?, variant))
}

/// Times come as RFC 3339, or bare and then in UTC.
fn time(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?;
    let bare = || jiff::tz::TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse().ok().or_else(bare)
}

fn names(keys: &[FlagKey]) -> Vec<&str> {
    keys.iter().map(FlagKey::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_stand_in_the_text() {
        let keys = [FlagKey::from("x') OR 1=1 --")];
        for query in [
            exposure_counts(Evaluations::Events, &keys, 7),
            exposure_trend(Evaluations::FlagEvaluations, &keys, 7),
        ] {
            assert!(!query.text.contains("OR 1"), "{}", query.text);
            assert_eq!(query.values["keys"][0], "x') OR 1=1 --");
        }
    }

    #[test]
    fn rows_become_exposures_and_silence_is_an_answer() {
        let keys = [FlagKey::from("a"), FlagKey::from("silent")];
        let counts = [
            vec![
                json!("a"),
                json!("false"),
                json!(9),
                json!(3),
                json!(1),
                json!(1),
                json!("2026-11-20T20:59:12.123000Z"),
            ],
            vec![
                json!("a"),
                json!("true"),
                json!(20),
                json!(8),
                json!(2),
                json!(2),
                json!("2026-11-19 08:00:00"),
            ],
            vec![json!("a"), json!(null), json!("many")],
        ];
        let trend = [
            vec![json!("a"), json!("2026-11-19"), json!("web"), json!(2), json!("2026-11-19T08:00:00Z")],
            vec![
                json!("a"),
                json!("2026-11-19"),
                json!("posthog-node"),
                json!(1),
                json!("2026-11-19T09:00:00Z"),
            ],
        ];
        let all = exposures(&keys, &counts, &trend, 7, Timestamp::UNIX_EPOCH);
        let a = &all["a"];
        assert_eq!(
            a.variants.iter().map(|it| (it.response.as_str(), it.people)).collect::<Vec<_>>(),
            [("true", 8), ("false", 3)]
        );
        assert_eq!(a.last_seen().unwrap().to_string(), "2026-11-20T20:59:12.123Z");
        assert_eq!((a.days.len(), a.days[0].people, a.sdks[0].lib.as_str()), (1, 3, "posthog-node"));
        assert!(all["silent"].variants.is_empty());
    }
}
