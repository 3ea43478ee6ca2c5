//! Where every feature stands, for people (a table, a page) and programs.

mod html;
mod json;
mod markdown;
mod text;
pub(super) mod words;

use std::path::Path;

use jiff::Timestamp;

use crate::analysis::status::Status;
use crate::flags::{AllSeries, Environment};

pub use html::status_html;
pub(super) use json::metric as metric_json;
pub use json::status_json;
pub use markdown::status_markdown;
pub use text::status_text;

/// Everything that is told.
#[derive(Debug, Clone, Copy)]
pub struct StatusReport<'a> {
    /// The features.
    pub status: &'a Status,
    /// What PostHog said, and when; `None` = no environment is configured.
    pub environment: Option<&'a Environment>,
    /// How they went in the last days; `None` = nobody asked for that.
    pub series: Option<&'a AllSeries>,
    /// Paths are relative to this folder.
    pub directory: &'a Path,
    /// Now.
    pub now: Timestamp,
}
