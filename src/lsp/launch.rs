//! `flagline.launch`: shows what a feature's brief comes to, asks, makes it, and opens it to its first stage.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use tower_lsp::lsp_types::{MessageActionItem, MessageType, Url};

use super::commands::{open_file, settings_to_write};
use super::progress::Progress;
use super::session::Session;
use crate::analysis::plain;
use crate::config::Config;
use crate::feature::brief::Brief;
use crate::flags::FlagKey;
use crate::posthog::refresh::Ask;
use crate::posthog::{Error, disk, give_scope, replace};
use crate::report::{launch_ending, launch_label, launch_plan};
use crate::rollout::decide::{Action, Ending, Slot, TimedStep, concerns, ending, steps_in_time};
use crate::rollout::launch::{Interrupted, Launch, Options, Reach, Told};
use crate::workspace::{self, Workspace};

/// A feature to launch, and the document that decides whose it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToLaunch {
    key: String,
    uri: Option<Url>,
    /// What was changed by hand is written over.
    #[serde(default)]
    take_over: bool,
}

const LAUNCH: &str = "Launch";
const LAUNCH_ANYWAY: &str = "Launch Anyway";
const LEAVE_OFF: &str = "Make It, Leave It Off";
const SHOW_PLAN: &str = "Show Plan";
const TAKE_OVER: &str = "Write Over Changes";

/// Launches a feature and says what came of it.
pub(super) async fn run(session: &Session, wanted: ToLaunch) {
    let key = FlagKey::from(wanted.key.as_str());
    if let Err(why) = launch(session, &key, &wanted).await {
        let message = format!("Flagline: '{key}' is not launched: {why}");
        session.client.show_message(MessageType::ERROR, plain(&message)).await;
    }
}

async fn launch(session: &Session, key: &FlagKey, wanted: &ToLaunch) -> Result<(), String> {
    let config = settings_to_write(session, wanted.uri.as_ref())?;
    let brief = brief_file(session, key, wanted.uri.as_ref())?.1;
    let mut options = Options { take_over: wanted.take_over, ..Options::default() };
    loop {
        let launch = load(session, &config, brief.clone(), options).await?;
        let reach = launch.reach().await;
        if !launch.steps().iter().any(|it| it.action.writes()) && switched_off(&launch).is_none() {
            session.answer(MessageType::INFO, &nothing_to_do(&launch)).await;
            return Ok(());
        }
        match ask(session, &launch, &reach).await.as_deref() {
            Some(SHOW_PLAN) => {
                // The question comes again beside it.
                let text = launch_plan(&launch, &launch.steps(), &reach);
                let file = plan_file(key, &text)?;
                if !open_file(session, &file).await {
                    session.answer(MessageType::INFO, &format!("the plan is in {}", file.display())).await;
                }
            }
            Some(TAKE_OVER) => options.take_over = true,
            Some(LAUNCH | LAUNCH_ANYWAY) => return perform(session, &config, launch).await,
            Some(LEAVE_OFF) => {
                options.leave_off = true;
                drop(launch);
                let launch = load(session, &config, brief, options).await?;
                return perform(session, &config, launch).await;
            }
            _ => return Ok(()),
        }
    }
}

async fn load(session: &Session, config: &Config, brief: Brief, options: Options) -> Result<Launch, String> {
    let environment = config.environments.first().ok_or("no environment is set")?;
    let progress = begin(session, &format!("Looking for '{}'", brief.key)).await;
    let loaded = Launch::load(environment, brief, &config.plans, options, Timestamp::now()).await;
    if let Some(progress) = progress {
        progress.end(None).await;
    }
    loaded.map_err(|it| it.to_string())
}

pub(super) async fn begin(session: &Session, title: &str) -> Option<Progress> {
    if session.caps.progress { Progress::begin(&session.client, title).await } else { None }
}

/// The brief as it stands in the editor, or else on disk, with its file.
pub(super) fn brief_file(
    session: &Session,
    key: &FlagKey,
    uri: Option<&Url>,
) -> Result<(PathBuf, Brief), String> {
    let workspace = &session.workspace;
    let path = uri.map(Workspace::path_of);
    if let Some(path) = path.as_deref()
        && let Some(text) = workspace.toml(path)
        && let Ok(brief) = Brief::parse(text.as_str())
        && brief.is_of(key)
    {
        return Ok((path.to_owned(), brief));
    }
    let home = workspace.brief_home(path.as_deref());
    let folders: Vec<PathBuf> = home.into_iter().chain(workspace.roots()).collect();
    let found = workspace::brief_of(folders.iter().map(|it| &**it), key)?;
    let Some(found) = found else { return Err("it has no brief; create the feature first".into()) };
    // Somebody may be about to change it.
    let brief = match workspace.toml(&found.path) {
        Some(text) => Brief::parse(text.as_str())?,
        None => found.brief,
    };
    Ok((found.path, brief))
}

/// That somebody switched it off after an earlier launch.
fn switched_off(launch: &Launch) -> Option<String> {
    launch.steps().into_iter().find_map(|it| match (it.slot, it.action) {
        (Slot::On, Action::Differs(what)) => Some(what.join("; ")),
        _ => None,
    })
}

fn nothing_to_do(launch: &Launch) -> String {
    let key = &launch.target.brief.key;
    let ending = ending(&launch.target, &launch.found);
    if matches!(ending, Ending::NotAsPlanned(_) | Ending::TakeOverWaits(_)) {
        return launch_ending(key, &ending);
    }
    let steps = launch.steps();
    let why = steps.iter().find_map(|it| match (&it.slot, &it.action) {
        (Slot::On, Action::Wait(_)) => Some("it waits for an approval in PostHog".to_owned()),
        (Slot::On | Slot::Flag, Action::Skip(why)) => Some(why.clone()),
        _ => None,
    });
    match why {
        Some(why) => format!("'{key}' is made, and not launched: {why}"),
        None => format!("'{key}' is launched already, and complete"),
    }
}

/// Asks what to do, with everything that it would do in a few words.
async fn ask(session: &Session, launch: &Launch, reach: &[Reach]) -> Option<String> {
    let steps = launch.steps();
    let n_made = steps.iter().filter(|it| it.slot < Slot::On && it.action.writes()).count();
    let n_changed = steps.iter().filter(|it| matches!(it.action, Action::Differs(_))).count();
    let opens = steps.iter().any(|it| it.slot == Slot::On && it.action.writes());
    let is_over = steps.iter().any(|it| it.slot == Slot::On && matches!(it.action, Action::Keep(_)));
    let mut parts = Vec::new();
    parts
        .extend((n_made > 0).then(|| format!("makes or changes {n_made} things in {}", launch.project.name)));
    if let (true, Some(first)) = (opens, reach.first()) {
        let people = first.people.map(|(n, of)| format!(", {n} of {of} today")).unwrap_or_default();
        let percent = first.percent;
        parts.push(format!("opens it to stage {} ({} at {percent} %{people})", first.stage, first.audience));
    }
    let mut message = format!("launching '{}' {}.", launch.target.brief.key, parts.join(" and "));
    if parts.is_empty() {
        message = format!("completing '{}'.", launch.target.brief.key);
    }
    let steps_in_time: Vec<String> =
        steps_in_time(&launch.target, &launch.found).iter().map(TimedStep::words).collect();
    if !steps_in_time.is_empty() {
        message += &format!(" Then {}.", steps_in_time.join(", "));
    }
    let off = switched_off(launch);
    message += &off.map(|it| format!(" {it}; it stays off.")).unwrap_or_default();
    let concerns = concerns(&launch.target, &launch.found);
    if !concerns.is_empty() {
        message += &format!(" This speaks against it: {}.", concerns.join("; "));
    }
    if n_changed > 0 {
        message += &format!(" {n_changed} things were changed by hand and stay so.");
    }
    let does_something = steps.iter().any(|it| it.action.writes());
    let launch_it = if concerns.is_empty() { LAUNCH } else { LAUNCH_ANYWAY };
    let mut choices: Vec<&str> = does_something.then_some(launch_it).into_iter().collect();
    choices.extend((n_made > 0 && !is_over).then_some(LEAVE_OFF));
    choices.extend((n_changed > 0).then_some(TAKE_OVER));
    choices.push(SHOW_PLAN);
    let items =
        choices.into_iter().map(|it| MessageActionItem { title: it.into(), properties: Default::default() });
    let message = plain(&format!("Flagline: {message}"));
    // A person may think for long, and a client that is gone ends the session with all its tasks.
    let kind = if concerns.is_empty() { MessageType::INFO } else { MessageType::WARNING };
    let asked = session.client.show_message_request(kind, message, Some(items.collect()));
    asked.await.ok().flatten().map(|it| it.title)
}

/// The plan as a file that the editor can show.
fn plan_file(key: &FlagKey, text: &str) -> Result<PathBuf, String> {
    let folder = disk::folder().ok_or("there is no cache folder to write the plan to")?.join("plans");
    let path = folder.join(crate::feature::brief::file_name(key)).with_extension("txt");
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| replace(&path, text.as_bytes(), |it| std::fs::File::create(it)));
    written.map(|()| path).map_err(|it| format!("the plan cannot be written: {it}"))
}

async fn perform(session: &Session, config: &Config, mut launch: Launch) -> Result<(), String> {
    let key = launch.target.brief.key.clone();
    let progress = begin(session, &format!("Launching '{key}'")).await;
    let mut warnings = Vec::new();
    let mut refused = Vec::new();
    let mut told = |it: Told| match it {
        Told::Done(_) => {}
        Told::Refused(step, why) => refused.push(format!("{} ({why})", launch_label(&step.slot))),
        Told::Waits(_, why) => warnings.push(why),
        Told::Warning(why) => warnings.push(why),
    };
    let mut ended = launch.prepare(&mut told).await;
    if ended.is_ok() && !launch.target.leave_off {
        ended = launch.open(&mut told).await;
    }
    note(session, config, &launch);
    if let Some(progress) = progress {
        progress.end(None).await;
    }
    ended.map_err(|it| interrupted(config, &it))?;
    let mut done = Vec::new();
    if let Some(environment) = config.environments.first() {
        let scheduled = launch.schedule(environment, &config.plans).await;
        match scheduled {
            Ok(told) => done = told,
            Err(error) => warnings.push(format!("steps in time wait for a run: {error}")),
        }
    }
    let ending = ending(&launch.target, &launch.found);
    let mut message = match &ending {
        Ending::Launched => format!("'{key}' is launched, in its first stage."),
        ending => launch_ending(&key, ending),
    };
    done.iter().for_each(|it| message += &format!(" {it}."));
    let pages = [Slot::Flag, Slot::Dashboard].into_iter().filter_map(|it| launch.page(&it));
    message += &pages.map(|it| format!(" {it}")).collect::<String>();
    if !refused.is_empty() {
        message += &format!(" Left out: {}.", refused.join(", "));
    }
    let kind = if refused.is_empty() && warnings.is_empty() && !matches!(ending, Ending::NotAsPlanned(_)) {
        MessageType::INFO
    } else {
        MessageType::WARNING
    };
    warnings.iter().for_each(|it| message += &format!(" {it}."));
    session.answer(kind, &message).await;
    Ok(())
}

/// What was written is known at once, also of a launch that stopped.
fn note(session: &Session, config: &Config, launch: &Launch) {
    let refresh = &session.workspace.refresh;
    match (&launch.found.flag, config.environments.first()) {
        (Some(flag), Some(environment)) => {
            session.note_written(flag.id, Some(flag.stamp()));
            let (host, flag) = (environment.host.clone(), Arc::new(flag.clone()));
            refresh.ask(Ask::Written { host, project: launch.project.id, flag });
        }
        // The answer may be lost, and the flag be there.
        _ => refresh.ask(Ask::Everything),
    }
}

fn interrupted(config: &Config, Interrupted { slot, error }: &Interrupted) -> String {
    let host = config.environments.first().map(|it| &*it.host).unwrap_or_default();
    let remedy = match error {
        Error::Forbidden(_) => format!("; {}", give_scope(host, "feature_flag:write")),
        error if error.is_passing() || matches!(error, Error::Decode { .. } | Error::TooSlow) => {
            "; launch it again to complete what is missing, nothing is made twice".into()
        }
        _ => String::new(),
    };
    format!("it stopped at {slot}: {error}{remedy}")
}
