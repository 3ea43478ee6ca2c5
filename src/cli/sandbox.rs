use std::process::ExitCode;

use super::print;
use crate::sandbox::{self, Options, Sandbox};

pub(super) async fn run(port: u16) -> anyhow::Result<ExitCode> {
    let sandbox = Sandbox::start(Options { port, now: None }).await?;
    print(&format!(
        "A project to play with, until Ctrl-C:\n\n  {url}\n\n\
         Editors and commands find it by these variables:\n\n  \
         export FLAGLINE_HOST={url}\n  export FLAGLINE_API_KEY={key}\n  export FLAGLINE_PROJECT={project}\n",
        url = sandbox.url(),
        key = sandbox::API_KEY,
        project = sandbox::PROJECT_ID,
    ))?;
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => stopped?,
        ended = sandbox.wait() => ended?,
    }
    Ok(ExitCode::SUCCESS)
}
