//! Steps against PostHog: making a feature, archiving a flag, what is left of a brief. Every object is found again by link, name or tag, so that
//! a repeated command completes instead of doubling.

mod archive;
mod create;
mod retire;

pub use archive::{NotArchived, archive};
pub use create::{Created, Interrupted, Made, create_feature};
pub use retire::retire;
