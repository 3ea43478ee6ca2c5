//! A working day, led in seconds: the clock is the test's, the requests are real and answered by a server that counts
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Ask;
use super::due::{GATHER, Moment, Next};
use super::site::{Clock, Site};
use crate::config;
use crate::flags::FlagKey;
use crate::posthog::confirmed::Version;

/// More flags than a short list has.
const N_FLAGS: u64 = 60;
const EDITS_FOR: Duration = Duration::from_secs(8 * 60 * 60 + 30 * 60);
/// How the working day passes, in seconds.
const STEP: i64 = 4;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * 60;

/// What PostHog counts by one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Limit {
    Crud,
    Query,
}

/// A small PostHog with a log.
#[derive(Default)]
struct Server {
    /// How the flags differ from those at first.
    flags: BTreeMap<u64, Value>,
    /// Beside the usual ones.
    experiments: Vec<Value>,
    mode: u8,
    /// Flags up to this one were not written since the server keeps the date.
    undated: u64,
    /// Like one of 2023: its flags say neither their version nor when they were written, and lists are not sorted.
    old: bool,
    /// Newest last.
    activity: Vec<Value>,
    /// Paths that contain this are answered with this status and body.
    faults: Vec<(&'static str, u16, &'static str)>,
    /// The second of the day, by the clock of whoever asks.
    second: i64,
    log: Vec<(i64, Limit, String)>,
}

type Shared = Arc<Mutex<Server>>;

impl Server {
    fn flag(&self, id: u64) -> Value {
        self.flags.get(&id).cloned().unwrap_or_else(|| {
            let at = Timestamp::from_second(1_700_000_000 + id as i64).unwrap();
            let at = (id > self.undated).then_some(at);
            let filters = json!({ "groups": [{ "rollout_percentage": 40 }] });
            json!({ "id": id, "key": format!("flag-{id}"), "active": true, "version": 1, "filters": filters,
                    "updated_at": at, "archived": false })
        })
    }

    /// A flag as the server shows it.
    fn told(&self, id: u64) -> Value {
        let mut flag = self.flag(id);
        if self.old {
            flag.as_object_mut()
                .unwrap()
                .retain(|name, _| !["version", "updated_at", "archived"].contains(&name.as_str()));
        }
        flag
    }

    fn answer(&mut self, method: &Method, uri: &Uri) -> (StatusCode, String) {
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        let limit = if path.ends_with("/query/") { Limit::Query } else { Limit::Crud };
        self.log.push((self.second, limit, format!("{method} {path}?{query}")));
        if let Some((_, status, body)) = self.faults.iter().find(|it| path.contains(it.0)) {
            return (StatusCode::from_u16(*status).unwrap(), (*body).to_owned());
        }
        let page = |rows: Vec<Value>| json!({ "count": rows.len(), "next": null, "results": rows });
        let flag = path.split_once("/feature_flags/").and_then(|it| it.1.trim_matches('/').parse().ok());
        let body = match path.trim_end_matches('/').rsplit('/').next().unwrap_or_default() {
            _ if flag.is_some() => self.told(flag.unwrap_or_default()),
            "@me" => json!({ "email": "ada@offset.example" }),
            "1" => json!({ "id": 1, "name": "Offset", "flag_evaluations_mode": self.mode }),
            "feature_flags" => self.list(query),
            "activity" => {
                let all = path.ends_with("/feature_flags/activity/");
                let entries = self.activity.iter().rev();
                let entries: Vec<&Value> = entries
                    .filter(|it| all || path.contains(&format!("/{}/", it["item_id"].as_str().unwrap())))
                    .collect();
                json!({ "results": entries, "next": null })
            }
            "experiments" => page(self.experiments.clone()),
            "cohorts" => page(vec![json!({ "id": 11, "name": "Beta testers" })]),
            "early_access_feature" => page(vec![json!({ "id": "01a1", "name": "Videos", "stage": "alpha" })]),
            "scheduled_changes" => page(vec![]),
            "query" => json!({ "results": [] }),
            _ => return (StatusCode::NOT_FOUND, json!({ "detail": "not found" }).to_string()),
        };
        (StatusCode::OK, body.to_string())
    }

    fn list(&self, query: &str) -> Value {
        let archived = query.contains("archived=true") && !self.old;
        let mut flags: Vec<Value> = (1..=N_FLAGS + self.flags.len() as u64)
            .filter(|it| *it <= N_FLAGS || self.flags.contains_key(it))
            .map(|it| self.flag(it))
            .filter(|it| (it["archived"] == archived || self.old) && it["deleted"] != true)
            .collect();
        if query.contains("order=-updated_at") && !self.old {
            let at = |it: &Value| it["updated_at"].as_str().and_then(|it| it.parse::<Timestamp>().ok());
            // As Postgres does: what is missing comes first.
            flags.sort_by_key(|it| (at(it).is_some(), std::cmp::Reverse(at(it))));
        }
        let count = flags.len();
        let offset = query.split('&').find_map(|it| it.strip_prefix("offset="));
        flags.drain(..offset.and_then(|it| it.parse().ok()).unwrap_or(0).min(count));
        if query.contains("limit=20") {
            flags.truncate(20);
        }
        let flags: Vec<Value> = flags.iter().map(|it| self.told(it["id"].as_u64().unwrap())).collect();
        json!({ "count": count, "next": null, "results": flags })
    }

    /// How many requests whose line contains `what` came from second `from` on.
    fn n(&self, what: &str, from: i64) -> usize {
        self.log.iter().filter(|it| it.0 >= from && it.2.contains(what)).count()
    }

    /// The most requests of a limit in any stretch of so many seconds.
    fn most(&self, limit: Limit, seconds: i64) -> usize {
        let times: Vec<i64> = self.log.iter().filter(|it| it.1 == limit).map(|it| it.0).collect();
        let within = |at: &i64| times.iter().filter(|it| **it >= *at && **it < at + seconds).count();
        times.iter().map(within).max().unwrap_or(0)
    }
}

/// Some processes with one project, and the day's clock.
struct Day {
    server: Shared,
    sites: Vec<Site>,
    begun: Moment,
    /// Seconds since the day began.
    second: i64,
}

impl Day {
    async fn begin(n_processes: usize, folder: Option<&Path>) -> Day {
        // As the program does; fails only when it was done before.
        drop(rustls::crypto::ring::default_provider().install_default());
        let server = Shared::default();
        let app = Router::new().fallback(answer).with_state(server.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let environment = config::Environment {
            key: Some("phx_day".into()),
            project: Some(1),
            ..config::Environment::new(host.as_str().into())
        };
        let site = |_| Site::new(&environment, folder.map(ToOwned::to_owned)).shared();
        let mut day =
            Day { server, sites: (0..n_processes).map(site).collect(), begun: Moment::now(), second: 0 };
        day.set_clocks();
        day
    }

    fn now(&self) -> Moment {
        self.begun.after(Duration::from_secs(self.second as u64))
    }

    fn set_clocks(&mut self) {
        let now = self.now();
        self.server.lock().unwrap().second = self.second;
        for site in &mut self.sites {
            site.clock = Clock::Stopped(now);
        }
    }

    fn ask(&mut self, process: usize, ask: &Ask) {
        self.sites[process].heed(ask);
    }

    fn read(&mut self, process: usize, ids: impl IntoIterator<Item = u64>) {
        let keys: BTreeSet<FlagKey> = ids.into_iter().map(key).collect();
        self.ask(process, &Ask::Keys(keys));
    }

    /// Lets some seconds pass, and everybody do what is due then.
    async fn tick(&mut self, seconds: i64) {
        self.second += seconds;
        self.set_clocks();
        for site in &mut self.sites {
            let now = site.clock.now();
            let mut n_works = 0;
            while let Next::Now(work) = site.next(now) {
                site.work(work.clone()).await;
                n_works += 1;
                assert!(n_works < 200, "no end of {work:?}");
            }
            site.save().await;
        }
    }

    async fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.tick(1).await;
        }
    }

    fn change(&self, id: u64, change: &Value) {
        let mut server = self.server.lock().unwrap();
        let mut flag = server.flag(id);
        flag["updated_at"] = json!(self.now().at);
        flag["version"] = json!(flag["version"].as_i64().unwrap_or(1) + 1);
        flag.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        server.flags.insert(id, flag);
        let entry = json!({ "activity": "updated", "created_at": self.now().at, "item_id": id.to_string(),
                            "detail": { "changes": [] } });
        server.activity.push(entry);
    }

    fn n(&self, what: &str, from: i64) -> usize {
        self.server.lock().unwrap().n(what, from)
    }

    /// Whether all that was asked stays within PostHog's limits, with the strictest one for queries.
    fn keeps_to_the_limits(&self) {
        let server = self.server.lock().unwrap();
        for (limit, seconds, at_most) in [
            (Limit::Crud, MINUTE, 480),
            (Limit::Crud, HOUR, 4_800),
            (Limit::Query, MINUTE, 240),
            (Limit::Query, HOUR, 120),
        ] {
            let most = server.most(limit, seconds);
            assert!(most <= at_most, "{most} of {limit:?} in {seconds} s, {at_most} are allowed");
        }
    }
}

async fn answer(State(server): State<Shared>, method: Method, uri: Uri) -> (StatusCode, String) {
    server.lock().unwrap().answer(&method, &uri)
}

fn key(id: u64) -> FlagKey {
    format!("flag-{id}").as_str().into()
}

/// Somebody types all day, looks at another flag every few seconds, and types a new key every five minutes, in each
/// window by turns.
async fn working_day(n_processes: usize) -> Day {
    let folder = tempfile::tempdir().unwrap();
    let mut day = Day::begin(n_processes, Some(folder.path())).await;
    for process in 0..n_processes {
        day.read(process, 1..=10);
    }
    while day.second < EDITS_FOR.as_secs() as i64 {
        let second = day.second;
        let process = (second / STEP) as usize % n_processes;
        day.ask(process, &Ask::Active);
        day.ask(process, &Ask::Hover(key(1 + second as u64 / STEP as u64 * 7 % N_FLAGS)));
        if second % (5 * MINUTE) == 0 {
            let n = 10 + second as u64 / (5 * MINUTE as u64) % 50;
            day.read(process, 1..=n);
        }
        day.tick(STEP).await;
    }
    day
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_one_process_keeps_to_the_budgets() {
    let day = working_day(1).await;
    day.keeps_to_the_limits();
    let server = day.server.lock().unwrap();
    let hours = EDITS_FOR.as_secs_f64() / HOUR as f64;
    // Nothing changed all day: the whole list was read once, in its two parts.
    assert_eq!(server.n("limit=500", 0), 2);
    // What changed is asked for every minute, and every hour with the archived ones.
    let short = server.n("order=-updated_at", 0) as f64;
    assert!(short <= hours * 62.0 && short > hours * 58.0, "{short} short lists");
    // The trend is asked for by the regular question and for new keys, but not by hovers.
    assert!(server.most(Limit::Query, HOUR) > 80, "people hover in vain");
    assert!(server.n("scheduled_changes", 0) <= 9 && server.n("experiments", 0) == 0);
    assert!(server.n("@me", 0) == 1 && server.n("/projects/1/?", 0) <= 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_three_processes_keeps_to_the_same_budgets() {
    let day = working_day(3).await;
    day.keeps_to_the_limits();
    let server = day.server.lock().unwrap();
    assert_eq!(server.n("limit=500", 0), 2);
    let hours = EDITS_FOR.as_secs_f64() / HOUR as f64;
    let short = server.n("order=-updated_at", 0) as f64;
    assert!(short <= hours * 62.0, "{short} short lists");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_asked_when_nobody_types() {
    let mut day = Day::begin(1, None).await;
    day.read(0, 1..=3);
    day.pass(31 * MINUTE).await;
    let n_requests = day.server.lock().unwrap().log.len();
    day.pass(3 * HOUR).await;
    assert_eq!(day.server.lock().unwrap().log.len(), n_requests);
    day.ask(0, &Ask::Active);
    day.tick(1).await;
    assert!(day.server.lock().unwrap().log.len() > n_requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_briefs_can_name_is_asked_for_when_somebody_writes_one_and_once_an_hour() {
    let mut day = Day::begin(1, None).await;
    typing(&mut day, 5).await;
    assert_eq!(day.n("definitions", 0) + day.n("integrations", 0), 0);
    let host = day.sites[0].known.host.clone();
    day.ask(0, &Ask::Catalog(host.clone(), Some(2)));
    day.tick(1).await;
    assert_eq!(day.n("integrations", 0), 0, "that is another project");
    for _ in 0..70 {
        day.ask(0, &Ask::Catalog(host.clone(), Some(1)));
        day.tick(30).await;
    }
    let asked = |day: &Day| {
        (day.n("event_definitions", 0), day.n("property_definitions", 0), day.n("integrations", 0))
    };
    assert_eq!(asked(&day), (1, 2, 1));
    // What the server does not have is absent with its reason, and nothing else is in the way.
    let catalog = day.sites[0].known.catalog.clone().unwrap();
    assert_eq!(catalog.cohorts.items.len(), 1);
    assert!(catalog.events.trouble.is_some() && !catalog.events.is_whole);
    assert_eq!(day.sites[0].known.trouble, None);
    // An hour later, but only for somebody who writes.
    typing(&mut day, HOUR).await;
    assert_eq!(asked(&day), (1, 2, 1));
    day.ask(0, &Ask::Catalog(host, Some(1)));
    day.tick(1).await;
    assert_eq!(asked(&day), (2, 4, 2));
}

/// Passes some time in which somebody types.
async fn typing(day: &mut Day, seconds: i64) {
    for _ in 0..seconds {
        day.ask(0, &Ask::Active);
        day.tick(1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_without_change_is_three_requests_at_most() {
    let mut day = Day::begin(1, None).await;
    day.pass(5).await;
    assert_eq!(day.n("limit=500", 0), 2);
    day.ask(0, &Ask::Everything);
    let from = day.second + 1;
    day.tick(1).await;
    assert_eq!((day.n("", from), day.n("order=-updated_at", from)), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_a_flag_is_seen_within_a_minute_or_so() {
    let mut day = Day::begin(1, None).await;
    day.read(0, 1..=3);
    typing(&mut day, 6 * MINUTE).await;
    let lookup = |day: &Day, id: u64| {
        let list = day.sites[0].known.flags.as_ref().unwrap();
        list.by_key.get(&key(id)).map(|it| (it.version, it.archived, it.deleted))
    };
    let from = day.second;
    day.change(2, &json!({ "active": false }));
    day.change(3, &json!({ "archived": true, "active": false }));
    day.change(N_FLAGS + 1, &json!({}));
    typing(&mut day, MINUTE + 1).await;
    assert_eq!(lookup(&day, 2), Some((Some(2), false, false)));
    assert_eq!(lookup(&day, 3), Some((Some(2), true, false)));
    assert_eq!(lookup(&day, N_FLAGS + 1), Some((Some(2), false, false)));
    assert_eq!(day.n("limit=500", from), 0, "short lists tell all of this");
    // A deletion shows only in the number.
    day.change(40, &json!({ "deleted": true, "key": "flag-40:deleted:40" }));
    typing(&mut day, MINUTE + 1).await;
    assert_eq!((lookup(&day, 40), day.n("limit=500", from)), (None, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_without_a_date_hide_no_write() {
    let mut day = Day::begin(1, None).await;
    day.server.lock().unwrap().undated = 50;
    day.read(0, 1..=3);
    typing(&mut day, 12 * MINUTE).await;
    assert_eq!(day.n("limit=500", 0), 2, "short lists add up");
    let from = day.second;
    // 55 has a date, 2 gets its first one, and so many get one that some are not on the short list.
    for ids in [vec![55], vec![2], (10..=30).collect()] {
        for id in &ids {
            day.change(*id, &json!({ "active": false }));
        }
        let n_lists = day.n("limit=500", from);
        typing(&mut day, MINUTE + 1).await;
        let list = day.sites[0].known.flags.as_ref().unwrap();
        let is_seen = |it: &u64| !list.by_key[&key(*it)].active;
        assert!(ids.iter().all(is_seen), "{ids:?}");
        assert_eq!(day.n("limit=500", from) - n_lists, if ids.len() > 5 { 2 } else { 0 }, "{ids:?}");
    }
    let from = day.second;
    typing(&mut day, 12 * MINUTE).await;
    assert_eq!(day.n("limit=500", from), 0, "they add up again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typed_key_gets_its_experiment_cohort_and_early_access_at_once() {
    let mut day = Day::begin(1, None).await;
    let cohort = json!({ "key": "id", "type": "cohort", "value": 11 });
    day.change(4, &json!({ "experiment_set": [5, 6] }));
    day.change(5, &json!({ "filters": { "groups": [{ "properties": [cohort] }] } }));
    day.change(6, &json!({ "features": [{ "id": "01a1", "name": "Videos", "stage": "beta" }] }));
    day.server.lock().unwrap().experiments = vec![json!({ "id": 5, "name": "Five" })];
    day.read(0, [1]);
    typing(&mut day, MINUTE).await;
    let n = |day: &Day, what: &str| day.n(what, 0);
    assert_eq!((n(&day, "experiments"), n(&day, "cohorts"), n(&day, "early_access")), (0, 0, 0));
    day.read(0, [1, 4]);
    typing(&mut day, 2).await;
    assert_eq!(day.sites[0].known.experiments[&5].name, "Five");
    // The other one is nowhere, and not asked for over and over.
    typing(&mut day, 5 * MINUTE).await;
    assert_eq!(n(&day, "experiments"), 1);
    day.server.lock().unwrap().experiments.push(json!({ "id": 7, "name": "Seven" }));
    day.change(7, &json!({ "experiment_set": [7] }));
    typing(&mut day, MINUTE).await;
    day.read(0, [1, 4, 5, 6, 7]);
    typing(&mut day, 2).await;
    let known = &day.sites[0].known;
    assert_eq!((&*known.experiments[&7].name, &*known.cohorts[&11]), ("Seven", "Beta testers"));
    assert_eq!(known.early_access["01a1"].stage, "alpha");
    assert_eq!((n(&day, "experiments"), n(&day, "cohorts"), n(&day, "early_access")), (2, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_experiments_go_is_asked_once_an_hour() {
    let mut day = Day::begin(1, None).await;
    let metric = json!({ "metric_type": "mean", "source": { "event": "purchase" } });
    let running = |id: i64, metrics: &[&Value]| json!({ "id": id, "name": "Prices", "start_date": "2026-01-01T00:00:00Z", "metrics": metrics });
    day.change(4, &json!({ "experiment_set": [5, 6, 7] }));
    let mut over = running(6, &[&metric]);
    over["end_date"] = "2026-02-01T00:00:00Z".into();
    day.server.lock().unwrap().experiments = vec![running(5, &[&metric]), over, running(7, &[])];
    day.read(0, [1, 4]);
    typing(&mut day, MINUTE).await;
    let asked = |day: &Day| day.sites[0].known.results[&5].fetched_at;
    // The ended one and the one without a metric are not asked for.
    let first = asked(&day);
    assert_eq!(day.sites[0].known.results.len(), 1);
    typing(&mut day, 57 * MINUTE).await;
    assert_eq!(asked(&day), first);
    typing(&mut day, 4 * MINUTE).await;
    let second = asked(&day);
    assert!(second > first);
    // Somebody who asks for everything anew need not wait, and a refusal is kept like an answer.
    day.server.lock().unwrap().faults = vec![(
        "/query/",
        400,
        r#"{"type":"validation_error","code":"invalid_input","detail":"No control variant found"}"#,
    )];
    day.ask(0, &Ask::Everything);
    typing(&mut day, MINUTE).await;
    assert!(asked(&day) > second);
    let result = &day.sites[0].known.results[&5].outcome;
    assert!(format!("{result:?}").contains("No control variant found"), "{result:?}");
    let n_queries = day.n("/query/", 0);
    typing(&mut day, 30 * MINUTE).await;
    assert_eq!((day.n("/query/", 0), &day.sites[0].known.trouble), (n_queries, &None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_fails_leaves_the_rest() {
    let mut day = Day::begin(1, None).await;
    day.server.lock().unwrap().faults =
        vec![("scheduled_changes", 200, "<html>sign in</html>"), ("cohorts", 403, "{\"detail\":\"scope\"}")];
    let cohort = json!({ "key": "id", "type": "cohort", "value": 11 });
    day.change(1, &json!({ "filters": { "groups": [{ "properties": [cohort] }] } }));
    day.read(0, 1..=3);
    typing(&mut day, 9 * MINUTE).await;
    assert_eq!(day.sites[0].known.trouble, None);
    assert_eq!((day.n("scheduled_changes", 0), day.n("cohorts", 0), day.n("query", 0)), (1, 1, 2));
    assert!(day.n("order=-updated_at", 0) >= 8);
    typing(&mut day, 2 * MINUTE).await;
    assert_eq!(day.n("scheduled_changes", 0), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_query_mode_is_read_again() {
    let mut day = Day::begin(1, None).await;
    day.read(0, 1..=3);
    typing(&mut day, 55 * MINUTE).await;
    day.server.lock().unwrap().mode = 2;
    typing(&mut day, 4 * MINUTE).await;
    let from = day.second;
    typing(&mut day, 2 * MINUTE).await;
    assert_eq!(day.sites[0].evaluations, crate::posthog::queries::Evaluations::FlagEvaluations);
    assert_eq!(day.n("query", from), 2, "from the other table, at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_hovered_key_does_not_stop_exposure() {
    let mut day = Day::begin(1, None).await;
    day.read(0, 1..=3);
    typing(&mut day, MINUTE).await;
    assert_eq!(day.n("query", 0), 2);
    day.change(9, &json!({ "last_called_at": day.now().at }));
    typing(&mut day, MINUTE).await;
    day.ask(0, &Ask::Hover(key(9)));
    typing(&mut day, 2).await;
    assert_eq!(day.n("query", 0), 3);
    let known = &day.sites[0].known;
    assert!(known.exposure_trouble.is_none() && !known.exposure.contains_key(&key(9)));
    typing(&mut day, 9 * MINUTE).await;
    assert_eq!(day.n("query", 0), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_on_an_old_server_is_seen_within_a_minute_or_so() {
    let mut day = Day::begin(1, None).await;
    day.server.lock().unwrap().old = true;
    day.read(0, 1..=3);
    typing(&mut day, 10).await;
    let lookup = |day: &Day, id: u64| {
        let list = day.sites[0].known.flags.as_ref().unwrap();
        list.by_key.get(&key(id)).map(|it| (it.active, it.name.clone(), it.deleted))
    };
    // Far down in the list, at its top, one that is new, and one that goes.
    day.change(50, &json!({ "active": false }));
    day.change(2, &json!({ "name": "Nobody counts this" }));
    day.change(N_FLAGS + 1, &json!({}));
    day.change(55, &json!({ "deleted": true }));
    let from = day.second;
    typing(&mut day, MINUTE + 1).await;
    assert_eq!(lookup(&day, 50), Some((false, String::new(), false)));
    assert_eq!(lookup(&day, 2), Some((true, "Nobody counts this".to_owned(), false)));
    assert!(lookup(&day, N_FLAGS + 1).is_some() && lookup(&day, 55).is_none_or(|it| it.2));
    assert_eq!(day.n("limit=500", from), 0, "not by reading all of them");
    // What is changed and changed back shows in the activity of the flag alone.
    let history = |day: &Day| day.sites[0].known.history[&3].entries.len();
    let before = history(&day);
    day.change(3, &json!({ "active": false }));
    day.change(3, &json!({ "active": true }));
    typing(&mut day, MINUTE + 1).await;
    assert_eq!(history(&day), before + 2);
    // Where nothing happens, one request more a minute is all.
    typing(&mut day, 6 * MINUTE).await;
    let from = day.second;
    typing(&mut day, 4 * MINUTE).await;
    assert!(day.n("/feature_flags/activity/", from) <= 4);
    assert_eq!(day.n("/feature_flags/5", from) + day.n("/feature_flags/3", from), 0);
    // Without the activity, the whole list tells a little later.
    day.server.lock().unwrap().faults = vec![("/feature_flags/activity/", 200, "<html>sign in</html>")];
    day.change(51, &json!({ "active": false }));
    typing(&mut day, 7 * MINUTE).await;
    assert_eq!(lookup(&day, 51), Some((false, String::new(), false)));
    assert_eq!(day.sites[0].known.trouble, None);
}

/// Passes some time in which somebody types everywhere, and returns how often the mirror on disk was written.
async fn n_writes(day: &mut Day, mirror: &Path, seconds: i64) -> usize {
    let (mut last, mut n_writes) = (Version::of(mirror), 0);
    for _ in 0..seconds {
        for process in 0..day.sites.len() {
            day.ask(process, &Ask::Active);
        }
        day.tick(1).await;
        n_writes += usize::from(Version::of(mirror) != last);
        last = Version::of(mirror);
    }
    n_writes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refreshes_without_news_write_the_mirror_once_and_everybody_knows_its_age() {
    let folder = tempfile::tempdir().unwrap();
    let mut day = Day::begin(2, Some(folder.path())).await;
    let mirror = crate::posthog::disk::path(folder.path(), &day.sites[0].known.host, 1);
    let fetched = |day: &Day| [0, 1].map(|it| day.sites[it].known.flags.as_ref().unwrap().fetched_at);
    assert_eq!(n_writes(&mut day, &mirror, 10).await, 1);
    let before = fetched(&day);
    assert_eq!(n_writes(&mut day, &mirror, HOUR + MINUTE).await, 0);
    assert!(day.n("order=-updated_at", 0) >= 60, "the leader asked all the time");
    let after = fetched(&day);
    assert!(after[0] == after[1] && before[0] == before[1] && after[0] > before[0], "{before:?} {after:?}");
    assert_eq!(day.n("limit=500", 0), 2, "nobody thinks that the leader sleeps");
    day.change(2, &json!({ "active": false }));
    assert_eq!(n_writes(&mut day, &mirror, MINUTE + 10).await, 1);
    let active = |it: &Site| it.known.flags.as_ref().unwrap().by_key[&key(2)].active;
    assert_eq!([active(&day.sites[0]), active(&day.sites[1])], [false, false]);
    // Whoever takes over goes on where the other one stopped.
    let from = day.second + 1;
    drop(day.sites.remove(0));
    n_writes(&mut day, &mirror, 30).await;
    assert_eq!(day.n("limit=500", from), 0);
    assert!(day.n("order=-updated_at", from) <= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unsaved_is_saved_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut day = Day::begin(1, Some(folder.path())).await;
    day.read(0, 1..=3);
    day.second += GATHER.as_secs() as i64 + 6;
    day.set_clocks();
    let now = day.now();
    while let Next::Now(work) = day.sites[0].next(now) {
        day.sites[0].work(work).await;
    }
    let file = crate::posthog::disk::path(folder.path(), &day.sites[0].known.host, 1);
    assert!(!file.exists());
    day.sites.clear();
    let stored: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(stored["flags"].as_array().unwrap().len() as u64, N_FLAGS);
}

/// How flags with a brief get on: one question for all of them, an hour later again, and where a stage was opened at
/// once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_met_rollouts_is_asked_in_one_query_an_hour_and_of_a_new_stage_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut day = Day::begin(2, Some(folder.path())).await;
    // With what was before, as the activity log has it.
    let opens = |day: &mut Day, id: u64, percent: u32| {
        let before = day.server.lock().unwrap().flag(id)["filters"].clone();
        let internal = json!({ "description": "1/2 internal", "properties": [{ "key": "a", "value": 1 }] });
        let everyone = json!({ "description": "2/2 everyone", "rollout_percentage": percent });
        day.change(id, &json!({ "filters": { "groups": [internal, everyone] } }));
        let changes = json!([{ "field": "filters", "before": before }]);
        day.server.lock().unwrap().activity.last_mut().unwrap()["detail"]["changes"] = changes;
    };
    for id in 1..=3 {
        // As of before there was a plan.
        let created = json!({ "activity": "created", "created_at": day.now().at, "item_id": id.to_string(),
                              "detail": { "changes": [] } });
        day.server.lock().unwrap().activity.push(created);
        opens(&mut day, id, 0);
    }
    let met = |day: &Day| day.n("/query/", 0);
    let briefs = |ids: &[u64]| Ask::Briefs(ids.iter().map(|it| key(*it)).collect());
    day.ask(0, &briefs(&[1, 2, 4]));
    typing(&mut day, 20).await;
    // One of them, and two for the exposure of all three; flag 4 has no plan.
    assert_eq!((met(&day), day.sites[0].known.evidence.len()), (3, 2));
    let asked = |day: &Day, id| day.sites[0].known.evidence[&key(id)].clone();
    let first = asked(&day, 1);
    assert_eq!((first.people(), first.since), (0, day.begun.at));
    typing(&mut day, HOUR - MINUTE).await;
    assert_eq!(asked(&day, 1).fetched_at, first.fetched_at);
    typing(&mut day, 2 * MINUTE).await;
    let second = asked(&day, 1);
    assert!(second.fetched_at > first.fetched_at && second.since == first.since);
    // Somebody opens the next stage, and another window has the same brief.
    opens(&mut day, 1, 25);
    day.ask(1, &Ask::Active);
    day.ask(1, &briefs(&[1]));
    typing(&mut day, 2 * MINUTE).await;
    assert!(asked(&day, 1).fetched_at > second.fetched_at);
    assert_eq!(day.sites[1].known.evidence[&key(1)], asked(&day, 1), "nobody asks twice");
    // Where the key may not ask, it is said, and what is known stays.
    let forbidden = json!({ "detail": "API key missing required scope 'query:read'" }).to_string();
    day.server.lock().unwrap().faults = vec![("/query/", 403, Box::leak(forbidden.into_boxed_str()))];
    day.ask(0, &Ask::Everything);
    typing(&mut day, 5).await;
    let known = &day.sites[0].known;
    assert!(known.evidence_trouble.as_deref().is_some_and(|it| it.contains("query:read")), "{known:?}");
    assert_eq!(known.trouble, None);
    day.keeps_to_the_limits();
}
