//! Queries over a world of a few events.

use serde_json::json;

use super::*;
use crate::sandbox::clock::Clock;
use crate::sandbox::events::Event;

/// Calls of two flags by three people, one exception.
fn world() -> World {
    let mut world = World::new(Clock::new(Some("2026-11-20T12:00:00Z".parse().unwrap())));
    let rows = [
        (
            "$feature_flag_called",
            "ann",
            "2026-11-20T11:00:00Z",
            json!({"$feature_flag": "a", "$feature_flag_response": true, "$lib": "web"}),
        ),
        (
            "$feature_flag_called",
            "ann",
            "2026-11-20T10:00:00.5Z",
            json!({"$feature_flag": "a", "$feature_flag_response": true, "$lib": "web"}),
        ),
        (
            "$feature_flag_called",
            "bob",
            "2026-11-18T10:00:00Z",
            json!({"$feature_flag": "a", "$feature_flag_response": false, "$lib": "web"}),
        ),
        (
            "$feature_flag_called",
            "cat",
            "2026-11-18T11:00:00Z",
            json!({"$feature_flag": "b", "$feature_flag_response": "test", "$lib": "posthog-node"}),
        ),
        ("$feature_flag_called", "cat", "2026-11-01T11:00:00Z", json!({"$feature_flag": "b"})),
        ("$exception", "ann", "2026-11-20T11:30:00Z", json!({"$feature/a-b": true, "amount": 3})),
    ];
    let events = rows.into_iter().enumerate().map(|(at, (event, who, timestamp, properties))| Event {
        uuid: at.to_string().into(),
        event: event.into(),
        distinct_id: who.into(),
        person_id: who.into(),
        timestamp: timestamp.parse().unwrap(),
        properties: properties.as_object().unwrap().clone(),
    });
    let events: Vec<_> = events.collect();
    world.events.extend(events);
    world
}

fn rows(sql: &str) -> Value {
    let values = json!({"keys": ["a", "b"], "one": "a", "feature": "$feature/a-b", "evil": "a' OR 1 = 1 --"});
    let answer = run(&world(), sql, values.as_object().unwrap());
    json!(answer.unwrap_or_else(|it| panic!("{sql}: {}", it.0)).rows)
}

#[test]
fn queries() {
    for (sql, expect) in [
        ("select count() from events", json!([[6]])),
        (
            "select event, count() c from events group by event order by c desc",
            json!([["$feature_flag_called", 5], ["$exception", 1]]),
        ),
        (
            "SELECT properties.$feature_flag AS k, uniq(person_id), count(DISTINCT person_id) FROM events WHERE event = '$feature_flag_called' AND k IN {keys} GROUP BY k ORDER BY k",
            json!([["a", 2, 2], ["b", 1, 1]]),
        ),
        (
            "select toDate(timestamp) as day, count() from events where timestamp >= now() - interval 7 day group by day order by day",
            json!([["2026-11-18", 2], ["2026-11-20", 3]]),
        ),
        (
            "select toStartOfHour(timestamp) h, any(event) from events where event = '$exception' group by h",
            json!([["2026-11-20T11:00:00Z", "$exception"]]),
        ),
        (
            "select min(timestamp) as timestamp, 1 from events where properties.$feature_flag = {one}",
            json!([["2026-11-18T10:00:00Z", 1]]),
        ),
        (
            "select timestamp from events where distinct_id = 'ann' order by timestamp limit 1",
            json!([["2026-11-20T10:00:00.500000Z"]]),
        ),
        (
            "select toString(properties.$feature_flag_response) r, count() from events where event = '$feature_flag_called' group by r order by r",
            json!([["false", 1], ["test", 1], ["true", 2], [null, 1]]),
        ),
        ("select count() from events where properties.`$feature/a-b` is not null", json!([[1]])),
        (
            "select count() from events where properties['$feature/a-b'] = 'true' and properties.amount > 2",
            json!([[1]]),
        ),
        ("select count() from events where properties[{feature}] = 'true'", json!([[1]])),
        ("select count() from events where properties.$lib != 'web'", json!([[3]])),
        (
            "select countIf(properties.$lib = 'web'), uniqIf(person_id, timestamp > now() - interval 1 day) from events",
            json!([[3, 1]]),
        ),
        (
            "select argMax(properties.$feature_flag_response, timestamp), argMin(distinct_id, timestamp) from events where properties.$feature_flag = 'a'",
            json!([["true", "bob"]]),
        ),
        (
            "select distinct_id, count() n from events group by 1 having n > 1 order by 2 desc, 1",
            json!([["ann", 3], ["cat", 2]]),
        ),
        (
            "select count() from events where event like '$feat%' and not (distinct_id in ('ann', 'bob'))",
            json!([[2]]),
        ),
        ("select count() from events where properties.$feature_flag = {evil}", json!([[0]])),
        (
            "select distinct properties.$feature_flag from events where event not like '$exc%' order by 1",
            json!([["a"], ["b"]]),
        ),
        (
            "select person_id, count() from events where person_id not in (select person_id from events where event = '$exception') group by person_id order by person_id",
            json!([["bob", 1], ["cat", 2]]),
        ),
        (
            "select x.who, countIf(e.event is not null) from (select distinct_id as who from events group by who) as x left join (select event, distinct_id from events where event = '$exception') as e on e.distinct_id = x.who group by x.who order by x.who",
            json!([["ann", 1], ["bob", 0], ["cat", 0]]),
        ),
        (
            "SELECT x.flag_key AS flag_key, x.response AS response, uniq(x.person_id) AS exposed_users, countIf(e.timestamp >= x.first_exposure) AS exceptions, uniqIf(e.person_id, e.timestamp >= x.first_exposure) AS users_with_exception FROM (SELECT properties.$feature_flag AS flag_key, person_id, argMin(toString(properties.$feature_flag_response), timestamp) AS response, min(timestamp) AS first_exposure FROM events WHERE event = '$feature_flag_called' AND timestamp >= now() - INTERVAL 7 DAY AND properties.$feature_flag IN {keys} GROUP BY flag_key, person_id) AS x LEFT JOIN (SELECT person_id, timestamp FROM events WHERE event = '$exception' AND timestamp >= now() - INTERVAL 7 DAY) AS e ON e.person_id = x.person_id GROUP BY flag_key, response ORDER BY flag_key, response LIMIT 5000",
            json!([["a", "false", 1, 0, 0], ["a", "true", 1, 1, 1], ["b", "test", 1, 0, 0]]),
        ),
        (
            "SELECT properties.$feature_flag AS flag_key, count() AS calls_7d FROM events WHERE event = '$feature_flag_called' AND properties.$feature_flag IS NOT NULL AND flag_key NOT IN (SELECT key FROM system.feature_flags WHERE deleted = 0) GROUP BY flag_key ORDER BY calls_7d DESC LIMIT 200",
            json!([["a", 3], ["b", 2]]),
        ),
        ("select count() from events where event = 'nothing'", json!([[0]])),
        ("select 1 + 2 * 3, 'it''s', if(1 > 2, 'a', 'b'), round(2.345, 2)", json!([[7, "it's", "b", 2.35]])),
    ] {
        assert_eq!(rows(sql), expect, "{sql}");
    }
}

#[test]
fn refusals() {
    for (sql, expect) in [
        ("select nopefn(1)", "Unsupported function call 'nopefn(...)'"),
        ("select a from events", "Unable to resolve field: a"),
        ("select event from nowhere", "Unknown table `nowhere`."),
        ("select key from flag_evaluations", "Unknown table `flag_evaluations`."),
        (
            "select event, count() from events",
            "Column `event` is not under aggregate function and not in GROUP BY",
        ),
        (
            "select max(count()) from events",
            "Aggregation 'count' cannot be nested inside another aggregation 'max'.",
        ),
        ("select event from events where count() > 1", "Aggregate function count is found in WHERE in query"),
        ("select toDate()", "Function 'toDate' expects 1 argument, found 0"),
        ("select event from events where event = {gone}", "Unresolved placeholder: {gone}"),
        ("selec 1", "Syntax error: expected select but found 'selec' at position 0"),
    ] {
        assert_eq!(run(&world(), sql, &Map::new()).unwrap_err().0, expect, "{sql}");
    }
}

#[test]
fn limits_and_columns() {
    let world = world();
    let answer = run(&world, "select event from events limit 2 offset 1", &Map::new()).unwrap();
    assert_eq!((answer.rows.len(), answer.more, answer.limit, answer.offset), (2, true, 2, 1));
    let answer =
        run(&world, "select properties.$lib, count() from events group by properties.$lib", &Map::new())
            .unwrap();
    assert_eq!(answer.columns, ["$lib", "count()"]);
    assert_eq!(answer.types, ["Nullable(String)", "UInt64"]);
    assert!(answer.printed.ends_with("GROUP BY properties.$lib LIMIT 100"), "{}", answer.printed);
}
