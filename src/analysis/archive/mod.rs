//! Where a flag is on its way out: removed from the code, deployed, asked for by nobody any more, archived.
//!
//! PostHog is told of calls, not of deployments. So nobody here knows when code without the flag is everywhere; what
//! can be known is that nobody has asked for it in a while, where silence means something.

mod reads;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use reads::{CodeReads, Reads};

use super::Related;
use super::card::similar;
use crate::feature::{Served, served};
use crate::flags::{
    Environment, Exposure, Flag, FlagKey, FlagUses, Lookup, ScheduledChange, VariantExposure,
};

/// For how many days nobody may have asked for a flag before it is quiet.
///
/// As many as exposure looks back, so that silence was looked at and not only assumed. A week has every weekday once:
/// jobs that run weekly and people who come on Sundays are heard, and so are clients with older code that somebody
/// still opens.
pub const QUIET_DAYS: u32 = 7;
const QUIET: SignedDuration = SignedDuration::from_hours(24 * QUIET_DAYS as i64);
/// Exposure of an earlier run says nothing of what is asked for now.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// Flags whose silence would show that calls are kept in a place where nobody looks.
const CONTROLS: usize = 20;

/// Where a flag is on its way out.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// The project does not have it.
    Unknown {
        /// A key that it has and that looks much like this one.
        similar: Option<FlagKey>,
    },
    /// Somebody deleted it.
    Deleted,
    /// It is at the end.
    Archived,
    /// Something is in the way; what cannot be argued with comes first. Never empty.
    Blocked(Vec<Obstacle>),
    /// The code is gone and nobody asks.
    Ready {
        /// The latest call.
        last_seen: Timestamp,
    },
}

/// What is in the way of archiving a flag.
#[derive(Debug, Clone, PartialEq)]
pub enum Obstacle {
    /// Code of this workspace reads it.
    Read(Vec<Related>),
    /// Somebody asked for it lately.
    Evaluated(Evaluated),
    /// Something else in PostHog needs it.
    Held(Holder),
    /// This server cannot archive flags.
    CannotArchive,
    /// Nobody can tell; a person may decide.
    Doubt(Doubt),
}

impl Obstacle {
    /// Whether no person can decide otherwise here.
    pub fn is_final(&self) -> bool {
        !matches!(self, Obstacle::Doubt(_))
    }
}

/// Who asked for a flag lately.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// People and calls of all responses, and in how many days; `None` where only the flag's own word is known.
    pub counts: Option<(u64, u64, u32)>,
    /// The latest call.
    pub last_seen: Timestamp,
    /// SDKs, latest first.
    pub sdks: Vec<String>,
}

/// What needs a flag besides code. PostHog refuses to switch such a flag off, or what needs it breaks.
#[derive(Debug, Clone, PartialEq)]
pub enum Holder {
    /// An experiment that is not over, by its name.
    Experiment(String),
    /// An early access feature, by its name.
    EarlyAccess(String),
    /// Another flag, one of whose conditions asks for this one.
    Flag(FlagKey),
    /// A survey, by its name.
    Survey(String),
    /// The recording of sessions.
    Replay,
    /// A change that somebody planned.
    Schedule(ScheduledChange),
}

/// What nobody can tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Doubt {
    /// A key is decided at run time here, and begins like this one.
    MayBeRead(Vec<Related>),
    /// Its key stands here in code of a language that is not read.
    Foreign(Vec<Related>),
    /// Who asks for it could not be loaded, with the reason.
    NotLoaded(String),
    /// PostHog was too slow to look back further than so many days.
    ShortWindow(u32),
    /// No call of any flag is known: the project may not be told of calls at all.
    NoCalls,
    /// Nobody asked for it so far.
    NeverSeen,
    /// It has a payload, or is nothing but one, and reads of payloads are not told (posthog-api 5.7).
    Silent,
    /// Not everybody gets the same, or the conditions cannot be read: nobody finished it.
    Unfinished,
    /// The experiment with this number could not be looked at.
    Experiment(i64),
    /// It bears a tag that says that it stays.
    Permanent(String),
}

/// What decides over the flags of an environment.
#[derive(Debug)]
pub struct Evidence<'a> {
    environment: &'a Environment,
    /// Tags of flags that stay.
    permanent_tags: &'a [String],
    now: Timestamp,
    /// Enabled flags by the number of a flag that their conditions ask for.
    dependents: BTreeMap<u64, Vec<FlagKey>>,
    /// Whether the project was told of any call lately, of whichever flag: else silence says nothing.
    tells_calls: bool,
}

impl Evidence<'_> {
    /// Gathers what many flags need.
    pub fn new<'a>(
        environment: &'a Environment,
        permanent_tags: &'a [String],
        now: Timestamp,
    ) -> Evidence<'a> {
        Evidence {
            environment,
            permanent_tags,
            now,
            dependents: dependents(environment),
            tells_calls: tells_calls(environment, now),
        }
    }
}

/// Where a flag is, by the code and, where PostHog was asked for it, by what else uses it. `None` = the project's flags
/// are not loaded, so nothing can be said.
pub fn standing(
    evidence: &Evidence,
    key: &FlagKey,
    reads: &Reads,
    uses: Option<&FlagUses>,
) -> Option<Standing> {
    let flag = match evidence.environment.lookup(key) {
        Lookup::NotLoaded => return None,
        Lookup::Unknown => {
            return Some(Standing::Unknown { similar: similar(evidence.environment, key) });
        }
        Lookup::Known(flag) if flag.deleted => return Some(Standing::Deleted),
        Lookup::Known(flag) if flag.archived => return Some(Standing::Archived),
        Lookup::Known(flag) => flag,
    };
    let case = Case { flag, evidence };
    let (calls, last_seen) = case.calls();
    let mut obstacles = Vec::new();
    if !reads.certain.is_empty() {
        obstacles.push(Obstacle::Read(reads.certain.clone()));
    }
    if let Calls::Lately(it) = &calls {
        obstacles.push(Obstacle::Evaluated(it.clone()));
    }
    obstacles.extend(case.holders().into_iter().map(Obstacle::Held));
    if let Some(uses) = uses {
        obstacles.extend(used(uses).map(Obstacle::Held));
        obstacles.extend((!uses.can_archive).then_some(Obstacle::CannotArchive));
    }
    if !reads.possible.is_empty() {
        obstacles.push(Obstacle::Doubt(Doubt::MayBeRead(reads.possible.clone())));
    }
    if !reads.foreign.is_empty() {
        obstacles.push(Obstacle::Doubt(Doubt::Foreign(reads.foreign.clone())));
    }
    if let Calls::CannotTell(doubt) = calls {
        obstacles.push(Obstacle::Doubt(doubt));
    }
    obstacles.extend(case.other_doubts().into_iter().map(Obstacle::Doubt));
    Some(match last_seen.filter(|_| obstacles.is_empty()) {
        Some(last_seen) => Standing::Ready { last_seen },
        None => Standing::Blocked(obstacles),
    })
}

/// Every flag that is there and that the code does not read, with where it is, by key. What else uses a flag is told of
/// one at a time, and left out here.
pub fn leaving(evidence: &Evidence, code: &CodeReads) -> Vec<(FlagKey, Standing)> {
    let flags = evidence.environment.flags.iter().flat_map(|it| it.by_key.values());
    let unread = flags.filter(|it| !it.deleted && !it.archived && !code.reads(&it.key));
    let placed =
        |it: &Arc<Flag>| Some((it.key.clone(), standing(evidence, &it.key, &code.of(&it.key), None)?));
    let mut placed: Vec<(FlagKey, Standing)> = unread.filter_map(placed).collect();
    placed.sort_by(|a, b| a.0.cmp(&b.0));
    placed
}

/// Flags that were called last by their own word. Asked for beside others, they tell whether silence means anything.
pub fn controls(environment: &Environment) -> Vec<FlagKey> {
    let flags = environment.flags.iter().flat_map(|it| it.by_key.values());
    let mut called: Vec<(Timestamp, &FlagKey)> =
        flags.filter(|it| !it.deleted).filter_map(|it| Some((it.last_called_at?, &it.key))).collect();
    called.sort_by(|a, b| b.cmp(a));
    called.into_iter().take(CONTROLS).map(|it| it.1.clone()).collect()
}

fn used(uses: &FlagUses) -> impl Iterator<Item = Holder> {
    uses.surveys.iter().cloned().map(Holder::Survey).chain(uses.in_replay.then_some(Holder::Replay))
}

/// A flag that is there, with what decides over it.
struct Case<'a> {
    flag: &'a Flag,
    evidence: &'a Evidence<'a>,
}

/// What is known of who asks for a flag.
enum Calls {
    Lately(Evaluated),
    NotLately,
    CannotTell(Doubt),
}

impl Case<'_> {
    /// Who asked lately, and the latest call that anything knows of.
    fn calls(&self) -> (Calls, Option<Timestamp>) {
        let now = self.evidence.now;
        let exposure = self.evidence.environment.exposure.get(&self.flag.key).map(|it| &**it);
        let exposure = exposure.filter(|it| is_fresh(it, now));
        // A call whose time cannot be read is one all the same.
        let heard = exposure.filter(|it| !it.variants.is_empty());
        let heard_at = heard.map(|it| it.last_seen().unwrap_or(it.fetched_at));
        let last_seen = heard_at.max(self.flag.last_called_at);
        if let Some(at) = last_seen.filter(|it| is_recent(*it, now)) {
            return (Calls::Lately(evaluated(heard, at)), last_seen);
        }
        let doubt = match (exposure, last_seen) {
            (None, _) => Doubt::NotLoaded(self.why_not_loaded()),
            (Some(it), _) if it.window_days < QUIET_DAYS => Doubt::ShortWindow(it.window_days),
            _ if !self.evidence.tells_calls => Doubt::NoCalls,
            (_, None) => Doubt::NeverSeen,
            _ => return (Calls::NotLately, last_seen),
        };
        (Calls::CannotTell(doubt), last_seen)
    }

    fn why_not_loaded(&self) -> String {
        let environment = self.evidence.environment;
        let why = environment.exposure_trouble.as_deref().or(environment.trouble.as_deref());
        why.unwrap_or("PostHog was not asked").to_owned()
    }

    fn holders(&self) -> Vec<Holder> {
        let environment = self.evidence.environment;
        let mut holders = Vec::new();
        for id in &self.flag.experiments {
            match environment.experiments.get(id) {
                Some(it) if it.ended_at.is_none() && !it.archived => {
                    holders.push(Holder::Experiment(it.name.clone()));
                }
                // Which of them runs the flag does not say.
                None if self.flag.experiment_running == Some(true) => {
                    holders.push(Holder::Experiment(format!("number {id}")));
                }
                _ => {}
            }
        }
        let features = self.flag.early_access.iter();
        let features = features.map(|it| environment.early_access.get(&it.id).map_or(it, |it| it));
        let open = features.filter(|it| it.stage != "archived");
        holders.extend(open.map(|it| Holder::EarlyAccess(it.name.clone())));
        let dependents = self.evidence.dependents.get(&self.flag.id).into_iter().flatten();
        holders.extend(dependents.cloned().map(Holder::Flag));
        let changes = environment.schedules.get(&self.flag.id).into_iter().flat_map(|it| it.iter());
        holders.extend(changes.cloned().map(Holder::Schedule));
        holders
    }

    fn other_doubts(&self) -> Vec<Doubt> {
        let filters = self.flag.filters();
        let mut doubts = Vec::new();
        if self.flag.is_remote_config || filters.as_ref().is_some_and(|it| it.has_payload()) {
            doubts.push(Doubt::Silent);
        }
        if !matches!(served(self.flag.active, filters.as_ref()), Served::Everyone(_)) {
            doubts.push(Doubt::Unfinished);
        }
        let experiments = &self.evidence.environment.experiments;
        let unseen = self.flag.experiments.iter().filter(|it| !experiments.contains_key(it));
        // Servers that say whether one runs have said no.
        let unseen = unseen.filter(|_| self.flag.experiment_running.is_none());
        doubts.extend(unseen.map(|it| Doubt::Experiment(*it)));
        let tag = self.flag.tags.iter().find(|it| self.evidence.permanent_tags.contains(it));
        doubts.extend(tag.cloned().map(Doubt::Permanent));
        doubts
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < QUIET
}

fn is_fresh(exposure: &Exposure, now: Timestamp) -> bool {
    now.duration_since(exposure.fetched_at) < FRESH
}

fn evaluated(heard: Option<&Exposure>, last_seen: Timestamp) -> Evaluated {
    let counts = heard.map(|it| {
        let sum = |of: fn(&VariantExposure) -> u64| it.variants.iter().map(of).sum();
        (sum(|it| it.people), sum(|it| it.calls), it.window_days)
    });
    let sdks = heard.map(|it| it.sdks.iter().map(|it| it.lib.clone()).collect()).unwrap_or_default();
    Evaluated { counts, last_seen, sdks }
}

fn tells_calls(environment: &Environment, now: Timestamp) -> bool {
    let lately = |it: Option<Timestamp>| it.is_some_and(|it| is_recent(it, now));
    let mut flags = environment.flags.iter().flat_map(|it| it.by_key.values());
    let mut heard = environment.exposure.values().filter(|it| is_fresh(it, now));
    flags.any(|it| lately(it.last_called_at)) || heard.any(|it| lately(it.last_seen()))
}

/// Conditions may ask for other flags (posthog-api 2.5).
fn dependents(environment: &Environment) -> BTreeMap<u64, Vec<FlagKey>> {
    let mut all: BTreeMap<u64, Vec<FlagKey>> = BTreeMap::new();
    for flag in environment.flags.iter().flat_map(|it| it.by_key.values()) {
        // Most flags say nothing of others: their conditions are not read further.
        if !flag.is_evaluated() || !flag.filters.get().contains("\"flag\"") {
            continue;
        }
        for id in flag.filters().iter().flat_map(|it| it.flags()) {
            all.entry(id).or_default().push(flag.key.clone());
        }
    }
    for keys in all.values_mut() {
        keys.sort();
        keys.dedup();
    }
    all
}
