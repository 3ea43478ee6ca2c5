use std::collections::BTreeSet;
use std::ops::Range;

use super::BriefSnapshot;
use super::review::due;
use crate::analysis::hover::people;
use crate::analysis::markup::plain;
use crate::analysis::moves::{Offer, Step};
use crate::feature::{Stage, TAG, stage, stages};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    /// Launches the feature, or completes its launch.
    Launch,
    /// Shows what came of the feature, and asks for a word on it.
    Review,
    /// Moves its rollout.
    Move(Step),
    /// Opens the flag's page.
    Open,
    /// Lets somebody be told what happens to it.
    Follow,
}

/// The same for menus, which have room for everything that can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BriefAction {
    /// The flag.
    pub key: FlagKey,
    /// What it says.
    pub title: String,
    /// What it does.
    pub does: Does,
}

/// As many lenses of moves as can be looked over.
const MOST: usize = 2;

/// The lenses of a brief: where the feature is, and what launches or moves it.
pub fn brief_lenses(snapshot: &BriefSnapshot) -> Vec<BriefLens> {
    let (Some(key), Some(span)) = (snapshot.file.key(), snapshot.file.key_span()) else { return Vec::new() };
    if !snapshot.config.lens || !key.is_valid() {
        return Vec::new();
    }
    let lens =
        |title: String, does| BriefLens { key: key.clone(), span: span.clone(), title: plain(&title), does };
    let mut lenses = Vec::new();
    if let (Some(environment), Some(flag)) = (snapshot.environment(), known(snapshot, key)) {
        let at = stage(flag, environment.history_of(flag).map(|it| &**it));
        let seen = environment.exposure.get(key).map(|it| format!(" · {}", people(it.people())));
        lenses.push(lens(format!("{at}{}", seen.unwrap_or_default()), Does::Open));
    }
    if review_is_due(snapshot) {
        lenses.push(lens("review".into(), Does::Review));
    }
    if may_launch(snapshot, key) {
        lenses.push(lens("Launch".into(), Does::Launch));
    }
    let moves = offers(snapshot).into_iter().filter_map(|it| Some((it.lens?, Does::Move(it.step))));
    lenses.extend(moves.take(MOST).map(|(title, does)| lens(title, does)));
    if let Some(flag) = followed(snapshot, key) {
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
        1 => "1 follower · follow".into(),
        n => format!("{n} followers · follow"),
    }
}

/// The flag, where one more can be told what happens to it.
fn followed<'s>(snapshot: &'s BriefSnapshot, key: &FlagKey) -> Option<&'s Flag> {
    known(snapshot, key).filter(|it| !it.archived && !snapshot.config.read_only)
}

/// Everything that can be done about the feature of a brief.
pub fn brief_actions(snapshot: &BriefSnapshot) -> Vec<BriefAction> {
    let Some(key) = snapshot.file.key().filter(|it| it.is_valid()) else { return Vec::new() };
    let action = |title: String, does| BriefAction { key: key.clone(), title, does };
    let mut actions = Vec::new();
    if may_launch(snapshot, key) {
        actions.push(action(format!("Launch feature '{key}'"), Does::Launch));
    }
    if review_is_due(snapshot) {
        actions.push(action(format!("Review feature '{key}'"), Does::Review));
    }
    actions.extend(offers(snapshot).into_iter().map(|it| action(it.action, Does::Move(it.step))));
    if followed(snapshot, key).is_some() {
        actions.push(action(format!("Follow '{key}'"), Does::Follow));
    }
    if known(snapshot, key).is_some() {
        actions.push(action(format!("Open '{key}' in PostHog"), Does::Open));
    }
    actions
}

fn offers(snapshot: &BriefSnapshot) -> Vec<Offer> {
    let outlook = snapshot.outlook().filter(|_| !snapshot.config.read_only);
    outlook.map(|it| it.offers).unwrap_or_default()
}

fn known<'s>(snapshot: &'s BriefSnapshot, key: &FlagKey) -> Option<&'s Flag> {
    match snapshot.environment().map(|it| it.lookup(key)) {
        Some(Lookup::Known(flag)) if !flag.deleted => Some(flag),
        _ => None,
    }
}

fn review_is_due(snapshot: &BriefSnapshot) -> bool {
    let known = snapshot.file.brief.as_ref().ok().zip(snapshot.environment());
    !snapshot.config.read_only
        && known.is_some_and(|(brief, environment)| due(brief, environment, snapshot.now).is_some())
}

fn may_launch(snapshot: &BriefSnapshot, key: &FlagKey) -> bool {
    snapshot.file.brief.is_ok() && !snapshot.config.read_only && can_launch(snapshot, key)
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
    // What was stopped is resumed, and what has newer rules is changed on its page.
    let filters = flag.filters().filter(|it| it.version < 2);
    if filters.is_none_or(|it| stages(&it).iter().any(|it| it.stopped.is_some())) {
        return false;
    }
    let is_half_made = flag.dashboards.is_empty() && flag.tags.iter().any(|it| it == TAG);
    is_half_made || matches!(stage(flag, None), Stage::NotLaunched | Stage::Off)
}
