//! What to ask next: a pure decision from what is known, what is read, what was done when, and the time.
//!
//! Shelf lives: flags 60 s (those written last), both short lists an hour, the whole list a day or when something does
//! not add up, exposure 10 minutes, the project, each kind of plans and the result of an experiment an hour, a history
//! until the flag's version changes, the evidence of rollouts on their way an hour or until their next stage. When nobody
//! typed for 30 minutes, nothing is asked.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::budget::{self, Hovers};
use super::share::{AFTER_HOLDER, LOOK_EVERY};
use crate::feature::{Served, Stage, served, stage, stage_opened};
use crate::flags::{Environment, Flag, FlagKey, KeyMetric, Lookup};
use crate::posthog::queries::Wanted;

const PROJECT_EVERY: Duration = Duration::from_secs(60 * 60);
const CHANGED_EVERY: Duration = Duration::from_secs(60);
const COMPARE_EVERY: Duration = Duration::from_secs(60 * 60);
/// When flags were last called changes without a sign that a short list would show.
const WHOLE_LIST_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Where something does not add up, and always where the server does not tell what changed last.
const WHOLE_LIST_AGAIN: Duration = Duration::from_secs(5 * 60);
pub(super) const EXPOSURE_EVERY: Duration = Duration::from_secs(10 * 60);
const PLANS_EVERY: Duration = Duration::from_secs(60 * 60);
/// PostHog itself computes it anew once a day, or when somebody looks.
const RESULT_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Experiments whose result is asked for, an hour.
const MOST_RESULTS: usize = 20;
/// A gate waits for days, and queries are few.
const EVIDENCE_EVERY: Duration = Duration::from_secs(60 * 60);
const CATALOG_EVERY: Duration = Duration::from_secs(60 * 60);
const QUIET_AFTER: Duration = Duration::from_secs(30 * 60);
/// Keys typed one after the other become one question.
pub(super) const GATHER: Duration = Duration::from_millis(300);
/// Requests for the activity of flags, a minute and an hour: a large workspace reads thousands of flags, and
/// PostHog's limit of 480 and 4,800 is for everything and for all windows.
const HISTORIES_PER_MINUTE: usize = 120;
const HISTORIES_PER_HOUR: usize = 1_200;

/// One thing to ask PostHog for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    Project,
    /// What another process wrote, and whether it still leads.
    Look,
    /// Others may lead.
    Release,
    WholeList,
    /// Those written last, living and archived ones, and how many there are.
    Compare,
    /// The living ones written last, and how many there are.
    Changed,
    History(Arc<str>, u64),
    /// One kind of what is planned or named.
    Plans(Part),
    /// Who met the features whose rollout is on its way.
    Evidence,
    Exposure,
    /// Of keys that were typed since exposure was last asked for.
    NewExposure,
    HoverExposure(FlagKey),
    /// How a running experiment goes.
    Result(i64),
    /// What a brief can name.
    Catalog,
}

/// What may fail by itself without harm to the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Part {
    Schedules,
    Experiments,
    Cohorts,
    EarlyAccess,
    History,
    Evidence,
    Exposure,
    Results,
    Catalog,
}

impl Part {
    /// Its name in the mirror.
    pub(super) fn name(self) -> &'static str {
        match self {
            Part::Schedules => "schedules",
            Part::Experiments => "experiments",
            Part::Cohorts => "cohorts",
            Part::EarlyAccess => "early_access",
            Part::History => "history",
            Part::Evidence => "evidence",
            Part::Exposure => "exposure",
            Part::Results => "results",
            Part::Catalog => "catalog",
        }
    }
}

pub(super) const PLANS: [Part; 4] = [Part::Schedules, Part::Experiments, Part::Cohorts, Part::EarlyAccess];

impl Work {
    /// The part that this is about; `None` = nothing goes without it.
    pub(super) fn part(&self) -> Option<Part> {
        match self {
            Work::History(..) => Some(Part::History),
            Work::Plans(part) => Some(*part),
            Work::Evidence => Some(Part::Evidence),
            Work::Exposure | Work::NewExposure | Work::HoverExposure(_) => Some(Part::Exposure),
            Work::Result(_) => Some(Part::Results),
            Work::Catalog => Some(Part::Catalog),
            Work::Project | Work::Look | Work::Release | Work::WholeList | Work::Compare | Work::Changed => {
                None
            }
        }
    }
}

/// Something that a read flag names by a number, and that stands in a list of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    Experiment(i64),
    Cohort(u64),
    EarlyAccess(Arc<str>),
}

impl Named {
    pub(super) fn part(&self) -> Part {
        match self {
            Named::Experiment(_) => Part::Experiments,
            Named::Cohort(_) => Part::Cohorts,
            Named::EarlyAccess(_) => Part::EarlyAccess,
        }
    }

    pub(super) fn is_known(&self, known: &Environment) -> bool {
        match self {
            Named::Experiment(id) => known.experiments.contains_key(id),
            Named::Cohort(id) => known.cohorts.contains_key(id),
            Named::EarlyAccess(id) => known.early_access.contains_key(id),
        }
    }
}

/// What the read flags name.
pub(super) fn named(known: &Environment, keys: &BTreeSet<FlagKey>) -> BTreeSet<Named> {
    let mut all = BTreeSet::new();
    for flag in known_flags(known, keys) {
        all.extend(flag.experiments.iter().map(|it| Named::Experiment(*it)));
        all.extend(flag.early_access.iter().map(|it| Named::EarlyAccess(it.id.clone())));
        let filters = flag.filters();
        let cohorts = filters.iter().flat_map(|it| it.cohorts());
        // Newer servers write the name beside the number.
        all.extend(cohorts.filter(|it| it.1.is_none()).map(|it| Named::Cohort(it.0)));
    }
    all
}

/// A moment on both clocks: the one that never goes back, and the one that people and servers write down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) tick: Instant,
    pub(super) at: Timestamp,
}

impl Moment {
    pub(super) fn now() -> Moment {
        Moment { tick: Instant::now(), at: Timestamp::now() }
    }

    /// The same, `later`.
    pub(super) fn after(self, later: Duration) -> Moment {
        let at = SignedDuration::try_from(later).ok().and_then(|it| self.at.checked_add(it).ok());
        Moment { tick: self.tick + later, at: at.unwrap_or(self.at) }
    }

    /// When something that people wrote down was, on the clock that never goes back; `None` = before it began.
    pub(super) fn tick_of(self, at: Timestamp) -> Option<Instant> {
        let age = Duration::try_from(self.at.duration_since(at)).ok()?;
        self.tick.checked_sub(age)
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Now(Work),
    At(Instant),
    Never,
}

impl Next {
    /// For sorting: never comes last.
    pub(super) fn when(&self, now: Moment) -> (bool, Instant) {
        match self {
            Next::Now(_) => (false, now.tick),
            Next::At(at) => (false, *at),
            Next::Never => (true, now.tick),
        }
    }
}

/// When things happened, on the clock that never goes back.
pub(super) struct Times {
    pub(super) active: Instant,
    pub(super) keys_changed: Instant,
    pub(super) project: Option<Instant>,
    pub(super) whole_list: Option<Instant>,
    pub(super) compared: Option<Instant>,
    pub(super) changed: Option<Instant>,
    /// When a part was last asked for as a whole.
    pub(super) loaded: HashMap<Part, Instant>,
    /// The last questions for a flag's activity.
    histories: VecDeque<Instant>,
    /// Short lists do not add up: only the whole list tells.
    pub(super) doubt: bool,
    pub(super) paused_until: Option<Instant>,
    /// Until when a part is left alone.
    pub(super) alone_until: HashMap<Part, Instant>,
    /// What was looked for in its list and is not there.
    pub(super) missing: BTreeSet<Named>,
    /// Typed keys whose exposure was asked for, whatever came of it.
    pub(super) asked: HashMap<FlagKey, Instant>,
    /// Somebody writes a brief, and the catalogue is missing or old.
    pub(super) wants_catalog: bool,
}

impl Times {
    pub(super) fn begin(now: Moment) -> Times {
        Times {
            active: now.tick,
            keys_changed: now.tick,
            project: None,
            whole_list: None,
            compared: None,
            changed: None,
            loaded: HashMap::new(),
            histories: VecDeque::new(),
            doubt: false,
            paused_until: None,
            alone_until: HashMap::new(),
            missing: BTreeSet::new(),
            asked: HashMap::new(),
            wants_catalog: false,
        }
    }

    /// Somebody writes a brief: the catalogue is asked for, once an hour at most.
    pub(super) fn want_catalog(&mut self, now: Moment) {
        self.active = now.tick;
        self.wants_catalog |=
            self.loaded.get(&Part::Catalog).is_none_or(|it| *it + CATALOG_EVERY <= now.tick);
    }

    /// Somebody wants everything anew.
    pub(super) fn demand(&mut self, now: Moment) {
        self.active = now.tick;
        self.compared = None;
        // Somebody who asks does not wait for the whole list either, should the short ones not add up.
        self.whole_list = None;
        self.loaded.clear();
        self.missing.clear();
        self.asked.clear();
        self.paused_until = None;
        self.alone_until.clear();
    }

    /// Takes note of something that was sent, however it ends.
    pub(super) fn begun(&mut self, work: &Work, now: Moment) {
        if let Work::History(..) = work {
            self.histories.push_back(now.tick);
            if self.histories.len() > HISTORIES_PER_HOUR {
                self.histories.pop_front();
            }
        }
    }

    /// Takes note of something that was answered: the one place where shelf lives begin.
    pub(super) fn done(&mut self, work: &Work, now: Moment) {
        let tick = Some(now.tick);
        match work {
            Work::Project => self.project = tick,
            Work::WholeList => {
                (self.whole_list, self.compared, self.changed) = (tick, tick, tick);
                self.doubt = false;
            }
            Work::Compare => (self.compared, self.changed) = (tick, tick),
            Work::Changed => self.changed = tick,
            Work::Plans(part) => drop(self.loaded.insert(*part, now.tick)),
            Work::Exposure => drop(self.loaded.insert(Part::Exposure, now.tick)),
            Work::Catalog => {
                self.loaded.insert(Part::Catalog, now.tick);
                self.wants_catalog = false;
            }
            Work::NewExposure
            | Work::HoverExposure(_)
            | Work::Evidence
            | Work::Result(_)
            | Work::History(..)
            | Work::Look
            | Work::Release => {}
        }
    }

    /// When one more question for activity is within its budget; `None` = now.
    fn history_at(&self, now: Moment) -> Option<Instant> {
        let nth = |n: usize| self.histories.len().checked_sub(n).and_then(|it| self.histories.get(it));
        let minute = nth(HISTORIES_PER_MINUTE).map(|it| *it + Duration::from_secs(60));
        let hour = nth(HISTORIES_PER_HOUR).map(|it| *it + Duration::from_secs(60 * 60));
        minute.max(hour).filter(|it| *it > now.tick)
    }
}

/// Of several processes with one project, what this one does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sharing {
    /// Whether it has the lock.
    pub(super) holds: bool,
    /// Whether it asks for what all need.
    pub(super) leads: bool,
    /// When it last looked whether it may; `None` = never.
    pub(super) looked: Option<Instant>,
}

/// Everything that decides what is due.
pub(super) struct Situation<'a> {
    pub(super) known: &'a Environment,
    /// Read in the workspace.
    pub(super) keys: &'a BTreeSet<FlagKey>,
    /// What the read flags name.
    pub(super) named: &'a BTreeSet<Named>,
    /// Those that have a brief.
    pub(super) briefs: &'a BTreeSet<FlagKey>,
    /// Rollouts on their way, and since when their stage is open.
    pub(super) under_way: &'a [Wanted],
    pub(super) times: &'a Times,
    pub(super) hovers: &'a Hovers,
    /// `None` for a command: it asks for everything itself, and once, so that nothing is rationed.
    pub(super) sharing: Option<Sharing>,
    /// Somebody wanted everything anew then, whoever leads.
    pub(super) demanded: Option<Timestamp>,
    /// Whether there is a key to ask with.
    pub(super) can_ask: bool,
}

/// What is due, or when something will be.
pub(super) fn next(it: &Situation, now: Moment) -> Next {
    let times = it.times;
    if !it.can_ask || now.tick > times.active + QUIET_AFTER {
        return if it.sharing.is_some_and(|it| it.holds) { Next::Now(Work::Release) } else { Next::Never };
    }
    if let Some(until) = times.paused_until.filter(|it| *it > now.tick) {
        return Next::At(until);
    }
    let mut waits = Waits { now, times: Vec::new() };
    let work = it.shared_work(&mut waits).or_else(|| it.catalog(&mut waits)).or_else(|| {
        let gather = if it.leads() { GATHER } else { AFTER_HOLDER };
        waits.due(Some(times.keys_changed), gather).then(|| it.own_work(&mut waits)).flatten()
    });
    if let Some(work) = work {
        return Next::Now(work);
    }
    waits.times.push(times.active + QUIET_AFTER + Duration::from_secs(1));
    waits.times.into_iter().min().map_or(Next::Never, Next::At)
}

/// What is not due yet, and when it will be.
struct Waits {
    now: Moment,
    times: Vec<Instant>,
}

impl Waits {
    fn due(&mut self, last: Option<Instant>, every: Duration) -> bool {
        !self.waits_until(last.map(|it| it + every))
    }

    fn waits_until(&mut self, at: Option<Instant>) -> bool {
        let at = at.filter(|it| *it > self.now.tick);
        self.times.extend(at);
        at.is_some()
    }
}

impl Situation<'_> {
    fn leads(&self) -> bool {
        self.sharing.is_none_or(|it| it.leads)
    }

    /// What every process needs: the project for each, the flags for all.
    fn shared_work(&self, waits: &mut Waits) -> Option<Work> {
        let times = self.times;
        if waits.due(times.project, PROJECT_EVERY) {
            return Some(Work::Project);
        }
        if let Some(sharing) = self.sharing.filter(|it| !it.holds)
            && waits.due(sharing.looked, LOOK_EVERY)
        {
            return Some(Work::Look);
        }
        let is_demanded = self.demanded.is_some() && (times.compared.is_none() || times.doubt);
        if !self.leads() && !is_demanded {
            return None;
        }
        let Some(list) = &self.known.flags else { return Some(Work::WholeList) };
        if waits.now.at.duration_since(list.read_at) >= WHOLE_LIST_EVERY
            || (times.doubt && waits.due(times.whole_list, WHOLE_LIST_AGAIN))
        {
            return Some(Work::WholeList);
        }
        if waits.due(times.compared, COMPARE_EVERY) {
            return Some(Work::Compare);
        }
        waits.due(times.changed, CHANGED_EVERY).then_some(Work::Changed)
    }

    /// What the keys that are read here need.
    fn own_work(&self, waits: &mut Waits) -> Option<Work> {
        self.history(waits, true)
            .or_else(|| PLANS.into_iter().find_map(|it| self.plans(waits, it)))
            .or_else(|| self.evidence(waits))
            .or_else(|| self.exposure(waits))
            // Since when a rollout stands where it does is good to know, and nothing depends on it.
            .or_else(|| self.history(waits, false))
            .or_else(|| self.result(waits))
    }

    /// A running experiment on a flag that is read here, whose result is missing or old.
    fn result(&self, waits: &mut Waits) -> Option<Work> {
        let is_running = |id: &i64| {
            self.known
                .experiments
                .get(id)
                .is_some_and(|it| it.is_running() && it.metric != KeyMetric::Missing)
        };
        let running = self.named.iter().filter_map(|it| match it {
            Named::Experiment(id) => Some(*id).filter(is_running),
            _ => None,
        });
        // Who does not lead takes what the others wrote.
        let late = if self.leads() { RESULT_EVERY } else { RESULT_EVERY + RESULT_EVERY };
        let now = waits.now;
        let due_at = |id: &i64| {
            let last = self.known.results.get(id)?.fetched_at;
            let again = last.checked_add(late).ok()?;
            (again > now.at && self.demanded.is_none_or(|it| last >= it)).then_some(again)
        };
        let due = running.take(MOST_RESULTS).find(|id| match due_at(id) {
            Some(at) => {
                let wait = Duration::try_from(at.duration_since(now.at)).unwrap_or_default();
                waits.times.push(now.tick + wait);
                false
            }
            None => true,
        })?;
        if self.is_alone(waits, Part::Results) {
            return None;
        }
        // Exposure stays possible, and so do hovers.
        let left = budget::HOVERS_PER_HOUR.saturating_sub(budget::queries_for(self.known_keys().count()));
        let at = budget::affordable_at(&self.known.queries, 1, left, now);
        (self.sharing.is_none() || !waits.waits_until(at)).then_some(Work::Result(due))
    }

    /// Somebody waits for it in a list of completions.
    fn catalog(&self, waits: &mut Waits) -> Option<Work> {
        let is_wanted = self.times.wants_catalog && !self.is_alone(waits, Part::Catalog);
        is_wanted.then_some(Work::Catalog)
    }

    fn is_alone(&self, waits: &mut Waits, part: Part) -> bool {
        waits.waits_until(self.times.alone_until.get(&part).copied())
    }

    /// A flag whose activity is not loaded: one of which something depends on it, or any.
    fn history(&self, waits: &mut Waits, needed: bool) -> Option<Work> {
        if self.is_alone(waits, Part::History) {
            return None;
        }
        // One that is the same for everyone may be stale, and of one with a brief a rollout is judged.
        let is_needed = |it: &Flag| {
            let is_constant =
                || matches!(served(it.is_evaluated(), it.filters().as_ref()), Served::Everyone(_));
            self.briefs.contains(&it.key) || is_constant()
        };
        let mut unknown = known_flags(self.known, self.keys).filter(|it| self.known.history_of(it).is_none());
        let flag = unknown.find(|it| !needed || is_needed(it))?;
        if self.sharing.is_some() && waits.waits_until(self.times.history_at(waits.now)) {
            return None;
        }
        Some(Work::History(flag.key.as_str().into(), flag.id))
    }

    /// A list that is old, or that lacks what a read flag names.
    fn plans(&self, waits: &mut Waits, part: Part) -> Option<Work> {
        let mut names = self.named.iter().filter(|it| it.part() == part).peekable();
        let is_needed = match part {
            Part::Schedules => self.known_keys().next().is_some(),
            // A plan may name them.
            Part::Cohorts => names.peek().is_some() || !self.under_way.is_empty(),
            _ => names.peek().is_some(),
        };
        if !is_needed || self.is_alone(waits, part) {
            return None;
        }
        let lacks = names.any(|it| !it.is_known(self.known) && !self.times.missing.contains(it));
        // Who does not lead takes what the others wrote, and asks only for what they do not need.
        let late = if self.leads() { PLANS_EVERY } else { PLANS_EVERY + COMPARE_EVERY };
        (lacks || waits.due(self.times.loaded.get(&part).copied(), late)).then_some(Work::Plans(part))
    }

    /// Who met features whose stage was opened lately, or an hour after that was last asked.
    fn evidence(&self, waits: &mut Waits) -> Option<Work> {
        if self.under_way.is_empty() || self.is_alone(waits, Part::Evidence) {
            return None;
        }
        let late = if self.leads() { EVIDENCE_EVERY } else { EVIDENCE_EVERY + AFTER_HOLDER };
        let left = |it: &Wanted| {
            let known = self.known.evidence_since(&it.key, it.since).ok()?;
            let age = waits.now.at.duration_since(known.fetched_at);
            let is_demanded = self.demanded.is_some_and(|it| known.fetched_at < it);
            SignedDuration::try_from(late)
                .ok()?
                .checked_sub(age)
                .filter(|it| it.is_positive() && !is_demanded)
        };
        // Known for how long, where all of it is.
        let left: Option<Vec<SignedDuration>> = self.under_way.iter().map(left).collect();
        if let Some(soonest) = left.and_then(|it| it.into_iter().min()) {
            waits.waits_until(Some(waits.now.tick + Duration::try_from(soonest).unwrap_or_default()));
            return None;
        }
        let cost = budget::evidence_queries_for(self.under_way.len());
        let queries = &self.known.queries;
        let is_affordable = self.sharing.is_none()
            || !waits.waits_until(budget::affordable_at(queries, cost, budget::PER_HOUR, waits.now));
        is_affordable.then_some(Work::Evidence)
    }

    fn exposure(&self, waits: &mut Waits) -> Option<Work> {
        let n_keys = self.known_keys().count();
        if n_keys == 0 || self.is_alone(waits, Part::Exposure) {
            return None;
        }
        let (queries, now) = (&self.known.queries, waits.now);
        let is_rationed = self.sharing.is_some();
        let mut affords = |cost, at_most| {
            !is_rationed || !waits.waits_until(budget::affordable_at(queries, cost, at_most, now))
        };
        let all = budget::queries_for(n_keys);
        if self.exposure_is_due(now) && affords(all, budget::PER_HOUR) {
            return Some(Work::Exposure);
        }
        let n_new = self.new_keys(now).count();
        // What is due regularly stays possible.
        let left = budget::PER_HOUR.saturating_sub(all);
        if n_new > 0 && affords(budget::queries_for(n_new), left) {
            return Some(Work::NewExposure);
        }
        waits.waits_until(self.exposure_at());
        let key = self.hovers.due(self.known, budget::HOVERS_PER_HOUR.min(left), now)?;
        Some(Work::HoverExposure(key))
    }

    /// When exposure is asked for again.
    fn exposure_at(&self) -> Option<Instant> {
        let last = self.times.loaded.get(&Part::Exposure)?;
        Some(*last + budget::exposure_every(self.known_keys().count()))
    }

    fn exposure_is_due(&self, now: Moment) -> bool {
        let is_time = self.exposure_at().is_none_or(|it| it <= now.tick);
        is_time && (self.leads() || self.old_exposure(now).next().is_some())
    }

    /// Keys read here that the project has: a half-typed key is nothing to ask about.
    pub(super) fn known_keys(&self) -> impl Iterator<Item = &FlagKey> {
        let known = |it: &&FlagKey| matches!(self.known.lookup(it), Lookup::Known(flag) if !flag.deleted);
        self.keys.iter().filter(known)
    }

    /// Keys read here whose exposure nobody fetched lately, or since somebody wanted it anew.
    pub(super) fn old_exposure(&self, now: Moment) -> impl Iterator<Item = &FlagKey> {
        let is_old = move |at: Timestamp| {
            let age = now.at.duration_since(at);
            age.as_secs() > (EXPOSURE_EVERY + AFTER_HOLDER).as_secs() as i64
                || self.demanded.is_some_and(|it| at < it)
        };
        let is_fresh =
            move |it: &FlagKey| self.known.exposure.get(it).is_some_and(|it| !is_old(it.fetched_at));
        self.known_keys().filter(move |it| !is_fresh(it))
    }

    /// Keys read here of which no exposure is known, and that were not asked about lately.
    pub(super) fn new_keys(&self, now: Moment) -> impl Iterator<Item = &FlagKey> {
        let was_asked =
            move |it: &FlagKey| self.times.asked.get(it).is_some_and(|it| *it + EXPOSURE_EVERY > now.tick);
        self.known_keys().filter(move |it| !self.known.exposure.contains_key(*it) && !was_asked(it))
    }
}

/// Flags with a brief that have reached a stage of their plan, and since when that is open, as far as it is known.
pub(super) fn under_way(known: &Environment, briefs: &BTreeSet<FlagKey>) -> Vec<Wanted> {
    let wanted = |flag: &Arc<Flag>| {
        let history = known.history_of(flag).map(|it| &**it);
        // Where the activity may not be seen, the last write counts.
        let is_known = history.is_some() || known.history_trouble.is_some();
        let is_planned = || matches!(stage(flag, history), Stage::Planned { .. });
        (flag.is_evaluated() && is_known && is_planned()).then_some(())?;
        Some(Wanted { key: flag.key.clone(), since: stage_opened(flag, history)? })
    };
    known_flags(known, briefs).filter_map(wanted).collect()
}

/// Flags read here that the project has, deleted ones too.
fn known_flags<'a>(
    known: &'a Environment,
    keys: &'a BTreeSet<FlagKey>,
) -> impl Iterator<Item = &'a Arc<Flag>> {
    keys.iter().filter_map(|it| match known.lookup(it) {
        Lookup::Known(flag) => Some(flag),
        _ => None,
    })
}
