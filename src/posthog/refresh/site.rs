//! One environment: what is known, what is due next, and asking for it.
//!
//! Shelf lives: flags 60 s (the changed ones), the whole list an hour, exposure 10 minutes, experiments and changes
//! to come an hour, a history until the flag's version changes. When nobody typed for 30 minutes, nothing is asked. Of several processes with one project,
//! one asks for what all need: see [`share`].

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use super::Ask;
use super::share::{self, AFTER_HOLDER, LOOK_EVERY, Share};
use crate::config;
use crate::feature::{Served, served};
use crate::flags::{
    Access, Environment, Experiment, Exposure, Flag, FlagKey, FlagList, Lookup, Project, ScheduledChange,
};
use crate::posthog::client::jittered;
use crate::posthog::queries::{self, Evaluations, KEYS_PER_QUERY};
use crate::posthog::{Client, Error, disk};

const CHANGED_EVERY: Duration = Duration::from_secs(60);
const WHOLE_LIST_EVERY: Duration = Duration::from_secs(60 * 60);
/// Where the server does not tell what changed last.
const WHOLE_LIST_UNSORTED_EVERY: Duration = Duration::from_secs(5 * 60);
const EXPOSURE_EVERY: Duration = Duration::from_secs(10 * 60);
const PLANS_EVERY: Duration = Duration::from_secs(60 * 60);
const QUIET_AFTER: Duration = Duration::from_secs(30 * 60);
/// Keys typed one after the other become one question.
const GATHER: Duration = Duration::from_millis(300);
/// One flag's exposure is asked for at most this often because somebody hovers.
const HOVER_EVERY: Duration = Duration::from_secs(60);
/// Queries a minute that hovers may cause: projects on PostHog's oldest limit have 120 an hour.
const HOVER_QUERIES_PER_MINUTE: usize = 2;
/// How long a part that the key may not see is left alone.
const DENIED_FOR: Duration = Duration::from_secs(60 * 60);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
const EXPOSURE_DAYS: u32 = 7;
const RECENT: usize = 20;
/// Flags that vanished from the list and are looked up by id, per refresh.
const MAX_VANISHED: usize = 20;

/// One thing to ask PostHog for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    Project,
    /// What another process wrote, and whether it still leads.
    Look,
    /// Others may lead.
    Release,
    WholeList,
    Changed,
    History(Arc<str>, u64),
    /// Experiments, and changes to come.
    Plans,
    Exposure,
    HoverExposure(FlagKey),
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
    pub(super) fn when(&self, now: Instant) -> (bool, Instant) {
        match self {
            Next::Now(_) => (false, now),
            Next::At(at) => (false, *at),
            Next::Never => (true, now),
        }
    }
}

/// The moment at which keys wanted now are no longer gathered.
pub(super) fn gathered(now: Instant) -> Instant {
    now + GATHER
}

pub(super) struct Site {
    pub(super) known: Environment,
    client: Result<Client, Error>,
    configured: config::Environment,
    folder: Option<PathBuf>,
    evaluations: Evaluations,
    keys: BTreeSet<FlagKey>,
    hovered: Option<FlagKey>,
    hover_queries: VecDeque<(Instant, FlagKey)>,
    times: Times,
    failures: u32,
    /// Whether the server does not accept the key.
    pub(super) refused: bool,
    exposure_days: u32,
    /// Whether something came that the disk does not have.
    unsaved: bool,
    /// `None` for a command, which asks for everything itself.
    share: Option<Share>,
    /// When the mirror on disk changed that is known here.
    seen: Option<SystemTime>,
    /// Somebody wanted everything anew then, whoever leads.
    demanded: Option<Timestamp>,
}

/// When things happened, on the clock that never goes back.
struct Times {
    active: Instant,
    keys_changed: Instant,
    project: Option<Instant>,
    whole_list: Option<Instant>,
    changed: Option<Instant>,
    exposure: Option<Instant>,
    plans: Option<Instant>,
    paused_until: Option<Instant>,
    history_denied_until: Option<Instant>,
    exposure_denied_until: Option<Instant>,
}

impl Times {
    fn begin(now: Instant) -> Times {
        Times {
            active: now,
            keys_changed: now,
            project: None,
            whole_list: None,
            changed: None,
            exposure: None,
            plans: None,
            paused_until: None,
            history_denied_until: None,
            exposure_denied_until: None,
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
        let now = Instant::now();
        Site {
            known,
            client,
            configured: environment.clone(),
            folder,
            evaluations: Evaluations::Events,
            keys: BTreeSet::new(),
            hovered: None,
            hover_queries: VecDeque::new(),
            times: Times::begin(now),
            failures: 0,
            refused: false,
            exposure_days: EXPOSURE_DAYS,
            unsaved: false,
            share: None,
            seen: None,
            demanded: None,
        }
    }

    /// For a task that lives on: others with the same mirror ask for it, or it asks for them.
    pub(super) fn shared(mut self) -> Site {
        self.share = self.folder.is_some().then(|| Share::new(Instant::now()));
        self
    }

    /// Where the mirror lies on disk.
    fn path(&self) -> Option<PathBuf> {
        let project = self.known.project.as_ref().map(|it| it.id).or(self.configured.project)?;
        Some(disk::path(self.folder.as_ref()?, &self.known.host, project))
    }

    /// Whether to ask for what all processes need.
    fn leads(&self, now: Instant) -> bool {
        self.share.as_ref().is_none_or(|it| it.leads(now, self.known.flags.is_some()))
    }

    /// Takes the mirror of an earlier run. Without a configured project nobody knows yet whose it would be.
    pub(super) fn load_from_disk(&mut self) {
        let (Some(folder), Some(project)) = (&self.folder, self.configured.project) else { return };
        let path = disk::path(folder, &self.known.host, project);
        // Before it is read: what is written meanwhile is read again.
        self.seen = share::changed(&path);
        if let Some(stored) = disk::load(&path, &self.known.name, &self.known.host) {
            self.known = Environment {
                trouble: self.known.trouble.take(),
                access: self.known.access,
                configured_project: Some(project),
                ..stored
            };
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
    pub(super) fn configured(mut self, environment: &config::Environment, now: Instant) -> Site {
        let key = |it: &config::Environment| it.key.as_ref().map(|it| it.expose_secret().to_owned());
        self.known.name = environment.name.clone();
        if key(&self.configured) != key(environment) || self.configured.problem != environment.problem {
            self.client = Client::new(environment);
            self.known.trouble = self.client.as_ref().err().map(|it| it.to_string().into());
            self.known.access = access(&self.client);
            self.known.me = None;
            self.times = Times::begin(now);
            self.failures = 0;
            if let Some(share) = self.share.as_mut().filter(|_| self.client.is_err()) {
                share.release(now);
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
        self.times = Times::begin(Instant::now());
        self.unsaved = false;
        self.seen = None;
    }

    /// Takes note of what somebody said. Returns whether the mirror changed by it.
    pub(super) fn heed(&mut self, ask: &Ask, now: Instant) -> bool {
        match ask {
            Ask::Active => self.times.active = now,
            Ask::Keys(keys) => self.want(keys.clone(), now),
            Ask::Hover(key) => {
                self.times.active = now;
                self.hovered = Some(key.clone());
            }
            Ask::Everything => {
                self.times.active = now;
                self.times.whole_list = None;
                self.times.exposure = None;
                self.times.plans = None;
                self.times.paused_until = None;
                self.times.history_denied_until = None;
                self.times.exposure_denied_until = None;
                self.failures = 0;
                self.demanded = Some(Timestamp::now());
            }
            Ask::Forget(host) if *host == self.known.host => {
                self.forget();
                return true;
            }
            Ask::Configure(_) | Ask::Forget(_) => {}
            Ask::Written { host, project, flag } => {
                let is_here = *host == self.known.host
                    && self.known.project.as_ref().is_some_and(|it| it.id == *project);
                if let Some(list) = self.known.flags.as_mut().filter(|_| is_here) {
                    replace(list, flag.clone());
                    return true;
                }
            }
        }
        false
    }

    pub(super) fn want(&mut self, keys: BTreeSet<FlagKey>, now: Instant) {
        if self.keys != keys {
            self.keys = keys;
            self.times.keys_changed = now;
        }
    }

    /// What is due, or when something will be.
    pub(super) fn next(&self, now: Instant) -> Next {
        let times = &self.times;
        if self.client.is_err() || now > times.active + QUIET_AFTER {
            let holds = self.share.as_ref().is_some_and(Share::holds);
            return if holds { Next::Now(Work::Release) } else { Next::Never };
        }
        if let Some(until) = times.paused_until.filter(|it| *it > now) {
            return Next::At(until);
        }
        if times.project.is_none() {
            return Next::Now(Work::Project);
        }
        let mut waits = Vec::new();
        let mut due = |last: Option<Instant>, every: Duration| match last.map(|it| it + every) {
            Some(at) if at > now => {
                waits.push(at);
                false
            }
            _ => true,
        };
        if let Some(share) = self.share.as_ref().filter(|it| !it.holds())
            && due(share.looked, LOOK_EVERY)
        {
            return Next::Now(Work::Look);
        }
        let leads = self.leads(now);
        if leads || (self.demanded.is_some() && times.whole_list.is_none()) {
            if due(times.whole_list, WHOLE_LIST_EVERY) {
                return Next::Now(Work::WholeList);
            }
            if due(times.changed, CHANGED_EVERY) {
                return Next::Now(Work::Changed);
            }
        }
        if due(Some(times.keys_changed), if leads { GATHER } else { AFTER_HOLDER }) {
            if let Some(flag) = self.flag_without_history(now, true) {
                return Next::Now(Work::History(flag.key.as_str().into(), flag.id));
            }
            if !self.known_keys().is_empty() && due(times.plans, PLANS_EVERY) {
                return Next::Now(Work::Plans);
            }
            if let Some(until) = times.exposure_denied_until.filter(|it| *it > now) {
                waits.push(until);
            } else if !self.known_keys().is_empty() {
                let is_old = leads || !self.old_exposure().is_empty();
                if (is_old && due(times.exposure, EXPOSURE_EVERY)) || self.lacks_exposure() {
                    return Next::Now(Work::Exposure);
                }
                if let Some(key) = self.hover_due(now) {
                    return Next::Now(Work::HoverExposure(key));
                }
            }
            // Since when a rollout stands where it does is good to know, and nothing depends on it.
            if let Some(flag) = self.flag_without_history(now, false) {
                return Next::Now(Work::History(flag.key.as_str().into(), flag.id));
            }
        }
        waits.push(times.active + QUIET_AFTER + Duration::from_secs(1));
        waits.into_iter().min().map_or(Next::Never, Next::At)
    }

    /// Asks for one thing. Whatever goes wrong ends as a sentence in the mirror and a pause. Returns whether the mirror
    /// may be another one now.
    pub(super) async fn work(&mut self, work: Work) -> bool {
        match work {
            Work::Look => return self.look(),
            Work::Release => {
                self.share.iter_mut().for_each(|it| it.release(Instant::now()));
                return false;
            }
            _ => {}
        }
        let Ok(client) = self.client.clone() else { return false };
        tracing::debug!(?work, "asking PostHog");
        let result = match &work {
            Work::Look | Work::Release => Ok(()),
            Work::Project => self.load_project(&client).await,
            Work::WholeList => self.load_whole_list(&client).await,
            Work::Changed => self.load_changed(&client).await,
            Work::History(_, id) => self.load_history(&client, *id).await,
            Work::Plans => self.load_plans(&client).await,
            Work::Exposure => self.load_exposure(&client).await,
            Work::HoverExposure(key) => self.load_hover_exposure(&client, key.clone()).await,
        };
        match result {
            Ok(()) => {
                self.failures = 0;
                self.refused = false;
                self.known.trouble = None;
                self.unsaved |= work != Work::Project;
            }
            Err(error) => self.note_failure(&work, &error),
        }
        true
    }

    /// Takes what another process wrote, and the lead if nobody has it.
    fn look(&mut self) -> bool {
        let now = Instant::now();
        let (Some(path), Some(share)) = (self.path(), self.share.as_mut()) else { return false };
        let takes_over = share.try_hold(&path, now);
        let changed = share::changed(&path);
        let is_news = changed.is_some() && changed != self.seen;
        if is_news {
            self.seen = changed;
            share.note_news(now);
            if let Some(theirs) = disk::load(&path, &self.known.name, &self.known.host) {
                share::merge(&mut self.known, theirs);
                // Somebody reaches PostHog.
                self.known.trouble = None;
                self.failures = 0;
            }
        }
        if takes_over {
            self.continue_from(changed);
        }
        is_news
    }

    /// Goes on where the last holder stopped, instead of asking for everything anew.
    fn continue_from(&mut self, written: Option<SystemTime>) {
        let back = |age: Duration| Instant::now().checked_sub(age);
        let since = |at: Timestamp| Timestamp::now().duration_since(at).try_into().ok().and_then(back);
        self.times.whole_list = self.known.flags.as_ref().and_then(|it| since(it.fetched_at));
        self.times.changed = written.and_then(|it| it.elapsed().ok()).and_then(back);
        let of_keys = self.known_keys().into_iter().filter_map(|it| self.known.exposure.get(&it).cloned());
        self.times.exposure = of_keys.map(|it| it.fetched_at).min().and_then(since);
    }

    /// Keeps on disk what came since the last time; the whole mirror is written.
    pub(super) async fn save(&mut self) {
        if !std::mem::take(&mut self.unsaved) {
            return;
        }
        let Some(path) = self.path().filter(|_| self.known.project.is_some()) else { return };
        let (known, seen) = (self.known.clone(), self.seen);
        // Fails only when the program is about to end.
        let saved = tokio::task::spawn_blocking(move || share::save(&path, known, seen)).await;
        if let Ok((known, written)) = saved {
            (self.known, self.seen) = (known, written);
        }
    }

    async fn load_project(&mut self, client: &Client) -> Result<(), Error> {
        let project = client.project(&self.configured).await?;
        self.evaluations = Evaluations::of_mode(project.flag_evaluations_mode);
        let project: Project = project.into();
        if self.known.project.as_ref().is_some_and(|it| it.id != project.id) {
            // Another key sees another project.
            self.known.flags = None;
            self.known.exposure.clear();
            self.known.history.clear();
            self.known.experiments.clear();
            self.known.schedules.clear();
        }
        self.known.project = Some(project);
        // Only to tell the user's own changes from those of others, so a key that may not say it will do.
        self.known.me = client.me().await.ok().map(|it| it.email.into());
        self.times.project = Some(Instant::now());
        Ok(())
    }

    async fn load_whole_list(&mut self, client: &Client) -> Result<(), Error> {
        let Some(project) = self.known.project.clone() else { return Ok(()) };
        let flags = client.flags(&project).await?;
        let mut list = FlagList::new(flags.into_iter().map(Arc::new), Timestamp::now());
        self.find_vanished(client, &project, &mut list).await?;
        let ids: std::collections::HashSet<u64> = list.by_key.values().map(|it| it.id).collect();
        self.known.history.retain(|id, _| ids.contains(id));
        self.known.flags = Some(list);
        self.times.whole_list = Some(Instant::now());
        self.times.changed = Some(Instant::now());
        Ok(())
    }

    /// A flag that was there before is still somewhere: deleted ones answer by id, under another key.
    async fn find_vanished(
        &self,
        client: &Client,
        project: &Project,
        list: &mut FlagList,
    ) -> Result<(), Error> {
        let Some(old) = &self.known.flags else { return Ok(()) };
        let ids: std::collections::HashSet<u64> = list.by_key.values().map(|it| it.id).collect();
        let vanished = old.by_key.values().filter(|it| !ids.contains(&it.id) && self.keys.contains(&it.key));
        let vanished: Vec<_> = vanished.take(MAX_VANISHED).cloned().collect();
        for old in vanished {
            if old.deleted {
                list.insert(old);
                continue;
            }
            match client.flag(project, old.id).await {
                Ok(flag) => list.insert(Arc::new(Flag { key: old.key.clone(), ..flag })),
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn load_changed(&mut self, client: &Client) -> Result<(), Error> {
        let Some(project) = self.known.project.clone() else { return Ok(()) };
        let recent = client.flags_by_update(&project, RECENT).await?;
        self.times.changed = Some(Instant::now());
        let Some(list) = &mut self.known.flags else { return Ok(()) };
        let sorted = recent.is_sorted_by(|a, b| a.updated_at >= b.updated_at);
        let says_when = recent.iter().all(|it| it.updated_at.is_some());
        let n_recent = recent.len();
        let news: Vec<Flag> = recent.into_iter().filter(|it| is_news(list, it)).collect();
        // More may have changed than was asked for: then only the whole list tells.
        if news.len() == n_recent && n_recent == RECENT {
            self.times.whole_list = None;
            return Ok(());
        }
        // So it does where the server does not sort, as older ones, but it is not asked for every minute.
        let is_old = self.times.whole_list.is_none_or(|it| it.elapsed() >= WHOLE_LIST_UNSORTED_EVERY);
        if (!sorted || !says_when) && n_recent == RECENT && is_old {
            self.times.whole_list = None;
        }
        for flag in news {
            replace(list, Arc::new(flag));
        }
        Ok(())
    }

    async fn load_history(&mut self, client: &Client, id: u64) -> Result<(), Error> {
        let Some(project) = self.known.project.clone() else { return Ok(()) };
        let flag =
            self.known.flags.as_ref().and_then(|it| it.by_key.values().find(|it| it.id == id)).cloned();
        let Some(flag) = flag else { return Ok(()) };
        let history = client.history(&project, &flag, Timestamp::now()).await?;
        self.known.history.insert(id, Arc::new(history));
        self.known.history_trouble = None;
        Ok(())
    }

    /// A part that this key may not see, or that an older server does not have, is left alone as long as one that was
    /// just loaded.
    async fn load_plans(&mut self, client: &Client) -> Result<(), Error> {
        let Some(project) = self.known.project.clone() else { return Ok(()) };
        let has_experiment = |it: &FlagKey| match self.known.lookup(it) {
            Lookup::Known(flag) => !flag.experiments.is_empty(),
            _ => false,
        };
        if self.keys.iter().any(has_experiment)
            && let Some(all) = unless_denied(client.experiments(&project).await)?
        {
            let all = all.into_iter().map(Experiment::from);
            self.known.experiments = all.map(|it| (it.id, Arc::new(it))).collect();
        }
        if let Some(all) = unless_denied(client.schedules(&project).await)? {
            let mut by_flag: HashMap<u64, Vec<ScheduledChange>> = HashMap::new();
            for (flag, change) in all.iter().filter_map(|it| it.to_come()) {
                by_flag.entry(flag).or_default().push(change);
            }
            by_flag.values_mut().for_each(|it| it.sort_by_key(|it| it.at));
            self.known.schedules = by_flag.into_iter().map(|(flag, it)| (flag, it.into())).collect();
        }
        self.times.plans = Some(Instant::now());
        Ok(())
    }

    async fn load_exposure(&mut self, client: &Client) -> Result<(), Error> {
        let Some(project) = self.known.project.clone() else { return Ok(()) };
        // The leader asks for the keys that it reads; the others for those that it does not.
        let keys = if self.leads(Instant::now()) { self.known_keys() } else { self.old_exposure() };
        let mut exposures = HashMap::new();
        for keys in keys.chunks(KEYS_PER_QUERY) {
            exposures.extend(self.query_exposure(client, &project, keys).await?);
        }
        self.times.exposure = Some(Instant::now());
        self.take_exposures(exposures);
        Ok(())
    }

    /// Keeps what was found, unless it cannot be all.
    fn take_exposures(&mut self, exposures: HashMap<FlagKey, Exposure>) {
        let flags = self.known.flags.iter().flat_map(|it| it.by_key.values()).map(|it| &**it);
        if let Some(flag) = queries::contradicted(&exposures, flags) {
            let trouble = format!(
                "PostHog has no calls of the flags that are read here, though by its own word '{}' was called: it may \
                 keep them in another place",
                flag.key
            );
            self.known.exposure_trouble = Some(trouble.into());
            self.times.exposure_denied_until = Some(Instant::now() + EXPOSURE_EVERY);
            return;
        }
        self.known.exposure_trouble = None;
        self.known.exposure.extend(exposures.into_iter().map(|(key, it)| (key, Arc::new(it))));
    }

    async fn load_hover_exposure(&mut self, client: &Client, key: FlagKey) -> Result<(), Error> {
        self.hovered = None;
        self.hover_queries.push_back((Instant::now(), key.clone()));
        if self.hover_queries.len() > 100 {
            self.hover_queries.pop_front();
        }
        let Some(project) = self.known.project.clone() else { return Ok(()) };
        let keys = [key];
        let counts = queries::exposure_counts(self.evaluations, &keys, self.exposure_days);
        let counts = client.query(&project, &counts).await?;
        let mut fresh = queries::exposures(&keys, &counts, &[], self.exposure_days, Timestamp::now());
        for (key, fresh) in &mut fresh {
            if let Some(before) = self.known.exposure.get(key) {
                (fresh.days, fresh.sdks) = (before.days.clone(), before.sdks.clone());
            }
        }
        self.take_exposures(fresh);
        Ok(())
    }

    /// Halves the window while the server says that the query takes too long.
    async fn query_exposure(
        &mut self,
        client: &Client,
        project: &Project,
        keys: &[FlagKey],
    ) -> Result<HashMap<FlagKey, Exposure>, Error> {
        loop {
            let days = self.exposure_days;
            let counts = client.query(project, &queries::exposure_counts(self.evaluations, keys, days)).await;
            let trend = match &counts {
                Ok(_) => client.query(project, &queries::exposure_trend(self.evaluations, keys, days)).await,
                Err(_) => Ok(Vec::new()),
            };
            match (counts, trend) {
                (Err(Error::TooSlow), _) | (_, Err(Error::TooSlow)) if days > 1 => self.exposure_days /= 2,
                (counts, trend) => {
                    return Ok(queries::exposures(keys, &counts?, &trend?, days, Timestamp::now()));
                }
            }
        }
    }

    fn note_failure(&mut self, work: &Work, error: &Error) {
        tracing::warn!(?work, %error, "PostHog did not give it");
        let now = Instant::now();
        let is_query = matches!(work, Work::Exposure | Work::HoverExposure(_));
        let is_history = matches!(work, Work::History(..));
        let of_this_part = !matches!(
            error,
            Error::Unauthorized { .. }
                | Error::Offline { .. }
                | Error::Tls { .. }
                | Error::Limited(_)
                | Error::Server { .. }
        );
        if of_this_part && is_query {
            self.known.exposure_trouble = Some(error.to_string().into());
            self.times.exposure_denied_until = Some(now + DENIED_FOR);
            return;
        }
        if of_this_part && is_history {
            self.known.history_trouble = Some(error.to_string().into());
            self.times.history_denied_until = Some(now + DENIED_FOR);
            return;
        }
        self.failures += 1;
        self.refused = matches!(error, Error::Unauthorized { .. });
        // Another one may have a better key.
        if let Some(share) = self.share.as_mut().filter(|_| !error.is_passing()) {
            share.release(now);
        }
        self.known.trouble = Some(error.to_string().into());
        let pause = match error {
            Error::Limited(wait) => *wait,
            _ if error.is_passing() => {
                jittered(LONGEST_PAUSE.min(Duration::from_secs(5) * 2_u32.pow(self.failures.min(7) - 1)))
            }
            // A person must do something first, and then says so with a refresh.
            _ => LONGEST_PAUSE,
        };
        self.times.paused_until = Some(now + pause);
    }

    /// Keys read here that the project has: a half-typed key is nothing to ask about.
    fn known_keys(&self) -> Vec<FlagKey> {
        let known = |it: &&FlagKey| matches!(self.known.lookup(it), Lookup::Known(flag) if !flag.deleted);
        self.keys.iter().filter(known).cloned().collect()
    }

    /// Keys read here whose exposure nobody fetched lately, or since somebody wanted it anew.
    fn old_exposure(&self) -> Vec<FlagKey> {
        let now = Timestamp::now();
        let is_old = |at: Timestamp| {
            let age = now.duration_since(at);
            age.as_secs() > (EXPOSURE_EVERY + AFTER_HOLDER).as_secs() as i64
                || self.demanded.is_some_and(|it| at < it)
        };
        let known = |it: &FlagKey| self.known.exposure.get(it).is_some_and(|it| !is_old(it.fetched_at));
        self.known_keys().into_iter().filter(|it| !known(it)).collect()
    }

    fn lacks_exposure(&self) -> bool {
        self.known_keys().iter().any(|it| !self.known.exposure.contains_key(it))
    }

    /// A flag whose activity is not loaded: one that serves the same value to everyone, or any.
    fn flag_without_history(&self, now: Instant, constant: bool) -> Option<Arc<Flag>> {
        if self.times.history_denied_until.is_some_and(|it| it > now) {
            return None;
        }
        let flags = self.keys.iter().filter_map(|it| match self.known.lookup(it) {
            Lookup::Known(flag) => Some(flag),
            _ => None,
        });
        let is_constant =
            |it: &Flag| matches!(served(it.is_evaluated(), it.filters().as_ref()), Served::Everyone(_));
        let mut unknown = flags.filter(|it| self.known.history_of(it).is_none());
        unknown.find(|it| !constant || is_constant(it)).cloned()
    }

    fn hover_due(&self, now: Instant) -> Option<FlagKey> {
        let key = self.hovered.as_ref()?;
        matches!(self.known.lookup(key), Lookup::Known(_)).then_some(())?;
        let lately = self.hover_queries.iter().filter(|it| it.0 + HOVER_EVERY > now);
        let (mut n_lately, mut this_one) = (0, false);
        for (_, asked) in lately {
            n_lately += 1;
            this_one |= asked == key;
        }
        let age = self.known.exposure.get(key).map(|it| Timestamp::now().duration_since(it.fetched_at));
        let is_fresh = age.is_some_and(|it| it.as_secs() < HOVER_EVERY.as_secs() as i64);
        (n_lately < HOVER_QUERIES_PER_MINUTE && !this_one && !is_fresh).then(|| key.clone())
    }
}

fn access(client: &Result<Client, Error>) -> Access {
    match client {
        Ok(_) => Access::Open,
        Err(Error::SignedOut { .. }) => Access::SignedOut,
        Err(_) => Access::Unsettled,
    }
}

/// Nothing of a part that the server does not give.
fn unless_denied<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(it) => Ok(Some(it)),
        Err(error @ (Error::Forbidden(_) | Error::PaymentRequired(_) | Error::NotFound(_))) => {
            tracing::info!(%error, "PostHog does not give experiments or changes to come");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether a flag differs from what the list has of it.
fn is_news(list: &FlagList, flag: &Flag) -> bool {
    let state =
        |it: &Flag| (it.version, it.updated_at, it.last_called_at, it.active, it.archived, it.deleted);
    list.by_key
        .get(&flag.key)
        .is_none_or(|it| it.id != flag.id || state(it) != state(flag) || it.stamp() != flag.stamp())
}

/// Puts a flag into the list in place of its older self, which may have had another key.
pub(super) fn replace(list: &mut FlagList, flag: Arc<Flag>) {
    list.by_key.retain(|key, it| it.id != flag.id || *key == flag.key);
    list.insert(flag);
}
