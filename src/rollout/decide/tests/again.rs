//! Which of the things that are there is which.

use super::*;

fn insights_of(found: &Found) -> Vec<Value> {
    let tiles = found.objects[&Slot::Dashboard]["tiles"].as_array().unwrap().iter();
    tiles.map(|it| it["insight"].clone()).filter(|it| !it.is_null()).collect()
}

/// The names under which the insights of a brief are found among these, in its order.
fn names(brief: &str, found: &Found, list: &[Value]) -> Vec<String> {
    let mut pairs = insights(&target(brief), found, list);
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs.iter().map(|(slot, it)| format!("{slot}: {}", it["name"].as_str().unwrap())).collect()
}

#[test]
fn an_insight_is_found_by_what_it_shows_and_by_what_it_says() {
    let found = made(&target(TOUR));
    let mut list = insights_of(&found);
    let all = names(TOUR, &found, &list);
    assert_eq!(all.len(), 7);
    assert!(
        list.iter()
            .enumerate()
            .all(|(n, _)| all.iter().any(|it| it.contains(list[n]["name"].as_str().unwrap())))
    );
    // Renamed: what it shows tells. Renamed and changed: its description does.
    list[0]["name"] = "Who sees it".into();
    list[2]["name"] = "Crashes".into();
    list[2]["query"]["source"]["interval"] = "hour".into();
    let all = names(TOUR, &found, &list);
    assert_eq!(all.len(), 7, "{all:?}");
    assert!(all.contains(&"insight: people by variant: Who sees it".into()), "{all:?}");
    assert!(all.contains(&"insight: exceptions by variant: Crashes".into()), "{all:?}");
    // Called and described anew, it is still what it shows; what shows something else is somebody's own.
    list[0]["description"] = "by Ada".into();
    assert_eq!(names(TOUR, &found, &list).len(), 7);
    list[0]["query"]["source"]["interval"] = "hour".into();
    assert_eq!(names(TOUR, &found, &list).len(), 6);
}

/// The places of secondary metrics stand in their names, and change where one is taken out of the brief.
#[test]
fn a_metric_stays_the_same_where_another_leaves_the_brief() {
    let found = made(&target(TOUR));
    let list = insights_of(&found);
    let first =
        "[[secondary]]\nkind = \"trend\"\nevents = [\"certificate_downloaded\"]\ncount = \"people\"\n\n";
    assert!(TOUR.contains(first));
    let all = names(&TOUR.replace(first, ""), &found, &list);
    assert_eq!(all.len(), 6);
    let secondary = "insight: secondary metric 1 by variant: guided-tour: 3. coming back by variant";
    assert!(all.contains(&secondary.into()), "{all:?}");
}

/// A metric may be called like one of the graphs that every feature has.
#[test]
fn of_two_of_one_name_what_it_shows_tells() {
    let brief = TOUR.replace("name = \"First offset\"", "name = \"exceptions\"");
    let found = made(&target(&brief));
    let mut list = insights_of(&found);
    list.reverse();
    let pairs = insights(&target(&brief), &found, &list);
    assert_eq!(pairs.len(), 7);
    for (slot, it) in pairs {
        assert_eq!(it["query"], found.objects[&slot]["query"], "{slot}");
    }
}

#[test]
fn an_alert_is_found_by_the_insight_that_it_watches() {
    let target = target(TOUR);
    let found = made(&target);
    let insight = found.id(&Slot::Insight(InsightKind::ExceptionRate)).unwrap();
    let list = [
        json!({ "id": "a", "name": "Theirs", "insight": { "id": insight + 1 } }),
        json!({ "id": "b", "name": "Errors!", "insight": { "id": insight } }),
        json!({ "id": "c", "name": "guided-tour: exceptions", "insight": 1 }),
    ];
    let id = |list: &[Value]| alert(&target, &found, list).map(|it| it["id"].as_str().unwrap().to_owned());
    assert_eq!(id(&list).as_deref(), Some("c"));
    assert_eq!(id(&list[..2]).as_deref(), Some("b"));
    assert_eq!(id(&list[..1]), None);
}

#[test]
fn a_function_is_found_by_what_it_tells_whom() {
    let target = target(TOUR);
    let found = made(&target);
    let messages = Slot::Function(FunctionKind::SlackMessages);
    let own = &found.objects[&messages];
    let with = |fields: Value| {
        let mut it = own.clone();
        for (name, value) in fields.as_object().unwrap() {
            it[name] = value.clone();
        }
        it
    };
    let id = |slot: &Slot, list: &[Value]| function(&target, &found, slot, list).map(|it| it["id"].clone());
    let renamed = with(json!({ "id": "renamed", "name": "Ours", "enabled": false }));
    let elsewhere =
        with(json!({ "id": "elsewhere", "name": "Ours", "inputs": { "channel": { "value": "C9" } } }));
    let follower = with(json!({
        "id": "follower",
        "name": "guided-tour: #growth follows",
        "description": format!("{} It tells #growth.", bodies::marker("guided-tour")),
        "inputs": { "channel": { "value": "C9" } },
    }));
    let by_hand = with(json!({ "id": "by hand", "name": "Theirs", "description": "by Ada" }));
    let others = with(json!({
        "id": "others",
        "name": "Theirs",
        "description": "by Ada",
        "inputs": { "channel": { "value": "C9" } },
    }));
    let described = with(json!({ "id": "described", "description": "Tells us all." }));
    for (list, expect) in [
        (vec![follower.clone(), by_hand.clone(), elsewhere.clone(), renamed.clone()], Some("renamed")),
        (vec![follower.clone(), by_hand.clone(), elsewhere], Some("elsewhere")),
        (vec![follower.clone(), by_hand.clone(), described], Some("described")),
        (vec![follower.clone(), by_hand], Some("by hand")),
        (vec![follower, others], None),
    ] {
        assert_eq!(id(&messages, &list), expect.map(Value::from));
        assert_eq!(id(&Slot::Function(FunctionKind::SlackChanges), &list), None);
    }
}

#[test]
fn a_renamed_cohort_is_the_one_in_the_flags_conditions() {
    let target = target(TOUR);
    let found = made(&target);
    let slots = ["Tour testers", "Low value"].map(|it| Slot::Cohort(it.to_owned()));
    let mut list: Vec<Value> = slots.iter().map(|it| found.objects[it].clone()).collect();
    let ids = |list: &[Value]| {
        let pairs = cohorts(&target, &found, list);
        slots.clone().map(|slot| pairs.iter().find(|it| it.0 == slot).map(|it| it.1["id"].as_u64().unwrap()))
    };
    let both = ids(&list);
    assert!(both.iter().all(Option::is_some));
    list.reverse();
    for it in &mut list {
        it["name"] = "Ours".into();
    }
    assert_eq!(ids(&list), both);
    // Who was invited to an interview is a cohort too, and in no condition.
    list[0]["id"] = 4711.into();
    assert_eq!(ids(&list), [both[0], None]);
    // A rule that somebody changed is shown; one that others made is theirs.
    let mut changed = made(&target);
    by_hand(&mut changed, slots[1].clone(), "/filters/properties/values/0/values/0/value", json!(50));
    let low = |target: &Target, found: &Found| words(target, found)[1].clone();
    let path = "cohort 'Low value': filters.properties.values[0].values[0].value: 50 → 100";
    assert_eq!(low(&target, &changed), format!("! {path}"));
    let taking_over = Target { take_over: true, ..target.clone() };
    assert_eq!(low(&taking_over, &changed), format!("~ {path}"));
    by_hand(&mut changed, slots[1].clone(), "/description", json!("by Ada"));
    assert_eq!(low(&taking_over, &changed), format!("! {path}"));
}

/// A flag may be deleted and made again, with the same key.
#[test]
fn an_invitation_to_an_earlier_flag_of_the_key_is_not_this_ones() {
    let mut found = made(&target(TOUR));
    with_flag(&mut found, json!({ "created_at": "2026-11-20T12:00:00Z" }));
    let survey = |started: Value, created_at: &str| {
        let list =
            [json!({ "name": "guided-tour: interview", "start_date": started, "created_at": created_at })];
        survey("guided-tour", found.flag.as_ref(), &list).is_some()
    };
    assert!(survey(Value::Null, "2026-11-19T12:00:00Z"), "a draft can be used");
    assert!(!survey(json!("2026-11-19T13:00:00Z"), "2026-11-19T12:00:00Z"));
    assert!(survey(json!("2026-11-21T13:00:00Z"), "2026-11-20T12:00:01Z"));
}

/// PostHog takes no second survey of a name, though the first is archived.
#[test]
fn an_archived_invitation_is_shown_and_taken_back() {
    let target = target(TOUR);
    let mut found = made(&target);
    found.objects.get_mut(&Slot::Survey).unwrap()["archived"] = true.into();
    news(&target, &found, &["! interview invitation: somebody archived it"]);
    let taking_over = Target { take_over: true, ..target };
    news(&taking_over, &found, &["~ interview invitation: somebody archived it"]);
}

/// What a graph shows and what it is called change together; what a person called it stays.
#[test]
fn a_graph_is_called_after_what_it_shows() {
    let found = made(&target(TOUR));
    let later = TOUR.replace("certificate_downloaded", "tree_planted").replace("First offset", "Offset");
    let target = Target { take_over: true, ..target(&later) };
    let list = insights_of(&found);
    let mut now = found.clone();
    now.objects.retain(|slot, _| !matches!(slot, Slot::Insight(_)));
    now.objects.extend(insights(&target, &now, &list));
    let all = words(&target, &now);
    let line = |of: &str| all.iter().find(|it| it.contains(of)).cloned().unwrap_or_default();
    let metric = "~ insight: key metric by variant: name: \"guided-tour: First offset by variant\"";
    assert!(line("key metric").starts_with(metric), "{all:#?}");
    let secondary = line("secondary metric 1");
    assert!(secondary.contains("name: ") && secondary.contains("tree_planted"), "{all:#?}");
    by_hand(&mut now, Slot::Insight(InsightKind::Metric), "/name", json!("Ours"));
    assert_eq!(words(&target, &now)[6], "= insight: key metric by variant: is there");
}
