//! What a rollout's gate and guards ask. Times are compared as numbers of seconds: a text would be read in the project's
//! time zone (posthog-api 5.3).

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Evaluations, Query, days_since, decides, is_exposed};
use crate::flags::{FlagKey, GuardEvidence, Met, Share, Window};

/// Rollouts of which one query asks: each has a condition of its own.
pub const FLAGS_PER_QUERY: usize = 100;

/// A flag, and since when its people count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its key.
    pub key: FlagKey,
    /// Since when.
    pub since: Timestamp,
}

/// What a guard asks for.
#[derive(Debug, Clone)]
pub struct GuardQuery<'a> {
    /// The flag.
    pub key: &'a FlagKey,
    /// `exceptions`, or the name of an event.
    pub metric: &'a str,
    /// Since when people count who met it.
    pub since: Timestamp,
    /// When the first window begins.
    pub begin: Timestamp,
    /// When the last one is over.
    pub end: Timestamp,
    /// Now, by the server's clock.
    pub now: Timestamp,
    /// The length of a window, in seconds.
    pub window: i64,
    /// Whether people with any response count, false ones too: before a stage was opened, they are those who met it.
    pub any_response: bool,
}

/// Where evaluations are, under one shape: `flag_key`, `response`, `person_id`, `timestamp`.
fn calls(table: Evaluations, condition: &str) -> String {
    match table {
        Evaluations::Events => format!(
            "SELECT properties.$feature_flag AS flag_key, toString(properties.$feature_flag_response) AS response, \
             person_id, timestamp FROM events \
             WHERE event IN ('$feature_flag_called', '$experiment_exposure') AND {condition}"
        ),
        Evaluations::FlagEvaluations => {
            format!("SELECT flag_key, response, person_id, timestamp FROM flag_evaluations WHERE {condition}")
        }
    }
}

fn key_column(table: Evaluations) -> &'static str {
    match table {
        Evaluations::Events => "properties.$feature_flag",
        Evaluations::FlagEvaluations => "flag_key",
    }
}

/// The server's clock: one row with seconds since 1970.
pub fn server_time() -> Query {
    let text = "SELECT toUnixTimestamp(now()) AS seconds";
    decides("flagline time", text.into(), json!({}))
}

/// People by key and first response, and how many of them met an exception after it.
pub fn met(table: Evaluations, flags: &[Wanted]) -> Query {
    let key = key_column(table);
    let mut values = Map::new();
    let one = |(at, it): (usize, &Wanted)| {
        values.insert(format!("key_{at}"), it.key.as_str().into());
        values.insert(format!("since_{at}"), it.since.as_second().into());
        format!("({key} = {{key_{at}}} AND toUnixTimestamp(timestamp) >= {{since_{at}}})")
    };
    let flags_since: Vec<String> = flags.iter().enumerate().map(one).collect();
    let since = flags.iter().map(|it| it.since.as_second()).min().unwrap_or_default();
    values.insert("since".into(), since.into());
    let calls = calls(table, &format!("({})", flags_since.join(" OR ")));
    let text = format!(
        "SELECT x.flag_key AS flag_key, x.answer AS answer, uniq(x.person_id) AS people, \
         uniqIf(x.person_id, e.last_one >= x.first_met) AS troubled \
         FROM (SELECT flag_key, person_id, argMin(response, timestamp) AS answer, min(timestamp) AS first_met \
         FROM ({calls}) AS c WHERE {exposed} GROUP BY flag_key, person_id) AS x \
         LEFT JOIN (SELECT person_id, max(timestamp) AS last_one FROM events \
         WHERE event = '$exception' AND toUnixTimestamp(timestamp) >= {{since}} GROUP BY person_id) AS e \
         ON e.person_id = x.person_id GROUP BY flag_key, answer ORDER BY flag_key, answer LIMIT 10000",
        exposed = is_exposed("response"),
    );
    decides("flagline met", text, Value::Object(values))
}

/// Its rows by key.
pub fn met_rows(rows: &[Vec<Value>]) -> HashMap<FlagKey, Vec<Met>> {
    let mut all: HashMap<FlagKey, Vec<Met>> = HashMap::new();
    for row in rows {
        let [key, response, people, troubled] = &row[..] else { continue };
        let (Some(key), Some(response)) = (key.as_str(), response.as_str()) else { continue };
        all.entry(key.into()).or_default().push(Met {
            response: response.to_owned(),
            people: people.as_u64().unwrap_or(0),
            troubled: troubled.as_u64().unwrap_or(0),
        });
    }
    all
}

/// By window and response: the people who met the flag before the window's end and did anything in it afterwards; and to
/// how many of them it happened in it. SDKs tell a call once a session, so who calls again is no measure of who is there.
pub fn guard(table: Evaluations, it: &GuardQuery) -> Query {
    let event = if it.metric == "exceptions" { "$exception" } else { it.metric };
    // The days are for the server, which finds its rows by them.
    let from = |moment| format!("timestamp >= now() - INTERVAL {} DAY", days_since(moment, it.now));
    let of_flag = format!("{} = {{key}}", key_column(table));
    let met = format!(
        "{of_flag} AND {} AND toUnixTimestamp(timestamp) >= {{since}} AND toUnixTimestamp(timestamp) < {{end}}",
        from(it.since)
    );
    let calls = calls(table, &met);
    let exposed = if it.any_response { "1 = 1".to_owned() } else { is_exposed("response") };
    let inside = format!(
        "{} AND toUnixTimestamp(timestamp) >= {{begin}} AND toUnixTimestamp(timestamp) < {{end}}",
        from(it.begin)
    );
    let done = match table {
        Evaluations::Events => format!("events WHERE {inside} AND"),
        // Calls that are kept apart from events are something that people do as well.
        Evaluations::FlagEvaluations => format!(
            "(SELECT person_id, timestamp, event FROM events WHERE {inside} UNION ALL \
             SELECT person_id, timestamp, '' AS event FROM flag_evaluations WHERE {of_flag} AND {inside}) AS d WHERE"
        ),
    };
    let text = format!(
        "SELECT e.n AS n, x.answer AS answer, uniq(e.person_id) AS people, \
         uniqIf(e.person_id, e.last_hit >= x.first_met) AS hit \
         FROM (SELECT person_id, intDiv(toUnixTimestamp(timestamp) - {{begin}}, {{window}}) AS n, \
         max(timestamp) AS last_seen, maxIf(timestamp, event = {{event}}) AS last_hit \
         FROM {done} person_id IN (SELECT person_id FROM ({calls}) AS c WHERE {exposed}) GROUP BY person_id, n) AS e \
         INNER JOIN (SELECT person_id, argMin(response, timestamp) AS answer, min(timestamp) AS first_met \
         FROM ({calls}) AS c WHERE {exposed} GROUP BY person_id) AS x ON x.person_id = e.person_id \
         WHERE e.last_seen >= x.first_met GROUP BY n, answer ORDER BY n, answer LIMIT 10000"
    );
    let values = json!({
        "key": it.key.as_str(),
        "event": event,
        "since": it.since.as_second(),
        "begin": it.begin.as_second(),
        "end": it.end.as_second(),
        "window": it.window,
    });
    decides("flagline guard", text, values)
}

/// Its rows as windows, oldest first.
pub fn guard_rows(it: &GuardQuery, rows: &[Vec<Value>]) -> Vec<Window> {
    let mut windows: Vec<(i64, Window)> = Vec::new();
    for row in rows {
        let [n, response, people, hit] = &row[..] else { continue };
        let (Some(n), Some(response)) = (n.as_i64(), response.as_str()) else { continue };
        let share = Share { people: people.as_u64().unwrap_or(0), hit: hit.as_u64().unwrap_or(0) };
        let Some(begin) = begins(it, n) else { continue };
        match windows.last_mut().filter(|it| it.0 == n) {
            Some((_, window)) => window.shares.push((response.to_owned(), share)),
            None => windows.push((n, Window { begin, shares: vec![(response.to_owned(), share)] })),
        }
    }
    windows.into_iter().map(|it| it.1).collect()
}

/// When a window begins; the server may call it by any number.
fn begins(it: &GuardQuery, n: i64) -> Option<Timestamp> {
    it.begin.checked_add(SignedDuration::from_secs(n.checked_mul(it.window)?)).ok()
}

impl GuardQuery<'_> {
    /// What its rows say of a time before: all windows and responses taken together.
    pub fn together(&self, rows: &[Vec<Value>]) -> GuardEvidence {
        let all = guard_rows(self, rows).into_iter().map(|it| it.share(|_| true));
        GuardEvidence { windows: Vec::new(), before: Some(all.fold(Share::default(), Share::with)) }
    }
}

/// The messages about some flags that were captured, by their ids.
pub fn told(event: &str, keys: &[FlagKey]) -> Query {
    let text = "SELECT DISTINCT properties.id AS id FROM events WHERE event = {event} \
                AND properties.flag IN {keys} AND timestamp >= now() - INTERVAL 400 DAY LIMIT 10000";
    decides("flagline told", text.into(), json!({ "event": event, "keys": super::names(keys) }))
}

/// Its rows.
pub fn told_rows(rows: &[Vec<Value>]) -> BTreeSet<Uuid> {
    rows.iter().filter_map(|it| it.first()?.as_str()?.parse().ok()).collect()
}

/// The exceptions that people met after they met the flag: what, and how many people; most first.
pub fn errors(table: Evaluations, flag: &Wanted) -> Query {
    let of_flag = format!("{} = {{key}} AND toUnixTimestamp(timestamp) >= {{since}}", key_column(table));
    let calls = calls(table, &of_flag);
    let text = format!(
        "SELECT any(toString(e.properties.$exception_types)) AS kinds, \
         any(toString(e.properties.$exception_values)) AS said, uniq(e.person_id) AS people \
         FROM events AS e INNER JOIN (SELECT person_id, min(timestamp) AS first_met FROM ({calls}) AS c \
         WHERE {exposed} GROUP BY person_id) AS x ON x.person_id = e.person_id \
         WHERE e.event = '$exception' AND e.timestamp >= x.first_met \
         AND toUnixTimestamp(e.timestamp) >= {{since}} GROUP BY e.issue_id ORDER BY people DESC LIMIT 3",
        exposed = is_exposed("response"),
    );
    let values = json!({ "key": flag.key.as_str(), "since": flag.since.as_second() });
    decides("flagline errors", text, values)
}

/// Its rows as lines: `TypeError: x is undefined (3 people)`.
pub fn error_rows(rows: &[Vec<Value>]) -> Vec<String> {
    // A list of texts, as JSON or as ClickHouse prints it.
    let first = |it: &Value| {
        let text = it.as_str().unwrap_or_default();
        let list = serde_json::from_str::<Vec<String>>(text).ok();
        let list = list.or_else(|| serde_json::from_str::<Vec<String>>(&text.replace('\'', "\"")).ok());
        list.map_or_else(|| text.to_owned(), |it| it.into_iter().next().unwrap_or_default())
    };
    let line = |row: &Vec<Value>| {
        let [kind, said, people] = &row[..] else { return None };
        let words = [first(kind), first(said)];
        let words: Vec<String> =
            words.iter().map(|it| harmless(it.trim())).filter(|it| !it.is_empty()).collect();
        let words = if words.is_empty() { "an exception".to_owned() } else { words.join(": ") };
        Some(format!("{words} ({})", crate::flags::people(people.as_u64()?)))
    };
    rows.iter().filter_map(line).collect()
}

/// The longest text of an exception that is told.
const LONGEST: usize = 120;

/// What visitors' programs say goes into a team's channel: cut, without control characters, and without what Slack reads
/// as markup (`<!channel>`, `<https://...|...>`), which it knows by these three characters.
fn harmless(text: &str) -> String {
    let words: String = text.chars().filter(|it| !it.is_control()).take(LONGEST).collect();
    let cut = if text.chars().count() > LONGEST { "…" } else { "" };
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;") + cut
}

/// People who met what is new by a flag, so not `control`, and did something after that where an event is named: those
/// who did so first.
pub fn people_to_ask(table: Evaluations, flag: &Wanted, event: Option<&str>, n: u32) -> Query {
    let of_flag = format!("{} = {{key}} AND toUnixTimestamp(timestamp) >= {{since}}", key_column(table));
    let calls = calls(table, &of_flag);
    let exposed = format!(
        "SELECT person_id, min(timestamp) AS first_met FROM ({calls}) AS c \
         WHERE {is_exposed} AND response != 'control' GROUP BY person_id",
        is_exposed = is_exposed("response"),
    );
    let text = match event {
        None => format!("{exposed} ORDER BY first_met, person_id LIMIT {n}"),
        Some(_) => format!(
            "SELECT e.person_id AS person_id, min(e.timestamp) AS did FROM events AS e \
             INNER JOIN ({exposed}) AS x ON x.person_id = e.person_id \
             WHERE e.event = {{event}} AND e.timestamp >= x.first_met \
             AND toUnixTimestamp(e.timestamp) >= {{since}} GROUP BY person_id ORDER BY did, person_id LIMIT {n}"
        ),
    };
    let values = json!({ "key": flag.key.as_str(), "since": flag.since.as_second(), "event": event });
    decides("flagline interview", text, values)
}

/// Its rows: ids of people.
pub fn people_rows(rows: &[Vec<Value>]) -> Vec<String> {
    rows.iter().filter_map(|it| Some(it.first()?.as_str()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Freshness, message_count, owed};
    use super::*;

    fn all(table: Evaluations) -> Vec<Query> {
        let key = FlagKey::from("x') OR 1=1 --");
        let since = Timestamp::UNIX_EPOCH;
        let wanted = Wanted { key: key.clone(), since };
        let guard_query = GuardQuery {
            key: &key,
            metric: "paid') OR 1=1 --",
            since,
            begin: since,
            end: since,
            now: since,
            window: 3600,
            any_response: false,
        };
        vec![
            server_time(),
            message_count("told", "x') OR 1=1 --"),
            met(table, std::slice::from_ref(&wanted)),
            guard(table, &guard_query),
            guard(table, &GuardQuery { any_response: true, ..guard_query }),
            told("told", std::slice::from_ref(&key)),
            owed("told", "x') OR 1=1 --", &[key]),
            errors(table, &wanted),
            people_to_ask(table, &wanted, None, 5),
            people_to_ask(table, &wanted, Some("paid') OR 1=1 --"), 5),
        ]
    }

    #[test]
    fn every_query_keeps_to_the_rules() {
        for table in [Evaluations::Events, Evaluations::FlagEvaluations] {
            for Query { name, text, values, freshness } in all(table) {
                assert!(name.starts_with("flagline "), "{name}: it shows in PostHog's log");
                assert_eq!(freshness, Freshness::Computed, "{name}: something is decided by it");
                assert!(!text.contains("OR 1") && !text.contains("toDateTime"), "{text}");
                let placeholders: Vec<&str> =
                    text.split('{').skip(1).map(|it| it.split_once('}').unwrap().0).collect();
                assert!(placeholders.iter().all(|it| values.get(it).is_some()), "{text}\n{values}");
                assert_eq!(text.matches('(').count(), text.matches(')').count(), "{text}");
            }
        }
    }

    #[test]
    fn what_visitors_programs_say_is_no_markup_and_short() {
        let line = |kind: &str, said: &str| error_rows(&[vec![json!(kind), json!(said), json!(2)]]).remove(0);
        assert_eq!(
            line("['TypeError']", "['<!channel> a & b']"),
            "TypeError: &lt;!channel&gt; a &amp; b (2 people)"
        );
        assert_eq!(
            line("[\"Error\"]", "[\"\\u001b[31mred\\nand\\tmore\"]"),
            "Error: [31mredandmore (2 people)"
        );
        let long = line("Error", &"é".repeat(121));
        assert_eq!(long, format!("Error: {}… (2 people)", "é".repeat(120)));
        assert_eq!(line("Error", &"é".repeat(120)), format!("Error: {} (2 people)", "é".repeat(120)));
        assert_eq!(line("[]", ""), "an exception (2 people)");
    }

    #[test]
    fn a_window_that_no_time_can_hold_is_left_out() {
        let key = FlagKey::from("a");
        let zero = Timestamp::UNIX_EPOCH;
        let it = GuardQuery {
            key: &key,
            metric: "exceptions",
            since: zero,
            begin: zero,
            end: zero,
            now: zero,
            window: 3600,
            any_response: false,
        };
        let rows = [i64::MAX, i64::MAX / 3600, i64::MIN, 1]
            .map(|n| vec![json!(n), json!("true"), json!(5), json!(1)]);
        let windows = guard_rows(&it, &rows);
        let begins: Vec<i64> = windows.iter().map(|it| it.begin.as_second()).collect();
        assert_eq!(begins, [3600]);
    }
}
