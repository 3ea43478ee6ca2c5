//! Paths to handlers, behind PostHog's rules of who may see what.

use axum::http::Method;

use super::reply::{Caller, Problem, Request, Result};
use super::server::Inner;
use super::world::World;
use super::{
    API_KEY, GRACE_KEY, PROJECT_ID, READ_KEY, account, capture, cohorts, dashboards, experiments, flags,
    insights, pages, query, schedules,
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
    let caller = caller(request)?;
    match segments[1..] {
        ["users", "@me"] => {
            get(request)?;
            account::me(world, caller)
        }
        ["personal_api_keys", "@current"] => {
            get(request)?;
            account::key(world, caller)
        }
        ["organizations", ref rest @ ..] => account::organizations(world, request, rest),
        ["projects"] => {
            get(request)?;
            account::projects(world, request)
        }
        ["projects", project, ref rest @ ..] => {
            visible(project)?;
            in_project(world, request, caller, rest)
        }
        // The old twin of the path is answered where old clients still use it.
        ["environments", project, "query", ref rest @ ..] => {
            visible(project)?;
            query::route(world, request, rest)
        }
        _ => Err(Problem::no_endpoint()),
    }
}

fn in_project(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    let [object, rest @ ..] = rest else {
        may(request, caller, "project", &[])?;
        return account::one_project(world, request);
    };
    match *object {
        "feature_flags" => {
            may(request, caller, "feature_flag", &["user_blast_radius", "bulk_keys", "test_evaluation"])?;
            flags::route(world, request, caller, rest)
        }
        "cohorts" => {
            may(request, caller, "cohort", &[])?;
            cohorts::route(world, request, caller, rest)
        }
        "experiments" => {
            may(request, caller, "experiment", &[])?;
            experiments::route(world, request, caller, rest)
        }
        "dashboards" => {
            may(request, caller, "dashboard", &[])?;
            dashboards::route(world, request, caller, rest)
        }
        "insights" => {
            may(request, caller, "insight", &[])?;
            insights::route(world, request, caller, rest)
        }
        "scheduled_changes" => {
            may(request, caller, "feature_flag", &[])?;
            schedules::route(world, request, caller, rest)
        }
        "integrations" => account::integrations(world, request, rest),
        "query" => query::route(world, request, rest),
        _ => Err(Problem::no_endpoint()),
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

/// Who asks.
fn caller(request: &Request) -> Result<Caller> {
    let Some(header) = &request.authorization else {
        return Err(Problem::unauthenticated(
            "not_authenticated",
            "Authentication credentials were not provided.",
        ));
    };
    let key = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match key.map(|(_, key)| key.trim()) {
        Some(API_KEY) => Ok(Caller { user: 1, may_write: true }),
        Some(GRACE_KEY) => Ok(Caller { user: 2, may_write: true }),
        Some(READ_KEY) => Ok(Caller { user: 1, may_write: false }),
        None => Err(Problem::unauthenticated(
            "not_authenticated",
            "Authentication credentials were not provided.",
        )),
        Some(_) => Err(Problem::unauthenticated(
            "authentication_failed",
            "Personal API key found in request Authorization header is invalid.",
        )),
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

/// Whether the key's scopes allow this method; `reads` are the actions that only read although they are posted.
fn may(request: &Request, caller: Caller, scope: &str, reads: &[&str]) -> Result<()> {
    let last = request.segments.last().map_or("", String::as_str);
    match caller.may_write || request.method == Method::GET || reads.contains(&last) {
        true => Ok(()),
        false => Err(Problem::forbidden(format!("API key missing required scope '{scope}:write'"))),
    }
}
