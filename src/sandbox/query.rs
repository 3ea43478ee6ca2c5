//! `POST /api/projects/:id/query/`

use std::collections::HashMap;

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::clock::{add, iso};
use super::reply::{Problem, Reply, Request, Result};
use super::world::World;
use super::{experiment_query, hogql, trends};

/// For so long an answer is kept and given again to whoever asks the same; `now()` stands still in it.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(5);

/// The answers that are kept, by their queries, each with when it was computed.
pub(super) type KeptAnswers = HashMap<String, (Timestamp, Value)>;

/// Answers a request below `query/`; `query/<kind>/` takes the same body.
pub(super) fn route(world: &mut World, request: &Request, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::POST, [] | [_]) => {
            let body = request.object()?;
            let query = body.get("query").ok_or_else(|| Problem::required("query"))?;
            match may_be_kept(world, &body)? {
                true => kept(world, query),
                false => Ok(Reply::ok(computed(world, query)?)),
            }
        }
        (&Method::GET | &Method::DELETE, [_]) => Err(Problem::missing("Query not found.")),
        (method, [] | [_]) => Err(Problem::wrong_method(method)),
        _ => Err(Problem::no_endpoint()),
    }
}

/// Whether an answer of a while ago would do. Servers of old kept none of HogQL.
fn may_be_kept(world: &World, body: &Map<String, Value>) -> Result<bool> {
    match body.get("refresh").map(|it| it.as_str().ok_or(it)) {
        _ if world.shape.is_old() => Ok(false),
        None | Some(Ok("blocking") | Err(Value::Null | Value::Bool(false))) => Ok(true),
        Some(Ok("force_blocking") | Err(Value::Bool(true))) => Ok(false),
        Some(_) => Err(Problem::parse(
            "1 validation error for QueryRequest\nrefresh\n  The sandbox answers 'blocking' or 'force_blocking'",
        )),
    }
}

fn kept(world: &mut World, query: &Value) -> Result {
    let now = world.now();
    let is_fresh = |at: Timestamp| (SignedDuration::ZERO..KEPT_FOR).contains(&now.duration_since(at));
    world.kept_answers.retain(|_, (at, _)| is_fresh(*at));
    if let Some((_, answer)) = world.kept_answers.get(&query.to_string()) {
        let mut answer = answer.clone();
        answer["is_cached"] = true.into();
        return Ok(Reply::ok(answer));
    }
    Ok(Reply::ok(computed(world, query)?))
}

/// The answer as of now, which is kept from here on.
fn computed(world: &mut World, query: &Value) -> Result<Value> {
    let mut answer = answer(world, query)?;
    let now = world.now();
    let rest = json!({
        "is_cached": false,
        "cache_key": format!("cache_1_{:016x}", super::hash::hash(&[&query.to_string()])),
        "last_refresh": iso(now),
        "next_allowed_client_refresh": iso(add(now, KEPT_FOR)),
        "cache_target_age": null,
        "calculation_trigger": null,
        "query_status": null,
        "timezone": "UTC",
        "modifiers": {},
        "timings": [],
    });
    if let (Value::Object(answer), Value::Object(rest)) = (&mut answer, rest) {
        answer.extend(rest);
    }
    world.kept_answers.insert(query.to_string(), (now, answer.clone()));
    Ok(answer)
}

/// The answer to a query object. The kinds that only say how to show something are looked through.
pub(super) fn answer(world: &World, query: &Value) -> Result<Value> {
    let kind = query.get("kind").and_then(Value::as_str);
    let kind =
        kind.ok_or_else(|| Problem::field(Some("query__kind"), "required", "This field is required."))?;
    match kind {
        "HogQLQuery" => sql(world, query),
        "TrendsQuery" => trends::run(world, query),
        "ExperimentQuery" if !world.shape.is_old() => experiment_query::run(world, query),
        "InsightVizNode" | "DataVisualizationNode" | "DataTableNode" => {
            let source = query.get("source").filter(|it| it.get("source").is_none());
            answer(
                world,
                source.ok_or_else(|| {
                    Problem::field(Some("query__source"), "required", "This field is required.")
                })?,
            )
        }
        other => Err(Problem::invalid(None, format!("Unsupported query kind: {other}"))),
    }
}

fn sql(world: &World, query: &Value) -> Result<Value> {
    let text = query.get("query").and_then(Value::as_str);
    let text =
        text.ok_or_else(|| Problem::field(Some("query__query"), "required", "This field is required."))?;
    let nothing = Map::new();
    let values = query.get("values").and_then(Value::as_object).unwrap_or(&nothing);
    let answer = hogql::run(world, text, values)?;
    let types: Vec<Value> =
        answer.columns.iter().zip(&answer.types).map(|(name, kind)| json!([name, kind])).collect();
    Ok(json!({
        "results": answer.rows,
        "columns": answer.columns,
        "types": types,
        "hasMore": answer.more,
        "limit": answer.limit,
        "offset": answer.offset,
        "hogql": answer.printed,
        "query": text,
        "clickhouse": null,
        "error": null,
        "explain": null,
    }))
}
