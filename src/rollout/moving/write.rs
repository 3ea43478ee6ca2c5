use super::Rollout;
use crate::feature::brief::After;
use crate::feature::{Ladder, NextStep, Value};
use crate::flags::Flag;
use crate::posthog::Error;
use crate::rollout::decide::{Change, Move};
use crate::rollout::message::Kind;

/// Why a move was not made.
#[derive(Debug, thiserror::Error)]
pub enum NotMoved {
    /// It cannot be, by what the flag and the plan say.
    #[error("{0}")]
    Refused(String),
    /// Somebody changed the flag since it was read; it stands as it is now.
    #[error("{words}")]
    Changed {
        /// The server's words.
        words: String,
        /// As it is now.
        now: Box<Flag>,
    },
    /// It waits for an approval in PostHog.
    #[error("it waits for an approval in PostHog{}", request(.id))]
    Waits {
        /// The id of the change request.
        id: Option<String>,
    },
    /// Another change of it waits for an approval in PostHog, and this was not asked for.
    #[error(
        "a change of it waits for an approval in PostHog{}: nothing else is asked for before that is decided", request(.id)
    )]
    Behind {
        /// The id of the change request.
        id: Option<String>,
    },
    /// What goes before the write was done, and the write was not.
    #[error("it {}; then it could not go on: {error}", .done.join(", "))]
    Partly {
        /// What was done.
        done: Vec<String>,
        /// Why the rest was not.
        error: Box<NotMoved>,
    },
    /// PostHog could not be asked, or refused.
    #[error(transparent)]
    PostHog(#[from] Error),
}

fn request(id: &Option<String>) -> String {
    id.as_ref().map_or_else(String::new, |it| format!(": change request {it}"))
}

/// Between a write and what is scheduled, PostHog may take a step by itself; more often than this it does not.
const TRIES: usize = 3;

/// What a move came to.
#[derive(Debug, Default)]
pub struct Made {
    /// What was done.
    pub done: Vec<String>,
    /// What should follow from it and could not be done: the same move again, or a run, completes it.
    pub left: Vec<String>,
    /// What others asked for, and may undo it.
    pub against: Vec<String>,
}

impl Rollout<'_> {
    /// Makes a move: writes the flag with the version that was read, and then what follows from it. Once the flag is
    /// written nothing takes that back, so that what fails later is told beside it.
    pub async fn make(&mut self, step: &Move) -> Result<Made, NotMoved> {
        let mut made = Made::default();
        let is_written = self.is_written(step);
        let finishes = matches!(step, Move::Finish(_));
        let mut may_wait = false;
        if finishes && !is_written {
            self.may_write(step).await?;
            may_wait = self.may_wait().await?;
        }
        // Nothing is taken away for a change that somebody must approve first.
        if finishes && !may_wait {
            made.done.extend(self.leave_early_access().await?);
        }
        if !is_written {
            match self.write(step).await {
                Ok(change) => made.done.extend(change.what),
                Err(error) if made.done.is_empty() => return Err(error),
                Err(error) => return Err(NotMoved::Partly { done: made.done, error: error.into() }),
            }
        }
        if finishes && may_wait {
            match self.leave_early_access().await {
                Ok(done) => made.done.extend(done),
                Err(error) => made.left.push(format!("its early access feature is not removed: {error}")),
            }
        }
        self.follow_up(step, &mut made).await;
        Ok(made)
    }

    /// Whether the flag has early access, and its change may have to be approved.
    async fn may_wait(&self) -> Result<bool, Error> {
        Ok(!self.flag.early_access.is_empty() && self.base.client.gates_flags(&self.base.project).await?)
    }

    /// Whether the flag is as a move leaves it already, and only what follows from that may be missing.
    pub(super) fn is_written(&self, step: &Move) -> bool {
        match step {
            Move::Finish(value) => self.is_finished(value),
            Move::Stop { .. } | Move::RollBack { .. } => {
                let filters = self.flag.filters().unwrap_or_default();
                let is_stopped = Ladder::of(&self.plan, &filters).stopped().is_some();
                is_stopped && self.change(step).is_err() && !self.ramp().drop.is_empty()
            }
            Move::Promote | Move::Resume => false,
        }
    }

    async fn follow_up(&mut self, step: &Move, made: &mut Made) {
        let closes = matches!(step, Move::Stop { .. } | Move::RollBack { .. });
        match self.sync_schedules().await {
            Ok(done) => made.done.extend(done),
            Err(error) => {
                made.left.push(format!("what PostHog will do by itself is not as the plan says: {error}"))
            }
        }
        if let Some(why) = self.schedules_trouble.as_ref().filter(|_| closes) {
            made.left.push(format!(
                "PostHog may open it again by itself, since what is scheduled cannot be seen ({why}): look at its page"
            ));
        }
        if closes && let Err(error) = self.hold(step).await {
            made.left.push(format!("whether PostHog opened it again meanwhile is not known: {error}"));
        }
        if closes || matches!(step, Move::Finish(_)) {
            made.against.extend(self.against().await);
        }
        if let Move::Finish(value) = step {
            match self.end_experiments(value).await {
                Ok(done) => made.done.extend(done),
                Err(error) => made.left.push(format!("its experiment is not ended: {error}")),
            }
        }
    }

    /// What others asked for, and may open it again.
    async fn against(&self) -> Vec<String> {
        let foreign = self.foreign_schedules().into_iter();
        let foreign = foreign.map(|it| {
            format!("PostHog will change it by itself, as somebody wants: {it}; take that back on its page if it opens more")
        });
        // Nobody waits for that to have stopped something.
        let pending = self.base.client.pending_changes(&self.base.project, self.flag.id).await;
        let opens = |it: &serde_json::Value| it["action_key"] != "feature_flag.disable";
        let pending = pending.unwrap_or_default().into_iter().filter(opens).map(|it| {
            let id = it["id"].as_str().map(str::to_owned);
            format!(
                "an earlier change of it waits for an approval in PostHog{}: reject it if it opens more",
                request(&id)
            )
        });
        foreign.chain(pending).collect()
    }

    /// Whether a move can be written as far as that can be told before: what goes before a write cannot be taken back.
    async fn may_write(&mut self, step: &Move) -> Result<(), NotMoved> {
        let change = self.change(step).map_err(NotMoved::Refused)?;
        self.waits_for_nothing(step, &change).await?;
        let shown = self.flag.stamp();
        if self.flag.early_access.is_empty() {
            return Ok(());
        }
        self.read_again().await?;
        if self.flag.stamp() != shown {
            let words = "it was changed meanwhile".to_owned();
            return Err(NotMoved::Changed { words, now: self.flag.clone().into() });
        }
        Ok(())
    }

    /// Nothing is written beside a change that waits for an approval.
    async fn waits_for_nothing(&self, step: &Move, change: &Change) -> Result<(), NotMoved> {
        let waiting = match self.waiting(change).await {
            // Nobody waits for that to stop something.
            Err(_) if self.is_urgent => None,
            waiting => waiting?,
        };
        let Some(pending) = waiting else { return Ok(()) };
        Err(behind(step, pending["id"].as_str().map(str::to_owned)))
    }

    async fn write(&mut self, step: &Move) -> Result<Change, NotMoved> {
        let change = self.change(step).map_err(NotMoved::Refused)?;
        self.waits_for_nothing(step, &change).await?;
        match self.base.client.change_flag(&self.base.project, &self.flag, &change.body).await {
            Ok(flag) => self.flag = flag,
            Err(Error::Conflict(words)) => {
                self.read_again().await?;
                return Err(NotMoved::Changed { words, now: self.flag.clone().into() });
            }
            Err(Error::ApprovalRequired { request: id, is_earlier, .. }) => {
                return Err(if is_earlier { behind(step, id) } else { NotMoved::Waits { id } });
            }
            Err(error) => return Err(error.into()),
        }
        self.elected.extend(kinds(step, &change, self));
        if let Err(error) = self.look_at_flag().await {
            // It is written. Who is told of it follows from the activity: whoever reads that tells.
            self.history = None;
            self.history_trouble = Some(error.to_string());
        }
        Ok(change)
    }

    /// A step that PostHog took by itself between the write and the taking back of it is closed again.
    async fn hold(&mut self, step: &Move) -> Result<(), NotMoved> {
        for _ in 0..TRIES {
            self.read_again().await?;
            let filters = self.flag.filters().unwrap_or_default();
            if !self.flag.active || !Ladder::of(&self.plan, &filters).rungs.iter().any(|it| it.leaks) {
                return Ok(());
            }
            let reason = match step {
                Move::Stop { reason, .. } => reason.clone(),
                Move::RollBack { stage } => format!("rolled back to {stage}"),
                _ => String::new(),
            };
            match self.write(&Move::Stop { reason, then: After::PreviousStage }).await {
                // Of two who were faster one was PostHog.
                Err(NotMoved::Changed { .. }) => continue,
                written => drop(written?),
            }
            self.sync_schedules().await?;
        }
        Ok(())
    }
}

/// A move behind a change that waits for an approval.
fn behind(step: &Move, id: Option<String>) -> NotMoved {
    match step {
        // Who is to stop something must not approve what may open it further.
        Move::Stop { .. } | Move::RollBack { .. } => NotMoved::Refused(format!(
            "an earlier change of it waits for an approval in PostHog{}: see there what it is, reject it if it opens \
             more, and run this again",
            request(&id)
        )),
        _ => NotMoved::Behind { id },
    }
}

/// What whoever wrote this tells people.
fn kinds(step: &Move, change: &Change, rollout: &Rollout) -> Vec<Kind> {
    match step {
        Move::Promote => {
            // A stage that had been closed was entered.
            let entered = change.touches.is_some_and(|it| it.1 == 0.0);
            let is_last = rollout.next() == Some(NextStep::Done);
            let met = rollout.met.is_some().then_some(Kind::Met);
            let entered = entered.then_some(Kind::Entered);
            met.into_iter().chain(entered).chain(is_last.then_some(Kind::Everyone)).collect()
        }
        Move::Stop { .. } | Move::RollBack { .. } => vec![Kind::Stopped],
        Move::Resume => vec![Kind::Entered],
        Move::Finish(Value::Off) => vec![Kind::Stopped],
        Move::Finish(_) => vec![Kind::Everyone],
    }
}
