//! The decision, as a specification: what is known of a flag and its reads, and what is in the way.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::flags::{EarlyAccess, Experiment, FlagList, Scheduled, SdkSeen};
use crate::index::Index;
use crate::posthog::wire;
use crate::syntax::{Language, Names};
use crate::text::Text;

const KEY: &str = "new-nav";

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

fn days_ago(days: f64) -> Timestamp {
    now() - SignedDuration::from_secs((days * 86_400.0) as i64)
}

/// A flag that is on for everyone, and that somebody called so many days ago, with `change` on top.
fn flag(key: &str, id: u64, called: Option<f64>, change: &Value) -> Arc<Flag> {
    let mut json = json!({
        "id": id, "key": key, "active": true, "version": 7,
        "filters": { "groups": [{ "properties": [], "rollout_percentage": 100 }] },
        "last_called_at": called.map(|it| days_ago(it).to_string()),
        "experiment_set_metadata": [],
    });
    json.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    Arc::new(serde_json::from_value::<wire::Flag>(json).unwrap().into())
}

/// What a query just said: calls by one response, the latest so many days ago, or silence.
fn exposure(called: Option<f64>) -> Exposure {
    let last_seen = called.map(days_ago);
    let variant = |at| VariantExposure {
        response: "false".into(),
        people: 3,
        calls: 8,
        people_24h: 0,
        calls_24h: 0,
        last_seen: Some(at),
    };
    let sdk = |at| SdkSeen { lib: "web".into(), last_seen: at };
    Exposure {
        variants: last_seen.map(variant).into_iter().collect(),
        days: vec![],
        sdks: last_seen.map(sdk).into_iter().collect(),
        window_days: 7,
        fetched_at: now(),
    }
}

/// A world in which the flag is ready, for a case to change one thing of it: called last 20 days ago, silent since,
/// while another flag is heard of, and no code reads it.
struct World {
    environment: Environment,
    reads: Reads,
    uses: FlagUses,
}

impl World {
    fn new() -> World {
        World::with(&json!({}))
    }

    fn with(change: &Value) -> World {
        let flags = [flag(KEY, 1, Some(20.0), change), flag("other", 2, Some(0.1), &json!({}))];
        let mut environment =
            Environment { flags: Some(FlagList::new(flags, now())), ..Environment::default() };
        environment.exposure.insert(KEY.into(), exposure(None).into());
        environment.exposure.insert("other".into(), exposure(Some(0.1)).into());
        let uses = FlagUses { can_archive: true, ..FlagUses::default() };
        World { environment, reads: Reads::default(), uses }
    }

    fn and(mut self, change: impl FnOnce(&mut World)) -> World {
        change(&mut self);
        self
    }

    /// One more flag of the project.
    fn beside(self, key: &str, called: Option<f64>, change: &Value) -> World {
        let other = flag(key, 3, called, change);
        self.and(|it| it.environment.flags.as_mut().unwrap().insert(other))
    }

    fn called(self, by_exposure: Option<f64>, by_flag: Option<f64>) -> World {
        let called = json!({ "last_called_at": by_flag.map(|it| days_ago(it).to_string()) });
        let flag = flag(KEY, 1, None, &called);
        self.and(|it| {
            it.environment.flags.as_mut().unwrap().insert(flag);
            it.environment.exposure.insert(KEY.into(), exposure(by_exposure).into());
        })
    }

    fn standing(&self) -> Option<Standing> {
        let tags = ["permanent".to_owned()];
        let evidence = Evidence::new(&self.environment, &tags, now());
        standing(&evidence, &KEY.into(), &self.reads, Some(&self.uses))
    }
}

fn words(standing: &Standing) -> String {
    match standing {
        Standing::Unknown { similar } => format!("unknown, like {similar:?}"),
        Standing::Deleted => "deleted".into(),
        Standing::Archived => "archived".into(),
        Standing::Ready { last_seen } => {
            format!("ready, quiet for {} days", now().duration_since(*last_seen).as_hours() / 24)
        }
        Standing::Blocked(obstacles) => obstacles.iter().map(obstacle_words).collect::<Vec<_>>().join(", "),
    }
}

fn obstacle_words(obstacle: &Obstacle) -> String {
    let (kind, is_final) = match obstacle {
        Obstacle::Read(at) => (format!("read {}", at.len()), true),
        Obstacle::Evaluated(it) => (format!("asked for {:?} {:?}", it.counts, it.sdks), true),
        Obstacle::Held(Holder::Schedule(it)) => (format!("held Schedule({})", it.change), true),
        Obstacle::Held(it) => (format!("held {it:?}"), true),
        Obstacle::CannotArchive => ("cannot archive".into(), true),
        Obstacle::Doubt(Doubt::MayBeRead(at)) => (format!("doubt MayBeRead({})", at.len()), false),
        Obstacle::Doubt(Doubt::Foreign(at)) => (format!("doubt Foreign({})", at.len()), false),
        Obstacle::Doubt(it) => (format!("doubt {it:?}"), false),
    };
    assert_eq!(obstacle.is_final(), is_final, "{kind}");
    kind
}

#[track_caller]
fn check(expect: &str, world: World) {
    assert_eq!(world.standing().map(|it| words(&it)).as_deref(), Some(expect));
}

fn place(line: u32) -> Related {
    let mut span = crate::text::Span::default();
    (span.start.line, span.end.line) = (line, line);
    Related { path: Path::new("/app/a.ts").into(), span }
}

#[test]
fn a_flag_is_ready_when_no_code_reads_it_and_nobody_asked_for_a_week() {
    check("ready, quiet for 20 days", World::new());
    check("ready, quiet for 8 days", World::new().called(None, Some(8.0)));
    check("ready, quiet for 7 days", World::new().called(None, Some(7.0)));
    // Whether it is on or off for everyone does not matter then.
    check("ready, quiet for 20 days", World::with(&json!({ "active": false })));
}

#[test]
fn what_is_gone_or_unknown_is_told_first() {
    check("archived", World::with(&json!({ "archived": true })).and(|it| it.reads.certain = vec![place(1)]));
    check("deleted", World::with(&json!({ "deleted": true })));
    check("unknown, like Some(\"new-nov\")", World::with(&json!({ "key": "new-nov" })));
    check("unknown, like None", World::with(&json!({ "key": "quite-another" })));
    let not_loaded = World::new().and(|it| it.environment.flags = None);
    assert_eq!(not_loaded.standing(), None, "nothing is said of what is not loaded");
}

#[test]
fn reads_and_late_calls_are_refused() {
    check("read 2", World::new().and(|it| it.reads.certain = vec![place(1), place(2)]));
    // People are counted whatever they got: who is told false asks too.
    check(r#"asked for Some((3, 8, 7)) ["web"]"#, World::new().called(Some(6.9), Some(6.9)));
    check(r#"asked for Some((3, 8, 7)) ["web"]"#, World::new().called(Some(0.1), None));
    // The flag's own word alone is enough to refuse.
    check("asked for None []", World::new().called(None, Some(6.9)));
    let both = World::new().called(Some(1.0), None).and(|it| it.reads.certain = vec![place(1)]);
    check(r#"read 1, asked for Some((3, 8, 7)) ["web"]"#, both);
    // Also where the query fails.
    let failed = World::new().called(None, Some(2.0)).and(|it| it.environment.exposure.clear());
    check("asked for None []", failed);
}

#[test]
fn silence_is_an_answer_only_where_calls_would_be_heard() {
    let not_loaded = "doubt NotLoaded(\"PostHog was not asked\")";
    check(not_loaded, World::new().and(|it| it.environment.exposure.clear()));
    let denied = |it: &mut World| {
        it.environment.exposure.clear();
        it.environment.exposure_trouble = Some("no scope".into());
    };
    check("doubt NotLoaded(\"no scope\")", World::new().and(denied));
    // What an earlier run knew is not what is so now.
    let old = Exposure { fetched_at: days_ago(0.1), ..exposure(None) };
    check(not_loaded, World::new().and(|it| drop(it.environment.exposure.insert(KEY.into(), old.into()))));
    let short = Exposure { window_days: 3, ..exposure(None) };
    let short = World::new().and(|it| drop(it.environment.exposure.insert(KEY.into(), short.into())));
    check("doubt ShortWindow(3)", short);
    // In a short window somebody may be heard all the same.
    let heard = Exposure { window_days: 3, ..exposure(Some(1.0)) };
    let heard = World::new().and(|it| drop(it.environment.exposure.insert(KEY.into(), heard.into())));
    check(r#"asked for Some((3, 8, 3)) ["web"]"#, heard);
    check("doubt NeverSeen", World::new().called(None, None));
}

#[test]
fn a_project_without_any_call_says_nothing() {
    let silent = |called: Option<f64>| {
        let other = flag("other", 2, called, &json!({}));
        World::new().and(|it| {
            it.environment.flags.as_mut().unwrap().insert(other);
            it.environment.exposure.insert("other".into(), exposure(None).into());
        })
    };
    check("doubt NoCalls", silent(None));
    check("doubt NoCalls", silent(Some(30.0)));
    check("ready, quiet for 20 days", silent(Some(3.0)));
}

#[test]
fn what_else_needs_the_flag_is_named() {
    let experiment = |started: Option<f64>, ended: Option<f64>, archived| Experiment {
        id: 5,
        name: "Prices".into(),
        flag: KEY.into(),
        started_at: started.map(days_ago),
        ended_at: ended.map(days_ago),
        conclusion: None,
        archived,
        metric: crate::flags::KeyMetric::Missing,
    };
    let on = |it: Experiment| {
        World::with(&json!({ "experiment_set": [5] }))
            .and(|world| drop(world.environment.experiments.insert(5, it.into())))
    };
    check("held Experiment(\"Prices\")", on(experiment(Some(9.0), None, false)));
    check("held Experiment(\"Prices\")", on(experiment(None, None, false)));
    check("ready, quiet for 20 days", on(experiment(Some(9.0), Some(8.0), false)));
    check("ready, quiet for 20 days", on(experiment(Some(9.0), None, true)));
    // An experiment that was not loaded is asked of the flag, which newer servers let say whether one runs.
    let says =
        |metadata: Value| World::with(&json!({ "experiment_set": [5], "experiment_set_metadata": metadata }));
    check("held Experiment(\"number 5\")", says(json!([{ "is_running": true }])));
    check("ready, quiet for 20 days", says(json!([{ "is_running": false }])));
    check("doubt Experiment(5)", says(json!(null)));

    let access = |stage: &str| {
        let features = json!([{ "id": "01a1", "name": "Videos", "stage": stage }]);
        World::with(&json!({ "features": features }))
    };
    check("held EarlyAccess(\"Videos\")", access("beta"));
    check("ready, quiet for 20 days", access("archived"));
    let listed = EarlyAccess { id: "01a1".into(), name: "Videos".into(), stage: "archived".into() };
    let later =
        access("beta").and(|it| drop(it.environment.early_access.insert("01a1".into(), listed.into())));
    check("ready, quiet for 20 days", later);

    check("held Survey(\"Why?\")", World::new().and(|it| it.uses.surveys = vec!["Why?".into()]));
    check("held Replay", World::new().and(|it| it.uses.in_replay = true));
    let change = ScheduledChange { at: days_ago(-1.0), change: Scheduled::Active(true), recurring: false };
    let scheduled = World::new().and(|it| drop(it.environment.schedules.insert(1, [change].into())));
    check("held Schedule(is switched on)", scheduled);
}

#[test]
fn flags_that_depend_on_it_are_named() {
    let asks = |id: &str, active: bool| {
        let property = json!({ "key": id, "type": "flag", "operator": "flag_evaluates_to", "value": true });
        json!({ "active": active, "filters": { "groups": [{ "properties": [property] }] } })
    };
    check("held Flag(\"child\")", World::new().beside("child", Some(1.0), &asks("1", true)));
    check("ready, quiet for 20 days", World::new().beside("child", Some(1.0), &asks("2", true)));
    check("ready, quiet for 20 days", World::new().beside("child", Some(1.0), &asks("1", false)));
}

#[test]
fn a_person_decides_where_nobody_can_tell() {
    check("doubt MayBeRead(1)", World::new().and(|it| it.reads.possible = vec![place(3)]));
    check("doubt Foreign(1)", World::new().and(|it| it.reads.foreign = vec![place(3)]));
    // A test or a document that has the key does not keep it.
    check("ready, quiet for 20 days", World::new().and(|it| it.reads.mentions = vec![place(3)]));
    let groups = |json: Value| World::with(&json!({ "filters": json }));
    check("doubt Unfinished", groups(json!({ "groups": [{ "rollout_percentage": 40 }] })));
    check("doubt Unfinished", groups(json!({ "version": 2, "rules": [] })));
    let payload = json!({ "groups": [{ "rollout_percentage": 100 }], "payloads": { "true": "{}" } });
    check("doubt Silent", groups(payload));
    check("doubt Silent", World::with(&json!({ "is_remote_configuration": true })));
    check("doubt Permanent(\"permanent\")", World::with(&json!({ "tags": ["a", "permanent"] })));
    // All of them are told, and what is refused in any case comes first.
    let world = World::with(
        &json!({ "tags": ["permanent"], "filters": { "groups": [{ "rollout_percentage": 40 }] } }),
    );
    check(
        "read 1, cannot archive, doubt Unfinished, doubt Permanent(\"permanent\")",
        world.and(|it| {
            it.reads.certain = vec![place(1)];
            it.uses.can_archive = false;
        }),
    );
}

#[test]
fn a_server_of_2023_cannot_archive_and_knows_no_last_call() {
    let world = World::new().called(None, None).and(|it| it.uses.can_archive = false);
    check("cannot archive, doubt NeverSeen", world);
}

fn code(text: &str) -> CodeReads {
    let facts = crate::index::facts(Language::TypeScript, &Text::new(text), &Names::default());
    CodeReads::new(&Index::new([(Path::new("/app/a.ts").into(), Arc::new(facts))]))
}

#[test]
fn reads_are_found_by_key_and_by_how_a_key_begins() {
    let code = code(
        "import posthog from 'posthog-js'\n\
         posthog.isFeatureEnabled('new-nav')\n\
         posthog.getFeatureFlag(`new-${x}`)\n\
         posthog.getFeatureFlag(any())\n\
         const ask = (key: string) => posthog.getFeatureFlag(key)\n\
         ask('old-nav')\n",
    );
    let lines = |it: &[Related]| it.iter().map(|it| it.span.start.line + 1).collect::<Vec<_>>();
    let reads = |key: &str| {
        let reads = code.of(&key.into());
        (lines(&reads.certain), lines(&reads.possible))
    };
    assert_eq!(reads("new-nav"), (vec![2], vec![3]));
    assert_eq!(reads("new-cart"), (vec![], vec![3]));
    assert_eq!(reads("old-nav"), (vec![6], vec![]));
    // What a wrapper is given are reads of its callers.
    assert_eq!(lines(&code.undecided), [4]);
}

#[test]
fn those_that_no_code_reads_are_listed() {
    let world = World::new()
        .beside("put-away", None, &json!({ "archived": true }))
        .and(|it| it.environment.flags.as_mut().unwrap().insert(flag("read", 4, Some(0.1), &json!({}))));
    let code = code("import posthog from 'posthog-js'\nposthog.isFeatureEnabled('read')\n");
    let evidence = Evidence::new(&world.environment, &[], now());
    let listed: Vec<String> =
        leaving(&evidence, &code).iter().map(|it| format!("{}: {}", it.0, words(&it.1))).collect();
    let expected = ["new-nav: ready, quiet for 20 days", r#"other: asked for Some((3, 8, 7)) ["web"]"#];
    assert_eq!(listed, expected);
}

#[test]
fn controls_are_the_flags_that_were_called_last() {
    let world = World::new().beside("never", None, &json!({}));
    assert_eq!(controls(&world.environment), [FlagKey::from("other"), FlagKey::from(KEY)]);
}
