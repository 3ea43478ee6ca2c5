//! `/api/projects/:id/surveys/…` (posthog-api 4.9).
//!
//! Whom a survey is shown to is decided by a flag: one of the project that it is linked to, or one that PostHog makes
//! for the survey alone. The latter stands in no list of flags, so the survey keeps it here.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::hash::{short_id, uuid};
use super::reply::{
    Caller, Problem, Reply, Request, Result, bool_field, choice_field, page, text_field, time_field,
};
use super::survey_check as check;
use super::world::{UserId, World, iso_or_null};

/// Ids of flags that PostHog makes for surveys; the project's own are counted from 1.
const FIRST_TARGETING_FLAG: u64 = 1_000_000;
const SCHEDULES: [&str; 3] = ["once", "recurring", "always"];

/// A survey.
pub(super) struct Survey {
    pub id: String,
    pub name: String,
    pub description: String,
    kind: String,
    schedule: String,
    /// The id of the flag that a person must have to see it.
    pub linked_flag: Option<u64>,
    targeting: Option<Targeting>,
    pub questions: Value,
    pub conditions: Value,
    appearance: Value,
    responses_limit: Option<u64>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    archived: bool,
    created_at: Timestamp,
    created_by: UserId,
}

/// The flag that PostHog makes for a survey.
#[derive(Clone)]
struct Targeting {
    id: u64,
    key: String,
    filters: Value,
}

impl Survey {
    /// In words, for people.
    pub fn status(&self) -> &'static str {
        match (self.start, self.end) {
            _ if self.archived => "archived",
            (None, _) => "draft",
            (Some(_), None) => "running",
            (Some(_), Some(_)) => "ended",
        }
    }

    pub fn json(&self, world: &World) -> Value {
        let flag = world.flags.iter().find(|it| Some(it.id) == self.linked_flag);
        json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "type": self.kind,
            "schedule": self.schedule,
            "linked_flag": flag.map(|it| it.minimal()),
            "linked_flag_id": self.linked_flag,
            "linked_insight_id": null,
            "targeting_flag": self.targeting.as_ref().map(|it| it.json(self)),
            "internal_targeting_flag": null,
            "questions": self.questions,
            "conditions": self.conditions,
            "appearance": self.appearance,
            "created_at": iso(self.created_at),
            "created_by": world.user_basic(Some(self.created_by)),
            "start_date": iso_or_null(self.start),
            "end_date": iso_or_null(self.end),
            "archived": self.archived,
            "responses_limit": self.responses_limit,
            "feature_flag_keys": [],
            "iteration_count": null,
            "iteration_frequency_days": null,
            "iteration_start_dates": [],
            "current_iteration": null,
            "current_iteration_start_date": null,
            "response_sampling_start_date": null,
            "response_sampling_interval_type": null,
            "response_sampling_interval": null,
            "response_sampling_limit": null,
            "response_sampling_daily_limits": null,
            "enable_partial_responses": false,
            "user_access_level": "editor",
        })
    }
}

impl Targeting {
    /// It is on while the survey runs.
    fn json(&self, survey: &Survey) -> Value {
        json!({
            "id": self.id,
            "team_id": super::PROJECT_ID,
            "name": format!("Targeting flag for survey {}", survey.name),
            "key": self.key,
            "filters": self.filters,
            "deleted": false,
            "active": survey.start.is_some() && survey.end.is_none(),
            "ensure_experience_continuity": false,
            "version": 1,
        })
    }
}

/// The surveys of a flag as the flag shows them.
pub(super) fn of_flag(world: &World, flag: u64, key: &str) -> Vec<Value> {
    let short = |it: &Survey| {
        json!({
            "id": it.id,
            "name": it.name,
            "description": it.description,
            "type": it.kind,
            "linked_flag_key": key,
            "targeting_flag_key": it.targeting.as_ref().map(|it| &it.key),
            "internal_targeting_flag_key": null,
            "questions": it.questions,
            "conditions": it.conditions,
            "appearance": it.appearance,
            "start_date": iso_or_null(it.start),
            "end_date": iso_or_null(it.end),
            "archived": it.archived,
        })
    };
    world.surveys.iter().filter(|it| it.linked_flag == Some(flag)).map(short).collect()
}

/// Answers a request below `surveys/`.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => list(world, request),
        (&Method::POST, []) => create(world, caller, &request.object()?),
        (method, [id, rest @ ..]) => {
            let at = world.surveys.iter().position(|it| it.id == *id).ok_or_else(Problem::not_found)?;
            match (method, rest) {
                (&Method::GET, []) => {}
                (&Method::PATCH, []) => patch(world, at, &request.object()?)?,
                (&Method::DELETE, []) => {
                    world.surveys.remove(at);
                    return Ok(Reply::empty());
                }
                (&Method::POST, ["launch"]) => {
                    let now = world.stamp();
                    launch(&mut world.surveys[at], now)?;
                }
                (&Method::POST, ["stop"]) => {
                    let now = world.stamp();
                    stop(&mut world.surveys[at], now)?;
                }
                (_, [] | ["launch" | "stop"]) => return Err(Problem::wrong_method(method)),
                _ => return Err(Problem::no_endpoint()),
            }
            Ok(Reply::ok(world.surveys[at].json(world)))
        }
        (method, []) => Err(Problem::wrong_method(method)),
    }
}

fn list(world: &World, request: &Request) -> Result {
    let search = request.param("search").map(str::to_lowercase);
    let found = |it: &Survey, text: &String| {
        it.name.to_lowercase().contains(text) || it.description.to_lowercase().contains(text)
    };
    let listed = |it: &&Survey| {
        search.as_ref().is_none_or(|text| found(it, text))
            && request.param("archived").is_none_or(|archived| (archived == "true") == it.archived)
    };
    let found: Vec<_> = world.surveys.iter().rev().filter(listed).collect();
    page(request, found.len(), |at| found[at].json(world))
}

fn launch(survey: &mut Survey, now: Timestamp) -> Result<()> {
    if survey.archived {
        return Err(Problem::invalid(None, "An archived survey cannot be launched."));
    }
    if survey.start.is_some() {
        return Err(Problem::invalid(None, "This survey has already been launched."));
    }
    survey.start = Some(now);
    Ok(())
}

fn stop(survey: &mut Survey, now: Timestamp) -> Result<()> {
    if survey.start.is_none() || survey.end.is_some() {
        return Err(Problem::invalid(None, "Only a running survey can be stopped."));
    }
    survey.end = Some(now);
    Ok(())
}

fn create(world: &mut World, caller: Caller, body: &Map<String, Value>) -> Result {
    for name in ["name", "type"] {
        body.get(name).ok_or_else(|| Problem::required(name))?;
    }
    let created_at = world.stamp();
    world.surveys.push(Survey {
        id: uuid(&["survey", &iso(created_at)]),
        name: String::new(),
        description: String::new(),
        kind: String::new(),
        schedule: SCHEDULES[0].into(),
        linked_flag: None,
        targeting: None,
        questions: Value::Null,
        conditions: Value::Null,
        appearance: Value::Null,
        responses_limit: None,
        start: None,
        end: None,
        archived: false,
        created_at,
        created_by: caller.user,
    });
    let at = world.surveys.len() - 1;
    if let Err(refusal) = patch(world, at, body) {
        world.surveys.truncate(at);
        return Err(refusal);
    }
    Ok(Reply::created(world.surveys[at].json(world)))
}

fn patch(world: &mut World, at: usize, body: &Map<String, Value>) -> Result<()> {
    let own = &world.surveys[at];
    let name = check::name(world, &own.id, body)?;
    let description = text_field(body, "description")?;
    let kind = choice_field(body, "type", &check::TYPES)?;
    let schedule = choice_field(body, "schedule", &SCHEDULES)?;
    let linked_flag = check::linked_flag(world, body)?;
    let questions = check::questions(body)?;
    let conditions = check::object_or_null(body, "conditions")?;
    let appearance = check::object_or_null(body, "appearance")?;
    let linked = linked_flag.unwrap_or(own.linked_flag);
    check::variant(world, linked, conditions.as_ref().unwrap_or(&own.conditions))?;
    let limit = check::limit(body)?;
    let (start, end) = (time_field(body, "start_date")?, time_field(body, "end_date")?);
    let begins = start.unwrap_or(own.start);
    if let (Some(begins), Some(ends)) = (begins, end.unwrap_or(own.end))
        && ends < begins
    {
        return Err(Problem::invalid(Some("end_date"), "The end date must be after the start date."));
    }
    let archived = bool_field(body, "archived")?;
    let targeting = targeting(world, own, body)?;

    let it = &mut world.surveys[at];
    it.name = name.unwrap_or_else(|| it.name.clone());
    it.description = description.unwrap_or_else(|| it.description.clone());
    it.kind = kind.unwrap_or_else(|| it.kind.clone());
    it.schedule = schedule.unwrap_or_else(|| it.schedule.clone());
    it.linked_flag = linked;
    it.targeting = targeting;
    it.questions = questions.unwrap_or_else(|| it.questions.clone());
    it.conditions = conditions.unwrap_or_else(|| it.conditions.clone());
    it.appearance = appearance.unwrap_or_else(|| it.appearance.clone());
    it.responses_limit = limit.unwrap_or(it.responses_limit);
    it.start = begins;
    it.end = end.unwrap_or(it.end);
    it.archived = archived.unwrap_or(it.archived);
    Ok(())
}

/// The survey's own flag after a write.
fn targeting(world: &World, survey: &Survey, body: &Map<String, Value>) -> Result<Option<Targeting>> {
    if bool_field(body, "remove_targeting_flag")? == Some(true) {
        return Ok(None);
    }
    let before = survey.targeting.clone();
    let Some(filters) = check::targeting(world, body)? else { return Ok(before) };
    let others = world.surveys.iter().filter_map(|it| it.targeting.as_ref());
    let next = others.map(|it| it.id + 1).max().unwrap_or(FIRST_TARGETING_FLAG);
    let new = || Targeting {
        id: next,
        key: format!("survey-targeting-{}", short_id(&["targeting", &survey.id]).to_lowercase()),
        filters: Value::Null,
    };
    Ok(Some(Targeting { filters, ..before.unwrap_or_else(new) }))
}
