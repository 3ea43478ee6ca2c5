//! What is to be done, decided from values alone: the brief, what PostHog has, and now.

mod again;
mod bodies;
mod due;
pub mod follow;
mod launch;
mod moves;
mod opening;
mod owed;
mod ramp;
mod slot;
mod target;
mod telling;
#[cfg(test)]
mod tests;

pub(super) use again::{alert, cohorts, function, insights, is_older, playlists, survey};
pub use due::{Due, Surroundings, due, invited, launched};
pub(super) use launch::annotation_end;
pub use launch::{Action, Step, steps};
pub use moves::{Change, Move, SETTLED, Start, change, claim};
pub use opening::{Ending, SwitchedOff, TimedStep, concerns, ending, open_stages, opening, steps_in_time};
pub use owed::{given_up, owed_now};
pub use ramp::{Ramp, Scheduled, ramp};
pub use slot::{FunctionKind, InsightKind, Slot};
pub use target::{Found, Pending, Refused, SlackChannel, Target, Webhook};

pub(super) use bodies::{blast_radius, is_marked, marker};
