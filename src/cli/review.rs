//! `flagline review`: what came of a feature, and a person's word on it.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::json;

use super::answers::Answers;
use super::{Format, complain, configuration, launch, print, print_json, print_lines, stored_keys};
use crate::analysis::{day, plain};
use crate::config::Config;
use crate::feature::brief::{Outcome, Verdict, outcome_edit};
use crate::posthog::Error;
use crate::removal::{Edit, FileChange};
use crate::report::{measured_words, relative, review_json, review_text};
use crate::rollout::review::{NotReviewed, Reviewed, note_outcome};
use crate::workspace::{self, FoundBrief};

/// See [`super::Command::Review`].
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The flag's key, as the brief says it.
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    key: String,
    /// What came of it: it is written into the brief, and on the project's graphs.
    #[arg(long, value_enum)]
    outcome: Option<Came>,
    /// The measured value, in your words; what the numbers say when not given.
    #[arg(long, requires = "outcome")]
    measured: Option<String>,
    /// Ask nothing.
    #[arg(long)]
    yes: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What came of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Came {
    /// It reached its target.
    Nailed,
    /// It did, just so.
    Scraped,
    /// It did not.
    Failed,
}

impl From<Came> for Verdict {
    fn from(came: Came) -> Verdict {
        match came {
            Came::Nailed => Verdict::Nailed,
            Came::Scraped => Verdict::Scraped,
            Came::Failed => Verdict::Failed,
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let config = configuration(&directory, stored_keys())?;
    let found = launch::found_brief(&arguments.key, &directory)?;
    let reviewed = match Reviewed::load(&config, found.brief.clone(), Timestamp::now()).await {
        Ok(reviewed) => reviewed,
        Err(why @ (NotReviewed::NotYet(_) | NotReviewed::NoFlag(_))) => {
            complain(&plain(&format!("'{}' cannot be reviewed: {why}", arguments.key)));
            return Ok(ExitCode::FAILURE);
        }
        Err(why) => bail!("'{}' cannot be reviewed: {why}", plain(&arguments.key)),
    };
    let ask = !arguments.yes && std::io::stdin().is_terminal() && arguments.format == Format::Text;
    let answers = Answers { ask };
    Run { arguments, config: &config, found, reviewed, directory: &directory, answers }.run().await
}

struct Run<'a> {
    arguments: Arguments,
    config: &'a Config,
    found: FoundBrief,
    reviewed: Reviewed,
    directory: &'a Path,
    answers: Answers,
}

/// What became of a word on a feature.
enum Recorded {
    /// Nobody gave one.
    Nothing,
    /// Nobody agreed, or it could not be written: why.
    Not(String),
    /// It stands in the brief; and on the graphs, or why not.
    Written(Result<(), String>),
}

impl Run<'_> {
    async fn run(mut self) -> anyhow::Result<ExitCode> {
        let is_text = self.arguments.format == Format::Text;
        if is_text {
            print(&review_text(&self.reviewed))?;
        }
        let outcome = self.outcome()?;
        let recorded = match &outcome {
            None => Recorded::Nothing,
            Some(outcome) => self.record(outcome).await?,
        };
        if !is_text {
            let mut body = review_json(&self.reviewed);
            body["recorded"] = json!(matches!(recorded, Recorded::Written(Ok(()))));
            if let (Recorded::Written(_), Some(it)) = (&recorded, &outcome) {
                body["outcome"] = json!({ "verdict": it.verdict.to_string(), "measured": it.measured });
            }
            print_json(&body)?;
        }
        match recorded {
            Recorded::Nothing => {
                if is_text {
                    print_lines(self.what_next())?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Recorded::Not(why) | Recorded::Written(Err(why)) => {
                complain(&plain(&why));
                Ok(ExitCode::FAILURE)
            }
            Recorded::Written(Ok(())) => {
                if is_text {
                    let path = relative(&self.found.path, self.directory);
                    print_lines([format!("It stands in {path}, and on the graphs of {}.", self.project())])?;
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    fn project(&self) -> &str {
        &self.reviewed.project.name
    }

    fn what_next(&self) -> Vec<String> {
        let key = &self.arguments.key;
        let command = format!("flagline review {key} --outcome nailed|scraped|failed");
        match (&self.found.brief.outcome, self.reviewed.due) {
            (Some(_), _) => Vec::new(),
            (None, Some(at)) if !self.reviewed.is_due() => {
                vec![
                    String::new(),
                    format!("It is due on {}; to write its outcome down before: {command}", day(at)),
                ]
            }
            (None, _) => vec![String::new(), format!("What came of it is for you to say: {command}")],
        }
    }

    /// What a person says came of it, if anybody does.
    fn outcome(&mut self) -> anyhow::Result<Option<Outcome>> {
        let said = self.arguments.outcome.map(Verdict::from);
        let is_time = self.reviewed.is_due() && self.found.brief.outcome.is_none();
        let verdict = match said {
            Some(verdict) => Some(verdict),
            None if is_time && self.answers.ask => self.answers.ask_until(
                "What came of it: nailed, scraped, failed, or nothing to leave it open?",
                "nothing",
                |it| if it == "nothing" { Ok(None) } else { it.parse().map(Some) },
            )?,
            None => None,
        };
        let Some(verdict) = verdict else { return Ok(None) };
        let by_numbers = measured_words(&self.reviewed);
        let measured = match &self.arguments.measured {
            Some(measured) => Some(measured.clone()),
            None => {
                let default = by_numbers.unwrap_or_default();
                let said = self.answers.ask("The measured value, in your words?", &default)?;
                Some(said)
            }
        };
        let measured = measured.map(|it| plain(it.trim())).filter(|it| !it.is_empty());
        Ok(Some(Outcome { verdict, measured }))
    }

    async fn record(&mut self, outcome: &Outcome) -> anyhow::Result<Recorded> {
        let path = relative(&self.found.path, self.directory);
        let is_there = self.found.brief.outcome.as_ref() == Some(outcome);
        if !is_there {
            let instead = self.found.brief.outcome.as_ref();
            let instead = instead.map(|it| format!(" in place of \"{it}\"")).unwrap_or_default();
            let project = self.project();
            let question = format!(
                "Write \"{outcome}\" into {path}{instead}, and on all graphs of {project}? yes or no"
            );
            if !self.agrees(&question)? {
                let hint =
                    if self.answers.ask { "" } else { "; nobody was there to be asked, --yes asks nothing" };
                return Ok(Recorded::Not(format!("nothing was written down{hint}")));
            }
            self.write(outcome)?;
        }
        let environment = self.config.environments.first().context("no environment is configured")?;
        let noted = note_outcome(environment, &self.found.brief, outcome, self.reviewed.now).await;
        Ok(Recorded::Written(noted.map(drop).map_err(|why| {
            format!(
                "{path} has the outcome, and the graphs of {} do not: {why}{}",
                self.project(),
                remedy(&why)
            )
        })))
    }

    /// A person who names the outcome by hand and is no terminal has not agreed to write it.
    fn agrees(&mut self, question: &str) -> anyhow::Result<bool> {
        if self.arguments.yes {
            return Ok(true);
        }
        self.answers.agrees(question)
    }

    fn write(&self, outcome: &Outcome) -> anyhow::Result<()> {
        let path = self.found.path.as_path();
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let (range, with) =
            outcome_edit(&text, outcome).map_err(|why| anyhow!("{}: {why}", path.display()))?;
        let change = FileChange::Edited(vec![Edit { range, text: with }]);
        let before: Arc<str> = text.into();
        workspace::write_files([(path, &change)].into_iter(), |_| Some(before.clone()))
    }
}

fn remedy(error: &Error) -> &'static str {
    match error {
        Error::Forbidden(_) => "; give the key the scope annotation:write, and run it again",
        error if error.is_passing() => "; run it again, it is written once",
        _ => "",
    }
}
