//! Steps against PostHog: launching a feature, archiving a flag, what is left of a brief. Every object is found again by
//! link, name or marker, so that a repeated command completes instead of doubling. What is to be done is decided in
//! [`decide`], from values alone.

mod archive;
pub mod decide;
pub mod follow;
pub mod launch;
pub mod message;
mod messenger;
pub mod moving;
mod retire;
pub mod review;
pub mod run;

pub use archive::{NotArchived, archive};
pub use retire::retire;
