//! `POST /api/projects/:id/query/`

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::clock::{add, iso};
use super::reply::{Problem, Reply, Request, Result};
use super::world::World;
use super::{experiment_query, hogql, trends};

/// Answers a request below `query/`; `query/<kind>/` takes the same body.
pub(super) fn route(world: &World, request: &Request, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::POST, [] | [_]) => {
            let body = request.object()?;
            let query = body.get("query").ok_or_else(|| Problem::required("query"))?;
            let mut answer = answer(world, query)?;
            let now = world.now();
            let rest = json!({
                "is_cached": false,
                "cache_key": format!("cache_1_{:016x}", super::hash::hash(&[&query.to_string()])),
                "last_refresh": iso(now),
                "next_allowed_client_refresh": iso(add(now, jiff::SignedDuration::from_mins(5))),
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
            Ok(Reply::ok(answer))
        }
        (&Method::GET | &Method::DELETE, [_]) => Err(Problem::missing("Query not found.")),
        (method, [] | [_]) => Err(Problem::wrong_method(method)),
        _ => Err(Problem::no_endpoint()),
    }
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
