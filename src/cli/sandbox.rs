use std::process::ExitCode;

use super::print;
use crate::sandbox::{self, Options, Sandbox, Shape};

pub(super) async fn run(port: u16, shape: Shape) -> anyhow::Result<ExitCode> {
    let sandbox = Sandbox::start(Options { port, now: None, shape }).await?;
    print(&format!(
        "A project to play with, until Ctrl-C:\n\n  {url}\n\n\
         Its page makes requests fail, moves its clock, and resets it. Editors and commands find it by these \
         variables:\n\n{variables}",
        url = sandbox.url(),
        variables = variables(&sandbox),
    ))?;
    until_interrupted(sandbox).await?;
    Ok(ExitCode::SUCCESS)
}

/// What a shell needs to know to use it.
pub(super) fn variables(sandbox: &Sandbox) -> String {
    format!(
        "  export FLAGLINE_HOST={}\n  export FLAGLINE_API_KEY={}\n  export FLAGLINE_PROJECT={}\n",
        sandbox.url(),
        sandbox::API_KEY,
        sandbox::PROJECT_ID,
    )
}

/// Serves until Ctrl-C.
pub(super) async fn until_interrupted(sandbox: Sandbox) -> anyhow::Result<()> {
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
        ended = sandbox.wait() => ended,
    }
}
