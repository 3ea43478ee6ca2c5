//! Requests and answers as plain data, in PostHog's shapes. Nothing here knows the transport.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::world::UserId;

/// A request that passed the front door.
pub(super) struct Request {
    pub method: Method,
    /// The path's parts without empty ones, so that `/a/b` and `/a/b/` are the same.
    pub segments: Vec<String>,
    /// The path as sent, for links.
    pub path: String,
    /// Query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub content_type: Option<String>,
    /// `http://host:port` as the client wrote it; links point there.
    pub base: String,
    pub authorization: Option<String>,
}

impl Request {
    /// The first value of a query parameter; an empty one counts as absent, as in PostHog's filters.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(it, _)| it == name)
            .map(|(_, value)| value.as_str())
            .filter(|it| !it.is_empty())
    }

    /// The fields of a form, decoded, in order.
    pub fn form(&self) -> Result<Vec<(String, String)>> {
        let kind = self.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
        match kind.starts_with("application/x-www-form-urlencoded") {
            true => Ok(url::form_urlencoded::parse(&self.body).into_owned().collect()),
            false => Err(Problem::unsupported(&kind)),
        }
    }

    /// The body as a JSON object; no body is an empty object.
    pub fn object(&self) -> Result<Map<String, Value>> {
        if self.body.is_empty() {
            return Ok(Map::new());
        }
        if let Some(kind) = &self.content_type
            && !kind.to_ascii_lowercase().starts_with("application/json")
        {
            return Err(Problem::unsupported(kind));
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(it)) => Ok(it),
            Ok(other) => Err(Problem::invalid(
                None,
                format!("Invalid data. Expected a dictionary, but got {}.", kind_of(&other)),
            )),
            Err(error) => Err(Problem::parse(error)),
        }
    }
}

/// What a JSON value is called in Django's messages.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: u16,
    pub body: Body,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Body {
    Empty,
    Json(Value),
    Html(String),
    /// Where to look next, by GET.
    Redirect(&'static str),
}

impl Reply {
    pub fn ok(body: Value) -> Reply {
        Reply { status: 200, body: Body::Json(body) }
    }

    pub fn created(body: Value) -> Reply {
        Reply { status: 201, body: Body::Json(body) }
    }

    pub fn empty() -> Reply {
        Reply { status: 204, body: Body::Empty }
    }

    pub fn html(body: String) -> Reply {
        Reply { status: 200, body: Body::Html(body) }
    }
}

pub(super) type Result<T = Reply> = std::result::Result<T, Problem>;

/// An error in PostHog's body shape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    pub status: u16,
    pub kind: &'static str,
    pub code: &'static str,
    pub detail: String,
    pub attr: Option<String>,
    /// A body that is not the usual one.
    pub own: Option<Box<Value>>,
}

impl Problem {
    /// A 400 about a field, or about the whole body.
    pub fn invalid(attr: Option<&str>, detail: impl Into<String>) -> Problem {
        Problem::field(attr, "invalid_input", detail)
    }

    /// A 400 with a code of its own.
    pub fn field(attr: Option<&str>, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem {
            status: 400,
            kind: "validation_error",
            code,
            detail: detail.into(),
            attr: attr.map(str::to_owned),
            own: None,
        }
    }

    pub fn required(attr: &str) -> Problem {
        Problem::field(Some(attr), "required", "This field is required.")
    }

    /// A body that is no JSON, or not the JSON that is read here.
    pub fn parse(error: impl std::fmt::Display) -> Problem {
        Problem {
            status: 400,
            kind: "invalid_request",
            code: "parse_error",
            detail: format!("JSON parse error - {error}"),
            attr: None,
            own: None,
        }
    }

    /// A body of a type that nobody reads here.
    pub fn unsupported(media_type: &str) -> Problem {
        Problem {
            status: 415,
            kind: "invalid_request",
            code: "unsupported_media_type",
            detail: format!("Unsupported media type \"{media_type}\" in request."),
            attr: None,
            own: None,
        }
    }

    /// No such object.
    pub fn not_found() -> Problem {
        Problem::missing("Not found.")
    }

    /// No such path.
    pub fn no_endpoint() -> Problem {
        Problem::missing("Endpoint not found.")
    }

    pub fn missing(detail: &str) -> Problem {
        Problem {
            status: 404,
            kind: "invalid_request",
            code: "not_found",
            detail: detail.to_owned(),
            attr: None,
            own: None,
        }
    }

    /// What PostHog says to DELETE where only soft deletion exists.
    pub fn no_hard_delete() -> Problem {
        let detail =
            "Hard delete of this model is not allowed. Use a patch API call to set \"deleted\" to true";
        Problem::method(detail)
    }

    pub fn method(detail: impl Into<String>) -> Problem {
        Problem {
            status: 405,
            kind: "invalid_request",
            code: "method_not_allowed",
            detail: detail.into(),
            attr: None,
            own: None,
        }
    }

    /// The path exists, but not with this method.
    pub fn wrong_method(method: &Method) -> Problem {
        Problem::method(format!("Method \"{method}\" not allowed."))
    }

    /// The object changed since the caller read it.
    pub fn conflict(detail: impl Into<String>) -> Problem {
        // PostHog's library has no name for this kind of exception and calls it a server error.
        Problem {
            status: 409,
            kind: "server_error",
            code: "conflict",
            detail: detail.into(),
            attr: None,
            own: None,
        }
    }

    pub fn unauthenticated(code: &'static str, detail: &str) -> Problem {
        Problem {
            status: 401,
            kind: "authentication_error",
            code,
            detail: detail.to_owned(),
            attr: None,
            own: None,
        }
    }

    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem {
            status: 403,
            kind: "authentication_error",
            code: "permission_denied",
            detail: detail.into(),
            attr: None,
            own: None,
        }
    }

    /// The plan does not include it.
    pub fn unpaid() -> Problem {
        Problem {
            status: 402,
            kind: "server_error",
            code: "payment_required",
            detail: "This feature is part of the premium PostHog offering.".into(),
            attr: None,
            own: None,
        }
    }

    /// A policy wants somebody to approve the change first.
    pub fn approval(flag: Option<u64>, change_request: &str, is_earlier: bool) -> Problem {
        let (code, detail) = match is_earlier {
            false => {
                ("approval_required", "This change requires approval. A change request has been created.")
            }
            true => ("change_request_pending", "A pending approval request already exists for this action"),
        };
        let own = json!({
            "code": code,
            "status": "approval_required",
            "detail": detail,
            "message": detail,
            "resource_type": "feature_flag",
            "resource_id": flag.map(|it| it.to_string()),
            "change_request_id": change_request,
            "change_request": {"id": change_request, "state": "pending"},
            "required_approvers": {},
        });
        Problem { own: Some(Box::new(own)), ..Problem::conflict(detail) }
    }

    pub fn body(&self) -> Value {
        match &self.own {
            Some(it) => (**it).clone(),
            None => json!({"type": self.kind, "code": self.code, "detail": self.detail, "attr": self.attr}),
        }
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Reply {
        Reply { status: problem.status, body: Body::Json(problem.body()) }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub user: UserId,
}

/// One page of a list: `limit` and `offset`, absolute links to the neighbours.
pub(super) fn page(request: &Request, count: usize, render: impl FnMut(usize) -> Value) -> Result {
    let number =
        |name: &str, default: usize| request.param(name).and_then(|it| it.parse().ok()).unwrap_or(default);
    let limit = Some(number("limit", 100)).filter(|it| *it > 0).unwrap_or(100);
    let offset = number("offset", 0);
    let end = offset.saturating_add(limit).min(count);
    let link = |offset: Option<usize>| {
        let mut query: Vec<(String, String)> =
            request.query.iter().filter(|(name, _)| name != "limit" && name != "offset").cloned().collect();
        query.push(("limit".into(), limit.to_string()));
        query.extend(offset.map(|it| ("offset".into(), it.to_string())));
        query.sort();
        format!("{}{}?{}", request.base, request.path, encode(&query))
    };
    let next = (end < count).then(|| link(Some(end)));
    let previous = (offset > 0 && count > 0).then(|| link(offset.checked_sub(limit).filter(|it| *it > 0)));
    let results: Vec<Value> = (offset.min(end)..end).map(render).collect();
    Ok(Reply::ok(json!({"count": count, "next": next, "previous": previous, "results": results})))
}

/// A query string.
pub(super) fn encode(query: &[(String, String)]) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.extend_pairs(query);
    out.finish()
}

/// Lists are objects with one value per name; a request's field of another kind is a field error.
pub(super) fn text_field(body: &Map<String, Value>, name: &str) -> Result<Option<String>> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(String::new())),
        Some(Value::String(it)) => Ok(Some(it.clone())),
        Some(Value::Number(it)) => Ok(Some(it.to_string())),
        Some(_) => Err(Problem::field(Some(name), "invalid_input", "Not a valid string.")),
    }
}

/// A boolean as Django reads it.
pub(super) fn bool_field(body: &Map<String, Value>, name: &str) -> Result<Option<bool>> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Bool(it)) => Ok(Some(*it)),
        Some(Value::String(it)) if it.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(it)) if it.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(Problem::invalid(Some(name), "Must be a valid boolean.")),
    }
}

/// One of a few words.
pub(super) fn choice_field(
    body: &Map<String, Value>,
    name: &str,
    choices: &[&str],
) -> Result<Option<String>> {
    let sent = text_field(body, name)?;
    match &sent {
        Some(it) if !choices.contains(&it.as_str()) => {
            let text = format!("\"{it}\" is not a valid choice.");
            Err(Problem::field(Some(name), "invalid_choice", text))
        }
        _ => Ok(sent),
    }
}

/// A JSON object; null counts as absent.
pub(super) fn object_field(body: &Map<String, Value>, name: &str) -> Result<Option<Value>> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(it) if it.is_object() => Ok(Some(it.clone())),
        Some(it) => Err(Problem::invalid(
            Some(name),
            format!("Invalid data. Expected a dictionary, but got {}.", kind_of(it)),
        )),
    }
}

/// A time; null, and a text without anything, clear it.
pub(super) fn time_field(body: &Map<String, Value>, name: &str) -> Result<Option<Option<Timestamp>>> {
    match text_field(body, name)? {
        None => Ok(None),
        Some(it) if it.is_empty() => Ok(Some(None)),
        Some(it) => {
            let wrong = |_| Problem::invalid(Some(name), "Datetime has wrong format.");
            it.parse().map(|it| Some(Some(it))).map_err(wrong)
        }
    }
}

/// A list of strings.
pub(super) fn texts_field(body: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>> {
    let Some(value) = body.get(name) else { return Ok(None) };
    let list = value.as_array().ok_or_else(|| {
        Problem::field(
            Some(name),
            "not_a_list",
            format!("Expected a list of items but got type \"{}\".", kind_of(value)),
        )
    })?;
    let text = |it: &Value| it.as_str().map(str::to_owned);
    list.iter()
        .map(text)
        .collect::<Option<_>>()
        .map(Some)
        .ok_or_else(|| Problem::invalid(Some(name), "Not a valid string."))
}

/// A list of ids.
pub(super) fn ids_field(body: &Map<String, Value>, name: &str) -> Result<Option<Vec<u64>>> {
    let Some(value) = body.get(name) else { return Ok(None) };
    let ids = value.as_array().and_then(|list| list.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>());
    ids.map(Some).ok_or_else(|| Problem::invalid(Some(name), "Expected a list of ids."))
}
