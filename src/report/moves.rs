//! What a move of a rollout comes to, for people and programs; and what a run over all of them came to.

use serde_json::{Value, json};

use crate::feature::{NextStep, Verdict};
use crate::rollout::moving::{MetricWeek, Preview, Rollout};
use crate::rollout::run::{FeatureReport, Report};

/// What a move comes to, and whom it touches.
pub fn move_lines(rollout: &Rollout, preview: &Preview) -> Vec<String> {
    let brief = &rollout.brief;
    let mut lines = vec![format!(
        "{} ({}), in {}, now {}",
        brief.title(),
        brief.key,
        rollout.project_name(),
        rollout.place_words()
    )];
    lines.extend(preview.change.what.iter().map(|it| format!("  ~ {it}")));
    lines.extend(preview.people.iter().map(|it| format!("  touches {}", it.words())));
    lines.extend(preview.concerns.iter().map(|it| format!("  ! {it}")));
    lines
}

/// The same for programs.
pub fn move_json(rollout: &Rollout, preview: &Preview) -> Value {
    json!({
        "key": rollout.brief.key,
        "project": rollout.project_name(),
        "stage": rollout.stage_words(),
        "changes": preview.change.what,
        "people": preview.people.as_ref().map(|it| json!({
            "stage": it.stage, "before": it.before, "after": it.after, "total": it.total,
        })),
        "concerns": preview.concerns,
        "link": rollout.page(),
    })
}

/// What a run came to, as a table for people: where each feature stands, what it is decided by, and what was done.
pub fn run_lines(report: &Report) -> Vec<String> {
    let stages: Vec<(&FeatureReport, [String; 4])> =
        report.features.iter().map(|it| (it, columns(it))).collect();
    let titles = ["FLAG", "STAGE", "PEOPLE", "WHAT BECOMES OF IT"].map(str::to_owned);
    let width = |n: usize| {
        let all = stages.iter().map(|it| &it.1[n]).chain([&titles[n]]);
        all.map(|it| it.chars().count()).max().unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    let line = |it: &[String; 4]| {
        let [a, b, c, d] = it;
        format!("{a:<0$}  {b:<1$}  {c:<2$}  {d}", widths[0], widths[1], widths[2])
    };
    let mut lines = vec![line(&titles)];
    for (feature, columns) in &stages {
        lines.push(line(columns));
        lines.extend(details(feature, report.is_dry));
    }
    lines
}

fn columns(it: &FeatureReport) -> [String; 4] {
    let people = match it.people {
        Some((people, 0)) => people.to_string(),
        Some((people, troubled)) => format!("{people}, {troubled} with exceptions"),
        None => "-".into(),
    };
    let what = match &it.trouble {
        Some(why) => format!("failed: {why}"),
        None => it.words(),
    };
    [it.key.clone(), it.stage.clone(), people, what]
}

fn details(it: &FeatureReport, is_dry: bool) -> Vec<String> {
    let evidence = match &it.verdict {
        Some(Verdict::Asks { evidence, .. } | Verdict::Promotes { evidence, .. }) => evidence.clone(),
        _ => Vec::new(),
    };
    let metric = it.metric.iter().map(MetricWeek::words);
    let evidence = evidence.into_iter().chain(metric).map(|it| format!("    = {it}"));
    let mark = if is_dry { "~" } else { "✓" };
    let done = it.done.iter().map(|it| format!("    {mark} {it}"));
    let told = it.messages.iter().map(|it| format!("    > {}: {}", it.kind.name(), it.text));
    let warnings = it.warnings.iter().map(|it| format!("    ! {it}"));
    evidence.chain(done).chain(told).chain(warnings).collect()
}

/// The same for programs.
pub fn run_json(report: &Report) -> Value {
    json!({
        "now": report.now,
        "features": report.features.iter().map(feature_json).collect::<Vec<Value>>(),
    })
}

/// The public name of a verdict, and what it rests on.
pub(super) fn verdict_words(it: Option<&Verdict>) -> (&'static str, Vec<String>) {
    match it {
        None => ("none", Vec::new()),
        Some(Verdict::Rests(why)) => ("rests", vec![why.clone()]),
        Some(Verdict::Waits { missing, .. }) => ("waits", missing.clone()),
        Some(Verdict::Asks { evidence, .. }) => ("asks", evidence.clone()),
        Some(Verdict::Promotes { evidence, .. }) => ("promotes", evidence.clone()),
        Some(Verdict::Stops { reason, .. }) => ("stops", vec![reason.clone()]),
    }
}

fn feature_json(it: &FeatureReport) -> Value {
    let (verdict, details) = verdict_words(it.verdict.as_ref());
    let until = match &it.verdict {
        Some(Verdict::Waits { until, .. }) => *until,
        _ => None,
    };
    let next = match &it.verdict {
        Some(Verdict::Asks { next, .. } | Verdict::Promotes { next, .. }) => match next {
            NextStep::Within { percent, .. } | NextStep::Across { percent, .. } => {
                json!({ "stage": it.next_stage(), "percent": percent })
            }
            NextStep::Done => Value::Null,
        },
        _ => Value::Null,
    };
    json!({
        "key": it.key,
        "stage": it.stage,
        "people": it.people.map(|it| it.0),
        "with_exceptions": it.people.map(|it| it.1),
        "metric": it.metric.as_ref().map(|it| json!({
            "title": it.title,
            "counts": if it.counts_people { "people" } else { "events" },
            "week": it.by_response.iter().map(|(response, n)| json!({ "response": response, "value": n }))
                .collect::<Vec<Value>>(),
        })),
        "verdict": verdict,
        "details": details,
        "until": until,
        "next": next,
        "done": it.done,
        "messages": it.messages.iter().map(|it| json!({
            "kind": it.kind.name(), "stage": it.stage, "text": it.text,
        })).collect::<Vec<Value>>(),
        "warnings": it.warnings,
        "trouble": it.trouble,
    })
}
