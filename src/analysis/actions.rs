use std::ops::Range;
use std::path::Path;

use super::Snapshot;
use super::brief::{brief_in, is_launchable};
use super::findings::{Code, Finding, all};
use super::hover::outlook_of;
use super::moves::{Offer, Step};
use crate::feature::Value;
use crate::flags::{FlagKey, Lookup};
use crate::removal::{self, Edit};
use crate::syntax::KeyFrom;
use crate::text::Span;

/// Something that can be done about a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What the menu says.
    pub title: String,
    /// What happens.
    pub effect: Effect,
    /// The finding that it settles.
    pub settles: Option<Finding>,
}

/// What happens when an action is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The feature gets a brief.
    CreateFeature(FlagKey),
    /// What its brief describes is made in PostHog.
    Launch(FlagKey),
    /// Its rollout is moved.
    Move(FlagKey, Step),
    /// The code changes.
    Edit(Vec<Edit>),
    /// A flag is removed from all files.
    Clean(FlagKey, Value),
    /// A page opens.
    Open(String),
    /// Somebody is told what happens to a flag.
    Follow(FlagKey),
    /// Nothing, and this is why.
    Refused(String),
    /// Nothing in this whole workspace, and this is why: it is only shown where that can be shown with it.
    Withheld(&'static str),
}

/// Why no brief is written.
pub const NOTHING_WRITTEN: &str = "this workspace is not trusted, so no feature is created";

/// What can be done at `range` (bytes of the open document), the most likely first.
pub fn actions(snapshot: &Snapshot, range: Range<u32>) -> Vec<Action> {
    let touched = |it: &Span| it.start.offset <= range.end && range.start <= it.end.offset;
    let found: Vec<Finding> = all(snapshot).into_iter().map(|it| it.0).collect();
    let mut actions = Vec::new();
    let mut opened: Vec<&str> = Vec::new();
    for read in snapshot.facts.reads.iter().filter(|it| touched(&it.key_span) || touched(&it.call_span)) {
        // Around a read there may be others; the one whose key is touched speaks for itself.
        if !touched(&read.key_span) && snapshot.facts.reads.iter().any(|it| touched(&it.key_span)) {
            continue;
        }
        let Some(key) = &read.key else { continue };
        let finding = found.iter().find(|it| it.span == read.key_span && it.key.as_ref() == Some(key));
        match finding.map(|it| (&it.code, it)) {
            Some((Code::UnknownFlag { similar }, finding)) => {
                let literal = read.key_from == KeyFrom::Literal;
                actions.extend(
                    similar.as_ref().filter(|_| literal).and_then(|it| rename(snapshot, key, finding, it)),
                );
                actions.push(match brief_in(&snapshot.briefs, key) {
                    Some(_) => launch(snapshot, key, Some(finding)),
                    None => create(snapshot, key, finding),
                });
            }
            Some((code, finding)) if code.removable().is_some() => {
                actions.extend(code.removable().and_then(|it| remove(snapshot, key, &it, finding)));
                actions.extend(code.removable().map(|it| clean(key, it, finding)));
            }
            _ if waits(snapshot, key) => actions.push(launch(snapshot, key, None)),
            _ => {}
        }
        if !opened.contains(&key.as_str()) {
            opened.push(key.as_str());
            let offers = outlook_of(snapshot, key).map(|it| it.offers).unwrap_or_default();
            actions.extend(offers.into_iter().map(|it| moving(snapshot, key, it, &found)));
        }
    }
    for key in &opened {
        let title =
            if opened.len() == 1 { "Open in PostHog".to_owned() } else { format!("Open '{key}' in PostHog") };
        actions.extend(open(snapshot, key).map(|url| Action {
            title,
            effect: Effect::Open(url),
            settles: None,
        }));
        actions.extend(follow(snapshot, key));
    }
    actions
}

/// A flag that lives can be followed.
fn follow(snapshot: &Snapshot, key: &str) -> Option<Action> {
    let flag = snapshot.mirror.primary()?.flags.as_ref()?.by_key.get(key)?;
    let can_be = !flag.archived && !flag.deleted && !snapshot.config.read_only;
    can_be.then(|| Action {
        title: format!("Follow '{key}'"),
        effect: Effect::Follow(flag.key.clone()),
        settles: None,
    })
}

fn create(snapshot: &Snapshot, key: &FlagKey, finding: &Finding) -> Action {
    let effect = if snapshot.config.read_only {
        Effect::Withheld(NOTHING_WRITTEN)
    } else if key.is_valid() {
        Effect::CreateFeature(key.clone())
    } else {
        Effect::Refused("PostHog takes letters, digits, - and _ in a key, 400 at most".into())
    };
    Action { title: format!("Create feature '{key}'"), effect, settles: Some(finding.clone()) }
}

fn launch(snapshot: &Snapshot, key: &FlagKey, finding: Option<&Finding>) -> Action {
    let effect = unless_withheld(snapshot, Effect::Launch(key.clone()));
    Action { title: format!("Launch feature '{key}'"), effect, settles: finding.cloned() }
}

/// A move, which may be what a finding waits for.
fn moving(snapshot: &Snapshot, key: &FlagKey, offer: Offer, found: &[Finding]) -> Action {
    let answers = |it: &&Finding| {
        let fits = matches!(
            (&it.code, &offer.step),
            (Code::RolloutStopped, Step::Resume) | (Code::GateReady, Step::Promote)
        );
        fits && it.key.as_ref() == Some(key)
    };
    let settles = found.iter().find(answers).cloned();
    let effect = unless_withheld(snapshot, Effect::Move(key.clone(), offer.step));
    Action { title: offer.action, effect, settles }
}

fn unless_withheld(snapshot: &Snapshot, effect: Effect) -> Effect {
    match snapshot.config.read_only {
        true => Effect::Withheld("this workspace is not trusted, so nothing is written to PostHog"),
        false => effect,
    }
}

/// Whether a feature has a brief, and a flag that was never on.
fn waits(snapshot: &Snapshot, key: &FlagKey) -> bool {
    let lookup = snapshot.mirror.primary().map(|it| it.lookup(key));
    let Some(Lookup::Known(flag)) = lookup else { return false };
    is_launchable(flag) && brief_in(&snapshot.briefs, key).is_some()
}

/// The key between the same quotes.
fn rename(snapshot: &Snapshot, key: &FlagKey, finding: &Finding, to: &FlagKey) -> Option<Action> {
    let text = snapshot.source.as_ref()?.text.as_str();
    let literal = text.get(finding.span.bytes())?;
    let (start, end) = (literal.find(key.as_str())?, key.as_str().len());
    let start = finding.span.start.offset as usize + start;
    let edit = Edit { range: start..start + end, text: to.to_string() };
    Some(Action {
        title: format!("Change to '{to}'"),
        effect: Effect::Edit(vec![edit]),
        settles: Some(finding.clone()),
    })
}

fn remove(snapshot: &Snapshot, key: &FlagKey, value: &Value, finding: &Finding) -> Option<Action> {
    let source = snapshot.source.as_ref()?;
    let kept = removal::Kept::new(value.clone());
    let world =
        removal::Alone { facts: &snapshot.facts, text: source.text.as_str(), language: source.language };
    let effect = match removal::remove(&world, Path::new(removal::ALONE), key.as_str(), &kept) {
        Ok(edits) => Effect::Edit(edits),
        Err(refusals) => {
            let reason = refusals.into_iter().next().map_or_else(String::new, |it| it.reason);
            Effect::Refused(reason)
        }
    };
    let title = format!("Remove flag '{key}' here (keep {value})");
    Some(Action { title, effect, settles: Some(finding.clone()) })
}

fn clean(key: &FlagKey, value: Value, finding: &Finding) -> Action {
    let title = format!("Remove flag '{key}' everywhere (keep {value})");
    Action { title, effect: Effect::Clean(key.clone(), value), settles: Some(finding.clone()) }
}

fn open(snapshot: &Snapshot, key: &str) -> Option<String> {
    let environment = snapshot.mirror.primary()?;
    let flag = environment.flags.as_ref()?.by_key.get(key)?;
    environment.page(format!("feature_flags/{}", flag.id))
}
