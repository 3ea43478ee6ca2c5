//! The sandbox: a server inside the binary that answers as PostHog does, so that everything can be tried and
//! tested with no account.
//!
//! It holds one project of an invented company in memory. Whatever it answers follows from that: exposure from
//! stored events, dates from the activity log, sizes from stored people. What it does not know it refuses, as
//! PostHog refuses what it does not know. It binds the loopback address only and turns away requests that name
//! another host, so that no web page can reach it by a name of its own.
//!
//! Keys: [`API_KEY`] may do everything, in the name of Ada; [`GRACE_KEY`] as well, in the name of Grace (so that
//! two people can write to one flag); [`READ_KEY`] may only read.
//!
//! It is like today's PostHog, or like an older one ([`Shape`]).
//!
//! # Controls
//!
//! Tests drive it below `/_sandbox/`, without a key:
//!
//! | request | effect |
//! | --- | --- |
//! | `GET /_sandbox/state/` | time, counts of objects, faults, counts of requests by method and path pattern, the last requests |
//! | `POST /_sandbox/clock/` | `{"now": "2026-11-20T12:00:00Z"}` stops the clock there, `{"advance_seconds": 60}` moves it, `{"now": null}` returns to the machine's clock |
//! | `POST /_sandbox/faults/` | `{"faults": […]}` replaces all faults, `[]` clears them |
//! | `POST /_sandbox/keys/` | `{"key": "phx_sandbox"?, "scopes": ["feature_flag:read", …]}` sets what a key may do; `["*"]` is all |
//! | `POST /_sandbox/plan/` | `{"lacks": ["experiments", "activity", …]}`: below these parts of paths everything is answered with 402; `tagging`: tags are dropped |
//! | `POST /_sandbox/approvals/` | `{"actions": ["feature_flag.enable", …]}`: writes that do this wait for an approval |
//! | `POST /_sandbox/reset/` | the seed again: objects, clock, faults and request log |
//! | `GET /_sandbox/events/?event=&flag=&limit=` | the stored events, oldest first |
//! | `POST /_sandbox/events/` | `{"events": [{"event", "distinct_id", "properties"?, "timestamp"?}]}` adds events, which run no hog functions |
//! | `DELETE /_sandbox/events/` | removes all events |
//! | `GET /_sandbox/outbox/` | what hog functions would have sent, oldest first: nothing leaves the machine |
//! | `DELETE /_sandbox/outbox/` | empties the outbox |
//! | `GET /_sandbox/objects/` | every object of the project as PostHog shows it today, deleted ones as well, in one document |
//! | `POST /_sandbox/form/…` | the forms of the home page, where people set the same: `fault`, `remove`, `clear`, `clock`, `outbox`, `reset` |
//!
//! A fault is `{"kind", "path_contains"?, "method"?, "times"?}` and what its kind takes: `status` (`status`,
//! `retry_after`, `body`), `html` (a login page with status 200), `malformed` (the JSON ends in the middle), `cut`
//! (the connection closes), `huge` (128 MB), `latency` (`milliseconds`). `times` counts down; without it a fault stays.
//!
//! What a browser sends for another site's page is refused here, as is a page that frames this one.

mod account;
mod alerts;
mod annotations;
mod approvals;
mod capture;
mod clock;
mod cohorts;
mod control;
mod dashboards;
mod definitions;
mod early_access;
mod events;
mod experiment_check;
mod experiment_query;
mod experiments;
mod fault;
mod flag;
mod flag_check;
mod flag_write;
mod flags;
mod hash;
mod hog_functions;
mod hog_templates;
mod hog_text;
mod hogql;
mod insights;
mod keys;
mod launch_pages;
mod objects;
mod old_insight;
mod outbox;
mod pages;
mod panel;
mod playlists;
mod query;
mod reply;
mod route;
mod schedules;
mod seed;
mod server;
mod shape;
mod statistics;
mod survey_check;
mod surveys;
mod targeting;
mod trends;
mod world;

use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use shape::Shape;

/// The key that may do everything.
pub const API_KEY: &str = "phx_sandbox";
/// The same for a second person.
pub const GRACE_KEY: &str = "phx_sandbox_grace";
/// A key that may only read.
pub const READ_KEY: &str = "phx_sandbox_read";
/// The one project.
pub const PROJECT_ID: u64 = 1;
/// The project's public token, for capturing events.
pub const PROJECT_TOKEN: &str = "phc_sandbox";

/// How the sandbox starts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The port; 0 takes any that is free.
    pub port: u16,
    /// Where the clock stands; `None` is the machine's clock.
    pub now: Option<Timestamp>,
    /// Which PostHog it is like.
    pub shape: Shape,
}

/// A running sandbox. Dropping it stops it.
pub struct Sandbox {
    url: String,
    /// Dropped with the sandbox, which the server takes as the order to stop.
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Sandbox {
    /// Seeds the project, binds the port and serves.
    pub async fn start(options: Options) -> anyhow::Result<Sandbox> {
        let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, options.port)).await;
        let listener = listener.with_context(|| match options.port {
            0 => "no port is free on 127.0.0.1".to_owned(),
            port => format!("port {port} on 127.0.0.1 cannot be used; choose another one with --port"),
        })?;
        let url = format!("http://{}", listener.local_addr().context("the listener has no address")?);
        let state =
            tokio::task::spawn_blocking(move || server::State::new(options.now, options.shape)).await?;
        let app = server::app(Arc::new(state));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
            // An error means that the sandbox was dropped, which is an order as well.
            let _ = stopped.await;
        });
        let task = tokio::spawn(serving.into_future());
        Ok(Sandbox { url, stop, task })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves until the process ends or the server fails.
    pub async fn wait(self) -> anyhow::Result<()> {
        let Sandbox { stop, task, .. } = self;
        let ended = task.await;
        drop(stop);
        ended.context("the server stopped")?.context("the server failed")
    }

    /// Stops, and returns when open requests are answered.
    pub async fn shutdown(self) {
        let Sandbox { stop, task, .. } = self;
        drop(stop);
        // How a server ended that was told to end tells nothing.
        let _ = task.await;
    }
}
