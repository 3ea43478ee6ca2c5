use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tower_lsp::Client;
use tower_lsp::lsp_types::notification::Progress as ProgressNotification;
use tower_lsp::lsp_types::request::WorkDoneProgressCreate;
use tower_lsp::lsp_types::{
    ProgressParams, ProgressParamsValue, ProgressToken, WorkDoneProgress, WorkDoneProgressBegin,
    WorkDoneProgressCreateParams, WorkDoneProgressEnd, WorkDoneProgressReport,
};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Work that the client shows while it goes on.
pub(super) struct Progress {
    client: Client,
    token: ProgressToken,
}

impl Progress {
    /// Begins, unless the client does not want to know or does not answer.
    pub(super) async fn begin(client: &Client, title: &str) -> Option<Progress> {
        // A string: Zed does not take numbers.
        let token = ProgressToken::String(format!("flagline-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let create = WorkDoneProgressCreateParams { token: token.clone() };
        let created = client.send_request::<WorkDoneProgressCreate>(create);
        tokio::time::timeout(Duration::from_secs(2), created).await.ok()?.ok()?;
        let progress = Progress { client: client.clone(), token };
        let begin = WorkDoneProgressBegin { title: title.into(), ..WorkDoneProgressBegin::default() };
        progress.send(WorkDoneProgress::Begin(begin)).await;
        Some(progress)
    }

    pub(super) async fn report(&self, message: String, percentage: u32) {
        let (message, percentage) = (Some(message), Some(percentage.min(100)));
        let report = WorkDoneProgressReport { message, percentage, ..WorkDoneProgressReport::default() };
        self.send(WorkDoneProgress::Report(report)).await;
    }

    pub(super) async fn end(self, message: Option<String>) {
        self.send(WorkDoneProgress::End(WorkDoneProgressEnd { message })).await;
    }

    async fn send(&self, value: WorkDoneProgress) {
        let params =
            ProgressParams { token: self.token.clone(), value: ProgressParamsValue::WorkDone(value) };
        self.client.send_notification::<ProgressNotification>(params).await;
    }
}
