//! `flagline.promote`, `stop`, `resume`, `rollBack` and `finish`: shows what a move comes to and whom it touches, asks,
//! writes it, and says what was done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tower_lsp::lsp_types::{MessageType, Url};

use super::commands::{FINISH, RESUME, ROLL_BACK, STOP};
use super::feature::brief_to_write;
use super::launch::begin;
use super::pick::{Item, pick};
use super::session::Session;
use crate::config::Config;
use crate::feature::brief::{After, Brief};
use crate::feature::{Ladder, Value};
use crate::flags::{FlagKey, Variant};
use crate::posthog::refresh::Ask;
use crate::posthog::{Error, give_scope};
use crate::rollout::decide::{Move, Surroundings};
use crate::rollout::moving::{Base, NotMoved, Preview, Rollout};
use crate::workspace::FoundBrief;

/// A rollout to move, and the document that decides whose it is.
#[derive(Deserialize)]
pub(super) struct ToMove {
    key: String,
    uri: Option<Url>,
    /// Of a stop: why.
    reason: Option<String>,
    /// Of rolling back: the stage that stays open.
    stage: Option<String>,
    /// Of finishing: what everyone gets.
    variant: Option<String>,
    /// Of a stop and of finishing: nobody gets it any more.
    #[serde(default)]
    off: bool,
}

/// Which way a rollout is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Promote,
    Stop,
    Resume,
    RollBack,
    Finish,
}

impl Way {
    /// What a command does.
    pub(super) fn of(command: &str) -> Way {
        match command {
            STOP => Way::Stop,
            RESUME => Way::Resume,
            ROLL_BACK => Way::RollBack,
            FINISH => Way::Finish,
            _ => Way::Promote,
        }
    }

    /// On its button.
    fn button(self) -> &'static str {
        match self {
            Way::Promote => "Promote",
            Way::Stop => "Stop",
            Way::Resume => "Resume",
            Way::RollBack => "Roll Back",
            Way::Finish => "Finish",
        }
    }

    /// On its button, where something speaks against it.
    fn button_anyway(self) -> String {
        format!("{} Anyway", self.button())
    }

    /// While it is not done: "'videos' is not promoted: ..."
    fn done(self) -> &'static str {
        match self {
            Way::Promote => "promoted",
            Way::Stop => "stopped",
            Way::Resume => "resumed",
            Way::RollBack => "rolled back",
            Way::Finish => "finished",
        }
    }

    /// At the beginning of its question.
    fn doing(self) -> &'static str {
        match self {
            Way::Promote => "promoting",
            Way::Stop => "stopping",
            Way::Resume => "resuming",
            Way::RollBack => "rolling back",
            Way::Finish => "finishing",
        }
    }
}

/// What was read longer ago than this is read again before it is written: a question may stand for hours.
const FRESH: Duration = Duration::from_secs(60);

/// Moves a rollout and says what came of it.
pub(super) async fn run(session: &Session, way: Way, wanted: ToMove) {
    let key = FlagKey::from(wanted.key.as_str());
    if let Err(why) = (Moving { session, way, wanted: &wanted }).run(&key).await {
        session.answer(MessageType::ERROR, &format!("'{key}' is not {}: {why}", way.done())).await;
    }
}

struct Moving<'a> {
    session: &'a Session,
    way: Way,
    wanted: &'a ToMove,
}

impl Moving<'_> {
    async fn run(&self, key: &FlagKey) -> Result<(), String> {
        let (config, FoundBrief { brief, .. }) = brief_to_write(self.session, key, self.wanted.uri.as_ref())?;
        let asked_at = Instant::now();
        let base = self.base(&config, &brief).await?;
        let mut rollout = self.rollout(&base, &config, &brief).await?;
        let Some(step) = self.step(&rollout).await else { return Ok(()) };
        let preview = rollout.preview(&step).await?;
        if !self.is_agreed(&rollout, &preview).await {
            return Ok(());
        }
        if asked_at.elapsed() < FRESH {
            return self.make(&config, &mut rollout, &step).await;
        }
        let base = self.base(&config, &brief).await?;
        let mut now = self.rollout(&base, &config, &brief).await?;
        self.is_as_shown(&rollout, &preview, &now, &step).await?;
        self.make(&config, &mut now, &step).await
    }

    async fn base(&self, config: &Config, brief: &Brief) -> Result<Base, String> {
        let environment = config.environments.first().ok_or("no environment is set")?;
        Base::load(environment, &[brief]).await.map_err(|it| it.to_string())
    }

    /// Where the rollout is, with everything that speaks for and against moving it.
    async fn rollout<'b>(
        &self,
        base: &'b Base,
        config: &Config,
        brief: &Brief,
    ) -> Result<Rollout<'b>, String> {
        let progress = begin(self.session, &format!("Looking for '{}'", brief.key)).await;
        let mut loaded = match self.way {
            Way::Stop | Way::RollBack => Rollout::load_to_close(base, brief.clone(), &config.plans).await,
            Way::Promote | Way::Resume | Way::Finish => {
                Rollout::load(base, brief.clone(), &config.plans).await
            }
        };
        if let Ok(rollout) = &mut loaded
            && let Err(error) = rollout.ask_evidence().await
        {
            // Nobody waits for numbers to stop something; what asks for them says that they are missing.
            tracing::info!(%error, "who met the feature cannot be told");
        }
        if let Some(progress) = progress {
            progress.end(None).await;
        }
        loaded.map_err(|it| it.to_string())
    }

    /// What is to be done; `None` = the user went away from a question.
    async fn step(&self, rollout: &Rollout<'_>) -> Option<Move> {
        let wanted = self.wanted;
        Some(match self.way {
            Way::Promote => Move::Promote,
            Way::Resume => Move::Resume,
            Way::Stop => Move::Stop {
                reason: wanted.reason.clone().filter(|it| !it.trim().is_empty()).unwrap_or("by hand".into()),
                then: if wanted.off { After::Off } else { After::PreviousStage },
            },
            Way::RollBack => match &wanted.stage {
                Some(stage) => Move::RollBack { stage: stage.clone() },
                None => Move::RollBack { stage: self.choose_stage(rollout).await? },
            },
            Way::Finish if wanted.off => Move::Finish(Value::Off),
            Way::Finish => match &wanted.variant {
                Some(key) => Move::Finish(Value::Variant(key.as_str().into())),
                None => Move::Finish(self.choose_value(rollout).await?),
            },
        })
    }

    /// One of the stages before the one that is open; the move says why there is none.
    async fn choose_stage(&self, rollout: &Rollout<'_>) -> Option<String> {
        let ladder = Ladder::of(&rollout.plan, &rollout.flag.filters().unwrap_or_default());
        let open = ladder.position().map_or(0, |it| it.0);
        if open == 0 {
            return rollout.plan.stages.first().map(|it| it.name.clone());
        }
        let question = format!("which stage of '{}' stays open? Later ones are closed.", rollout.brief.key);
        let item = |at: usize| {
            let stage = &rollout.plan.stages[at];
            Item { label: stage.name.clone(), description: stage.audience.to_string() }
        };
        let chosen =
            pick(self.session, &question, (0..open).map(item).collect(), "Roll it back from the terminal.")
                .await?;
        Some(rollout.plan.stages[chosen].name.clone())
    }

    /// What everyone gets: of a flag with variants, the one that won.
    async fn choose_value(&self, rollout: &Rollout<'_>) -> Option<Value> {
        let filters = rollout.flag.filters().unwrap_or_default();
        let variants = filters.variants();
        if variants.is_empty() || filters.version >= 2 {
            return Some(Value::On);
        }
        let question = format!("which variant of '{}' does everyone get?", rollout.brief.key);
        let item = |it: &Variant| Item {
            label: it.key.clone(),
            description: format!("{} % now", it.rollout_percentage),
        };
        let items = variants.iter().map(item).collect();
        let chosen = pick(self.session, &question, items, "Finish it from the terminal.").await?;
        Some(Value::Variant(variants.get(chosen)?.key.as_str().into()))
    }

    async fn is_agreed(&self, rollout: &Rollout<'_>, preview: &Preview) -> bool {
        let (kind, button) = match preview.concerns.is_empty() {
            true => (MessageType::INFO, self.way.button().to_owned()),
            false => (MessageType::WARNING, self.way.button_anyway()),
        };
        let question = self.question(rollout, preview);
        self.session.ask(kind, &question, &[&button]).await == Some(button)
    }

    /// Everything that it comes to, in a few words.
    fn question(&self, rollout: &Rollout<'_>, preview: &Preview) -> String {
        let mut words = format!(
            "{} '{}' in {}, now at {}: {}.",
            self.way.doing(),
            rollout.brief.key,
            rollout.project_name(),
            rollout.stage_words(),
            preview.change.what.join("; ")
        );
        if let Some(people) = &preview.people {
            words += &format!(" It touches {}.", people.words());
        }
        if !preview.concerns.is_empty() {
            words += &format!(" This speaks against it: {}.", preview.concerns.join("; "));
        }
        words
    }

    /// Whether what was agreed to is still what it comes to.
    async fn is_as_shown(
        &self,
        shown: &Rollout<'_>,
        preview: &Preview,
        now: &Rollout<'_>,
        step: &Move,
    ) -> Result<(), String> {
        if shown.flag.stamp() != now.flag.stamp() {
            return Err(changed(now, step, "it was changed meanwhile"));
        }
        let concerns = now.preview(step).await?.concerns;
        let new: Vec<&str> =
            concerns.iter().filter(|it| !preview.concerns.contains(it)).map(String::as_str).collect();
        match new.is_empty() {
            true => Ok(()),
            false => Err(format!("meanwhile this speaks against it: {}. Run it again", new.join("; "))),
        }
    }

    async fn make(&self, config: &Config, rollout: &mut Rollout<'_>, step: &Move) -> Result<(), String> {
        let key = rollout.brief.key.clone();
        let before = rollout.flag.stamp();
        let progress = begin(self.session, &format!("Moving '{key}'")).await;
        let mut made = rollout.make(step).await;
        let mut warnings = Vec::new();
        let mut messages = Vec::new();
        if let Ok(made) = &mut made {
            warnings.append(&mut made.left);
            warnings.append(&mut made.against);
            let stale_after = config.stale_after();
            let around = Surroundings { interview: None, stale_after };
            match rollout.tell(&around).await {
                Ok(told) => {
                    made.done.extend(told.done);
                    warnings.extend(told.warnings);
                    messages = told.sent;
                }
                // It is done, and the next run tells of it.
                Err(error) => warnings.push(format!("people are told later: {error}")),
            }
        }
        self.note(config, rollout, before, made.as_ref().err());
        if let Some(progress) = progress {
            progress.end(None).await;
        }
        let done = made.map_err(|it| why(config, rollout, step, &it))?.done;
        let mut message = format!(
            "'{key}' is {}: {}. It is {}. {}",
            self.way.done(),
            done.join("; "),
            rollout.place_words(),
            rollout.page()
        );
        if !messages.is_empty() {
            let kinds: Vec<&str> = messages.iter().map(|it| it.kind.name()).collect();
            message += &format!(" Who follows it was told: {}.", kinds.join(", "));
        }
        let kind = if warnings.is_empty() { MessageType::INFO } else { MessageType::WARNING };
        warnings.iter().for_each(|it| message += &format!(" {it}."));
        self.session.answer(kind, &message).await;
        Ok(())
    }

    /// What was written is known at once, also where what follows from it failed. What somebody else wrote stays news.
    fn note(&self, config: &Config, rollout: &Rollout<'_>, before: i64, error: Option<&NotMoved>) {
        let refresh = &self.session.workspace.refresh;
        let flag = &rollout.flag;
        match error {
            Some(NotMoved::Refused(_) | NotMoved::Waits { .. } | NotMoved::Behind { .. }) => {}
            Some(NotMoved::Partly { .. }) => refresh.ask(Ask::Everything),
            // The answer may be lost, and the flag be written.
            Some(NotMoved::PostHog(error))
                if !matches!(error, Error::Forbidden(_) | Error::Invalid { .. }) =>
            {
                refresh.ask(Ask::Everything);
            }
            error => {
                if !matches!(error, Some(NotMoved::Changed { .. })) && flag.stamp() != before {
                    self.session.note_written(flag.id, Some(flag.stamp()));
                }
                if let Some(environment) = config.environments.first() {
                    let (host, flag) = (environment.host.clone(), Arc::new(flag.clone()));
                    refresh.ask(Ask::Written { host, project: rollout.project_id(), flag });
                }
            }
        }
    }
}

/// Why a move was not made, and what to do.
fn why(config: &Config, rollout: &Rollout<'_>, step: &Move, error: &NotMoved) -> String {
    let host = config.environments.first().map(|it| &*it.host).unwrap_or_default();
    match error {
        NotMoved::Changed { words, .. } => changed(rollout, step, words),
        NotMoved::Waits { .. } | NotMoved::Behind { .. } => format!("{error}. {}", rollout.page()),
        NotMoved::PostHog(Error::Forbidden(_)) => {
            format!("{error}; {}", give_scope(host, "feature_flag:write"))
        }
        NotMoved::PostHog(error) if error.is_passing() => {
            format!("{error}; run it again to complete what is missing, nothing is done twice")
        }
        error => error.to_string(),
    }
}

/// Both of them: what is there now, and what this would be.
fn changed(now: &Rollout<'_>, step: &Move, words: &str) -> String {
    let mine =
        now.change(step).map_or_else(|why| format!("it cannot be any more, {why}"), |it| it.what.join("; "));
    let by = now.flag.modified_by.as_ref().map_or("somebody", |it| it.display());
    format!(
        "the flag is not any more what was shown ({words}), and nothing was changed. Now, by {by}: {}. This would be: \
         {mine}. Run it again to decide anew",
        now.stage_words()
    )
}
