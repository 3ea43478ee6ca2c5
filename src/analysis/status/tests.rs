//! Next steps and gates as tables: a brief and a flag in, words out.

use std::sync::Arc;

use jiff::SignedDuration;

use super::*;
use crate::feature::stage_opened;
use crate::feature::tests::{day, entry, flag, history};
use crate::flags::{Environment, Evidence, Flag, FlagList, History, Met, Project, ScheduledChange};
use crate::index::{self, Index};
use crate::syntax::{Language, Names};
use crate::text::Text;

const NOW: &str = "2026-06-10";

const PLAN: &str = r#"
[[stage]]
name = "internal"
audience = { email_domain = "offset.example" }
gate = { people = 5 }
[[stage]]
name = "beta"
audience = { cohort = 2 }
steps = [10, 50, 100]
gate = { people = 50, after = "7d", max_exceptions = 3 }
[[stage]]
name = "everyone"
audience = "everyone"
steps = [25, 100]
pace = "2d"
"#;

/// Release conditions that follow the plan.
fn groups(percents: [u32; 3]) -> String {
    let [internal, beta, everyone] = percents;
    format!(
        r#"{{"groups":[
          {{"description":"1/3 internal","rollout_percentage":{internal},"properties":[{{"key":"email","type":"person","operator":"regex","value":"@offset\\.example$"}}]}},
          {{"description":"2/3 beta","rollout_percentage":{beta},"properties":[{{"key":"id","type":"cohort","operator":"in","value":2}}]}},
          {{"description":"3/3 everyone","rollout_percentage":{everyone}}}]}}"#
    )
}

/// What is known of the flag `new-nav`, and of what is written of it.
struct Case {
    flag: Option<Flag>,
    history: Option<History>,
    brief: Option<String>,
    /// Who met it since its stage was opened.
    people: Option<u64>,
    scheduled: Vec<ScheduledChange>,
    loaded: bool,
    read: bool,
}

fn case() -> Case {
    Case {
        flag: None,
        history: None,
        brief: Some(format!("key = \"new-nav\"\n{PLAN}")),
        people: None,
        scheduled: vec![],
        loaded: true,
        read: true,
    }
}

/// A flag whose rollout came from the first percentages to the second on a day.
fn moved(from: [u32; 3], to: [u32; 3], at: &str) -> Case {
    let before = groups(from);
    Case {
        flag: Some(flag(true, &groups(to))),
        history: Some(history(vec![entry(at, None, Some(&before))], true)),
        ..case()
    }
}

fn evidence(people: u64, since: Timestamp) -> Evidence {
    let met = vec![Met { response: "true".into(), people, troubled: people / 20 }];
    Evidence { since, met, guards: vec![], fetched_at: day(NOW) }
}

fn only(case: Case) -> FeatureStatus {
    let key = FlagKey::from("new-nav");
    let mut environment = Environment {
        project: Some(Project { id: 1, name: "Offset".into() }),
        host: "https://eu.posthog.com".into(),
        ..Environment::default()
    };
    let flags = case.flag.clone().into_iter().map(Arc::new);
    environment.flags = case.loaded.then(|| FlagList::new(flags, day(NOW)));
    if let (Some(people), Some(flag)) = (case.people, &case.flag) {
        let since = stage_opened(flag, case.history.as_ref()).unwrap();
        environment.evidence.insert(key.clone(), Arc::new(evidence(people, since)));
    }
    environment.schedules.insert(1, case.scheduled.into());
    if let Some(history) = case.history {
        environment.history.insert(1, Arc::new(history));
    }
    let mirror = Arc::new(Mirror { environments: vec![Arc::new(environment)], revision: 1 });
    let mut index = Index::default();
    let code = if case.read {
        "import posthog from 'posthog-js'\nposthog.isFeatureEnabled('new-nav')\n"
    } else {
        ""
    };
    let facts = index::facts(Language::TypeScript, &Text::new(code), &Names::default());
    index.set(Path::new("/app/a.ts"), Arc::new(facts));
    let index = Arc::new(index);
    let briefs: Vec<_> = case
        .brief
        .into_iter()
        .map(|it| (PathBuf::from("/app/.flagline/new-nav.toml"), Brief::parse(&it)))
        .collect();
    let sources = Sources {
        briefs: &briefs,
        plans: &BTreeMap::new(),
        mirror: &mirror,
        code: &CodeReads::new(&index),
        clean_ups: &clean_ups(&index, &mirror, &Arc::default(), day(NOW)),
        waiting: &BTreeMap::new(),
        now: day(NOW),
    };
    let mut status = status(&sources, &BTreeSet::from([key]));
    assert_eq!((status.problems, status.features.len()), (vec![], 1));
    status.features.remove(0)
}

/// Place, stage, and what comes next.
fn check(case: Case, expected: (Place, &str, &str)) {
    let got = only(case);
    assert_eq!((got.place, &*got.stage_words(), &*got.next.sentence()), expected);
}

#[test]
fn an_interview_in_no_stage_of_the_plan_is_trouble() {
    let brief = "key = \"new-nav\"\n[interview]\nstage = \"everyon\"\ncalendar = \"https://a.example\"\n";
    let it = only(Case { brief: Some(brief.into()), ..case() });
    assert!(it.plan_trouble.unwrap().ends_with("did you mean \"everyone\"?"));
}

#[test]
fn what_comes_next() {
    let without_brief = || Case { brief: None, ..case() };
    check(case(), (Place::NotLaunched, "brief only, not launched", "launch: flagline launch new-nav"));
    check(without_brief(), (Place::Unknown, "unknown", "create it in PostHog, or mend the key"));
    check(
        Case { loaded: false, ..case() },
        (Place::NotLoaded, "not loaded", "not known: PostHog has not answered yet"),
    );
    check(
        Case {
            flag: Some(flag(false, &groups([100, 0, 0]))),
            history: Some(history(vec![], true)),
            ..case()
        },
        (Place::NotLaunched, "not launched", "launch: flagline launch new-nav"),
    );
    check(
        Case { people: Some(3), ..moved([0, 0, 0], [100, 0, 0], "2026-06-08") },
        (Place::Running, "1/3 internal, 100 %", "waits for 2 more people to meet it"),
    );
    check(
        Case { people: Some(5), ..moved([0, 0, 0], [100, 0, 0], "2026-06-08") },
        (Place::Running, "1/3 internal, 100 %", "promote to beta at 10 %: flagline promote new-nav"),
    );
    check(
        moved([100, 0, 0], [100, 10, 0], "2026-06-08"),
        (Place::Running, "2/3 beta, 10 %", "promote to beta at 50 %: flagline promote new-nav"),
    );
    check(
        Case { people: Some(49), ..moved([100, 0, 0], [100, 100, 0], "2026-06-08") },
        (
            Place::Running,
            "2/3 beta, 100 %",
            "waits for 1w to pass since it opened; 1 more person to meet it, until 15 Jun 2026, 12:00 UTC at least",
        ),
    );
    check(
        moved([100, 100, 0], [100, 100, 25], "2026-06-09"),
        (Place::Running, "3/3 everyone, 25 %", "everyone 25 % → 100 % on 11 Jun 2026, 12:00 UTC"),
    );
    check(
        moved([100, 100, 0], [100, 100, 25], "2026-06-01"),
        (
            Place::Running,
            "3/3 everyone, 25 %",
            "goes to everyone at 100 % with the next run: flagline rollout run new-nav",
        ),
    );
    check(
        moved([100, 100, 25], [100, 50, 25], "2026-06-09"),
        (
            Place::Running,
            "3/3 everyone, 25 % (custom)",
            "not as planned: an earlier stage is not wholly open",
        ),
    );
    check(
        moved([100, 100, 25], [100, 100, 100], "2026-06-09"),
        (Place::Everyone, "everyone", "review due on 7 Sep 2026"),
    );
    check(
        moved([100, 100, 25], [100, 100, 100], "2026-03-01"),
        (Place::CleanUp, "everyone", "remove it from the code: flagline clean new-nav --write"),
    );
    check(
        Case { read: false, ..moved([100, 100, 25], [100, 100, 100], "2026-03-01") },
        (Place::Everyone, "everyone", "review, due since 30 May 2026: flagline review new-nav"),
    );
    let reviewed = Some(format!("key = \"new-nav\"\noutcome = {{ verdict = \"nailed\" }}\n{PLAN}"));
    check(
        Case { read: false, brief: reviewed, ..moved([100, 100, 25], [100, 100, 100], "2026-03-01") },
        (Place::Everyone, "everyone", "no code here reads it; archive it: flagline archive new-nav"),
    );
    let without_plan = r#"{"groups":[{"rollout_percentage":30}]}"#;
    check(
        Case { flag: Some(flag(true, without_plan)), ..without_brief() },
        (Place::Running, "partial 30 %", "no plan: a person moves it in PostHog"),
    );
}

#[test]
fn what_must_be_done_first_comes_first() {
    let to_do = "[[before_lifting]]\nwhat = \"load test\"\n[[before_lifting]]\nwhat = \"b\"\ndone = true\n";
    let brief = Some(format!("key = \"new-nav\"\n{PLAN}{to_do}"));
    let got = only(Case { brief, ..moved([100, 100, 25], [100, 100, 100], "2026-03-01") });
    assert_eq!(got.next.sentence(), "before it is lifted: load test");
    assert_eq!((got.to_do, got.n_done), (vec!["load test".to_owned()], 1));
}

#[test]
fn the_outcome_is_written_down_before_the_brief_goes() {
    let brief = |outcome: &str| {
        Some(format!("key = \"new-nav\"\n[metric]\nkind = \"trend\"\nevents = [\"a\"]\n{outcome}{PLAN}"))
    };
    let finished = |outcome: &str| {
        let case = Case { brief: brief(outcome), ..moved([100, 100, 25], [100, 100, 100], "2026-03-01") };
        only(case).next.words
    };
    assert_eq!(finished(""), "say what came of it (flagline review new-nav), then remove it from the code");
    assert_eq!(finished("[outcome]\nverdict = \"failed\"\n"), "remove it from the code");
}

#[test]
fn a_stopped_rollout_goes_on_by_a_person() {
    let stopped = groups([100, 10, 0]).replace("2/3 beta", "2/3 beta · stopped: 12 exceptions");
    check(
        Case { flag: Some(flag(true, &stopped)), ..case() },
        (
            Place::Running,
            "2/3 beta, 10 %, stopped",
            "stopped (12 exceptions); go on: flagline resume new-nav",
        ),
    );
}

#[test]
fn what_is_known_of_a_gate() {
    let words = |case: Case| only(case).gate.map(|it| it.words());
    let internal = |people| Case { people, ..moved([0, 0, 0], [100, 0, 0], "2026-06-08") };
    let beta = |people, at| Case { people, ..moved([100, 0, 0], [100, 10, 0], at) };
    for (case, expected) in [
        (internal(Some(3)), "5 people: 3 so far; a person's go"),
        (internal(None), "5 people: cannot tell: PostHog was not asked so far; a person's go"),
        (
            beta(Some(60), "2026-06-08"),
            "50 people: 60 so far; at most 3 exceptions: 3 people met one; 7 days open: 2 days so far; a person's go",
        ),
        (
            beta(Some(3), "2026-06-01"),
            "50 people: 3 so far; at most 3 exceptions: nobody met one; 7 days open: 9 days so far; a person's go",
        ),
    ] {
        assert_eq!(words(case).as_deref(), Some(expected));
    }
    assert_eq!(words(case()), None);
    let unknown = Case { flag: Some(flag(true, &groups([100, 10, 0]))), ..case() };
    assert!(words(unknown).is_some_and(|it| it.contains("7 days open: since when is not known")));
}

#[test]
fn a_track_has_every_stage() {
    let track = |case: Case| -> Vec<String> {
        let words = |it: &TrackStage| format!("{:?} {} {} %", it.position, it.name, it.percent);
        only(case).track.iter().map(words).collect()
    };
    assert_eq!(
        track(moved([100, 0, 0], [100, 10, 0], "2026-06-08")),
        ["Done internal 100 %", "Current beta 10 %", "Ahead everyone 0 %"]
    );
    assert_eq!(track(case()), ["Ahead internal 0 %", "Ahead beta 0 %", "Ahead everyone 0 %"]);
    assert_eq!(
        track(moved([100, 100, 25], [100, 100, 100], "2026-06-09")),
        ["Done internal 100 %", "Done beta 100 %", "Done everyone 100 %"]
    );
}

#[test]
fn two_briefs_of_one_flag_are_told_and_one_that_is_broken_hides_no_other() {
    let brief = |name: &str, text: &str| (PathBuf::from(name), Brief::parse(text));
    let briefs = [
        brief("a.toml", "key = \"a\"\n"),
        brief("b.toml", "key = \"a\"\n"),
        brief("c.toml", "kye = \"c\"\n"),
        brief("d.toml", "key = \"d\"\n"),
    ];
    let sources = Sources {
        briefs: &briefs,
        plans: &BTreeMap::new(),
        mirror: &Mirror::default(),
        code: &CodeReads::default(),
        clean_ups: &BTreeMap::new(),
        waiting: &BTreeMap::new(),
        now: day(NOW) + SignedDuration::ZERO,
    };
    let status = status(&sources, &BTreeSet::new());
    let keys: Vec<&str> = status.features.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(keys, ["a", "d"]);
    assert_eq!(status.problems[0].message, "the brief of 'a' is another file, a.toml");
    assert!(status.problems[1].message.starts_with("line 1: "), "{:?}", status.problems[1]);
}
