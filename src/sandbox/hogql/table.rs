//! Tables: where rows come from and what their columns mean.

use std::rc::Rc;

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
    Named(Vec<(String, &'static str)>),
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
    At(usize),
}

const TIME: &str = "DateTime64(6, 'UTC')";

impl Columns {
    /// The column that a field's parts mean, and its type.
    pub fn find(&self, parts: &[String]) -> Option<(Column, &'static str)> {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if let Columns::Named(columns) = self {
            let [name] = parts[..] else { return None };
            let at = columns.iter().position(|(it, _)| it == name)?;
            return Some((Column::At(at), columns[at].1));
        }
        let evaluations = matches!(self, Columns::Evaluations);
        Some(match parts[..] {
            ["uuid"] => (Column::Uuid, "UUID"),
            ["event"] => (Column::Event, "String"),
            ["timestamp" | "created_at"] => (Column::Timestamp, TIME),
            ["distinct_id"] => (Column::DistinctId, "String"),
            ["person_id"] | ["person", "id"] => (Column::PersonId, "UUID"),
            ["properties"] => (Column::Properties, "String"),
            ["properties", name] => (Column::Property(name.to_owned()), "Nullable(String)"),
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
        })
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

impl Cell<'_> {
    pub fn get(&self, column: &Column, world: &World) -> Datum {
        let event = match (self, column) {
            (Cell::Record(values), Column::At(at)) => return values.get(*at).cloned().unwrap_or(Datum::Null),
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
            Column::At(_) => Datum::Null,
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
    let columns = columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    (Columns::Named(columns), rows.map(|it| Cell::Record(it.into())).collect())
}
