//! Who the key belongs to, and which project it sees.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::hash::uuid;
use super::keys::ApiKey;
use super::reply::{Caller, Problem, Reply, Request, Result, page};
use super::world::World;
use super::{PROJECT_ID, PROJECT_TOKEN};

/// The project as it is at first; `PATCH` may change its settings.
pub(super) fn project(now: Timestamp) -> Map<String, Value> {
    let since = super::clock::add(now, jiff::SignedDuration::from_hours(-24 * 400));
    let project = json!({
        "id": PROJECT_ID,
        "uuid": uuid(&["project"]),
        "organization": uuid(&["organization"]),
        "api_token": PROJECT_TOKEN,
        "name": "Offset",
        "created_at": iso(since),
        "updated_at": iso(since),
        "app_urls": [],
        "completed_snippet_onboarding": true,
        "has_completed_onboarding_for": {"feature_flags": true, "product_analytics": true},
        "ingested_event": true,
        "is_demo": false,
        "timezone": "UTC",
        "access_control": false,
        "effective_membership_level": 15,
        "test_account_filters": [
            {"key": "email", "type": "person", "operator": "not_icontains", "value": "@offset.example"},
        ],
        "test_account_filters_default_checked": false,
        "person_display_name_properties": ["email"],
        "autocapture_exceptions_opt_in": true,
        "session_recording_opt_in": true,
        "session_recording_linked_flag": null,
        "surveys_opt_in": true,
        "group_types": [
            {"group_type": "company", "group_type_index": 0, "name_singular": null, "name_plural": null},
        ],
        "has_group_types": true,
        "flag_evaluations_mode": 0,
    });
    match project {
        Value::Object(it) => it,
        _ => Map::new(),
    }
}

/// The short form of the project, in lists and in other answers.
fn basic(world: &World) -> Value {
    let names = [
        "id",
        "uuid",
        "organization",
        "api_token",
        "name",
        "completed_snippet_onboarding",
        "has_completed_onboarding_for",
        "ingested_event",
        "is_demo",
        "timezone",
        "access_control",
    ];
    let field = |it: &str| (it.to_owned(), world.project.get(it).cloned().unwrap_or_default());
    Value::Object(names.into_iter().map(field).collect())
}

/// `GET /api/projects/`.
pub(super) fn projects(world: &World, request: &Request) -> Result {
    page(request, 1, |_| basic(world))
}

/// `/api/projects/:id/` itself.
pub(super) fn one_project(world: &mut World, request: &Request) -> Result {
    match request.method {
        Method::GET => {}
        Method::PATCH => {
            let body = request.object()?;
            let read_only = ["id", "uuid", "organization", "api_token", "created_at"];
            let known =
                |name: &String| !read_only.contains(&name.as_str()) && world.project.contains_key(name);
            let changes: Vec<_> = body.into_iter().filter(|(name, _)| known(name)).collect();
            let now = iso(world.stamp());
            world.project.extend(changes);
            world.project.insert("updated_at".into(), now.into());
        }
        _ => return Err(Problem::wrong_method(&request.method)),
    }
    Ok(Reply::ok(Value::Object(world.project.clone())))
}

fn organization(world: &World) -> Value {
    let feature = |key: &str| json!({"key": key, "name": key, "note": null, "unit": null, "limit": null});
    let features = ["tagging", "group_analytics", "subscriptions", "audit_logs"].map(feature);
    json!({
        "id": uuid(&["organization"]),
        "name": "Offset",
        "slug": "offset",
        "created_at": world.project.get("created_at"),
        "updated_at": world.project.get("updated_at"),
        "membership_level": 15,
        "plugins_access_level": 3,
        "teams": [basic(world)],
        "projects": [basic(world)],
        "available_product_features": features,
    })
}

/// `GET /api/users/@me/`.
pub(super) fn me(world: &World, caller: Caller) -> Result {
    let mut me = world.user_basic(Some(caller.user));
    let organization = organization(world);
    let rest = json!({
        "date_joined": world.project.get("created_at"),
        "team": basic(world),
        "organization": organization,
        "organizations": [{
            "id": uuid(&["organization"]),
            "name": "Offset",
            "slug": "offset",
            "logo_media_id": null,
            "membership_level": 15,
        }],
        "is_staff": false,
        "has_password": true,
        "anonymize_data": false,
    });
    if let (Value::Object(me), Value::Object(rest)) = (&mut me, rest) {
        me.extend(rest);
    }
    Ok(Reply::ok(me))
}

/// `GET /api/personal_api_keys/@current/`.
pub(super) fn key(world: &World, key: &ApiKey) -> Result {
    Ok(Reply::ok(json!({
        "id": "sandbox",
        "label": "Sandbox",
        "value": null,
        "mask_value": "phx_...dbox",
        "created_at": world.project.get("created_at"),
        "last_used_at": iso(world.now()),
        "user_id": key.user,
        "scopes": key.scopes,
        "scoped_teams": null,
        "scoped_organizations": null,
    })))
}

/// `/api/organizations/…`.
pub(super) fn organizations(world: &World, request: &Request, rest: &[&str]) -> Result {
    if request.method != Method::GET {
        return Err(Problem::wrong_method(&request.method));
    }
    let own = uuid(&["organization"]);
    match rest {
        [] => page(request, 1, |_| organization(world)),
        [id, ..] if *id != "@current" && *id != own => Err(Problem::missing("Organization not found.")),
        [_] => Ok(Reply::ok(organization(world))),
        [_, "projects"] => projects(world, request),
        [_, "members"] => page(
            request,
            world.users.len(),
            |at| json!({"id": uuid(&["member", world.users[at].email]), "user": world.users[at].basic(), "level": 15}),
        ),
        _ => Err(Problem::no_endpoint()),
    }
}

/// `GET integrations/`: one Slack workspace.
pub(super) fn integrations(world: &World, request: &Request, rest: &[&str]) -> Result {
    let kind = request.param("kind").is_none_or(|it| it == "slack");
    let slack = || {
        json!({
            "id": 1,
            "kind": "slack",
            "config": {"team": {"id": "T0SANDBOX", "name": "Offset"}},
            "display_name": "Offset",
            "created_at": world.project.get("created_at"),
            "created_by": world.user_basic(Some(1)),
            "errors": "",
        })
    };
    match (&request.method, rest) {
        (&Method::GET, []) => page(request, usize::from(kind), |_| slack()),
        (&Method::GET, ["1"]) => Ok(Reply::ok(slack())),
        (&Method::GET, ["1", "channels"]) => {
            let channel = |id: &str, name: &str| json!({"id": id, "name": name, "is_private": false, "is_member": true});
            Ok(Reply::ok(
                json!({"channels": [channel("C0RELEASES", "releases"), channel("C0ALERTS", "alerts")]}),
            ))
        }
        (&Method::GET, _) => Err(Problem::not_found()),
        (method, _) => Err(Problem::wrong_method(method)),
    }
}
