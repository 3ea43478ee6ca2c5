//! A brief in an editor: what is wrong in it that its text alone does not tell, what can be written, what stands
//! there, where it leads.

mod complete;
mod findings;
mod hover;
mod lenses;
mod names;
mod note;
mod review;
mod target;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;

pub use complete::brief_completions;
pub use findings::{BriefFinding, brief_findings, checked_brief};
pub use hover::{BriefHover, brief_hover};
pub(super) use lenses::is_launchable;
pub use lenses::{BriefAction, BriefLens, Does, brief_actions, brief_lenses};
pub use names::names_cohort;
pub(super) use note::brief_in;
pub use note::{BriefNote, brief_note};
pub use review::review_finding;
pub use target::{BriefTarget, brief_key_at, brief_target, plan_span};

use super::moves::{Known, Outlook, outlook};
use crate::config::Config;
use crate::feature::brief::BriefFile;
use crate::flags::{Access, Catalog, Environment, Mirror};
use crate::index::Index;
use crate::schema::Node;

/// Everything that an answer about a brief depends on, at one moment.
#[derive(Debug, Clone)]
pub struct BriefSnapshot {
    /// The brief.
    pub file: Arc<BriefFile>,
    /// The other briefs of its folder of the workspace, by path.
    pub others: Vec<Arc<BriefFile>>,
    /// The facts of all files.
    pub index: Arc<Index>,
    /// What PostHog knows.
    pub mirror: Arc<Mirror>,
    /// The settings.
    pub config: Arc<Config>,
    /// Now.
    pub now: Timestamp,
}

/// The plan that a brief follows, as far as its stages have names.
struct Followed {
    /// What it is called in `flagline.toml`; `None` = the brief has stages of its own.
    plan: Option<String>,
    stages: Vec<String>,
}

impl BriefSnapshot {
    fn text(&self) -> &str {
        self.file.text.as_str()
    }

    fn node(&self) -> Node {
        Node::from_toml(self.text()).0
    }

    /// The project that the brief's flag belongs to first.
    fn environment(&self) -> Option<&Environment> {
        self.mirror.primary()
    }

    /// Where the feature stands on its plan, if it is on its way.
    pub(super) fn outlook(&self) -> Option<Outlook> {
        let brief = self.file.brief.as_ref().ok()?;
        let known = Known {
            environment: self.environment()?,
            plans: &self.config.plans,
            is_silent: hover::is_silent(self, &brief.flag()),
            now: self.now,
        };
        outlook(&known, brief)
    }

    /// Whether there may be more to choose from in a moment.
    pub fn is_loading(&self) -> bool {
        let may_come = |it: &Environment| it.access == Access::Open && it.trouble.is_none();
        self.environment().is_some_and(|it| it.catalog.is_none() && may_come(it))
    }

    fn catalog(&self) -> Option<&Catalog> {
        self.environment()?.catalog.as_deref()
    }

    /// The plan that counts; `None` when `flagline.toml` does not have the one that is named.
    fn followed(&self, brief: &Node) -> Option<Followed> {
        let names = |it: &Node| it.get("name").and_then(Node::as_str).map(|it| it.trim().to_owned());
        let own: Vec<String> =
            brief.get("stage").map(Node::elements).unwrap_or_default().iter().filter_map(names).collect();
        if !own.is_empty() {
            return Some(Followed { plan: None, stages: own });
        }
        let plan = brief.get("plan").and_then(Node::as_str).unwrap_or("default");
        let stages = match self.config.plans.get(plan) {
            Some(plan) => plan.stages.iter().map(|it| it.name.clone()).collect(),
            // Whoever the owner is, the stages of the plan that nobody wrote have these names.
            None if plan == "default" => vec!["internal".into(), "everyone".into()],
            None => return None,
        };
        Some(Followed { plan: Some(plan.to_owned()), stages })
    }

    /// Whether the plans are known: a `flagline.toml` that was never right says nothing.
    fn knows_plans(&self) -> bool {
        !self.config.plans.is_empty() || self.config.environments.iter().all(|it| it.problem.is_none())
    }
}
