//! Repairs what tower-lsp 0.20 gets wrong around a request: exit codes, panics, null `shutdown` parameters,
//! starving cancellations, and a stdout that nobody drains.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
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
    let (service, socket) = LspService::build(Backend::new)
        .custom_method("flagline/debug", Backend::debug)
        .custom_method("flagline/signIn", Backend::sign_in)
        .custom_method("flagline/signOut", Backend::sign_out)
        .custom_method("flagline/projects", Backend::projects)
        .custom_method("flagline/flagAt", Backend::flag_at)
        .custom_method("flagline/newFeature", Backend::new_feature)
        .finish();
    // tower-lsp stops reading while it cannot write; the pump takes every answer off its hands.
    let (output, mut pump) = tokio::io::duplex(OUTPUT_BUFFER);
    let pump = tokio::spawn(async move { tokio::io::copy(&mut pump, &mut tokio::io::stdout()).await });
    let exiting = Arc::new(OnceLock::new());
    let guard =
        Guard { inner: service, shutdown_seen: false, unanswered: Arc::default(), exiting: exiting.clone() };
    Server::new(tokio::io::stdin(), output, socket).concurrency_level(CONCURRENCY).serve(guard).await;
    // A bare end of input: what was answered is still written, if the client reads it.
    let written = tokio::time::timeout(Duration::from_secs(1), pump).await;
    tracing::debug!(?written, "stdin ended");
    // `exit` may have come just before.
    std::process::exit(exiting.get().copied().unwrap_or(1))
}

struct Guard<S> {
    inner: S,
    shutdown_seen: bool,
    /// Requests without an answer so far.
    unanswered: Arc<AtomicUsize>,
    /// The exit code, once the client said `exit`.
    exiting: Arc<OnceLock<i32>>,
}

/// Ends the process once every answer is written: clients may send `shutdown` and `exit` in one go.
async fn exit(code: i32, unanswered: Arc<AtomicUsize>) {
    for _ in 0..100 {
        if unanswered.load(Ordering::Acquire) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The pump's turn.
    tokio::time::sleep(Duration::from_millis(10)).await;
    std::process::exit(code)
}

/// Counts a request until it is answered, or dropped.
struct Unanswered(Arc<AtomicUsize>);

impl Unanswered {
    fn new(count: &Arc<AtomicUsize>) -> Unanswered {
        count.fetch_add(1, Ordering::AcqRel);
        Unanswered(count.clone())
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
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
            "exit" => {
                let code = *self.exiting.get_or_init(|| if self.shutdown_seen { 0 } else { 1 });
                tokio::spawn(exit(code, self.unanswered.clone()));
                return Box::pin(std::future::ready(Ok(None)));
            }
            "shutdown" => {
                self.shutdown_seen = true;
                without_params(request)
            }
            _ => request,
        };
        let id = request.id().cloned();
        let unanswered = id.is_some().then(|| Unanswered::new(&self.unanswered));
        let future = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        Box::pin(async move {
            // The panic hook has logged what and where.
            let answer = future.await;
            drop(unanswered);
            answer.unwrap_or_else(|_| Ok(id.map(|it| Response::from_error(it, Error::internal_error()))))
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
