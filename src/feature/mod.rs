//! The domain, pure: which value a flag serves, in which stage it is, since when, and how a rollout is planned.

pub mod brief;
mod period;
mod plan;
mod plan_entry;
mod served;
mod stage;
mod stages;
mod staleness;
mod winner;

pub use brief::{BRIEFS, Brief};
pub use period::Period;
pub use plan::{Audience, Gate, Plan, PlanStage, TAG};
pub use plan_entry::{PlanEntry, check_stages};
pub use served::{Served, Value, served};
pub use stage::{Stage, StageName, stage};
pub use stages::{Arrived, StageLine, arrived, opened, stages};
pub use staleness::{Since, constant_since, was_enabled, was_on};
pub use winner::{ended, winner};

/// Flags and histories for the tests of what is made of them.
#[cfg(test)]
pub(crate) use staleness::tests;
