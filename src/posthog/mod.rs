//! PostHog's API: the calls that Flagline makes, the keys that open it, the mirror on disk, and the one task that
//! owns the mirror.
//!
//! Nothing here is awaited by a hover or a keystroke.

pub mod account;
pub(crate) mod atomic;
pub mod capture;
mod catalog;
mod client;
mod confirmed;
pub mod disk;
mod error;
mod experiment_result;
pub mod keys;
pub mod objects;
pub mod queries;
pub mod refresh;
pub mod series;
mod stored_result;
pub mod wire;

pub(crate) use atomic::{replace, replace_private};
pub use client::Client;
pub use error::{Error, give_scope};
