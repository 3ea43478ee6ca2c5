//! `flagline promote`, `stop`, `resume`, `roll-back` and `finish`: a person moves a rollout. Each shows what it comes to
//! and whom it touches, asks, and writes.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::answers::Answers;
use super::launch::found_brief;
use super::{Format, complain, configuration, print_json, print_lines, stored_keys};
use crate::analysis::plain;
use crate::config::{Config, Environment};
use crate::feature::brief::After;
use crate::feature::{self};
use crate::posthog::{Error, give_scope};
use crate::report::{move_json, move_lines};
use crate::rollout::decide::{Move, Surroundings};
use crate::rollout::moving::{Base, Made, NotMoved, Preview, Rollout};

/// What all moves take.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// The flag's key, as the brief says it.
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    key: String,
    /// Show what would be changed, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Ask nothing.
    #[arg(long)]
    yes: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// See [`super::Command::Promote`].
#[derive(Debug, Args)]
pub(super) struct Promote {
    #[command(flatten)]
    common: Common,
    /// Also where the gate does not hold, or something must be done first.
    #[arg(long)]
    anyway: bool,
}

/// See [`super::Command::Stop`].
#[derive(Debug, Args)]
pub(super) struct Stop {
    #[command(flatten)]
    common: Common,
    /// Why; it stands on the flag's page.
    #[arg(default_value = "by hand")]
    reason: String,
    /// Switch the flag off, instead of going back to the stage before.
    #[arg(long)]
    off: bool,
}

/// See [`super::Command::Resume`].
#[derive(Debug, Args)]
pub(super) struct Resume {
    #[command(flatten)]
    common: Common,
    /// Also where the flag is not as its plan says.
    #[arg(long)]
    anyway: bool,
}

/// See [`super::Command::RollBack`].
#[derive(Debug, Args)]
pub(super) struct RollBack {
    #[command(flatten)]
    common: Common,
    /// The stage that stays open; later ones are closed.
    stage: String,
}

/// See [`super::Command::Finish`].
#[derive(Debug, Args)]
pub(super) struct Finish {
    #[command(flatten)]
    common: Common,
    /// The variant that everyone gets.
    #[arg(long, value_name = "KEY", conflicts_with = "off")]
    variant: Option<String>,
    /// Nobody gets it any more: the feature is given up.
    #[arg(long)]
    off: bool,
    /// Also where something must be done first.
    #[arg(long)]
    anyway: bool,
}

impl Promote {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        run(self.common, Move::Promote, self.anyway).await
    }
}

impl Stop {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let then = if self.off { After::Off } else { After::PreviousStage };
        run(self.common, Move::Stop { reason: self.reason, then }, true).await
    }
}

impl Resume {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        run(self.common, Move::Resume, self.anyway).await
    }
}

impl RollBack {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        run(self.common, Move::RollBack { stage: self.stage }, true).await
    }
}

impl Finish {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let value = match (self.variant, self.off) {
            (_, true) => feature::Value::Off,
            (Some(key), false) => feature::Value::Variant(key.into()),
            (None, false) => feature::Value::On,
        };
        run(self.common, Move::Finish(value), self.anyway).await
    }
}

async fn run(common: Common, step: Move, anyway: bool) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let config = configuration(&directory, stored_keys())?;
    let brief = found_brief(&common.key, &directory)?.brief;
    let environment = config.environments.first().context("no environment is configured")?;
    if config.environments.len() > 1 {
        complain(&plain(&format!("this happens in '{}'", environment.name)));
    }
    let base = Base::load(environment, &[&brief]).await?;
    let mut rollout = match &step {
        Move::Stop { .. } | Move::RollBack { .. } => {
            Rollout::load_to_close(&base, brief, &config.plans).await?
        }
        Move::Promote | Move::Resume | Move::Finish(_) => Rollout::load(&base, brief, &config.plans).await?,
    };
    // Nobody waits for numbers to stop something.
    if let Err(error) = rollout.ask_evidence().await {
        complain(&plain(&format!("who met it cannot be told: {error}")));
    }
    let answers = Answers { ask: std::io::stdin().is_terminal() };
    Run { common, step, anyway, config: &config, environment, rollout, answers }.run().await
}

struct Run<'a> {
    common: Common,
    step: Move,
    anyway: bool,
    config: &'a Config,
    environment: &'a Environment,
    rollout: Rollout<'a>,
    answers: Answers,
}

impl Run<'_> {
    async fn run(mut self) -> anyhow::Result<ExitCode> {
        let preview = match self.rollout.preview(&self.step).await {
            Ok(preview) => preview,
            Err(why) => return self.refused(&why, None),
        };
        let is_text = self.common.format == Format::Text;
        if is_text {
            print_lines(move_lines(&self.rollout, &preview))?;
        }
        if self.common.dry_run {
            if !is_text {
                print_json(&self.json(&preview, json!({})))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(why) = self.objection(&preview)? {
            return self.refused(&why, Some(&preview));
        }
        match self.rollout.make(&self.step).await {
            Ok(made) => self.tell(&preview, made).await,
            Err(error) => {
                let why = self.why(&error);
                self.refused(&why, Some(&preview))
            }
        }
    }

    /// Why it is not made, if somebody must agree and did not.
    fn objection(&mut self, preview: &Preview) -> anyhow::Result<Option<String>> {
        let nobody = |it: &Run, what: &str, flag: &str| {
            let hint = if it.answers.ask { "" } else { "; nobody was there to be asked" };
            Some(format!("nothing was changed: {what}{hint}, {flag}"))
        };
        if !preview.concerns.is_empty() && !self.anyway {
            let what = preview.concerns.join("; ");
            if !self.agrees("This speaks against it. Go on anyway? yes or no")? {
                return Ok(nobody(self, &what, "--anyway goes on in spite of it"));
            }
        }
        let project = &self.rollout.project_name().to_owned();
        if !self.common.yes
            && !self.agrees(&format!("Write this to '{}' in {project}? yes or no", self.common.key))?
        {
            return Ok(nobody(self, "nobody agreed", "--yes asks nothing"));
        }
        Ok(None)
    }

    fn agrees(&mut self, question: &str) -> anyhow::Result<bool> {
        self.answers.agrees(question)
    }

    fn why(&self, error: &NotMoved) -> String {
        match error {
            NotMoved::Changed { words, now } => {
                let mine = self.rollout.change(&self.step).map_or_else(|why| why, |it| it.what.join("; "));
                let by = now.modified_by.as_ref().map_or("somebody", |it| it.display());
                format!(
                    "nothing was changed, the flag is not any more what was shown ({words}). Now, by {by}: {}. This would \
                     be: {mine}. Run it again to decide anew",
                    self.rollout.stage_words()
                )
            }
            NotMoved::PostHog(Error::Forbidden(_)) => {
                format!("{error}; {}", give_scope(&self.environment.host, "feature_flag:write"))
            }
            error => error.to_string(),
        }
    }

    async fn tell(mut self, preview: &Preview, made: Made) -> anyhow::Result<ExitCode> {
        let stale_after = self.config.stale_after();
        let told = self.rollout.tell(&Surroundings { interview: None, stale_after }).await;
        let Made { mut done, left, against } = made;
        let (messages, mut warnings) = match told {
            Ok(told) => {
                done.extend(told.done);
                (told.sent, told.warnings)
            }
            // It is done, and the next run tells of it.
            Err(error) => (Vec::new(), vec![format!("people are told later: {error}")]),
        };
        let is_whole = left.is_empty();
        warnings.splice(0..0, left.into_iter().chain(against));
        match self.common.format {
            Format::Text => {
                let done = done.iter().map(|it| format!("  ✓ {it}"));
                let told = messages.iter().map(|it| format!("  ✓ told: {}", it.text));
                let (key, place) = (&self.common.key, self.rollout.place_words());
                let end = format!("'{key}' is {place}. {}", self.rollout.page());
                print_lines(done.chain(told).chain([end]))?;
            }
            Format::Json => {
                let messages: Vec<Value> =
                    messages.iter().map(|it| json!({ "kind": it.kind.name(), "text": it.text })).collect();
                print_json(
                    &self.json(preview, json!({ "done": done, "messages": messages, "warnings": &warnings })),
                )?;
            }
        }
        warnings.iter().for_each(|it| complain(&plain(it)));
        if !is_whole {
            complain("run it again to complete what is missing; nothing is done twice");
            return Ok(ExitCode::from(1));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn refused(&self, why: &str, preview: Option<&Preview>) -> anyhow::Result<ExitCode> {
        if self.common.format == Format::Json {
            let body = json!({ "key": self.common.key, "refused": why });
            print_json(&preview.map_or(body, |it| self.json(it, json!({ "refused": why }))))?;
        }
        complain(&plain(&format!("'{}': {why}", self.common.key)));
        Ok(ExitCode::from(1))
    }

    fn json(&self, preview: &Preview, more: Value) -> Value {
        let mut body = move_json(&self.rollout, preview);
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        body
    }
}
