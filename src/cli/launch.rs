//! `flagline launch`: shows what a feature's brief comes to, makes it, and opens it to its first stage.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::answers::Answers;
use super::{Format, complain, configuration, print, print_json, print_lines, stored_keys};
use crate::analysis::plain;
use crate::config::Environment;
use crate::feature::brief::file_name;
use crate::feature::{BRIEFS, Plan, StageName};
use crate::flags::FlagKey;
use crate::posthog::{Error, give_scope};
use crate::report::{launch_ending, launch_json, launch_label, launch_plan, launch_whereto};
use crate::rollout::decide::{
    Action, Ending, Slot, Step, TimedStep, concerns, ending, open_stages, steps_in_time,
};
use crate::rollout::launch::{Interrupted, Launch, NotPlanned, Options, Reach, Told};
use crate::workspace::{self, FoundBrief};

/// See [`super::Command::Launch`].
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The flag's key, as the brief says it.
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    key: String,
    /// Show what would be made, and make nothing.
    #[arg(long)]
    dry_run: bool,
    /// Make everything, and leave the flag off.
    #[arg(long)]
    leave_off: bool,
    /// Write over what somebody changed by hand.
    #[arg(long)]
    take_over: bool,
    /// Also where something must be done first.
    #[arg(long)]
    anyway: bool,
    /// Ask nothing.
    #[arg(long)]
    yes: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let config = configuration(&directory, stored_keys())?;
    let brief = found_brief(&arguments.key, &directory)?.brief;
    let environment = config.environments.first().context("no environment is configured")?;
    if config.environments.len() > 1 {
        complain(&plain(&format!("this happens in '{}'", environment.name)));
    }
    let options = Options {
        leave_off: arguments.leave_off,
        take_over: arguments.take_over,
        only_shown: arguments.dry_run,
    };
    let launch = match Launch::load(environment, brief, &config.plans, options, Timestamp::now()).await {
        Err(busy @ NotPlanned::Busy(_)) => {
            complain(&plain(&busy.to_string()));
            return Ok(ExitCode::from(1));
        }
        answer => answer?,
    };
    let answers = Answers { ask: std::io::stdin().is_terminal() };
    Run { arguments, environment, plans: &config.plans, launch, answers }.run().await
}

/// The brief of a key, from the settings' folder, or from the working directory and those above it.
pub(super) fn found_brief(key: &str, directory: &std::path::Path) -> anyhow::Result<FoundBrief> {
    let key = FlagKey::from(key);
    let home = workspace::repository(directory);
    let around = directory.ancestors().take_while(|it| home.is_none_or(|home| it.starts_with(home)));
    match workspace::brief_of(around, &key) {
        Ok(Some(found)) => Ok(found),
        Ok(None) => bail!(
            "there is no brief of '{}': write {BRIEFS}/{}, or `flagline create` it",
            plain(key.as_str()),
            plain(&file_name(&key))
        ),
        Err(why) => bail!("{why}"),
    }
}

struct Run<'a> {
    arguments: Arguments,
    environment: &'a Environment,
    plans: &'a BTreeMap<String, Plan>,
    launch: Launch,
    answers: Answers,
}

impl Run<'_> {
    /// The steps in time of the first stage. Where they cannot be scheduled, a run takes them.
    async fn schedule(&self) -> anyhow::Result<Vec<String>> {
        let done = match self.launch.schedule(self.environment, self.plans).await {
            Err(error) => {
                complain(&plain(&format!("steps in time wait for `flagline rollout run`: {error}")));
                Vec::new()
            }
            Ok(done) => done,
        };
        if self.arguments.format == Format::Text {
            print_lines(done.iter().map(|it| format!("  ✓ {it}")))?;
        }
        Ok(done)
    }

    /// What an earlier launch could not tell the webhook.
    async fn tell_webhook(&self) -> anyhow::Result<()> {
        let told = match self.launch.tell_webhook(self.environment, self.plans).await {
            Err(error) => {
                complain(&plain(&format!("the webhook waits for `flagline rollout run`: {error}")));
                return Ok(());
            }
            Ok(told) => told,
        };
        if self.arguments.format == Format::Text {
            print_lines(told.done.iter().map(|it| format!("  ✓ {it}")))?;
        }
        told.warnings.iter().for_each(|it| complain(&plain(it)));
        Ok(())
    }

    async fn run(mut self) -> anyhow::Result<ExitCode> {
        let (steps, reach) = (self.launch.steps(), self.launch.reach().await);
        let is_text = self.arguments.format == Format::Text;
        if is_text {
            print(&launch_plan(&self.launch, &steps, &reach))?;
        }
        if self.arguments.dry_run {
            if !is_text {
                print_json(&launch_json(&self.launch, &steps, &reach))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let stopped = self.perform(&steps, &reach).await?;
        let scheduled = match &stopped {
            Some(why) => {
                complain(&plain(why));
                Vec::new()
            }
            None => {
                self.tell_webhook().await?;
                match self.may_schedule()? {
                    true => self.schedule().await?,
                    false => {
                        let waits =
                            "nothing was scheduled: its steps in time wait for `flagline rollout run`";
                        complain(&self.nobody(waits));
                        Vec::new()
                    }
                }
            }
        };
        let ending = ending(&self.launch.target, &self.launch.found);
        if !is_text {
            let mut body = launch_json(&self.launch, &self.launch.steps(), &reach);
            body["stopped"] = stopped.as_deref().map_or(json!(null), Into::into);
            body["scheduled"] = json!(scheduled);
            body["ending"] = ending.word().into();
            print_json(&body)?;
        } else if stopped.is_none() {
            print_lines(self.end(&ending))?;
        }
        let is_done = ending == Ending::Launched || (self.arguments.leave_off && ending == Ending::Off);
        Ok(ExitCode::from(u8::from(stopped.is_some() || !is_done)))
    }

    /// Whether PostHog may be told of the steps that it lacks; those of a flag that is switched on now were asked for with it.
    fn may_schedule(&mut self) -> anyhow::Result<bool> {
        let is_nothing = self.launch.found.to_schedule.is_empty();
        Ok(is_nothing || self.agrees("Let PostHog take these steps by itself? yes or no")?)
    }

    /// Takes the steps, with the questions before them. Returns why it did not come to its end, if it did not.
    async fn perform(&mut self, steps: &[Step], reach: &[Reach]) -> anyhow::Result<Option<String>> {
        let preparing = steps.iter().filter(|it| it.slot < Slot::On && it.action.writes()).count();
        if preparing > 0 {
            let things = if preparing == 1 { "this".to_owned() } else { format!("these {preparing} things") };
            let question = format!("Make {things} in {}? yes or no", self.launch.project.name);
            if !self.agrees(&question)? {
                return Ok(Some(self.nobody("nothing was made")));
            }
        }
        let is_text = self.arguments.format == Format::Text;
        let tell = &mut |told: Told| say(&told, is_text);
        if let Err(error) = self.launch.prepare(tell).await {
            return Ok(Some(self.interrupted(&error)));
        }
        let opens = |it: &Step| it.slot >= Slot::On && it.action.writes();
        if self.arguments.leave_off || !self.launch.steps().iter().any(opens) {
            return Ok(self.why_not_on());
        }
        if self.why_not_on().is_none()
            && let Some(why) = self.objection(reach)?
        {
            return Ok(Some(why));
        }
        let tell = &mut |told: Told| say(&told, is_text);
        match self.launch.open(tell).await {
            Ok(()) => Ok(self.why_not_on()),
            Err(error) => Ok(Some(self.interrupted(&error))),
        }
    }

    /// Why it is not opened, if somebody must agree and did not.
    fn objection(&mut self, reach: &[Reach]) -> anyhow::Result<Option<String>> {
        let concerns = concerns(&self.launch.target, &self.launch.found).join("; ");
        if !concerns.is_empty()
            && !self.arguments.anyway
            && !self
                .answers
                .agrees(&format!("This speaks against it: {concerns}. Go on anyway? yes or no"))?
        {
            let hint = if self.answers.ask { "" } else { "; nobody was there to be asked" };
            return Ok(Some(format!(
                "everything is made, and the flag stays off: {concerns}{hint}, --anyway goes on in spite of it"
            )));
        }
        if !self.agrees(&self.opening(reach))? {
            return Ok(Some(self.nobody("everything is made, and the flag stays off")));
        }
        Ok(None)
    }

    /// Why the flag is not switched on although nothing went wrong.
    fn why_not_on(&self) -> Option<String> {
        let steps = self.launch.steps();
        let find = |slot: Slot| steps.iter().find(|it| it.slot == slot).map(|it| &it.action);
        let why = |it: &Action| match it {
            Action::Skip(why) => Some(why.clone()),
            _ => None,
        };
        if let Some(Action::Differs(what)) = find(Slot::On) {
            return Some(format!(
                "the flag stays off: {}; --take-over switches it on again",
                what.join("; ")
            ));
        }
        let flag = find(Slot::Flag).and_then(why).map(|it| format!("the flag {it}"));
        flag.or_else(|| find(Slot::On).and_then(why).map(|it| format!("the flag is not switched on: {it}")))
    }

    fn agrees(&mut self, question: &str) -> anyhow::Result<bool> {
        Ok(self.arguments.yes || self.answers.agrees(question)?)
    }

    fn nobody(&self, what: &str) -> String {
        let hint = if self.answers.ask { "" } else { "; nobody was there to be asked, --yes asks nothing" };
        format!("{what}{hint}")
    }

    /// Says what opens: of a flag that is taken over, more than the first stage may.
    fn opening(&self, reach: &[Reach]) -> String {
        let open = self.launch.found.flag.as_ref().map(open_stages).unwrap_or_default();
        let stage = |(stage, percent): &(StageName, f64)| {
            let planned = reach.iter().find(|it| it.stage == stage.name);
            let audience = planned.map(|it| format!("{} at ", it.audience)).unwrap_or_default();
            let touched = planned.filter(|it| it.percent == *percent).and_then(Reach::words);
            let touched = touched.map(|it| format!(", {it}")).unwrap_or_default();
            format!("stage {} ({audience}{percent} %{touched})", stage.name)
        };
        let stages: Vec<String> = open.iter().map(stage).collect();
        let (key, project) = (&self.launch.target.brief.key, &self.launch.project.name);
        let steps = steps_in_time(&self.launch.target, &self.launch.found);
        let steps: Vec<String> = steps.iter().map(TimedStep::words).collect();
        let then = if steps.is_empty() { String::new() } else { format!(" Then {}.", steps.join(", ")) };
        format!("Switch '{key}' on in {project} for {}?{then} yes or no", stages.join(" and "))
    }

    fn interrupted(&self, Interrupted { slot, error }: &Interrupted) -> String {
        let remedy = match error {
            Error::Forbidden(_) => {
                format!("; {}", give_scope(&self.environment.host, "feature_flag:write"))
            }
            Error::Conflict(_) => "; look at what changed, and launch again to decide anew".into(),
            error if error.is_passing() || matches!(error, Error::Decode { .. } | Error::TooSlow) => {
                "; launch again to complete what is missing, nothing is made twice".into()
            }
            _ => String::new(),
        };
        format!("the launch stopped at {slot}: {error}{remedy}")
    }

    /// Where everything is, and what comes next.
    fn end(&self, ending: &Ending) -> Vec<String> {
        let key = &self.launch.target.brief.key;
        let page = |slot: &Slot| self.launch.page(slot);
        let mut lines = vec![String::new()];
        for (title, slot) in [
            ("flag", Slot::Flag),
            ("dashboard", Slot::Dashboard),
            ("recordings", Slot::Playlist(None)),
            ("experiment", Slot::Experiment),
            ("interview invitation, a draft that begins in its stage", Slot::Survey),
        ] {
            lines.extend(page(&slot).map(|it| format!("  {title}: {it}")));
        }
        lines.push(match ending {
            Ending::Launched => format!("'{key}' is launched{}.", launch_whereto(&self.launch)),
            ending => launch_ending(key, ending),
        });
        lines
    }
}

/// A line for each step as it is taken; for programs, only what went wrong.
fn say(told: &Told, is_text: bool) {
    let line = |sign: char, step: &Step, words: &str| {
        let name = if step.name.is_empty() { String::new() } else { format!(": {}", step.name) };
        plain(&format!("  {sign} {}{name}{words}", launch_label(&step.slot))) + "\n"
    };
    let printed = match told {
        Told::Done(step) if is_text => print(&line('✓', step, "")),
        Told::Done(_) => Ok(()),
        Told::Refused(step, why) if is_text => print(&line('-', step, &format!(": left out, {why}"))),
        Told::Waits(step, why) if is_text => print(&line('?', step, &format!(": {why}"))),
        Told::Refused(step, why) | Told::Waits(step, why) => {
            complain(&plain(&format!("{}: {why}", step.slot)));
            Ok(())
        }
        Told::Warning(why) => {
            complain(&plain(why));
            Ok(())
        }
    };
    // A reader that went away stops no launch.
    drop(printed);
}
