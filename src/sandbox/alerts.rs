//! `/api/projects/:id/alerts/…` (posthog-api 4.6): thresholds on insights. Nothing checks them here, so they stay as
//! they are when made: not firing, never checked.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::hash::uuid;
use super::insights::Insight;
use super::reply::{
    Caller, Problem, Reply, Request, Result, bool_field, choice_field, ids_field, object_field, page,
    text_field,
};
use super::world::{UserId, World};

/// How many alerts a project has without paying.
const FREE: usize = 5;
const CONDITIONS: [&str; 3] = ["absolute_value", "relative_increase", "relative_decrease"];
const INTERVALS: [&str; 4] = ["hourly", "daily", "weekly", "monthly"];
/// Intervals that are paid for.
const FAST: [&str; 2] = ["real_time", "every_15_minutes"];

/// A threshold that somebody is told about.
pub(super) struct Alert {
    pub id: String,
    pub name: String,
    /// The insight's id.
    pub insight: u64,
    subscribed: Vec<UserId>,
    condition: Value,
    /// What stands in `threshold.configuration`.
    threshold: Value,
    config: Value,
    interval: String,
    pub enabled: bool,
    skip_weekend: bool,
    snoozed_until: Option<String>,
    schedule_restriction: Value,
    detector_config: Value,
    created_at: Timestamp,
    created_by: UserId,
}

impl Alert {
    /// With the insight that it watches.
    pub fn json(&self, world: &World) -> Value {
        let mut it = self.of_insight(world);
        let insight = world.insights.iter().find(|it| it.id == self.insight);
        it["insight"] = insight.map_or(Value::Null, |it| it.json(world, false));
        it
    }

    /// As its insight shows it.
    pub fn of_insight(&self, world: &World) -> Value {
        let subscribed: Vec<Value> = self.subscribed.iter().map(|it| world.user_basic(Some(*it))).collect();
        json!({
            "id": self.id,
            "created_by": world.user_basic(Some(self.created_by)),
            "created_at": iso(self.created_at),
            "insight": self.insight,
            "name": self.name,
            "subscribed_users": subscribed,
            "threshold": {
                "id": uuid(&["threshold", &self.id]),
                "created_at": iso(self.created_at),
                "name": "",
                "configuration": self.threshold,
            },
            "condition": self.condition,
            "state": if self.snoozed_until.is_some() { "Snoozed" } else { "Not firing" },
            "enabled": self.enabled,
            "last_notified_at": null,
            "last_checked_at": null,
            "next_check_at": null,
            "checks": [],
            "checks_total": 0,
            "config": self.config,
            "calculation_interval": self.interval,
            "snoozed_until": self.snoozed_until,
            "skip_weekend": self.skip_weekend,
            "schedule_restriction": self.schedule_restriction,
            "detector_config": self.detector_config,
            "last_value": null,
        })
    }
}

/// Answers a request below `alerts/`.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let search = request.param("search").map(str::to_lowercase);
            let listed = |it: &&Alert| {
                request
                    .param("insight_id")
                    .or_else(|| request.param("insight"))
                    .is_none_or(|id| id == it.insight.to_string())
                    && search.as_ref().is_none_or(|text| it.name.to_lowercase().contains(text))
            };
            let found: Vec<_> = world.alerts.iter().rev().filter(listed).collect();
            page(request, found.len(), |at| found[at].json(world))
        }
        (&Method::POST, []) => create(world, caller, &request.object()?),
        (method, [id]) => {
            let at = world.alerts.iter().position(|it| it.id == *id).ok_or_else(Problem::not_found)?;
            match *method {
                Method::GET => {}
                Method::PATCH => patch(world, at, &request.object()?)?,
                Method::DELETE => {
                    world.alerts.remove(at);
                    return Ok(Reply::empty());
                }
                _ => return Err(Problem::wrong_method(method)),
            }
            Ok(Reply::ok(world.alerts[at].json(world)))
        }
        (method, []) => Err(Problem::wrong_method(method)),
        _ => Err(Problem::no_endpoint()),
    }
}

fn create(world: &mut World, caller: Caller, body: &Map<String, Value>) -> Result {
    if world.alerts.len() >= FREE {
        let text = format!("Your team has reached the limit of {FREE} alerts on the free plan.");
        return Err(Problem::invalid(Some("alert"), text));
    }
    for name in ["insight", "subscribed_users", "threshold"] {
        body.get(name).filter(|it| !it.is_null()).ok_or_else(|| Problem::required(name))?;
    }
    let created_at = world.stamp();
    world.alerts.push(Alert {
        id: uuid(&["alert", &iso(created_at)]),
        name: String::new(),
        insight: 0,
        subscribed: Vec::new(),
        condition: json!({"type": CONDITIONS[0]}),
        threshold: Value::Null,
        config: Value::Null,
        interval: "daily".into(),
        enabled: true,
        skip_weekend: false,
        snoozed_until: None,
        schedule_restriction: Value::Null,
        detector_config: Value::Null,
        created_at,
        created_by: caller.user,
    });
    let at = world.alerts.len() - 1;
    if let Err(refusal) = patch(world, at, body) {
        world.alerts.truncate(at);
        return Err(refusal);
    }
    Ok(Reply::created(world.alerts[at].json(world)))
}

fn patch(world: &mut World, at: usize, body: &Map<String, Value>) -> Result<()> {
    let name = text_field(body, "name")?;
    let insight = match body.get("insight") {
        Some(id) => Some(trends(world, id)?),
        None => None,
    };
    let subscribed = ids_field(body, "subscribed_users")?;
    if let Some(id) = subscribed.iter().flatten().find(|id| world.user(**id).is_none()) {
        let text = format!("Invalid pk \"{id}\" - object does not exist.");
        return Err(Problem::field(Some("subscribed_users"), "does_not_exist", text));
    }
    let condition = object_field(body, "condition")?;
    if let Some(condition) = &condition
        && !condition["type"].as_str().is_some_and(|it| CONDITIONS.contains(&it))
    {
        return Err(Problem::invalid(Some("condition"), "The condition's type is not valid."));
    }
    let threshold = object_field(body, "threshold")?.map(|it| threshold(&it)).transpose()?;
    let config = body.get("config").filter(|it| !it.is_null());
    if let Some(config) = config {
        let watched = insight.unwrap_or(world.alerts[at].insight);
        self::config(world.insights.iter().find(|it| it.id == watched), config)?;
    }
    let interval = text_field(body, "calculation_interval")?;
    if interval.as_deref().is_some_and(|it| FAST.contains(&it)) {
        return Err(Problem::unpaid());
    }
    let interval = choice_field(body, "calculation_interval", &INTERVALS)?;
    let (enabled, skip_weekend) = (bool_field(body, "enabled")?, bool_field(body, "skip_weekend")?);
    let snoozed = text_field(body, "snoozed_until")?;
    let restriction = body.get("schedule_restriction").cloned();
    let detector = body.get("detector_config").cloned();

    let it = &mut world.alerts[at];
    it.name = name.unwrap_or_else(|| it.name.clone());
    it.insight = insight.unwrap_or(it.insight);
    it.subscribed = subscribed.unwrap_or_else(|| it.subscribed.clone());
    it.condition = condition.unwrap_or_else(|| it.condition.clone());
    it.threshold = threshold.unwrap_or_else(|| it.threshold.clone());
    it.config = config.unwrap_or(&it.config).clone();
    it.interval = interval.unwrap_or_else(|| it.interval.clone());
    it.enabled = enabled.unwrap_or(it.enabled);
    it.skip_weekend = skip_weekend.unwrap_or(it.skip_weekend);
    if let Some(snoozed) = snoozed {
        it.snoozed_until = Some(snoozed).filter(|it| !it.is_empty());
    }
    it.schedule_restriction = restriction.unwrap_or_else(|| it.schedule_restriction.clone());
    it.detector_config = detector.unwrap_or_else(|| it.detector_config.clone());
    Ok(())
}

/// The insight with this id, if it is a trend.
fn trends(world: &World, id: &Value) -> Result<u64> {
    let Some(number) = id.as_u64() else {
        let text = "Incorrect type. Expected pk value.";
        return Err(Problem::field(Some("insight"), "incorrect_type", text));
    };
    let Some(insight) = world.insights.iter().find(|it| it.id == number && !it.deleted) else {
        let text = format!("Invalid pk \"{number}\" - object does not exist.");
        return Err(Problem::field(Some("insight"), "does_not_exist", text));
    };
    match source(insight)["kind"] == "TrendsQuery" {
        true => Ok(number),
        false => Err(Problem::invalid(Some("insight"), "Alerts are only supported for trends insights.")),
    }
}

/// The query itself, without what only says how it is shown.
fn source(insight: &Insight) -> &Value {
    insight.query.get("source").unwrap_or(&insight.query)
}

/// The configuration of a threshold: one bound at least.
fn threshold(sent: &Value) -> Result<Value> {
    let refuse = |text: &str| Err(Problem::invalid(Some("threshold"), text));
    let configuration = &sent["configuration"];
    if !matches!(configuration["type"].as_str(), Some("absolute" | "percentage")) {
        return refuse("The threshold's configuration needs a type: absolute or percentage.");
    }
    let bounds = configuration["bounds"].as_object();
    let bound = |name: &str| bounds.and_then(|it| it.get(name)).filter(|it| !it.is_null());
    let (lower, upper) = (bound("lower"), bound("upper"));
    if [lower, upper].into_iter().flatten().any(|it| !it.is_number()) {
        return refuse("A bound must be a number.");
    }
    match (lower.and_then(Value::as_f64), upper.and_then(Value::as_f64)) {
        (None, None) => refuse("At least one of lower and upper must be set."),
        (Some(lower), Some(upper)) if lower > upper => refuse("Lower threshold must be less than upper."),
        _ => Ok(configuration.clone()),
    }
}

/// Which of an insight's series is watched; a formula is one series.
fn config(insight: Option<&Insight>, config: &Value) -> Result<()> {
    let refuse = |text: String| Err(Problem::invalid(Some("config"), text));
    if config["type"] != "TrendsAlertConfig" {
        return refuse("The config's type must be TrendsAlertConfig.".into());
    }
    let Some(index) = config["series_index"].as_u64() else {
        return refuse("The config needs a series_index.".into());
    };
    let query = insight.map_or(&Value::Null, source);
    let is_formula = query["trendsFilter"]["formula"].as_str().is_some_and(|it| !it.is_empty());
    let count = query["series"].as_array().map_or(0, Vec::len) as u64;
    match index < if is_formula { 1 } else { count } {
        true => Ok(()),
        false => refuse(format!("The insight has no series with index {index}.")),
    }
}
