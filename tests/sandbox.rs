//! The sandbox over real HTTP, as a client meets it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "sandbox/messages.rs"]
mod messages;
#[path = "sandbox/objects.rs"]
mod objects;
#[path = "sandbox/older.rs"]
mod older;
#[path = "sandbox/rollouts.rs"]
mod rollouts;

use std::collections::{BTreeMap, BTreeSet};

use flagline::posthog::queries;
use flagline::sandbox::{API_KEY, GRACE_KEY, Options, READ_KEY, Sandbox, Shape};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

const NOW: &str = "2026-11-20T12:00:00Z";
const FLAGS: &str = "/api/projects/1/feature_flags/";

/// A sandbox at a fixed time and a client for it.
struct Bench {
    sandbox: Sandbox,
    client: Client,
}

impl Bench {
    async fn new() -> Bench {
        Bench::shaped(Shape::Today).await
    }

    /// One of an age.
    async fn shaped(shape: Shape) -> Bench {
        let options = Options { now: Some(NOW.parse().unwrap()), shape, ..Options::default() };
        // As the program does; fails only when it was done before.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder().no_proxy().build().unwrap();
        Bench { sandbox: Sandbox::start(options).await.unwrap(), client }
    }

    async fn send(&self, method: Method, path: &str, key: &str, body: Option<String>) -> Response {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.sandbox.url()) };
        let mut request = self.client.request(method, url);
        if !key.is_empty() {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        request.send().await.unwrap()
    }

    /// Status and JSON.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        read(self.send(method, path, API_KEY, body.map(|it| it.to_string())).await).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::PATCH, path, Some(body)).await
    }

    async fn control(&self, what: &str, body: Value) -> Value {
        let (status, body) = self.post(&format!("/_sandbox/{what}/"), body).await;
        assert_eq!(status, 200, "{what}: {body}");
        body
    }

    async fn flag(&self, key: &str) -> Value {
        let list = self.get(&format!("{FLAGS}?key={key}")).await;
        assert_eq!(list["count"], 1, "{key}");
        list["results"][0].clone()
    }

    /// Computed now, whatever was asked before.
    async fn hogql(&self, query: &str, values: Value) -> (u16, Value) {
        let query = json!({"kind": "HogQLQuery", "query": query, "values": values});
        let body = json!({"query": query, "refresh": "force_blocking", "name": "test"});
        self.post("/api/projects/1/query/", body).await
    }
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn keys(list: &Value) -> Vec<String> {
    list["results"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let bench = Bench::new().await;
    let (mut seen, mut at, mut pages) = (Vec::new(), format!("{FLAGS}?limit=5"), 0);
    loop {
        let page = bench.get(&at).await;
        assert_eq!((page["count"].as_u64(), page["previous"].is_null()), (Some(16), pages == 0));
        seen.extend(keys(&page));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        at = next.to_owned();
    }
    assert_eq!((pages, seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (4, 16, 16));
    assert!(!seen.iter().any(|it| it == "legacy-export" || it.starts_with("search-v1")));
    for (query, expect) in [
        ("archived=true", vec!["legacy-export"]),
        ("active=STALE", vec!["dark-mode"]),
        ("active=false", vec!["gift-cards", "old-banner"]),
        ("search=CHECKOUT", vec!["checkout-copy", "new-checkout"]),
        ("key=NEW-checkout", vec!["new-checkout"]),
        ("type=experiment", vec!["pricing-page"]),
        ("type=multivariant", vec!["pricing-page", "checkout-copy"]),
        ("tags=%5B%22owner%3Ab2b%22%5D", vec!["team-accounts", "company-reports"]),
        ("order=-updated_at&limit=1", vec!["project-videos"]),
        ("order=key&limit=1", vec!["beta-nav"]),
        ("offset=100", vec![]),
    ] {
        assert_eq!(keys(&bench.get(&format!("{FLAGS}?{query}")).await), expect, "{query}");
    }
    let small = bench.get(&format!("{FLAGS}?limit=1&excluded_properties=%5B%22filters%22%5D")).await;
    assert!(small["results"][0]["filters"].is_null() && small["results"][0]["key"].is_string());
}

#[tokio::test]
async fn the_door_and_its_errors() {
    let bench = Bench::new().await;
    let (auth, request, field) = ("authentication_error", "invalid_request", "validation_error");
    for (method, path, key, body, status, kind, code) in [
        (Method::GET, FLAGS, "", None, 401, auth, "not_authenticated"),
        (Method::GET, FLAGS, "phx_wrong", None, 401, auth, "authentication_failed"),
        (Method::GET, "/api/projects/2/feature_flags/", API_KEY, None, 403, auth, "permission_denied"),
        (Method::GET, "/api/projects/99/feature_flags/", API_KEY, None, 404, request, "not_found"),
        (Method::GET, "/api/projects/1/no_such_thing/", API_KEY, None, 404, request, "not_found"),
        (Method::GET, "/api/environments/1/feature_flags/", API_KEY, None, 404, request, "not_found"),
        (Method::GET, "/api/projects/1/feature_flags/999/", API_KEY, None, 404, request, "not_found"),
        (
            Method::DELETE,
            "/api/projects/1/feature_flags/1/",
            API_KEY,
            None,
            405,
            request,
            "method_not_allowed",
        ),
        (Method::POST, FLAGS, API_KEY, Some("{\"key\":"), 400, request, "parse_error"),
        (Method::POST, FLAGS, API_KEY, Some("{}"), 400, field, "required"),
        (Method::POST, FLAGS, READ_KEY, Some("{}"), 403, auth, "permission_denied"),
    ] {
        let answer = bench.send(method.clone(), path, key, body.map(str::to_owned)).await;
        let (got, body) = read(answer).await;
        let told = (got, body["type"].as_str(), body["code"].as_str());
        assert_eq!(told, (status, Some(kind), Some(code)), "{method} {path}: {body}");
        assert!(body["detail"].is_string() && body.get("attr").is_some());
    }
    assert_eq!(bench.get("/api/projects/@current/feature_flags").await["count"], 16, "no slash, @current");
    assert_eq!(bench.get("/api/users/@me/").await["email"], "ada@offset.example");
    assert_eq!(bench.get("/api/projects/").await["results"][0]["id"], 1);
    assert_eq!(bench.get("/api/projects/1/").await["flag_evaluations_mode"], 0);
    assert_eq!(bench.get("/api/personal_api_keys/@current/").await["scopes"][0], "*");
    let other = bench.client.get(format!("{}{FLAGS}", bench.sandbox.url())).header("host", "evil.example");
    assert_eq!(other.bearer_auth(API_KEY).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn bad_flags_are_refused() {
    let bench = Bench::new().await;
    let groups = json!([{"properties": [], "rollout_percentage": 10}]);
    let variant = |key: &str, share: u64| json!({"key": key, "rollout_percentage": share});
    let variants = |share: u64| json!({"variants": [variant("a", share), variant("b", 50)]});
    let cohort = json!([{"properties": [{"key": "id", "type": "cohort", "value": 99}]}]);
    for (body, code, attr) in [
        (json!({"key": "new-checkout", "filters": {"groups": groups}}), "unique", "key"),
        (json!({"key": "has space", "filters": {"groups": groups}}), "invalid_key", "key"),
        (json!({"key": "x", "filters": {"groups": []}}), "invalid_input", "filters"),
        (json!({"key": "x"}), "invalid_input", "filters"),
        (
            json!({"key": "x", "filters": {"groups": [{"rollout_percentage": 101}]}}),
            "invalid_input",
            "filters",
        ),
        (
            json!({"key": "x", "filters": {"groups": groups, "multivariate": variants(49)}}),
            "invalid_input",
            "filters",
        ),
        (json!({"key": "x", "filters": {"groups": cohort}}), "cohort_does_not_exist", "filters"),
        (
            json!({"key": "x", "filters": {"groups": groups, "payloads": {"on": "1"}}}),
            "invalid_input",
            "filters",
        ),
        (json!({"key": "x", "active": "maybe", "filters": {"groups": groups}}), "invalid_input", "active"),
    ] {
        let (status, answer) = bench.post(FLAGS, body.clone()).await;
        let told = (status, answer["code"].as_str(), answer["attr"].as_str());
        assert_eq!(told, (400, Some(code), Some(attr)), "{body}: {answer}");
    }
    let filters = json!({"groups": groups, "multivariate": variants(50), "odd": {"kept": 1}});
    let (status, flag) = bench.post(FLAGS, json!({"key": "good", "filters": filters})).await;
    assert_eq!((status, &flag["version"], &flag["filters"]), (201, &json!(1), &filters), "{flag}");
}

#[tokio::test]
async fn writes_have_versions_conflicts_and_history() {
    let bench = Bench::new().await;
    let flag = bench.flag("quick-offset").await;
    let path = format!("{FLAGS}{}/", flag["id"]);
    let version = flag["version"].as_u64().unwrap();
    let wider = |it: u64| json!({"groups": [{"properties": [], "rollout_percentage": it, "variant": null}]});
    let theirs =
        json!({"filters": wider(30), "version": version, "original_flag": {"filters": flag["filters"]}});
    let (status, after) =
        read(bench.send(Method::PATCH, &path, GRACE_KEY, Some(theirs.to_string())).await).await;
    assert_eq!((status, after["version"].as_u64()), (200, Some(version + 1)), "{after}");
    assert_eq!(after["last_modified_by"]["email"], "grace@offset.example");
    assert!(after["filters"].get("payloads").is_some(), "keys that were not sent stay");

    let mine =
        json!({"filters": wider(40), "version": version, "original_flag": {"filters": flag["filters"]}});
    let (status, refused) = bench.patch(&path, mine).await;
    assert_eq!((status, refused["code"].as_str()), (409, Some("conflict")), "{refused}");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("updated by grace@offset.example since you started editing it"), "{detail}");

    // Another field is no conflict, and without the original there is never one.
    let other = json!({"name": "New name", "version": version, "original_flag": {"name": flag["name"]}});
    assert_eq!(bench.patch(&path, other).await.0, 200);
    assert_eq!(bench.patch(&path, json!({"filters": wider(35), "version": version})).await.0, 200);

    let rollout = format!("{path}set_release_condition_rollout/");
    for (index, version, status) in [(0, version, 409), (0, version + 3, 200), (7, version + 4, 400)] {
        let body = json!({"condition_index": index, "rollout_percentage": 50, "version": version});
        assert_eq!(bench.post(&rollout, body).await.0, status, "{index} {version}");
    }
    let (_, full) =
        bench.post(&format!("{path}roll_out_to_everyone/"), json!({"version": version + 4})).await;
    assert_eq!(full["filters"]["groups"][0]["rollout_percentage"], 100);
    assert_eq!(full["filters"]["groups"][1]["rollout_percentage"], 50);
    for (action, active, archived) in [
        ("disable", false, false),
        ("enable", true, false),
        ("archive", false, true),
        ("unarchive", false, false),
    ] {
        let (status, it) = bench.ask(Method::POST, &format!("{path}{action}/"), None).await;
        assert_eq!(
            (status, &it["active"], &it["archived"]),
            (200, &json!(active), &json!(archived)),
            "{action}"
        );
    }

    let first = bench.get(&format!("{path}activity/?limit=3")).await;
    assert_eq!((first["total_count"].as_u64(), first["results"].as_array().unwrap().len()), (Some(10), 3));
    assert!(first["previous"].is_null());
    assert!(bench.get(first["next"].as_str().unwrap()).await["previous"].is_string());
    let all = bench.get(&format!("{path}activity/?limit=50&page=1")).await;
    assert_eq!(
        (&all["results"][9]["activity"], &all["results"][9]["detail"]["changes"]),
        (&json!("created"), &Value::Null)
    );
    let changes = all["results"][8]["detail"]["changes"].as_array().unwrap();
    let field = |name: &str| changes.iter().find(|it| it["field"] == name).unwrap();
    assert_eq!(field("filters")["before"]["groups"][0]["rollout_percentage"], 25);
    assert_eq!(field("filters")["after"]["groups"][0]["rollout_percentage"], 30);
    assert_eq!(
        (&field("version")["before"], &field("version")["after"]),
        (&json!(version), &json!(version + 1))
    );
    assert_eq!(
        bench.get(&format!("{path}versions/1/")).await["filters"]["groups"][0]["rollout_percentage"],
        25
    );

    let (_, gone) = bench.patch(&path, json!({"deleted": true})).await;
    assert_eq!(gone["key"], format!("quick-offset:deleted:{}", flag["id"]));
    assert_eq!(bench.get(&path).await["status"], "DELETED");
    assert_eq!(bench.get(&format!("{FLAGS}?key=quick-offset")).await["count"], 0);
    assert_eq!(bench.patch(&path, json!({"deleted": false})).await.1["key"], "quick-offset");
    let experiment = bench.flag("pricing-page").await;
    assert_eq!(bench.patch(&format!("{FLAGS}{}/", experiment["id"]), json!({"deleted": true})).await.0, 400);
}

#[tokio::test]
async fn status_and_blast_radius() {
    let bench = Bench::new().await;
    let flag = bench.flag("new-checkout").await;
    let status = bench.get(&format!("{FLAGS}{}/status/", flag["id"])).await;
    assert_eq!(status["status"], "active");
    assert_eq!(status["rollout"]["effectively_full_rollout"], true);
    let dark = bench.flag("dark-mode").await;
    assert_eq!((&dark["status"], &dark["last_called_at"]), (&json!("STALE"), &Value::Null));
    let mail =
        json!([{"key": "email", "type": "person", "operator": "icontains", "value": "@offset.example"}]);
    let cohort = |operator: &str| json!([{"key": "id", "type": "cohort", "operator": operator, "value": 1}]);
    for (properties, group, affected, total) in [
        (json!([]), Value::Null, 400, 400),
        (mail, Value::Null, 12, 400),
        (cohort("in"), Value::Null, 12, 400),
        (cohort("not_in"), Value::Null, 388, 400),
        (json!([]), json!(0), 24, 24),
    ] {
        let condition = json!({"properties": properties, "rollout_percentage": 5});
        let body = json!({"condition": condition, "group_type_index": group});
        let (_, answer) = bench.post(&format!("{FLAGS}user_blast_radius/"), body).await;
        assert_eq!(answer, json!({"affected": affected, "total": total}), "{condition}");
    }
    let odd =
        json!({"condition": {"properties": [{"key": "app", "operator": "sounds_like", "value": "1.0"}]}});
    assert_eq!(bench.post(&format!("{FLAGS}user_blast_radius/"), odd).await.0, 400);
}

/// Counts of the calls of some flags in the week before [`NOW`], made from the dumped events.
#[derive(Default)]
struct Count {
    calls: [usize; 2],
    people: [BTreeSet<String>; 2],
    last: String,
}

#[tokio::test]
async fn answers_follow_from_events() {
    let bench = Bench::new().await;
    let query = "SELECT
    properties.$feature_flag                                  AS flag_key,
    toString(properties.$feature_flag_response)               AS response,
    count()                                                   AS calls_7d,
    uniq(person_id)                                           AS users_7d,
    countIf(timestamp >= now() - INTERVAL 1 DAY)              AS calls_24h,
    uniqIf(person_id, timestamp >= now() - INTERVAL 1 DAY)    AS users_24h,
    max(timestamp)                                            AS last_seen
FROM events
WHERE event = '$feature_flag_called'
  AND timestamp >= now() - INTERVAL 7 DAY
  AND properties.$feature_flag IN {keys}
GROUP BY flag_key, response
ORDER BY flag_key, calls_7d DESC
LIMIT 20000";
    let asked = ["project-videos", "pricing-page", "old-banner", "dark-mode"];
    let (status, answer) = bench.hogql(query, json!({"keys": asked})).await;
    assert_eq!(status, 200, "{answer}");
    let columns = ["flag_key", "response", "calls_7d", "users_7d", "calls_24h", "users_24h", "last_seen"];
    assert_eq!(answer["columns"], json!(columns));
    assert_eq!(answer["types"][2], json!(["calls_7d", "UInt64"]));

    let dump = bench.get("/_sandbox/events/?event=$feature_flag_called").await;
    let mut counts: BTreeMap<(String, String), Count> = BTreeMap::new();
    let mut trend: BTreeMap<[String; 4], u64> = BTreeMap::new();
    for event in dump["results"].as_array().unwrap() {
        let at = event["timestamp"].as_str().unwrap();
        let properties = &event["properties"];
        let key = properties["$feature_flag"].as_str().unwrap().to_owned();
        if at < "2026-11-13T12:00:00" || !asked.contains(&key.as_str()) {
            continue;
        }
        let response = &properties["$feature_flag_response"];
        let response = response.as_str().map_or_else(|| response.to_string(), str::to_owned);
        let lib = properties["$lib"].as_str().unwrap().to_owned();
        *trend.entry([key.clone(), response.clone(), at[..10].to_owned(), lib]).or_default() += 1;
        let count = counts.entry((key, response)).or_default();
        for (window, since) in ["2026-11-13T12:00:00", "2026-11-19T12:00:00"].into_iter().enumerate() {
            if at >= since {
                count.calls[window] += 1;
                count.people[window].insert(event["person_id"].as_str().unwrap().to_owned());
            }
        }
        count.last = count.last.clone().max(at.to_owned());
    }
    let row = |((key, response), it): (&(String, String), &Count)| {
        // Times with no fraction of a second are written without one.
        let last = it.last.replace(".000000Z", "Z");
        json!([key, response, it.calls[0], it.people[0].len(), it.calls[1], it.people[1].len(), last])
    };
    let mut expect: Vec<Value> = counts.iter().map(row).collect();
    expect.sort_by_key(|it| (it[0].to_string(), std::cmp::Reverse(it[2].as_u64())));
    assert_eq!(answer["results"], json!(expect));
    assert!(expect.iter().any(|it| it[0] == "pricing-page" && it[1] == "test"));

    let per_day = "SELECT properties.$feature_flag, toString(properties.$feature_flag_response), \
        toDate(timestamp) AS day, properties.$lib, count(), uniq(person_id), max(timestamp) FROM events \
        WHERE event = '$feature_flag_called' AND timestamp >= now() - INTERVAL 7 DAY \
        AND properties.$feature_flag IN {keys} GROUP BY properties.$feature_flag, \
        toString(properties.$feature_flag_response), day, properties.$lib LIMIT 20000";
    let (_, answer) = bench.hogql(per_day, json!({"keys": asked})).await;
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let rows = answer["results"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let got: BTreeMap<_, _> =
        rows.iter().map(|it| ([0, 1, 2, 3].map(|at| text(&it[at])), it[4].as_u64().unwrap())).collect();
    assert_eq!(got, trend);

    // An insight over the same events agrees with a query.
    let path = "/api/projects/1/insights/?search=project-videos:%20exposure&refresh=blocking";
    let insight = bench.get(path).await;
    let lines = insight["results"][0]["result"].as_array().unwrap();
    let on = lines.iter().find(|it| it["breakdown_value"] == "true").unwrap();
    let today = "select uniq(person_id) from events where event = '$feature_flag_called' and \
        properties.$feature_flag = 'project-videos' and properties.$feature_flag_response = 'true' \
        and timestamp >= toStartOfDay(now())";
    let (_, answer) = bench.hogql(today, json!({})).await;
    assert_eq!((on["days"][14].as_str(), &on["data"][14]), (Some("2026-11-20"), &answer["results"][0][0]));
}

#[tokio::test]
async fn who_calls_a_flag_and_meets_its_experiment_is_one_person() {
    let bench = Bench::new().await;
    let event = |event: &str, who: &str| {
        let properties =
            json!({"$feature_flag": "short-checkout", "$feature_flag_response": "test", "$lib": "web"});
        json!({"event": event, "distinct_id": who, "properties": properties})
    };
    let (ada, grace) = ("ada@offset.example", "grace@offset.example");
    let events = [
        event("$feature_flag_called", ada),
        event("$experiment_exposure", ada),
        event("$experiment_exposure", grace),
    ];
    assert_eq!(bench.post("/_sandbox/events/", json!({"events": events})).await.0, 200);
    let query = queries::exposure_counts(queries::Evaluations::Events, &["short-checkout".into()], 7);
    let (status, answer) = bench.hogql(&query.text, query.values).await;
    assert_eq!(status, 200, "{answer}");
    // Response, calls and people, in all and in a day.
    assert_eq!(answer["results"].as_array().unwrap().len(), 1, "{answer}");
    let row = answer["results"][0].as_array().unwrap();
    assert_eq!(row[1..6], [json!("test"), json!(1), json!(2), json!(1), json!(2)]);
}

#[tokio::test]
async fn what_it_does_not_know_it_refuses() {
    let bench = Bench::new().await;
    let (status, answer) = bench.hogql("select nopefn(1)", json!({})).await;
    let detail = "Unsupported function call 'nopefn(...)'";
    let expect = json!({"type": "validation_error", "code": "invalid_input", "detail": detail, "attr": null});
    assert_eq!((status, answer), (400, expect));
    for query in [json!({"kind": "FunnelsQuery", "series": []}), json!({"kind": "HogQLQuery"}), json!({})] {
        let (status, answer) = bench.post("/api/environments/1/query/", json!({"query": query})).await;
        assert_eq!((status, answer["type"].as_str()), (400, Some("validation_error")), "{query}");
    }
}

#[tokio::test]
async fn dashboards_and_insights() {
    let bench = Bench::new().await;
    let (_, board) =
        bench.post("/api/projects/1/dashboards/", json!({"name": "Mine", "tags": ["flag:x"]})).await;
    let id = board["id"].clone();
    let source = json!({
        "kind": "TrendsQuery", "dateRange": {"date_from": "-48h"}, "interval": "hour",
        "series": [{"kind": "EventsNode", "event": "$exception"}, {"kind": "EventsNode", "event": "$pageview"}],
        "trendsFilter": {"formula": "100 * A / B"},
    });
    let body =
        json!({"name": "Errors", "query": {"kind": "InsightVizNode", "source": source}, "dashboards": [id]});
    let (status, insight) = bench.post("/api/projects/1/insights/", body).await;
    assert_eq!(
        (status, &insight["dashboards"], &insight["result"]),
        (201, &json!([id]), &Value::Null),
        "{insight}"
    );
    let read = bench.get(&format!("/api/projects/1/insights/{}/?refresh=blocking", insight["id"])).await;
    assert_eq!(read["result"][0]["data"].as_array().unwrap().len(), 49);
    let path = format!("/api/projects/1/dashboards/{id}/");
    let tile = bench.get(&path).await["tiles"][0].clone();
    assert_eq!(tile["insight"]["short_id"], insight["short_id"]);
    let tiles = json!([{"id": tile["id"], "layouts": {"sm": {"x": 3}}}, {"text": {"body": "### Runbook"}}]);
    let (_, after) = bench.patch(&path, json!({"tiles": tiles})).await;
    assert_eq!(after["tiles"][0]["layouts"]["sm"]["x"], 3);
    assert_eq!(after["tiles"][1]["text"]["body"], "### Runbook");
    assert_eq!(bench.get("/api/projects/1/dashboards/?search=mine").await["count"], 1);
    assert_eq!(bench.get(&format!("/api/projects/1/insights/?dashboards=[{id}]")).await["count"], 1);
    bench.patch(&path, json!({"deleted": true})).await;
    assert_eq!(bench.ask(Method::GET, &path, None).await.0, 404);
    assert_eq!(bench.post("/api/projects/1/insights/", json!({"dashboards": [999]})).await.0, 400);
}

/// Posts a form of the home page as a browser does; status and where it leads.
async fn submit(bench: &Bench, form: &str, fields: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let url = format!("{}/_sandbox/{form}/", bench.sandbox.url());
    let mut request = client.post(url).header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(fields.to_owned()).send().await.unwrap();
    let location = answer.headers().get("location").map(|it| it.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location.unwrap_or_default())
}

#[tokio::test]
async fn people_set_faults_on_the_page() {
    let bench = Bench::new().await;
    let home = async || bench.send(Method::GET, "/", "", None).await.text().await.unwrap();
    let done = (303, "/".to_owned());
    let own = [("origin", bench.sandbox.url()), ("sec-fetch-site", "same-origin")];
    assert!(home().await.contains("every request is answered as PostHog would"));

    let flags = "path=feature_flags&method=GET&times=";
    for (what, status) in [("401", 401), ("403", 403), ("429", 429), ("500", 500), ("504", 504)] {
        let fields = format!("what={what}&{flags}1&milliseconds=&retry_after=7");
        assert_eq!(submit(&bench, "form/fault", &fields, &own).await, done, "{what}");
        assert!(home().await.contains("the next one"), "{what}");
        let answer = bench.send(Method::GET, FLAGS, API_KEY, None).await;
        let retry_after = answer.headers().get("retry-after").map(|it| it.to_str().unwrap());
        assert_eq!(answer.status(), status);
        assert_eq!(retry_after, (what == "429").then_some("7"), "{what}");
        assert_eq!(bench.ask(Method::GET, FLAGS, None).await.0, 200, "{what} came once");
    }
    assert!(home().await.contains("used up"));
    assert_eq!(submit(&bench, "form/clear", "", &own).await, done);

    submit(&bench, "form/fault", "what=malformed&path=feature_flags", &own).await;
    submit(&bench, "form/fault", "what=cut&path=cohorts", &own).await;
    submit(&bench, "form/fault", "what=slow&path=%22%3E%3Cscript%3E&milliseconds=5", &own).await;
    let page = home().await;
    assert!(page.contains("&quot;&gt;&lt;script&gt;") && !page.contains("<script"), "{page}");
    assert!(matches!(bench.ask(Method::GET, FLAGS, None).await.1, Value::String(_)), "half a JSON");
    let cohorts = format!("{}/api/projects/1/cohorts/", bench.sandbox.url());
    let answer = bench.client.get(cohorts).bearer_auth(API_KEY).send().await;
    // The connection ends before the head of the answer came, or after.
    assert!(match answer {
        Ok(answer) => answer.bytes().await.is_err(),
        Err(_) => true,
    });
    assert_eq!(submit(&bench, "form/remove", "index=0", &own).await, done);
    assert_eq!(bench.ask(Method::GET, FLAGS, None).await.0, 200);
    let faults = &bench.get("/_sandbox/state/").await["faults"];
    assert_eq!(
        (&faults[0]["kind"], &faults[1]["milliseconds"], faults.as_array().unwrap().len()),
        (&json!("cut"), &json!(5), 2)
    );
    for (form, fields) in [("form/fault", "what=odd"), ("form/remove", "index=9"), ("form/clock", "days=x")] {
        assert_eq!(submit(&bench, form, fields, &own).await.0, 400, "{form} {fields}");
    }
    assert_eq!(submit(&bench, "form/nothing", "", &own).await.0, 404);
}

#[tokio::test]
async fn people_move_the_clock_and_reset_on_the_page() {
    let bench = Bench::new().await;
    for (days, now) in [("1", "2026-11-21T12:00:00.000000Z"), ("30", "2026-12-21T12:00:00.000000Z")] {
        assert_eq!(submit(&bench, "form/clock", &format!("days={days}"), &[]).await.0, 303);
        assert_eq!(bench.get("/_sandbox/state/").await["now"], now);
    }
    submit(&bench, "form/fault", "what=500", &[]).await;
    submit(&bench, "form/reset", "", &[]).await;
    let state = bench.get("/_sandbox/state/").await;
    assert_eq!((&state["now"], &state["faults"]), (&json!("2026-11-20T12:00:00.000000Z"), &json!([])));
    submit(&bench, "form/clock", "", &[]).await;
    assert_eq!(bench.get("/_sandbox/state/").await["clock"], "running");
}

#[tokio::test]
async fn other_sites_do_not_drive_the_sandbox() {
    let bench = Bench::new().await;
    submit(&bench, "form/fault", "what=500&path=never", &[]).await;
    let elsewhere = bench.sandbox.url().replace("127.0.0.1", "localhost");
    for headers in [
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        [("origin", "null"), ("sec-fetch-site", "cross-site")],
        [("origin", elsewhere.as_str()), ("sec-fetch-mode", "navigate")],
        [("sec-fetch-mode", "no-cors"), ("sec-fetch-site", "same-site")],
    ] {
        for form in ["form/fault", "form/remove", "form/clear", "form/clock", "form/reset", "reset", "faults"]
        {
            assert_eq!(submit(&bench, form, "what=500&index=0", &headers).await.0, 403, "{form} {headers:?}");
        }
    }
    let state = bench.get("/_sandbox/state/").await;
    assert_eq!((state["faults"].as_array().unwrap().len(), &state["clock"]), (1, &json!("stopped")));
    // A JSON body does not pass for a form either.
    assert_eq!(bench.post("/_sandbox/form/clear/", json!({})).await.0, 415);
    let page = bench.send(Method::GET, "/", "", None).await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{policy}");
}

#[tokio::test]
async fn clock_faults_log_and_reset() {
    let bench = Bench::new().await;
    let state = bench.control("clock", json!({"advance_seconds": 3600})).await;
    assert_eq!(state["now"], "2026-11-20T13:00:00.000000Z");
    bench.control("clock", json!({"now": "2027-01-20T00:00:00Z"})).await;
    assert_eq!(bench.flag("new-checkout").await["status"], "STALE", "nobody called it for 60 days");
    let limit = json!({"path_contains": "feature_flags", "kind": "status", "status": 429, "retry_after": 2, "times": 1});
    bench.control("faults", json!({"faults": [limit]})).await;
    let limited = bench.send(Method::GET, FLAGS, API_KEY, None).await;
    assert_eq!(limited.headers()["retry-after"], "2");
    let (status, body) = read(limited).await;
    assert_eq!((status, body["code"].as_str()), (429, Some("throttled")));
    assert_eq!(bench.ask(Method::GET, FLAGS, None).await.0, 200);
    let once = |kind: &str| json!({"kind": kind, "times": 1});
    let slow = json!({"kind": "latency", "milliseconds": 30});
    bench.control("faults", json!({"faults": [once("html"), once("malformed"), once("cut"), slow]})).await;
    let page = bench.send(Method::GET, FLAGS, API_KEY, None).await;
    assert_eq!(
        (page.status().as_u16(), &page.headers()["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    let half = bench.send(Method::GET, FLAGS, API_KEY, None).await.text().await.unwrap();
    assert!(serde_json::from_str::<Value>(&half).is_err());
    let cut = bench.client.get(format!("{}{FLAGS}", bench.sandbox.url())).bearer_auth(API_KEY).send().await;
    let cut = match cut {
        Ok(it) => it.bytes().await.map(drop),
        Err(error) => Err(error),
    };
    assert!(cut.is_err());
    let before = std::time::Instant::now();
    bench.get(FLAGS).await;
    assert!(before.elapsed().as_millis() >= 30);
    let state = bench.get("/_sandbox/state/").await;
    assert_eq!(state["requests"]["GET /api/projects/:id/feature_flags/"], 7);
    assert_eq!(state["last_requests"][1]["status"], 429);
    assert_eq!(bench.post("/_sandbox/faults/", json!({"faults": [{"kind": "odd"}]})).await.0, 400);
    let state = bench.control("reset", json!({})).await;
    assert_eq!(state["now"], "2026-11-20T12:00:00.000000Z");
    assert_eq!((&state["faults"], &state["requests"]), (&json!([]), &json!({})));
}

#[tokio::test]
async fn scheduled_changes_happen_when_the_clock_gets_there() {
    let bench = Bench::new().await;
    let flag = bench.flag("gift-cards").await;
    let path = "/api/projects/1/scheduled_changes/";
    let id = flag["id"].to_string();
    let schedule = |at: &str, operation: &str, value: Value| {
        let payload = json!({"operation": operation, "value": value});
        json!({"record_id": id, "model_name": "FeatureFlag", "scheduled_at": at, "payload": payload})
    };
    let group = json!({"groups": [{"properties": [], "rollout_percentage": 25}]});
    for body in [
        schedule("2026-11-21T12:00:00Z", "update_status", json!(true)),
        schedule("2026-11-22T12:00:00Z", "add_release_condition", group),
        schedule("2026-11-22T12:00:00Z", "set_on_fire", json!(1)),
    ] {
        assert_eq!(bench.post(path, body).await.0, 201);
    }
    bench.control("clock", json!({"now": "2026-11-21T13:00:00Z"})).await;
    assert_eq!(bench.flag("gift-cards").await["active"], true);
    bench.control("clock", json!({"now": "2026-11-23T13:00:00Z"})).await;
    let groups = bench.flag("gift-cards").await["filters"]["groups"].clone();
    assert_eq!((groups.as_array().unwrap().len(), &groups[1]["rollout_percentage"]), (2, &json!(25)));
    let list = bench.get(&format!("{path}?record_id={id}")).await;
    assert_eq!((&list["count"], &list["results"][0]["failure_reason"]), (&json!(3), &Value::Null));
    assert!(list["results"][2]["failure_reason"].is_string());
    assert_eq!(bench.ask(Method::DELETE, &format!("{path}1/"), None).await.0, 400, "executed ones stay");
    let later = schedule("2027-01-01T00:00:00Z", "update_status", json!(false));
    let (_, made) = bench.post(path, later).await;
    assert_eq!(bench.ask(Method::DELETE, &format!("{path}{}/", made["id"]), None).await.0, 204);
}

#[tokio::test]
async fn captured_events_count() {
    let bench = Bench::new().await;
    let properties = json!({"$feature_flag": "dark-mode", "$feature_flag_response": true});
    let event = json!({"event": "$feature_flag_called", "distinct_id": "somebody", "properties": properties});
    assert_eq!(bench.post("/batch/", json!({"api_key": "phc_sandbox", "batch": [event]})).await.0, 200);
    let foreign = json!({"api_key": "phc_other", "event": "x", "distinct_id": "y"});
    assert_eq!(bench.post("/i/v0/e/", foreign).await.0, 401);
    assert_eq!(bench.flag("dark-mode").await["last_called_at"], "2026-11-20T12:00:00.000000Z");
    let before = bench.get("/_sandbox/state/").await["counts"]["events"].as_u64().unwrap();
    let after =
        bench.control("events", json!({"events": [{"event": "purchase", "distinct_id": "somebody"}]})).await;
    assert_eq!(after["counts"]["events"], before + 1);
    let ada = json!({"api_key": "phc_sandbox", "distinct_id": "ada@offset.example"});
    let (_, flags) = bench.post("/flags/?v=2", ada).await;
    assert_eq!(flags["flags"]["project-videos"]["enabled"], true);
    assert_eq!(flags["flags"]["checkout-copy"]["variant"], "warm");
}

/// Every link of every page leads to a page, and no name breaks out of its place.
#[tokio::test]
async fn pages_escape_and_link() {
    let bench = Bench::new().await;
    let evil = "<script>alert('x')</script>";
    let properties = json!([{"key": evil, "value": evil}]);
    let groups = json!([{"properties": properties, "rollout_percentage": 10, "description": evil}]);
    bench.post(FLAGS, json!({"key": "evil", "name": evil, "filters": {"groups": groups}})).await;
    bench.post("/api/projects/1/dashboards/", json!({"name": evil, "description": evil})).await;
    let (mut open, mut seen) = (vec!["/".to_owned()], BTreeSet::new());
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let response = bench.send(Method::GET, &path, "", None).await;
        assert_eq!(response.status(), 200, "{path}");
        let html = response.text().await.unwrap();
        assert!(!html.contains("<script"), "{path}");
        open.extend(html.split("href=\"").skip(1).filter_map(|it| it.split('"').next()).map(str::to_owned));
    }
    for part in ["feature_flags/1", "dashboard/1", "experiments/1", "insights/"] {
        let part = format!("/project/1/{part}");
        assert!(seen.iter().any(|it| it.starts_with(&part)), "{part}: {seen:?}");
    }
    assert_eq!(bench.send(Method::GET, "/project/1/feature_flags/999", "", None).await.status(), 404);
    bench.sandbox.shutdown().await;
}

/// A 403 that names what the key lacks.
fn lacks(answer: &(u16, Value), scope: &str) -> bool {
    answer.0 == 403
        && answer.1["code"] == "permission_denied"
        && answer.1["detail"] == format!("API key missing required scope '{scope}'")
}

#[tokio::test]
async fn keys_do_what_their_scopes_say() {
    let bench = Bench::new().await;
    let flag = bench.flag("new-checkout").await["id"].clone();
    bench.control("keys", json!({"scopes": []})).await;
    let one = format!("{FLAGS}{flag}/");
    let activity = format!("{FLAGS}{flag}/activity/");
    for (method, path, scope) in [
        (Method::GET, "/api/users/@me/", "user:read"),
        (Method::GET, "/api/projects/", "project:read"),
        (Method::GET, "/api/projects/1/", "project:read"),
        (Method::GET, "/api/organizations/", "organization:read"),
        (Method::GET, "/api/organizations/@current/members/", "organization_member:read"),
        (Method::GET, FLAGS, "feature_flag:read"),
        (Method::PATCH, &one, "feature_flag:write"),
        (Method::POST, "/api/projects/1/feature_flags/user_blast_radius/", "feature_flag:read"),
        (Method::GET, &activity, "activity_log:read"),
        (Method::GET, "/api/projects/1/scheduled_changes/", "feature_flag:read"),
        (Method::GET, "/api/projects/1/experiments/", "experiment:read"),
        (Method::POST, "/api/projects/1/dashboards/", "dashboard:write"),
        (Method::POST, "/api/projects/1/insights/", "insight:write"),
        (Method::GET, "/api/projects/1/cohorts/", "cohort:read"),
        (Method::POST, "/api/projects/1/query/", "query:read"),
        (Method::POST, "/api/environments/1/query/", "query:read"),
        (Method::GET, "/api/environments/1/change_requests/", "approvals:read"),
    ] {
        let answer = bench.ask(method.clone(), path, None).await;
        assert!(lacks(&answer, scope), "{method} {path} {scope}: {answer:?}");
    }
    // A key may always ask about itself.
    assert_eq!(bench.get("/api/personal_api_keys/@current/").await["scopes"], json!([]));
    // Writing includes reading; another object's scope is none of this one's.
    bench.control("keys", json!({"scopes": ["feature_flag:write", "feature_flags:read"]})).await;
    bench.get(FLAGS).await;
    assert_eq!(bench.patch(&one, json!({"name": "Checkout"})).await.0, 200);
    assert!(lacks(&bench.ask(Method::GET, "/api/users/@me/", None).await, "user:read"));
    // Another key is not touched.
    let grace = bench.send(Method::GET, "/api/users/@me/", GRACE_KEY, None).await;
    assert_eq!(grace.status(), 200);
    let (status, _) = bench.post("/_sandbox/keys/", json!({"key": "phx_nobody", "scopes": []})).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_plan_has_limits() {
    let bench = Bench::new().await;
    bench.control("plan", json!({"lacks": ["experiments", "activity", "tagging"]})).await;
    let flag = bench.flag("new-checkout").await["id"].clone();
    for path in ["/api/projects/1/experiments/".to_owned(), format!("{FLAGS}{flag}/activity/")] {
        let (status, body) = bench.ask(Method::GET, &path, None).await;
        assert_eq!((status, &body["code"]), (402, &json!("payment_required")), "{path}");
    }
    // Tags are dropped without a word.
    let (_, after) = bench.patch(&format!("{FLAGS}{flag}/"), json!({"tags": ["a"], "name": "New"})).await;
    assert_eq!((&after["tags"], &after["name"]), (&json!(["owner:payments"]), &json!("New")));
    bench.control("plan", json!({"lacks": []})).await;
    bench.get("/api/projects/1/experiments/").await;
}

#[tokio::test]
async fn gated_changes_wait_for_an_approval() {
    const REQUESTS: &str = "/api/environments/1/change_requests/";
    let bench = Bench::new().await;
    let actions = json!(["feature_flag.disable", "feature_flag.update"]);
    bench.control("approvals", json!({"actions": actions})).await;
    let flag = bench.flag("new-checkout").await;
    let path = format!("{FLAGS}{}/", flag["id"]);
    let (status, body) = bench.post(&format!("{path}disable/"), json!({})).await;
    assert_eq!((status, &body["code"]), (409, &json!("approval_required")), "{body}");
    assert_eq!(body["resource_id"], flag["id"].to_string());
    assert_eq!(bench.flag("new-checkout").await["version"], flag["version"]);
    // What no policy gates goes through.
    assert_eq!(bench.patch(&path, json!({"name": "Checkout"})).await.0, 200);
    let both = json!({"active": false, "filters": {"groups": [{"rollout_percentage": 1}]}});
    assert_eq!(bench.patch(&path, both).await.0, 400);
    let pending = bench.get(&format!("{REQUESTS}?state=pending&resource_id={}", flag["id"])).await;
    assert_eq!(pending["count"], 1);
    let one = format!("{REQUESTS}{}/", body["change_request_id"].as_str().unwrap());
    let (status, approved) = bench.post(&format!("{one}approve/"), json!({})).await;
    assert_eq!((status, &approved["state"]), (200, &json!("applied")), "{approved}");
    assert_eq!(bench.flag("new-checkout").await["active"], false);
    assert_eq!(bench.post(&format!("{one}reject/"), json!({})).await.0, 400);
    assert_eq!(bench.post("/_sandbox/approvals/", json!({"actions": ["all"]})).await.0, 400);
}

#[tokio::test]
async fn every_list_has_pages() {
    let bench = Bench::new().await;
    let flag = bench.flag("new-checkout").await["id"].clone();
    for day in ["2026-12-01", "2026-12-02"] {
        let change = json!({"record_id": flag.to_string(), "model_name": "FeatureFlag",
            "payload": {"operation": "update_status", "value": true}, "scheduled_at": format!("{day}T00:00:00Z")});
        assert_eq!(bench.post("/api/projects/1/scheduled_changes/", change).await.0, 201);
    }
    let experiment = json!({"name": "Another", "feature_flag_key": "another"});
    assert_eq!(bench.post("/api/projects/1/experiments/", experiment).await.0, 201);
    for name in ["One", "Two"] {
        let feature = json!({"name": name, "stage": "draft"});
        assert_eq!(bench.post("/api/projects/1/early_access_feature/", feature).await.0, 201);
    }
    for path in [
        FLAGS,
        "/api/projects/1/scheduled_changes/",
        "/api/projects/1/experiments/",
        "/api/projects/1/early_access_feature/",
        "/api/projects/1/cohorts/",
        "/api/projects/1/dashboards/",
        "/api/projects/1/insights/",
        "/api/organizations/@current/members/",
    ] {
        let first = bench.get(&format!("{path}?limit=1")).await;
        assert!(first["count"].as_u64() > Some(1) && first["previous"].is_null(), "{path}: {first}");
        let second = bench.get(first["next"].as_str().unwrap()).await;
        assert!(second["previous"].as_str().unwrap().contains("limit=1"), "{path}: {second}");
        let rows = |it: &Value| it["results"].as_array().unwrap().clone();
        assert!(
            rows(&first).len() == 1 && rows(&second).len() == 1 && rows(&first) != rows(&second),
            "{path}"
        );
    }
    for path in ["/api/projects/", "/api/organizations/", "/api/projects/1/integrations/"] {
        let only = bench.get(&format!("{path}?limit=1")).await;
        assert!(only["count"] == 1 && only["next"].is_null(), "{path}: {only}");
    }
}

#[tokio::test]
async fn answers_are_kept_for_who_does_not_force_them() {
    let bench = Bench::new().await;
    let ask = async |refresh: Value, key: &str| {
        let text = "SELECT toUnixTimestamp(now()), count() FROM events WHERE properties.id = {key}";
        let query = json!({ "kind": "HogQLQuery", "query": text, "values": { "key": key } });
        let (status, answer) =
            bench.post("/api/projects/1/query/", json!({ "query": query, "refresh": refresh })).await;
        assert_eq!(status, 200, "{answer}");
        (answer["results"][0][0].as_i64().unwrap() - 1_795_176_000, answer["results"][0][1].as_i64().unwrap())
    };
    let event = json!({ "event": "told", "distinct_id": "x", "properties": { "id": "a" } });
    assert_eq!(ask("blocking".into(), "a").await, (0, 0));
    bench.control("events", json!({ "events": [event] })).await;
    bench.control("clock", json!({ "advance_seconds": 60 })).await;
    // Others' values are another query.
    assert_eq!(ask("blocking".into(), "b").await, (60, 0));
    for refresh in [json!("blocking"), json!(false), Value::Null] {
        assert_eq!(ask(refresh, "a").await, (0, 0));
    }
    assert_eq!(ask("force_blocking".into(), "a").await, (60, 1));
    assert_eq!(ask("blocking".into(), "a").await, (60, 1));
    bench.control("clock", json!({ "advance_seconds": 300 })).await;
    assert_eq!(ask("blocking".into(), "a").await, (360, 1));
    let body = json!({ "query": { "kind": "HogQLQuery", "query": "select 1" }, "refresh": "now" });
    assert_eq!(bench.post("/api/projects/1/query/", body).await.0, 400);
}
