use serde_json::{Value, json};

use crate::analysis::{Card, Details, State};
use crate::feature::{StageLine, scheduled_words};
use crate::flags::{
    Certainty, Compared, Experiment, ExperimentResult, Exposure, KeyMetric, Outcome, Sample, VariantExposure,
};

/// The public JSON of `flagline show`. Times are RFC 3339 in UTC; what is not known is null.
pub fn card_json(card: &Card) -> Value {
    let mut json = match &card.state {
        State::NotLoaded => json!({ "state": "not-loaded" }),
        State::Unknown { project, similar } => {
            json!({ "state": "unknown", "project": project, "similar": similar.as_ref().map(|it| it.as_str()) })
        }
        State::Known(details) => known(details),
    };
    json["key"] = card.key.as_str().into();
    json["trouble"] = card.trouble.clone().into();
    json["elsewhere"] = card
        .elsewhere
        .iter()
        .map(|it| json!({ "environment": it.environment, "stage": it.stage, "people": it.people }))
        .collect();
    json
}

fn known(details: &Details) -> Value {
    let since = details.since.as_ref().map(|it| {
        json!({ "value": it.value.to_string(), "at": it.at.to_string(), "exact": it.exact, "by": it.by })
    });
    let links: Vec<Value> =
        details.links.iter().map(|it| json!({ "title": it.title, "url": it.url })).collect();
    json!({
        "state": "known",
        "name": details.name,
        "project": details.project,
        "stage": details.stage.to_string(),
        "stages": details.stages.iter().map(stage_json).collect::<Vec<_>>(),
        "arrived": details.arrived.as_ref().map(|it| json!({ "at": it.at.to_string(), "by": it.by })),
        "next": details.next.as_ref().map(|it| {
            json!({ "at": it.at.to_string(), "change": scheduled_words(&it.change), "recurring": it.recurring })
        }),
        "experiments": details.experiments.iter().map(|it| experiment(it, details)).collect::<Vec<_>>(),
        "owner": details.owner,
        "since": since,
        "exposure": details.exposure.as_ref().map(|it| exposure(it, details)),
        "exposureTrouble": details.exposure_trouble,
        "withheld": details.withheld,
        "lastSeen": details.last_seen.map(|it| it.to_string()),
        "fetchedAt": details.fetched_at.to_string(),
        "links": links,
    })
}

fn stage_json(it: &StageLine) -> Value {
    json!({ "name": it.name, "percent": it.percent, "current": it.current, "stopped": it.stopped })
}

fn experiment(it: &Experiment, details: &Details) -> Value {
    let metric = match &it.metric {
        KeyMetric::Described { title, .. } => Some(title),
        KeyMetric::Missing | KeyMetric::InFilters => None,
    };
    json!({
        "id": it.id,
        "name": it.name,
        "startedAt": it.started_at.map(|it| it.to_string()),
        "endedAt": it.ended_at.map(|it| it.to_string()),
        "conclusion": it.conclusion,
        "metric": metric,
        "result": details.results.get(&it.id).map(result),
    })
}

fn result(it: &ExperimentResult) -> Value {
    let sample = |it: &Sample| json!({ "variant": it.variant, "people": it.people, "mean": it.mean });
    let variant = |it: &Compared| {
        let mut json = sample(&it.sample);
        json["difference"] = it.difference.into();
        json["interval"] = it.interval.map_or(Value::Null, |(low, high)| json!([low, high]));
        json["significant"] = it.significant.into();
        json["chanceToWin"] = Value::Null;
        json["pValue"] = Value::Null;
        match it.certainty {
            Some(Certainty::ChanceToWin(it)) => json["chanceToWin"] = it.into(),
            Some(Certainty::PValue(it)) => json["pValue"] = it.into(),
            None => {}
        }
        json
    };
    let (baseline, variants, trouble) = match &it.outcome {
        Outcome::Compared(all) => (sample(&all.baseline), all.variants.iter().map(variant).collect(), None),
        Outcome::CannotTell(why) => (Value::Null, Vec::new(), Some(why)),
    };
    json!({
        "baseline": baseline,
        "variants": variants,
        "trouble": trouble,
        "computedAt": it.computed_at.to_string(),
        "fetchedAt": it.fetched_at.to_string(),
    })
}

fn exposure(exposure: &Exposure, details: &Details) -> Value {
    let variant = |it: &VariantExposure| {
        json!({
            "response": it.response,
            "people": it.people,
            "calls": it.calls,
            "people24h": it.people_24h,
            "calls24h": it.calls_24h,
            "lastSeen": it.last_seen.map(|it| it.to_string()),
        })
    };
    let sdks: Vec<Value> = exposure
        .sdks
        .iter()
        .map(|it| json!({ "lib": it.lib, "lastSeen": it.last_seen.to_string() }))
        .collect();
    json!({
        "windowDays": exposure.window_days,
        "variants": exposure.variants.iter().map(variant).collect::<Vec<_>>(),
        "trend": details.trend,
        "sdks": sdks,
        "fetchedAt": exposure.fetched_at.to_string(),
    })
}
