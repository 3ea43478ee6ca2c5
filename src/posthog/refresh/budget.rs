//! How many queries PostHog is sent. Projects on its oldest limit have 120 an hour, for all windows and commands
//! together, so all processes with one mirror count their queries in it.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::due::{EXPOSURE_EVERY, Moment};
use crate::flags::{Environment, FlagKey, Lookup};
use crate::posthog::queries::{FLAGS_PER_QUERY, KEYS_PER_QUERY};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Queries an hour; a few of 120 stay for what people do at the command line.
pub(super) const PER_HOUR: usize = 110;
/// Of these, at most so many while hovers may add to them.
pub(super) const HOVERS_PER_HOUR: usize = 90;
const HOVERS_PER_MINUTE: usize = 2;
/// One flag's exposure is asked for at most this often because somebody hovers; who hovered earlier has moved on.
const HOVER_EVERY: Duration = Duration::from_secs(60);
/// Queries that exposure may take an hour, however many keys are read.
const EXPOSURE_PER_HOUR: usize = 60;
/// Keys whose exposure is asked for; a project has hardly more flags.
pub(super) const MAX_KEYS: usize = 20 * KEYS_PER_QUERY;

/// How many queries the exposure of so many keys takes: one for counts and one for the trend, for each 500.
pub(super) fn queries_for(n_keys: usize) -> usize {
    2 * n_keys.min(MAX_KEYS).div_ceil(KEYS_PER_QUERY)
}

/// How many queries the evidence of so many rollouts takes.
pub(super) fn evidence_queries_for(n_flags: usize) -> usize {
    n_flags.div_ceil(FLAGS_PER_QUERY)
}

/// How often exposure of so many keys is asked for.
pub(super) fn exposure_every(n_keys: usize) -> Duration {
    let seconds = 60 * 60 * queries_for(n_keys) / EXPOSURE_PER_HOUR;
    EXPOSURE_EVERY.max(Duration::from_secs(seconds as u64))
}

/// When `cost` further queries make no more than `at_most` in an hour; `None` = now.
pub(super) fn affordable_at(
    queries: &BTreeSet<Timestamp>,
    cost: usize,
    at_most: usize,
    now: Moment,
) -> Option<Instant> {
    let n_spent = spent(queries, now.at);
    let too_many = (n_spent + cost).checked_sub(at_most.max(cost)).filter(|it| *it > 0)?;
    let last = queries.iter().rev().take(n_spent).nth(n_spent.saturating_sub(too_many))?;
    let wait = HOUR - now.at.duration_since(*last);
    Some(now.tick + Duration::try_from(wait).unwrap_or_default() + Duration::from_secs(1))
}

/// Queries of the last hour.
fn spent(queries: &BTreeSet<Timestamp>, now: Timestamp) -> usize {
    queries.iter().rev().take_while(|it| now.duration_since(**it) < HOUR).count()
}

/// Whose a query is: nanoseconds that are put in place of the clock's own. Two tasks, be it in two processes, that ask
/// within the same microsecond count as two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(u32);

impl Mark {
    pub(super) fn next() -> Mark {
        static TASKS: AtomicU32 = AtomicU32::new(0);
        let task = TASKS.fetch_add(1, Ordering::Relaxed);
        Mark(std::process::id().wrapping_mul(31).wrapping_add(task) % 1_000)
    }

    fn on(self, at: Timestamp) -> Timestamp {
        let off = i64::from(self.0) - i64::from(at.subsec_nanosecond().rem_euclid(1_000));
        at.checked_add(SignedDuration::from_nanos(off)).unwrap_or(at)
    }
}

/// Takes note of a query, and forgets those that no longer count.
pub(super) fn spend(queries: &mut BTreeSet<Timestamp>, at: Timestamp, mark: Mark) {
    queries.retain(|it| at.duration_since(*it) < HOUR);
    let mut at = mark.on(at);
    // Two at one moment are two.
    while !queries.insert(at) {
        let Ok(later) = at.checked_add(SignedDuration::from_micros(1)) else { return };
        at = later;
    }
}

/// What people look at.
#[derive(Debug, Default)]
pub(super) struct Hovers {
    /// The last key, and when.
    wanted: Option<(FlagKey, Instant)>,
    /// When keys were last asked about because of it.
    asked: HashMap<FlagKey, Instant>,
}

impl Hovers {
    pub(super) fn want(&mut self, key: FlagKey, now: Moment) {
        self.wanted = Some((key, now.tick));
    }

    pub(super) fn note(&mut self, key: &FlagKey, now: Moment) {
        self.wanted = None;
        self.asked.retain(|_, it| *it + HOVER_EVERY > now.tick);
        self.asked.insert(key.clone(), now.tick);
    }

    /// The key to ask about, while fewer than `at_most` queries were sent in an hour.
    pub(super) fn due(&self, known: &Environment, at_most: usize, now: Moment) -> Option<FlagKey> {
        let is_recent = |at: Instant| at + HOVER_EVERY > now.tick;
        let (key, _) = self.wanted.as_ref().filter(|it| is_recent(it.1))?;
        matches!(known.lookup(key), Lookup::Known(_)).then_some(())?;
        let n_lately = self.asked.values().filter(|it| is_recent(**it)).count();
        let this_one = self.asked.get(key).is_some_and(|it| is_recent(*it));
        let age = known.exposure.get(key).map(|it| now.at.duration_since(it.fetched_at));
        let is_fresh = age.is_some_and(|it| it.as_secs() < HOVER_EVERY.as_secs() as i64);
        let may = n_lately < HOVERS_PER_MINUTE && spent(&known.queries, now.at) < at_most;
        (may && !this_one && !is_fresh).then(|| key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_keys_are_asked_about_less_often() {
        for (n_keys, queries, minutes) in
            [(1, 2, 10), (500, 2, 10), (501, 4, 10), (2_500, 10, 10), (5_000, 20, 20), (50_000, 40, 40)]
        {
            assert_eq!(queries_for(n_keys), queries, "{n_keys}");
            assert_eq!(exposure_every(n_keys), Duration::from_secs(60 * minutes), "{n_keys}");
        }
    }

    #[test]
    fn what_costs_too_much_waits_until_enough_is_an_hour_ago() {
        let now = Moment::now();
        let ago = |seconds: i64| now.at - SignedDuration::from_secs(seconds);
        let queries = BTreeSet::from([ago(4_000), ago(3_000), ago(2_000), ago(1_000)]);
        for (cost, at_most, wait) in [
            (1, 4, None),
            (1, 3, Some(601)),
            (2, 3, Some(1_601)),
            (3, 3, Some(2_601)),
            // More than is ever allowed waits until nothing counts.
            (9, 3, Some(2_601)),
        ] {
            let at = affordable_at(&queries, cost, at_most, now).map(|it| it - now.tick);
            assert_eq!(at, wait.map(Duration::from_secs), "{cost} of {at_most}");
        }
        let mut queries = queries;
        let mark = Mark::next();
        spend(&mut queries, now.at, mark);
        spend(&mut queries, now.at, mark);
        assert_eq!((queries.len(), spent(&queries, now.at)), (5, 5));
    }

    #[test]
    fn two_tasks_that_ask_at_one_moment_count_as_two() {
        let now = Moment::now().at;
        let [ours, theirs] = [Mark(3), Mark(999)].map(|mark| {
            let mut queries = BTreeSet::new();
            spend(&mut queries, now, mark);
            spend(&mut queries, now, mark);
            queries
        });
        let all: BTreeSet<Timestamp> = ours.union(&theirs).copied().collect();
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|it| now.duration_since(*it).abs() < SignedDuration::from_micros(3)));
        assert_ne!(Mark::next().0, Mark::next().0);
    }
}
