//! `flagline.follow` and `flagline.unfollow`: asks whom PostHog tells what happens to a flag, and has it told.

use std::sync::Arc;

use serde::Deserialize;
use tower_lsp::lsp_types::{MessageType, Url};

use super::commands::settings_to_write;
use super::feature::brief_there;
use super::pick::{Item, pick};
use super::progress::Progress;
use super::session::Session;
use crate::config::Config;
use crate::feature::brief::Brief;
use crate::flags::{FlagKey, Follower, Tells};
use crate::posthog::refresh::Ask;
use crate::report::{followed_words, unfollowed_words};
use crate::rollout::decide::SlackChannel;
use crate::rollout::decide::follow::{self as decide, Called, Step, Whom};
use crate::rollout::follow::{self, Done, Following};

/// A flag to follow, and the document that decides whose it is. Without a channel or a webhook, it is asked for.
#[derive(Deserialize)]
pub(super) struct Wanted {
    key: String,
    uri: Option<Url>,
    slack: Option<String>,
    webhook: Option<String>,
    /// Changes of the flag, instead of the feature's messages.
    #[serde(default)]
    changes: bool,
}

const ENABLE: &str = "Enable Again";

/// Somebody who can be told.
enum Choice {
    Channel(SlackChannel),
    Webhook(String),
}

/// Makes somebody follow, and says what came of it.
pub(super) async fn run(session: &Session, wanted: Wanted) {
    let key = FlagKey::from(wanted.key.as_str());
    if let Err(why) = follow(session, &key, &wanted).await {
        session.answer(MessageType::ERROR, &format!("nobody new follows '{key}': {why}")).await;
    }
}

/// Stops telling somebody, and says so.
pub(super) async fn unfollow(session: &Session, wanted: Wanted) {
    let key = FlagKey::from(wanted.key.as_str());
    if let Err(why) = stop(session, &key, &wanted).await {
        session.answer(MessageType::ERROR, &format!("who follows '{key}' stays the same: {why}")).await;
    }
}

async fn follow(session: &Session, key: &FlagKey, wanted: &Wanted) -> Result<(), String> {
    let config = settings_to_write(session, wanted.uri.as_ref())?;
    let mut following = load(session, &config, key).await?;
    following.living_flag().await.map_err(|it| it.to_string())?;
    // One that cannot be understood is the business of whoever launches.
    let brief = brief_there(session, key, wanted.uri.as_ref(), &config).map(|it| it.brief);
    let has_messages = brief.is_some() || following.was_launched();
    let tells = if has_messages && !wanted.changes { Tells::Messages } else { Tells::Changes };
    let Some(whom) = whom(session, &following, wanted, brief.as_ref(), tells).await? else { return Ok(()) };
    let mut enable = false;
    if let Some(Step::Enable(it)) = decide::follow(&following.scene, &whom, tells).into_iter().next() {
        if !agrees_to_enable(session, &it).await {
            return Ok(());
        }
        enable = true;
    }
    let followed = following.follow(&whom, tells, enable).await.map_err(|it| it.to_string())?;
    note(session, &config, &following);
    let mut message = followed_words(&following, &whom, &followed);
    followed.warning.iter().for_each(|it| message += &format!(" But {it}."));
    let is_well = followed.warning.is_none() && followed.done != Done::LeftDisabled;
    session.answer(if is_well { MessageType::INFO } else { MessageType::WARNING }, &message).await;
    Ok(())
}

async fn load(session: &Session, config: &Config, key: &FlagKey) -> Result<Following, String> {
    let environment = config.environments.first().ok_or("no environment is set")?;
    let title = format!("Looking who follows '{key}'");
    let progress = if session.caps.progress { Progress::begin(&session.client, &title).await } else { None };
    let loaded = Following::load(environment, key).await;
    if let Some(progress) = progress {
        progress.end(None).await;
    }
    loaded.map_err(|it| it.to_string())
}

/// Whom the arguments name, or else somebody chooses.
async fn whom(
    session: &Session,
    following: &Following,
    wanted: &Wanted,
    brief: Option<&Brief>,
    tells: Tells,
) -> Result<Option<Whom>, String> {
    let told_already = |name: &str| decide::told_already(brief?, name, tells);
    if let Some(name) = &wanted.webhook {
        return told_already(name).map_or_else(|| follow::webhook(name).map(Some), Err);
    }
    let mut webhooks = webhooks(brief);
    webhooks.retain(|it| told_already(it).is_none());
    let channels = match following.channels().await {
        Ok(channels) => channels,
        Err(_) if wanted.slack.is_none() && !webhooks.is_empty() => Vec::new(),
        Err(error) => return Err(error.to_string()),
    };
    if let Some(name) = &wanted.slack {
        return decide::channel(name, &channels).map(|it| Some(Whom::Slack(it.clone())));
    }
    let choices = choices(channels, webhooks, brief);
    let items = choices.iter().map(|it| item(following, &choices, it, tells)).collect();
    let key = &following.scene.key;
    let title = match (tells, wanted.changes) {
        (Tells::Messages, _) => format!("Who is told from now on what happens to '{key}'?"),
        (_, true) => format!("Who is told from now on of every change of '{key}'?"),
        (_, false) => {
            format!(
                "'{key}' has no brief, so there are no messages about it. Who is told of every change of it?"
            )
        }
    };
    let more = format!("For another channel: flagline follow {key} --slack '#channel'");
    let Some(chosen) = pick(session, &title, items, &more).await.and_then(|it| choices.into_iter().nth(it))
    else {
        return Ok(None);
    };
    match chosen {
        Choice::Channel(channel) => Ok(Some(Whom::Slack(channel))),
        Choice::Webhook(name) => follow::webhook(&name).map(Some),
    }
}

/// Webhooks whose address is in the environment; one that the brief names has its name from there.
fn webhooks(brief: Option<&Brief>) -> Vec<String> {
    let named = brief.and_then(|it| it.notify.webhook.clone());
    let of_brief = named.as_deref().and_then(|it| decide::variable(it).ok());
    let variables = std::env::vars_os().filter_map(|it| it.0.into_string().ok());
    let mut names: Vec<String> = variables
        .filter_map(|it| if of_brief.as_ref() == Some(&it) { named.clone() } else { decide::name_of(&it) })
        .collect();
    names.sort_by_key(|it| (named.as_ref() != Some(it), it.clone()));
    names
}

/// Whom the brief names first, then by name.
fn choices(mut channels: Vec<SlackChannel>, webhooks: Vec<String>, brief: Option<&Brief>) -> Vec<Choice> {
    let named = brief.and_then(|it| it.notify.slack.as_deref()).map(|it| it.trim_start_matches('#'));
    let is_named =
        |it: &SlackChannel| named == Some(it.name.trim_start_matches('#')) || named == Some(&it.id);
    channels.sort_by_cached_key(|it| (!is_named(it), it.name.clone(), it.id.clone()));
    channels.into_iter().map(Choice::Channel).chain(webhooks.into_iter().map(Choice::Webhook)).collect()
}

fn item(following: &Following, all: &[Choice], choice: &Choice, tells: Tells) -> Item {
    let name = |it: &Choice| if let Choice::Channel(it) = it { Some(it.name.clone()) } else { None };
    // Of two workspaces: nobody could tell them apart.
    let is_twice =
        |it: &SlackChannel| all.iter().filter_map(name).filter(|name| *name == it.name).count() > 1;
    let (label, called) = match choice {
        Choice::Channel(it) if is_twice(it) => {
            (format!("{} ({})", it.name, it.id), Called::Slack(it.id.clone()))
        }
        Choice::Channel(it) => (it.name.clone(), Called::Slack(it.id.clone())),
        Choice::Webhook(it) => (format!("webhook {it}"), Called::Webhook(it.clone())),
    };
    let is_told = |it: &Follower| it.enabled && it.tells == tells && decide::is_called(it, &called);
    let follows = following.followers().iter().any(is_told);
    Item { label, description: if follows { "follows already".into() } else { String::new() } }
}

async fn agrees_to_enable(session: &Session, it: &Follower) -> bool {
    let question = format!("somebody disabled '{}'.", it.name);
    session.ask(MessageType::INFO, &question, &[ENABLE]).await.is_some_and(|it| it == ENABLE)
}

async fn stop(session: &Session, key: &FlagKey, wanted: &Wanted) -> Result<(), String> {
    let config = settings_to_write(session, wanted.uri.as_ref())?;
    let mut following = load(session, &config, key).await?;
    let called = match (&wanted.slack, &wanted.webhook) {
        (Some(name), _) => Some(Called::Slack(name.clone())),
        (None, Some(name)) => Some(Called::Webhook(name.clone())),
        (None, None) => ask_called(session, &following).await?,
    };
    let Some(called) = called else { return Ok(()) };
    let deleted = following.unfollow(&called).await.map_err(|it| it.to_string())?;
    note(session, &config, &following);
    let mut message = unfollowed_words(&following, &deleted);
    let brief = brief_there(session, key, wanted.uri.as_ref(), &config).map(|it| it.brief);
    if brief.is_some_and(|it| decide::is_named(&it.notify, &deleted)) {
        message += " Its brief still names it: take it out of [notify], or the next launch makes it again.";
    }
    session.answer(MessageType::INFO, &message).await;
    Ok(())
}

/// Lets somebody choose among those who follow and were made here.
async fn ask_called(session: &Session, following: &Following) -> Result<Option<Called>, String> {
    let (ours, by_hand): (Vec<Follower>, Vec<Follower>) =
        following.followers().into_iter().partition(|it| following.scene.is_ours(it));
    let mut choices: Vec<(Called, Item)> = Vec::new();
    for it in &ours {
        let Some(called) = decide::called(it) else { continue };
        match choices.iter_mut().find(|choice| choice.0 == called) {
            Some((_, item)) => item.description += &format!(", {}", it.tells.word()),
            None => choices.push((called, Item { label: it.whom(), description: it.tells.word().into() })),
        }
    }
    if choices.is_empty() {
        let theirs =
            if by_hand.is_empty() { "nobody does" } else { "only functions that somebody made by hand do" };
        return Err(theirs.into());
    }
    let (called, items): (Vec<Called>, Vec<Item>) = choices.into_iter().unzip();
    let title = format!("Who is told no more what happens to '{}'?", following.scene.key);
    let more = format!("For another: flagline unfollow {}", following.scene.key);
    Ok(pick(session, &title, items, &more).await.and_then(|it| called.into_iter().nth(it)))
}

/// Lenses know it at once.
fn note(session: &Session, config: &Config, following: &Following) {
    let Some(environment) = config.environments.first() else { return };
    session.workspace.refresh.ask(Ask::Followed {
        host: Arc::clone(&environment.host),
        project: following.project.id,
        flag: (following.scene.key.clone(), following.scene.flag),
        followers: following.followers(),
    });
}
