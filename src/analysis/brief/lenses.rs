use std::collections::BTreeSet;
use std::ops::Range;

use super::BriefSnapshot;
use super::review::due;
use crate::analysis::hover::people;
use crate::analysis::markup::plain;
use crate::feature::{Stage, TAG, stage};
use crate::flags::{Flag, FlagKey, Follower, Lookup};

/// A line above a brief's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BriefLens {
    /// The flag.
    pub key: FlagKey,
    /// Bytes of the key.
    pub span: Range<usize>,
    /// What it says.
    pub title: String,
    /// What it does.
    pub does: Does,
}

/// What a lens of a brief does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Launches the feature, or completes its launch.
    Launch,
    /// Shows what came of the feature, and asks for a word on it.
    Review,
    /// Opens the flag's page.
    Open,
    /// Lets somebody be told what happens to it.
    Follow,
}

/// The lenses of a brief: where the feature is, and what launches it.
pub fn brief_lenses(snapshot: &BriefSnapshot) -> Vec<BriefLens> {
    let (Some(key), Some(span)) = (snapshot.file.key(), snapshot.file.key_span()) else { return Vec::new() };
    if !snapshot.config.lens || !key.is_valid() {
        return Vec::new();
    }
    let lens =
        |title: String, does| BriefLens { key: key.clone(), span: span.clone(), title: plain(&title), does };
    let mut lenses = Vec::new();
    let flag = match snapshot.environment().map(|it| it.lookup(key)) {
        Some(Lookup::Known(flag)) if !flag.deleted => Some(flag),
        _ => None,
    };
    if let (Some(environment), Some(flag)) = (snapshot.environment(), flag) {
        let at = stage(flag, environment.history_of(flag).map(|it| &**it));
        let seen = environment.exposure.get(key).map(|it| format!(" · {}", people(it.people())));
        lenses.push(lens(format!("{at}{}", seen.unwrap_or_default()), Does::Open));
    }
    if let (Ok(brief), Some(environment)) = (&snapshot.file.brief, snapshot.environment())
        && due(brief, environment, snapshot.now).is_some()
        && !snapshot.config.read_only
    {
        lenses.push(lens("Review".into(), Does::Review));
    }
    if snapshot.file.brief.is_ok() && !snapshot.config.read_only && can_launch(snapshot, key) {
        lenses.push(lens("Launch".into(), Does::Launch));
    }
    if let Some(flag) = flag.filter(|it| !it.archived && !snapshot.config.read_only) {
        lenses.push(lens(follow(snapshot, flag), Does::Follow));
    }
    lenses
}

/// How many follow, as far as is known, and that one more can.
fn follow(snapshot: &BriefSnapshot, flag: &Flag) -> String {
    let all = snapshot.catalog().map(|it| &it.followers.items[..]).unwrap_or_default();
    let is_told = |it: &&Follower| it.enabled && it.is_about(flag.key.as_str(), Some(flag.id));
    let told: BTreeSet<String> = all.iter().filter(is_told).map(Follower::whom).collect();
    match told.len() {
        0 => "Follow".into(),
        1 => "1 follows · follow".into(),
        n => format!("{n} follow · follow"),
    }
}

/// Whether something of a launch is to do, as far as is known: a flag that is on and linked is launched.
fn can_launch(snapshot: &BriefSnapshot, key: &FlagKey) -> bool {
    match snapshot.environment().map(|it| it.lookup(key)) {
        Some(Lookup::Known(flag)) => is_launchable(flag),
        // What is not loaded is looked at by the launch itself.
        Some(Lookup::Unknown | Lookup::NotLoaded) | None => true,
    }
}

/// Whether a flag waits to be launched: it was never on, or its launch was cut off.
pub(crate) fn is_launchable(flag: &Flag) -> bool {
    if flag.deleted {
        return true;
    }
    if flag.archived {
        return false;
    }
    let is_half_made = flag.dashboards.is_empty() && flag.tags.iter().any(|it| it == TAG);
    is_half_made || matches!(stage(flag, None), Stage::NotLaunched | Stage::Off)
}
