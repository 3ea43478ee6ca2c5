//! The seed: Offset, a company that sells carbon offsets and shows its customers videos of the projects they pay
//! for. Everything depends on the clock only; the same time gives the same project, to the last id.

mod flags;
mod traffic;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::clock::{Clock, add};
use super::hash::{hash, unit};
use super::reply::Caller;
use super::world::{Group, UserId, World};
use super::{Shape, cohorts, dashboards, insights};

pub(super) const ADA: UserId = 1;
pub(super) const GRACE: UserId = 2;

/// The people of the company itself, customers of their own product.
const STAFF: [&str; 12] = [
    "ada",
    "grace",
    "alan",
    "barbara",
    "edsger",
    "frances",
    "hedy",
    "john",
    "katherine",
    "linus",
    "margaret",
    "tim",
];
const PEOPLE: usize = 400;
const COMPANIES: usize = 24;
const COUNTRIES: [&str; 6] = ["DE", "FR", "US", "NL", "SE", "GB"];

/// The seeded project; clock and shape are as given.
pub(super) fn world(clock: Clock, shape: Shape) -> World {
    let now = clock.now();
    let mut world = World::new(Clock::new(Some(now)));
    people(&mut world);
    let made = cohorts(&mut world, now)
        .and_then(|()| dashboards(&mut world, now))
        .and_then(|()| flags::history(&mut world, now));
    debug_assert!(made.is_ok(), "the seed is refused: {made:?}");
    traffic::events(&mut world, now);
    world.clock = clock;
    world.shape = shape;
    if shape.is_old() {
        // Nothing could be archived then, only switched off.
        world.flags.iter_mut().for_each(|it| it.state.archived = false);
    }
    world
}

/// A time before now.
fn days_ago(now: Timestamp, days: f64) -> Timestamp {
    add(now, SignedDuration::from_secs(-(days * 86_400.0) as i64))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(it) => it,
        _ => Map::new(),
    }
}

fn people(world: &mut World) {
    for at in 0..PEOPLE {
        let staff = STAFF.get(at);
        let id = staff.map_or_else(|| format!("user-{at:03}"), |it| format!("{it}@offset.example"));
        let email = if staff.is_some() { id.clone() } else { format!("{id}@{}.example", mail_host(&id)) };
        let chance = unit(&["plan", &id]);
        let plan = match staff {
            Some(_) => "team",
            None if chance < 0.55 => "free",
            None if chance < 0.7 => "trial",
            None if chance < 0.92 => "pro",
            None => "team",
        };
        let ltv = match plan {
            "free" => hash(&["ltv", &id]) % 40,
            "trial" => 0,
            "pro" => 60 + hash(&["ltv", &id]) % 600,
            _ => 400 + hash(&["ltv", &id]) % 3_000,
        };
        let properties = json!({
            "email": email,
            "plan": plan,
            "ltv": ltv,
            "country": COUNTRIES[(hash(&["country", &id]) % 6) as usize],
            "beta_tester": staff.is_none() && unit(&["beta", &id]) < 0.15,
        });
        world.people.upsert(&id, object(properties));
    }
    for at in 0..COMPANIES {
        let key = format!("company-{at:02}");
        let size = 5 + hash(&["size", &key]) % 2_000;
        let plan = if size > 800 { "enterprise" } else { "team" };
        let properties = object(json!({"name": format!("Company {at:02}"), "plan": plan, "employees": size}));
        world.groups.push(Group { type_index: 0, key, properties });
    }
}

fn mail_host(id: &str) -> &'static str {
    ["mail", "post", "letters"][(hash(&["host", id]) % 3) as usize]
}

/// The company that a person works for.
fn company(distinct_id: &str) -> usize {
    (hash(&["company", distinct_id]) % COMPANIES as u64) as usize
}

fn cohorts(world: &mut World, now: Timestamp) -> super::reply::Result<()> {
    let by_property = |name: &str, description: &str, property: Value| {
        json!({
            "name": name,
            "description": description,
            "filters": {"properties": {"type": "OR", "values": [{"type": "AND", "values": [property]}]}},
        })
    };
    let beta: Vec<String> = world
        .people
        .iter()
        .filter(|it| it.properties.get("beta_tester") == Some(&Value::Bool(true)))
        .map(|it| it.uuid.to_string())
        .collect();
    let person = |key: &str, operator: &str, value: Value| json!({"type": "person", "key": key, "operator": operator, "value": value});
    let bodies = [
        by_property("Internal", "People of Offset", person("email", "icontains", json!("@offset.example"))),
        json!({
            "name": "Beta testers",
            "description": "Customers who asked for early features",
            "is_static": true,
            "_create_static_person_ids": beta,
        }),
        by_property("Low-value", "Customers who paid less than 50", person("ltv", "lt", json!(50))),
        by_property("High-value", "Customers who paid 50 or more", person("ltv", "gte", json!(50))),
    ];
    for (body, days) in bodies.into_iter().zip([300.0, 200.0, 150.0, 150.0]) {
        world.clock = Clock::Stopped(days_ago(now, days));
        cohorts::create(world, Caller { user: ADA }, &object(body))?;
    }
    Ok(())
}

/// Cohorts in the order in which [`cohorts`] makes them.
const INTERNAL: u64 = 1;
const BETA: u64 = 2;
const LOW_VALUE: u64 = 3;

/// Dashboards in the order in which [`dashboards`] makes them.
const CHECKOUT_BOARD: u64 = 1;
const VIDEOS_BOARD: u64 = 2;

fn dashboards(world: &mut World, now: Timestamp) -> super::reply::Result<()> {
    let boards = [
        (190.0, "new-checkout", "Checkout", "purchase"),
        (20.0, "project-videos", "Project videos", "$pageview"),
    ];
    for (days, key, name, metric) in boards {
        world.clock = Clock::Stopped(days_ago(now, days));
        let body =
            json!({"name": name, "description": format!("How {key} does"), "tags": [format!("flag:{key}")]});
        let board = dashboards::create(world, ADA, &object(body))?;
        for (name, query) in [
            (format!("{key}: exposure"), exposure(key)),
            (format!("{key}: {metric} by value"), by_value(key, metric)),
            (format!("{key}: exceptions by value"), by_value(key, "$exception")),
        ] {
            insights::create(
                world,
                ADA,
                &object(json!({"name": name, "query": query, "dashboards": [board], "saved": true})),
            )?;
        }
    }
    world.clock = Clock::Stopped(days_ago(now, 300.0));
    dashboards::create(world, GRACE, &object(json!({"name": "Company", "pinned": true})))?;
    let pageviews = json!({
        "kind": "InsightVizNode",
        "source": {
            "kind": "TrendsQuery",
            "dateRange": {"date_from": "-14d"},
            "interval": "day",
            "series": [{"kind": "EventsNode", "event": "$pageview", "name": "$pageview", "math": "dau"}],
        },
    });
    insights::create(
        world,
        GRACE,
        &object(json!({"name": "Daily people", "query": pageviews, "dashboards": [3], "saved": true})),
    )?;
    Ok(())
}

/// People exposed to a flag, by response.
fn exposure(key: &str) -> Value {
    json!({
        "kind": "InsightVizNode",
        "source": {
            "kind": "TrendsQuery",
            "dateRange": {"date_from": "-14d"},
            "interval": "day",
            "series": [{
                "kind": "EventsNode",
                "event": "$feature_flag_called",
                "name": "$feature_flag_called",
                "custom_name": format!("{key} exposure"),
                "math": "dau",
                "properties": [{"key": "$feature_flag", "type": "event", "operator": "exact", "value": [key]}],
            }],
            "breakdownFilter": {"breakdown": "$feature_flag_response", "breakdown_type": "event", "breakdown_limit": 10},
            "trendsFilter": {"display": "ActionsLineGraph", "showLegend": true},
        },
    })
}

/// An event by the value that a flag had.
fn by_value(key: &str, event: &str) -> Value {
    let property = format!("$feature/{key}");
    json!({
        "kind": "InsightVizNode",
        "source": {
            "kind": "TrendsQuery",
            "dateRange": {"date_from": "-14d"},
            "interval": "day",
            "series": [{
                "kind": "EventsNode",
                "event": event,
                "name": event,
                "math": "total",
                "properties": [{"key": property, "type": "event", "operator": "is_set", "value": "is_set"}],
            }],
            "breakdownFilter": {"breakdown": property, "breakdown_type": "event"},
            "trendsFilter": {"display": "ActionsLineGraph"},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::events::FLAG_CALLED;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_seed_depends_on_the_clock_only() {
        let (a, b) = (
            world(Clock::new(Some(now())), Shape::default()),
            world(Clock::new(Some(now())), Shape::default()),
        );
        assert!(a.events.iter().map(|it| it.json()).eq(b.events.iter().map(|it| it.json())));
        assert!(a.flags.iter().map(|it| it.json(&a)).eq(b.flags.iter().map(|it| it.json(&b))));
        assert!((8_000..40_000).contains(&a.events.len()), "{} events", a.events.len());
    }

    #[test]
    fn every_stage_is_there() {
        let world = world(Clock::new(Some(now())), Shape::default());
        let flag = |key: &str| world.flags.iter().find(|it| it.state.called_as() == key).unwrap();
        assert_eq!(flag("new-checkout").updated_at, days_ago(now(), 110.0));
        assert_eq!(flag("new-checkout").status(&world), "ACTIVE");
        assert_eq!(flag("dark-mode").status(&world), "STALE");
        assert_eq!(flag("dark-mode").last_called_at(&world), None);
        assert!(flag("old-banner").last_called_at(&world).is_some() && !flag("old-banner").state.active);
        assert!(flag("gift-cards").versions.iter().all(|it| !it.state.active));
        assert!(flag("legacy-export").state.archived);
        assert!(flag("search-v1").state.deleted);
        let percentages: Vec<f64> =
            crate::sandbox::targeting::Filters::read(&flag("project-videos").state.filters)
                .groups
                .iter()
                .map(|it| it.percentage())
                .collect();
        assert_eq!(percentages, [100.0, 40.0, 0.0, 0.0]);
        let recent = days_ago(now(), 0.01);
        assert!(flag("pricing-page").last_called_at(&world).unwrap() > recent);
    }

    #[test]
    fn exposure_agrees_with_history() {
        let world = world(Clock::new(Some(now())), Shape::default());
        let calls = |key: &'static str| {
            let of = move |it: &&crate::sandbox::events::Event| {
                &*it.event == FLAG_CALLED && it.properties.get("$feature_flag") == Some(&json!(key))
            };
            world.events.iter().filter(of)
        };
        let response =
            |it: &crate::sandbox::events::Event| it.properties.get("$feature_flag_response").cloned();
        assert!(calls("new-checkout").all(|it| response(it) == Some(json!(true))));
        let off = days_ago(now(), 12.0);
        assert!(calls("old-banner").all(|it| response(it) == Some(json!(it.timestamp < off))));
        let on = |from: f64, to: f64| {
            calls("project-videos")
                .filter(|it| it.timestamp >= days_ago(now(), from) && it.timestamp < days_ago(now(), to))
                .filter(|it| response(it) == Some(json!(true)))
                .map(|it| &*it.person_id)
                .collect::<std::collections::HashSet<_>>()
                .len()
        };
        let (before, internal, beta) = (on(30.0, 18.0), on(12.0, 9.0), on(2.0, 0.0));
        assert!(
            before == 0 && internal > 0 && internal <= 12 && beta > internal,
            "{before} {internal} {beta}"
        );
        assert_eq!(calls("dark-mode").count(), 0);
        assert!(world.events.iter().all(|it| it.timestamp <= now()));
    }
}
