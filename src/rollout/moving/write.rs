use super::Rollout;
use crate::feature::brief::After;
use crate::feature::{Ladder, NextStep};
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
    /// It waits for an approval in PostHog: filed now, or before.
    #[error("it waits for an approval in PostHog{}", request(.id))]
    Waits {
        /// The id of the change request.
        id: Option<String>,
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

impl Rollout<'_> {
    /// Makes a move: writes the flag with the version that was read, and then what follows from it. What comes back is
    /// what was done.
    pub async fn make(&mut self, step: &Move) -> Result<Vec<String>, NotMoved> {
        let mut told = Vec::new();
        if let Move::Finish(value) = step {
            told.extend(self.leave_early_access().await?);
            if self.is_finished(value) {
                told.extend(self.end_experiments(value).await?);
                told.extend(self.sync_schedules().await?);
                return Ok(told);
            }
        }
        let change = self.write(step).await?;
        told.extend(change.what);
        told.extend(self.sync_schedules().await?);
        match step {
            Move::Stop { .. } | Move::RollBack { .. } => self.hold(step).await?,
            Move::Finish(value) => told.extend(self.end_experiments(value).await?),
            Move::Promote | Move::Resume => {}
        }
        Ok(told)
    }

    async fn write(&mut self, step: &Move) -> Result<Change, NotMoved> {
        let change = self.change(step).map_err(NotMoved::Refused)?;
        if let Some(pending) = self.waiting(&change).await? {
            let id = pending["id"].as_str().map(str::to_owned);
            return Err(match step {
                // Who is to stop something must not approve what may open it further.
                Move::Stop { .. } | Move::RollBack { .. } => NotMoved::Refused(format!(
                    "an earlier change of it waits for an approval in PostHog{}: see there what it is, reject it if it \
                     opens more, and run this again",
                    request(&id)
                )),
                _ => NotMoved::Waits { id },
            });
        }
        match self.base.client.change_flag(&self.base.project, &self.flag, &change.body).await {
            Ok(flag) => self.flag = flag,
            Err(Error::Conflict(words)) => {
                self.read_again().await?;
                return Err(NotMoved::Changed { words, now: self.flag.clone().into() });
            }
            Err(Error::ApprovalRequired { request, .. }) => return Err(NotMoved::Waits { id: request }),
            Err(error) => return Err(error.into()),
        }
        self.elected.extend(kinds(step, &change, self));
        self.look_at_flag().await?;
        Ok(change)
    }

    /// A step that PostHog took by itself between the write and the taking back of it is closed again.
    async fn hold(&mut self, step: &Move) -> Result<(), NotMoved> {
        for _ in 0..TRIES {
            self.read_again().await?;
            let filters = self.flag.filters().unwrap_or_default();
            if !Ladder::of(&self.plan, &filters).rungs.iter().any(|it| it.leaks) {
                return Ok(());
            }
            let reason = match step {
                Move::Stop { reason, .. } => reason.clone(),
                _ => String::new(),
            };
            self.write(&Move::Stop { reason, then: After::PreviousStage }).await?;
            self.sync_schedules().await?;
        }
        Ok(())
    }
}

/// What whoever wrote this tells people.
fn kinds(step: &Move, change: &Change, rollout: &Rollout) -> Vec<Kind> {
    match step {
        Move::Promote => {
            // A stage that had been closed was entered.
            let entered = change.touches.is_some_and(|it| it.1 == 0.0);
            let done = rollout.flag.filters().map(|it| Ladder::of(&rollout.plan, &it).next(&rollout.plan));
            let is_last = done == Some(Some(NextStep::Done));
            entered.then_some(Kind::Entered).into_iter().chain(is_last.then_some(Kind::Everyone)).collect()
        }
        Move::Stop { .. } | Move::RollBack { .. } => vec![Kind::Stopped],
        Move::Resume => vec![Kind::Entered],
        Move::Finish(_) => vec![Kind::Everyone],
    }
}
