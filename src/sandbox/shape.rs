//! The age of the PostHog that the sandbox is like.
//!
//! There is one sandbox, today's. An older server is today's behind a door that shuts out what came later: paths,
//! query parameters and fields of requests that it does not know are not heard, and answers have the fields of
//! their time. The few rules that differ inside (how filters are patched, what is checked) ask [`Shape`] where they
//! are kept.

use std::str::FromStr;

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::reply::{Body, Problem, Reply, Request, Result};

/// Which PostHog the sandbox is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// The one that PostHog runs today.
    #[default]
    Today,
    /// One of December 2023, the oldest that Flagline works with: flags without version, status and date of the last
    /// call, nothing archived, lists that cannot be searched or sorted, keys without scopes.
    December2023,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Shape; 2] = [Shape::Today, Shape::December2023];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Today => "today",
            Shape::December2023 => "2023-12",
        }
    }

    pub(super) fn is_old(self) -> bool {
        self == Shape::December2023
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Shape, String> {
        let names = Shape::ALL.map(Shape::name).join(", ");
        Shape::ALL.into_iter().find(|it| it.name() == text).ok_or_else(|| format!("one of: {names}"))
    }
}

/// What a path is about, as far as shapes are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Me,
    Organization,
    Project,
    Flag,
    FlagActivity,
    BlastRadius,
    MyFlags,
    Cohort,
    Experiment,
    EarlyAccess,
    Dashboard,
    Insight,
    Playlist,
    Survey,
    EventDefinition,
    PropertyDefinition,
    Schedule,
    Query,
    /// The same at all times.
    Other,
}

/// Makes a request what an old server hears of it; refuses what it does not have.
pub(super) fn hear(request: &mut Request) -> Result<()> {
    if request.segments.get(1).is_some_and(|it| it == "personal_api_keys") {
        // Only a browser's session could look at keys then.
        return Err(Problem::forbidden("Authentication credentials were not provided."));
    }
    let Some(kind) = kind(request) else { return Err(Problem::no_endpoint()) };
    let parameters: &[&str] = match kind {
        Kind::Other | Kind::Insight => return Ok(()),
        Kind::FlagActivity => &["limit", "page"],
        Kind::Schedule => &["limit", "offset", "model_name", "record_id"],
        Kind::Dashboard => &["limit", "offset", "refresh"],
        Kind::Playlist => &["limit", "offset", "search", "pinned"],
        Kind::EventDefinition => &["limit", "offset", "search"],
        Kind::PropertyDefinition => {
            &["limit", "offset", "search", "type", "event_names", "filter_by_event_names"]
        }
        _ => &["limit", "offset"],
    };
    request.query.retain(|(name, _)| parameters.contains(&name.as_str()));
    let fields: &[&str] = match kind {
        Kind::Flag => &FLAG_WRITES,
        Kind::Schedule => &["record_id", "model_name", "payload", "scheduled_at"],
        Kind::Survey => &SURVEY_WRITES,
        Kind::Query => return query_body(request),
        _ => return Ok(()),
    };
    if let Ok(mut body) = request.object()
        && !body.is_empty()
    {
        body.retain(|name, _| fields.contains(&name.as_str()));
        request.body = Value::Object(body).to_string().into_bytes();
    }
    Ok(())
}

/// Refuses the body of a query with a field of a later time: such bodies are checked whole (PostHog's `QueryRequest`
/// forbids what it does not know, and `refresh` was a boolean).
fn query_body(request: &Request) -> Result<()> {
    let body = request.object()?;
    let wrong = body.iter().filter_map(|(name, value)| {
        let why = match name.as_str() {
            "query" => return None,
            "client_query_id" if value.is_string() || value.is_null() => return None,
            "refresh" | "async" if value.is_boolean() || value.is_null() => return None,
            "client_query_id" => "Input should be a valid string",
            "refresh" | "async" => "Input should be a valid boolean",
            _ => "Extra inputs are not permitted",
        };
        Some(format!("\n{name}\n  {why}"))
    });
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let errors = if wrong.len() == 1 { "error" } else { "errors" };
    Err(Problem::parse(format!("{} validation {errors} for QueryRequest{}", wrong.len(), wrong.concat())))
}

/// Gives an answer the shape of its time.
pub(super) fn reshape(request: &Request, reply: &mut Reply) {
    if reply.status == 405 && request.method == Method::DELETE {
        reply.body = Body::Empty;
    }
    let Body::Json(body) = &mut reply.body else { return };
    if reply.status >= 400 {
        return;
    }
    let kind = kind(request).unwrap_or(Kind::Other);
    match body.get_mut("results").and_then(Value::as_array_mut) {
        Some(rows) if kind != Kind::Query => rows.iter_mut().for_each(|it| old(kind, it)),
        _ => old(kind, body),
    }
}

/// The kind of a path that an old server has.
fn kind(request: &Request) -> Option<Kind> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let is_id = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    Some(match segments[..] {
        ["api", "users", "@me"] => Kind::Me,
        ["api", "organizations"] | ["api", "organizations", _] => Kind::Organization,
        ["api", "organizations", _, "projects"] | ["api", "projects"] => Kind::Other,
        ["api", "projects", _] => Kind::Project,
        ["api", "projects", _, "feature_flags", ref rest @ ..] => match rest {
            [] => Kind::Flag,
            ["activity"] | [_, "activity"] => Kind::FlagActivity,
            ["user_blast_radius"] => Kind::BlastRadius,
            ["my_flags"] => Kind::MyFlags,
            [id] if is_id(id) => Kind::Flag,
            _ => return None,
        },
        ["api", "projects", _, "experiments", ref rest @ ..] => match rest {
            [] | [_] => Kind::Experiment,
            _ => return None,
        },
        ["api", "projects", _, "early_access_feature", ref rest @ ..] if rest.len() < 2 => Kind::EarlyAccess,
        ["api", "projects", _, "cohorts"] | ["api", "projects", _, "cohorts", _] => Kind::Cohort,
        ["api", "projects", _, "dashboards"] | ["api", "projects", _, "dashboards", _] => Kind::Dashboard,
        ["api", "projects", _, "insights"] | ["api", "projects", _, "insights", _] => Kind::Insight,
        ["api", "projects", _, "session_recording_playlists", ref rest @ ..] => match rest {
            [] | [_] => Kind::Playlist,
            [_, "recordings"] => Kind::Other,
            _ => return None,
        },
        ["api", "projects", _, "surveys", ref rest @ ..] if rest.len() < 2 => Kind::Survey,
        ["api", "projects", _, "annotations", ref rest @ ..] if rest.len() < 2 => Kind::Other,
        ["api", "projects", _, "event_definitions"] => Kind::EventDefinition,
        ["api", "projects", _, "property_definitions"] => Kind::PropertyDefinition,
        ["api", "projects", _, "scheduled_changes", ref rest @ ..] if rest.len() < 2 => Kind::Schedule,
        ["api", "projects", _, "query"] => Kind::Query,
        ["api", "projects", _, "integrations", ..] => Kind::Other,
        ["api", "personal_api_keys", ..] => Kind::Other,
        ["api", "environments", ..] | ["api", "projects", ..] => return None,
        _ => Kind::Other,
    })
}

const USER: [&str; 7] =
    ["id", "uuid", "distinct_id", "first_name", "last_name", "email", "is_email_verified"];

const FLAG: [&str; 20] = [
    "id",
    "name",
    "key",
    "filters",
    "deleted",
    "active",
    "created_by",
    "created_at",
    "is_simple_flag",
    "rollout_percentage",
    "ensure_experience_continuity",
    "experiment_set",
    "surveys",
    "features",
    "rollback_conditions",
    "performed_rollback",
    "can_edit",
    "usage_dashboard",
    "analytics_dashboards",
    "has_enriched_analytics",
];

/// A flag as other objects show it.
const SHORT_FLAG: [&str; 8] =
    ["id", "team_id", "name", "key", "filters", "deleted", "active", "ensure_experience_continuity"];

/// What can be written to a flag.
const FLAG_WRITES: [&str; 8] = [
    "key",
    "name",
    "active",
    "deleted",
    "filters",
    "tags",
    "ensure_experience_continuity",
    "analytics_dashboards",
];

const EXPERIMENT: [&str; 14] = [
    "id",
    "name",
    "description",
    "start_date",
    "end_date",
    "feature_flag_key",
    "feature_flag",
    "parameters",
    "secondary_metrics",
    "filters",
    "archived",
    "created_by",
    "created_at",
    "updated_at",
];

const EARLY_ACCESS: [&str; 7] =
    ["id", "name", "description", "stage", "documentation_url", "created_at", "feature_flag"];

/// The same on its flag.
const SHORT_EARLY_ACCESS: [&str; 6] = ["id", "name", "description", "stage", "documentationUrl", "flagKey"];

const COHORT: [&str; 14] = [
    "id",
    "name",
    "description",
    "groups",
    "deleted",
    "filters",
    "query",
    "is_calculating",
    "created_by",
    "created_at",
    "last_calculation",
    "errors_calculating",
    "count",
    "is_static",
];

const DASHBOARD: [&str; 14] = [
    "id",
    "name",
    "description",
    "pinned",
    "created_at",
    "created_by",
    "is_shared",
    "deleted",
    "creation_mode",
    "filters",
    "restriction_level",
    "effective_restriction_level",
    "effective_privilege_level",
    "tags",
];

const INSIGHT: [&str; 28] = [
    "id",
    "short_id",
    "name",
    "derived_name",
    "filters",
    "query",
    "order",
    "deleted",
    "dashboards",
    "dashboard_tiles",
    "last_refresh",
    "next_allowed_client_refresh",
    "result",
    "created_at",
    "created_by",
    "description",
    "updated_at",
    "favorited",
    "saved",
    "last_modified_at",
    "last_modified_by",
    "is_sample",
    "effective_restriction_level",
    "effective_privilege_level",
    "timezone",
    "is_cached",
    "tags",
    "filters_hash",
];

const PLAYLIST: [&str; 12] = [
    "id",
    "short_id",
    "name",
    "derived_name",
    "description",
    "pinned",
    "created_at",
    "created_by",
    "deleted",
    "filters",
    "last_modified_at",
    "last_modified_by",
];

const SURVEY: [&str; 15] = [
    "id",
    "name",
    "description",
    "type",
    "linked_flag",
    "linked_flag_id",
    "targeting_flag",
    "questions",
    "conditions",
    "appearance",
    "created_at",
    "created_by",
    "start_date",
    "end_date",
    "archived",
];

/// What can be written to a survey.
const SURVEY_WRITES: [&str; 13] = [
    "name",
    "description",
    "type",
    "linked_flag_id",
    "targeting_flag_id",
    "targeting_flag_filters",
    "remove_targeting_flag",
    "questions",
    "conditions",
    "appearance",
    "start_date",
    "end_date",
    "archived",
];

/// A survey as its flag shows it.
const SHORT_SURVEY: [&str; 11] = [
    "id",
    "name",
    "description",
    "type",
    "linked_flag_key",
    "targeting_flag_key",
    "questions",
    "conditions",
    "appearance",
    "start_date",
    "end_date",
];

const EVENT_DEFINITION: [&str; 8] = [
    "id",
    "name",
    "created_at",
    "last_seen_at",
    "last_updated_at",
    "is_calculating",
    "last_calculated_at",
    "post_to_slack",
];

const PROPERTY_DEFINITION: [&str; 6] =
    ["id", "name", "is_numerical", "property_type", "tags", "is_seen_on_filtered_events"];

const SCHEDULE: [&str; 11] = [
    "id",
    "team_id",
    "record_id",
    "model_name",
    "payload",
    "scheduled_at",
    "executed_at",
    "failure_reason",
    "created_at",
    "created_by",
    "updated_at",
];

const QUERY: [&str; 10] = [
    "clickhouse",
    "columns",
    "error",
    "explain",
    "hogql",
    "modifiers",
    "query",
    "results",
    "timings",
    "types",
];

const ACTIVITY: [&str; 6] = ["user", "activity", "scope", "item_id", "detail", "created_at"];
const ACTIVITY_DETAIL: [&str; 5] = ["changes", "trigger", "name", "short_id", "type"];

const PROJECT: [&str; 41] = [
    "id",
    "uuid",
    "organization",
    "api_token",
    "app_urls",
    "name",
    "slack_incoming_webhook",
    "created_at",
    "updated_at",
    "anonymize_ips",
    "completed_snippet_onboarding",
    "ingested_event",
    "test_account_filters",
    "test_account_filters_default_checked",
    "path_cleaning_filters",
    "is_demo",
    "timezone",
    "data_attributes",
    "person_display_name_properties",
    "correlation_config",
    "autocapture_opt_out",
    "autocapture_exceptions_opt_in",
    "autocapture_exceptions_errors_to_ignore",
    "capture_console_log_opt_in",
    "capture_performance_opt_in",
    "session_recording_opt_in",
    "session_recording_sample_rate",
    "session_recording_minimum_duration_milliseconds",
    "session_recording_linked_flag",
    "session_recording_network_payload_capture_config",
    "effective_membership_level",
    "access_control",
    "week_start_day",
    "has_group_types",
    "primary_dashboard",
    "live_events_columns",
    "recording_domains",
    "person_on_events_querying_enabled",
    "groups_on_events_querying_enabled",
    "inject_web_apps",
    "surveys_opt_in",
];

const ME: [&str; 24] = [
    "date_joined",
    "uuid",
    "distinct_id",
    "first_name",
    "last_name",
    "email",
    "pending_email",
    "email_opt_in",
    "is_email_verified",
    "notification_settings",
    "anonymize_data",
    "toolbar_mode",
    "has_password",
    "is_staff",
    "is_impersonated",
    "team",
    "organization",
    "organizations",
    "events_column_config",
    "is_2fa_enabled",
    "has_social_auth",
    "has_seen_product_intro_for",
    "scene_personalisation",
    "theme_mode",
];

const ORGANIZATION: [&str; 14] = [
    "id",
    "name",
    "slug",
    "created_at",
    "updated_at",
    "membership_level",
    "plugins_access_level",
    "teams",
    "available_features",
    "available_product_features",
    "is_member_join_email_enabled",
    "metadata",
    "customer_id",
    "enforce_2fa",
];

/// Gives an object the fields of its time.
fn old(kind: Kind, value: &mut Value) {
    let Value::Object(it) = value else { return };
    match kind {
        Kind::Me => me(it),
        Kind::Organization => only(it, &ORGANIZATION, &[]),
        Kind::Project => only(it, &PROJECT, &["extra_settings", "has_completed_onboarding_for"]),
        Kind::Flag => flag(it),
        Kind::FlagActivity => activity(it),
        Kind::BlastRadius => {
            let of = |name: &str| it.get(name).cloned().unwrap_or_default();
            *value = json!({"users_affected": of("affected"), "total_users": of("total")});
        }
        Kind::MyFlags => {}
        Kind::Cohort => only(it, &COHORT, &[]),
        Kind::Experiment => experiment(it),
        Kind::EarlyAccess => early_access(it),
        Kind::Dashboard => dashboard(it),
        Kind::Insight => insight(it),
        Kind::Playlist => only(it, &PLAYLIST, &[]),
        Kind::Survey => survey(it),
        Kind::EventDefinition => only(it, &EVENT_DEFINITION, &[]),
        Kind::PropertyDefinition => only(it, &PROPERTY_DEFINITION, &[]),
        Kind::Schedule => only(it, &SCHEDULE, &[]),
        Kind::Query => {
            it.insert("query".into(), Value::Null);
            only(it, &QUERY, &[]);
        }
        Kind::Other => {}
    }
}

/// Leaves these fields, null where there were none, and people in their old form.
fn only(object: &mut Map<String, Value>, names: &[&str], more: &[&str]) {
    object.retain(|name, _| names.contains(&name.as_str()) || more.contains(&name.as_str()));
    for name in names.iter().chain(more) {
        object.entry(*name).or_insert(Value::Null);
    }
    for name in ["created_by", "last_modified_by"] {
        if let Some(Value::Object(user)) = object.get_mut(name) {
            user.retain(|name, _| USER.contains(&name.as_str()));
        }
    }
}

fn flag(it: &mut Map<String, Value>) {
    plain_filters(it);
    let conditions = it.get("filters").and_then(|it| it.get("groups")).and_then(Value::as_array);
    let simple = match conditions.map(Vec::as_slice) {
        Some([only]) if only["properties"].as_array().is_none_or(Vec::is_empty) => Some(only),
        _ => None,
    };
    let percentage = simple.map(|it| it["rollout_percentage"].clone());
    let is_simple = simple.is_some();
    it.insert("is_simple_flag".into(), is_simple.into());
    it.insert("rollout_percentage".into(), percentage.unwrap_or_default());
    it.insert("performed_rollback".into(), false.into());
    for feature in it.get_mut("features").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(feature) = feature {
            only(feature, &SHORT_EARLY_ACCESS, &[]);
        }
    }
    for survey in it.get_mut("surveys").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(survey) = survey {
            only(survey, &SHORT_SURVEY, &[]);
        }
    }
    only(it, &FLAG, &["tags"]);
}

/// Conditions without the names that newer answers add; a deleted flag keeps its key.
fn plain_filters(it: &mut Map<String, Value>) {
    if let Some(filters) = it.get_mut("filters") {
        *filters = super::flag::plain(filters.take());
    }
    let key = it.get("key").and_then(Value::as_str).and_then(|it| it.split(":deleted:").next());
    if let Some(key) = key.map(Value::from) {
        it.insert("key".into(), key);
    }
}

fn activity(it: &mut Map<String, Value>) {
    only(it, &ACTIVITY, &[]);
    if let Some(Value::Object(user)) = it.get_mut("user") {
        user.retain(|name, _| ["first_name", "email"].contains(&name.as_str()));
    }
    let Some(Value::Object(detail)) = it.get_mut("detail") else { return };
    only(detail, &ACTIVITY_DETAIL, &[]);
    if let Some(Value::String(name)) = detail.get_mut("name") {
        *name = name.split(":deleted:").next().unwrap_or_default().to_owned();
    }
    if let Some(Value::Array(changes)) = detail.get_mut("changes") {
        // The key that deletion frees did not change then.
        let deleted = |it: &Value| it["field"] == "deleted";
        let hides_key = changes.iter().any(deleted);
        changes.retain(|it| {
            let field = it["field"].as_str().unwrap_or_default();
            FLAG_WRITES.contains(&field) && !(hides_key && field == "key")
        });
    }
}

fn experiment(it: &mut Map<String, Value>) {
    if let Some(Value::Object(flag)) = it.get_mut("feature_flag") {
        plain_filters(flag);
        only(flag, &SHORT_FLAG, &[]);
    }
    only(it, &EXPERIMENT, &[]);
}

fn survey(it: &mut Map<String, Value>) {
    for name in ["linked_flag", "targeting_flag"] {
        if let Some(Value::Object(flag)) = it.get_mut(name) {
            plain_filters(flag);
            only(flag, &SHORT_FLAG, &[]);
        }
    }
    only(it, &SURVEY, &[]);
}

fn early_access(it: &mut Map<String, Value>) {
    if let Some(Value::Object(flag)) = it.get_mut("feature_flag") {
        plain_filters(flag);
        only(flag, &SHORT_FLAG, &[]);
    }
    only(it, &EARLY_ACCESS, &[]);
}

fn dashboard(it: &mut Map<String, Value>) {
    let tiles = it.contains_key("tiles");
    only(it, &DASHBOARD, if tiles { &["tiles"] } else { &[] });
    let tiles = it.get_mut("tiles").and_then(Value::as_array_mut);
    for insight_of in tiles.into_iter().flatten() {
        if let Some(Value::Object(it)) = insight_of.get_mut("insight") {
            insight(it);
        }
    }
}

fn insight(it: &mut Map<String, Value>) {
    only(it, &INSIGHT, &[]);
}

fn me(it: &mut Map<String, Value>) {
    it.insert("is_impersonated".into(), false.into());
    it.insert("notification_settings".into(), json!({"plugin_disabled": true}));
    if let Some(Value::Object(it)) = it.get_mut("organization") {
        let features = it.get("available_product_features").and_then(Value::as_array);
        let names: Vec<Value> = features.into_iter().flatten().map(|it| it["key"].clone()).collect();
        it.insert("available_features".into(), names.into());
        only(it, &ORGANIZATION, &[]);
    }
    for one in it.get_mut("organizations").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(one) = one {
            one.remove("logo_media_id");
        }
    }
    only(it, &ME, &[]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_known_by_their_names() {
        for shape in Shape::ALL {
            assert_eq!(shape.name().parse(), Ok(shape));
        }
        assert_eq!("2020".parse::<Shape>(), Err("one of: today, 2023-12".into()));
    }

    #[test]
    fn a_simple_flag_has_one_condition_without_properties() {
        for (groups, simple, percentage) in [
            (json!([{"properties": [], "rollout_percentage": 30}]), true, json!(30)),
            (json!([{"properties": [{"key": "plan"}], "rollout_percentage": 30}]), false, Value::Null),
            (json!([]), false, Value::Null),
        ] {
            let mut it = json!({"key": "a:deleted:3", "version": 4, "filters": {"groups": groups}});
            old(Kind::Flag, &mut it);
            assert_eq!((&it["is_simple_flag"], &it["rollout_percentage"]), (&json!(simple), &percentage));
            assert_eq!((it.get("version"), &it["key"]), (None, &json!("a")));
        }
    }
}
