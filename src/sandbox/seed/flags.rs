//! The flags, told as their histories: each is written by the same code that answers requests, at its time.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ADA, BETA, CHECKOUT_BOARD, GRACE, INTERNAL, LOW_VALUE, VIDEOS_BOARD, days_ago, object};
use crate::sandbox::clock::Clock;
use crate::sandbox::experiments;
use crate::sandbox::flag_write::{create, lifecycle, patch};
use crate::sandbox::reply::{Caller, Result};
use crate::sandbox::world::{UserId, World};

/// What happened to a flag, and how many days ago.
struct Step(f64, UserId, Value);

fn everyone(percentage: u64) -> Value {
    json!({"groups": [{"properties": [], "rollout_percentage": percentage, "variant": null}], "multivariate": null, "payloads": {}})
}

fn condition(percentage: u64, properties: Value, description: &str) -> Value {
    json!({"properties": properties, "rollout_percentage": percentage, "variant": null, "description": description})
}

fn cohort(id: u64) -> Value {
    json!([{"key": "id", "type": "cohort", "operator": "in", "value": id}])
}

fn person(key: &str, operator: &str, value: Value) -> Value {
    json!([{"key": key, "type": "person", "operator": operator, "value": value}])
}

/// The staged rollout of the project videos.
fn videos(internal: u64, beta: u64) -> Value {
    json!({
        "groups": [
            condition(internal, cohort(INTERNAL), "1/4 internal"),
            condition(beta, cohort(BETA), "2/4 beta"),
            condition(0, cohort(LOW_VALUE), "3/4 low-value"),
            condition(0, json!([]), "4/4 everyone"),
        ],
        "multivariate": null,
        "payloads": {},
    })
}

fn variants(list: &[(&str, u64)], groups: Value) -> Value {
    let variant =
        |(key, percentage): &(&str, u64)| json!({"key": key, "name": "", "rollout_percentage": percentage});
    json!({"groups": groups, "multivariate": {"variants": list.iter().map(variant).collect::<Vec<_>>()}, "payloads": {}})
}

fn new(key: &str, name: &str, active: bool, filters: Value, tags: &[&str]) -> Value {
    json!({"key": key, "name": name, "active": active, "filters": filters, "tags": tags})
}

/// Makes the flags and their experiment.
pub(super) fn history(world: &mut World, now: Timestamp) -> Result<()> {
    let filters = |it: Value| json!({"filters": it});
    let all = json!([condition(100, json!([]), "")]);
    let histories: Vec<Vec<Step>> = vec![
        vec![
            Step(
                190.0,
                ADA,
                new("new-checkout", "Checkout in one step", false, everyone(0), &["owner:payments"]),
            ),
            Step(186.0, ADA, json!({"active": true, "filters": everyone(5)})),
            Step(170.0, ADA, filters(everyone(25))),
            Step(140.0, GRACE, filters(everyone(50))),
            Step(139.0, ADA, json!({"analytics_dashboards": [CHECKOUT_BOARD]})),
            Step(110.0, ADA, filters(everyone(100))),
        ],
        vec![
            Step(
                20.0,
                ADA,
                new(
                    "project-videos",
                    "Videos of the projects one has paid for",
                    false,
                    videos(0, 0),
                    &["owner:growth"],
                ),
            ),
            Step(19.9, ADA, json!({"analytics_dashboards": [VIDEOS_BOARD]})),
            Step(18.0, ADA, json!({"active": true, "filters": videos(100, 0)})),
            Step(9.0, ADA, filters(videos(100, 10))),
            Step(5.0, GRACE, filters(videos(100, 25))),
            Step(2.0, ADA, filters(videos(100, 40))),
        ],
        vec![Step(
            16.0,
            GRACE,
            new(
                "pricing-page",
                "Prices by the year",
                false,
                variants(&[("control", 50), ("test", 50)], all.clone()),
                &["owner:growth"],
            ),
        )],
        vec![
            Step(75.0, GRACE, new("old-banner", "Banner of the spring campaign", false, everyone(100), &[])),
            Step(72.0, GRACE, json!({"active": true})),
            Step(12.0, GRACE, json!({"active": false})),
        ],
        vec![Step(
            6.0,
            ADA,
            new("gift-cards", "Offsets as a present", false, everyone(0), &["owner:payments"]),
        )],
        vec![
            Step(60.0, GRACE, new("dark-mode", "Dark colours", true, everyone(10), &["owner:web"])),
            Step(45.0, GRACE, filters(everyone(100))),
        ],
        vec![
            Step(240.0, ADA, new("legacy-export", "The old export", true, everyone(100), &[])),
            Step(80.0, ADA, json!({"archived": true})),
        ],
        vec![
            Step(220.0, GRACE, new("search-v1", "First search", true, everyone(100), &[])),
            Step(8.0, GRACE, json!({"deleted": true})),
        ],
        vec![Step(
            33.0,
            ADA,
            json!({
                "key": "company-reports",
                "name": "Reports for companies",
                "tags": ["owner:b2b"],
                "filters": {
                    "groups": [{
                        "properties": [{"key": "plan", "type": "group", "group_type_index": 0, "operator": "exact", "value": ["enterprise"]}],
                        "rollout_percentage": 100,
                        "variant": null,
                        "aggregation_group_type_index": 0,
                    }],
                    "multivariate": null,
                    "payloads": {},
                    "aggregation_group_type_index": 0,
                },
            }),
        )],
        vec![Step(
            50.0,
            GRACE,
            new(
                "beta-nav",
                "New navigation, for us",
                true,
                json!({"groups": [condition(100, person("email", "icontains", json!("@offset.example")), "")], "multivariate": null, "payloads": {}}),
                &["owner:web"],
            ),
        )],
        vec![Step(
            28.0,
            ADA,
            new("quick-offset", "Offset a flight in one click", true, everyone(25), &["owner:payments"]),
        )],
        vec![
            Step(
                100.0,
                GRACE,
                new(
                    "checkout-copy",
                    "Words of the checkout",
                    true,
                    variants(&[("plain", 50), ("warm", 50)], all.clone()),
                    &[],
                ),
            ),
            Step(70.0, GRACE, filters(variants(&[("plain", 0), ("warm", 100)], all))),
        ],
        vec![
            Step(
                48.0,
                ADA,
                new("certificate-pdf", "Certificates as PDF", true, everyone(50), &["owner:payments"]),
            ),
            Step(20.0, ADA, filters(everyone(100))),
        ],
        vec![Step(
            14.0,
            GRACE,
            new("referral-banner", "Invite a friend", true, everyone(10), &["owner:growth"]),
        )],
        vec![Step(
            90.0,
            ADA,
            new(
                "project-map",
                "Projects on a map",
                true,
                json!({"groups": [condition(100, person("plan", "exact", json!(["pro", "team"])), "")], "multivariate": null, "payloads": {}}),
                &["owner:web"],
            ),
        )],
        vec![
            Step(130.0, GRACE, new("email-digest", "Monthly mail", true, everyone(50), &[])),
            Step(62.0, GRACE, filters(everyone(100))),
        ],
        vec![Step(
            11.0,
            ADA,
            new(
                "team-accounts",
                "Accounts with several people",
                true,
                json!({"groups": [condition(100, cohort(INTERNAL), "1/2 internal"), condition(0, json!([]), "2/2 everyone")], "multivariate": null, "payloads": {}}),
                &["owner:b2b"],
            ),
        )],
        vec![Step(
            25.0,
            ADA,
            json!({
                "key": "tree-counter",
                "name": "Trees on the first page",
                "active": true,
                "ensure_experience_continuity": true,
                "filters": {
                    "groups": [{"properties": [], "rollout_percentage": 60, "variant": null}],
                    "multivariate": null,
                    "payloads": {"true": "{\"animate\": true}"},
                },
            }),
        )],
    ];
    for steps in histories {
        let mut flag = None;
        for Step(days, by, body) in steps {
            world.clock = Clock::Stopped(days_ago(now, days));
            match flag {
                None => flag = Some(create(world, by, &object(body))?),
                Some(id) => patch(world, by, id, &object(body))?,
            }
        }
    }
    experiment(world, now)
}

/// The experiment on the prices: drafted, launched a day later.
fn experiment(world: &mut World, now: Timestamp) -> Result<()> {
    world.clock = Clock::Stopped(days_ago(now, 15.0));
    let body = json!({
        "name": "Prices by the year",
        "description": "Do prices by the year sell more than prices by the month?",
        "feature_flag_key": "pricing-page",
        // The seed's events are those of SDKs that know no exposure of their own for experiments.
        "exposure_criteria": {"exposure_config": {"kind": "ExperimentEventExposureConfig", "event": "$feature_flag_called"}},
        "metrics": [{"kind": "ExperimentMetric", "metric_type": "mean", "source": {"kind": "EventsNode", "event": "purchase"}}],
    });
    experiments::create(world, Caller { user: GRACE }, &object(body))?;
    world.clock = Clock::Stopped(days_ago(now, 14.0));
    let start = world.now();
    let flag = world.experiments.iter_mut().map(|it| {
        it.start = Some(start);
        it.flag
    });
    match flag.last() {
        Some(flag) => lifecycle(world, GRACE, flag, "enable"),
        None => Ok(()),
    }
}
