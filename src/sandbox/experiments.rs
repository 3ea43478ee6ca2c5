//! `/api/projects/:id/experiments/…`, as far as flags need them (posthog-api 4.3).

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::events::FLAG_CALLED;
use super::experiment_check as check;
use super::flag_write;
use super::reply::{
    Caller, Problem, Reply, Request, Result, bool_field, choice_field, object_field, page, text_field,
    time_field,
};
use super::world::{UserId, World, iso_or_null};

/// The event that counts for experiments made since [`OWN_EVENT_SINCE`], sent beside the flag's own.
const EXPOSURE: &str = "$experiment_exposure";
const OWN_EVENT_SINCE: &str = "2026-09-01T00:00:00Z";
const CONCLUSIONS: [&str; 6] = ["", "won", "lost", "inconclusive", "stopped_early", "invalid"];

/// An experiment on a multivariate flag.
#[derive(Clone)]
pub(super) struct Experiment {
    pub id: u64,
    pub name: String,
    pub description: String,
    /// The flag's id.
    pub flag: u64,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub archived: bool,
    pub deleted: bool,
    pub conclusion: Option<String>,
    pub conclusion_comment: Option<String>,
    pub metrics: Value,
    metrics_secondary: Value,
    exposure_criteria: Value,
    stats_config: Value,
    /// What was sent beside the variants, which are the flag's.
    parameters: Value,
    /// What described it in 2023, in place of metrics.
    filters: Value,
    secondary_metrics: Value,
    pub created_at: Timestamp,
    pub created_by: UserId,
}

impl Experiment {
    /// Started and not ended.
    pub fn running(&self) -> bool {
        self.start.is_some() && self.end.is_none() && !self.deleted
    }

    pub fn status(&self) -> &'static str {
        match (self.start, self.end) {
            (None, _) => "draft",
            (Some(_), None) => "running",
            (Some(_), Some(_)) => "stopped",
        }
    }

    /// The event that says who takes part.
    pub fn exposure_event(&self) -> &str {
        let own = self.exposure_criteria.pointer("/exposure_config/event").and_then(Value::as_str);
        let is_new = OWN_EVENT_SINCE.parse().is_ok_and(|since: Timestamp| self.created_at >= since);
        own.unwrap_or(if is_new { EXPOSURE } else { FLAG_CALLED })
    }

    /// The statistics that it is set to; Bayesian ones where nothing is set.
    pub fn method(&self) -> Option<&str> {
        self.stats_config.get("method").and_then(Value::as_str)
    }

    pub fn json(&self, world: &World) -> Value {
        let flag = world.flags.iter().find(|it| it.id == self.flag);
        let variants = flag.and_then(|it| it.state.filters.pointer("/multivariate/variants")).cloned();
        let mut parameters = self.parameters.clone();
        parameters["feature_flag_variants"] = variants.unwrap_or_default();
        json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "start_date": iso_or_null(self.start),
            "end_date": iso_or_null(self.end),
            "feature_flag_key": flag.map(|it| it.state.called_as()),
            "feature_flag": flag.map(|it| it.minimal()),
            "parameters": parameters,
            "metrics": self.metrics,
            "metrics_secondary": self.metrics_secondary,
            "saved_metrics": [],
            "filters": self.filters,
            "secondary_metrics": self.secondary_metrics,
            "exposure_criteria": self.exposure_criteria,
            "resolved_exposure_event": self.exposure_event(),
            "stats_config": self.stats_config,
            "holdout_id": null,
            "archived": self.archived,
            "deleted": self.deleted,
            "conclusion": self.conclusion,
            "conclusion_comment": self.conclusion_comment,
            "status": self.status(),
            "created_at": iso(self.created_at),
            "updated_at": iso(self.created_at),
            "created_by": world.user_basic(Some(self.created_by)),
            "user_access_level": "editor",
        })
    }
}

/// Answers a request below `experiments/`.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let search = request.param("search").map(str::to_lowercase);
            let listed = |it: &&Experiment| {
                !it.deleted
                    && it.archived == (request.param("archived") == Some("true"))
                    && request.param("feature_flag_id").is_none_or(|id| id == it.flag.to_string())
                    && request.param("status").is_none_or(|status| status == it.status())
                    && search.as_ref().is_none_or(|text| it.name.to_lowercase().contains(text))
            };
            let found: Vec<_> = world.experiments.iter().rev().filter(listed).collect();
            page(request, found.len(), |at| found[at].json(world))
        }
        (&Method::POST, []) => create(world, caller, &request.object()?),
        (method, [id, rest @ ..]) => {
            let at = id.parse().ok().and_then(|id: u64| world.experiments.iter().position(|it| it.id == id));
            let at = at.ok_or_else(Problem::not_found)?;
            let now = world.now();
            match (method, rest) {
                (&Method::GET, []) => {}
                (&Method::PATCH, []) => write(world, caller, at, &request.object()?)?,
                (&Method::POST, ["launch"]) => launch(world, caller, at)?,
                (&Method::POST, ["end"]) => end(&mut world.experiments[at], now, &request.object()?)?,
                (&Method::POST, ["ship_variant"]) => ship(world, caller, at, &request.object()?)?,
                (&Method::POST, ["archive"]) => world.experiments[at].archived = true,
                (&Method::POST, ["unarchive"]) => world.experiments[at].archived = false,
                (_, [] | ["launch" | "end" | "ship_variant" | "archive" | "unarchive"]) => {
                    return Err(Problem::wrong_method(method));
                }
                _ => return Err(Problem::no_endpoint()),
            }
            Ok(Reply::ok(world.experiments[at].json(world)))
        }
        (method, []) => Err(Problem::wrong_method(method)),
    }
}

fn launch(world: &mut World, caller: Caller, at: usize) -> Result<()> {
    let (flag, now) = (world.experiments[at].flag, world.now());
    if world.experiments[at].start.is_some() {
        return Err(Problem::invalid(None, "Experiment has already been launched."));
    }
    flag_write::lifecycle(world, caller.user, flag, "enable")?;
    world.experiments[at].start = Some(now);
    Ok(())
}

/// A date to start launches it: clients of servers without `launch/` write that.
fn write(world: &mut World, caller: Caller, at: usize, body: &Map<String, Value>) -> Result<()> {
    let mut after = world.experiments[at].clone();
    patch(&mut after, body)?;
    if world.experiments[at].start.is_none() && after.start.is_some() {
        flag_write::lifecycle(world, caller.user, after.flag, "enable")?;
    }
    world.experiments[at] = after;
    Ok(())
}

/// Gives everyone one variant, and ends the experiment if it runs.
fn ship(world: &mut World, caller: Caller, at: usize, body: &Map<String, Value>) -> Result<()> {
    let key = text_field(body, "variant_key")?.ok_or_else(|| Problem::required("variant_key"))?;
    let experiment = &world.experiments[at];
    if experiment.start.is_none() {
        return Err(Problem::invalid(None, "Experiment has not been launched yet."));
    }
    let (flag, runs) = (experiment.flag, experiment.running());
    choice_field(body, "conclusion", &CONCLUSIONS)?;
    let mut state = flag_write::find(world, flag)?.state.clone();
    let variants = state.filters.pointer_mut("/multivariate/variants").and_then(Value::as_array_mut);
    let variants = variants.filter(|it| it.iter().any(|it| it["key"] == *key)).ok_or_else(|| {
        Problem::invalid(Some("variant_key"), format!("Variant '{key}' not found on feature flag."))
    })?;
    for variant in variants {
        variant["rollout_percentage"] = if variant["key"] == *key { 100.into() } else { 0.into() };
    }
    let everyone = json!({"properties": [], "rollout_percentage": 100, "variant": null});
    match state.filters.get_mut("groups").and_then(Value::as_array_mut) {
        Some(groups) => groups.insert(0, everyone),
        None => state.filters["groups"] = json!([everyone]),
    }
    flag_write::write(world, caller.user, flag, state)?;
    let now = world.now();
    match runs {
        true => end(&mut world.experiments[at], now, body),
        false => patch(&mut world.experiments[at], body),
    }
}

/// Ends a running experiment; its flag stays as it is.
fn end(experiment: &mut Experiment, now: Timestamp, body: &Map<String, Value>) -> Result<()> {
    if !experiment.running() {
        return Err(Problem::invalid(None, "Only a running experiment can be ended."));
    }
    // A refused conclusion ends nothing.
    choice_field(body, "conclusion", &CONCLUSIONS)?;
    patch(experiment, body)?;
    experiment.end = Some(now);
    Ok(())
}

fn patch(experiment: &mut Experiment, body: &Map<String, Value>) -> Result<()> {
    check::body(body)?;
    if let Some(name) = text_field(body, "name")? {
        experiment.name = name;
    }
    if let Some(description) = text_field(body, "description")? {
        experiment.description = description;
    }
    if let Some(conclusion) = choice_field(body, "conclusion", &CONCLUSIONS)? {
        experiment.conclusion = Some(conclusion).filter(|it| !it.is_empty());
    }
    if let Some(comment) = text_field(body, "conclusion_comment")? {
        experiment.conclusion_comment = Some(comment).filter(|it| !it.is_empty());
    }
    for (name, place) in [("start_date", &mut experiment.start), ("end_date", &mut experiment.end)] {
        *place = time_field(body, name)?.unwrap_or(*place);
    }
    for (name, place) in [
        ("metrics", &mut experiment.metrics),
        ("metrics_secondary", &mut experiment.metrics_secondary),
        ("secondary_metrics", &mut experiment.secondary_metrics),
    ] {
        if let Some(list) = body.get(name) {
            *place = if list.is_null() { json!([]) } else { list.clone() };
        }
    }
    for (name, place) in [
        ("exposure_criteria", &mut experiment.exposure_criteria),
        ("stats_config", &mut experiment.stats_config),
        ("parameters", &mut experiment.parameters),
        ("filters", &mut experiment.filters),
    ] {
        if let Some(sent) = object_field(body, name)? {
            *place = sent;
        }
    }
    if let Some(archived) = bool_field(body, "archived")? {
        experiment.archived = archived;
    }
    if let Some(deleted) = bool_field(body, "deleted")? {
        experiment.deleted = deleted;
    }
    Ok(())
}

/// Makes a draft; a missing flag is made with it, inactive until the launch.
pub(super) fn create(world: &mut World, caller: Caller, body: &Map<String, Value>) -> Result {
    let name = text_field(body, "name")?.ok_or_else(|| Problem::required("name"))?;
    check::body(body)?;
    let key = text_field(body, "feature_flag_key")?.ok_or_else(|| Problem::required("feature_flag_key"))?;
    let flag =
        world.living_flags().find(|it| it.state.key == key).map(|it| (it.id, it.state.filters.clone()));
    let flag = match flag {
        Some((id, filters)) => {
            let variants =
                super::targeting::Filters::read(&filters).multivariate.unwrap_or_default().variants;
            if variants.len() < 2 || !variants.iter().any(|it| it.key == "control") {
                let text = "Feature flag must have at least two variants, one of them with key 'control'.";
                return Err(Problem::invalid(Some("feature_flag_key"), text));
            }
            id
        }
        None => {
            let half = |key: &str| json!({"key": key, "rollout_percentage": 50});
            let variants = body.get("parameters").and_then(|it| it.get("feature_flag_variants")).cloned();
            let variants = variants.unwrap_or_else(|| json!([half("control"), half("test")]));
            let flag = json!({
                "key": key,
                "name": format!("Feature Flag for Experiment {name}"),
                "active": false,
                "filters": {
                    "groups": [{"properties": [], "rollout_percentage": 100}],
                    "multivariate": {"variants": variants},
                },
            });
            flag_write::create(world, caller.user, flag.as_object().unwrap_or(&Map::new()))?
        }
    };
    let created_at = world.stamp();
    let mut experiment = Experiment {
        id: world.experiments.iter().map(|it| it.id).max().unwrap_or(0) + 1,
        name,
        description: String::new(),
        flag,
        start: None,
        end: None,
        archived: false,
        deleted: false,
        conclusion: None,
        conclusion_comment: None,
        metrics: json!([]),
        metrics_secondary: json!([]),
        exposure_criteria: Value::Null,
        stats_config: Value::Null,
        parameters: json!({}),
        filters: json!({}),
        secondary_metrics: json!([]),
        created_at,
        created_by: caller.user,
    };
    patch(&mut experiment, body)?;
    world.experiments.push(experiment);
    let made = &world.experiments[world.experiments.len() - 1];
    Ok(Reply::created(made.json(world)))
}
