use std::collections::BTreeMap;

use jiff::civil::Date;

use super::FlagKey;

/// How features went in the last days: what graphs are drawn of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AllSeries {
    /// The days, oldest first; the last one is not over.
    pub days: Vec<Date>,
    /// By feature.
    pub by_key: BTreeMap<FlagKey, FeatureSeries>,
    /// Why nobody's exposure is known.
    pub exposure_trouble: Option<String>,
    /// Why no metric is known.
    pub metric_trouble: Option<String>,
}

/// How one feature went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeatureSeries {
    /// Distinct people a day, by response; most people first.
    pub exposure: Vec<Line>,
    /// Its key metric a day, by response; `None` = it has none, or it could not be asked for.
    pub metric: Option<MetricSeries>,
}

/// A key metric of the last days.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricSeries {
    /// By response.
    Counted(Vec<MetricLine>),
    /// It cannot be drawn, and why.
    NotDrawn(String),
}

/// One value a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// The response: `true`, `false`, or a variant's key.
    pub response: String,
    /// As many as there are days.
    pub values: Vec<u64>,
}

/// One value a day, and that of a week.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricLine {
    /// A day.
    pub line: Line,
    /// Over the last seven days; people are counted once.
    pub week: u64,
}

impl AllSeries {
    /// Where nothing could be asked for, and why.
    pub fn unknown(why: &str) -> AllSeries {
        AllSeries {
            exposure_trouble: Some(why.to_owned()),
            metric_trouble: Some(why.to_owned()),
            ..AllSeries::default()
        }
    }
}
