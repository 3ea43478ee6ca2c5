//! What is drawn of a feature, and what is said where nothing can be drawn.

use super::super::StatusReport;
use super::chart::Chart;
use super::markup::text;
use crate::analysis::status::{FeatureStatus, People, Rollout, response_name};
use crate::feature::brief::{Count, Goal, Metric, MetricKind};
use crate::flags::{AllSeries, FeatureSeries, Line, MetricLine, MetricSeries};

/// Exposure and key metric, side by side.
pub(super) fn graphs(feature: &FeatureStatus, anchor: &str, report: &StatusReport) -> String {
    let Some(all) = report.series.filter(|_| matches!(feature.rollout, Rollout::Known(_))) else {
        return String::new();
    };
    let nothing = FeatureSeries::default();
    let own = all.by_key.get(&feature.key).unwrap_or(&nothing);
    let metric = feature.metric.as_ref().map(|it| of_metric(feature, it, own, all, anchor));
    format!(
        "<div class=\"graphs\">\n{}{}</div>\n",
        exposure(feature, own, all, anchor),
        metric.unwrap_or_default()
    )
}

fn exposure(feature: &FeatureStatus, own: &FeatureSeries, all: &AllSeries, anchor: &str) -> String {
    let title = "People a day, by what they get";
    if let Some(why) = &all.exposure_trouble {
        return absent(title, &format!("It cannot be drawn: {why}"));
    }
    if own.exposure.is_empty() {
        return absent(title, &format!("Nobody met it in the last {} days.", all.days.len()));
    }
    // In the order of the other graph, so that a value looks the same in both.
    let place =
        |it: &&Line| feature.responses.iter().position(|own| *own == it.response).unwrap_or(usize::MAX);
    let mut lines: Vec<&Line> = own.exposure.iter().collect();
    lines.sort_by_key(place);
    let lines = lines.into_iter().map(|it| (response_name(&it.response), it.values.as_slice()));
    Chart {
        id: format!("{anchor}-exposure"),
        title: title.to_owned(),
        days: &all.days,
        lines: lines.collect(),
        target: None,
        note: None,
    }
    .html()
}

fn of_metric(
    feature: &FeatureStatus,
    metric: &Metric,
    own: &FeatureSeries,
    all: &AllSeries,
    anchor: &str,
) -> String {
    let title = title(metric);
    let lines = match (&own.metric, &all.metric_trouble) {
        (Some(MetricSeries::NotDrawn(why)), _) | (None, Some(why)) => {
            return absent(&title, &format!("It cannot be drawn: {why}"));
        }
        (None, None) => return absent(&title, "It was not asked for."),
        (Some(MetricSeries::Counted(lines)), _) => lines,
    };
    if lines.iter().all(|it| it.line.values.iter().all(|it| *it == 0)) {
        let why = format!(
            "None in the last {} days: it counts events that carry the flag's value ($feature/{}), as the web SDK sends them.",
            all.days.len(),
            feature.key
        );
        return absent(&title, &why);
    }
    // A value that nobody gets has nothing to show; that nothing came of one that people get is worth seeing.
    let is_got = |it: &&MetricLine| {
        let is_met = own.exposure.iter().any(|met| met.response == it.line.response);
        is_met || it.line.values.iter().any(|it| *it > 0)
    };
    let measured = measured(feature, metric, lines);
    let target = measured.as_ref().and_then(|it| Some((it.target_a_day?, it.target_words.clone()?)));
    let note = match metric.kind {
        MetricKind::Retention => {
            Some("Who of them came back in the week after is on the feature's dashboard.".to_owned())
        }
        MetricKind::Trend | MetricKind::Funnel => measured.map(|it| it.note),
    };
    Chart {
        id: format!("{anchor}-metric"),
        title,
        days: &all.days,
        lines: lines
            .iter()
            .filter(is_got)
            .map(|it| (response_name(&it.line.response), it.line.values.as_slice()))
            .collect(),
        target,
        note,
    }
    .html()
}

/// What is really counted: a day's numbers, whatever the target is about.
fn title(metric: &Metric) -> String {
    let event = metric.counted().map_or("$pageview", |it| it.event());
    let what = match (metric.kind, metric.count) {
        (MetricKind::Trend, Count::Events) => format!("'{event}' a day"),
        (MetricKind::Trend, Count::People) => format!("people a day with '{event}'"),
        (MetricKind::Funnel, _) => format!("people a day who did the last step, '{event}'"),
        (MetricKind::Retention, _) => format!("people a day who were there ('{event}')"),
    };
    format!("Key metric, {}: {what}, by what they get", metric.title())
}

/// How the metric does among those who get the feature.
struct Measured {
    note: String,
    target_a_day: Option<f64>,
    target_words: Option<String>,
}

/// The week's count of those who get the feature, for each hundred of them, beside the target.
fn measured(feature: &FeatureStatus, metric: &Metric, lines: &[MetricLine]) -> Option<Measured> {
    if metric.kind == MetricKind::Retention {
        return None;
    }
    let gets_it = |it: &&MetricLine| !matches!(it.line.response.as_str(), "false" | "control");
    let line = lines.iter().find(gets_it)?;
    let name = response_name(&line.line.response);
    let People::Counted { variants, days: 7, .. } = &feature.people else { return None };
    let people = variants.iter().find(|it| it.name == name).map(|it| it.people).filter(|it| *it > 0)?;
    let now = line.week as f64 * 100.0 / people as f64;
    let of = format!("the {people} people who met it as '{name}' in the last 7 days");
    let unit = match metric.kind {
        MetricKind::Funnel => format!("Those who did the last step make {now:.1} % of {of}"),
        _ => format!("{now:.1} for each hundred of {of}"),
    };
    let Some(target) = metric.target else {
        return Some(Measured { note: format!("{unit}."), target_a_day: None, target_words: None });
    };
    let goal = match metric.goal {
        Goal::AtLeast => "at least",
        Goal::AtMost => "at most",
    };
    let percent = if metric.kind == MetricKind::Funnel { " %" } else { "" };
    Some(Measured {
        // People who did not meet the feature may carry its value, and events of servers mostly do not.
        note: format!(
            "{unit}, by the value that events carry; the target is {goal} {target}{percent}. Whether it is reached \
             PostHog's own graph tells."
        ),
        target_a_day: Some(target * people as f64 / 700.0),
        target_words: Some(format!("the target, spread over a week of {people} people with '{name}'")),
    })
}

/// In place of a graph.
fn absent(title: &str, why: &str) -> String {
    format!(
        "<figure class=\"absent\">\n<figcaption>{}</figcaption>\n<p>{}</p>\n</figure>\n",
        text(title),
        text(why)
    )
}
