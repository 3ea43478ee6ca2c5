use serde_json::{Value, json};

use super::super::{Found, Target};
use super::described;

/// The invitation to an interview, a draft. It is never linked to the flag: the web SDK would ask for the flag to show
/// it, and that would count as exposure (posthog-api 4.9). `None` while a cohort is missing.
pub(in super::super) fn survey(target: &Target, found: &Found) -> Option<Value> {
    let brief = &target.brief;
    let interview = brief.interview.as_ref()?;
    let title = brief.title();
    let text =
        interview.text.clone().unwrap_or_else(|| format!("Could we talk for 20 minutes about \"{title}\"?"));
    let mut body = json!({
        "name": format!("{}: interview", brief.key),
        "description": described(&format!("Invites people who use \"{title}\"."), &brief.key),
        "type": "popover",
        "schedule": "once",
        "questions": [{ "type": "link", "question": text, "buttonText": "Pick a time", "link": interview.calendar }],
        "appearance": { "surveyPopupDelaySeconds": 10, "displayThankYouMessage": true },
        "start_date": null,
    });
    if !found.is_old {
        body["responses_limit"] = interview.people().into();
    }
    match &interview.event {
        Some(event) => {
            body["conditions"] = json!({
                "seenSurveyWaitPeriodInDays": 30,
                "events": { "repeatedActivation": false, "values": [{ "name": event }] },
            });
        }
        None => {
            let stage = &target.plan.stages[interview.stage_in(&target.plan)?];
            let properties = stage.audience.properties(&|name| found.cohort(name))?;
            body["conditions"] = json!({ "seenSurveyWaitPeriodInDays": 30 });
            // Filters that everyone passes are none, and refused.
            if properties.as_array().is_some_and(|it| !it.is_empty()) {
                body["targeting_flag_filters"] = json!({ "groups": [{ "properties": properties, "rollout_percentage": 100, "variant": null }] });
            }
        }
    }
    Some(body)
}
