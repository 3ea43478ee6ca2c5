//! Tables: where rows come from and what their columns mean.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::datum::Datum;
use crate::sandbox::events::{Event, FLAG_CALLED};
use crate::sandbox::targeting::text;
use crate::sandbox::world::World;

/// A source of rows under its names.
pub(super) struct BoundSource {
    pub alias: Option<String>,
    pub columns: Columns,
}

/// Which columns a source has.
pub(super) enum Columns {
    Events,
    Evaluations,
    Named(Vec<(String, Arc<str>)>),
}

/// One source's part of a row.
#[derive(Clone)]
pub(super) enum Cell<'a> {
    Event(&'a Event),
    Record(Rc<[Datum]>),
    /// A left join without a match.
    Nothing,
}

/// A column of a source.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Column {
    Uuid,
    Event,
    Timestamp,
    DistinctId,
    PersonId,
    Properties,
    Property(String),
    PersonProperties,
    PersonProperty(String),
    /// What lies deeper in a property.
    Inside(String, Vec<String>),
    At(usize),
    /// What lies deeper in a column that holds JSON.
    InsideAt(usize, Vec<String>),
}

const TIME: &str = "DateTime64(6, 'UTC')";

impl Columns {
    /// The column that a field's parts mean, and its type.
    pub fn find(&self, parts: &[String]) -> Option<(Column, Arc<str>)> {
        if let Columns::Named(columns) = self {
            return named_column(columns, parts);
        }
        let evaluations = matches!(self, Columns::Evaluations);
        let (column, kind) = match parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["uuid"] => (Column::Uuid, "UUID"),
            ["event"] => (Column::Event, "String"),
            ["timestamp" | "created_at"] => (Column::Timestamp, TIME),
            ["distinct_id"] => (Column::DistinctId, "String"),
            ["person_id"] | ["person", "id"] => (Column::PersonId, "UUID"),
            ["properties"] => (Column::Properties, "String"),
            ["properties", name] => (Column::Property(name.to_owned()), "Nullable(String)"),
            ["properties", name, ..] => {
                (Column::Inside(name.to_owned(), parts[2..].to_vec()), "Nullable(String)")
            }
            ["flag_key"] if evaluations => (Column::Property("$feature_flag".into()), "String"),
            ["response"] if evaluations => (Column::Property("$feature_flag_response".into()), "String"),
            ["issue_id"] if !evaluations => {
                (Column::Property("$exception_issue_id".into()), "Nullable(UUID)")
            }
            ["person", "properties"] if !evaluations => (Column::PersonProperties, "String"),
            ["person", "properties", name] if !evaluations => {
                (Column::PersonProperty(name.to_owned()), "Nullable(String)")
            }
            _ => return None,
        };
        Some((column, kind.into()))
    }

    /// What `*` stands for.
    pub fn names(&self) -> Vec<String> {
        match self {
            Columns::Named(columns) => columns.iter().map(|(it, _)| it.clone()).collect(),
            Columns::Evaluations => ["uuid", "timestamp", "distinct_id", "person_id", "flag_key", "response"]
                .map(str::to_owned)
                .into(),
            Columns::Events => ["uuid", "event", "properties", "timestamp", "distinct_id", "person_id"]
                .map(str::to_owned)
                .into(),
        }
    }
}

/// A column of a query or small table. A query that yields `properties` is asked for a property as `events` is.
fn named_column(columns: &[(String, Arc<str>)], parts: &[String]) -> Option<(Column, Arc<str>)> {
    let (name, path) = parts.split_first()?;
    let at = columns.iter().position(|(it, _)| it == name)?;
    match path {
        [] => Some((Column::At(at), columns[at].1.clone())),
        _ if name == "properties" => Some((Column::InsideAt(at, path.to_vec()), "Nullable(String)".into())),
        _ => None,
    }
}

/// What lies at a path in JSON; in lists one counts from 1, or from the end.
pub(super) fn inside<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |it, step| match it {
        Value::Array(list) => list.get(super::lists::place(step.parse().ok()?, list.len())?),
        other => other.get(step),
    })
}

impl Cell<'_> {
    pub fn get(&self, column: &Column, world: &World) -> Datum {
        let event = match (self, column) {
            (Cell::Record(values), Column::At(at)) => return values.get(*at).cloned().unwrap_or(Datum::Null),
            (Cell::Record(values), Column::InsideAt(at, path)) => {
                let text = values.get(*at).and_then(Datum::string).unwrap_or_default();
                let json: Value = serde_json::from_str(&text).unwrap_or_default();
                return Datum::from_property(inside(&json, path));
            }
            (Cell::Event(event), _) => event,
            _ => return Datum::Null,
        };
        let person = || world.people.by_uuid(&event.person_id);
        match column {
            Column::Uuid => Datum::Text(event.uuid.clone()),
            Column::Event => Datum::Text(event.event.clone()),
            Column::Timestamp => Datum::Time(event.timestamp),
            Column::DistinctId => Datum::Text(event.distinct_id.clone()),
            Column::PersonId => Datum::Text(event.person_id.clone()),
            Column::Properties => Datum::text(&serde_json::to_string(&event.properties).unwrap_or_default()),
            Column::Property(name) => Datum::from_property(event.properties.get(name)),
            Column::PersonProperties => person().map_or(Datum::Null, |it| {
                Datum::text(&serde_json::to_string(&it.properties).unwrap_or_default())
            }),
            Column::PersonProperty(name) => {
                Datum::from_property(person().and_then(|it| it.properties.get(name)))
            }
            Column::Inside(name, path) => {
                Datum::from_property(event.properties.get(name).and_then(|it| inside(it, path)))
            }
            Column::At(_) | Column::InsideAt(..) => Datum::Null,
        }
    }
}

/// A table's columns and rows; `None` when there is no such table.
pub(super) fn open<'a>(world: &'a World, name: &str) -> Option<(Columns, Vec<Cell<'a>>)> {
    // 0: calls are events; 1: they are in both tables; 2: only in `flag_evaluations`.
    let mode = world.project.get("flag_evaluations_mode").and_then(|it| it.as_u64()).unwrap_or(0);
    let called = |it: &&Event| &*it.event == FLAG_CALLED;
    match name {
        "events" => {
            let visible = |it: &&Event| mode < 2 || !called(it);
            Some((Columns::Events, world.events.iter().filter(visible).map(Cell::Event).collect()))
        }
        "flag_evaluations" if mode > 0 => {
            Some((Columns::Evaluations, world.events.iter().filter(called).map(Cell::Event).collect()))
        }
        "persons" => {
            let columns = [("id", "UUID"), ("properties", "String")];
            let rows = world.people.iter().map(|it| {
                let properties = serde_json::to_string(&it.properties).unwrap_or_default();
                [Datum::Text(it.uuid.clone()), Datum::text(&properties)]
            });
            Some(named(&columns, rows))
        }
        "system.feature_flags" => {
            let columns = [
                ("id", "Int64"),
                ("team_id", "Int64"),
                ("key", "String"),
                ("name", "String"),
                ("filters", "String"),
                ("created_at", TIME),
                ("deleted", "UInt8"),
            ];
            let rows = world.flags.iter().map(|it| {
                [
                    Datum::Int(it.id as i64),
                    Datum::Int(crate::sandbox::PROJECT_ID as i64),
                    Datum::text(&it.state.key),
                    Datum::text(&it.state.name),
                    Datum::text(&text(&it.state.filters)),
                    Datum::Time(it.created_at),
                    Datum::Int(i64::from(it.state.deleted)),
                ]
            });
            Some(named(&columns, rows))
        }
        _ => None,
    }
}

fn named<'a, const N: usize>(
    columns: &[(&str, &'static str); N],
    rows: impl Iterator<Item = [Datum; N]>,
) -> (Columns, Vec<Cell<'a>>) {
    let columns = columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).into())).collect();
    (Columns::Named(columns), rows.map(|it| Cell::Record(it.into())).collect())
}
