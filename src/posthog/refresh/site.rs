//! One environment: what is known of it, and what somebody said about it. What is due stands in [`due`], asking in
//! `load`, what follows when PostHog does not answer in `failure`; of several processes with one project, one asks for
//! what all need: see [`share`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::Ask;
use super::budget::{Hovers, Mark};
use super::compare::{self, Lists};
use super::due::{self, Moment, Named, Next, PLANS, Part, Sharing, Situation, Times, Work};
use super::share::{self, Seen, Share};
use crate::config;
use crate::flags::{Access, Environment, Flag, FlagKey};
use crate::posthog::queries::{Evaluations, Wanted};
use crate::posthog::{Client, Error, disk};

const EXPOSURE_DAYS: u32 = 7;

pub(super) struct Site {
    pub(super) known: Environment,
    client: Result<Client, Error>,
    pub(super) configured: config::Environment,
    folder: Option<PathBuf>,
    pub(super) clock: Clock,
    pub(super) evaluations: Evaluations,
    /// Those that somebody reads, and those that have a brief.
    pub(super) keys: BTreeSet<FlagKey>,
    read: BTreeSet<FlagKey>,
    briefs: BTreeSet<FlagKey>,
    /// What the flags of these keys name; follows `known` and `keys`.
    pub(super) named: BTreeSet<Named>,
    /// Rollouts on their way; follows `known` and `briefs`.
    pub(super) under_way: Vec<Wanted>,
    pub(super) hovers: Hovers,
    pub(super) mark: Mark,
    pub(super) times: Times,
    pub(super) lists: Lists,
    /// Up to when, by the server's clock, the project's activity was looked at; `None` where nobody has to.
    pub(super) activity_at: Option<Timestamp>,
    pub(super) failures: u32,
    /// Whether the server does not accept the key.
    pub(super) refused: bool,
    pub(super) exposure_days: u32,
    /// Whether something came that the disk does not have.
    unsaved: bool,
    /// `None` for a command, which asks for everything itself.
    pub(super) share: Option<Share>,
    /// The mirror on disk that is known here.
    seen: Seen,
    /// Somebody wanted everything anew then, whoever leads.
    demanded: Option<Timestamp>,
}

/// What time it is. Tests lead a whole day in seconds.
#[derive(Clone, Copy)]
pub(super) enum Clock {
    Running,
    #[cfg(test)]
    Stopped(Moment),
}

impl Clock {
    pub(super) fn now(self) -> Moment {
        match self {
            Clock::Running => Moment::now(),
            #[cfg(test)]
            Clock::Stopped(at) => at,
        }
    }
}

impl Site {
    pub(super) fn new(environment: &config::Environment, folder: Option<PathBuf>) -> Site {
        let client = Client::new(environment);
        let known = Environment {
            name: environment.name.clone(),
            host: environment.host.clone(),
            configured_project: environment.project,
            trouble: client.as_ref().err().map(|it| it.to_string().into()),
            access: access(&client),
            ..Environment::default()
        };
        Site {
            known,
            client,
            configured: environment.clone(),
            folder,
            clock: Clock::Running,
            evaluations: Evaluations::Events,
            keys: BTreeSet::new(),
            read: BTreeSet::new(),
            briefs: BTreeSet::new(),
            named: BTreeSet::new(),
            under_way: Vec::new(),
            hovers: Hovers::default(),
            mark: Mark::next(),
            times: Times::begin(Moment::now()),
            lists: Lists::default(),
            activity_at: None,
            failures: 0,
            refused: false,
            exposure_days: EXPOSURE_DAYS,
            unsaved: false,
            share: None,
            seen: Seen::default(),
            demanded: None,
        }
    }

    /// For a task that lives on: others with the same mirror ask for it, or it asks for them.
    pub(super) fn shared(mut self) -> Site {
        self.share = self.folder.is_some().then(|| Share::new(self.clock.now().tick));
        self
    }

    /// Where the mirror lies on disk.
    fn path(&self) -> Option<PathBuf> {
        let project = self.known.project.as_ref().map(|it| it.id).or(self.configured.project)?;
        Some(disk::path(self.folder.as_ref()?, &self.known.host, project))
    }

    /// Whether to ask for what all processes need.
    pub(super) fn leads(&self, now: Moment) -> bool {
        self.share.as_ref().is_none_or(|it| it.leads(now.tick, self.known.flags.is_some()))
    }

    /// Takes the mirror of an earlier run. Without a configured project nobody knows yet whose it would be.
    pub(super) fn load_from_disk(&mut self) {
        let (Some(folder), Some(project)) = (&self.folder, self.configured.project) else { return };
        let path = disk::path(folder, &self.known.host, project);
        // Before it is read: what is written meanwhile is read again.
        self.seen = Seen::now(&path);
        if let Some(stored) = disk::load(&path, &self.known.name, &self.known.host) {
            self.seen.is_taken = true;
            self.known = Environment {
                trouble: self.known.trouble.take(),
                access: self.known.access,
                configured_project: Some(project),
                ..stored
            };
            self.take_stock();
            self.take_plan_times();
        }
    }

    /// What was read by an earlier run, or by another process, is as old as it says.
    fn take_plan_times(&mut self) {
        let now = self.clock.now();
        for part in PLANS {
            let at = self.known.plans_at.get(part.name()).copied();
            let Some(at) = at.filter(|at| self.demanded.is_none_or(|it| *at >= it)) else { continue };
            if let Some(tick) = now.tick_of(at) {
                let loaded = self.times.loaded.entry(part).or_insert(tick);
                *loaded = tick.max(*loaded);
            }
        }
    }

    /// Where no setting names a project, the one whose mirror is the only one of the host.
    pub(super) fn take_only_project(&mut self) {
        let Some(folder) = self.folder.as_ref().filter(|_| self.configured.project.is_none()) else { return };
        if let [only] = disk::projects(folder, &self.known.host)[..] {
            self.configured.project = Some(only);
        }
    }

    /// The same place by other settings. Another key may be what was missing, so everything is asked anew.
    pub(super) fn configured(mut self, environment: &config::Environment) -> Site {
        let now = self.clock.now();
        let key = |it: &config::Environment| it.key.as_ref().map(|it| it.expose_secret().to_owned());
        self.known.name = environment.name.clone();
        if key(&self.configured) != key(environment) || self.configured.problem != environment.problem {
            self.client = Client::new(environment);
            self.known.trouble = self.client.as_ref().err().map(|it| it.to_string().into());
            self.known.access = access(&self.client);
            self.known.me = None;
            self.known.lacks.clear();
            self.times = Times::begin(now);
            self.failures = 0;
            if let Some(share) = self.share.as_mut().filter(|_| self.client.is_err()) {
                share.release(now.tick);
            }
        }
        self.configured = environment.clone();
        self
    }

    /// Forgets what is known, on disk too.
    fn forget(&mut self) {
        if let Some(folder) = &self.folder {
            disk::forget(folder, &self.known.host);
        }
        let (name, host) = (self.known.name.clone(), self.known.host.clone());
        let (configured_project, access) = (self.known.configured_project, self.known.access);
        let trouble = self.known.trouble.take();
        self.known =
            Environment { name, host, configured_project, access, trouble, ..Environment::default() };
        self.named.clear();
        self.under_way.clear();
        self.times = Times::begin(self.clock.now());
        self.lists = Lists::default();
        self.activity_at = None;
        self.unsaved = false;
        self.seen = Seen::default();
    }

    /// Takes note of what somebody said. Returns whether the mirror changed by it.
    pub(super) fn heed(&mut self, ask: &Ask) -> bool {
        let now = self.clock.now();
        match ask {
            Ask::Active => self.times.active = now.tick,
            Ask::Keys(keys) => self.want(keys.clone()),
            Ask::Briefs(keys) => self.want_briefs(keys.clone()),
            Ask::Hover(key) => {
                self.times.active = now.tick;
                self.hovers.want(key.clone(), now);
            }
            Ask::Catalog(host, project) => {
                if (&self.known.host, &self.known.configured_project) == (host, project) {
                    self.times.want_catalog(now);
                }
            }
            Ask::Everything => {
                self.times.demand(now);
                self.times.wants_catalog |= self.known.catalog.is_some();
                // Somebody may have given the key more.
                self.known.lacks.clear();
                self.failures = 0;
                self.demanded = Some(now.at);
            }
            Ask::Forget(host) if *host == self.known.host => {
                self.forget();
                return true;
            }
            Ask::Configure(_) | Ask::Forget(_) => {}
            Ask::Followed { host, project, flag: (key, id), followers } => {
                if let Some(catalog) = self.known.catalog.as_mut().filter(|_| self.known.host == *host)
                    && self.known.project.as_ref().is_some_and(|it| it.id == *project)
                {
                    let listed = &mut Arc::make_mut(catalog).followers.items;
                    listed.retain(|it| !it.is_about(key.as_str(), *id));
                    listed.extend(followers.iter().cloned());
                    return true;
                }
            }
            Ask::Written { host, project, flag } => {
                let is_here = *host == self.known.host
                    && self.known.project.as_ref().is_some_and(|it| it.id == *project);
                if let Some(list) = self.known.flags.as_mut().filter(|_| is_here) {
                    compare::replace(list, flag.clone());
                    // Until it is asked for again, nobody knows what is to come.
                    self.known.schedules.remove(&flag.id);
                    self.ask_for_plans_again();
                    self.take_stock();
                    return true;
                }
            }
        }
        false
    }

    /// These keys are read.
    pub(super) fn want(&mut self, keys: BTreeSet<FlagKey>) {
        if self.read != keys {
            self.read = keys;
            self.take_keys();
        }
    }

    /// These keys have a brief: what there is to know of them is wanted too, and how their rollout gets on.
    pub(super) fn want_briefs(&mut self, keys: BTreeSet<FlagKey>) {
        if self.briefs != keys {
            self.briefs = keys;
            self.take_keys();
        }
    }

    fn take_keys(&mut self) {
        self.keys = self.read.union(&self.briefs).cloned().collect();
        self.take_stock();
        self.times.keys_changed = self.clock.now().tick;
    }

    /// What follows from the flags that are known.
    fn take_stock(&mut self) {
        self.named = due::named(&self.known, &self.keys);
        self.under_way = due::under_way(&self.known, &self.briefs);
    }

    /// Does not ask for a part, as long as a command may run.
    pub(super) fn leave_alone(&mut self, part: Part) {
        self.times.alone_until.insert(part, self.clock.now().tick + Duration::from_secs(24 * 60 * 60));
    }

    /// What is due, or when something will be.
    pub(super) fn next(&self, now: Moment) -> Next {
        due::next(&self.situation(now), now)
    }

    pub(super) fn situation(&self, now: Moment) -> Situation<'_> {
        let sharing = |it: &Share| Sharing { holds: it.holds(), leads: self.leads(now), looked: it.looked };
        Situation {
            known: &self.known,
            keys: &self.keys,
            named: &self.named,
            briefs: &self.briefs,
            under_way: &self.under_way,
            times: &self.times,
            hovers: &self.hovers,
            sharing: self.share.as_ref().map(sharing),
            demanded: self.demanded,
            can_ask: self.client.is_ok(),
        }
    }

    /// Asks for one thing. Whatever goes wrong ends as a sentence in the mirror and a pause. Returns whether the mirror
    /// may be another one now.
    pub(super) async fn work(&mut self, work: Work) -> bool {
        match work {
            Work::Look => return self.look(),
            Work::Release => {
                let now = self.clock.now().tick;
                self.share.iter_mut().for_each(|it| it.release(now));
                return false;
            }
            _ => {}
        }
        let Ok(client) = self.client.clone() else { return false };
        tracing::debug!(?work, "asking PostHog");
        self.times.begun(&work, self.clock.now());
        let planned = self.planned();
        let result = self.load(&client, &work).await;
        self.note_changed(&planned);
        if let Err(error) = &result {
            self.learn_lacks(&client, error).await;
        }
        let now = self.clock.now();
        match result {
            Ok(()) => {
                self.times.done(&work, now);
                self.failures = 0;
                self.refused = false;
                self.known.trouble = None;
                self.unsaved |= !matches!(work, Work::Project | Work::Catalog);
                let is_apart = matches!(
                    work.part(),
                    Some(Part::Evidence | Part::Exposure | Part::Results | Part::Catalog)
                );
                if !is_apart {
                    self.take_stock();
                }
            }
            Err(error) => {
                self.note_failure(&work, &error, now);
                // Without the activity, the last write says since when.
                self.under_way = due::under_way(&self.known, &self.briefs);
            }
        }
        true
    }

    /// The flags with which something goes on beside them: what is scheduled, an experiment, a rollout.
    fn planned(&self) -> Vec<Arc<Flag>> {
        let known = &self.known;
        let runs = |id: &i64| known.experiments.get(id).is_some_and(|it| it.is_running());
        let is_planned = |it: &&Arc<Flag>| {
            self.briefs.contains(&it.key)
                || known.schedules.contains_key(&it.id)
                || it.experiments.iter().any(runs)
        };
        known.flags.iter().flat_map(|it| it.by_key.values()).filter(is_planned).cloned().collect()
    }

    /// Somebody wrote one of these flags, perhaps as a step of its rollout.
    fn note_changed(&mut self, planned: &[Arc<Flag>]) {
        let Some(list) = &self.known.flags else { return };
        let is_same = |it: &Arc<Flag>| list.by_key.get(&it.key).is_some_and(|now| Arc::ptr_eq(now, it));
        if planned.iter().any(|it| !is_same(it) && compare::is_news(list, it)) {
            self.ask_for_plans_again();
        }
    }

    /// Steps are scheduled and taken back, and experiments end, with what is written to a flag.
    fn ask_for_plans_again(&mut self) {
        self.times.loaded.remove(&Part::Schedules);
        self.times.loaded.remove(&Part::Experiments);
    }

    /// Takes what another process wrote or found unchanged, and the lead if nobody has it.
    fn look(&mut self) -> bool {
        let now = self.clock.now();
        let (Some(path), Some(share)) = (self.path(), self.share.as_mut()) else { return false };
        let takes_over = share.try_hold(&path, now.tick);
        let there = Seen::now(&path);
        let is_changed = there.version.is_some() && there.version != self.seen.version;
        let is_confirmed = there.asked_at() > self.seen.asked_at();
        if is_changed || is_confirmed {
            share.note_news(now.tick);
        }
        let mut is_other = is_changed;
        if is_changed {
            self.seen = there;
            self.seen.is_taken = self.take_mirror(&path);
        } else if is_confirmed {
            self.seen.confirmed = there.confirmed;
            is_other = self.seen.is_taken && self.take_times(&there);
        }
        if takes_over {
            self.continue_from(there.asked_at(), now);
        }
        is_other
    }

    /// Takes a mirror that another process wrote. Returns whether it can be understood.
    fn take_mirror(&mut self, path: &Path) -> bool {
        let Some(theirs) = disk::load(path, &self.known.name, &self.known.host) else { return false };
        share::merge(&mut self.known, theirs);
        self.take_stock();
        self.take_plan_times();
        self.note_reached();
        true
    }

    /// Takes what an earlier run left of the project.
    pub(super) fn take_stored(&mut self) {
        let Some(path) = self.path() else { return };
        // Before it is read: what is written meanwhile is read again.
        self.seen = Seen::now(&path);
        self.seen.is_taken = self.take_mirror(&path);
    }

    /// The mirror that was seen still holds: it is as new as somebody says. Returns whether that is new.
    fn take_times(&mut self, there: &Seen) -> bool {
        let moved = there.confirmed.is_some_and(|it| it.apply(&mut self.known));
        self.note_reached() | moved
    }

    /// Somebody reaches PostHog. Returns whether that is new.
    fn note_reached(&mut self) -> bool {
        self.failures = 0;
        self.known.trouble.take().is_some()
    }

    /// Goes on where the last holder stopped, instead of asking for everything anew.
    fn continue_from(&mut self, asked_at: Option<Timestamp>, now: Moment) {
        let list = self.known.flags.as_ref();
        self.times.whole_list = list.and_then(|it| now.tick_of(it.read_at));
        self.times.compared = list.and_then(|it| now.tick_of(it.fetched_at));
        self.times.changed = asked_at.and_then(|it| now.tick_of(it));
        let situation = self.situation(now);
        let of_keys = situation.known_keys().filter_map(|it| self.known.exposure.get(it));
        match of_keys.map(|it| it.fetched_at).min().and_then(|it| now.tick_of(it)) {
            Some(at) => drop(self.times.loaded.insert(Part::Exposure, at)),
            None => drop(self.times.loaded.remove(&Part::Exposure)),
        }
    }

    /// Keeps on disk what came since the last time: the whole mirror is written, or found to be there.
    pub(super) async fn save(&mut self) {
        if !self.unsaved {
            return;
        }
        let Some(path) = self.path().filter(|_| self.known.project.is_some()) else { return };
        let (known, seen, now) = (self.known.clone(), self.seen, self.clock.now().at);
        // Fails only when the program is about to end, and then once more what is unsaved is saved.
        let saved = tokio::task::spawn_blocking(move || share::save(&path, known, seen, now)).await;
        if let Ok((known, written)) = saved {
            (self.known, self.seen) = (known, written);
            self.unsaved = false;
        }
    }
}

/// However a task ends, with its last handle or with the program: what is unsaved is saved.
impl Drop for Site {
    fn drop(&mut self) {
        if self.unsaved
            && let Some(path) = self.path().filter(|_| self.known.project.is_some())
        {
            share::save(&path, std::mem::take(&mut self.known), self.seen, self.clock.now().at);
        }
    }
}

fn access(client: &Result<Client, Error>) -> Access {
    match client {
        Ok(_) => Access::Open,
        Err(Error::SignedOut { .. }) => Access::SignedOut,
        Err(_) => Access::Unsettled,
    }
}
