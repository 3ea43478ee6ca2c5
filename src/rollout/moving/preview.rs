use super::{Rollout, steps};
use crate::feature::{NextStep, Verdict, judge};
use crate::rollout::decide::{Change, Move};

/// What a move would come to, and whom it touches.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// What would be written.
    pub change: Change,
    /// The people or groups of the stage, of how many: before and after; `None` = PostHog cannot tell.
    pub people: Option<Reached>,
    /// What speaks against it: a gate that does not hold, something that is not done.
    pub concerns: Vec<String>,
}

/// How many people or groups a stage reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The stage.
    pub stage: String,
    /// So many before.
    pub before: u64,
    /// So many after.
    pub after: u64,
    /// Of so many.
    pub total: u64,
}

impl Reached {
    /// `beta: 12 people → 60 people, of 400`
    pub fn words(&self) -> String {
        format!("{}: {} → {} people, of {}", self.stage, self.before, self.after, self.total)
    }
}

impl Rollout<'_> {
    /// What a move would come to; an error says why it cannot be made.
    pub async fn preview(&self, step: &Move) -> Result<Preview, String> {
        let ends = match step {
            Move::Finish(_) => self.ends().await.map_err(|it| it.to_string())?,
            _ => Vec::new(),
        };
        let mut change = match (self.change(step), step) {
            // Somebody was cut off between the flag and what follows it.
            (Err(_), Move::Finish(value)) if self.is_finished(value) && !ends.is_empty() => {
                nothing(Vec::new())
            }
            (Err(_), Move::Stop { .. } | Move::RollBack { .. }) if self.is_written(step) => {
                nothing(vec![format!("takes back {} of what is scheduled", steps(self.ramp().drop.len()))])
            }
            (change, _) => change?,
        };
        change.what.extend(ends);
        let people = match change.touches {
            None => None,
            Some((stage, before, after)) => {
                let widest = before.max(after).max(1.0);
                // The share of both is of the same people.
                self.reach(stage, widest).await.map(|(reached, total)| {
                    let share = |percent: f64| (reached as f64 * percent / widest).floor() as u64;
                    let stage = self.plan.stages[stage].name.clone();
                    Reached { stage, before: share(before), after: share(after), total }
                })
            }
        };
        Ok(Preview { change, people, concerns: self.concerns(step) })
    }

    fn concerns(&self, step: &Move) -> Vec<String> {
        let todos = || self.brief.open_todos().map(|it| format!("'{}' to be done before lifting", it.what));
        match step {
            Move::Promote => match judge(&self.situation()) {
                // What is open further than planned passed no gate.
                Verdict::Rests(why) => {
                    let next = self.next();
                    let is_to_last = matches!(next, Some(NextStep::Within { stage, .. } | NextStep::Across { stage, .. })
                        if stage + 1 == self.plan.stages.len());
                    std::iter::once(why).chain(todos().filter(|_| is_to_last)).collect()
                }
                Verdict::Waits { missing, .. } => missing,
                Verdict::Stops { reason, .. } => vec![format!("a guard trips: {reason}")],
                Verdict::Asks { .. } | Verdict::Promotes { .. } => Vec::new(),
            },
            Move::Finish(_) => todos().collect(),
            // What opens then is not what the plan says, and nor are the people of its stages.
            Move::Resume if !self.drift.is_empty() => {
                vec![format!("it is not as its plan says: {}", self.drift.join("; "))]
            }
            Move::Stop { .. } | Move::Resume | Move::RollBack { .. } => Vec::new(),
        }
    }
}

/// A change that writes nothing to the flag.
fn nothing(what: Vec<String>) -> Change {
    Change { body: serde_json::json!({}), what, touches: None }
}
