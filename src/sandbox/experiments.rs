//! `/api/projects/:id/experiments/…`, as far as flags need them.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::reply::{Caller, Problem, Reply, Request, Result, bool_field, page, text_field};
use super::world::{UserId, World, iso_or_null};

/// An experiment on a multivariate flag.
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

    fn json(&self, world: &World) -> Value {
        let flag = world.flags.iter().find(|it| it.id == self.flag);
        let variants = flag.and_then(|it| it.state.filters.pointer("/multivariate/variants")).cloned();
        json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "start_date": iso_or_null(self.start),
            "end_date": iso_or_null(self.end),
            "feature_flag_key": flag.map(|it| it.state.called_as()),
            "feature_flag": flag.map(|it| it.minimal()),
            "parameters": {"feature_flag_variants": variants},
            "metrics": self.metrics,
            "metrics_secondary": [],
            "saved_metrics": [],
            "exposure_criteria": null,
            "resolved_exposure_event": super::events::FLAG_CALLED,
            "stats_config": null,
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
                (&Method::PATCH, []) => patch(&mut world.experiments[at], &request.object()?)?,
                (&Method::POST, ["launch"]) => {
                    let by = caller.user;
                    let experiment = &mut world.experiments[at];
                    if experiment.start.is_some() {
                        return Err(Problem::invalid(None, "Experiment has already been launched."));
                    }
                    experiment.start = Some(now);
                    let flag = experiment.flag;
                    super::flag_write::lifecycle(world, by, flag, "enable")?;
                }
                (&Method::POST, ["end"]) => end(&mut world.experiments[at], now, &request.object()?)?,
                (&Method::POST, ["archive"]) => world.experiments[at].archived = true,
                (&Method::POST, ["unarchive"]) => world.experiments[at].archived = false,
                (_, [] | ["launch" | "end" | "archive" | "unarchive"]) => {
                    return Err(Problem::wrong_method(method));
                }
                _ => return Err(Problem::no_endpoint()),
            }
            Ok(Reply::ok(world.experiments[at].json(world)))
        }
        (method, []) => Err(Problem::wrong_method(method)),
    }
}

/// Ends a running experiment; its flag stays as it is.
fn end(experiment: &mut Experiment, now: Timestamp, body: &Map<String, Value>) -> Result<()> {
    if !experiment.running() {
        return Err(Problem::invalid(None, "Only a running experiment can be ended."));
    }
    experiment.end = Some(now);
    patch(experiment, body)
}

fn patch(experiment: &mut Experiment, body: &Map<String, Value>) -> Result<()> {
    if let Some(name) = text_field(body, "name")? {
        experiment.name = name;
    }
    if let Some(description) = text_field(body, "description")? {
        experiment.description = description;
    }
    if let Some(conclusion) = text_field(body, "conclusion")? {
        if !["", "won", "lost", "inconclusive", "stopped_early", "invalid"].contains(&conclusion.as_str()) {
            let text = format!("\"{conclusion}\" is not a valid choice.");
            return Err(Problem::field(Some("conclusion"), "invalid_choice", text));
        }
        experiment.conclusion = Some(conclusion).filter(|it| !it.is_empty());
    }
    if let Some(comment) = text_field(body, "conclusion_comment")? {
        experiment.conclusion_comment = Some(comment).filter(|it| !it.is_empty());
    }
    for (name, place) in [("start_date", &mut experiment.start), ("end_date", &mut experiment.end)] {
        match text_field(body, name)? {
            None => {}
            Some(it) if it.is_empty() => *place = None,
            Some(it) => {
                let wrong = |_| Problem::invalid(Some(name), "Datetime has wrong format.");
                *place = Some(it.parse().map_err(wrong)?);
            }
        }
    }
    if let Some(metrics) = body.get("metrics").filter(|it| it.is_array()) {
        experiment.metrics = metrics.clone();
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
            super::flag_write::create(world, caller.user, flag.as_object().unwrap_or(&Map::new()))?
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
        created_at,
        created_by: caller.user,
    };
    patch(&mut experiment, body)?;
    world.experiments.push(experiment);
    let made = &world.experiments[world.experiments.len() - 1];
    Ok(Reply::created(made.json(world)))
}
