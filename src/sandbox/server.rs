//! The front door: HTTP to plain requests and back, the request log, and faults.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body as HttpBody;
use axum::extract::{Request as HttpRequest, State as Extract};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;

use super::clock::Clock;
use super::fault::{Fault, Kind, strike};
use super::reply::{Body, Reply, Request};
use super::world::World;
use super::{Shape, control, route, seed, shape};

/// Bodies that are read; PostHog takes batches of 20 MB.
const LARGEST_BODY: usize = 20 * 1024 * 1024;
/// Requests that the log keeps one by one.
const LOGGED: usize = 200;

/// What all requests share.
pub(super) struct State {
    first: First,
    inner: Mutex<Inner>,
}

/// What a reset returns to.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    /// Where the clock stands.
    pub now: Option<Timestamp>,
    pub shape: Shape,
}

/// The state under its lock. No request holds it while it waits.
pub(super) struct Inner {
    pub world: World,
    pub faults: Vec<Fault>,
    pub log: Log,
}

/// The requests so far; those to the controls and pages do not count.
#[derive(Default)]
pub(super) struct Log {
    /// How often each method and path pattern was asked for.
    pub counts: BTreeMap<String, u64>,
    /// The last ones: method, path with query, status.
    pub last: VecDeque<(String, String, u16)>,
}

impl State {
    pub fn new(now: Option<Timestamp>, shape: Shape) -> State {
        let first = First { now, shape };
        State { first, inner: Mutex::new(Inner::new(first)) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A handler that panicked left at worst one half-written object in an invented project.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    pub fn new(first: First) -> Inner {
        Inner {
            world: seed::world(Clock::new(first.now), first.shape),
            faults: Vec::new(),
            log: Log::default(),
        }
    }
}

impl Log {
    fn add(&mut self, method: &Method, path: &str, query: Option<&str>, status: u16) {
        *self.counts.entry(format!("{method} {}", pattern(path))).or_default() += 1;
        let path = query.map_or_else(|| path.to_owned(), |it| format!("{path}?{it}"));
        self.last.push_back((method.to_string(), path, status));
        while self.last.len() > LOGGED {
            self.last.pop_front();
        }
    }
}

/// A path with `:id` in place of numbers and UUIDs, with a slash at its end.
fn pattern(path: &str) -> String {
    let is_number = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let is_uuid = |it: &str| it.len() == 36 && it.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-');
    let part = |it: &str| if is_number(it) || is_uuid(it) { ":id".to_owned() } else { it.to_owned() };
    let parts: Vec<String> = path.split('/').filter(|it| !it.is_empty()).map(part).collect();
    if parts.is_empty() { "/".into() } else { format!("/{}/", parts.join("/")) }
}

/// The axum application. One handler answers every path: PostHog's routing rules (optional slash, two prefixes,
/// 404 and 405 in its own shape) are a `match` over the path's parts.
pub(super) fn app(state: Arc<State>) -> Router {
    Router::new().fallback(handle).with_state(state)
}

async fn handle(Extract(state): Extract<Arc<State>>, request: HttpRequest) -> Response {
    let (head, body) = request.into_parts();
    if !loopback(&head.headers) {
        return plain(StatusCode::FORBIDDEN, "The sandbox answers requests to the loopback address only.\n");
    }
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "The request's body is too large.\n");
    };
    let (method, uri) = (head.method.clone(), head.uri.clone());
    let text = |name: header::HeaderName| head.headers.get(name)?.to_str().ok().map(str::to_owned);
    let mut request = Request {
        segments: uri.path().split('/').filter(|it| !it.is_empty()).map(decoded).collect(),
        path: uri.path().to_owned(),
        query: url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
        body: body.to_vec(),
        content_type: text(header::CONTENT_TYPE),
        base: format!("http://{}", text(header::HOST).unwrap_or_default()),
        authorization: text(header::AUTHORIZATION),
        // HTTP leaves the body of an answer to HEAD out by itself.
        method: if method == Method::HEAD { Method::GET } else { method.clone() },
    };
    match request.segments.first().map(String::as_str) {
        Some("_sandbox") if cross_site(&head.headers) => {
            return plain(StatusCode::FORBIDDEN, "Pages of other sites may not drive the sandbox.\n");
        }
        Some("_sandbox") => {
            let reply = control::route(&mut state.lock(), state.first, &request);
            return respond(reply.unwrap_or_else(Reply::from), None);
        }
        None | Some("project") => {
            let reply = route::page(&mut state.lock(), &request);
            return respond(reply.unwrap_or_else(Reply::from), None);
        }
        _ => {}
    }
    let verdict = strike(&mut state.lock().faults, &method, &uri.to_string());
    if !verdict.wait.is_zero() {
        tokio::time::sleep(verdict.wait).await;
    }
    let kind = verdict.fault.as_ref().map(|it| it.kind);
    let mut inner = state.lock();
    let (reply, retry_after) = match &verdict.fault {
        Some(fault) if fault.kind == Kind::Status => {
            let mut reply = Reply::from(fault.problem());
            if let Some(body) = &fault.body {
                reply.body = Body::Json(body.clone());
            }
            (reply, fault.retry_after)
        }
        Some(fault) if fault.kind == Kind::Html => (Reply::html(super::pages::login()), None),
        _ => (answer(&mut inner.world, &mut request), None),
    };
    inner.log.add(&method, uri.path(), uri.query(), reply.status);
    drop(inner);
    match kind {
        Some(Kind::Malformed) => half(reply),
        Some(Kind::Cut) => cut(reply),
        Some(Kind::Huge) => huge(),
        _ => respond(reply, retry_after),
    }
}

/// What the API answers, in the shape of its time.
fn answer(world: &mut World, request: &mut Request) -> Reply {
    match world.shape.is_old() {
        false => route::api(world, request).unwrap_or_else(Reply::from),
        true => {
            let heard = shape::hear(request);
            let answer = heard.and_then(|()| route::api(world, request));
            let mut reply = answer.unwrap_or_else(Reply::from);
            shape::reshape(request, &mut reply);
            reply
        }
    }
}

/// A web page elsewhere may give its own name this address and then read answers as its own (DNS rebinding); its
/// name stands in `Host`.
fn loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|it| it.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// Whether a browser says that a page of another site (or of another port) sends this. Other clients say nothing.
fn cross_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|it| it.to_str().unwrap_or_default());
    let own = format!("http://{}", text("host").unwrap_or_default());
    text("sec-fetch-site").is_some_and(|it| !matches!(it, "same-origin" | "none"))
        || text("origin").is_some_and(|it| !it.eq_ignore_ascii_case(&own))
}

/// A path's part without its `%` escapes.
fn decoded(part: &str) -> String {
    let plus = part.replace('+', "%2B");
    let mut pairs = url::form_urlencoded::parse(plus.as_bytes());
    pairs
        .next()
        .filter(|(_, value)| value.is_empty())
        .map_or_else(|| part.to_owned(), |(name, _)| name.into_owned())
}

fn plain(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(HttpBody::from(text.to_owned()));
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    response
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
}

fn respond(reply: Reply, retry_after: Option<u64>) -> Response {
    let next = match reply.body {
        Body::Redirect(next) => Some(next),
        _ => None,
    };
    let (kind, body) = content(reply.body);
    let mut response = Response::new(HttpBody::from(body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(next) = next {
        set(&mut response, header::LOCATION, next);
    }
    if !kind.is_empty() {
        set(&mut response, header::CONTENT_TYPE, kind);
    }
    if kind.starts_with("text/html") {
        // Flag names come from outside; the pages escape them, and this would stop what slipped through. Nobody
        // may lay a page over the buttons.
        let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
        set(&mut response, header::CONTENT_SECURITY_POLICY, policy);
    }
    if let Some(seconds) = retry_after {
        set(&mut response, header::RETRY_AFTER, &seconds.to_string());
    }
    response
}

fn content(body: Body) -> (&'static str, Vec<u8>) {
    match body {
        Body::Empty | Body::Redirect(_) => ("", Vec::new()),
        Body::Json(it) => ("application/json", it.to_string().into_bytes()),
        Body::Html(it) => ("text/html; charset=utf-8", it.into_bytes()),
    }
}

/// An answer whose JSON ends in the middle.
fn half(reply: Reply) -> Response {
    let status = reply.status;
    let (_, body) = content(reply.body);
    let text = String::from_utf8_lossy(&body[..body.len() / 2]).into_owned();
    let mut response = Response::new(HttpBody::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    set(&mut response, header::CONTENT_TYPE, "application/json");
    response
}

/// An answer that promises more bytes than come before the connection closes.
fn cut(reply: Reply) -> Response {
    let (_, body) = content(reply.body);
    let length = body.len() + 1;
    let first = body[..body.len() / 2].to_vec();
    let broken = || Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut on purpose"));
    let parts = [Ok(first), broken()];
    let mut response = Response::new(HttpBody::from_stream(futures_util::stream::iter(parts)));
    set(&mut response, header::CONTENT_TYPE, "application/json");
    set(&mut response, header::CONTENT_LENGTH, &length.to_string());
    response
}

/// An answer of 128 MB, made as fast as it is read.
fn huge() -> Response {
    let spaces = axum::body::Bytes::from(vec![b' '; 1 << 20]);
    let parts = std::iter::repeat_n(spaces, 128).map(Ok::<_, std::io::Error>);
    let mut response = Response::new(HttpBody::from_stream(futures_util::stream::iter(parts)));
    set(&mut response, header::CONTENT_TYPE, "application/json");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_hosts_are_answered() {
        for (host, expect) in [
            ("127.0.0.1:8010", true),
            ("localhost", true),
            ("LOCALHOST:1", true),
            ("[::1]:8010", true),
            ("127.0.0.1.evil.example", false),
            ("evil.example:8010", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            assert_eq!(loopback(&headers), expect, "{host}");
        }
        assert!(!loopback(&HeaderMap::new()));
    }

    #[test]
    fn pages_of_other_sites_are_known_by_their_headers() {
        for (site, origin, expect) in [
            ("", "", false),
            ("same-origin", "http://127.0.0.1:8010", false),
            ("none", "", false),
            ("cross-site", "https://evil.example", true),
            ("", "https://evil.example", true),
            ("", "null", true),
            ("same-site", "http://127.0.0.1:9999", true),
            ("", "http://127.0.0.1:9999", true),
            ("cross-site", "", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "127.0.0.1:8010".parse().unwrap());
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if !value.is_empty() {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            assert_eq!(cross_site(&headers), expect, "{site} {origin}");
        }
    }

    #[test]
    fn patterns_and_escapes() {
        assert_eq!(pattern("/api/projects/1/feature_flags/42"), "/api/projects/:id/feature_flags/:id/");
        let survey = "/api/projects/1/surveys/0190aaaa-0000-0000-0000-000000000000/launch/";
        assert_eq!(pattern(survey), "/api/projects/:id/surveys/:id/launch/");
        assert_eq!(decoded("a%20b+c"), "a b+c");
    }
}
