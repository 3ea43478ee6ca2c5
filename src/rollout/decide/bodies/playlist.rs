use serde_json::{Value, json};

use super::super::{Found, Target};
use super::insights::{exposed, exposure_event, feature, table};
use super::{described, exactly};

/// The recordings of people who have the feature, or one of its variants.
pub(in super::super) fn playlist(target: &Target, found: &Found, variant: Option<&str>) -> Value {
    let key = target.key();
    let (name, responses) = match variant {
        None => (format!("{key}: recordings"), target.responses()),
        Some(variant) => (format!("{key}: recordings of {variant}"), vec![variant.to_owned()]),
    };
    let event = exposure_event(target, found);
    let met = match table(target, found) {
        // Recordings know events alone, and these say what their person got.
        true => exactly(&feature(target), &responses),
        false => {
            json!({ "id": event, "name": event, "type": "events", "properties": exposed(target, &responses) })
        }
    };
    let about = format!("People using \"{}\".", target.brief.title());
    json!({
        "name": name,
        "description": described(&about, key),
        "type": "filters",
        "filters": filters(found, &met),
    })
}

fn filters(found: &Found, met: &Value) -> Value {
    if found.is_old {
        return json!({ "date_from": "-7d", "events": [met] });
    }
    json!({
        "date_from": "-7d",
        "date_to": null,
        // A team wants to see its own first steps too.
        "filter_test_accounts": false,
        "order": "start_time",
        "duration": [{ "type": "recording", "key": "active_seconds", "operator": "gt", "value": 5 }],
        "filter_group": { "type": "AND", "values": [{ "type": "AND", "values": [met] }] },
    })
}
