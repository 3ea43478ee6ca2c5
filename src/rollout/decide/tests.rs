//! What a launch comes to, from a brief and what is there. What is there is made by taking the steps one by one, in
//! a PostHog of a few lines.

mod again;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::feature::brief::Brief;
use crate::flags::{Entry, Flag, History};
use crate::posthog::queries::Evaluations;
use crate::posthog::wire;

const TOUR: &str = include_str!("../../../fixtures/launch/guided-tour.toml");
const CHECKOUT: &str = include_str!("../../../fixtures/launch/short-checkout.toml");

fn target(brief: &str) -> Target {
    let brief = Brief::parse(brief).unwrap();
    Target {
        plan: brief.plan(&Default::default(), "ada@offset.example").unwrap(),
        webhook: Webhook::Known(SecretString::from("https://chat.example/s3cret")),
        brief,
        host: "https://eu.posthog.com".into(),
        project: 1,
        evaluations: Evaluations::Events,
        alerted: vec![1],
        leave_off: false,
        take_over: false,
        now: Timestamp::UNIX_EPOCH,
    }
}

fn nothing() -> Found {
    let channel = SlackChannel { workspace: 1, id: "C1".into(), name: "#releases".into() };
    Found { slack: Some(Ok(channel)), told: Some(false), ..Found::default() }
}

/// The flag with these fields over what it was.
fn with_flag(found: &mut Found, fields: Value) {
    let mut flag = match &found.flag {
        Some(flag) => json!({
            "id": flag.id,
            "key": flag.key.as_str(),
            "active": flag.active,
            "archived": flag.archived,
            "filters": serde_json::from_str::<Value>(flag.filters.get()).unwrap(),
            "analytics_dashboards": flag.dashboards,
            "version": flag.version,
        }),
        None => json!({ "id": 7, "archived": false, "version": 0 }),
    };
    let version = flag["version"].as_i64().unwrap() + 1;
    flag["version"] = version.into();
    for (name, value) in fields.as_object().unwrap() {
        flag[name] = value.clone();
    }
    found.flag = Some(Flag::from(serde_json::from_value::<wire::Flag>(flag).unwrap()));
}

fn filters(found: &Found) -> Value {
    serde_json::from_str(found.flag.as_ref().unwrap().filters.get()).unwrap()
}

/// Changes one thing that is there, as a person does on its page.
fn by_hand(found: &mut Found, slot: Slot, pointer: &str, value: Value) {
    *found.objects.get_mut(&slot).unwrap().pointer_mut(pointer).unwrap() = value;
}

/// Takes all steps that can be taken.
fn take(target: &Target, found: &mut Found) {
    for _ in 0..99 {
        let next = steps(target, found).into_iter().find(|it| it.action.writes());
        let Some(Step { slot, action, .. }) = next else { return };
        let (Action::Make(Some(body)) | Action::Change(body, _)) = action else {
            panic!("{slot}: {action:?}")
        };
        let n = found.objects.len() as u64 + 10;
        let add_tile = |found: &mut Found, tile: Value| {
            let dashboard = found.objects.get_mut(&Slot::Dashboard).unwrap();
            let tiles = dashboard["tiles"].as_array_mut().unwrap();
            match tiles.iter_mut().find(|it| it["id"] == tile["id"]) {
                Some(it) => it["text"] = tile["text"].clone(),
                None => tiles.push(tile),
            }
        };
        match &slot {
            Slot::Flag | Slot::Link | Slot::On => {
                with_flag(found, body);
                found.switched_on |= slot == Slot::On;
            }
            Slot::Layout => {
                add_tile(found, json!({ "id": 99, "text": body["tiles"][0]["text"] }));
            }
            Slot::Start => by_hand(found, Slot::Experiment, "/start_date", json!("2026-11-27T12:00:00Z")),
            Slot::Message => found.told = Some(true),
            slot => {
                let mut object =
                    found.objects.get(slot).cloned().unwrap_or_else(|| json!({ "id": n, "short_id": "x" }));
                for (name, value) in body.as_object().unwrap() {
                    object[name] = value.clone();
                }
                match slot {
                    Slot::Dashboard => object["tiles"] = json!([]),
                    Slot::Insight(_) => add_tile(found, json!({ "id": n, "insight": object })),
                    Slot::Experiment => object["start_date"] = Value::Null,
                    Slot::Survey | Slot::Alert => object["id"] = json!("0190"),
                    _ => {}
                }
                found.objects.insert(slot.clone(), object);
            }
        }
    }
    panic!("no end of it");
}

/// Everything that a launch of a brief makes.
fn made(target: &Target) -> Found {
    let mut found = nothing();
    take(target, &mut found);
    found.switched_on = false;
    found
}

/// The steps in words: a sign, what about, what becomes of it.
fn words(target: &Target, found: &Found) -> Vec<String> {
    let of = |Step { slot, action, .. }: Step| match action {
        Action::Make(_) => format!("+ {slot}"),
        Action::Change(_, what) => format!("~ {slot}: {}", what.join("; ")),
        Action::Keep(words) => format!("= {slot}: {words}"),
        Action::Differs(what) => format!("! {slot}: {}", what.join("; ")),
        Action::Skip(why) => format!("- {slot}: {why}"),
        Action::Wait(pending) => format!("? {slot}: {}", pending.id),
    };
    steps(target, found).into_iter().map(of).collect()
}

/// What is to be told besides what is there as it should be.
#[track_caller]
fn news(target: &Target, found: &Found, expected: &[&str]) {
    let words: Vec<String> = words(target, found).into_iter().filter(|it| !it.starts_with('=')).collect();
    assert_eq!(words, expected);
}

#[test]
fn a_fresh_launch_makes_all_in_its_order() {
    assert_eq!(
        words(&target(TOUR), &nothing()),
        [
            "+ cohort 'Tour testers'",
            "+ cohort 'Low value'",
            "+ flag",
            "+ early access feature",
            "+ dashboard",
            "+ insight: people by variant",
            "+ insight: key metric by variant",
            "+ insight: exceptions by variant",
            "+ insight: people who come back",
            "+ insight: secondary metric 1 by variant",
            "+ insight: secondary metric 2 by variant",
            "+ insight: percent of people with exceptions",
            "+ link from the flag to the dashboard",
            "+ recordings playlist",
            "+ notification: messages to Slack",
            "+ notification: changes of the flag to Slack",
            "+ interview invitation",
            "+ text and order of the dashboard",
            "+ alert on exceptions",
            "+ notification: the alert to Slack",
            "+ flag on",
            "+ message",
            "+ annotation",
        ]
    );
}

#[test]
fn a_test_has_an_experiment_and_a_playlist_for_each_variant() {
    let words = words(&target(CHECKOUT), &nothing());
    for expected in [
        "+ experiment",
        "+ recordings playlist of control",
        "+ recordings playlist of one-page",
        "+ recordings playlist of two-pages",
        "+ notification: messages to a webhook",
        "+ experiment launched",
    ] {
        assert!(words.contains(&expected.to_owned()), "no {expected} in {words:#?}");
    }
    let at = |it: &str| words.iter().position(|word| word == it);
    assert!(at("+ flag on") < at("+ experiment launched") && at("+ experiment launched") < at("+ message"));
}

#[test]
fn what_is_there_is_left_alone() {
    for brief in [TOUR, CHECKOUT] {
        let target = target(brief);
        let found = made(&target);
        news(&target, &found, &[]);
        // Also on a server that tells whom a survey is for by a flag of its own.
        let mut found = found;
        let survey = found.objects.get_mut(&Slot::Survey).unwrap().as_object_mut().unwrap();
        if let Some(filters) = survey.remove("targeting_flag_filters") {
            survey
                .insert("targeting_flag".into(), json!({ "key": "survey-targeting-x", "filters": filters }));
        }
        news(&target, &found, &[]);
        let old = Found { is_old: true, ..nothing() };
        let mut found = old;
        take(&target, &mut found);
        assert!(words(&target, &found).iter().all(|it| it.starts_with(['=', '-'])), "{brief}");
    }
}

#[test]
fn everything_but_the_flag_on() {
    let target = Target { leave_off: true, ..target(TOUR) };
    let found = made(&target);
    assert!(!found.flag.as_ref().unwrap().active);
    assert_eq!(words(&target, &found).last().unwrap(), "= notification: the alert to Slack: is there");
    let later = super::tests::target(TOUR);
    news(&later, &found, &["+ flag on", "+ message", "+ annotation"]);
}

#[test]
fn what_was_changed_by_hand_is_shown_and_kept() {
    let target = target(TOUR);
    let mut found = made(&Target { leave_off: true, ..target.clone() });
    let mut changed = filters(&found);
    changed["groups"][1]["properties"] = json!([]);
    changed["groups"][2]["variant"] = json!("test");
    changed["groups"].as_array_mut().unwrap().push(json!({ "properties": [], "rollout_percentage": 30 }));
    with_flag(&mut found, json!({ "filters": changed }));
    let insight = Slot::Insight(InsightKind::Exposure);
    by_hand(&mut found, insight, "/query/source/dateRange/date_from", json!("-30d"));
    by_hand(&mut found, Slot::Playlist(None), "/filters/date_from", json!("-3d"));
    by_hand(&mut found, Slot::Survey, "/questions/0/question", json!("Lunch?"));
    let of_dashboard = found.objects.get_mut(&Slot::Dashboard).unwrap();
    let tile = of_dashboard["tiles"].as_array_mut().unwrap().iter_mut().find(|it| it["id"] == 99).unwrap();
    tile["text"]["body"] = format!("Our own words. {}", bodies::marker("guided-tour")).into();
    let of_flag = "the condition '2/4 beta' is for other people; the condition '3/4 low value' gives all of its \
                   people one variant; it has a condition that the plan does not have";
    news(
        &target,
        &found,
        &[
            &format!("! flag: {of_flag}"),
            "! insight: people by variant: query.source.dateRange.date_from: \"-30d\" → \"-14d\"",
            "! recordings playlist: filters.date_from: \"-3d\" → \"-7d\"",
            "! interview invitation: questions[0].question: \"Lunch?\" → \"Could we talk for 20 minutes about \\\"Gu…",
            "! text and order of the dashboard: the text",
            &format!(
                "- flag on: {of_flag}; it would not begin where the plan does. Look at it on its page, or run this with --take-over"
            ),
            "- message: follows once the flag is on",
            "- annotation: follows once the flag is on",
        ],
    );
    let taking_over = Target { take_over: true, ..target.clone() };
    news(
        &taking_over,
        &found,
        &[
            &format!("~ flag: {of_flag}"),
            "~ insight: people by variant: query.source.dateRange.date_from: \"-30d\" → \"-14d\"",
            "~ recordings playlist: filters.date_from: \"-3d\" → \"-7d\"",
            "~ interview invitation: questions[0].question: \"Lunch?\" → \"Could we talk for 20 minutes about \\\"Gu…",
            "~ text and order of the dashboard: the text",
            // The flag as the take-over leaves it.
            "+ flag on",
            "+ message",
            "+ annotation",
        ],
    );
    take(&taking_over, &mut found);
    found.switched_on = false;
    news(&target, &found, &[]);
    assert_eq!(filters(&found), filters(&made(&target)));
}

#[test]
fn who_takes_over_keeps_how_far_stages_are() {
    let target = target(TOUR);
    let mut found = made(&target);
    let mut changed = filters(&found);
    changed["groups"][1]["rollout_percentage"] = 40.into();
    changed["groups"][1]["description"] = "2/4 beta · stopped: too many exceptions".into();
    changed["groups"][0]["properties"] = json!([]);
    changed["payloads"] = json!({ "true": "1" });
    with_flag(&mut found, json!({ "filters": changed }));
    let taking_over = Target { take_over: true, ..target };
    news(&taking_over, &found, &["~ flag: the condition '1/4 internal' is for other people"]);
    take(&taking_over, &mut found);
    let now = filters(&found);
    assert_eq!(
        (&now["groups"][1]["rollout_percentage"], &now["groups"][1]["description"], &now["payloads"]),
        (&json!(40), &json!("2/4 beta · stopped: too many exceptions"), &json!({ "true": "1" }))
    );
    assert_ne!(now["groups"][0]["properties"], json!([]));
}

/// A plan that got a stage or lost one is taken over with its stops: only `resume` lifts one.
#[test]
fn who_takes_over_a_changed_plan_keeps_its_stop() {
    let target = target(TOUR);
    let after = |conditions: &[(&str, u64)]| {
        let mut found = made(&target);
        let mut changed = filters(&found);
        let group = |(description, percent): &(&str, u64)| json!({ "description": description, "rollout_percentage": percent, "properties": [] });
        changed["groups"] = conditions.iter().map(group).collect();
        with_flag(&mut found, json!({ "filters": changed }));
        take(&Target { take_over: true, ..target.clone() }, &mut found);
        let groups = filters(&found)["groups"].as_array().unwrap().clone();
        let line =
            |it: &Value| format!("{} {}", it["description"].as_str().unwrap(), it["rollout_percentage"]);
        groups.iter().map(line).collect::<Vec<String>>().join(", ")
    };
    assert_eq!(
        after(&[
            ("1/3 internal", 100),
            ("2/3 low value · stopped: errors · ask Ada", 0),
            ("3/3 everyone", 0)
        ]),
        "1/4 internal 100, 2/4 beta 0.0, 3/4 low value · stopped: errors · ask Ada 0, 4/4 everyone 0"
    );
    // A stage that is called otherwise by now, and one that PostHog took further by itself.
    assert_eq!(
        after(&[
            ("1/4 staff", 100),
            ("2/4 beta", 100),
            ("3/4 small accounts · ask Ada", 10),
            ("3/4 small accounts · scheduled", 50),
            ("4/4 everyone", 0),
        ]),
        "1/4 internal 100, 2/4 beta 100, 3/4 low value · ask Ada 50, 4/4 everyone 0"
    );
    // What was opened in spite of a stop is not kept open.
    assert_eq!(
        after(&[
            ("1/4 internal", 100),
            ("2/4 beta · stopped: errors", 0),
            ("2/4 beta · scheduled", 50),
            ("4/4 everyone", 0)
        ]),
        "1/4 internal 100, 2/4 beta · stopped: errors 0, 3/4 low value 0.0, 4/4 everyone 0"
    );
    // The stage that was stopped is gone.
    assert_eq!(
        after(&[("1/5 internal", 100), ("2/5 friends · stopped: errors", 0), ("3/5 low value", 0)]),
        "1/4 internal 100, 2/4 beta · stopped: errors 0.0, 3/4 low value 0, 4/4 everyone 0.0"
    );
}

#[test]
fn a_flag_that_would_open_elsewhere_stays_off() {
    let target = target(TOUR);
    let made = made(&Target { leave_off: true, ..target.clone() });
    let on = |target: &Target, at: usize, percent: u64, description: &str| {
        let mut found = made.clone();
        let mut changed = filters(&found);
        changed["groups"][at]["rollout_percentage"] = percent.into();
        changed["groups"][at]["description"] = description.into();
        with_flag(&mut found, json!({ "filters": changed }));
        words(target, &found).into_iter().find(|it| it[2..].starts_with("flag on")).unwrap()
    };
    let rest = "it would not begin where the plan does. Look at it on its page, or run this with --take-over";
    let taking_over = Target { take_over: true, ..target.clone() };
    for (at, percent, description, expected) in [
        (0, 100, "1/4 internal", "+ flag on".to_owned()),
        (0, 50, "1/4 internal", format!("- flag on: its stage 'internal' is at 50 % already; {rest}")),
        (2, 10, "3/4 low value", format!("- flag on: its stage 'low value' is at 10 % already; {rest}")),
    ] {
        assert_eq!(on(&target, at, percent, description), expected);
        assert_eq!(on(&taking_over, at, percent, description), "+ flag on");
    }
    // Nothing but a person's word leaves a stop.
    let stopped =
        "- flag on: its stage 'internal' was stopped (errors); go on with flagline resume guided-tour";
    assert_eq!(on(&target, 0, 100, "1/4 internal · stopped: errors"), stopped);
    assert_eq!(on(&taking_over, 0, 100, "1/4 internal · stopped: errors"), stopped);
}

#[test]
fn without_the_flag_there_is_nothing() {
    let target = target(TOUR);
    let mut archived = made(&target);
    with_flag(&mut archived, json!({ "active": false, "archived": true }));
    assert_eq!(
        words(&target, &archived),
        ["- flag: is archived; take it back on its page, or choose another key"]
    );
    let mut newer = nothing();
    with_flag(&mut newer, json!({ "key": "guided-tour", "filters": { "version": 2, "rules": [] } }));
    assert_eq!(
        words(&target, &newer),
        ["- flag: has rules of a newer kind, which can be written on its page only"]
    );
    let cohort = || Slot::Cohort("Low value".into());
    let mut behavioural = nothing();
    behavioural.objects.insert(cohort(), json!({ "id": 5, "name": "Low value" }));
    behavioural.behavioral_cohorts.insert(5);
    assert_eq!(
        words(&target, &behavioural),
        [
            "+ cohort 'Tour testers'",
            "- cohort 'Low value': is of behaviour, and PostHog refuses such a cohort in a flag; make it static",
            "- flag: needs the cohort 'Low value'",
        ]
    );
    let mut refused = nothing();
    refused.refused.insert(cohort(), Refused("no".into()));
    assert_eq!(
        words(&target, &refused),
        ["+ cohort 'Tour testers'", "- cohort 'Low value': no", "- flag: needs the cohort 'Low value'"]
    );
}

#[test]
fn what_needs_something_that_is_refused_is_left_out() {
    let target = target(TOUR);
    let refused = |slots: &[Slot]| {
        let mut found = nothing();
        found.refused.extend(slots.iter().map(|it| (it.clone(), Refused("no".into()))));
        let left_out = words(&target, &found).into_iter().filter(|it| it.starts_with('-'));
        left_out.collect::<Vec<String>>()
    };
    assert_eq!(
        refused(&[Slot::Dashboard]),
        [
            "- dashboard: no",
            "- insight: people by variant: needs the dashboard",
            "- insight: key metric by variant: needs the dashboard",
            "- insight: exceptions by variant: needs the dashboard",
            "- insight: people who come back: needs the dashboard",
            "- insight: secondary metric 1 by variant: needs the dashboard",
            "- insight: secondary metric 2 by variant: needs the dashboard",
            "- insight: percent of people with exceptions: needs the dashboard",
            "- link from the flag to the dashboard: needs the dashboard",
            "- text and order of the dashboard: needs the dashboard",
            "- alert on exceptions: needs its insight",
            "- notification: the alert to Slack: needs the alert",
        ]
    );
    assert_eq!(
        refused(&[Slot::Insight(InsightKind::ExceptionRate)]),
        [
            "- insight: percent of people with exceptions: no",
            "- alert on exceptions: needs its insight",
            "- notification: the alert to Slack: needs the alert",
        ]
    );
    assert_eq!(refused(&[Slot::Message]), ["- message: no"]);
    // What could not be made is made later, and the text links to it.
    let mut found = nothing();
    found.refused.insert(Slot::Playlist(None), Refused("no".into()));
    take(&target, &mut found);
    found.refused.clear();
    found.switched_on = false;
    news(&target, &found, &["+ recordings playlist"]);
    let mut once_more = found.clone();
    let playlist = bodies::playlist(&target, &found, None);
    once_more.objects.insert(Slot::Playlist(None), playlist);
    once_more.objects.get_mut(&Slot::Playlist(None)).unwrap()["short_id"] = "abc".into();
    news(&target, &once_more, &["~ text and order of the dashboard: more to link to"]);
}

#[test]
fn what_waits_for_an_approval_is_not_asked_for_again() {
    let target = target(CHECKOUT);
    let off = made(&Target { leave_off: true, ..target.clone() });
    let pending = || Some(Pending { id: "0190".into() });
    let found = Found { pending: pending(), ..off.clone() };
    news(
        &target,
        &found,
        &[
            "? flag on: 0190",
            "- experiment launched: follows once the flag is on",
            "- message: follows once the flag is on",
            "- annotation: follows once the flag is on",
        ],
    );
    let mut changed = Found { pending_conditions: pending(), ..off };
    let mut of_flag = filters(&changed);
    of_flag["groups"].as_array_mut().unwrap().truncate(1);
    with_flag(&mut changed, json!({ "filters": of_flag }));
    let words = words(&Target { take_over: true, ..target }, &changed);
    assert!(
        words.contains(&"? flag: 0190".into()) && words.contains(&"? flag on: 0190".into()),
        "{words:#?}"
    );
}

#[test]
fn who_switched_it_on_says_whether_it_was_launched() {
    let target = target(TOUR);
    // Somebody else, by hand.
    let mut found = nothing();
    with_flag(
        &mut found,
        json!({ "key": "guided-tour", "active": true, "filters": { "groups": [{ "properties": [], "rollout_percentage": 30 }] } }),
    );
    let words = words(&target, &found);
    for expected in [
        "= annotation: it was launched before",
        "= flag on: is there, at partial 30 %",
        "= message: it was launched before",
    ] {
        assert!(words.contains(&expected.to_owned()), "no {expected} in {words:#?}");
    }
    // Another launch was faster.
    let faster = Found { switched_on_elsewhere: true, told: Some(false), ..made(&target) };
    let faster = {
        let mut it = faster;
        it.objects.remove(&Slot::Annotation);
        it
    };
    news(&target, &faster, &[]);
    // A launch that was cut off right after the flag was on, or waited for an approval until now.
    let made = made(&target);
    let mut cut_off = Found { told: Some(false), ..made.clone() };
    cut_off.objects.remove(&Slot::Annotation);
    news(&target, &cut_off, &["+ message", "+ annotation"]);
    // One that was told, and cut off before its note.
    cut_off.told = Some(true);
    news(&target, &cut_off, &["+ annotation"]);
    // The note says that it was told, whatever can be read by now.
    for told in [Some(false), None] {
        news(&target, &Found { told, ..made.clone() }, &[]);
    }
    let blind = Found { told: None, ..cut_off };
    news(
        &target,
        &blind,
        &[
            "- message: whether it was sent before could not be asked",
            "- annotation: follows once the message is sent",
        ],
    );
}

#[test]
fn a_cohort_that_is_gone_is_what_is_told() {
    let target = target(TOUR);
    let found = made(&target);
    let (flag, gone) =
        (found.flag.as_ref().unwrap(), |name: &str| found.cohort(name).filter(|_| name != "Tour testers"));
    assert_eq!(
        crate::feature::drift(&target.brief, &target.plan, flag, &gone),
        ["the cohort 'Tour testers' of '2/4 beta' is not there"]
    );
}

#[test]
fn a_plan_of_groups_is_for_groups() {
    let brief = r#"
        key = "bulk"
        [[stage]]
        name = "pilots"
        audience = { properties = [{ key = "tier", value = "pilot", group_type = 0 }] }
        steps = [50, 100]
        [[stage]]
        name = "all"
        audience = "everyone"
    "#;
    let target = target(brief);
    let found = made(&target);
    let made = filters(&found);
    assert_eq!(made["aggregation_group_type_index"], 0);
    assert_eq!(made["groups"][0]["rollout_percentage"], 50.0);
    assert_eq!(made["groups"][1]["aggregation_group_type_index"], 0);
    let mut of_people = found.clone();
    let mut changed = made.clone();
    changed["aggregation_group_type_index"] = Value::Null;
    with_flag(&mut of_people, json!({ "filters": changed }));
    news(&target, &of_people, &["! flag: it is for people, and the plan for groups of a type"]);
}

#[test]
fn variants_and_their_shares_are_compared() {
    let target = target(CHECKOUT);
    let mut found = made(&target);
    let mut changed = filters(&found);
    changed["multivariate"]["variants"][0]["rollout_percentage"] = 40.into();
    with_flag(&mut found, json!({ "filters": changed.clone() }));
    news(&target, &found, &["! flag: its variants have other shares"]);
    changed["multivariate"]["variants"].as_array_mut().unwrap().remove(2);
    with_flag(&mut found, json!({ "filters": changed }));
    news(&target, &found, &["! flag: it has other variants"]);
}

#[test]
fn where_evaluations_have_a_table_it_is_asked() {
    let table = Target { evaluations: Evaluations::FlagEvaluations, ..target(TOUR) };
    let found = made(&table);
    let source = |kind: InsightKind| found.objects[&Slot::Insight(kind)]["query"]["source"].clone();
    for kind in [InsightKind::Exposure, InsightKind::Metric] {
        let source = source(kind);
        assert_eq!(source["series"][0]["table_name"], "flag_evaluations", "{source:#}");
        assert_eq!(
            source["breakdownFilter"],
            json!({ "breakdown": "response", "breakdown_type": "data_warehouse" })
        );
    }
    assert_eq!(source(InsightKind::Retention)["retentionFilter"]["targetEntity"]["type"], "data_warehouse");
    let met = &found.objects[&Slot::Playlist(None)]["filters"]["filter_group"]["values"][0]["values"][0];
    assert_eq!(met["key"], "$feature/guided-tour");
}

#[test]
fn an_experiment_says_what_counts_as_meeting_it() {
    for evaluations in [Evaluations::Events, Evaluations::FlagEvaluations] {
        let target = Target { evaluations, ..target(CHECKOUT) };
        let mut found = nothing();
        with_flag(&mut found, json!({ "key": "short-checkout" }));
        let experiment =
            json!({ "id": 5, "resolved_exposure_event": "$experiment_exposure", "start_date": null });
        found.objects.insert(Slot::Experiment, experiment);
        found.objects.insert(Slot::Dashboard, json!({ "id": 3 }));
        let event = "$experiment_exposure";
        let query = |kind| bodies::insight(&target, &found, kind).unwrap()["query"]["source"].clone();
        assert_eq!(query(InsightKind::Exposure)["series"][0]["event"], event);
        assert_eq!(query(InsightKind::Secondary(0))["series"][0]["event"], event);
        assert_eq!(query(InsightKind::Retention)["retentionFilter"]["targetEntity"]["id"], event);
        let playlist = bodies::playlist(&target, &found, Some("one-page"));
        assert_eq!(playlist["filters"]["filter_group"]["values"][0]["values"][0]["id"], event);
    }
}

#[test]
fn an_older_server_gets_filters_and_no_more_than_it_knows() {
    let old = Found { is_old: true, slack: None, ..nothing() };
    let target = target(TOUR);
    let mut found = old;
    for slot in [
        Slot::Function(FunctionKind::SlackMessages),
        Slot::Function(FunctionKind::SlackChanges),
        Slot::AlertFunction,
    ] {
        found.refused.insert(slot, Refused("this server does not have it".into()));
    }
    take(&target, &mut found);
    news(
        &target,
        &found,
        &[
            "- notification: messages to Slack: this server does not have it",
            "- notification: changes of the flag to Slack: this server does not have it",
            "- alert on exceptions: this server has no alerts",
            "- notification: the alert to Slack: this server does not have it",
        ],
    );
    let insight = &found.objects[&Slot::Insight(InsightKind::Metric)];
    assert_eq!((&insight["filters"]["insight"], insight.get("query")), (&json!("FUNNELS"), None));
    assert_eq!(found.objects[&Slot::Survey].get("responses_limit"), None);
    assert_eq!(found.objects[&Slot::Playlist(None)]["filters"]["events"][0]["id"], "$feature_flag_called");
}

#[test]
fn nobody_is_told_where_nobody_can_be() {
    let mut found = nothing();
    found.slack = Some(Err("Slack has no channel '#releases' that PostHog sees".into()));
    let left_out: Vec<String> =
        words(&target(TOUR), &found).into_iter().filter(|it| it.starts_with('-')).collect();
    assert_eq!(left_out.len(), 3, "{left_out:#?}");
    assert!(left_out.iter().all(|it| it.ends_with("Slack has no channel '#releases' that PostHog sees")));
    let missing =
        Target { webhook: Webhook::Missing("FLAGLINE_WEBHOOK_RELEASES".into()), ..target(CHECKOUT) };
    let expected = "- notification: messages to a webhook: the webhook's address is not in the variable FLAGLINE_WEBHOOK_RELEASES";
    assert!(words(&missing, &nothing()).contains(&expected.to_owned()));
    // Where PostHog has the address already, this machine needs none.
    let there = made(&target(CHECKOUT));
    news(&missing, &there, &[]);
}

/// A plan of one stage, which is the last one, and steps in time.
const LOAD: &str = r#"
    key = "bl"
    before_lifting = [{ what = "Load test" }, { what = "Legal", done = true }]
    [[stage]]
    name = "all"
    audience = "everyone"
    steps = [5, 60, 100]
    pace = "6h"
"#;

#[test]
fn what_is_open_before_lifting_speaks_against_opening_the_last_stage() {
    let only = target(LOAD);
    assert_eq!(concerns(&only, &nothing()), ["'Load test' to be done before lifting"]);
    let off = made(&Target { leave_off: true, ..only.clone() });
    assert_eq!(concerns(&only, &off), ["'Load test' to be done before lifting"]);
    assert!(concerns(&Target { leave_off: true, ..only.clone() }, &off).is_empty());
    // It is open already.
    assert!(concerns(&only, &made(&only)).is_empty());
    let first = LOAD.replace(
        "[[stage]]",
        "[[stage]]\nname = \"us\"\naudience = { email = \"ada@offset.example\" }\n[[stage]]",
    );
    assert!(concerns(&target(&first), &nothing()).is_empty());
}

#[test]
fn steps_in_time_are_known_before_the_flag_is_on() {
    let words = |target: &Target, found: &Found| {
        steps_in_time(target, found).iter().map(TimedStep::words).collect::<Vec<String>>()
    };
    let target = target(LOAD);
    let follow = ["PostHog goes to 60 % after 6h", "PostHog goes to 100 % after 12h"];
    assert_eq!(words(&target, &nothing()), follow);
    let off = made(&Target { leave_off: true, ..target.clone() });
    assert_eq!(words(&target, &off), follow);
    assert!(words(&Target { leave_off: true, ..target.clone() }, &off).is_empty());
    assert!(
        words(&target, &made(&target)).is_empty()
            && words(&super::tests::target(TOUR), &nothing()).is_empty()
    );
}

#[test]
fn a_flag_that_was_switched_off_stays_off() {
    let target = target(TOUR);
    let mut found = made(&target);
    with_flag(&mut found, json!({ "active": false }));
    let at = Some("2026-11-27T12:00:00Z".parse().unwrap());
    found.switched_off = Some(SwitchedOff { at, by: Some("Ben".into()), is_guessed: false });
    news(
        &target,
        &found,
        &["! flag on: it was launched before, and switched off on 27 Nov 2026, 12:00 UTC by Ben"],
    );
    assert_eq!(ending(&target, &found), Ending::Off);
    news(&Target { take_over: true, ..target }, &found, &["+ flag on"]);
}

#[test]
fn what_was_launched_before_is_known_by_marks_and_history() {
    let target = target(TOUR);
    let on = made(&target);
    let mut found = on.clone();
    with_flag(&mut found, json!({ "active": false }));
    let (off, filters) = (found.flag.unwrap(), on.flag.unwrap().filters);
    let entry = |created: bool, active_before: Option<bool>| Entry {
        at: Timestamp::UNIX_EPOCH,
        by: Some("Ben".into()),
        created,
        active_before,
        archived_before: None,
        deleted_before: None,
        filters_before: active_before.map(|_| filters.clone()),
    };
    let history = |entries: Vec<Entry>| History {
        version: off.version,
        entries,
        complete: true,
        fetched_at: Timestamp::UNIX_EPOCH,
    };
    let launched = history(vec![entry(false, Some(true)), entry(false, Some(false)), entry(true, None)]);
    let left_off = history(vec![entry(true, None)]);
    let of = |history: Option<&History>, told, is_noted| SwitchedOff::of(&off, history, told, Some(is_noted));
    let by_ben =
        Some(SwitchedOff { at: Some(Timestamp::UNIX_EPOCH), by: Some("Ben".into()), is_guessed: false });
    assert_eq!(of(Some(&launched), Some(true), true), by_ben);
    assert_eq!(of(Some(&launched), None, false), by_ben);
    // Left off, or cut off before it was on, by a release that noted it first.
    assert_eq!(of(Some(&left_off), Some(false), true), None);
    assert_eq!(of(None, Some(false), true), None);
    // Nobody may read its history.
    assert_eq!(of(None, Some(true), false), Some(SwitchedOff::default()));
    // Where nobody can tell, it is not switched on by itself.
    assert!(SwitchedOff::of(&off, None, None, None).is_some_and(|it| it.is_guessed));
    assert_eq!(of(None, None, false), None);
}

#[test]
fn a_flag_that_is_on_and_not_as_planned_is_not_called_launched() {
    let target = target(TOUR);
    let mut found = nothing();
    with_flag(
        &mut found,
        json!({ "key": "guided-tour", "active": true, "filters": { "groups": [{ "properties": [], "rollout_percentage": 30 }] } }),
    );
    assert!(matches!(ending(&target, &found), Ending::NotAsPlanned(what) if what.len() == 5));
    found.pending_conditions = Some(Pending { id: "0190".into() });
    let taking_over = Target { take_over: true, ..target.clone() };
    assert_eq!(ending(&taking_over, &found), Ending::TakeOverWaits(Pending { id: "0190".into() }));
    assert_eq!(ending(&target, &made(&target)), Ending::Launched);
}
