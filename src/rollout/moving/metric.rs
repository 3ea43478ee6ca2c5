//! The key metrics of rollouts in the last week, in few queries: what a person looks at who gives a go.

use super::Rollout;
use super::evidence::asked;
use crate::feature::brief::Metric;
use crate::flags::FlagKey;
use crate::posthog::Error;
use crate::posthog::queries::{self, Column};

/// How a feature's key metric did in the last week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricWeek {
    /// What it is called.
    pub title: String,
    /// Whether people are counted, each once, rather than events.
    pub counts_people: bool,
    /// By response: of those who got it, as events say.
    pub by_response: Vec<(String, u64)>,
}

/// So many columns go into one query.
const COLUMNS: usize = 50;
const DAYS: u32 = 7;

impl MetricWeek {
    /// `User retention, last 7 days: 12 people (true)`
    pub fn words(&self) -> String {
        let unit = if self.counts_people { "people" } else { "events" };
        let of = |(response, n): &(String, u64)| format!("{n} {unit} ({response})");
        let all: Vec<String> = self.by_response.iter().map(of).collect();
        format!("{}, last {DAYS} days: {}", self.title, all.join(", "))
    }
}

/// Asks how the key metrics did of the features that are on their way. Where that cannot be told, nothing is said of it:
/// nothing is decided by it.
pub(in crate::rollout) async fn load(rollouts: &mut [Rollout<'_>]) -> Result<(), Error> {
    let Some(base) = rollouts.first().map(|it| it.base) else { return Ok(()) };
    let asked_for: Vec<(usize, FlagKey, Metric, Vec<String>)> =
        rollouts.iter().enumerate().filter_map(wanted).collect();
    let mut columns = Vec::new();
    for (at, key, metric, responses) in &asked_for {
        columns.extend(responses.iter().map(|response| (*at, Column { key, response, metric })));
    }
    for chunk in columns.chunks(COLUMNS) {
        let of_query: Vec<Column> = chunk.iter().map(|it| it.1.clone()).collect();
        let rows = match asked(base, &queries::metrics(&of_query, false, DAYS)).await {
            Err(Error::Server { .. }) => return Ok(()),
            answer => answer?,
        };
        let Ok(rows) = rows else { return Ok(()) };
        let row = rows.first().map(Vec::as_slice).unwrap_or_default();
        for ((at, column), value) in chunk.iter().zip(row) {
            let week = rollouts[*at].metric.get_or_insert_with(|| MetricWeek {
                title: column.metric.title(),
                counts_people: queries::counts_people(column.metric),
                by_response: Vec::new(),
            });
            week.by_response.push((column.response.to_owned(), value.as_u64().unwrap_or_default()));
        }
    }
    Ok(())
}

/// What to ask of a rollout: its place, key, metric and responses.
fn wanted((at, rollout): (usize, &Rollout<'_>)) -> Option<(usize, FlagKey, Metric, Vec<String>)> {
    rollout.wanted()?;
    let metric = rollout.brief.metric.clone().filter(|it| queries::drawable(it).is_ok())?;
    let variants: Vec<String> = rollout.brief.variants().into_iter().map(|it| it.key).collect();
    let responses = if variants.is_empty() { vec!["true".to_owned()] } else { variants };
    Some((at, rollout.brief.flag(), metric, responses))
}
