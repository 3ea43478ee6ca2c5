//! Steps against PostHog: making a feature. Every object is found again by link, name or tag, so that a repeated
//! command completes instead of doubling.

mod create;

pub use create::{Created, Interrupted, Made, create_feature};
