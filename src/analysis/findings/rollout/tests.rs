//! What is told of a rollout, as a file that reads like what happened; and that nothing is told of what is not loaded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::analysis::tests::{check_file, fixtures, now};
use crate::analysis::{BriefSnapshot, Finding, Snapshot, checked_brief, findings};
use crate::feature::brief::BriefFile;
use crate::feature::stage_opened;
use crate::flags::{
    Environment, Evidence, Flag, FlagKey, FlagList, History, Met, Mirror, Project, Scheduled, ScheduledChange,
};
use crate::index::{self, Index};
use crate::posthog::wire;
use crate::syntax::{Language, Names};
use crate::text::Text;

const CODE: &str = "import posthog from 'posthog-js'\nif (posthog.isFeatureEnabled('videos')) play()\n";

/// Release conditions, written as `1/3 internal = 100 | for Bob = 5`; those of the plan are for its people.
fn groups(text: &str) -> Value {
    let group = |it: &str| {
        let (description, percent) = it.rsplit_once('=').unwrap();
        let properties = match description.trim().chars().next() {
            Some('1') => {
                json!([{ "key": "email", "type": "person", "operator": "regex", "value": "@offset\\.example$" }])
            }
            Some('2') => json!([{ "key": "id", "type": "cohort", "operator": "in", "value": 11 }]),
            Some('3') => json!([]),
            _ => json!([{ "key": "email", "value": "bob@else.example" }]),
        };
        let percent: f64 = percent.trim().parse().unwrap();
        json!({ "description": description.trim(), "properties": properties, "rollout_percentage": percent, "variant": null })
    };
    json!({ "groups": text.split(" | ").map(group).collect::<Vec<_>>() })
}

fn at(text: &str) -> Timestamp {
    format!("{}:00Z", text.trim().replace(' ', "T")).parse().unwrap()
}

/// `2026-11-27 10:00 2/3 beta · scheduled = 50`, or `... off`
fn scheduled(text: &str) -> ScheduledChange {
    let (when, what) = text.split_at(16);
    let change = match what.trim() {
        "on" => Scheduled::Active(true),
        "off" => Scheduled::Active(false),
        what => {
            let (description, percent) = what.rsplit_once('=').unwrap();
            let percent = percent.trim().parse().unwrap();
            Scheduled::Conditions { percent, description: description.trim().to_owned() }
        }
    };
    ScheduledChange { at: at(when), change, recurring: false }
}

/// What is known, line by line of a case: what stands in it, and when it changed before that.
fn environment(case: &[(&str, &str)]) -> Environment {
    let all = |name: &'static str| case.iter().filter(move |it| it.0 == name).map(|it| it.1);
    let first = |name: &'static str| all(name).next();
    let filters = groups(first("stages").unwrap());
    let flag = json!({
        "id": 1, "key": "videos", "active": first("flag") != Some("off"), "version": 9, "filters": filters,
        "created_at": "2026-11-01T08:00:00Z",
    });
    let flag: Arc<Flag> = Arc::new(serde_json::from_value::<wire::Flag>(flag).unwrap().into());
    let mut environment = Environment {
        host: "https://eu.posthog.com".into(),
        project: Some(Project { id: 7, name: "Offset".into() }),
        cohorts: [(11, "Beta testers".into())].into(),
        ..Environment::default()
    };
    let entry = |text: &str| {
        let (when, rest) = text.split_at(16);
        let (who, before) = rest.split_once(':').unwrap();
        let changes = json!([{ "field": "filters", "before": groups(before) }]);
        let activity = json!({
            "created_at": at(when), "activity": "updated", "detail": { "changes": changes },
            "user": { "first_name": who.trim() },
        });
        serde_json::from_value::<wire::Activity>(activity).unwrap().into()
    };
    let history = History {
        version: Some(flag.stamp()),
        entries: all("before").map(entry).collect(),
        complete: true,
        fetched_at: now(),
    };
    if let Some(met) = first("met") {
        let mut numbers = met.split(", ").filter_map(|it| it.parse::<u64>().ok());
        let (people, troubled) = (numbers.next().unwrap(), numbers.next().unwrap_or(0));
        let evidence = Evidence {
            since: stage_opened(&flag, Some(&history)).unwrap(),
            met: vec![Met { response: "true".into(), people, troubled }],
            guards: vec![],
            fetched_at: first("asked").map_or(now(), at),
        };
        environment.evidence.insert("videos".into(), evidence.into());
    }
    if first("activity") != Some("not loaded") {
        environment.history.insert(1, history.into());
    }
    environment.schedules.insert(1, all("scheduled").map(scheduled).collect());
    if first("cohorts") == Some("not loaded") {
        environment.cohorts.clear();
    }
    environment.flags = Some(FlagList::new([flag], now()));
    environment
}

/// What is told at the brief, and where the flag is read.
fn told(brief: Option<&str>, environment: Environment) -> (Vec<Finding>, Vec<Finding>) {
    let facts = Arc::new(index::facts(Language::TypeScript, &Text::new(CODE), &Names::default()));
    let index = Arc::new(Index::new([(Path::new("/app/a.ts").into(), facts.clone())]));
    let mirror = Arc::new(Mirror { environments: vec![Arc::new(environment)], revision: 1 });
    let brief = brief
        .map(|it| Arc::new(BriefFile::new(Path::new("/app/.flagline/videos.toml").into(), Text::new(it))));
    let at_brief = brief.iter().flat_map(|file| {
        checked_brief(&BriefSnapshot {
            file: file.clone(),
            others: vec![],
            index: index.clone(),
            mirror: mirror.clone(),
            config: Arc::default(),
            now: now(),
        })
    });
    let at_brief = at_brief.collect();
    let at_read = findings(&Snapshot {
        path: Path::new("/app/a.ts").into(),
        source: None,
        facts,
        index: index.clone(),
        briefs: brief.into_iter().collect(),
        mirror: mirror.clone(),
        config: Arc::default(),
        now: now(),
    });
    (at_brief, at_read)
}

fn words(findings: &(Vec<Finding>, Vec<Finding>)) -> String {
    let mut text = String::new();
    for (place, found) in [("brief", &findings.0), ("read", &findings.1)] {
        for it in found {
            let _ =
                writeln!(text, "-> {place}: {}[{}] {}", it.severity.name(), it.code.name(), it.sentence());
        }
    }
    if text.is_empty() { "-> nothing\n".into() } else { text }
}

/// The file's first part is the brief; each case is what is known, and below it what is told.
#[test]
fn what_is_told_of_rollouts() {
    let path = fixtures().join("rollout/findings.txt");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut parts = text.split("\n== ");
    let head = parts.next().unwrap();
    let brief: String =
        head.lines().filter_map(|it| it.strip_prefix("  ")).map(|it| format!("{it}\n")).collect();
    assert_eq!(crate::feature::Brief::parse(&brief).err(), None);
    let mut result = head.to_owned();
    let mut n_cases = 0;
    for part in parts {
        let given: Vec<&str> = part.lines().take_while(|it| !it.starts_with("->")).collect();
        let case: Vec<(&str, &str)> = given[1..].iter().filter_map(|it| it.split_once(": ")).collect();
        let has_brief = !case.contains(&("brief", "none"));
        let found = told(has_brief.then_some(&*brief), environment(&case));
        let _ = write!(result, "\n== {}\n{}", given.join("\n"), words(&found));
        n_cases += 1;
    }
    assert!(n_cases >= 12);
    check_file(&path, &result);
}

const NAMED: &str = "key = \"videos\"\n\
    [[stage]]\nname = \"internal\"\naudience = { email_domain = \"offset.example\" }\ngate = { people = 1 }\n\
    [[stage]]\nname = \"beta\"\naudience = { cohort = \"Beta testers\" }\ngate = { people = 1 }\n\
    [[stage]]\nname = \"everyone\"\naudience = \"everyone\"\nsteps = [25, 100]\n";

fn percent() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(100), Just(25), 0_u32..=100]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a flag looks like: of what is not loaded, nothing is told that depends on it.
    #[test]
    fn nothing_is_told_of_what_is_not_loaded(
        percents in [percent(), percent(), percent()],
        is_on in any::<bool>(),
        remark in prop_oneof![Just(""), Just(" · stopped: errors"), Just(" · scheduled"), Just(" · ask Ada")],
        step in prop_oneof![Just("on"), Just("off"), Just("3/3 everyone · scheduled = 100"), Just("for Bob = 5")],
        foreign in any::<bool>(),
        people in 0_u64..5,
    ) {
        let [a, b, c] = percents;
        let bob = if foreign { " | for Bob = 5" } else { "" };
        let stages = format!("1/3 internal = {a} | 2/3 beta{remark} = {b} | 3/3 everyone = {c}{bob}");
        let before = "2026-11-20 10:00 Ada: 1/3 internal = 0 | 2/3 beta = 0 | 3/3 everyone = 0";
        let (met, step) = (people.to_string(), format!("2026-11-27 10:00 {step}"));
        let mut case = vec![("stages", &*stages), ("before", before), ("scheduled", &step)];
        if !is_on {
            case.push(("flag", "off"));
        }
        if stage_is_open(&environment(&case)) {
            case.push(("met", &met));
        }
        let all = environment(&case);
        let count = |environment: Environment| {
            let (brief, read) = told(Some(NAMED), environment);
            let mut count: BTreeMap<&str, usize> = BTreeMap::new();
            brief.iter().chain(&read).for_each(|it| *count.entry(it.code.name()).or_default() += 1);
            count
        };
        prop_assert_eq!(count(Environment { flags: None, ..all.clone() }).len(), 0);
        let no_history = count(Environment { history: Default::default(), ..all.clone() });
        prop_assert_eq!(no_history.get("gate-ready"), None);
        let no_schedules = count(Environment { schedules: Default::default(), ..all.clone() });
        prop_assert_eq!(no_schedules.get("schedule-conflict"), None);
        // Both gates ask for people; a step within a stage is a person's without that.
        let no_evidence = count(Environment { evidence: Default::default(), ..all.clone() });
        let is_within = c > 0 || (b > 0 && b < 100) || (b == 0 && a > 0 && a < 100);
        prop_assert!(is_within || !no_evidence.contains_key("gate-ready"));
        let no_cohorts = count(Environment { cohorts: Default::default(), ..all.clone() });
        prop_assert_eq!(no_cohorts.get("gate-ready"), None);
        // That an earlier stage is not wholly open needs no cohort.
        let is_behind = (c > 0 && (a < 100 || b < 100)) || (b > 0 && a < 100);
        prop_assert!(is_behind || !no_cohorts.contains_key("plan-drift"), "{:?}", no_cohorts);
        // What is told quietly at a read is told at its brief.
        let (brief, read) = told(Some(NAMED), all);
        for it in read.iter().filter(|it| ["gate-ready", "rollout-stopped"].contains(&it.code.name())) {
            prop_assert!(brief.iter().any(|at| at.code == it.code && at.message == it.message));
        }
    }
}

fn stage_is_open(environment: &Environment) -> bool {
    let flag = &environment.flags.as_ref().unwrap().by_key[&FlagKey::from("videos")];
    stage_opened(flag, environment.history.get(&1).map(|it| &**it)).is_some()
}
