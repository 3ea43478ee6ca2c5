//! Asking for each part, and putting the answer into what is known.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::budget::{self, MAX_KEYS};
use super::compare::{self, RECENT};
use super::due::{Named, Part, Work};
use super::failure;
use super::site::Site;
use super::written;
use crate::flags::{
    EarlyAccess, Evidence, Experiment, ExperimentResult, Exposure, Flag, FlagKey, FlagList, KeyMetric, Lack,
    Lookup, Outcome, Project, ScheduledChange,
};
use crate::posthog::client::Recent;
use crate::posthog::queries::{self, Evaluations, FLAGS_PER_QUERY, KEYS_PER_QUERY, Query, Wanted};
use crate::posthog::{Client, Error, account};

/// Flags that vanished from the list and are looked up by id, per refresh.
const MAX_VANISHED: usize = 20;

impl Site {
    /// Asks for one thing.
    pub(super) async fn load(&mut self, client: &Client, work: &Work) -> Result<(), Error> {
        if *work == Work::Project {
            return self.load_project(client).await;
        }
        let Some(project) = self.known.project.clone() else { return Ok(()) };
        match work {
            Work::Project | Work::Look | Work::Release => Ok(()),
            Work::WholeList => self.load_whole_list(client, &project).await,
            Work::Compare => self.compare(client, &project).await,
            Work::Changed => self.load_changed(client, &project).await,
            Work::History(_, id) => self.load_history(client, &project, *id).await,
            Work::Plans(part) => self.load_plans(client, &project, *part).await,
            Work::Evidence => self.load_evidence(client, &project).await,
            Work::Exposure => self.load_exposure(client, &project).await,
            Work::NewExposure => self.load_new_exposure(client, &project).await,
            Work::HoverExposure(key) => self.load_hover_exposure(client, &project, key).await,
            Work::Result(id) => self.load_result(client, &project, *id).await,
            Work::Catalog => {
                self.known.catalog = Some(client.catalog(&project).await?.into());
                Ok(())
            }
        }
    }

    async fn load_project(&mut self, client: &Client) -> Result<(), Error> {
        let project = client.project(&self.configured).await?;
        let evaluations = Evaluations::of_mode(project.flag_evaluations_mode);
        let project: Project = project.into();
        if self.known.project.as_ref().is_some_and(|it| it.id != project.id) {
            self.known.forget_project();
        }
        if self.times.project.is_some() && self.evaluations != evaluations {
            // What came from the other table is no longer all.
            self.times.loaded.remove(&Part::Exposure);
            self.times.alone_until.remove(&Part::Exposure);
            self.times.alone_until.remove(&Part::Evidence);
            self.known.evidence.clear();
        }
        self.evaluations = evaluations;
        self.known.project = Some(project);
        if self.known.flags.is_none() {
            // Where no setting names the project, only now is it known which copy is meant.
            self.take_stored();
        }
        if self.known.me.is_none() {
            // Only to tell the user's own changes from those of others, so a key that may not say it will do.
            let me = client.me().await;
            if let Err(error) = &me {
                self.learn_lacks(client, error).await;
            }
            self.known.me = me.ok().map(|it| it.email.into());
        }
        Ok(())
    }

    async fn load_whole_list(&mut self, client: &Client, project: &Project) -> Result<(), Error> {
        let all = client.flags(project).await?;
        let mut list = FlagList::new(all.flags, self.clock.now().at);
        self.lists = self.lists.renewed(&list, all.hides_archived, all.counts);
        self.find_vanished(client, project, &mut list).await?;
        let ids: HashSet<u64> = list.by_key.values().map(|it| it.id).collect();
        self.known.history.retain(|id, _| ids.contains(id));
        self.known.flags = Some(list);
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
        let ids: HashSet<u64> = list.by_key.values().map(|it| it.id).collect();
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

    /// Both short lists: when they add up, all that is known counts as compared now.
    async fn compare(&mut self, client: &Client, project: &Project) -> Result<(), Error> {
        let living = self.recent_flags(client, project, false).await?;
        let archived = match self.lists.hides_archived {
            true => Some(self.recent_flags(client, project, true).await?),
            false => None,
        };
        let now = self.clock.now().at;
        let Some(list) = &mut self.known.flags else { return Ok(()) };
        let mut shows_all = compare::take(list, &living);
        let archived = archived.filter(|it| {
            // What is not archived stands there only where nobody looks at the parameter.
            self.lists.hides_archived = it.flags.iter().all(|it| it.archived);
            self.lists.hides_archived
        });
        if let Some(archived) = &archived {
            shows_all &= compare::take(list, archived) && self.lists.add_up(list, archived, true);
        }
        match shows_all && self.lists.add_up(list, &living, false) {
            true => list.fetched_at = now,
            false => self.times.doubt = true,
        }
        Ok(())
    }

    async fn load_changed(&mut self, client: &Client, project: &Project) -> Result<(), Error> {
        let living = self.recent_flags(client, project, false).await?;
        let Some(list) = &mut self.known.flags else { return Ok(()) };
        let shows_all = compare::take(list, &living);
        if written::is_untold(&living) {
            self.load_written(client, project).await?;
        }
        let Some(list) = &self.known.flags else { return Ok(()) };
        if shows_all && self.lists.add_up(list, &living, false) {
            return Ok(());
        }
        if !shows_all || !self.lists.hides_archived {
            self.times.doubt = true;
            return Ok(());
        }
        // One may have been archived, or taken back.
        let archived = self.recent_flags(client, project, true).await?;
        let Some(list) = &mut self.known.flags else { return Ok(()) };
        let shows_all = compare::take(list, &archived);
        let adds_up = self.lists.add_up(list, &archived, true) && self.lists.add_up(list, &living, false);
        self.times.doubt |= !(shows_all && adds_up);
        Ok(())
    }

    /// A short list that begins where the flags begin that have a date.
    async fn recent_flags(
        &mut self,
        client: &Client,
        project: &Project,
        archived: bool,
    ) -> Result<Recent, Error> {
        let Some(list) = &self.known.flags else {
            return client.recent_flags(project, RECENT, 0, archived).await;
        };
        let skip = self.lists.n_skipped(list, archived);
        let recent = client.recent_flags(project, RECENT, skip, archived).await?;
        if !self.lists.learn(list, &recent, archived) {
            return Ok(recent);
        }
        let skip = self.lists.n_skipped(list, archived);
        client.recent_flags(project, RECENT, skip, archived).await
    }

    async fn load_history(&mut self, client: &Client, project: &Project, id: u64) -> Result<(), Error> {
        let flag =
            self.known.flags.as_ref().and_then(|it| it.by_key.values().find(|it| it.id == id)).cloned();
        let Some(flag) = flag else { return Ok(()) };
        let history = client.history(project, &flag, self.clock.now().at).await?;
        self.known.history.insert(id, Arc::new(history));
        self.known.history_trouble = None;
        Ok(())
    }

    /// A part that this key may not see, or that an older server does not have, is left alone as long as one that was
    /// just loaded.
    async fn load_plans(&mut self, client: &Client, project: &Project, part: Part) -> Result<(), Error> {
        match part {
            Part::Experiments => {
                let asked = or_denied(client.experiments(project).await)?;
                self.known.experiments_trouble = self.denied(client, asked.as_ref().err()).await;
                if let Ok(all) = asked {
                    self.note_read(part);
                    let all = all.into_iter().map(Experiment::from);
                    self.known.experiments = all.map(|it| (it.id, Arc::new(it))).collect();
                }
            }
            Part::Schedules => {
                let asked = or_denied(client.schedules(project).await)?;
                let denied = self.denied(client, asked.as_ref().err()).await;
                // Where the server or the plan has no such changes, none will come.
                self.known.schedules_trouble = denied.filter(|_| matches!(asked, Err(Error::Forbidden(_))));
                if let Ok(all) = asked {
                    self.note_read(part);
                    let mut by_flag: HashMap<u64, Vec<ScheduledChange>> = HashMap::new();
                    for (flag, change) in all.iter().filter_map(|it| it.to_come()) {
                        by_flag.entry(flag).or_default().push(change);
                    }
                    by_flag.values_mut().for_each(|it| it.sort_by_key(|it| it.at));
                    self.known.schedules = by_flag.into_iter().map(|(id, it)| (id, it.into())).collect();
                }
            }
            Part::Cohorts => {
                let asked = or_denied(client.cohorts(project).await)?;
                self.denied(client, asked.as_ref().err()).await;
                if let Ok(all) = asked {
                    self.note_read(part);
                    self.known.cohorts = all.into_iter().map(|it| (it.id, it.name.into())).collect();
                }
            }
            Part::EarlyAccess => {
                let asked = or_denied(client.early_access(project).await)?;
                self.denied(client, asked.as_ref().err()).await;
                if let Ok(all) = asked {
                    self.note_read(part);
                    let all = all.into_iter().map(EarlyAccess::from);
                    self.known.early_access = all.map(|it| (it.id.clone(), Arc::new(it))).collect();
                }
            }
            Part::History | Part::Evidence | Part::Exposure | Part::Results | Part::Catalog => {}
        }
        // What is named and not there is not asked for again at once.
        let is_missing = |it: &&Named| it.part() == part && !it.is_known(&self.known);
        let missing: BTreeSet<Named> = self.named.iter().filter(is_missing).cloned().collect();
        self.times.missing.retain(|it| it.part() != part);
        self.times.missing.extend(missing);
        Ok(())
    }

    /// How an experiment goes. What the server refuses of one says nothing of the others, and is told until it is asked
    /// again.
    async fn load_result(&mut self, client: &Client, project: &Project, id: i64) -> Result<(), Error> {
        let Some(experiment) = self.known.experiments.get(&id).cloned() else { return Ok(()) };
        let now = self.clock.now().at;
        match experiment.metric {
            KeyMetric::Described { .. } => budget::spend(&mut self.known.queries, now, self.mark),
            KeyMetric::Missing | KeyMetric::InFilters => {}
        }
        let (outcome, computed_at) = match client.experiment_result(project, &experiment).await {
            Ok((Some(comparison), at)) => (Outcome::Compared(comparison), at),
            Ok((None, _)) => (Outcome::CannotTell("there is nothing to compare yet".into()), None),
            Err(error) if failure::is_of_one_part(&error) => {
                self.learn_lacks(client, &error).await;
                (Outcome::CannotTell(error.to_string()), None)
            }
            Err(error) => return Err(error),
        };
        let computed_at = computed_at.unwrap_or(now).min(now);
        let result = ExperimentResult { outcome, computed_at, fetched_at: now };
        self.known.results.insert(id, Arc::new(result));
        // What runs no longer is not kept.
        let running = |id: &i64| self.known.experiments.get(id).is_some_and(|it| it.is_running());
        let over: Vec<i64> = self.known.results.keys().copied().filter(|id| !running(id)).collect();
        over.iter().for_each(|id| drop(self.known.results.remove(id)));
        Ok(())
    }

    /// Others need not read it again.
    fn note_read(&mut self, part: Part) {
        self.known.plans_at.insert(part.name().into(), self.clock.now().at);
    }

    /// Why a part is not there, as a sentence.
    async fn denied(&mut self, client: &Client, why: Option<&Error>) -> Option<Arc<str>> {
        let why = why?;
        self.learn_lacks(client, why).await;
        Some(why.to_string().into())
    }

    /// From the first refusal on, it is known what else the key may not do.
    pub(super) async fn learn_lacks(&mut self, client: &Client, why: &Error) {
        let lacks = account::lacks(client, why).await;
        let known = |lack: &Lack| self.known.lacks.contains(lack);
        let new: Vec<Lack> = lacks.into_iter().filter(|it| !known(it)).collect();
        self.known.lacks.extend(new);
    }

    /// Of all rollouts on their way. Those of which there is no row are met by nobody.
    async fn load_evidence(&mut self, client: &Client, project: &Project) -> Result<(), Error> {
        let now = self.clock.now().at;
        let wanted = self.under_way.clone();
        for some in wanted.chunks(FLAGS_PER_QUERY) {
            let rows = self.query(client, project, &queries::met(self.evaluations, some)).await?;
            let mut met = queries::met_rows(&rows);
            for Wanted { key, since } in some {
                let met = met.remove(key).unwrap_or_default();
                let evidence = Evidence { since: *since, met, guards: Vec::new(), fetched_at: now };
                self.known.evidence.insert(key.clone(), Arc::new(evidence));
            }
        }
        let known = &mut self.known;
        let flags = known.flags.as_ref();
        let is_on =
            |key: &FlagKey| flags.and_then(|it| it.by_key.get(key)).is_some_and(|it| it.is_evaluated());
        known.evidence.retain(|key, _| is_on(key));
        known.evidence_trouble = None;
        Ok(())
    }

    async fn load_exposure(&mut self, client: &Client, project: &Project) -> Result<(), Error> {
        let now = self.clock.now();
        let situation = self.situation(now);
        // The leader asks for the keys that it reads; the others for those that it does not.
        let mut keys: Vec<FlagKey> = match self.leads(now) {
            true => situation.known_keys().cloned().collect(),
            false => situation.old_exposure(now).cloned().collect(),
        };
        keys.truncate(MAX_KEYS);
        let exposures = self.query_exposures(client, project, &keys).await?;
        if let Some(trouble) = self.contradiction(&exposures) {
            self.known.exposure_trouble = Some(trouble.into());
            self.times.asked.extend(keys.into_iter().map(|it| (it, now.tick)));
            return Ok(());
        }
        self.take_exposures(exposures);
        Ok(())
    }

    /// Of keys that were just typed. Silence of one of them is an answer where others are heard of.
    async fn load_new_exposure(&mut self, client: &Client, project: &Project) -> Result<(), Error> {
        let now = self.clock.now();
        let mut keys: Vec<FlagKey> = self.situation(now).new_keys(now).cloned().collect();
        keys.truncate(MAX_KEYS);
        self.times.asked.retain(|it, _| self.keys.contains(it));
        self.times.asked.extend(keys.iter().map(|it| (it.clone(), now.tick)));
        let exposures = self.query_exposures(client, project, &keys).await?;
        self.take_unless_all_are_silent(exposures);
        Ok(())
    }

    async fn load_hover_exposure(
        &mut self,
        client: &Client,
        project: &Project,
        key: &FlagKey,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        self.hovers.note(key, now);
        let keys = [key.clone()];
        let counts = queries::exposure_counts(self.evaluations, &keys, self.exposure_days);
        let counts = self.query(client, project, &counts).await?;
        let mut fresh = queries::exposures(&keys, &counts, &[], self.exposure_days, now.at);
        for (key, fresh) in &mut fresh {
            if let Some(before) = self.known.exposure.get(key) {
                (fresh.days, fresh.sdks) = (before.days.clone(), before.sdks.clone());
            }
        }
        self.take_unless_all_are_silent(fresh);
        Ok(())
    }

    /// Why an answer about all keys cannot be right, if it cannot.
    fn contradiction(&self, exposures: &HashMap<FlagKey, Exposure>) -> Option<String> {
        let flags = exposures.keys().filter_map(|it| match self.known.lookup(it) {
            Lookup::Known(flag) => Some(&**flag),
            _ => None,
        });
        let flag = queries::contradicted(exposures, flags)?;
        Some(format!(
            "PostHog has no calls of the flags that are read here, though by its own word '{}' was called: it may keep \
             them in another place",
            flag.key
        ))
    }

    fn take_exposures(&mut self, exposures: HashMap<FlagKey, Exposure>) {
        self.known.exposure_trouble = None;
        self.known.exposure.extend(exposures.into_iter().map(|(key, it)| (key, Arc::new(it))));
    }

    /// An answer about a few keys cannot be right when nobody is heard of at all. That says nothing of the others, so
    /// what is known of these stays as it is, and nothing waits for it.
    fn take_unless_all_are_silent(&mut self, exposures: HashMap<FlagKey, Exposure>) {
        let is_heard = |it: &Exposure| !it.variants.is_empty();
        let heard = self.known.exposure.values().any(|it| is_heard(it)) || exposures.values().any(is_heard);
        if heard || (self.known.exposure_trouble.is_none() && self.contradiction(&exposures).is_none()) {
            self.take_exposures(exposures);
        }
    }

    async fn query_exposures(
        &mut self,
        client: &Client,
        project: &Project,
        keys: &[FlagKey],
    ) -> Result<HashMap<FlagKey, Exposure>, Error> {
        let mut exposures = HashMap::new();
        for keys in keys.chunks(KEYS_PER_QUERY) {
            exposures.extend(self.query_exposure(client, project, keys).await?);
        }
        Ok(exposures)
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
            let counts = queries::exposure_counts(self.evaluations, keys, days);
            let counts = self.query(client, project, &counts).await;
            let trend = queries::exposure_trend(self.evaluations, keys, days);
            let trend = match &counts {
                Ok(_) => self.query(client, project, &trend).await,
                Err(_) => Ok(Vec::new()),
            };
            match (counts, trend) {
                (Err(Error::TooSlow), _) | (_, Err(Error::TooSlow)) if days > 1 => self.exposure_days /= 2,
                (counts, trend) => {
                    return Ok(queries::exposures(keys, &counts?, &trend?, days, self.clock.now().at));
                }
            }
        }
    }

    /// Every query is counted, also one that fails.
    async fn query(
        &mut self,
        client: &Client,
        project: &Project,
        query: &Query,
    ) -> Result<Vec<Vec<serde_json::Value>>, Error> {
        budget::spend(&mut self.known.queries, self.clock.now().at, self.mark);
        client.query(project, query).await
    }
}

/// A part, or why the server does not give it; what stands in the way of everything else too is an error.
fn or_denied<T>(answer: Result<T, Error>) -> Result<Result<T, Error>, Error> {
    match answer {
        Ok(it) => Ok(Ok(it)),
        Err(error) if error.is_refusal() => {
            tracing::info!(%error, "PostHog does not give this part");
            Ok(Err(error))
        }
        Err(error) => Err(error),
    }
}
