use std::ops::Range;

use super::names::{Names, names};
use super::{BriefSnapshot, Followed};
use crate::flags::FlagKey;
use crate::schema::{Node, value_at};

/// Where something in a brief leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BriefTarget {
    /// To the code that reads the flag.
    Reads(FlagKey),
    /// To a plan of `flagline.toml`, or to a stage of it.
    Plan {
        /// The plan's name.
        plan: String,
        /// The stage's name.
        stage: Option<String>,
    },
    /// To a place in the brief.
    Here(Range<usize>),
}

/// The flag's key at `offset` of a brief.
pub fn brief_key_at(snapshot: &BriefSnapshot, offset: usize) -> Option<FlagKey> {
    let span = snapshot.file.key_span()?;
    let touches = span.start <= offset && offset <= span.end;
    snapshot.file.key().filter(|_| touches).cloned()
}

/// Where what stands at `offset` of a brief leads.
pub fn brief_target(snapshot: &BriefSnapshot, offset: usize) -> Option<BriefTarget> {
    if let Some(key) = brief_key_at(snapshot, offset) {
        return Some(BriefTarget::Reads(key));
    }
    let text = snapshot.text();
    let place = value_at(text, offset)?;
    let word = || text.get(place.word.clone()).map(|it| it.trim().to_owned());
    match names(&place.path)? {
        Names::Plan => Some(BriefTarget::Plan { plan: word()?, stage: None }),
        Names::Stage => {
            let (node, wanted) = (snapshot.node(), word()?);
            let Followed { plan, .. } = snapshot.followed(&node)?;
            match plan {
                Some(plan) => Some(BriefTarget::Plan { plan, stage: Some(wanted) }),
                None => stage_span(&node, &wanted).map(BriefTarget::Here),
            }
        }
        _ => None,
    }
}

/// Where a plan, or a stage of it, stands in `flagline.toml`.
pub fn plan_span(settings: &str, plan: &str, stage: Option<&str>) -> Option<Range<usize>> {
    let (node, _) = Node::from_toml(settings);
    let entry = node.get("plan")?.entries().iter().find(|it| it.key == plan)?;
    let of_stage = stage.and_then(|it| stage_span(&entry.value, it));
    Some(of_stage.unwrap_or_else(|| entry.key_span.clone()))
}

fn stage_span(node: &Node, name: &str) -> Option<Range<usize>> {
    let names = node.get("stage")?.elements().iter().filter_map(|it| it.get("name"));
    names.filter(|it| it.as_str().is_some_and(|it| it.trim() == name)).map(|it| it.span.clone()).next()
}
