//! The command line: one file a command. A command prints to stdout and returns an exit code: 0 fine, 1 found or
//! refused something, 2 could not run.

mod answers;
mod archive;
mod baseline;
mod browser;
mod check;
mod clean;
mod create;
mod demo;
mod follow;
mod init;
mod launch;
mod login;
mod logout;
mod lsp;
mod moves;
mod paths;
mod progress;
mod pull;
mod reads;
mod review;
mod rollout;
mod sample;
mod sandbox;
mod show;
mod status;
mod whoami;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand, ValueEnum};
use serde::Serialize;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::analysis::plain;
use crate::config::file::n_errors;
use crate::config::{Config, Keys};
use crate::posthog::keys;
use crate::sandbox::Shape;
use crate::text::Text;
use crate::{report, workspace};

/// The life of a PostHog feature flag, in your editor and your terminal.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the Language Server Protocol over stdin and stdout; editors start this.
    Lsp {
        /// Accepted because editors append it; stdio is the only way.
        #[arg(long)]
        stdio: bool,
        /// End when this process ends.
        #[arg(long = "clientProcessId", value_name = "PID")]
        client_process_id: Option<u32>,
    },
    /// Write a first flagline.toml: finds the project by the tokens in the code, asks who sees new features first.
    Init {
        /// Ask nothing: take the defaults.
        #[arg(long)]
        yes: bool,
    },
    /// Sign in: ask for a personal API key, try it, and keep it in this machine's keyring.
    Login {
        /// Which PostHog: us, eu, or the address of your own.
        host: Option<String>,
        /// Read the key from stdin instead of asking for it; needs HOST.
        #[arg(long)]
        key_from_stdin: bool,
    },
    /// Sign out: forget a key, and what was fetched with it.
    Logout {
        /// Which PostHog: us, eu, or the address of your own.
        host: Option<String>,
    },
    /// Say who is signed in where, and what the key may not do.
    Whoami {
        /// How to print.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// List every place that reads a flag. Offline; needs no configuration.
    Reads {
        /// Files and folders; the working directory when there are none.
        paths: Vec<PathBuf>,
        /// How to print.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Find what is wrong with the flags that this code reads: unknown, finished and disabled ones.
    Check(check::Arguments),
    /// Remove a flag from the code, as if it served one value for ever. Prints what would change; --write does it.
    Clean(clean::Arguments),
    /// Create a feature: writes its brief, which `launch` makes real.
    Create(create::Arguments),
    /// Launch a feature: shows what its brief comes to, makes it in PostHog, and opens it to its first stage.
    Launch(launch::Arguments),
    /// Move a feature to the next step of its plan. This is a person's go where a gate asks for one.
    Promote(moves::Promote),
    /// Stop a rollout: it goes back to the stage before, and nothing opens it again before `resume`.
    Stop(moves::Stop),
    /// Lift a stop.
    Resume(moves::Resume),
    /// Close the stages after STAGE, and stop there.
    RollBack(moves::RollBack),
    /// Serve one value to everyone: ends the experiment with its winner, and early access before that.
    Finish(moves::Finish),
    /// Let rollouts move by themselves.
    #[command(subcommand)]
    Rollout(rollout::Command),
    /// Follow a flag: a Slack channel or a webhook is told by PostHog what happens to it; without one, say who follows.
    Follow(follow::Arguments),
    /// Stop telling a Slack channel or a webhook about a flag.
    Unfollow(follow::UnfollowArguments),
    /// Review a feature: its key metric against the target, before or beside it, and what came of it, in your word.
    Review(review::Arguments),
    /// Archive flags that no code reads and nobody asks for any more; without a KEY, say where each flag is on that way.
    Archive(archive::Arguments),
    /// Fetch what there is to know about the flags that this code reads, for `check --offline`.
    Pull {
        /// How to print.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show a flag: its stage, who meets it, and where to look further.
    Show {
        /// The flag's key.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        key: String,
        /// How to print.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Say where every feature stands: its stage, who meets it, what must hold, and what comes next.
    Status(status::Arguments),
    /// Start a server on this machine that answers like PostHog, with a project to play with.
    Sandbox {
        /// The port; any free one when not given.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Which PostHog it is like: today's, or one of December 2023, the oldest that Flagline works with.
        #[arg(long, default_value_t = Shape::Today)]
        shape: Shape,
    },
    /// See it work: the sandbox, a sample app, and a real editor session, printed.
    Demo {
        /// Leave the sandbox running and the sample app on disk, to go on in your own editor; in this folder, which
        /// must be new or empty, or in a temporary one.
        #[arg(long, value_name = "DIR", num_args = 0..=1)]
        keep: Option<Option<PathBuf>>,
    },
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; both print themselves where they belong.
            let code = if error.use_stderr() { 2 } else { 0 };
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    log_to_stderr(matches!(arguments.command, Command::Lsp { .. }));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let code = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments.command)),
        Err(error) => Err(error.into()),
    };
    code.unwrap_or_else(|error| {
        if error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe) {
            // Whoever read our output has seen enough.
            return ExitCode::SUCCESS;
        }
        complain(&format!("{error:#}"));
        ExitCode::from(2)
    })
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Lsp { stdio: _, client_process_id } => lsp::run(client_process_id).await,
        Command::Init { yes } => init::run(yes).await,
        Command::Login { host, key_from_stdin } => login::run(host.as_deref(), key_from_stdin).await,
        Command::Logout { host } => logout::run(host.as_deref()),
        Command::Whoami { format } => whoami::run(format).await,
        Command::Reads { paths, format } => reads::run(paths, format),
        Command::Check(arguments) => check::run(arguments).await,
        Command::Clean(arguments) => clean::run(arguments).await,
        Command::Create(arguments) => create::run(arguments).await,
        Command::Launch(arguments) => launch::run(arguments).await,
        Command::Promote(arguments) => arguments.run().await,
        Command::Stop(arguments) => arguments.run().await,
        Command::Resume(arguments) => arguments.run().await,
        Command::RollBack(arguments) => arguments.run().await,
        Command::Finish(arguments) => arguments.run().await,
        Command::Rollout(command) => rollout::run(command).await,
        Command::Follow(arguments) => follow::run(arguments).await,
        Command::Unfollow(arguments) => follow::unfollow(arguments).await,
        Command::Review(arguments) => review::run(arguments).await,
        Command::Archive(arguments) => archive::run(arguments).await,
        Command::Pull { format } => pull::run(format).await,
        Command::Show { key, format } => show::run(&key, format).await,
        Command::Status(arguments) => status::run(arguments).await,
        Command::Sandbox { port, shape } => sandbox::run(port, shape).await,
        Command::Demo { keep } => demo::run(keep).await,
    }
}

/// The one place that writes to stdout.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// The same for the public JSON of a command.
fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// A project in the public JSON of a command.
#[derive(Debug, Serialize)]
struct Project {
    id: u64,
    name: String,
}

/// The same for lines that hold words of others.
fn print_lines(lines: impl IntoIterator<Item = String>) -> anyhow::Result<()> {
    print(&lines.into_iter().map(|it| plain(&it) + "\n").collect::<String>())
}

/// The same for text with colours, which are taken out where stdout is no terminal or the user wants none.
fn print_coloured(text: &str) -> anyhow::Result<()> {
    let mut stdout = anstream::AutoStream::auto(io::stdout().lock());
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// A line on stderr.
fn complain(message: &str) {
    // There is nobody left to tell that stderr is closed.
    drop(writeln!(io::stderr(), "flagline: {message}"));
}

/// The keys that `flagline login` kept. What cannot be read is told.
fn stored_keys() -> Keys {
    let Some(file) = keys::file() else { return Keys::new() };
    let stored = keys::read(&file, keys::PATIENCE);
    stored.problems.iter().for_each(|it| complain(it));
    stored.keys
}

/// The configuration of a command that runs in a folder. What is wrong with variables is told, the rest counts;
/// a settings file that is wrong ends the command, with all that is wrong in it.
fn configuration(folder: &Path, stored: Keys) -> anyhow::Result<Config> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let mut wrong = Vec::new();
    for file in workspace::files_of(folder) {
        let text = Text::new(file.text);
        for problem in &file.problems {
            let at = text.span(problem.span.clone()).start;
            let path = report::relative(&file.path, &directory);
            complain(&format!("{path}:{}:{}: {}", at.line + 1, at.scalar + 1, problem.message));
        }
        wrong.extend(file.problems);
    }
    if !wrong.is_empty() {
        bail!("the settings have {}", n_errors(&wrong));
    }
    let (config, problems) = workspace::config_in(folder, stored);
    problems.iter().for_each(|it| complain(it));
    Ok(config)
}

/// `FLAGLINE_LOG=debug` shows more. Bodies and keys are never logged: other crates trace every message they pass
/// on, with the code of open documents and whatever an editor's settings hold, so their traces are left out.
fn log_to_stderr(server: bool) {
    let default = if server { "flagline=info" } else { "off" };
    let filter = EnvFilter::try_from_env("FLAGLINE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let harmless =
        filter_fn(|it| it.target().starts_with(env!("CARGO_CRATE_NAME")) || *it.level() <= Level::DEBUG);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    log.finish().with(harmless).init();
    if server {
        std::panic::set_hook(Box::new(|panic| {
            let backtrace = std::backtrace::Backtrace::force_capture();
            tracing::error!(%panic, %backtrace, "a bug in Flagline; please report it");
        }));
    }
}
