//! Whatever happens in whatever order, a rollout is never wider than its plan allows, passes no gate that asks for a
//! person, keeps its stops, and tells everything: kills, retries, two runners at once, somebody's edits, time.

use std::collections::{BTreeMap, BTreeSet};

use flagline::sandbox::{GRACE_KEY, Shape};
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::bench::{Bench, Interference, NOW};
use crate::town::Town;

const KEY: &str = "tides";
const BRIEF: &str = r#"
key = "tides"
name = "Tides"
owner = "ada@offset.example"

[[stage]]
name = "internal"
audience = { email_domain = "offset.example" }
gate = { people = 1 }

[[stage]]
name = "beta"
audience = { properties = [{ key = "tester", value = "yes" }] }
gate = { automatic = true, after = "2h" }

[[stage]]
name = "customers"
audience = { properties = [{ key = "ltv", operator = "gte", value = 100 }] }
steps = [25, 50, 100]
pace = "2h"

[[stage]]
name = "everyone"
audience = "everyone"
steps = [50, 100]
pace = "2h"

[[guard]]
metric = "exceptions"
above = 50
people = 2
windows = 1

[notify]
webhook = "releases"
"#;

/// The steps of the plan in their order: stage, percentage, and whether a person must open the stage.
const STEPS: [(usize, f64, bool); 7] = [
    (0, 100.0, true),
    (1, 100.0, true),
    (2, 25.0, false),
    (2, 50.0, false),
    (2, 100.0, false),
    (3, 50.0, true),
    (3, 100.0, false),
];

/// Something that happens.
#[derive(Debug, Clone)]
enum Act {
    /// Hours pass, in which people come by and some of them meet exceptions.
    Hours(usize, bool),
    /// `rollout run`.
    Run,
    /// The same, killed at a request, before or after the server hears of it.
    Killed(usize, bool),
    /// Two at once.
    TwoRuns,
    /// The team's webhook fails until so often hours have passed.
    HookFails(usize),
    /// While a run writes the flag, somebody closes or opens a stage by hand.
    EditMeanwhile(usize, f64),
    /// `promote`, `stop` and `resume`, perhaps killed at a request.
    Promote(Option<usize>),
    Stop(Option<usize>),
    Resume,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..4_usize, prop::bool::weighted(0.15)).prop_map(|(n, spike)| Act::Hours(n, spike)),
        4 => Just(Act::Run),
        3 => (0..40_usize, any::<bool>()).prop_map(|(at, before)| Act::Killed(at, before)),
        2 => Just(Act::TwoRuns),
        2 => (1..3_usize).prop_map(Act::HookFails),
        1 => (0..4_usize, prop::sample::select(vec![0.0, 10.0, 100.0])).prop_map(|(n, it)| Act::EditMeanwhile(n, it)),
        2 => prop::option::of(0..40_usize).prop_map(Act::Promote),
        1 => prop::option::of(0..40_usize).prop_map(Act::Stop),
        1 => Just(Act::Resume),
    ]
}

struct World {
    bench: Bench,
    town: Town,
    now: jiff::Timestamp,
    hour: usize,
    /// Changes of the flag that were looked at.
    n_seen: usize,
    was_killed: bool,
    /// How often hours pass before the webhook works again.
    hook_fails: usize,
}

/// A state of the flag: the percentages of its stages, what is stopped, and whether it is on.
#[derive(Debug, Clone, PartialEq)]
struct State {
    percents: [f64; 4],
    stopped: bool,
    active: bool,
}

impl State {
    fn of(filters: &Value, active: bool) -> State {
        let mut state = State { percents: [0.0; 4], stopped: false, active };
        for group in filters["groups"].as_array().unwrap() {
            let description = group["description"].as_str().unwrap();
            let stage: usize = description[..1].parse().unwrap();
            let percent = group["rollout_percentage"].as_f64().unwrap();
            state.percents[stage - 1] = state.percents[stage - 1].max(percent);
            state.stopped |= description.contains(" · stopped");
        }
        state
    }

    /// The step of the plan that this is; `None` = it is none.
    fn step(&self) -> Option<usize> {
        STEPS.iter().position(|(stage, percent, _)| {
            let wanted = |at: usize| match at.cmp(stage) {
                std::cmp::Ordering::Less => 100.0,
                std::cmp::Ordering::Equal => *percent,
                std::cmp::Ordering::Greater => 0.0,
            };
            (0..4).all(|at| self.percents[at] == wanted(at))
        })
    }

    /// The step that comes next; from a percentage that somebody chose in a stage, too.
    fn next(&self) -> Option<usize> {
        STEPS.iter().position(|(stage, percent, _)| {
            let is_whole = self.percents[..*stage].iter().all(|it| *it == 100.0);
            let is_last = self.percents[stage + 1..].iter().all(|it| *it == 0.0);
            is_whole && is_last && self.percents[*stage] < *percent
        })
    }

    fn is_wider_than(&self, other: &State) -> bool {
        let on = |it: &State, at: usize| if it.active { it.percents[at] } else { 0.0 };
        (0..4).any(|at| on(self, at) > on(other, at))
    }
}

impl World {
    async fn new() -> World {
        let bench = Bench::start(Shape::Today).await;
        bench.without_traffic().await;
        std::fs::write(bench.folder.path().join(".flagline/tides.toml"), BRIEF).unwrap();
        let town = Town::new(KEY);
        town.moves_in(bench.posthog()).await;
        let launched = bench.flagline(&["launch", KEY, "--yes"]).await;
        assert_eq!(launched.code, Some(0), "{}", launched.stderr);
        World { bench, town, now: NOW.parse().unwrap(), hour: 0, n_seen: 0, was_killed: false, hook_fails: 0 }
    }

    async fn act(&mut self, act: &Act) -> Result<(), TestCaseError> {
        match act {
            Act::Hours(n, spike) => {
                self.town.one_in = usize::from(*spike);
                for _ in 0..*n {
                    self.hour += 1;
                    self.now += SignedDuration::from_hours(1);
                    self.bench.posthog().advance_clock(3600).await;
                }
                self.town.hour(self.bench.posthog(), self.hour, self.now).await;
                if self.hook_fails > 0 {
                    // What fails is tried for a week, by those who run.
                    self.run().await;
                    self.hook_fails -= 1;
                    self.hook_answers();
                }
            }
            Act::HookFails(n) => {
                self.hook_fails = *n;
                self.hook_answers();
            }
            Act::Run => self.run().await,
            Act::Killed(at, before) => self.killed(&["rollout", "run", KEY, "--once"], *at, *before).await,
            Act::TwoRuns => {
                let one = self.bench.flagline(&["rollout", "run", KEY, "--once"]);
                let other = self.bench.flagline(&["rollout", "run", KEY, "--once"]);
                tokio::join!(one, other);
            }
            Act::EditMeanwhile(stage, percent) => {
                let id = self.flag().await["id"].clone();
                let filters = self.edited(*stage, *percent).await;
                self.bench.interfere(Interference::Meanwhile {
                    method: axum::http::Method::PATCH,
                    path: "/feature_flags/",
                    does: ("PATCH", format!("feature_flags/{id}/"), json!({ "filters": filters })),
                    by: GRACE_KEY,
                });
                self.run().await;
                self.bench.not_any_more();
            }
            Act::Promote(killed) => self.person(&["promote", KEY, "--yes"], *killed).await,
            Act::Stop(killed) => self.person(&["stop", KEY, "by hand", "--yes"], *killed).await,
            Act::Resume => self.person(&["resume", KEY, "--yes"], None).await,
        }
        self.check(act).await
    }

    fn hook_answers(&self) {
        self.bench.hook_answers(if self.hook_fails > 0 { 500 } else { 200 });
    }

    async fn run(&self) {
        let ran = self.bench.flagline(&["rollout", "run", KEY, "--once"]).await;
        assert!(matches!(ran.code, Some(0 | 1)), "{}{}", ran.stdout, ran.stderr);
    }

    async fn person(&mut self, arguments: &[&str], killed: Option<usize>) {
        match killed {
            Some(at) => self.killed(arguments, at, false).await,
            None => drop(self.bench.flagline(arguments).await),
        }
    }

    async fn killed(&mut self, arguments: &[&str], at: usize, before: bool) {
        let at = self.bench.exchanges().len() + at;
        self.bench.interfere(if before {
            Interference::KilledBefore(at)
        } else {
            Interference::KilledAfter(at)
        });
        self.was_killed |= self.bench.flagline(arguments).await.code.is_none();
        self.bench.not_any_more();
    }

    async fn flag(&self) -> Value {
        self.bench.posthog().flag(KEY).await
    }

    /// The filters as somebody would leave them who sets one stage by hand.
    async fn edited(&self, stage: usize, percent: f64) -> Value {
        let mut filters = self.flag().await["filters"].clone();
        let of_stage =
            |it: &&mut Value| it["description"].as_str().unwrap().starts_with(&format!("{}/", stage + 1));
        for group in filters["groups"].as_array_mut().unwrap().iter_mut().filter(of_stage) {
            group["rollout_percentage"] = percent.into();
        }
        filters
    }

    /// Every change of the flag so far: who made it, and the state before and after, oldest first.
    async fn changes(&self) -> Vec<(String, State, State)> {
        let flag = self.flag().await;
        let mut after = (flag["filters"].clone(), flag["active"] == true);
        let url = format!("feature_flags/{}/activity/?limit=1000", flag["id"]);
        let mut changes = Vec::new();
        for entry in self.bench.posthog().get(&url).await["results"].as_array().unwrap() {
            let mut before = after.clone();
            for change in entry["detail"]["changes"].as_array().into_iter().flatten() {
                match change["field"].as_str() {
                    Some("filters") => before.0 = change["before"].clone(),
                    Some("active") => before.1 = change["before"] == true,
                    _ => {}
                }
            }
            let by = entry["user"]["email"].as_str().unwrap_or_default().to_owned();
            changes.push((by, State::of(&before.0, before.1), State::of(&after.0, after.1)));
            after = before;
        }
        changes.reverse();
        changes
    }

    /// No change that Flagline or PostHog made went beyond the plan.
    async fn check(&mut self, act: &Act) -> Result<(), TestCaseError> {
        let changes = self.changes().await;
        let by_person = matches!(act, Act::Promote(_));
        for (by, before, after) in &changes[self.n_seen.max(1)..] {
            if by == "grace@offset.example" || !after.is_wider_than(before) {
                continue;
            }
            let place = format!("{act:?}: {before:?} → {after:?}");
            if before.stopped && !after.stopped {
                prop_assert!(matches!(act, Act::Resume), "a stop was lifted by {place}");
                continue;
            }
            // PostHog takes a step by itself between a stop and the taking back of it; a run closes it.
            if before.stopped {
                prop_assert!(
                    !matches!(act, Act::Promote(_) | Act::Run | Act::TwoRuns),
                    "opened though stopped: {place}"
                );
                continue;
            }
            if !before.active {
                // The launch.
                prop_assert!(self.n_seen <= 1, "switched on by {place}");
                continue;
            }
            let step = after.step();
            prop_assert!(step.is_some(), "not a step of the plan: {place}");
            let step = step.unwrap_or_default();
            let is_next = before.next() == Some(step);
            prop_assert!(is_next || by_person, "not the next step: {place}");
            prop_assert!(!STEPS[step].2 || by_person, "passed a gate that asks for a person: {place}");
        }
        self.n_seen = changes.len();
        Ok(())
    }

    /// After all of it: what is stopped is closed, and everything was told, once, or twice where somebody was killed.
    async fn ends(&mut self) -> Result<(), TestCaseError> {
        self.hook_fails = 0;
        self.hook_answers();
        // What a webhook was not told for hours is tried again after as many.
        for hours in [1, 1, 8] {
            self.act(&Act::Hours(hours, false)).await?;
            self.run().await;
        }
        let flag = self.flag().await;
        let state = State::of(&flag["filters"], flag["active"] == true);
        let changes = self.changes().await;
        let grace = changes.iter().any(|it| it.0 == "grace@offset.example");
        if state.stopped && state.active && !grace {
            let stopped = stopped_stage(&flag["filters"]);
            prop_assert!(
                state.percents[stopped..].iter().all(|it| *it == 0.0),
                "open though stopped: {state:?}"
            );
        }
        self.everything_was_told(&changes).await
    }

    async fn everything_was_told(&self, changes: &[(String, State, State)]) -> Result<(), TestCaseError> {
        let last = |it: &State| if it.active { it.percents.iter().rposition(|it| *it > 0.0) } else { None };
        // What everyone gets is told as that.
        let entered = changes
            .iter()
            .skip(1)
            .filter(|(_, before, after)| last(after) > last(before) && after.percents[3] < 100.0)
            .count();
        let is_stop = |before: &State, after: &State| match after.stopped {
            true => !before.stopped,
            // Somebody closed all of it on its page.
            false => last(before).is_some() && last(after).is_none(),
        };
        let stopped = changes.iter().filter(|(_, before, after)| is_stop(before, after)).count();
        let all = self.bench.all().await;
        let messages = all["messages"].as_array().unwrap();
        let ids = |kinds: &[&str]| -> BTreeSet<String> {
            let of_kind = messages.iter().map(|it| &it["properties"]);
            let of_kind = of_kind.filter(|it| kinds.contains(&it["kind"].as_str().unwrap()));
            of_kind.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
        };
        prop_assert_eq!(ids(&["launched", "entered"]).len(), entered, "stages entered: {:?}", changes);
        prop_assert_eq!(ids(&["stopped"]).len(), stopped, "stops: {:?}", changes);
        let mut hooks: BTreeMap<String, usize> = BTreeMap::new();
        for hook in self.bench.hooks() {
            *hooks.entry(hook["id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let all: BTreeSet<String> =
            messages.iter().map(|it| it["properties"]["id"].as_str().unwrap().to_owned()).collect();
        prop_assert_eq!(hooks.keys().cloned().collect::<BTreeSet<String>>(), all);
        let most = if self.was_killed { 2 } else { 1 };
        prop_assert!(hooks.values().all(|it| *it <= most), "told too often: {hooks:?}");
        Ok(())
    }
}

fn stopped_stage(filters: &Value) -> usize {
    let groups = filters["groups"].as_array().unwrap();
    let stopped =
        groups.iter().map(|it| it["description"].as_str().unwrap()).find(|it| it.contains(" · stopped"));
    stopped.unwrap()[..1].parse::<usize>().unwrap() - 1
}

/// `PROPTEST_CASES` tries more.
#[test]
fn in_any_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(8);
    // A case that fails is made smaller for a while, since each try takes seconds.
    let mut runner = TestRunner::new(Config { cases, max_shrink_iters: 40, ..Config::default() });
    let ran = runner.run(&prop::collection::vec(act(), 10..25), |acts| {
        runtime.block_on(async {
            let mut world = World::new().await;
            for act in &acts {
                world.act(act).await?;
            }
            world.ends().await
        })
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}
