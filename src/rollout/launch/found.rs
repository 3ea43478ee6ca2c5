//! What is there of a feature: found by link, name and marker.

use serde_json::Value;

use super::super::decide::{
    self, Found, FunctionKind, Pending, Refused, SlackChannel, Slot, SwitchedOff, Target,
};
use super::super::follow::functions_about;
use super::super::message::EVENT;
use super::launched;
use crate::feature::{Audience, TAG};
use crate::flags::{Flag, Project};
use crate::posthog::objects::Kind;
use crate::posthog::{Client, Error, queries};

struct Finder<'a> {
    client: &'a Client,
    project: &'a Project,
    target: &'a Target,
    found: Found,
    slots: Vec<(Slot, String)>,
    /// All functions that tell somebody something.
    functions: Vec<Value>,
}

/// Everything that is there. What the plan or the key does not allow is noted, and the rest is looked for.
pub(super) async fn find(client: &Client, project: &Project, target: &Target) -> Result<Found, Error> {
    let slots = decide::steps(target, &Found::default()).into_iter().map(|it| (it.slot, it.name)).collect();
    let mut finder =
        Finder { client, project, target, found: Found::default(), slots, functions: Vec::new() };
    finder.flag().await?;
    finder.functions().await?;
    finder.cohorts().await?;
    finder.beside_flag().await?;
    finder.dashboard().await?;
    finder.others().await?;
    finder.slack().await?;
    finder.take_functions().await?;
    finder.told().await?;
    finder.switched_off().await?;
    Ok(finder.found)
}

impl Finder<'_> {
    fn wants(&self, is: impl Fn(&Slot) -> bool) -> bool {
        self.slots.iter().any(|it| is(&it.0))
    }

    /// The answer to a list, unless the plan, the key or the server does not have it: then what is of it is refused.
    fn allowed<T>(
        &mut self,
        answer: Result<T, Error>,
        is: impl Fn(&Slot) -> bool,
    ) -> Result<Option<T>, Error> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_refusal() => {
                let slots = self.slots.iter().map(|it| &it.0).filter(|it| is(it));
                for slot in slots.cloned().collect::<Vec<Slot>>() {
                    self.found.refused.insert(slot, Refused(refusal(&error)));
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, pairs: Vec<(Slot, Value)>) {
        self.found.objects.extend(pairs);
    }

    fn slots(&self, is: impl Fn(&Slot) -> bool) -> Vec<Slot> {
        self.slots.iter().map(|it| it.0.clone()).filter(is).collect()
    }

    async fn flag(&mut self) -> Result<(), Error> {
        self.found.flag = self.client.flag_by_key(self.project, &self.target.brief.flag()).await?;
        let Some(flag) = &self.found.flag else { return Ok(()) };
        let waiting = self.client.pending_changes(self.project, flag.id).await?;
        let of = |action: &str| {
            let is = |it: &&Value| it["action_key"].as_str().is_none_or(|it| it.ends_with(action));
            let id = waiting.iter().find(is)?["id"].as_str().unwrap_or_default();
            Some(Pending { id: id.to_owned() })
        };
        let (enable, update) = (of(".enable"), of(".update"));
        self.found.pending = enable.filter(|_| !flag.active);
        self.found.pending_conditions = update;
        Ok(())
    }

    /// Functions. A server that knows neither them nor alerts is of the time before insights were queries.
    async fn functions(&mut self) -> Result<(), Error> {
        let flag = self.found.flag.as_ref().map(|it| it.id);
        let listed = functions_about(self.client, self.project, self.target.key(), flag).await;
        if matches!(listed, Err(Error::NotFound(_))) {
            let alerts = self.client.objects(self.project, Kind::Alert, self.target.key()).await;
            self.found.is_old = matches!(alerts, Err(Error::NotFound(_)));
        }
        self.functions = self.allowed(listed, Slot::is_function)?.unwrap_or_default();
        Ok(())
    }

    /// Which function is which, once the channel is known: also of what the brief names no more.
    async fn take_functions(&mut self) -> Result<(), Error> {
        for slot in FunctionKind::ALL.map(Slot::Function).into_iter().chain([Slot::AlertFunction]) {
            let Some(function) = decide::function(self.target, &self.found, &slot, &self.functions) else {
                continue;
            };
            let mut function = function.clone();
            // One that is known by its name alone was not read as a whole.
            if function["inputs"].is_null() {
                let id = function["id"].as_str().unwrap_or_default();
                function = self.client.object(self.project, Kind::HogFunction, id).await?;
            }
            self.found.objects.insert(slot, function);
        }
        Ok(())
    }

    async fn cohorts(&mut self) -> Result<(), Error> {
        let of_cohorts = |it: &Audience| matches!(it, Audience::Cohort(_) | Audience::CohortNamed { .. });
        if !self.target.plan.stages.iter().any(|it| of_cohorts(&it.audience)) {
            return Ok(());
        }
        let listed = self.client.objects(self.project, Kind::Cohort, "").await;
        let Some(listed) = self.allowed(listed, |it| matches!(it, Slot::Cohort(_)))? else { return Ok(()) };
        let name = |it: &Value| it["name"].as_str().unwrap_or_default().to_owned();
        let named = listed.iter().filter_map(|it| Some((it["id"].as_u64()?, name(it))));
        self.found.cohorts = Some(named.collect());
        for cohort in &listed {
            let Some(id) = cohort["id"].as_u64() else { continue };
            if is_behavioral(cohort) {
                self.found.behavioral_cohorts.insert(id);
            }
        }
        let cohorts = decide::cohorts(self.target, &self.found, &listed);
        self.take(cohorts);
        Ok(())
    }

    async fn dashboard(&mut self) -> Result<(), Error> {
        let is = |it: &Slot| matches!(it, Slot::Dashboard | Slot::Insight(_) | Slot::Layout);
        let linked = self.found.flag.as_ref().map(|it| it.dashboards.clone()).unwrap_or_default();
        let name =
            self.slots.iter().find(|it| it.0 == Slot::Dashboard).map(|it| it.1.clone()).unwrap_or_default();
        let mut dashboard = None;
        for id in linked {
            match self.client.object(self.project, Kind::Dashboard, &id.to_string()).await {
                Ok(it) if it["deleted"] != true && self.is_ours(&it, &name) => {
                    dashboard = Some(it);
                    break;
                }
                Ok(_) | Err(Error::NotFound(_)) => {}
                answer => {
                    if self.allowed(answer, is)?.is_none() {
                        return Ok(());
                    }
                }
            }
        }
        if dashboard.is_none() {
            let Some(listed) = self.listed(Kind::Dashboard, &name, is).await? else { return Ok(()) };
            let mut found = listed.iter().find(|it| it["name"] == name.as_str()).cloned();
            if found.is_none() && self.found.flag.is_some() {
                let Some(listed) = self.listed(Kind::Dashboard, "", is).await? else { return Ok(()) };
                found = listed.into_iter().find(|it| decide::is_marked(it, self.target.key()));
            }
            if let Some(id) = found.and_then(|it| it["id"].as_u64()) {
                // A list leaves out the tiles.
                dashboard = Some(self.client.object(self.project, Kind::Dashboard, &id.to_string()).await?);
            }
        }
        let Some(dashboard) = dashboard else { return Ok(()) };
        let tiles = dashboard["tiles"].as_array().into_iter().flatten();
        let insights: Vec<Value> = tiles.map(|it| it["insight"].clone()).filter(|it| !it.is_null()).collect();
        self.found.objects.insert(Slot::Dashboard, dashboard);
        let insights = decide::insights(self.target, &self.found, &insights);
        self.take(insights);
        Ok(())
    }

    /// Whether a linked dashboard is the one that was made here, whatever it is called by now.
    fn is_ours(&self, dashboard: &Value, name: &str) -> bool {
        let is_marked = decide::is_marked(dashboard, self.target.key());
        let is_tagged = dashboard["tags"].as_array().is_some_and(|it| it.iter().any(|it| it == TAG));
        dashboard["name"] == name || is_marked || is_tagged
    }

    async fn others(&mut self) -> Result<(), Error> {
        let playlists = |it: &Slot| matches!(it, Slot::Playlist(_));
        let slots = self.slots(playlists);
        let (target, of_slots) = (self.target, slots.as_slice());
        let find = |found: &Found, list: &[Value]| decide::playlists(target, found, of_slots, list);
        self.find_of(Kind::Playlist, playlists, find).await?;
        let survey = |found: &Found, list: &[Value]| {
            let survey = decide::survey(target.key(), found.flag.as_ref(), list);
            survey.into_iter().map(|it| (Slot::Survey, it)).collect()
        };
        self.find_of(Kind::Survey, |it| *it == Slot::Survey, survey).await?;
        if !self.found.is_old {
            self.alert().await?;
        }
        self.annotation().await
    }

    /// The alert, on which nothing depends: where the server has trouble with alerts, the launch does without.
    async fn alert(&mut self) -> Result<(), Error> {
        let alerts = match self.client.objects(self.project, Kind::Alert, "").await {
            Err(error @ Error::Server { .. }) => {
                self.found.refused.insert(Slot::Alert, Refused(refusal(&error)));
                Vec::new()
            }
            answer => self.allowed(answer, |it| *it == Slot::Alert)?.unwrap_or_default(),
        };
        if let Some(found) = decide::alert(self.target, &self.found, &alerts) {
            self.found.objects.insert(Slot::Alert, found.clone());
        }
        Ok(())
    }

    /// The note that it was launched, whatever the feature was called then. An older one is of an earlier flag of its key.
    async fn annotation(&mut self) -> Result<(), Error> {
        let Some(flag) = self.found.flag.clone().filter(|_| self.wants(|it| *it == Slot::Annotation)) else {
            return Ok(());
        };
        let end = decide::annotation_end(self.target);
        let listed = self.listed(Kind::Annotation, &end, |it| *it == Slot::Annotation).await?;
        let is_ours = |it: &Value| {
            let says = |it: &str| it.contains(" launched, stage ") && it.ends_with(&end);
            it["content"].as_str().is_some_and(says) && !decide::is_older(it, &flag)
        };
        let found = listed.into_iter().flatten().find(is_ours);
        self.take(found.into_iter().map(|it| (Slot::Annotation, it)).collect());
        Ok(())
    }

    /// What hangs on the flag: an early access feature, an experiment.
    async fn beside_flag(&mut self) -> Result<(), Error> {
        let Some(flag) = self.found.flag.clone() else { return Ok(()) };
        if self.wants(|it| *it == Slot::EarlyAccess) || !flag.early_access.is_empty() {
            let listed = self.listed(Kind::EarlyAccess, "", |it| *it == Slot::EarlyAccess).await?;
            let found = listed.into_iter().flatten().find(|it| it["feature_flag"]["id"] == flag.id);
            self.take(found.into_iter().map(|it| (Slot::EarlyAccess, it)).collect());
        }
        self.experiment(&flag).await
    }

    async fn experiment(&mut self, flag: &Flag) -> Result<(), Error> {
        for id in &flag.experiments {
            let answer = self.client.object(self.project, Kind::Experiment, &id.to_string()).await;
            let is = |it: &Slot| matches!(it, Slot::Experiment | Slot::Start);
            let Some(experiment) = self.allowed(answer, is)? else { break };
            if experiment["archived"] != true && experiment["end_date"].is_null() {
                self.found.objects.insert(Slot::Experiment, experiment);
            }
        }
        Ok(())
    }

    /// Finds what bears the key in its name; where that is not all and a launch may have made more, among all others too.
    async fn find_of(
        &mut self,
        kind: Kind,
        is: impl Fn(&Slot) -> bool + Copy,
        find: impl Fn(&Found, &[Value]) -> Vec<(Slot, Value)>,
    ) -> Result<(), Error> {
        let wanted = self.slots(is).len();
        for search in [self.target.key(), ""] {
            let found = self.found.objects.keys().filter(|it| is(it)).count();
            if found >= wanted || (search.is_empty() && self.found.flag.is_none()) {
                break;
            }
            let Some(listed) = self.listed(kind, search, is).await? else { break };
            let pairs = find(&self.found, &listed);
            self.take(pairs);
        }
        Ok(())
    }

    /// The objects of a kind, if they may be had.
    async fn listed(
        &mut self,
        kind: Kind,
        search: &str,
        is: impl Fn(&Slot) -> bool,
    ) -> Result<Option<Vec<Value>>, Error> {
        let listed = self.client.objects(self.project, kind, search).await;
        self.allowed(listed, is)
    }

    async fn slack(&mut self) -> Result<(), Error> {
        let Some(wanted) = self.target.brief.notify.slack.clone().filter(|_| !self.found.is_old) else {
            return Ok(());
        };
        let is = |it: &Slot| {
            matches!(
                it,
                Slot::Function(FunctionKind::SlackMessages | FunctionKind::SlackChanges)
                    | Slot::AlertFunction
            )
        };
        let listed = self.client.slack_workspaces(self.project).await;
        let Some(workspaces) = self.allowed(listed, is)? else { return Ok(()) };
        let mut channel = None;
        for workspace in workspaces.iter().filter_map(|it| it["id"].as_u64()) {
            let listed = self.client.slack_channels(self.project, workspace).await;
            let Some(channels) = self.allowed(listed, is)? else { return Ok(()) };
            let name = wanted.trim_start_matches('#');
            let is_wanted = |it: &&Value| it["id"] == name || it["name"] == name;
            channel = channels.iter().find(is_wanted).and_then(|it| SlackChannel::of(workspace, it));
            if channel.is_some() {
                break;
            }
        }
        let settings = self.target.page("settings/project-integrations");
        let why = match workspaces.is_empty() {
            true => format!("no Slack workspace is connected; connect one under {settings}"),
            false => format!("Slack has no channel '{wanted}' that PostHog sees; invite PostHog to it"),
        };
        self.found.slack = Some(channel.ok_or(why));
        Ok(())
    }

    /// Whether the first message was captured before: also of a flag that is off, which may have been on.
    async fn told(&mut self) -> Result<(), Error> {
        let message = launched(self.target, &self.found).filter(|_| !self.target.leave_off);
        let Some(message) = message else {
            self.found.told = Some(false);
            return Ok(());
        };
        let query = queries::message_count(EVENT, &message.id(self.target.project).to_string());
        self.found.told = match self.client.query(self.project, &query).await {
            Ok(rows) => rows.first().and_then(|it| it.first()).and_then(Value::as_u64).map(|it| it > 0),
            Err(error) if error.is_refusal() || matches!(error, Error::TooSlow) => None,
            Err(error) => return Err(error),
        };
        Ok(())
    }

    /// Whether a flag that is off was launched before: then somebody switched it off.
    async fn switched_off(&mut self) -> Result<(), Error> {
        let Some(flag) = self.found.flag.as_ref().filter(|it| !it.active && !self.target.leave_off) else {
            return Ok(());
        };
        let history = match self.client.history(self.project, flag, self.target.now).await {
            Err(error) if error.is_refusal() => None,
            answer => Some(answer?),
        };
        let may_read = !self.found.refused.contains_key(&Slot::Annotation);
        let is_noted = may_read.then(|| self.found.objects.contains_key(&Slot::Annotation));
        let off = SwitchedOff::of(flag, history.as_ref(), self.found.told, is_noted);
        self.found.switched_off = off;
        Ok(())
    }
}

fn is_behavioral(cohort: &Value) -> bool {
    let kind = cohort["cohort_type"].as_str();
    let is_static = cohort["is_static"] == true;
    !is_static
        && (matches!(kind, Some("behavioral" | "analytical"))
            || (kind.is_none() && behaves(&cohort["filters"])))
}

/// Whether a condition of behaviour stands anywhere in a cohort's rule, for servers that do not say so.
fn behaves(filters: &Value) -> bool {
    match filters {
        Value::Object(map) => {
            map.get("type").is_some_and(|it| it == "behavioral") || map.values().any(behaves)
        }
        Value::Array(list) => list.iter().any(behaves),
        _ => false,
    }
}

/// Why something is not there, in a few words.
pub(super) fn refusal(error: &Error) -> String {
    match error {
        Error::NotFound(_) => "this server does not have it".into(),
        error => error.to_string(),
    }
}
