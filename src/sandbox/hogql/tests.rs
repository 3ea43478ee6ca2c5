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
        (
            "$exception",
            "ann",
            "2026-11-20T11:30:00Z",
            json!({
                "$feature/a-b": true, "amount": 3, "$exception_types": ["TypeError", "Error"],
                "$exception_values": ["a is undefined", "no net"],
            }),
        ),
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
            "select x.who, countIf(e.event != '') from (select distinct_id as who from events group by who) as x left join (select event, distinct_id from events where event = '$exception') as e on e.distinct_id = x.who group by x.who order by x.who",
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

/// What a rollout asks of its project: who is exposed since when, and what happened to them since.
#[test]
fn queries_of_a_rollout() {
    for (sql, expect) in [
        // People who met one of two flags, each with a start of its own.
        (
            "SELECT e.flag AS flag, uniq(e.person_id) AS people, min(e.since) AS since FROM (SELECT 'a' AS flag, person_id, toUnixTimestamp(timestamp) AS since FROM events WHERE properties.$feature_flag = 'a' UNION ALL SELECT 'b', person_id, toUnixTimestamp(timestamp) FROM events WHERE properties.$feature_flag = 'b' AND timestamp >= fromUnixTimestamp(1763000000)) AS e GROUP BY flag ORDER BY flag",
            json!([["a", 2, 1_794_996_000], ["b", 1, 1_793_530_800]]),
        ),
        // Exceptions of those who met the flag, after they met it, by windows of ten minutes.
        (
            "SELECT intDiv(toUnixTimestamp(now()) - toUnixTimestamp(e.timestamp), 600) AS window, count() AS exceptions, any(e.kind) AS kind FROM (SELECT person_id, timestamp, properties.$exception_types[1] AS kind FROM events WHERE event = '$exception') AS e INNER JOIN (SELECT person_id, min(timestamp) AS first FROM events WHERE properties.$feature_flag = {one} GROUP BY person_id HAVING count() > 1 LIMIT 100) AS x ON x.person_id = e.person_id WHERE e.timestamp >= x.first GROUP BY window ORDER BY window",
            json!([[3, 1, "TypeError"]]),
        ),
        ("SELECT now() AS asked_at, count() FROM events", json!([["2026-11-20T12:00:00Z", 6]])),
        (
            "SELECT minIf(timestamp, event = '$exception'), maxIf(timestamp, distinct_id = 'bob'), argMinIf(event, timestamp, distinct_id = 'ann'), anyIf(distinct_id, event = '$exception'), uniqIf(person_id, event = '$exception'), sumIf(toFloat(properties.amount), event = '$exception') FROM events",
            json!([["2026-11-20T11:30:00Z", "2026-11-18T10:00:00Z", "$feature_flag_called", "ann", 1, 3]]),
        ),
        (
            "SELECT avg(n), varSamp(n), round(stddevSamp(n), 3), sum(n), least(1, 2), greatest(1, 2), floor(2.7), toFloat('1.5'), intDiv(-7, 2) FROM (SELECT count() AS n FROM events GROUP BY person_id) AS e",
            json!([[2.0, 1.0, 1.0, 6, 1, 2, 2.0, 1.5, -3]]),
        ),
        // A list in a property is read by place, and from its JSON.
        (
            "SELECT properties.$exception_types[1], properties.$exception_values[-1], properties.$exception_types[3], JSONExtractString(properties.$exception_values, 1), arrayStringConcat(JSONExtract(ifNull(properties.$exception_types, '[]'), 'Array(String)'), ', '), length(JSONExtractArrayRaw(properties.$exception_values)), JSONExtractString(properties.$exception_types, 9), substring(properties.$exception_values[1], 1, 9) FROM events WHERE event = '$exception'",
            json!([["TypeError", "no net", null, "a is undefined", "TypeError, Error", 2, "", "a is unde"]]),
        ),
        (
            "SELECT arrayElement(groupArray(distinct_id), 2), groupArray(distinct_id)[-1], ids[1], groupArray(distinct_id) AS ids, ids[99] FROM events WHERE event = '$feature_flag_called'",
            json!([["bob", "ann", "cat", ["cat", "bob", "cat", "ann", "ann"], ""]]),
        ),
        (
            "SELECT e.properties.amount, e.properties.$exception_types[2] FROM (SELECT properties FROM events WHERE event = '$exception') AS e",
            json!([[3, "Error"]]),
        ),
        // ClickHouse has no null where a type has none: the side of a join without a match holds empty values.
        (
            "SELECT x.who, e.timestamp, e.kind, e.event, count() FROM (SELECT DISTINCT distinct_id AS who FROM events) AS x LEFT JOIN (SELECT event, timestamp, distinct_id, properties.$exception_types[1] AS kind FROM events WHERE event = '$exception') AS e ON e.distinct_id = x.who GROUP BY 1, 2, 3, 4 ORDER BY 1",
            json!([
                ["ann", "2026-11-20T11:30:00Z", "TypeError", "$exception", 1],
                ["bob", "1970-01-01T00:00:00Z", null, "", 1],
                ["cat", "1970-01-01T00:00:00Z", null, "", 1]
            ]),
        ),
        (
            "SELECT min(timestamp), any(event), max(properties.amount), sum(toFloat(properties.amount)), avg(length(event)), count() FROM events WHERE event = 'nothing'",
            json!([["1970-01-01T00:00:00Z", "", null, null, null, 0]]),
        ),
        // Null is no key of a join.
        (
            "SELECT count() FROM (SELECT properties.nothing AS k FROM events) AS a INNER JOIN (SELECT properties.nothing AS k FROM events) AS b ON a.k = b.k",
            json!([[0]]),
        ),
        (
            "SELECT dateDiff('hour', min(timestamp), now()) FROM events WHERE event = '$exception'",
            json!([[1]]),
        ),
        ("SELECT 1 AS n UNION ALL SELECT 2 UNION ALL (SELECT count() FROM events)", json!([[1], [2], [6]])),
    ] {
        assert_eq!(rows(sql), expect, "{sql}");
    }
}

#[test]
fn refusals() {
    for (sql, expect) in [
        ("select 1 union all select 1, 2", "UNION different number of columns in queries"),
        (
            "select count() from events as a join events as b on a.timestamp < b.timestamp",
            "Cannot determine join keys in JOIN ON expression",
        ),
        (
            "select arrayStringConcat(properties.$exception_types, ', ') from events",
            "Illegal type Nullable(String) of argument of function arrayStringConcat, must be an array",
        ),
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
