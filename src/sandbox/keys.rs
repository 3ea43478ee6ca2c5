//! The personal API keys, and what each may do.

use axum::http::Method;

use super::reply::{Caller, Problem, Request, Result};
use super::world::{UserId, World};
use super::{API_KEY, GRACE_KEY, READ_KEY};

/// A personal API key.
#[derive(Debug, Clone)]
pub(super) struct ApiKey {
    pub token: &'static str,
    pub user: UserId,
    /// `*` is all; writing includes reading.
    pub scopes: Vec<String>,
}

/// What the key that may only read has.
const READ: [&str; 20] = [
    "user:read",
    "project:read",
    "organization:read",
    "organization_member:read",
    "feature_flag:read",
    "query:read",
    "activity_log:read",
    "experiment:read",
    "early_access_feature:read",
    "cohort:read",
    "dashboard:read",
    "insight:read",
    "integration:read",
    "annotation:read",
    "session_recording_playlist:read",
    "survey:read",
    "alert:read",
    "hog_function:read",
    "event_definition:read",
    "property_definition:read",
];

/// Requests below `feature_flags/` that only read although they are posted.
const READING_POSTS: [&str; 3] = ["user_blast_radius", "bulk_keys", "test_evaluation"];

/// The keys as they are at first.
pub(super) fn all() -> Vec<ApiKey> {
    let key = |token, user, scopes: &[&str]| ApiKey {
        token,
        user,
        scopes: scopes.iter().map(|it| (*it).to_owned()).collect(),
    };
    vec![key(API_KEY, 1, &["*"]), key(GRACE_KEY, 2, &["*"]), key(READ_KEY, 1, &READ)]
}

/// The key of a request.
pub(super) fn of<'a>(world: &'a World, request: &Request) -> Result<&'a ApiKey> {
    let absent =
        || Problem::unauthenticated("not_authenticated", "Authentication credentials were not provided.");
    let header = request.authorization.as_ref().ok_or_else(absent)?;
    let key = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = key.ok_or_else(absent)?;
    let known = world.keys.iter().find(|it| it.token == token.trim());
    known.ok_or_else(|| {
        Problem::unauthenticated(
            "authentication_failed",
            "Personal API key found in request Authorization header is invalid.",
        )
    })
}

/// Refuses what a key's scopes do not include. Keys had none in older days.
pub(super) fn may(world: &World, key: &ApiKey, request: &Request) -> Result<()> {
    match needed(request) {
        Some((object, right)) => grants(world, key, object, right),
        None => Ok(()),
    }
}

/// Refuses what the scope does not include that an object's reading or writing needs.
pub(super) fn grants(world: &World, key: &ApiKey, object: &str, right: &str) -> Result<()> {
    let grants = |scope: &String| match scope.split_once(':') {
        _ if scope == "*" => true,
        Some((of, has)) => of == object && (has == right || has == "write"),
        None => false,
    };
    match world.shape.is_old() || key.scopes.iter().any(grants) {
        true => Ok(()),
        false => Err(Problem::forbidden(format!("API key missing required scope '{object}:{right}'"))),
    }
}

/// The scope that a request needs; a key may always ask about itself.
fn needed(request: &Request) -> Option<(&str, &'static str)> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let last = segments.last().copied().unwrap_or_default();
    let reads = request.method == Method::GET || READING_POSTS.contains(&last);
    let right = if reads { "read" } else { "write" };
    Some(match segments[..] {
        ["api", "users", ..] => ("user", right),
        ["api", "organizations", _, "members", ..] => ("organization_member", right),
        ["api", "organizations", _, "projects", ..] => ("project", right),
        ["api", "organizations", ..] => ("organization", right),
        ["api", "projects"] | ["api", "projects", _] => ("project", right),
        ["api", "projects" | "environments", _, "query", ..] => ("query", "read"),
        ["api", "projects", _, "feature_flags", ..] if last == "activity" => ("activity_log", "read"),
        ["api", "projects", _, "hog_function_templates", ..] => ("hog_function", right),
        ["api", "projects", _, "scheduled_changes", ..] => ("feature_flag", right),
        ["api", "projects" | "environments", _, "change_requests" | "approval_policies", ..] => {
            ("approvals", right)
        }
        ["api", "projects", _, objects, ..] => (objects.strip_suffix('s').unwrap_or(objects), right),
        _ => return None,
    })
}

impl ApiKey {
    /// Whose it is.
    pub fn caller(&self) -> Caller {
        Caller { user: self.user }
    }
}
