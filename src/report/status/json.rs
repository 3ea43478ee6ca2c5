//! The public JSON of `flagline status`.

use serde_json::{Value, json};

use super::{StatusReport, words};
use crate::analysis::status::{
    Check, FeatureStatus, GateStatus, Holds, People, Place, Position, Rollout, TrackStage,
};
use crate::feature::brief::{Count, Goal, Metric, MetricKind, Release};
use crate::feature::{Forecast, Stage, Value as Served};
use crate::flags::{AllSeries, FlagKey, MetricSeries};
use crate::report::moves::verdict_words;
use crate::report::reads::place;
use crate::report::relative;

/// Everything; what is not known is null. Paths are relative, times RFC 3339 in UTC.
pub fn status_json(report: &StatusReport) -> Value {
    let features: Vec<Value> = report.status.features.iter().map(|it| feature(it, report)).collect();
    let problems = report.status.problems.iter();
    let environment = report.environment;
    json!({
        "environment": environment.map(|it| &*it.name),
        "host": environment.map(|it| &*it.host),
        "project": environment.and_then(|it| it.project.as_ref()).map(|it| json!({ "id": it.id, "name": &*it.name })),
        "fetchedAt": environment.and_then(|it| it.flags.as_ref()).map(|it| it.fetched_at.to_string()),
        "troubles": words::troubles(report),
        "features": features,
        "problems": problems
            .map(|it| json!({ "path": relative(&it.path, report.directory), "message": it.message }))
            .collect::<Vec<_>>(),
        "days": report.series.map(|it| it.days.iter().map(ToString::to_string).collect::<Vec<_>>()),
    })
}

fn feature(it: &FeatureStatus, report: &StatusReport) -> Value {
    let time = |at: &jiff::Timestamp| at.to_string();
    let links = it.links.iter().map(|it| json!({ "title": it.title, "url": it.url }));
    let reads = it.reads.iter().map(|it| place(&relative(&it.path, report.directory), it.span));
    json!({
        "key": it.key.as_str(),
        "title": it.title,
        "owner": it.owner,
        "brief": it.brief.as_ref().map(|it| relative(it, report.directory)),
        "release": it.release.map(|it| match it {
            Release::AutoRollout => "auto-rollout",
            Release::AbTest => "ab-test",
        }),
        "place": place_name(it.place),
        "state": match it.rollout {
            Rollout::NotLoaded => "not-loaded",
            Rollout::NotInPostHog => "unknown",
            Rollout::Known(_) => "known",
        },
        "stage": it.stage_words(),
        "percent": percent(&it.rollout),
        "stopped": it.stopped,
        "stages": it.track.iter().map(stage).collect::<Vec<_>>(),
        "planTrouble": it.plan_trouble,
        "people": people(&it.people),
        "gate": it.gate.as_ref().map(gate),
        "forecast": it.forecast.as_ref().map(forecast),
        "next": {
            "words": it.next.words,
            "command": it.next.command,
            "at": it.next.at.as_ref().map(time),
        },
        "beforeLifting": { "open": it.to_do, "done": it.n_done },
        "createdAt": it.age.created.as_ref().map(time),
        "openedAt": it.age.opened.as_ref().map(time),
        "arrivedAt": it.age.arrived.as_ref().map(time),
        "constantSince": it.age.constant.map(|(at, exact)| json!({ "at": at.to_string(), "exact": exact })),
        "hypothesis": it.hypothesis,
        "metric": it.metric.as_ref().map(metric),
        "outcome": it.outcome.as_ref().map(|it| {
            json!({ "verdict": it.verdict.to_string(), "measured": it.measured })
        }),
        "happened": it.happened.iter().map(|it| json!({ "at": time(&it.at), "what": it.words })).collect::<Vec<_>>(),
        "reads": reads.collect::<Vec<_>>(),
        "cleanUp": it.clean_up.as_ref().map(|it| json!({
            "message": it.message,
            "keep": it.keep.as_ref().map(Served::to_string),
            "command": it.command,
        })),
        "links": links.collect::<Vec<_>>(),
        "series": report.series.map(|all| series(all, &it.key)),
    })
}

/// What a run would decide, in its own words; who met the feature since its stage was opened; what comes by itself.
fn forecast(it: &Forecast) -> Value {
    let (verdict, details) = verdict_words(it.verdict.as_ref().ok());
    let evidence = it.evidence.as_ref();
    let coming = it
        .coming
        .iter()
        .map(|it| json!({ "at": it.at.to_string(), "words": it.words, "against": it.against }));
    json!({
        "verdict": verdict,
        "details": details,
        "notLoaded": it.verdict.as_ref().err(),
        "stopped": it.stopped.as_ref().map(|it| json!({
            "stage": it.stage,
            "reason": it.reason,
            "at": it.since.as_ref().map(|it| it.0.to_string()),
            "by": it.since.as_ref().and_then(|it| it.1.as_ref()),
        })),
        "drift": it.drift,
        "scheduled": coming.collect::<Vec<_>>(),
        "evidence": evidence.ok().map(|it| json!({
            "since": it.since.to_string(),
            "people": it.people(),
            "withExceptions": it.troubled(),
            "fetchedAt": it.fetched_at.to_string(),
        })),
        "evidenceTrouble": evidence.err(),
    })
}

fn place_name(it: Place) -> &'static str {
    match it {
        Place::Running => "running",
        Place::NotLaunched => "not-launched",
        Place::Everyone => "everyone",
        Place::CleanUp => "clean-up",
        Place::Off => "off",
        Place::Gone => "gone",
        Place::Unknown => "unknown",
        Place::NotLoaded => "not-loaded",
    }
}

/// How far the stage that is reached is open, where that is one number.
fn percent(it: &Rollout) -> Option<f64> {
    match it {
        Rollout::Known(Stage::Planned { percent, .. } | Stage::Partial(percent)) => Some(*percent),
        Rollout::Known(Stage::Everyone(_)) => Some(100.0),
        Rollout::Known(Stage::NotLaunched | Stage::Off) => Some(0.0),
        Rollout::Known(_) | Rollout::NotLoaded | Rollout::NotInPostHog => None,
    }
}

fn stage(it: &TrackStage) -> Value {
    let position = match it.position {
        Position::Done => "done",
        Position::Current => "current",
        Position::Ahead => "ahead",
    };
    json!({ "name": it.name, "percent": it.percent, "position": position, "audience": it.audience })
}

fn people(it: &People) -> Value {
    let state = |state: &str, why: Option<&String>| json!({ "state": state, "why": why });
    match it {
        People::Nobody => state("nobody", None),
        People::NotLoaded => state("not-loaded", None),
        People::CannotTell(why) => state("cannot-tell", Some(why)),
        People::Counted { people, variants, days, last_seen, fetched_at } => {
            let variants = variants
                .iter()
                .map(|it| json!({ "name": it.name, "people": it.people, "exposed": it.exposed }));
            json!({
                "state": "counted",
                "people": people,
                "variants": variants.collect::<Vec<_>>(),
                "windowDays": days,
                "lastSeen": last_seen.map(|it| it.to_string()),
                "fetchedAt": fetched_at.to_string(),
            })
        }
    }
}

fn gate(it: &GateStatus) -> Value {
    let check = |it: &Check| {
        let holds = match it.holds {
            Holds::Yes => Some(true),
            Holds::NotYet | Holds::No => Some(false),
            Holds::CannotTell => None,
        };
        json!({ "what": it.what, "holds": holds, "known": it.known })
    };
    json!({
        "stage": it.stage,
        "automatic": it.automatic,
        "checks": it.checks.iter().map(check).collect::<Vec<_>>(),
        "words": it.words(),
    })
}

pub(in crate::report) fn metric(it: &Metric) -> Value {
    json!({
        "title": it.title(),
        "kind": match it.kind {
            MetricKind::Trend => "trend",
            MetricKind::Funnel => "funnel",
            MetricKind::Retention => "retention",
        },
        "count": match it.count {
            Count::Events => "events",
            Count::People => "people",
        },
        "target": it.target,
        "goal": match it.goal {
            Goal::AtLeast => "at-least",
            Goal::AtMost => "at-most",
        },
        "by": it.by.map(|it| it.to_string()),
    })
}

fn series(all: &AllSeries, key: &FlagKey) -> Value {
    let found = all.by_key.get(key);
    let exposure = found.filter(|_| all.exposure_trouble.is_none()).map(|it| {
        let line = |it: &crate::flags::Line| json!({ "response": it.response, "values": it.values });
        it.exposure.iter().map(line).collect::<Vec<_>>()
    });
    let (metric, why) = match found.and_then(|it| it.metric.as_ref()) {
        Some(MetricSeries::Counted(lines)) => {
            let line = |it: &crate::flags::MetricLine| json!({ "response": it.line.response, "values": it.line.values, "week": it.week });
            (Some(lines.iter().map(line).collect::<Vec<_>>()), None)
        }
        Some(MetricSeries::NotDrawn(why)) => (None, Some(why.clone())),
        None => (None, all.metric_trouble.clone()),
    };
    json!({
        "exposure": exposure,
        "exposureTrouble": all.exposure_trouble,
        "metric": metric,
        "metricTrouble": why,
    })
}
