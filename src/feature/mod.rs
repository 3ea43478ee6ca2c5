//! The domain, pure: which value a flag serves, in which stage it is, since when, and how a rollout is planned.

pub mod brief;
mod coming;
mod compare;
mod drift;
mod forecast;
mod ladder;
mod period;
mod plan;
mod plan_check;
mod plan_entry;
mod remarks;
pub mod review;
mod served;
mod stage;
mod stages;
mod staleness;
mod transitions;
mod verdict;
mod winner;

pub use brief::{BRIEFS, Brief};
pub use coming::{Coming, Standing, coming, scheduled_step, time};
pub(crate) use compare::differences;
pub use drift::drift;
pub use forecast::{Forecast, Stop, forecast};
pub use ladder::{Ladder, NextStep, Rung, rung_of};
pub use period::Period;
pub use plan::{Audience, Gate, Plan, PlanStage, SAME_TIME, TAG};
pub use plan_check::check_stages;
pub use plan_entry::PlanEntry;
pub(crate) use plan_entry::is_of_graphs;
pub use remarks::{Remarks, Telling, scheduled_words};
pub use served::{Served, Value, served};
pub use stage::{Stage, StageName, stage};
pub use stages::{Arrived, Milestone, StageLine, arrived, milestones, opened, stages};
pub use staleness::{Since, constant_since, first_on, was_enabled, was_on};
pub use transitions::{Happened, Transition, transitions};
pub use verdict::{LATE, Situation, Verdict, guarded, judge, stage_opened};
pub use winner::{ended, winner};

/// Flags and histories for the tests of what is made of them.
#[cfg(test)]
pub(crate) use staleness::tests;
