//! Flagline: the life of a PostHog feature flag, in the editor.
//!
//! Arrows run down only; a test reads the sources and fails on a forbidden `use`.
//!
//! ```text
//! main -> cli -> lsp, sandbox -> report -> rollout -> workspace -> analysis -> wrapping
//!      -> removal -> posthog -> config -> feature, index -> flags, syntax, schema -> text
//! ```
//!
//! `text`, `schema`, `syntax`, `flags`, `index`, `feature`, `removal`, `wrapping` and `analysis` are pure: they
//! mention neither tower-lsp nor tokio nor reqwest nor clap. Time, network and disk are arguments where a decision is
//! made.

#![warn(missing_docs)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout))]

pub mod text;

pub mod schema;

pub mod syntax;

pub mod flags;

pub mod feature;

pub mod index;

pub mod config;

pub mod posthog;

pub mod removal;

pub mod wrapping;

pub mod analysis;

pub mod workspace;

pub mod rollout;

pub mod report;

pub mod sandbox;

pub mod lsp;

pub mod cli;
