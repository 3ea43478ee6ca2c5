use std::process::ExitCode;

use crate::lsp;

pub(super) async fn run(client_process: Option<u32>) -> anyhow::Result<ExitCode> {
    lsp::serve(client_process).await
}
