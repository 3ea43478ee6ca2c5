//! Paths to handlers, behind PostHog's rules of who may see what.

use axum::http::Method;

use super::keys::ApiKey;
use super::reply::{Problem, Request, Result};
use super::server::Inner;
use super::world::World;
use super::{
    PROJECT_ID, account, alerts, annotations, approvals, capture, cohorts, dashboards, definitions,
    early_access, experiments, flags, hog_functions, hog_templates, insights, keys, pages, playlists, query,
    schedules, surveys,
};

/// A project that exists and that no key may see.
const FOREIGN_PROJECT: &str = "2";

/// Answers a request to PostHog's API.
pub(super) fn api(world: &mut World, request: &Request) -> Result {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match segments[..] {
        ["i", "v0", "e"] | ["capture" | "e" | "batch"] => return capture::capture(world, request),
        ["flags"] => return capture::flags(world, request),
        ["_health"] => return Ok(super::reply::Reply::html("ok".into())),
        ["api", ..] => {}
        _ => return Err(Problem::no_endpoint()),
    }
    schedules::run(world);
    let key = keys::of(world, request)?.clone();
    let caller = key.caller();
    if let ["projects" | "environments", project, ..] = segments[1..] {
        visible(project)?;
    }
    keys::may(world, &key, request)?;
    match segments[1..] {
        ["users", "@me"] => {
            get(request)?;
            account::me(world, caller)
        }
        ["personal_api_keys", "@current"] => {
            get(request)?;
            account::key(world, &key)
        }
        ["organizations", ref rest @ ..] => account::organizations(world, request, rest),
        ["projects"] => {
            get(request)?;
            account::projects(world, request)
        }
        ["projects", _, ref rest @ ..] => in_project(world, request, &key, rest),
        // The old twin of the path is answered where old clients still use it.
        ["environments", _, "query", ref rest @ ..] => query::route(world, request, rest),
        // These never had another.
        ["environments", _, "change_requests", ref rest @ ..] => {
            approvals::route(world, request, caller, rest)
        }
        ["environments", _, "approval_policies", ref rest @ ..] => approvals::policies(world, request, rest),
        _ => Err(Problem::no_endpoint()),
    }
}

fn in_project(world: &mut World, request: &Request, key: &ApiKey, rest: &[&str]) -> Result {
    let caller = key.caller();
    let [object, rest @ ..] = rest else {
        return account::one_project(world, request);
    };
    paid(world, rest_of(request))?;
    match *object {
        "feature_flags" => flags::route(world, request, caller, rest),
        "cohorts" => cohorts::route(world, request, caller, rest),
        "experiments" => experiments::route(world, request, caller, rest),
        "early_access_feature" => early_access::route(world, request, key, rest),
        "annotations" => annotations::route(world, request, caller, rest),
        "dashboards" => dashboards::route(world, request, caller, rest),
        "insights" => insights::route(world, request, caller, rest),
        "session_recording_playlists" => playlists::route(world, request, caller, rest),
        "surveys" => surveys::route(world, request, caller, rest),
        "alerts" => alerts::route(world, request, caller, rest),
        "hog_functions" => hog_functions::route(world, request, caller, rest),
        "hog_function_templates" => hog_templates::route(request, rest),
        "event_definitions" => definitions::events(world, request, rest),
        "property_definitions" => definitions::properties(world, request, rest),
        "scheduled_changes" => schedules::route(world, request, caller, rest),
        "integrations" => account::integrations(world, request, rest),
        "query" => query::route(world, request, rest),
        _ => Err(Problem::no_endpoint()),
    }
}

/// The parts of a path below the project.
fn rest_of(request: &Request) -> impl Iterator<Item = &str> {
    request.segments.iter().skip(3).map(String::as_str)
}

/// Refuses what the plan does not include.
fn paid<'a>(world: &World, mut parts: impl Iterator<Item = &'a str>) -> Result<()> {
    match parts.any(|part| world.lacks(part)) {
        true => Err(Problem::unpaid()),
        false => Ok(()),
    }
}

/// Answers a request of a browser.
pub(super) fn page(inner: &mut Inner, request: &Request) -> Result {
    get(request)?;
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    pages::route(inner, request, &segments)
}

fn get(request: &Request) -> Result<()> {
    match request.method == Method::GET {
        true => Ok(()),
        false => Err(Problem::wrong_method(&request.method)),
    }
}

/// Whether the key sees the project.
fn visible(project: &str) -> Result<()> {
    match project {
        "@current" => Ok(()),
        it if it == PROJECT_ID.to_string() => Ok(()),
        FOREIGN_PROJECT => Err(Problem::forbidden("You don't have access to the project.")),
        _ => Err(Problem::missing("Project not found.")),
    }
}
