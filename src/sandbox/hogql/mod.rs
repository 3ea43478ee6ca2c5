//! A small HogQL: `SELECT` over the stored events, as far as flags need it.
//!
//! `token` and `parse` read the text, `bind` gives its names a meaning, `eval` computes. What is not understood
//! is refused with PostHog's kind of message; nothing is guessed.

mod bind;
mod datum;
mod eval;
mod functions;
mod lists;
mod parse;
mod table;
mod token;

use serde_json::{Map, Value};

use super::reply::Problem;
use super::world::World;

/// Why a query is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal(String);

impl Refusal {
    fn new(message: impl Into<String>) -> Refusal {
        Refusal(message.into())
    }

    fn syntax(message: impl std::fmt::Display) -> Refusal {
        Refusal(format!("Syntax error: {message}"))
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem::invalid(None, refusal.0)
    }
}

/// An answered query.
#[derive(Debug)]
pub(super) struct Answer {
    pub columns: Vec<String>,
    /// ClickHouse's names of the columns' types.
    pub types: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    /// Whether the limit cut rows off.
    pub more: bool,
    pub limit: u64,
    pub offset: u64,
    /// The query as it was understood.
    pub printed: String,
}

/// PostHog adds this limit to a query that has none.
const DEFAULT_LIMIT: u64 = 100;
/// PostHog answers with this many rows at most.
const LARGEST_LIMIT: u64 = 50_000;
/// Older servers answered with fewer.
const LARGEST_OLD_LIMIT: u64 = 10_000;

/// Answers a query; `{name}` takes its value from `values`.
pub(super) fn run(world: &World, sql: &str, values: &Map<String, Value>) -> Result<Answer, Refusal> {
    let mut select = parse::select(sql, values)?;
    let largest = if world.shape.is_old() { LARGEST_OLD_LIMIT } else { LARGEST_LIMIT };
    if !select.union.is_empty() {
        return union(world, select, largest);
    }
    let limit = select.limit.unwrap_or(DEFAULT_LIMIT).min(largest);
    select.limit = Some(limit);
    let printed = select.to_string();
    let offset = std::mem::take(&mut select.offset);
    select.limit = None;
    let relation = eval::select(world, &select)?;
    let total = relation.rows.len() as u64;
    let rows = relation.rows.into_iter().skip(offset as usize).take(limit as usize);
    Ok(Answer {
        rows: rows.map(json).collect(),
        columns: relation.names,
        types: relation.kinds,
        more: total > offset.saturating_add(limit),
        limit,
        offset,
        printed,
    })
}

/// In a union PostHog gives each query a limit of its own.
fn union(world: &World, mut select: parse::Select, largest: u64) -> Result<Answer, Refusal> {
    let limit = |it: &mut parse::Select| it.limit = Some(it.limit.unwrap_or(DEFAULT_LIMIT).min(largest));
    select.union.iter_mut().for_each(limit);
    limit(&mut select);
    let relation = eval::select(world, &select)?;
    Ok(Answer {
        rows: relation.rows.into_iter().map(json).collect(),
        columns: relation.names,
        types: relation.kinds,
        more: false,
        limit: largest,
        offset: 0,
        printed: select.to_string(),
    })
}

fn json(row: Vec<datum::Datum>) -> Vec<Value> {
    row.iter().map(datum::Datum::json).collect()
}

/// Computes a formula over series that are named by letters (`100 * A / B`).
pub(super) fn formula(text: &str, series: &[f64]) -> Result<f64, Refusal> {
    eval::formula(&parse::expression(text)?, series)
}

#[cfg(test)]
mod tests;
