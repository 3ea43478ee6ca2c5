//! `GET /_sandbox/objects/`: every object of the project in one document, the deleted ones as well, so that tests can
//! compare what two ways of doing something leave behind.

use serde_json::{Value, json};

use super::world::World;

/// All objects as PostHog's API shows them.
pub(super) fn all(world: &World) -> Value {
    json!({
        "flags": world.flags.iter().map(|it| it.json(world)).collect::<Vec<_>>(),
        "cohorts": world.cohorts.iter().map(|it| it.json(world)).collect::<Vec<_>>(),
        "dashboards": world.dashboards.iter().map(|it| it.json(world, true, false)).collect::<Vec<_>>(),
        "insights": world.insights.iter().map(|it| it.json(world, false)).collect::<Vec<_>>(),
        "session_recording_playlists": world.playlists.iter().map(|it| it.json(world)).collect::<Vec<_>>(),
        "surveys": world.surveys.iter().map(|it| it.json(world)).collect::<Vec<_>>(),
        "alerts": world.alerts.iter().map(|it| it.json(world)).collect::<Vec<_>>(),
        "hog_functions": world.hog_functions.iter().map(|it| it.json(world)).collect::<Vec<_>>(),
        "experiments": world.experiments.iter().map(|it| it.json(world)).collect::<Vec<_>>(),
        "early_access_features": world.early_access.iter().map(|it| it.json(world)).collect::<Vec<_>>(),
        "annotations": world.annotations.iter().map(|it| it.json(world)).collect::<Vec<_>>(),
        "scheduled_changes": world.schedules.iter().map(|it| it.json(world)).collect::<Vec<_>>(),
        "outbox": world.outbox.iter().map(|it| it.json()).collect::<Vec<_>>(),
    })
}
