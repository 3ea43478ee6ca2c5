//! What moves write, on a plan of three stages; flags read like the page of PostHog.

use serde_json::{Value, json};

use super::*;
use crate::feature::brief::Brief;
use crate::posthog::wire;

const BRIEF: &str = r#"
key = "tour"
[[stage]]
name = "internal"
audience = { email_domain = "offset.example" }
[[stage]]
name = "beta"
audience = { properties = [{ key = "tester", value = "yes" }] }
steps = [10, 100]
[[stage]]
name = "everyone"
audience = "everyone"
"#;

/// Conditions: description and percentage.
fn flag(active: bool, conditions: &[(&str, f64)]) -> Flag {
    let plan = Brief::parse(BRIEF).unwrap().plan(&Default::default(), "").unwrap();
    let planned = plan.conditions(&|_| None).unwrap();
    let group = |(description, percent): &(&str, f64)| {
        let number = description.split('/').next().and_then(|it| it.parse::<usize>().ok());
        let planned = number.and_then(|it| planned.get(it - 1)).cloned();
        let mut group = planned.unwrap_or_else(|| json!({ "properties": [] }));
        group["description"] = (*description).into();
        group["rollout_percentage"] = (*percent).into();
        group
    };
    let groups: Vec<Value> = conditions.iter().map(group).collect();
    with(json!({ "groups": groups, "payloads": {}, "unknown": { "kept": true } }), active)
}

fn with(filters: Value, active: bool) -> Flag {
    let flag = json!({ "id": 7, "key": "tour", "active": active, "version": 3, "filters": filters });
    serde_json::from_value::<wire::Flag>(flag).unwrap().into()
}

fn make(flag: &Flag, step: &Move) -> Result<Change, String> {
    let brief = Brief::parse(BRIEF).unwrap();
    let plan = brief.plan(&Default::default(), "").unwrap();
    let drift = feature::drift(&brief, &plan, flag, &|_| None);
    let finished = [Telling { kind: "entered".into(), since: "1969-12-31T12:00:00Z".parse().unwrap() }];
    let now = Timestamp::UNIX_EPOCH;
    let start =
        Start { brief: &brief, plan: &plan, flag, drift: &drift, finished: &finished, also_tells: None, now };
    change(&start, step)
}

/// The conditions that a change leaves, as `description percent`, and `on` or `off` where that changes.
fn left(change: &Change) -> Vec<String> {
    let groups = change.body["filters"]["groups"].as_array().unwrap();
    let line = |it: &Value| format!("{} {}", it["description"].as_str().unwrap(), it["rollout_percentage"]);
    let active = match &change.body["active"] {
        Value::Bool(true) => Some("on".to_owned()),
        Value::Bool(false) => Some("off".to_owned()),
        _ => None,
    };
    groups.iter().map(line).chain(active).collect()
}

#[track_caller]
fn check(flag: &Flag, step: &Move, expect: &[&str]) {
    let change = make(flag, step).unwrap();
    assert_eq!(left(&change), expect);
    assert_eq!(change.body["filters"]["unknown"], json!({ "kept": true }), "what nobody here knows stays");
}

#[track_caller]
fn refused(flag: &Flag, step: &Move, expect: &str) {
    let why = make(flag, step).unwrap_err();
    assert!(why.contains(expect), "{why}");
}

fn stop(reason: &str, then: After) -> Move {
    Move::Stop { reason: reason.into(), then }
}

const NOON: &str = "1970-01-01T00:00:00Z";

#[test]
fn promote() {
    let telling = format!("2/3 beta · telling entered {NOON} 10.0");
    let internal = flag(true, &[("1/3 internal", 100.0), ("2/3 beta", 0.0), ("3/3 everyone", 0.0)]);
    check(&internal, &Move::Promote, &["1/3 internal 100.0", &telling, "3/3 everyone 0.0"]);
    let step = flag(true, &[("1/3 internal", 100.0), ("2/3 beta", 10.0), ("3/3 everyone", 0.0)]);
    check(&step, &Move::Promote, &["1/3 internal 100.0", "2/3 beta 100.0", "3/3 everyone 0.0"]);
    // What an earlier stage lacks comes with it, and is said.
    let short = flag(true, &[("1/3 internal", 50.0), ("2/3 beta", 10.0), ("3/3 everyone", 0.0)]);
    assert_eq!(make(&short, &Move::Promote).unwrap().what, ["internal: 50 % → 100 %", "beta: 10 % → 100 %"]);
    refused(&flag(false, &[("1/3 internal", 100.0)]), &Move::Promote, "flagline launch tour");
    let stopped =
        flag(true, &[("1/3 internal", 100.0), ("2/3 beta · stopped: x", 0.0), ("3/3 everyone", 0.0)]);
    refused(&stopped, &Move::Promote, "flagline resume tour");
    let strange =
        flag(true, &[("1/3 internal", 100.0), ("2/3 beta", 0.0), ("3/3 everyone", 0.0), ("for Bob", 5.0)]);
    refused(&strange, &Move::Promote, "--take-over");
    let over = flag(true, &[("1/3 internal", 100.0), ("2/3 beta", 100.0), ("3/3 everyone", 100.0)]);
    refused(&over, &Move::Promote, "flagline finish tour");
    refused(&with(json!({ "version": 2, "rules": [] }), true), &Move::Promote, "newer kind");
}

#[test]
fn what_is_covered_goes_at_the_next_write() {
    let ramped = flag(
        true,
        &[
            ("1/3 internal", 100.0),
            (&format!("2/3 beta · ask Ada · telling entered {}", "1969-12-31T12:00:00Z"), 10.0),
            ("3/3 everyone", 0.0),
            ("2/3 beta · scheduled", 100.0),
        ],
    );
    let telling = format!("3/3 everyone · telling entered {NOON} 100.0");
    check(&ramped, &Move::Promote, &["1/3 internal 100.0", "2/3 beta · ask Ada 100.0", &telling]);
    // What nobody sent so far stays, for whoever comes next; but not for ever.
    let claim = "1/3 internal · telling met 1969-12-31T11:00:00Z";
    let old = "2/3 beta · telling met 1969-12-30T11:00:00Z";
    let killed = flag(true, &[(claim, 100.0), (old, 100.0), ("3/3 everyone", 0.0)]);
    check(&killed, &Move::Promote, &[&format!("{claim} 100.0"), "2/3 beta 100.0", &telling]);
}

#[test]
fn what_is_told_is_written_where_there_is_a_place_for_it() {
    let brief = Brief::parse(BRIEF).unwrap();
    let plan = brief.plan(&Default::default(), "").unwrap();
    let claimed = |flag: &Flag| {
        let start = Start {
            brief: &brief,
            plan: &plan,
            flag,
            drift: &[],
            finished: &[],
            also_tells: None,
            now: Timestamp::UNIX_EPOCH,
        };
        claim(&start, 1, "webhook").map(|it| it["filters"]["groups"].clone())
    };
    let at = |groups: &Value, at: usize| groups[at]["description"].as_str().unwrap().to_owned();
    let groups = claimed(&flag(true, &[("1/3 internal", 100.0), ("2/3 beta", 10.0)])).unwrap();
    assert_eq!(at(&groups, 0), "1/3 internal");
    assert_eq!(at(&groups, 1), format!("2/3 beta · telling webhook {NOON}"));
    // Of what is finished, one condition is left. Without it nobody would be elected.
    let groups = claimed(&flag(true, &[("for Bob", 100.0), ("3/3 everyone", 100.0)])).unwrap();
    assert_eq!(at(&groups, 1), format!("3/3 everyone · telling webhook {NOON}"));
    assert_eq!(claimed(&flag(true, &[("for Bob", 100.0)])), None);
}

#[test]
fn what_was_told_a_moment_ago_stays_until_others_can_see_it() {
    let start = |since: &str| {
        let told = format!("1/3 internal · telling entered {since}");
        flag(true, &[(&told, 100.0), ("2/3 beta", 0.0), ("3/3 everyone", 0.0)])
    };
    let told = make(&start("1969-12-31T12:00:00Z"), &Move::Promote).unwrap();
    assert_eq!(left(&told)[0], "1/3 internal 100.0");
    let brief = Brief::parse(BRIEF).unwrap();
    let plan = brief.plan(&Default::default(), "").unwrap();
    let fresh = "1969-12-31T23:55:00Z";
    let flag = start(fresh);
    let finished = [Telling { kind: "entered".into(), since: fresh.parse().unwrap() }];
    let now = Timestamp::UNIX_EPOCH;
    let start = Start {
        brief: &brief,
        plan: &plan,
        flag: &flag,
        drift: &[],
        finished: &finished,
        also_tells: None,
        now,
    };
    let told = change(&start, &Move::Promote).unwrap();
    assert_eq!(left(&told)[0], format!("1/3 internal · telling entered {fresh} 100.0"));
}

#[test]
fn stops() {
    let telling = |stage: &str| format!("{stage} · telling stopped {NOON}");
    let beta = flag(true, &[("1/3 internal", 100.0), ("2/3 beta", 10.0), ("3/3 everyone", 0.0)]);
    let marked = telling("2/3 beta · stopped: too slow");
    check(
        &beta,
        &stop("too slow", After::PreviousStage),
        &["1/3 internal 100.0", &format!("{marked} 0.0"), "3/3 everyone 0.0"],
    );
    check(
        &beta,
        &stop("too slow", After::Off),
        &["1/3 internal 100.0", &format!("{marked} 10.0"), "3/3 everyone 0.0", "off"],
    );
    // Nothing is before the first stage.
    let first = flag(true, &[("1/3 internal", 100.0), ("2/3 beta", 0.0), ("3/3 everyone", 0.0)]);
    let marked = telling("1/3 internal · stopped: x");
    check(
        &first,
        &stop("x", After::PreviousStage),
        &[&format!("{marked} 100.0"), "2/3 beta 0.0", "3/3 everyone 0.0", "off"],
    );
    let stopped =
        flag(true, &[("1/3 internal", 100.0), ("2/3 beta · stopped: x", 0.0), ("3/3 everyone", 0.0)]);
    refused(&stopped, &stop("y", After::PreviousStage), "stopped already, at beta (x)");
    // What is left open then can be closed as well.
    let marked = telling("2/3 beta · stopped: y");
    check(
        &stopped,
        &stop("y", After::Off),
        &["1/3 internal 100.0", &format!("{marked} 0.0"), "3/3 everyone 0.0", "off"],
    );
    let off = flag(false, &[("1/3 internal", 100.0), ("2/3 beta", 0.0), ("3/3 everyone", 0.0)]);
    refused(&off, &stop("y", After::PreviousStage), "it is off already");
    // A claim of a time that no clock shows is a text like others.
    let far = "2/3 beta · telling entered 9999-12-30T20:00:00Z";
    let beta = flag(true, &[("1/3 internal", 100.0), (far, 10.0), ("3/3 everyone", 0.0)]);
    assert!(make(&beta, &stop("y", After::Off)).is_ok());
    // A step that PostHog took by itself is taken back.
    let leaks = flag(
        true,
        &[
            ("1/3 internal", 100.0),
            ("2/3 beta · stopped: x", 0.0),
            ("3/3 everyone", 0.0),
            ("2/3 beta · scheduled", 100.0),
        ],
    );
    let marked = telling("2/3 beta · stopped: x");
    check(
        &leaks,
        &stop("x", After::PreviousStage),
        &["1/3 internal 100.0", &format!("{marked} 0.0"), "3/3 everyone 0.0"],
    );
}

#[test]
fn resumes() {
    let stopped =
        flag(true, &[("1/3 internal", 100.0), ("2/3 beta · stopped: x", 0.0), ("3/3 everyone", 0.0)]);
    check(&stopped, &Move::Resume, &["1/3 internal 100.0", "2/3 beta 0.0", "3/3 everyone 0.0"]);
    // What PostHog opened meanwhile does not come with it.
    let leaks = flag(
        false,
        &[
            ("1/3 internal", 100.0),
            ("2/3 beta · stopped: x", 10.0),
            ("3/3 everyone", 0.0),
            ("2/3 beta · scheduled", 100.0),
        ],
    );
    check(&leaks, &Move::Resume, &["1/3 internal 100.0", "2/3 beta 10.0", "3/3 everyone 0.0", "on"]);
    refused(&flag(true, &[("1/3 internal", 100.0)]), &Move::Resume, "not stopped");
}

#[test]
fn rolls_back() {
    let to = |stage: &str| Move::RollBack { stage: stage.into() };
    let wide = flag(true, &[("1/3 internal", 100.0), ("2/3 beta", 100.0), ("3/3 everyone", 50.0)]);
    let marked = format!("2/3 beta · stopped: rolled back to internal · telling stopped {NOON} 0.0");
    check(&wide, &to("internal"), &["1/3 internal 100.0", &marked, "3/3 everyone 0.0"]);
    refused(&wide, &to("everyone"), "not further than everyone");
    refused(&wide, &to("moon"), "it has internal, beta, everyone");
}

/// The plan of the brief changed on the way: a stop takes hold all the same.
#[test]
fn narrows_what_an_earlier_plan_opened() {
    let back = || stop("slow", After::PreviousStage);
    // A stage was removed before the one that is open.
    let removed = flag(true, &[("1/4 internal", 100.0), ("3/4 beta", 100.0), ("4/4 everyone", 25.0)]);
    let marked = format!("4/4 everyone · stopped: slow · telling stopped {NOON} 0.0");
    check(&removed, &back(), &["1/4 internal 100.0", "3/4 beta 100.0", &marked]);
    refused(&removed, &Move::Promote, "--take-over");
    // The last one that is open is gone: it closes with the one that the plan knows.
    let gone = [("1/4 internal", 100.0), ("2/4 beta", 100.0), ("3/4 friends", 50.0), ("4/4 everyone", 0.0)];
    let closed = make(&flag(true, &gone), &back()).unwrap();
    let marked = format!("2/4 beta · stopped: slow · telling stopped {NOON} 0.0");
    assert_eq!(left(&closed), ["1/4 internal 100.0", &marked, "3/4 friends 0.0", "4/4 everyone 0.0"]);
    assert_eq!(closed.what[0], "closes 3/4 friends too, which is none of its plan any more");
    // Nothing of the plan is open.
    let other = flag(true, &[("1/4 friends", 100.0), ("2/4 beta", 0.0)]);
    let marked = format!("2/4 beta · stopped: slow · telling stopped {NOON} 0.0");
    check(&other, &back(), &["1/4 friends 100.0", &marked, "off"]);
    refused(&flag(true, &[("1/9 friends", 100.0)]), &back(), "switch it off on its page");
    // A stage that came new has no condition yet, which could say that it was stopped.
    let added = flag(true, &[("1/2 internal", 100.0), ("2/2 everyone", 25.0)]);
    let marked = format!("2/2 everyone · stopped: rolled back to internal · telling stopped {NOON} 0.0");
    check(&added, &Move::RollBack { stage: "internal".into() }, &["1/2 internal 100.0", &marked]);
}

/// After `finish` there is one condition, and no stage to go back to.
#[test]
fn what_is_finished_is_switched_off_by_a_stop() {
    let over = flag(true, &[("3/3 everyone", 100.0)]);
    let marked = format!("3/3 everyone · stopped: slow · telling stopped {NOON} 100.0");
    check(&over, &stop("slow", After::PreviousStage), &[&marked, "off"]);
    refused(&over, &Move::RollBack { stage: "beta".into() }, "flagline stop tour");
    refused(&over, &Move::Promote, "everyone gets on already");
}

#[test]
fn a_stop_is_not_finished_away() {
    let stopped =
        || flag(true, &[("1/3 internal", 100.0), ("2/3 beta · stopped: slow", 0.0), ("3/3 everyone", 0.0)]);
    refused(&stopped(), &Move::Finish(feature::Value::On), "flagline resume tour");
    let off = make(&stopped(), &Move::Finish(feature::Value::Off)).unwrap();
    assert_eq!((&off.body["active"], off.touches), (&json!(false), Some((0, 100.0, 0.0))));
}

#[test]
fn finishes() {
    let on = Move::Finish(feature::Value::On);
    let telling = format!("3/3 everyone · telling everyone {NOON} 100");
    let wide = flag(true, &[("1/3 internal", 100.0), ("2/3 beta", 100.0), ("3/3 everyone", 50.0)]);
    check(&wide, &on, &[&telling]);
    assert_eq!(make(&wide, &on).unwrap().touches, Some((2, 50.0, 100.0)));
    // Everyone has it: what is left are the conditions of its stages, and nobody is told once more.
    let over = flag(true, &[("1/3 internal", 100.0), ("2/3 beta", 100.0), ("3/3 everyone", 100.0)]);
    check(&over, &on, &["3/3 everyone 100"]);
    let off = make(&wide, &Move::Finish(feature::Value::Off)).unwrap();
    assert_eq!(off.body["active"], false);
    assert_eq!(left(&off).len(), 4);
    let variants = json!([
        { "key": "control", "rollout_percentage": 50 }, { "key": "test", "rollout_percentage": 50 },
    ]);
    let groups = json!([{ "description": "3/3 everyone", "properties": [], "rollout_percentage": 100 }]);
    let filters = json!({
        "groups": groups, "multivariate": { "variants": variants }, "holdout": { "id": 1, "exclusion_percentage": 5 },
        "feature_enrollment": true, "aggregation_group_type_index": 0, "unknown": { "kept": true },
    });
    let test = with(filters, true);
    refused(&test, &on, "--variant control or test");
    refused(&test, &Move::Finish(feature::Value::from("blue")), "no variant 'blue'");
    let won = make(&test, &Move::Finish(feature::Value::from("test"))).unwrap();
    let filters = &won.body["filters"];
    assert_eq!(filters["multivariate"]["variants"][0]["rollout_percentage"], 0);
    assert_eq!(filters["multivariate"]["variants"][1]["rollout_percentage"], 100);
    assert_eq!(
        (&filters["holdout"], &filters["feature_enrollment"], &filters["aggregation_group_type_index"]),
        (&Value::Null, &json!(false), &Value::Null)
    );
    let after = with(filters.clone(), true);
    assert_eq!(
        served(true, after.filters().as_ref()),
        feature::Served::Everyone(feature::Value::from("test")),
        "everyone gets it"
    );
    refused(&after, &Move::Finish(feature::Value::from("test")), "already");
}
