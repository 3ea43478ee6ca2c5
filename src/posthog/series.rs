//! How features went in the last days: a few queries for all of them at once.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::Value;

use super::queries::{self, Column, Evaluations, KEYS_PER_QUERY};
use super::{Client, Error};
use crate::config;
use crate::feature::brief::Metric;
use crate::flags::{AllSeries, FeatureSeries, FlagKey, Line, MetricLine, MetricSeries, Project};

/// How many days are looked at.
pub const DAYS: u32 = 14;
/// Over so many days exposure is counted, and targets are meant.
const WEEK: u32 = 7;
/// Columns of one query: a value of a feature's metric each.
const COLUMNS_PER_QUERY: usize = 100;
/// Queries are few: what people do at the command line has a small share of PostHog's limit.
const MOST_COLUMNS: usize = 4 * COLUMNS_PER_QUERY;

/// A feature to look at.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its flag.
    pub key: FlagKey,
    /// The values that it serves: `true` and `false`, or variants.
    pub responses: Vec<String>,
    /// What it is for.
    pub metric: Option<Metric>,
}

/// Asks how features went. What cannot be had is told in what comes back: the rest counts.
pub async fn load(
    client: &Client,
    environment: &config::Environment,
    asked: &[Asked],
    now: Timestamp,
) -> AllSeries {
    let mut all = AllSeries { days: last_days(now), ..AllSeries::default() };
    if asked.is_empty() {
        return all;
    }
    let project = match client.project(environment).await {
        Ok(project) => project,
        Err(error) => {
            return AllSeries { days: all.days, ..AllSeries::unknown(&error.to_string()) };
        }
    };
    let table = Evaluations::of_mode(project.flag_evaluations_mode);
    let project: Project = project.into();
    for feature in asked {
        all.by_key.insert(feature.key.clone(), FeatureSeries::default());
    }
    if let Err(error) = exposure(client, &project, table, asked, &mut all).await {
        all.exposure_trouble = Some(error.to_string());
    }
    if let Err(error) = metrics(client, &project, asked, &mut all).await {
        all.metric_trouble = Some(error.to_string());
    }
    all
}

/// The last days, in UTC; today last.
fn last_days(now: Timestamp) -> Vec<Date> {
    let today = TimeZone::UTC.to_datetime(now).date();
    (0..i64::from(DAYS)).rev().filter_map(|it| today.checked_sub(it.days()).ok()).collect()
}

async fn exposure(
    client: &Client,
    project: &Project,
    table: Evaluations,
    asked: &[Asked],
    all: &mut AllSeries,
) -> Result<(), Error> {
    let keys: Vec<FlagKey> = asked.iter().map(|it| it.key.clone()).collect();
    let mut lines: BTreeMap<(FlagKey, String), Vec<u64>> = BTreeMap::new();
    for keys in keys.chunks(KEYS_PER_QUERY) {
        let rows = client.query(project, &queries::exposure_days(table, keys, DAYS)).await?;
        for row in &rows {
            let [key, day, response, people] = row.as_slice() else { continue };
            let (Some(key), Some(people)) = (key.as_str(), people.as_u64()) else { continue };
            let response = response.as_str().unwrap_or_default().to_owned();
            let line = lines.entry((key.into(), response)).or_insert_with(|| vec![0; all.days.len()]);
            if let Some(value) = position(&all.days, day).and_then(|at| line.get_mut(at)) {
                *value = people;
            }
        }
    }
    for ((key, response), values) in lines {
        if let Some(feature) = all.by_key.get_mut(&key) {
            feature.exposure.push(Line { response, values });
        }
    }
    for feature in all.by_key.values_mut() {
        feature.exposure.sort_by_key(|it| std::cmp::Reverse(it.values.iter().sum::<u64>()));
    }
    Ok(())
}

fn position(days: &[Date], day: &Value) -> Option<usize> {
    let day: Date = day.as_str()?.get(..10)?.parse().ok()?;
    days.iter().position(|it| *it == day)
}

async fn metrics(
    client: &Client,
    project: &Project,
    asked: &[Asked],
    all: &mut AllSeries,
) -> Result<(), Error> {
    let mut columns: Vec<Column> = Vec::new();
    for feature in asked {
        let (Some(metric), Some(known)) = (&feature.metric, all.by_key.get_mut(&feature.key)) else {
            continue;
        };
        let too_many = || Err("too many features are shown; name some of them".to_owned());
        let fits = columns.len() + feature.responses.len() <= MOST_COLUMNS;
        match queries::drawable(metric).and_then(|()| if fits { Ok(()) } else { too_many() }) {
            Err(why) => known.metric = Some(MetricSeries::NotDrawn(why)),
            Ok(()) => columns.extend(feature.responses.iter().map(|response| Column {
                key: &feature.key,
                response,
                metric,
            })),
        }
    }
    for columns in columns.chunks(COLUMNS_PER_QUERY) {
        let days = client.query(project, &queries::metrics(columns, true, DAYS)).await?;
        let week = client.query(project, &queries::metrics(columns, false, WEEK)).await?;
        let week = week.first().map(Vec::as_slice).unwrap_or_default();
        for (at, column) in columns.iter().enumerate() {
            let mut values = vec![0; all.days.len()];
            for row in &days {
                let [day, counts @ ..] = row.as_slice() else { continue };
                if let Some(value) = position(&all.days, day).and_then(|it| values.get_mut(it)) {
                    *value = counts.get(at).and_then(Value::as_u64).unwrap_or_default();
                }
            }
            let line = MetricLine {
                line: Line { response: column.response.to_owned(), values },
                week: week.get(at).and_then(Value::as_u64).unwrap_or_default(),
            };
            let Some(feature) = all.by_key.get_mut(column.key) else { continue };
            match &mut feature.metric {
                Some(MetricSeries::Counted(lines)) => lines.push(line),
                _ => feature.metric = Some(MetricSeries::Counted(vec![line])),
            }
        }
    }
    Ok(())
}
