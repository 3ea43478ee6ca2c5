//! What an editor or a terminal shows: pure functions over a [`Snapshot`], plain structs out.

mod actions;
mod archive;
mod brief;
mod card;
mod changes;
mod experiment;
mod findings;
mod hover;
mod keep;
mod lenses;
mod markup;
mod moves;
mod outline;
pub mod status;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

pub use actions::{Action, Effect, NOTHING_WRITTEN, actions};
pub use archive::{
    CodeReads, Doubt, Evaluated, Evidence, Holder, Obstacle, QUIET_DAYS, Reads, Standing, controls, leaving,
    standing,
};
pub use brief::{
    BriefAction, BriefFinding, BriefHover, BriefLens, BriefNote, BriefSnapshot, BriefTarget, Does,
    brief_actions, brief_completions, brief_findings, brief_hover, brief_key_at, brief_lenses, brief_note,
    brief_target, checked_brief, names_cohort, plan_span, review_finding,
};
pub use card::{Card, Details, Elsewhere, Link, State, card};
pub use changes::{Change, changes};
pub use findings::{Code, Finding, Related, findings};
pub use hover::{Hover, Markup, hover, key_at, render};
pub use keep::{Keep, keep};
pub use lenses::{InlayHint, Leads, Lens, inlay_hints, lenses};
pub use markup::{ago, day, escaped, plain};
pub use moves::{Known, Offer, Outlook, Step, outlook};
pub use outline::{Symbol, SymbolKind, outline};

pub use crate::config::Severity;

use crate::config::Config;
use crate::feature::brief::BriefFile;
use crate::flags::Mirror;
use crate::index::Index;
use crate::syntax::{FileFacts, Source};

/// Everything that an answer depends on, at one moment. Cheap to make: a few counted references.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The file.
    pub path: Arc<Path>,
    /// The file as it stands in the editor; `None` for a closed file.
    pub source: Option<Arc<Source>>,
    /// What the file says about flags.
    pub facts: Arc<FileFacts>,
    /// The facts of all files.
    pub index: Arc<Index>,
    /// What PostHog knows.
    pub mirror: Arc<Mirror>,
    /// The briefs of the file's folder of the workspace.
    pub briefs: Arc<[Arc<BriefFile>]>,
    /// The settings.
    pub config: Arc<Config>,
    /// Now.
    pub now: Timestamp,
}
