//! `flagline create`: writes the brief of a new feature, from arguments and answers.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use super::answers::Answers;
use super::{complain, configuration, print_lines, stored_keys};
use crate::analysis::plain;
use crate::config::Environment;
use crate::feature::brief::{Draft, MetricKind, Release, is_address, missing_events, name_for};
use crate::flags::FlagKey;
use crate::posthog::Client;
use crate::report::relative;
use crate::workspace::{NotWritten, home_of, write_brief};
use crate::wrapping::suggest_key;

/// See [`super::Command::Create`].
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The feature's name, as people say it.
    name: Option<String>,
    /// The flag's key; made of the name when not given.
    #[arg(long)]
    key: Option<String>,
    /// What the team believes will come of it.
    #[arg(long)]
    hypothesis: Option<String>,
    /// Who answers for it: an e-mail address; whoever is signed in when not given.
    #[arg(long)]
    owner: Option<String>,
    /// How it reaches people.
    #[arg(long, value_enum)]
    release: Option<How>,
    /// How the key metric is measured.
    #[arg(long, value_enum)]
    metric: Option<Measured>,
    /// An event of the key metric; several for a funnel, in their order.
    #[arg(long = "event", requires = "metric")]
    events: Vec<String>,
    /// Ask nothing.
    #[arg(long)]
    yes: bool,
}

/// How a feature reaches people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    /// Stage by stage.
    AutoRollout,
    /// As an experiment among variants.
    AbTest,
}

/// How a metric is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measured {
    /// How often something happens.
    Trend,
    /// How many go all the way.
    Funnel,
    /// How many come back.
    Retention,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let config = configuration(&directory, stored_keys())?;
    let ask = !arguments.yes && std::io::stdin().is_terminal();
    if let Some(owner) = arguments.owner.as_deref().filter(|it| !is_address(it)) {
        bail!("the owner is an e-mail address, like ada@example.com, and not \"{}\"", plain(owner));
    }
    let mut draft = draft(arguments, &mut Answers { ask })?;
    if let Some(missing) = draft.missing() {
        bail!("{missing}");
    }
    if draft.owner.is_none() {
        draft.owner = owner(config.environments.first()).await;
    }
    let path = match write_brief(&home_of(&directory), &draft) {
        Ok(path) => path,
        Err(why @ NotWritten::Exists { .. }) => {
            complain(&plain(&why.to_string()));
            return Ok(ExitCode::FAILURE);
        }
        Err(why) => bail!("{why}"),
    };
    let (brief, key) = (relative(&path, &directory), &draft.key);
    let is_there = has_flag(config.environments.first(), key).await;
    let is_there = is_there.then(|| {
        format!("PostHog has a flag '{key}' already: a launch takes that one, and shows what is not as the brief says.")
    });
    print_lines(is_there)?;
    print_lines([
        format!("{brief} is the brief of '{key}'."),
        format!("Say there what you mean, then: flagline launch {}", draft.key),
    ])?;
    Ok(ExitCode::SUCCESS)
}

/// What the arguments say, and what is asked for the rest.
fn draft(arguments: Arguments, answers: &mut Answers) -> anyhow::Result<Draft> {
    let name = match (arguments.name.filter(|it| !it.trim().is_empty()), &arguments.key) {
        (Some(name), _) => name,
        (None, Some(key)) => answers.ask("What is the feature called?", &name_for(&key.as_str().into()))?,
        (None, None) => answers.ask_until("What is the feature called?", "", |it| match it.trim() {
            "" => Err("say what the feature is called: flagline create NAME".into()),
            it => Ok(it.to_owned()),
        })?,
    };
    let parse = |it: &str| {
        let key = FlagKey::from(it);
        match key.is_valid() {
            true => Ok(key),
            false => Err(format!(
                "a key has letters, digits, - and _, 400 at most, so that \"{it}\" is none; --key names one"
            )),
        }
    };
    let key = match arguments.key {
        Some(key) => parse(&key).map_err(anyhow::Error::msg)?,
        None if !name.contains(|it: char| it.is_alphanumeric()) && !answers.ask => {
            bail!("\"{}\" makes no key: --key names one", plain(&name))
        }
        None => answers.ask_until("The flag's key?", suggest_key(&name).as_str(), parse)?,
    };
    let hypothesis = match arguments.hypothesis {
        Some(it) => it,
        None => answers.ask("What do you believe will come of it?", "")?,
    };
    let release = match arguments.release {
        Some(How::AutoRollout) => Release::AutoRollout,
        Some(How::AbTest) => Release::AbTest,
        None => answers.ask_until(
            "How does it reach people: auto-rollout or ab-test?",
            "auto-rollout",
            release,
        )?,
    };
    let kind = match arguments.metric {
        Some(it) => Some(kind(it)),
        None if release == Release::AbTest && answers.ask => {
            let decides = |it: &str| {
                metric(it)?.map(Some).ok_or_else(|| "an A/B test needs a metric that decides it".to_owned())
            };
            answers.ask_until(
                "The metric that decides it: trend, funnel or retention?",
                "retention",
                decides,
            )?
        }
        None => answers.ask_until("The key metric: trend, funnel, retention or none?", "none", metric)?,
    };
    let mut events = arguments.events;
    if let (Some(kind), true) = (kind, events.is_empty()) {
        let question = match kind {
            MetricKind::Trend => "Of which event?",
            MetricKind::Funnel => "Over which events, in their order, with commas between them?",
            MetricKind::Retention => "Which event is coming back?",
        };
        let default = if kind == MetricKind::Retention { "$pageview" } else { "" };
        let named = |answer: &str| -> Result<Vec<String>, String> {
            let events = answer.split(',').map(str::trim).filter(|it| !it.is_empty());
            let events: Vec<String> = events.map(str::to_owned).collect();
            missing_events(kind, &events).map_or(Ok(events), |why| Err(why.to_owned()))
        };
        events = answers.ask_until(question, default, named)?;
    }
    let hypothesis = Some(hypothesis).filter(|it| !it.trim().is_empty());
    Ok(Draft { key, name, owner: arguments.owner, hypothesis, release, metric: kind.map(|it| (it, events)) })
}

fn release(text: &str) -> Result<Release, String> {
    [Release::AutoRollout, Release::AbTest]
        .into_iter()
        .find(|it| it.name() == text.trim())
        .ok_or_else(|| "say auto-rollout or ab-test".into())
}

fn metric(text: &str) -> Result<Option<MetricKind>, String> {
    let kinds = [MetricKind::Trend, MetricKind::Funnel, MetricKind::Retention];
    match text.trim() {
        "none" | "" => Ok(None),
        it => kinds
            .into_iter()
            .find(|kind| kind.name() == it)
            .map(Some)
            .ok_or_else(|| "say trend, funnel, retention or none".into()),
    }
}

fn kind(measured: Measured) -> MetricKind {
    match measured {
        Measured::Trend => MetricKind::Trend,
        Measured::Funnel => MetricKind::Funnel,
        Measured::Retention => MetricKind::Retention,
    }
}

/// Whether PostHog is known to have a flag of this key.
async fn has_flag(environment: Option<&Environment>, key: &FlagKey) -> bool {
    let ask = async {
        let environment = environment?;
        let client = Client::new(environment).ok()?;
        let project = client.project(environment).await.ok()?.into();
        client.flag_by_key(&project, key).await.ok()?
    };
    ask.await.is_some()
}

/// The e-mail address of whoever is signed in; nobody where PostHog cannot say.
async fn owner(environment: Option<&Environment>) -> Option<String> {
    let client = Client::new(environment?).ok()?;
    let email = client.me().await.ok()?.email;
    Some(email).filter(|it| !it.is_empty())
}
