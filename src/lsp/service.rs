//! Repairs what tower-lsp 0.20 gets wrong around a request: exit codes, panics, null `shutdown` parameters,
//! starving cancellations, and a stdout that nobody drains.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use tower_lsp::jsonrpc::{Error, Request, Response};
use tower_lsp::{ExitedError, LspService, Server};
use tower_service::Service;

use super::backend::Backend;
use super::parent;

/// Answers that wait for a client that does not read; more than any client has open at once.
const OUTPUT_BUFFER: usize = 16 << 20;
/// Handlers in flight; tower-lsp's own 4 let a cancellation starve behind them.
const CONCURRENCY: usize = 64;

/// Serves the protocol over stdio until the client says `exit`, stdin ends, or `client_process` dies. Ends the
/// process: 0 after `shutdown` and `exit`, else 1.
pub async fn serve(client_process: Option<u32>) -> ! {
    if let Some(process) = client_process {
        parent::end_with(process);
    }
    let (service, socket) =
        LspService::build(Backend::new).custom_method("flagline/debug", Backend::debug).finish();
    // tower-lsp stops reading while it cannot write; the pump takes every answer off its hands.
    let (output, mut pump) = tokio::io::duplex(OUTPUT_BUFFER);
    let pump = tokio::spawn(async move { tokio::io::copy(&mut pump, &mut tokio::io::stdout()).await });
    let guard = Guard { inner: service, shutdown_seen: false };
    Server::new(tokio::io::stdin(), output, socket).concurrency_level(CONCURRENCY).serve(guard).await;
    // A bare end of input: what was answered is still written, if the client reads it.
    let written = tokio::time::timeout(Duration::from_secs(1), pump).await;
    tracing::debug!(?written, "stdin ended without exit");
    std::process::exit(1)
}

struct Guard<S> {
    inner: S,
    shutdown_seen: bool,
}

type Answer = Result<Option<Response>, ExitedError>;

impl<S> Service<Request> for Guard<S>
where
    S: Service<Request, Response = Option<Response>, Error = ExitedError>,
    S::Future: Send + 'static,
{
    type Response = Option<Response>;
    type Error = ExitedError;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ExitedError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let request = match request.method() {
            "exit" => std::process::exit(if self.shutdown_seen { 0 } else { 1 }),
            "shutdown" => {
                self.shutdown_seen = true;
                without_params(request)
            }
            _ => request,
        };
        let id = request.id().cloned();
        let future = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        Box::pin(async move {
            // The panic hook has logged what and where.
            future
                .await
                .unwrap_or_else(|_| Ok(id.map(|it| Response::from_error(it, Error::internal_error()))))
        })
    }
}

/// Some clients send `"params": null` with `shutdown`, which tower-lsp refuses.
fn without_params(request: Request) -> Request {
    let (method, id, _) = request.into_parts();
    match id {
        Some(id) => Request::build(method).id(id).finish(),
        None => Request::build(method).finish(),
    }
}
