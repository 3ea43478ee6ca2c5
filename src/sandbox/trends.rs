//! `TrendsQuery`: counts of events over time, by series and breakdown.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::clock::civil;
use super::events::Event;
use super::hogql;
use super::reply::{Problem, Result};
use super::targeting::{Property, date, relative, text};
use super::world::World;

/// PostHog's name for events without the property of the breakdown.
const NO_VALUE: &str = "$$_posthog_breakdown_null_$$";
/// PostHog's name for values beyond the limit of the breakdown.
const OTHER: &str = "$$_posthog_breakdown_other_$$";
/// Points that a series may have.
const MOST_POINTS: usize = 5_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    series: Vec<Node>,
    #[serde(default)]
    date_range: Option<DateRange>,
    #[serde(default)]
    interval: Option<String>,
    #[serde(default)]
    properties: Value,
    #[serde(default)]
    filter_test_accounts: Option<bool>,
    #[serde(default)]
    breakdown_filter: Option<Breakdown>,
    #[serde(default)]
    trends_filter: Option<TrendsFilter>,
}

#[derive(Deserialize, Default)]
struct DateRange {
    date_from: Option<String>,
    date_to: Option<String>,
}

#[derive(Deserialize)]
struct Node {
    kind: String,
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    custom_name: Option<String>,
    #[serde(default)]
    math: Option<String>,
    #[serde(default)]
    properties: Value,
}

#[derive(Deserialize, Default)]
struct Breakdown {
    breakdown: Option<Value>,
    breakdown_type: Option<String>,
    breakdown_limit: Option<usize>,
    breakdowns: Option<Vec<Broken>>,
}

#[derive(Deserialize)]
struct Broken {
    property: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize, Default)]
struct TrendsFilter {
    formula: Option<String>,
    display: Option<String>,
}

/// The points in time that a series has.
struct Axis {
    from: Timestamp,
    to: Timestamp,
    seconds: i64,
    count: usize,
}

/// Answers the query with one series for each of its nodes and values of the breakdown.
pub(super) fn run(world: &World, query: &Value) -> Result<Value> {
    let query =
        Query::deserialize(query).map_err(|error| Problem::invalid(Some("query"), error.to_string()))?;
    let axis = axis(&query, world.now())?;
    let breakdown = breakdown(&query)?;
    let display = query.trends_filter.as_ref().and_then(|it| it.display.as_deref());
    let total = matches!(
        display,
        Some("BoldNumber" | "ActionsPie" | "ActionsBarValue" | "ActionsTable" | "WorldMap")
    );
    let mut series = Vec::new();
    for (order, node) in query.series.iter().enumerate() {
        series.push(one(world, &query, node, order, &axis, breakdown.as_ref())?);
    }
    let formula =
        query.trends_filter.as_ref().and_then(|it| it.formula.as_deref()).filter(|it| !it.is_empty());
    let lines = match formula {
        Some(formula) => combined(formula, &series)?,
        None => series.into_iter().flatten().collect(),
    };
    let results: Vec<Value> = lines.iter().map(|it| it.json(&axis, total)).collect();
    Ok(json!({
        "results": results,
        "columns": null,
        "types": null,
        "hasMore": false,
        "limit": null,
        "offset": null,
        "hogql": null,
        "error": null,
        "resolved_date_range": {"date_from": super::clock::iso(axis.from), "date_to": super::clock::iso(axis.to)},
    }))
}

/// One line of the graph.
struct Line {
    node: Value,
    label: String,
    breakdown: Option<String>,
    data: Vec<f64>,
    aggregated: f64,
}

impl Line {
    fn json(&self, axis: &Axis, total: bool) -> Value {
        let number = |it: &f64| if it.fract() == 0.0 { json!(*it as i64) } else { json!(it) };
        let hours = axis.seconds < 86_400;
        let point = |at: usize, format: &str| axis.point(at).strftime(format).to_string();
        let points =
            |format: &'static str| (0..axis.count).map(move |it| point(it, format)).collect::<Vec<_>>();
        let mut it = json!({
            "action": self.node,
            "label": self.label,
            "count": number(&self.data.iter().sum()),
            "data": self.data.iter().map(number).collect::<Vec<_>>(),
            "labels": points(if hours { "%-d-%b %H:%M" } else { "%-d-%b-%Y" }),
            "days": points(if hours { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d" }),
        });
        if let Some(value) = &self.breakdown {
            it["breakdown_value"] = value.as_str().into();
        }
        if total {
            it["aggregated_value"] = number(&self.aggregated);
        }
        it
    }
}

impl Axis {
    fn point(&self, at: usize) -> DateTime {
        let back = SignedDuration::from_secs(self.seconds * at as i64);
        civil(super::clock::add(self.from, back))
    }

    fn place(&self, at: Timestamp) -> Option<usize> {
        if at < self.from || at > self.to {
            return None;
        }
        usize::try_from((at.as_second() - self.from.as_second()) / self.seconds)
            .ok()
            .filter(|it| *it < self.count)
    }
}

/// From the start of its interval to now: a range of `-14d` by day has 15 points.
fn axis(query: &Query, now: Timestamp) -> Result<Axis> {
    let interval = query.interval.as_deref().unwrap_or("day");
    let seconds = match interval {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        other => return Err(Problem::invalid(Some("interval"), format!("Unsupported interval: {other}"))),
    };
    let range = query.date_range.as_ref();
    let from = range.and_then(|it| it.date_from.as_deref()).unwrap_or("-7d");
    let to = range.and_then(|it| it.date_to.as_deref());
    let wrong = |name: &str, it: &str| Problem::invalid(Some(name), format!("Invalid date: {it}"));
    let midnight = |it: Timestamp| it.as_second().div_euclid(86_400) * 86_400;
    let start = match from {
        "dStart" => midnight(now),
        "all" => world_start(now),
        it => {
            let at = date(it, now).ok_or_else(|| wrong("date_from", it))?;
            // A range in days starts with a whole day, one in hours where it says.
            let days = relative(it).is_some() && !it.ends_with('h');
            if days { midnight(at) } else { at.as_second() }
        }
    };
    let week = |it: i64| (it.div_euclid(86_400) - (it.div_euclid(86_400) + 4).rem_euclid(7)) * 86_400;
    let start = if interval == "week" { week(start) } else { start.div_euclid(seconds) * seconds };
    let to = match to {
        None => now,
        Some(it) => {
            let at = date(it, now).ok_or_else(|| wrong("date_to", it))?;
            let whole_day = it.parse::<DateTime>().is_ok() && it.len() == 10;
            if whole_day { super::clock::add(at, SignedDuration::from_secs(86_399)) } else { at }
        }
    };
    let from = Timestamp::from_second(start).map_err(|_| wrong("date_from", from))?;
    let count = usize::try_from((to.as_second() - start).div_euclid(seconds) + 1).unwrap_or(0);
    if count > MOST_POINTS {
        return Err(Problem::invalid(Some("date_from"), "The date range is too long for its interval."));
    }
    Ok(Axis { from, to, seconds, count })
}

/// `all` reaches back further than the sandbox's events do.
fn world_start(now: Timestamp) -> i64 {
    now.as_second() - 120 * 86_400
}

/// Which property breaks the series down, and whether it is the person's.
fn breakdown(query: &Query) -> Result<Option<(String, bool)>> {
    let Some(filter) = &query.breakdown_filter else { return Ok(None) };
    let one = match (filter.breakdowns.as_deref(), &filter.breakdown) {
        (Some([one]), _) => Some((one.property.clone(), one.kind.clone())),
        (Some([_, _, ..]), _) => {
            return Err(Problem::invalid(Some("breakdownFilter"), "Only one breakdown is supported."));
        }
        (_, Some(Value::String(it))) => Some((it.clone(), filter.breakdown_type.clone())),
        (_, None | Some(Value::Null)) => None,
        _ => return Err(Problem::invalid(Some("breakdownFilter"), "Only one breakdown is supported.")),
    };
    let Some((property, kind)) = one else { return Ok(None) };
    match kind.as_deref() {
        None | Some("event") => Ok(Some((property, false))),
        Some("person") => Ok(Some((property, true))),
        Some(other) => {
            Err(Problem::invalid(Some("breakdownFilter"), format!("Unsupported breakdown type: {other}")))
        }
    }
}

/// Filters: a list, or a tree with one level of `AND` groups.
pub(super) fn properties(value: &Value) -> Result<Vec<Property>> {
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        tree => {
            match (tree.get("type").and_then(Value::as_str), tree.get("values").and_then(Value::as_array)) {
                (Some("AND"), Some(list)) => list,
                _ => {
                    return Err(Problem::invalid(
                        Some("properties"),
                        "Only filters that all must hold are supported.",
                    ));
                }
            }
        }
    };
    let mut all = Vec::new();
    for it in list {
        match it.get("values") {
            Some(_) => all.extend(properties(it)?),
            None => all.push(
                Property::deserialize(it)
                    .map_err(|error| Problem::invalid(Some("properties"), error.to_string()))?,
            ),
        }
    }
    Ok(all)
}

/// Whether a filter lets an event pass.
pub(super) fn holds(world: &World, event: &Event, filter: &Property) -> Result<bool> {
    let refused = |it: String| Problem::invalid(Some("properties"), format!("Unsupported operator: {it}"));
    match filter.kind.as_deref() {
        None | Some("event") => {
            filter.holds(event.properties.get(&filter.name()), world.now()).map_err(refused)
        }
        Some("person" | "cohort") => match world.people.by_uuid(&event.person_id) {
            Some(person) => filter.matches(world, world.subject(person)).map_err(refused),
            None => Ok(false),
        },
        Some(other) => {
            Err(Problem::invalid(Some("properties"), format!("Unsupported property type: {other}")))
        }
    }
}

/// The lines of one node.
fn one(
    world: &World,
    query: &Query,
    node: &Node,
    order: usize,
    axis: &Axis,
    breakdown: Option<&(String, bool)>,
) -> Result<Vec<Line>> {
    if node.kind != "EventsNode" {
        return Err(Problem::invalid(Some("series"), format!("Unsupported series kind: {}", node.kind)));
    }
    let math = node.math.as_deref().unwrap_or("total");
    if !["total", "dau"].contains(&math) {
        return Err(Problem::invalid(Some("series"), format!("Unsupported math: {math}")));
    }
    let mut filters = properties(&node.properties)?;
    filters.extend(properties(&query.properties)?);
    if query.filter_test_accounts == Some(true) {
        filters.extend(properties(world.project.get("test_account_filters").unwrap_or(&Value::Null))?);
    }
    let mut counted: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    'events: for event in world.events.iter() {
        if axis.place(event.timestamp).is_none() || node.event.as_ref().is_some_and(|it| **it != *event.event)
        {
            continue;
        }
        for filter in &filters {
            if !holds(world, event, filter)? {
                continue 'events;
            }
        }
        let value = match breakdown {
            None => String::new(),
            Some((name, of_person)) => {
                let own = || event.properties.get(name);
                let persons =
                    || world.people.by_uuid(&event.person_id).and_then(|it| it.properties.get(name));
                let value = if *of_person { persons() } else { own() };
                value.filter(|it| !it.is_null()).map_or_else(|| NO_VALUE.to_owned(), text)
            }
        };
        counted.entry(value).or_default().push(event);
    }
    if breakdown.is_none() {
        counted.entry(String::new()).or_default();
    }
    let mut groups: Vec<(String, Vec<&Event>)> = counted.into_iter().collect();
    groups.sort_by_key(|(_, events)| std::cmp::Reverse(events.len()));
    let limit = query.breakdown_filter.as_ref().and_then(|it| it.breakdown_limit).unwrap_or(25).max(1);
    if groups.len() > limit {
        let rest = groups.split_off(limit).into_iter().flat_map(|(_, events)| events).collect();
        groups.push((OTHER.to_owned(), rest));
    }
    let event = node.event.clone();
    let name =
        node.custom_name.clone().or_else(|| node.name.clone()).or(event).unwrap_or("All events".into());
    let action = json!({
        "id": node.event,
        "type": "events",
        "order": order,
        "name": node.name.clone().or_else(|| node.event.clone()),
        "custom_name": node.custom_name,
        "math": node.math,
        "properties": node.properties,
    });
    let line = |(value, events): (String, Vec<&Event>)| Line {
        node: action.clone(),
        label: if breakdown.is_some() { value.clone() } else { name.clone() },
        breakdown: breakdown.is_some().then_some(value),
        data: data(axis, &events, math),
        aggregated: match math {
            "dau" => events.iter().map(|it| &it.person_id).collect::<HashSet<_>>().len() as f64,
            _ => events.len() as f64,
        },
    };
    Ok(groups.into_iter().map(line).collect())
}

fn data(axis: &Axis, events: &[&Event], math: &str) -> Vec<f64> {
    let mut total = vec![0.0; axis.count];
    let mut people = vec![HashSet::new(); axis.count];
    for event in events {
        if let Some(place) = axis.place(event.timestamp) {
            total[place] += 1.0;
            people[place].insert(&event.person_id);
        }
    }
    match math {
        "dau" => people.iter().map(|it| it.len() as f64).collect(),
        _ => total,
    }
}

/// The lines of a formula: one for each value of the breakdown, a missing series counts as zero.
fn combined(formula: &str, series: &[Vec<Line>]) -> Result<Vec<Line>> {
    let mut values: Vec<Option<String>> = Vec::new();
    for line in series.iter().flatten() {
        if !values.contains(&line.breakdown) {
            values.push(line.breakdown.clone());
        }
    }
    let points = series.iter().flatten().map(|it| it.data.len()).max().unwrap_or(0);
    let of = |value: &Option<String>, read: &dyn Fn(&Line) -> f64| -> Result<f64> {
        let found =
            series.iter().map(|lines| lines.iter().find(|it| it.breakdown == *value).map_or(0.0, read));
        Ok(hogql::formula(formula, &found.collect::<Vec<_>>())?)
    };
    let mut lines = Vec::new();
    for value in values {
        let data = (0..points).map(|at| of(&value, &|it| it.data.get(at).copied().unwrap_or(0.0)));
        lines.push(Line {
            node: Value::Null,
            label: value.clone().unwrap_or_else(|| format!("Formula ({formula})")),
            data: data.collect::<Result<_>>()?,
            aggregated: of(&value, &|it| it.aggregated)?,
            breakdown: value,
        });
    }
    Ok(lines)
}
