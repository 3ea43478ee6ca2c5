//! The real binary, and between it and the sandbox somebody who sees every request, changes what is there meanwhile,
//! or kills the binary.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use flagline::sandbox::{API_KEY, Options, Shape};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Notify;

use crate::posthog::Posthog;
use crate::terminal::{std_flagline, tree};

pub const TOUR: &str = include_str!("../../fixtures/launch/guided-tour.toml");
pub const CHECKOUT: &str = include_str!("../../fixtures/launch/short-checkout.toml");

/// Where the clock of the sandbox stands.
pub const NOW: &str = "2026-11-27T12:00:00Z";
/// Below this path the one in between is a webhook of the team's.
const HOOK: &str = "/hook/s3cret";

/// A request and what came back.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub method: Method,
    pub path: String,
    pub body: Value,
    pub status: u16,
    pub answer: Value,
}

impl Exchange {
    /// Whether it may have changed something.
    pub fn writes(&self) -> bool {
        self.method != Method::GET
            && !self.path.ends_with("/user_blast_radius/")
            && !self.path.ends_with("/query/")
    }
}

/// What happens at a request, counted from 0.
#[derive(Debug, Clone)]
pub enum Interference {
    /// The binary dies before the sandbox hears of it.
    KilledBefore(usize),
    /// The binary dies before it hears of the answer.
    KilledAfter(usize),
    /// The same at the first request that changes something.
    KilledAtWrite,
    /// Before a request is answered, somebody else does something.
    MeanwhileAt { at: usize, does: (&'static str, String, Value), by: &'static str },
    /// Before the first request of a method whose path contains this is answered, somebody else does something:
    /// method, path below the project, body.
    Meanwhile { method: Method, path: &'static str, does: (&'static str, String, Value), by: &'static str },
}

#[derive(Default)]
struct Seen {
    exchanges: Vec<Exchange>,
    hooks: Vec<Value>,
    interference: Option<Interference>,
    /// Queries in which this stands are answered with 503.
    troubled: Option<&'static str>,
    /// What the webhook answers; 0 is 200.
    hook_status: u16,
    /// The webhook takes what it is told and does not answer.
    hook_hangs: bool,
}

struct Between {
    posthog: Posthog,
    http: reqwest::Client,
    seen: Mutex<Seen>,
    kill: Notify,
}

/// A sandbox, somebody before it, and a repository with briefs.
pub struct Bench {
    between: Arc<Between>,
    pub url: String,
    pub folder: TempDir,
}

/// What a run of the binary came to; no code when it was killed.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// It ended with this code, and said all of this.
    #[track_caller]
    pub fn is(&self, code: i32, words: &[&str]) {
        let all = format!("{}{}", self.stdout, self.stderr);
        assert_eq!(self.code, Some(code), "{all}");
        for words in words {
            assert!(all.contains(words), "no {words:?} in {all}");
        }
    }
}

impl Bench {
    pub async fn start(shape: Shape) -> Bench {
        let now = Some(NOW.parse().unwrap());
        let posthog = Posthog::with(Options { shape, now, ..Options::default() }).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let between = Arc::new(Between { posthog, http, seen: Mutex::default(), kill: Notify::new() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(pass).with_state(Arc::clone(&between));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let folder = tree(&[
            (".git/HEAD", "ref: refs/heads/main\n"),
            (".flagline/guided-tour.toml", TOUR),
            (".flagline/short-checkout.toml", CHECKOUT),
        ]);
        Bench { between, url, folder }
    }

    /// Writes a brief.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(".flagline").join(name), text).unwrap();
    }

    /// The sandbox itself.
    pub fn posthog(&self) -> &Posthog {
        &self.between.posthog
    }

    /// As it was at first.
    pub async fn reset(&self) {
        self.posthog().control("reset", json!({})).await;
        *self.seen() = Seen::default();
    }

    /// Nothing happened in the product: fewer events, faster answers.
    pub async fn without_traffic(&self) {
        self.posthog().ask("DELETE", "/_sandbox/events/", Value::Null).await;
    }

    pub fn interfere(&self, interference: Interference) {
        self.seen().interference = Some(interference);
    }

    /// What was to happen and did not come to it does not happen.
    pub fn not_any_more(&self) {
        self.seen().interference = None;
    }

    /// From now on PostHog has a problem with queries in which this stands.
    pub fn has_trouble_with(&self, words: &'static str) {
        self.seen().troubled = Some(words);
    }

    /// What the team's webhook answers from now on.
    pub fn hook_answers(&self, status: u16) {
        self.seen().hook_status = status;
    }

    /// From now on the team's webhook takes what it is told and does not answer.
    pub fn hook_hangs(&self) {
        self.seen().hook_hangs = true;
    }

    /// What the team's webhook was told.
    pub fn hooks(&self) -> Vec<Value> {
        self.seen().hooks.clone()
    }

    /// What was asked of PostHog and the webhook.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.seen().exchanges.clone()
    }

    /// How many requests changed something.
    pub fn n_writes(&self) -> usize {
        self.seen().exchanges.iter().filter(|it| it.writes() && it.status < 300).count()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.between.seen.lock().unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std_flagline(self.folder.path());
        command.args(arguments);
        command.env("FLAGLINE_HOST", &self.url).env("FLAGLINE_API_KEY", API_KEY).env("FLAGLINE_PROJECT", "1");
        command.env("FLAGLINE_WEBHOOK_RELEASES", format!("{}{HOOK}", self.url));
        command
    }

    /// `flagline launch`, with nobody at the terminal.
    pub async fn launch(&self, arguments: &[&str]) -> Ran {
        self.flagline(&[&["launch"], arguments].concat()).await
    }

    /// Any command, with nobody at the terminal.
    pub async fn flagline(&self, arguments: &[&str]) -> Ran {
        self.run(self.command(arguments)).await
    }

    pub async fn run(&self, command: std::process::Command) -> Ran {
        let mut command = tokio::process::Command::from(command);
        command.stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (mut out, mut err) = (String::new(), String::new());
        let ended = async {
            let status = tokio::select! {
                status = child.wait() => status,
                () = self.between.kill.notified() => {
                    child.start_kill().unwrap();
                    child.wait().await
                }
            };
            status.unwrap()
        };
        let (status, ..) =
            tokio::join!(ended, stdout.read_to_string(&mut out), stderr.read_to_string(&mut err));
        let shown = |it: String| it.replace(&self.url, "http://posthog");
        Ran { code: status.code(), stdout: shown(out), stderr: shown(err) }
    }

    /// Everything that there is: objects, messages, what was sent. Times and ports aside.
    pub async fn all(&self) -> Value {
        let (_, objects) = self.posthog().ask("GET", "/_sandbox/objects/", Value::Null).await;
        let (_, events) =
            self.posthog().ask("GET", "/_sandbox/events/?event=flagline%20message", Value::Null).await;
        self.normal(&json!({ "objects": objects, "messages": events["results"], "hooks": self.hooks() }))
    }

    /// Without what differs from run to run.
    pub fn normal(&self, value: &Value) -> Value {
        let text = value
            .to_string()
            .replace(&self.url, "http://posthog")
            .replace(self.posthog().url(), "http://posthog");
        let time = regex::Regex::new(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)").unwrap();
        serde_json::from_str(&time.replace_all(&text, "TIME")).unwrap()
    }
}

async fn pass(State(between): State<Arc<Between>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.to_string();
    let (at, interference) = {
        let mut seen = between.seen.lock().unwrap();
        let at = seen.exchanges.len();
        seen.exchanges.push(Exchange {
            method: head.method.clone(),
            path: path.clone(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
            status: 0,
            answer: Value::Null,
        });
        let is_now = match &seen.interference {
            Some(Interference::KilledBefore(n) | Interference::KilledAfter(n)) => *n == at,
            Some(Interference::MeanwhileAt { at: n, .. }) => *n == at,
            Some(Interference::KilledAtWrite) => seen.exchanges[at].writes(),
            Some(Interference::Meanwhile { method, path: part, .. }) => {
                *method == head.method && path.contains(part)
            }
            None => false,
        };
        (at, if is_now { seen.interference.take() } else { None })
    };
    match &interference {
        Some(Interference::KilledBefore(_)) => return killed(&between).await,
        Some(
            Interference::Meanwhile { does: (method, path, body), by, .. }
            | Interference::MeanwhileAt { does: (method, path, body), by, .. },
        ) => {
            let (status, answer) = between.posthog.ask_as(by, method, path, body.clone()).await;
            assert!(status < 300, "{answer}");
        }
        _ => {}
    }
    let troubled = between.seen.lock().unwrap().troubled;
    let is_troubled =
        troubled.is_some_and(|it| path.ends_with("/query/") && String::from_utf8_lossy(&body).contains(it));
    let answer = match path == HOOK {
        true => hook(&between, &body),
        false if is_troubled => Answer { status: 503, wait: None, body: Bytes::new(), is_cut: false },
        false => forward(&between, &head, &path, body).await,
    };
    {
        let mut seen = between.seen.lock().unwrap();
        let exchange = &mut seen.exchanges[at];
        exchange.status = answer.status;
        exchange.answer = serde_json::from_slice(&answer.body).unwrap_or_default();
    }
    if path == HOOK && between.seen.lock().unwrap().hook_hangs {
        return std::future::pending().await;
    }
    match interference {
        // What was refused changed nothing.
        Some(Interference::KilledAtWrite) if answer.status >= 400 => {
            between.seen.lock().unwrap().interference = Some(Interference::KilledAtWrite);
            answer.response()
        }
        Some(Interference::KilledAfter(_) | Interference::KilledAtWrite) => killed(&between).await,
        _ => answer.response(),
    }
}

/// Never answers: whoever asked is dead.
async fn killed(between: &Between) -> Response {
    between.kill.notify_one();
    std::future::pending().await
}

fn hook(between: &Between, body: &Bytes) -> Answer {
    let mut seen = between.seen.lock().unwrap();
    let status = if seen.hook_status == 0 { 200 } else { seen.hook_status };
    if status < 300 {
        seen.hooks.push(serde_json::from_slice(body).unwrap());
    }
    Answer { status, wait: None, body: Bytes::new(), is_cut: false }
}

async fn forward(between: &Between, head: &Parts, path: &str, body: Bytes) -> Answer {
    let mut request = between.http.request(head.method.clone(), format!("{}{path}", between.posthog.url()));
    for name in [header::AUTHORIZATION, header::CONTENT_TYPE] {
        if let Some(value) = head.headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let Ok(answer) = request.body(body).send().await else {
        // It closed before all of the head was there.
        return Answer { status: 200, wait: None, body: Bytes::new(), is_cut: true };
    };
    let (status, wait) = (answer.status().as_u16(), answer.headers().get(header::RETRY_AFTER).cloned());
    let body = answer.bytes().await;
    Answer { status, wait, is_cut: body.is_err(), body: body.unwrap_or_default() }
}

/// What comes back.
struct Answer {
    status: u16,
    /// `Retry-After`.
    wait: Option<HeaderValue>,
    body: Bytes,
    /// The connection closes in the middle.
    is_cut: bool,
}

impl Answer {
    fn response(self) -> Response {
        let broken = || std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut on purpose");
        let body = match self.is_cut {
            true => Body::from_stream(futures_util::stream::iter([Ok(self.body), Err(broken())])),
            false => Body::from(self.body),
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        if let Some(wait) = self.wait {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }
}
