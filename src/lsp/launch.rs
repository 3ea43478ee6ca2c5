//! `flagline.launch`: shows what a feature's brief comes to, asks, makes it, and opens it to its first stage.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use tower_lsp::lsp_types::{MessageType, Url};

use super::commands::open_file;
use super::feature::brief_to_write;
use super::progress::Progress;
use super::session::Session;
use crate::config::Config;
use crate::flags::FlagKey;
use crate::posthog::refresh::Ask;
use crate::posthog::{Error, disk, give_scope, replace};
use crate::report::{launch_ending, launch_label, launch_plan, launch_whereto};
use crate::rollout::decide::{
    Action, Ending, Slot, Step, TimedStep, concerns, ending, open_stages, steps_in_time,
};
use crate::rollout::launch::{Interrupted, Launch, Options, Reach, Told};
use crate::workspace::FoundBrief;

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
        session.answer(MessageType::ERROR, &format!("'{key}' is not launched: {why}")).await;
    }
}

async fn launch(session: &Session, key: &FlagKey, wanted: &ToLaunch) -> Result<(), String> {
    // A question may stand for hours, and keeps no other launch from going on meanwhile.
    let mut options = Options { take_over: wanted.take_over, only_shown: true, ..Options::default() };
    let mut changed = Vec::new();
    loop {
        let progress = begin(session, &format!("Looking for '{key}'")).await;
        let loaded = load(session, key, wanted, options).await;
        end(progress).await;
        let (_, shown) = loaded?;
        let reach = shown.reach().await;
        if !shown.steps().iter().any(|it| it.action.writes()) && switched_off(&shown).is_none() {
            session.answer(MessageType::INFO, &nothing_to_do(&shown)).await;
            return Ok(());
        }
        let chosen = ask(session, &shown, &reach, &changed).await;
        changed.clear();
        match chosen.as_deref() {
            Some(SHOW_PLAN) => {
                // The question comes again beside it.
                let text = launch_plan(&shown, &shown.steps(), &reach);
                let file = plan_file(key, &text)?;
                if !open_file(session, &file).await {
                    session.answer(MessageType::INFO, &format!("the plan is in {}", file.display())).await;
                }
            }
            Some(TAKE_OVER) => options.take_over = true,
            Some(choice @ (LAUNCH | LAUNCH_ANYWAY | LEAVE_OFF)) => {
                let agreed = Options { leave_off: choice == LEAVE_OFF, only_shown: false, ..options };
                changed = go_on(session, key, wanted, &shown, agreed).await?;
                if changed.is_empty() {
                    return Ok(());
                }
            }
            _ => return Ok(()),
        }
    }
}

/// Launches it if what was shown is still what is to be done; else returns what changed, and nothing is written.
async fn go_on(
    session: &Session,
    key: &FlagKey,
    wanted: &ToLaunch,
    shown: &Launch,
    agreed: Options,
) -> Result<Vec<String>, String> {
    let progress = begin(session, &format!("Launching '{key}'")).await;
    let launched = async {
        let (config, now) = load(session, key, wanted, agreed).await?;
        let changed = changes(shown, &now);
        if !changed.is_empty() {
            return Ok(Err(changed));
        }
        perform(session, &config, now).await.map(Ok)
    };
    let launched = launched.await;
    end(progress).await;
    match launched? {
        Ok((kind, message)) => session.answer(kind, &message).await,
        Err(changed) => return Ok(changed),
    }
    Ok(Vec::new())
}

/// The launch of a feature by its brief as it is now, and the settings that count for it.
async fn load(
    session: &Session,
    key: &FlagKey,
    wanted: &ToLaunch,
    options: Options,
) -> Result<(Arc<Config>, Launch), String> {
    let (config, FoundBrief { brief, .. }) = brief_to_write(session, key, wanted.uri.as_ref())?;
    let environment = config.environments.first().ok_or("no environment is set")?;
    let loaded = Launch::load(environment, brief, &config.plans, options, Timestamp::now()).await;
    let launch = loaded.map_err(|it| it.to_string())?;
    Ok((config, launch))
}

/// What is to be done otherwise than it was shown, by what it is about.
fn changes(shown: &Launch, now: &Launch) -> Vec<String> {
    let mut changes = Vec::new();
    let mut note = |is: bool, what: &str| changes.extend(is.then(|| what.to_owned()));
    let flag = |it: &Launch| it.found.flag.as_ref().map(|it| (it.id, it.stamp()));
    note(shown.target.brief != now.target.brief, "the brief");
    note(shown.target.plan != now.target.plan, "the plan");
    note(flag(shown) != flag(now), "the flag");
    let before = shown.steps();
    // What a launch that leaves it off does not do is not looked at.
    for step in now.steps() {
        let is_shown = |it: &Step| it.slot == step.slot && comes_to_same(&it.action, &step.action);
        note(step.slot != Slot::Flag && !before.iter().any(is_shown), &launch_label(&step.slot));
    }
    changes
}

/// Whether two actions are the same to a person: what is written may name the moment.
fn comes_to_same(a: &Action, b: &Action) -> bool {
    match (a, b) {
        (Action::Make(_), Action::Make(_)) => true,
        (Action::Change(_, a), Action::Change(_, b)) => a == b,
        _ => a == b,
    }
}

async fn end(progress: Option<Progress>) {
    if let Some(progress) = progress {
        progress.end(None).await;
    }
}

pub(super) async fn begin(session: &Session, title: &str) -> Option<Progress> {
    if session.caps.progress { Progress::begin(&session.client, title).await } else { None }
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

/// Asks what to do, with everything that it would do in a few words, and what changed since it was last asked.
async fn ask(session: &Session, launch: &Launch, reach: &[Reach], changed: &[String]) -> Option<String> {
    let steps = launch.steps();
    let n_made = steps.iter().filter(|it| it.slot < Slot::On && it.action.writes()).count();
    let n_changed = steps.iter().filter(|it| matches!(it.action, Action::Differs(_))).count();
    let opens = steps.iter().any(|it| it.slot == Slot::On && it.action.writes());
    let is_over = steps.iter().any(|it| it.slot == Slot::On && matches!(it.action, Action::Keep(_)));
    let mut parts = Vec::new();
    parts.extend(
        (n_made > 0).then(|| format!("makes or changes {} in {}", things(n_made), launch.project.name)),
    );
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
        let (were, stay) = if n_changed == 1 { ("was", "stays") } else { ("were", "stay") };
        message += &format!(" {} {were} changed by hand and {stay} so.", things(n_changed));
    }
    let does_something = steps.iter().any(|it| it.action.writes());
    let launch_it = if concerns.is_empty() { LAUNCH } else { LAUNCH_ANYWAY };
    let mut choices: Vec<&str> = does_something.then_some(launch_it).into_iter().collect();
    choices.extend((n_made > 0 && !is_over).then_some(LEAVE_OFF));
    choices.extend((n_changed > 0).then_some(TAKE_OVER));
    choices.push(SHOW_PLAN);
    if !changed.is_empty() {
        message = format!("meanwhile this changed: {}. Now: {message}", changed.join(", "));
    }
    let kind = if concerns.is_empty() { MessageType::INFO } else { MessageType::WARNING };
    session.ask(kind, &message, &choices).await
}

fn things(n: usize) -> String {
    if n == 1 { "1 thing".into() } else { format!("{n} things") }
}

/// The plan as a file that the editor can show.
fn plan_file(key: &FlagKey, text: &str) -> Result<PathBuf, String> {
    let folder = disk::folder().ok_or("there is no cache folder to write the plan to")?.join("plans");
    let path = folder.join(crate::feature::brief::file_name(key)).with_extension("txt");
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| replace(&path, text.as_bytes(), |it| std::fs::File::create(it)));
    written.map(|()| path).map_err(|it| format!("the plan cannot be written: {it}"))
}

/// Takes all steps. Returns what came of it.
async fn perform(
    session: &Session,
    config: &Config,
    mut launch: Launch,
) -> Result<(MessageType, String), String> {
    let key = launch.target.brief.key.clone();
    let mut warnings = Vec::new();
    let mut refused = Vec::new();
    let mut made = Vec::new();
    let mut told = |it: Told| match it {
        Told::Done(step) => made.push(step.slot.clone()),
        Told::Refused(step, why) => refused.push(format!("{} ({why})", launch_label(&step.slot))),
        Told::Waits(_, why) => warnings.push(why),
        Told::Warning(why) => warnings.push(why),
    };
    let mut ended = launch.prepare(&mut told).await;
    if ended.is_ok() && !launch.target.leave_off {
        ended = launch.open(&mut told).await;
    }
    note(session, config, &launch, &made, ended.as_ref().err());
    ended.map_err(|it| interrupted(config, &it))?;
    let mut done = Vec::new();
    if let Some(environment) = config.environments.first() {
        match launch.tell_webhook(environment, &config.plans).await {
            Ok(told) => {
                done = told.done;
                warnings.extend(told.warnings);
            }
            Err(error) => warnings.push(format!("the webhook waits for a run: {error}")),
        }
        let scheduled = launch.schedule(environment, &config.plans).await;
        match scheduled {
            Ok(told) => done.extend(told),
            Err(error) => warnings.push(format!("steps in time wait for a run: {error}")),
        }
    }
    let ending = ending(&launch.target, &launch.found);
    let mut message = match &ending {
        Ending::Launched => format!("'{key}' is launched{}.", whereto(&launch)),
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
    Ok((kind, message))
}

/// Where a launched feature is: one that was only completed may be further than its first stage.
fn whereto(launch: &Launch) -> String {
    let open = launch.found.flag.as_ref().map(open_stages).unwrap_or_default();
    match &open[..] {
        [(stage, _)] if stage.number == 1 => ", in its first stage".into(),
        _ => launch_whereto(launch),
    }
}

/// What was written is known at once, also of a launch that stopped. What somebody else wrote stays news.
fn note(session: &Session, config: &Config, launch: &Launch, done: &[Slot], stopped: Option<&Interrupted>) {
    let refresh = &session.workspace.refresh;
    let is_theirs = matches!(stopped, Some(Interrupted { error: Error::Conflict(_), .. }));
    if let (Some(flag), Some(environment)) = (&launch.found.flag, config.environments.first())
        && !done.is_empty()
    {
        if done.iter().any(writes_flag) && !is_theirs {
            session.note_written(flag.id, Some(flag.stamp()));
        }
        let (host, flag) = (environment.host.clone(), Arc::new(flag.clone()));
        refresh.ask(Ask::Written { host, project: launch.project.id, flag });
    }
    // The answer may be lost, and the flag be written.
    let is_lost = |it: &Interrupted| {
        writes_flag(&it.slot) && !matches!(it.error, Error::Forbidden(_) | Error::Invalid { .. })
    };
    if stopped.is_some_and(is_lost) {
        refresh.ask(Ask::Everything);
    }
}

/// Whether the flag is written with this: PostHog does it by itself for some.
fn writes_flag(slot: &Slot) -> bool {
    matches!(slot, Slot::Flag | Slot::EarlyAccess | Slot::Experiment | Slot::Link | Slot::On | Slot::Start)
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
