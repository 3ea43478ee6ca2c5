//! All HogQL that Flagline asks, and how its rows are read. Keys from source never become part of a query's
//! text: values travel as parameters.

mod evidence;
mod owed;
mod review;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use owed::{MOST_UNANSWERED, Owed, Post, owed, owed_rows};
pub use review::{Whose, observed, outcome};

use crate::feature::brief::{Count, EventEntry, Metric, MetricKind};
use crate::flags::{DayExposure, Exposure, Flag, FlagKey, SdkSeen, VariantExposure};

pub use evidence::{
    FLAGS_PER_QUERY, GuardQuery, Wanted, error_rows, errors, guard, guard_rows, met, met_rows, people_rows,
    people_to_ask, server_time, told, told_rows,
};

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
    /// Whether an answer of a while ago would do.
    pub freshness: Freshness,
}

/// How old an answer may be. PostHog keeps answers by the query's text and values for minutes at least, and `now()` stands
/// still in them (posthog-api 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It is computed now: something is decided by it, or it says what was done already.
    Computed,
    /// It may be one that the server kept: it is only shown.
    Kept,
}

/// A query whose answer is shown.
fn shown(name: &'static str, text: String, values: Value) -> Query {
    Query { name, text, values, freshness: Freshness::Kept }
}

/// A query by whose answer something is decided.
fn decides(name: &'static str, text: String, values: Value) -> Query {
    Query { name, text, values, freshness: Freshness::Computed }
}

/// Which table holds evaluations (posthog-api 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evaluations {
    /// `$feature_flag_called` in `events`, and beside it what an experiment counts as meeting its flag (posthog-api 4.3).
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
                "events WHERE event IN ('$feature_flag_called', '$experiment_exposure') AND",
            ],
            Evaluations::FlagEvaluations => {
                ["flag_key", "response", "toString(properties.$lib)", "flag_evaluations WHERE"]
            }
        }
    }
}

/// Whether a response is one that shows the feature. Servers of today take `NULL NOT IN (...)` for true.
fn is_exposed(response: &str) -> String {
    format!("ifNull({response}, 'null') NOT IN ('false', 'null', '')")
}

/// Days that reach back to a moment: the server finds its rows by a time that it counts from now.
fn days_since(from: Timestamp, now: Timestamp) -> i64 {
    now.duration_since(from).as_hours().div_euclid(24).max(0) + 2
}

/// People and calls by key and response. Who called a flag and met its experiment is one person, and called once.
pub fn exposure_counts(table: Evaluations, keys: &[FlagKey], days: u32) -> Query {
    let [key, response, _, from] = table.columns();
    let is_call = match table {
        Evaluations::Events => "event = '$feature_flag_called' AND ",
        Evaluations::FlagEvaluations => "",
    };
    let text = format!(
        "SELECT {key} AS flag_key, {response} AS response, \
         countIf({is_call}timestamp >= now() - INTERVAL {days} DAY) AS calls, \
         count(DISTINCT person_id) AS people, \
         countIf({is_call}timestamp >= now() - INTERVAL 1 DAY) AS calls_24h, \
         uniqIf(person_id, timestamp >= now() - INTERVAL 1 DAY) AS people_24h, max(timestamp) AS last_seen \
         FROM {from} timestamp >= now() - INTERVAL {days} DAY AND {key} IN {{keys}} \
         GROUP BY flag_key, response ORDER BY flag_key, calls DESC LIMIT 20000"
    );
    shown("flagline exposure", text, json!({ "keys": names(keys) }))
}

/// Exposed people by key, day and SDK.
pub fn exposure_trend(table: Evaluations, keys: &[FlagKey], days: u32) -> Query {
    let [key, response, lib, from] = table.columns();
    let text = format!(
        "SELECT {key} AS flag_key, toDate(timestamp) AS day, {lib} AS lib, \
         uniqIf(person_id, {exposed}) AS people, max(timestamp) AS last_seen \
         FROM {from} timestamp >= now() - INTERVAL {days} DAY AND {key} IN {{keys}} \
         GROUP BY flag_key, day, lib ORDER BY flag_key, day LIMIT 50000",
        exposed = is_exposed(response),
    );
    shown("flagline trend", text, json!({ "keys": names(keys) }))
}

/// How often a message was captured: one row with a number.
pub fn message_count(event: &str, id: &str) -> Query {
    let text = "SELECT count() AS n FROM events WHERE event = {event} AND properties.id = {id} \
                AND timestamp >= now() - INTERVAL 400 DAY LIMIT 1";
    decides("flagline message", text.into(), json!({ "event": event, "id": id }))
}

/// Distinct people by key, day and response.
pub fn exposure_days(table: Evaluations, keys: &[FlagKey], days: u32) -> Query {
    let [key, response, _, from] = table.columns();
    let text = format!(
        "SELECT {key} AS flag_key, toDate(timestamp) AS day, {response} AS response, \
         count(DISTINCT person_id) AS people \
         FROM {from} timestamp >= now() - INTERVAL {days} DAY AND {key} IN {{keys}} \
         GROUP BY flag_key, day, response ORDER BY flag_key, day LIMIT 50000"
    );
    shown("flagline days", text, json!({ "keys": names(keys) }))
}

/// One value of a feature's key metric: that of the people who get this response.
#[derive(Debug, Clone)]
pub struct Column<'a> {
    /// The feature.
    pub key: &'a FlagKey,
    /// The response.
    pub response: &'a str,
    /// Its key metric.
    pub metric: &'a Metric,
}

/// A column each, by day; or over all of the days, in one row. What events say of the flag's value decides whose they
/// are. [`drawable`] says of which metrics a filter would be left out.
pub fn metrics(columns: &[Column], by_day: bool, days: u32) -> Query {
    let mut values = serde_json::Map::new();
    let mut selected = Vec::new();
    let mut events = BTreeSet::new();
    for (at, column) in columns.iter().enumerate() {
        let (event, filters) = counted(column.metric);
        let mut conditions = vec![
            format!("event = {{event_{at}}}"),
            format!("toString(properties[{{flag_{at}}}]) = {{response_{at}}}"),
        ];
        values.insert(format!("event_{at}"), event.as_str().into());
        values.insert(format!("flag_{at}"), format!("$feature/{}", column.key).into());
        values.insert(format!("response_{at}"), column.response.into());
        for (n, filter) in filters.iter().enumerate() {
            let (name, value) = (format!("property_{at}_{n}"), format!("value_{at}_{n}"));
            if let Some((condition, given)) = condition(filter, &name, &value) {
                conditions.push(condition);
                values.insert(name, filter["key"].clone());
                values.extend(given.map(|it| (value, it)));
            }
        }
        events.insert(event);
        let conditions = conditions.join(" AND ");
        selected.push(match counts_people(column.metric) {
            true => format!("uniqIf(person_id, {conditions}) AS column_{at}"),
            false => format!("countIf({conditions}) AS column_{at}"),
        });
    }
    values.insert("events".into(), events.into_iter().collect());
    let selected = selected.join(", ");
    let (day, group) = match by_day {
        true => ("toDate(timestamp) AS day, ", "GROUP BY day ORDER BY day "),
        false => ("", ""),
    };
    let text = format!(
        "SELECT {day}{selected} FROM events \
         WHERE timestamp >= now() - INTERVAL {days} DAY AND event IN {{events}} {group}LIMIT 1000"
    );
    shown("flagline metrics", text, Value::Object(values))
}

/// Why a metric cannot be asked for by a query of here, if it cannot.
pub fn drawable(metric: &Metric) -> Result<(), String> {
    let (_, filters) = counted(metric);
    match filters.iter().find(|it| condition(it, "", "").is_none()) {
        None => Ok(()),
        Some(filter) => Err(not_known(filter)),
    }
}

/// Why a metric cannot be measured by a query of here, if it cannot: each of its steps may have filters.
pub fn measurable(metric: &Metric) -> Result<(), String> {
    let filters = metric.events.iter().flat_map(EventEntry::properties);
    filters
        .filter(|it| condition(it, "", "").is_none())
        .map(|it| Err(not_known(&it)))
        .next()
        .unwrap_or(Ok(()))
}

fn not_known(filter: &Value) -> String {
    format!(
        "its filter by {} ({}) is one that only PostHog's own graphs know",
        filter["key"].as_str().unwrap_or_default(),
        filter["operator"].as_str().unwrap_or_default()
    )
}

/// Whether people are counted, each once, rather than events.
pub fn counts_people(metric: &Metric) -> bool {
    metric.kind != MetricKind::Trend || metric.count == Count::People
}

/// The event that is counted, with what must hold of it.
fn counted(metric: &Metric) -> (String, Vec<Value>) {
    match metric.counted() {
        Some(entry) => (entry.event().to_owned(), entry.properties()),
        None => ("$pageview".to_owned(), Vec::new()),
    }
}

/// A filter of an insight in HogQL, with the value for its placeholder.
fn condition(filter: &Value, name: &str, value: &str) -> Option<(String, Option<Value>)> {
    if filter["type"] != "event" {
        return None;
    }
    let given = &filter["value"];
    let text = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
    let list = || match given {
        Value::Array(all) => all.iter().map(text).collect::<Vec<String>>().into(),
        one => Value::from(vec![text(one)]),
    };
    let property = format!("properties[{{{name}}}]");
    // By way of a text: on some servers the property is a number already, which their `toFloat` does not take.
    let number = |sign: &str| {
        given
            .as_f64()
            .map(|it| (format!("toFloat(toString({property})) {sign} {{{value}}}"), Some(Value::from(it))))
    };
    match filter["operator"].as_str().unwrap_or("exact") {
        "exact" => Some((format!("toString({property}) IN {{{value}}}"), Some(list()))),
        "is_not" => Some((format!("ifNull(toString({property}), '') NOT IN {{{value}}}"), Some(list()))),
        "icontains" => Some((
            format!("toString({property}) ILIKE {{{value}}}"),
            Some(format!("%{}%", text(given)).into()),
        )),
        "regex" => Some((format!("match(toString({property}), {{{value}}})"), Some(text(given).into()))),
        "is_set" => Some((format!("{property} IS NOT NULL"), None)),
        "is_not_set" => Some((format!("{property} IS NULL"), None)),
        "gt" => number(">"),
        "gte" => number(">="),
        "lt" => number("<"),
        "lte" => number("<="),
        _ => None,
    }
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

/// A flag that was called inside the window by its own word, where no call of any flag is found: then the calls are
/// kept somewhere else, and nothing can be said of who met which flag (posthog-api 5.6).
pub fn contradicted<'a>(
    exposures: &HashMap<FlagKey, Exposure>,
    flags: impl IntoIterator<Item = &'a Flag>,
) -> Option<&'a Flag> {
    if exposures.values().any(|it| !it.variants.is_empty()) {
        return None;
    }
    let is_called = |flag: &&Flag| {
        let Some(exposure) = exposures.get(&flag.key) else { return false };
        // The flag's own word comes up to half an hour late, and a query takes a moment.
        let begin = exposure.fetched_at - SignedDuration::from_hours(24 * i64::from(exposure.window_days));
        flag.last_called_at.is_some_and(|it| it > begin + SignedDuration::from_hours(1))
    };
    flags.into_iter().find(is_called)
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

    fn metric() -> Metric {
        let brief = "key = \"a\"\n[metric]\nkind = \"funnel\"\nevents = [\"cart\", { event = \"paid') OR 1=1\", \
                     properties = [{ key = \"sum') OR 1=1\", operator = \"gt\", value = 5 }, \
                     { key = \"plan\", value = [\"pro\", \"x') OR 1=1\"] }] }]\n";
        crate::feature::Brief::parse(brief).unwrap().metric.unwrap()
    }

    #[test]
    fn a_metric_is_counted_by_the_value_that_events_carry() {
        let (key, metric) = (FlagKey::from("a"), metric());
        assert_eq!(drawable(&metric), Ok(()));
        let query = metrics(&[Column { key: &key, response: "true", metric: &metric }], true, 14);
        assert_eq!(
            query.text,
            "SELECT toDate(timestamp) AS day, uniqIf(person_id, event = {event_0} AND \
             toString(properties[{flag_0}]) = {response_0} AND toFloat(toString(properties[{property_0_0}])) > {value_0_0} AND \
             toString(properties[{property_0_1}]) IN {value_0_1}) AS column_0 FROM events \
             WHERE timestamp >= now() - INTERVAL 14 DAY AND event IN {events} GROUP BY day ORDER BY day LIMIT 1000"
        );
        assert_eq!(query.values["flag_0"], "$feature/a");
        assert_eq!(query.values["event_0"], "paid') OR 1=1");
        assert_eq!(query.values["property_0_0"], "sum') OR 1=1");
        assert_eq!(query.values["value_0_1"], json!(["pro", "x') OR 1=1"]));
    }

    #[test]
    fn keys_never_stand_in_the_text() {
        let keys = [FlagKey::from("x') OR 1=1 --")];
        for query in [
            exposure_counts(Evaluations::Events, &keys, 7),
            exposure_trend(Evaluations::FlagEvaluations, &keys, 7),
            exposure_days(Evaluations::Events, &keys, 7),
        ] {
            assert!(!query.text.contains("OR 1"), "{}", query.text);
            assert_eq!(query.values["keys"][0], "x') OR 1=1 --");
        }
    }

    #[test]
    fn every_query_keeps_to_the_rules() {
        let keys = [FlagKey::from("a")];
        let both = [Evaluations::Events, Evaluations::FlagEvaluations];
        let metric = metric();
        let columns = [Column { key: &keys[0], response: "true", metric: &metric }];
        let queries = both.map(|it| {
            [exposure_counts(it, &keys, 7), exposure_trend(it, &keys, 7), exposure_days(it, &keys, 7)]
        });
        let of_metrics = [metrics(&columns, true, 7), metrics(&columns, false, 7)];
        for Query { name, text, values, freshness } in queries.into_iter().flatten().chain(of_metrics) {
            assert!(name.starts_with("flagline "), "{name}: it shows in PostHog's log");
            assert_eq!(freshness, Freshness::Kept, "{name} is only shown");
            // Without one the server takes 100 rows; more than 50,000 it does not give.
            let limit: u32 = text.rsplit_once(" LIMIT ").unwrap().1.parse().unwrap();
            assert!((101..=50_000).contains(&limit), "{text}");
            // A time as text would be one of the project's time zone.
            assert!(text.contains("timestamp >= now() - INTERVAL 7 DAY"), "{text}");
            assert!(!text.contains("toDateTime") && !text.contains("'20"), "{text}");
            // Every placeholder has a value, and none stands in an interval.
            let placeholders: Vec<&str> =
                text.split('{').skip(1).map(|it| it.split_once('}').unwrap().0).collect();
            assert!(placeholders.iter().all(|it| values.get(it).is_some()), "{text}");
            assert!(!text.contains("INTERVAL {"), "{text}");
            // Values of properties are texts, and a slash in a name would divide.
            assert!(
                !text.contains("= true") && !text.contains("= false") && !text.contains("$feature/"),
                "{text}"
            );
            assert!(!text.contains("distinct_id"), "people are counted by person_id: {text}");
        }
    }

    #[test]
    fn all_queries_stand_here() {
        let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders = vec![src.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                // The sandbox answers queries; it asks none.
                if path.is_dir() && path != src.join("sandbox") {
                    folders.push(path);
                } else if path.extension().is_some_and(|it| it == "rs")
                    && !path.ends_with("posthog/queries.rs")
                    && path.parent() != Some(&src.join("posthog/queries"))
                {
                    let text = std::fs::read_to_string(&path).unwrap();
                    assert!(!text.contains("SELECT "), "{}", path.display());
                }
            }
        }
    }

    #[test]
    fn silence_of_all_flags_is_no_answer_where_one_was_called() {
        let flag = |key: &str, called: Option<&str>| {
            let json = json!({ "id": 1, "key": key, "last_called_at": called });
            Flag::from(serde_json::from_value::<crate::posthog::wire::Flag>(json).unwrap())
        };
        let fetched_at: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let keys = [FlagKey::from("a"), FlagKey::from("b")];
        let silent = exposures(&keys, &[], &[], 7, fetched_at);
        for (called, contradicts) in [
            (Some("2026-11-25T11:00:00Z"), true),
            (Some("2026-11-18T14:00:00Z"), true),
            (Some("2026-11-18T12:30:00Z"), false),
            (Some("2026-09-01T00:00:00Z"), false),
            (None, false),
        ] {
            let flags = [flag("a", None), flag("b", called)];
            assert_eq!(contradicted(&silent, &flags).is_some(), contradicts, "{called:?}");
        }
        // One that nobody asked about says nothing.
        assert!(contradicted(&silent, &[flag("other", Some("2026-11-25T11:00:00Z"))]).is_none());
        let row = vec![json!("a"), json!("true"), json!(1), json!(1), json!(0), json!(0), json!(null)];
        let heard = exposures(&keys, &[row], &[], 7, fetched_at);
        assert!(contradicted(&heard, &[flag("b", Some("2026-11-25T11:00:00Z"))]).is_none());
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
