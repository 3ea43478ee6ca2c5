//! `flagline follow` and `flagline unfollow`: who is told by PostHog what happens to a flag.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Value, json};

use super::answers::Answers;
use super::{Format, complain, configuration, print_json, print_lines, stored_keys};
use crate::analysis::plain;
use crate::feature::brief::Brief;
use crate::flags::{FlagKey, Follower, Tells};
use crate::report::{followed_words, followers_json, followers_text, unfollowed_words};
use crate::rollout::decide::SlackChannel;
use crate::rollout::decide::follow::{self as decide, Called, Step, Whom};
use crate::rollout::follow::{self, Done, Followed, Following, NotFollowed};
use crate::workspace;

/// So many channels are listed; of more, one is named.
const MOST_LISTED: usize = 20;

/// See [`super::Command::Follow`].
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The flag's key.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    key: String,
    #[command(flatten)]
    target: Target,
    /// Tell every change of the flag in PostHog, instead of the feature's messages; any flag has changes.
    #[arg(long)]
    changes: bool,
    /// Ask nothing.
    #[arg(long)]
    yes: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// See [`super::Command::Unfollow`].
#[derive(Debug, Args)]
pub(super) struct UnfollowArguments {
    /// The flag's key.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    key: String,
    #[command(flatten)]
    target: Target,
    /// Ask nothing.
    #[arg(long)]
    yes: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct Target {
    /// A Slack channel, by its name or its id.
    #[arg(long, value_name = "#CHANNEL", value_parser = NonEmptyStringValueParser::new())]
    slack: Option<String>,
    /// A webhook, by a name of the team's; its address is in the variable FLAGLINE_WEBHOOK_<NAME>.
    #[arg(long, value_name = "NAME")]
    webhook: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (following, brief) = load(&arguments.key).await?;
    let Some(following) = told(following)? else { return Ok(ExitCode::FAILURE) };
    let answers = Answers { ask: !arguments.yes && std::io::stdin().is_terminal() };
    Run { following, brief, answers, format: arguments.format }.follow(&arguments).await
}

pub(super) async fn unfollow(arguments: UnfollowArguments) -> anyhow::Result<ExitCode> {
    let (following, brief) = load(&arguments.key).await?;
    let Some(following) = told(following)? else { return Ok(ExitCode::FAILURE) };
    let answers = Answers { ask: !arguments.yes && std::io::stdin().is_terminal() };
    Run { following, brief, answers, format: arguments.format }.unfollow(&arguments.target).await
}

/// Who follows now, and the brief of the flag, if it has one.
async fn load(key: &str) -> anyhow::Result<(Result<Following, NotFollowed>, Option<Brief>)> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let config = configuration(&directory, stored_keys())?;
    let environment = config.environments.first().context("no environment is configured")?;
    if config.environments.len() > 1 {
        complain(&plain(&format!("this happens in '{}'", environment.name)));
    }
    let key = FlagKey::from(key);
    Ok((Following::load(environment, &key).await, brief(&key, &directory)))
}

fn brief(key: &FlagKey, directory: &Path) -> Option<Brief> {
    let home = workspace::repository(directory);
    let around = directory.ancestors().take_while(|it| home.is_none_or(|home| it.starts_with(home)));
    // One that cannot be understood is the business of whoever launches.
    workspace::brief_of(around, key).ok().flatten().map(|it| it.brief)
}

/// What was refused is told; what could not be asked ends the command.
fn told<T>(answer: Result<T, NotFollowed>) -> anyhow::Result<Option<T>> {
    match answer {
        Ok(it) => Ok(Some(it)),
        Err(NotFollowed::Refused(why)) => {
            complain(&plain(&why));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

struct Run {
    following: Following,
    brief: Option<Brief>,
    answers: Answers,
    format: Format,
}

impl Run {
    async fn follow(mut self, arguments: &Arguments) -> anyhow::Result<ExitCode> {
        if told(self.following.living_flag().await)?.is_none() {
            return Ok(ExitCode::FAILURE);
        }
        let is_named = arguments.target.slack.is_some() || arguments.target.webhook.is_some();
        if !is_named && !self.answers.ask {
            return self.say_who_follows();
        }
        if !is_named {
            followers_text(&self.following).iter().for_each(|it| self.answers.tell(it));
        }
        let Some(tells) = self.tells(arguments)? else { return Ok(ExitCode::FAILURE) };
        if let Some(why) = self.told_already(&arguments.target, tells) {
            complain(&plain(&why));
            return Ok(ExitCode::FAILURE);
        }
        let whom = match is_named {
            true => told(self.whom(&arguments.target).await)?,
            false => self.ask_whom().await?,
        };
        let Some(whom) = whom else { return Ok(ExitCode::FAILURE) };
        if let Some(by_hand) = decide::by_hand(&self.following.scene, &whom, tells) {
            self.answers.tell(&format!("'{}', which somebody made by hand, may tell it too", by_hand.name));
        }
        let first = decide::follow(&self.following.scene, &whom, tells).into_iter().next();
        let agreed = match &first {
            Some(Step::Keep(_)) => true,
            Some(Step::Enable(it)) => {
                let question = format!("Somebody disabled '{}'. Enable it again? yes or no", it.name);
                self.agrees(&question, arguments.yes)?
            }
            // Whoever was asked for the channel has chosen it.
            _ if !is_named => true,
            _ => self.agrees(&self.question(&whom, tells), arguments.yes)?,
        };
        if !agreed {
            let hint =
                if self.answers.ask { "" } else { "; nobody was there to be asked, --yes asks nothing" };
            complain(&format!("nothing was changed{hint}"));
            return Ok(ExitCode::FAILURE);
        }
        let is_disabled = matches!(first, Some(Step::Enable(_)));
        let followed = told(self.following.follow(&whom, tells, is_disabled).await)?;
        let Some(followed) = followed else { return Ok(ExitCode::FAILURE) };
        self.end(&whom, &followed)
    }

    /// Messages come only of features that have a brief; of other flags there are changes.
    fn tells(&mut self, arguments: &Arguments) -> anyhow::Result<Option<Tells>> {
        let key = self.following.scene.key.clone();
        if arguments.changes {
            return Ok(Some(Tells::Changes));
        }
        if self.brief.is_some() || self.following.was_launched() {
            return Ok(Some(Tells::Messages));
        }
        let question = format!(
            "'{key}' has no brief, so there are no messages about it. Follow its changes in PostHog? yes or no"
        );
        if self.agrees(&question, arguments.yes)? {
            return Ok(Some(Tells::Changes));
        }
        complain(&plain(&format!(
            "'{key}' has no brief, so nothing would be told of it: --changes follows every change of it in PostHog"
        )));
        Ok(None)
    }

    fn told_already(&self, target: &Target, tells: Tells) -> Option<String> {
        decide::told_already(self.brief.as_ref()?, target.webhook.as_deref()?, tells)
    }

    fn question(&self, whom: &Whom, tells: Tells) -> String {
        let (key, project) = (&self.following.scene.key, &self.following.project.name);
        let what = match tells {
            Tells::Messages => format!("what happens to '{key}'"),
            Tells::Changes | Tells::Alerts => format!("every change of '{key}'"),
        };
        format!("Let {project} tell {} {what}? yes or no", whom.words())
    }

    fn agrees(&mut self, question: &str, yes: bool) -> anyhow::Result<bool> {
        Ok(yes || self.answers.agrees(question)?)
    }

    /// Whom the arguments name.
    async fn whom(&self, target: &Target) -> Result<Whom, NotFollowed> {
        match (&target.slack, &target.webhook) {
            (Some(name), _) => {
                let channels = self.following.channels().await?;
                let channel = decide::channel(name, &channels).map_err(NotFollowed::Refused)?;
                Ok(Whom::Slack(channel.clone()))
            }
            (None, name) => {
                follow::webhook(name.as_deref().unwrap_or_default()).map_err(NotFollowed::Refused)
            }
        }
    }

    /// Lets somebody choose. Nothing chosen is nobody.
    async fn ask_whom(&mut self) -> anyhow::Result<Option<Whom>> {
        let Some(channels) = told(self.following.channels().await)? else { return Ok(None) };
        let names =
            |it: &[SlackChannel]| it.iter().map(|it| it.name.clone()).collect::<Vec<String>>().join(", ");
        match channels.len() {
            0..=MOST_LISTED => self.answers.tell(&format!("channels: {}", names(&channels))),
            n => self.answers.tell(&format!(
                "channels: {}, and {} more",
                names(&channels[..MOST_LISTED]),
                n - MOST_LISTED
            )),
        }
        if let Some(named) = self.brief.as_ref().and_then(|it| it.notify.slack.as_ref()) {
            self.answers.tell(&format!("the brief names {named}"));
        }
        let question = "Which channel is told from now on? (nothing: none)";
        let parse = |it: &str| match it {
            "" => Ok(None),
            name => decide::channel(name, &channels).map(|it| Some(Whom::Slack(it.clone()))),
        };
        // Without a default: where nobody is there any more, nobody is chosen.
        self.answers.ask_until(question, "", parse)
    }

    /// Nobody is there to choose a channel.
    fn say_who_follows(&self) -> anyhow::Result<ExitCode> {
        let nobody = self.following.followers().is_empty();
        match self.format {
            Format::Text => print_lines(followers_text(&self.following))?,
            Format::Json => print_json(&self.json(Value::Null))?,
        }
        if nobody {
            complain("name whom to tell: --slack '#channel', or --webhook NAME");
        }
        Ok(ExitCode::from(u8::from(nobody)))
    }

    fn json(&self, done: Value) -> Value {
        let mut body = followers_json(&self.following);
        body["done"] = done;
        body
    }

    fn end(&self, whom: &Whom, followed: &Followed) -> anyhow::Result<ExitCode> {
        if let Some(warning) = &followed.warning {
            complain(&plain(warning));
        }
        match self.format {
            Format::Text => print_lines([followed_words(&self.following, whom, followed)])?,
            Format::Json => {
                let done = match followed.done {
                    Done::Made => "made",
                    Done::Kept | Done::LeftDisabled => "kept",
                    Done::Enabled => "enabled",
                };
                print_json(&self.json(json!({ "action": done, "id": followed.follower.id })))?;
            }
        }
        Ok(ExitCode::from(u8::from(followed.done == Done::LeftDisabled || followed.warning.is_some())))
    }

    async fn unfollow(mut self, target: &Target) -> anyhow::Result<ExitCode> {
        let called = match (&target.slack, &target.webhook) {
            (Some(name), _) => Called::Slack(name.clone()),
            (None, Some(name)) => Called::Webhook(name.clone()),
            (None, None) => match self.ask_called()? {
                Some(called) => called,
                None => return Ok(ExitCode::FAILURE),
            },
        };
        let Some(deleted) = told(self.following.unfollow(&called).await)? else {
            return Ok(ExitCode::FAILURE);
        };
        match self.format {
            Format::Text => print_lines([unfollowed_words(&self.following, &deleted)])?,
            Format::Json => {
                let ids: Vec<&String> = deleted.iter().map(|it| &it.id).collect();
                print_json(&self.json(json!({ "action": "deleted", "ids": ids })))?;
            }
        }
        if let Some(brief) = self.brief.as_ref().filter(|it| decide::is_named(&it.notify, &deleted)) {
            complain(&plain(&format!(
                "the brief of '{}' names it: take it out of [notify], or the next launch makes it again",
                brief.key
            )));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Lets somebody choose among those who follow.
    fn ask_called(&mut self) -> anyhow::Result<Option<Called>> {
        let ours: Vec<Follower> =
            self.following.followers().into_iter().filter(|it| self.following.scene.is_ours(it)).collect();
        followers_text(&self.following).iter().for_each(|it| self.answers.tell(it));
        if ours.is_empty() {
            return Ok(None);
        }
        if !self.answers.ask {
            complain("name who is told no more: --slack '#channel', or --webhook NAME");
            return Ok(None);
        }
        let parse = |it: &str| {
            let called = [
                Called::Slack(it.to_owned()),
                Called::Webhook(it.trim_start_matches("the webhook ").to_owned()),
            ];
            let found = called.into_iter().find(|called| ours.iter().any(|it| decide::is_called(it, called)));
            match (it, found) {
                ("", _) => Ok(None),
                (_, Some(called)) => Ok(Some(called)),
                (name, None) => Err(format!("'{name}' is none of them")),
            }
        };
        self.answers.ask_until("Who is told no more? (nothing: nobody)", "", parse)
    }
}
