//! Steps against PostHog: making a feature, archiving a flag. Every object is found again by link, name or tag, so that
//! a repeated command completes instead of doubling.

mod archive;
mod create;

pub use archive::{NotArchived, archive};
pub use create::{Created, Interrupted, Made, create_feature};
