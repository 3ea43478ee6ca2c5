//! What a rollout asks, of people who are there and of people who are not.

use flagline::flags::{FlagKey, Share};
use flagline::posthog::queries::{self, Evaluations, GuardQuery, Query, Wanted, Whose};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Bench;

fn event(event: &str, who: &str, at: &str, properties: Value) -> Value {
    let timestamp = format!("2026-11-20T{at}:00Z");
    json!({ "event": event, "distinct_id": who, "timestamp": timestamp, "properties": properties })
}

fn call(who: &str, at: &str, response: Value) -> Value {
    let properties = json!({ "$feature_flag": "tour", "$feature_flag_response": response });
    event("$feature_flag_called", who, at, properties)
}

fn at(hour: &str) -> Timestamp {
    format!("2026-11-20T{hour}:00Z").parse().unwrap()
}

async fn rows(bench: &Bench, query: Query) -> Vec<Vec<Value>> {
    let (status, answer) = bench.hogql(&query.text, query.values).await;
    assert_eq!(status, 200, "{answer}");
    serde_json::from_value(answer["results"].clone()).unwrap()
}

/// As in PostHog, `NULL NOT IN (...)` is true: who got no response must be left out by another word.
#[tokio::test]
async fn who_got_no_response_met_nothing() {
    let bench = Bench::new().await;
    let mut missing = call("missing", "09:00", Value::Null);
    missing["properties"].as_object_mut().unwrap().remove("$feature_flag_response");
    let mut events = vec![call("yes", "09:00", json!(true)), call("null", "09:00", Value::Null), missing];
    let happens = |it| event("$exception", it, "10:00", json!({ "$exception_types": ["TypeError"] }));
    events.extend(["yes", "null", "missing"].map(happens));
    bench.control("events", json!({ "events": events })).await;
    let (_, answer) = bench
        .hogql(
            "SELECT count() FROM events WHERE properties.$feature_flag = 'tour' \
             AND toString(properties.$feature_flag_response) NOT IN ('false', 'null', '')",
            json!({}),
        )
        .await;
    assert_eq!(answer["results"], json!([[3]]));

    let (table, key) = (Evaluations::Events, FlagKey::from("tour"));
    let (since, now) = (at("08:00"), at("12:00"));
    let wanted = Wanted { key: key.clone(), since };
    let met = queries::met_rows(&rows(&bench, queries::met(table, std::slice::from_ref(&wanted))).await);
    let met: Vec<_> = met[&key].iter().map(|it| (it.response.as_str(), it.people, it.troubled)).collect();
    assert_eq!(met, [("true", 1, 1)]);
    let errors = queries::error_rows(&rows(&bench, queries::errors(table, &wanted)).await);
    assert_eq!(errors, ["TypeError (1 person)"]);
    for done in [None, Some("$exception")] {
        assert_eq!(rows(&bench, queries::people_to_ask(table, &wanted, done, 9)).await.len(), 1, "{done:?}");
    }
    let guard = GuardQuery {
        key: &key,
        metric: "exceptions",
        since,
        begin: since,
        end: now,
        now,
        window: 3600,
        any_response: false,
    };
    let seen = rows(&bench, queries::guard(table, &guard)).await;
    assert_eq!(
        seen,
        [[json!(1), "true".into(), 1.into(), 0.into()], [2.into(), "true".into(), 1.into(), 1.into()]]
    );
    let trend = rows(&bench, queries::exposure_trend(table, std::slice::from_ref(&key), 7)).await;
    assert_eq!(trend[0][3], 1);
    let brief =
        flagline::feature::Brief::parse("key = \"tour\"\n[metric]\nkind = \"trend\"\nevents = [\"paid\"]\n")
            .unwrap();
    let span = flagline::feature::review::TimeSpan {
        from: since,
        until: now + jiff::SignedDuration::from_hours(24 * 30),
    };
    let metric = brief.metric.unwrap();
    let query = queries::outcome(&metric, Whose::Met(table, &key), span, now);
    let observed: u64 = queries::observed(&rows(&bench, query).await).iter().map(|it| it.sample.people).sum();
    assert_eq!(observed, 1);
}

/// SDKs tell of a call once a session: who met the feature before the last windows counts in them, if they are there.
#[tokio::test]
async fn a_guard_sees_all_who_met_the_feature_and_are_there() {
    let bench = Bench::new().await;
    let mut events = vec![];
    for n in 0..10 {
        let who = format!("person {n}");
        events.push(call(&who, "08:10", json!(true)));
        // Eight of ten are there two hours later and call nothing again.
        if n < 8 {
            events.push(event("$pageview", &who, "10:05", json!({})));
        }
    }
    events.extend([
        event("$exception", "person 0", "10:20", json!({})),
        event("$exception", "person 0", "10:21", json!({})),
        // Before they met it, and without meeting it.
        event("$exception", "late", "10:10", json!({})),
        call("late", "10:30", json!(true)),
        event("$exception", "somebody else", "10:10", json!({})),
        call("out", "08:20", json!(false)),
        event("$exception", "out", "10:10", json!({})),
        event("$pageview", "person 1", "11:30", json!({})),
    ]);
    bench.control("events", json!({ "events": events })).await;
    let key = FlagKey::from("tour");
    let guard = GuardQuery {
        key: &key,
        metric: "exceptions",
        since: at("08:00"),
        begin: at("10:00"),
        end: at("12:00"),
        now: at("12:00"),
        window: 3600,
        any_response: false,
    };
    let windows = async |guard: &GuardQuery<'_>| {
        let seen = rows(&bench, queries::guard(Evaluations::Events, guard)).await;
        let windows = queries::guard_rows(guard, &seen);
        windows.iter().map(|it| (it.begin, it.share(|_| true))).collect::<Vec<_>>()
    };
    assert_eq!(
        windows(&guard).await,
        [(at("10:00"), Share { people: 9, hit: 1 }), (at("11:00"), Share { people: 1, hit: 0 }),]
    );
    // Of a time before, those count who called at all.
    let before = GuardQuery { since: guard.begin, any_response: true, ..guard.clone() };
    assert_eq!(windows(&before).await, [(at("10:00"), Share { people: 1, hit: 0 })]);
    let before = GuardQuery { any_response: true, ..guard };
    assert_eq!(windows(&before).await[0].1, Share { people: 10, hit: 2 });
}
