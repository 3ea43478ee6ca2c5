//! The domain, pure: which value a flag serves, in which stage it is, since when, and how a rollout is planned.

mod brief;
mod plan;
mod served;
mod stage;
mod stages;
mod staleness;
mod winner;

pub use brief::{BRIEFS, Brief, Outcome, Verdict};
pub use plan::{Audience, Plan, PlanStage, TAG};
pub use served::{Served, Value, served};
pub use stage::{Stage, StageName, stage};
pub use stages::{Arrived, StageLine, arrived, stages};
pub use staleness::{Since, constant_since, was_enabled, was_on};
pub use winner::{ended, winner};
