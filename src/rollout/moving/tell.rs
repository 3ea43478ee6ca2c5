use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Rollout;
use super::evidence::asked;
use crate::feature::{Remarks, Telling, rung_of};
use crate::flags::FlagKey;
use crate::posthog::Error;
use crate::posthog::objects::Kind as Object;
use crate::posthog::queries::{self, Owed};
use crate::rollout::decide::{self, Due, SETTLED, Surroundings, Webhook};
use crate::rollout::launch::{webhook, webhook_from_here};
use crate::rollout::message::{Kind, Message};
use crate::rollout::messenger::Messenger;

/// What became of messages.
#[derive(Debug, Default)]
pub struct Told {
    /// These were sent.
    pub sent: Vec<Message>,
    /// What else was done, as sentences.
    pub done: Vec<String>,
    /// What is to say of it.
    pub warnings: Vec<String>,
}

impl Told {
    fn waits(&mut self, kind: Kind, why: &Error) {
        self.warnings.push(format!("a message waits ({}): {why}", kind.name()));
    }
}

/// Who sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elected {
    /// This run.
    Us,
    /// Whoever was faster.
    Another,
    /// The flag cannot be written here.
    Nobody,
}

/// The claim to tell a webhook what it was not told.
const WEBHOOK: &str = "webhook";

/// That a webhook is told something late.
pub(in crate::rollout) fn late_words(it: &Owed) -> String {
    format!("tells the webhook what it was not told before: {}", it.post.kind)
}

/// What happened that a webhook was not told.
fn kinds(owed: &[Owed]) -> String {
    owed.iter().map(|it| &*it.post.kind).collect::<Vec<_>>().join(", ")
}

/// Whether PostHog does not take a write as it is.
fn is_not_taken(error: &Error) -> bool {
    matches!(error, Error::ApprovalRequired { .. } | Error::Invalid { .. })
}

impl Rollout<'_> {
    /// The messages that there should be and that were not captured; those that somebody else is about to send are not
    /// among them.
    pub fn to_tell(&self, around: &Surroundings) -> Vec<Due> {
        let Some(told) = &self.told else { return Vec::new() };
        let mut due = self.all_due(around);
        due.retain(|it| !told.contains(&it.message.id(self.base.project.id)) && !self.is_anothers(it));
        due
    }

    fn all_due(&self, around: &Surroundings) -> Vec<Due> {
        let situation = self.situation();
        let is_told =
            |it: Message| self.told.as_ref().is_some_and(|told| told.contains(&it.id(self.base.project.id)));
        let is_launch_told = decide::launched(&situation).is_some_and(is_told);
        decide::due(&situation, around, is_launch_told)
    }

    /// Looks which of the messages were captured that the conditions say somebody is about to send.
    pub(super) fn note_finished(&mut self) {
        let Some(told) = &self.told else { return };
        let around = Surroundings { interview: Some(0), ..Surroundings::default() };
        let due = self.all_due(&around);
        let is_told = |it: &Due| told.contains(&it.message.id(self.base.project.id));
        let groups = self.flag.filters().map(|it| it.groups).unwrap_or_default();
        let claims = groups.iter().filter_map(|it| rung_of(&self.plan, it.description.as_deref()?));
        let finished = claims.flat_map(|(at, remarks)| remarks.telling.into_iter().map(move |it| (at, it)));
        let is_finished = |(at, claim): &(usize, Telling)| {
            let is_of_claim = |it: &&Due| it.rung == *at && it.message.kind.name() == claim.kind;
            let of_claim: Vec<&Due> = due.iter().filter(is_of_claim).collect();
            !of_claim.is_empty() && of_claim.into_iter().all(is_told)
        };
        let is_owed_nothing = self.owed.as_ref().is_some_and(Vec::is_empty);
        let is_over =
            |it: &(usize, Telling)| if it.1.kind == WEBHOOK { is_owed_nothing } else { is_finished(it) };
        self.finished = finished.filter(is_over).map(|it| it.1).collect();
    }

    /// Whether it was told that invitations to the interview are shown.
    pub fn was_told_of_interview(&self) -> bool {
        let Some(told) = &self.told else { return false };
        let message = decide::invited(&self.situation());
        message.is_some_and(|it| told.contains(&it.id(self.base.project.id)))
    }

    /// Whether somebody else is about to send it: who wrote the flag sends what follows from that.
    fn is_anothers(&self, due: &Due) -> bool {
        if self.elected.contains(&due.message.kind) {
            return false;
        }
        self.is_claimed(due.message.kind) || due.since.is_some_and(|it| self.is_fresh(it))
    }

    /// Whether somebody wrote into the flag a moment ago that they send such a message.
    pub(super) fn is_claimed(&self, kind: Kind) -> bool {
        self.claimed(kind.name()).is_some_and(|it| self.is_fresh(it))
    }

    /// When somebody last wrote into the flag that they tell something.
    fn claimed(&self, what: &str) -> Option<Timestamp> {
        let claims = self.flag.filters().map(|it| it.groups).unwrap_or_default();
        let claims = claims.into_iter().filter_map(|it| Remarks::parse(it.description.as_deref()?));
        claims.flat_map(|it| it.telling).filter(|it| it.kind == what).map(|it| it.since).max()
    }

    fn is_fresh(&self, since: Timestamp) -> bool {
        self.base.now.duration_since(since) < SETTLED
    }

    /// Sends the messages that are due. Before each one that nobody was elected to send, the flag is written: of many who
    /// come to this at once, one wins.
    pub async fn tell(&mut self, around: &Surroundings) -> Result<Told, Error> {
        let mut told = Told::default();
        self.tell_messages(around, &mut told).await?;
        self.tell_webhook(&mut told).await?;
        Ok(told)
    }

    async fn tell_messages(&mut self, around: &Surroundings, told: &mut Told) -> Result<(), Error> {
        if self.told.is_none() {
            told.warnings.push("messages wait: whether they were sent before could not be asked".into());
        }
        if let Some(why) = &self.history_trouble {
            told.warnings.push(format!("messages wait: what happened to the flag could not be read: {why}"));
            return Ok(());
        }
        if let Some(why) = &self.history_refused {
            told.warnings.push(format!(
                "nobody is told of stages and stops: they stand in the flag's activity, which cannot be read: {why}"
            ));
        }
        for due in self.to_tell(around) {
            if !self.is_ours_to_send(&due, told).await? {
                continue;
            }
            let message = self.worded(due.message).await?;
            match self.send(&message).await {
                Ok(warning) => told.warnings.extend(warning),
                Err(error) => {
                    told.waits(message.kind, &error);
                    continue;
                }
            }
            self.told.get_or_insert_default().insert(message.id(self.base.project.id));
            self.note_finished();
            told.sent.push(message);
        }
        Ok(())
    }

    /// Tells the webhook what it was not told when that was captured. Who does not know its address leaves it to others.
    pub(in crate::rollout) async fn tell_webhook(&mut self, told: &mut Told) -> Result<(), Error> {
        told.warnings.extend(self.given_up_words());
        let late = self.owed_now();
        if late.is_empty() {
            return Ok(());
        }
        if let Some(why) = self.webhook_waits(&late) {
            told.warnings.push(why);
            return Ok(());
        }
        match self.elect(0, WEBHOOK).await {
            Ok(Elected::Us) => {}
            Ok(Elected::Another) => return Ok(()),
            Ok(Elected::Nobody) => {
                told.warnings.push("the webhook waits: the flag cannot be written here".into());
                return Ok(());
            }
            Err(error) if error.is_refusal() || is_not_taken(&error) => {
                told.warnings.push(format!("the webhook waits ({}): {error}", kinds(&late)));
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let webhook = self.webhook();
        let messenger = self.messenger(&webhook);
        for it in &late {
            match messenger.post(&it.post, it.unanswered).await {
                Ok(warning) => {
                    told.done.push(late_words(it));
                    told.warnings.extend(warning);
                }
                Err(why) => told.warnings.push(format!("{}: {why}", it.post.kind)),
            }
        }
        Ok(())
    }

    /// What its webhook is told late, now.
    pub(in crate::rollout) fn owed_now(&self) -> Vec<Owed> {
        let owed = self.owed.as_deref().unwrap_or_default();
        decide::owed_now(owed, self.claimed(WEBHOOK), self.base.now).into_iter().cloned().collect()
    }

    /// Why its webhook is not told late from here: its address is not known.
    pub(in crate::rollout) fn webhook_waits(&self, late: &[Owed]) -> Option<String> {
        let Webhook::Missing(variable) = self.webhook() else { return None };
        let what = kinds(late);
        let why = format!("the webhook waits ({what}): its address is not in the variable {variable}");
        (!late.is_empty()).then_some(why)
    }

    /// What its webhook is not told any more, since a moment ago.
    pub(in crate::rollout) fn given_up_words(&self) -> Option<String> {
        let owed = self.owed.as_deref().unwrap_or_default();
        let given_up: Vec<Owed> = decide::given_up(owed, self.base.now).into_iter().cloned().collect();
        let what = kinds(&given_up);
        (!given_up.is_empty()).then(|| format!("given up: the webhook was not told for a week: {what}"))
    }

    fn webhook(&self) -> Webhook {
        webhook(&self.brief, |name| std::env::var(name).ok())
    }

    /// Takes what the webhook of its brief was not told, of what all of them were not.
    pub(in crate::rollout) fn take_owed(&mut self, all: Option<&BTreeMap<FlagKey, Vec<Owed>>>) {
        let Some(name) = webhook_from_here(&self.brief) else {
            self.owed = Some(Vec::new());
            return;
        };
        let of_flag =
            |all: &BTreeMap<FlagKey, Vec<Owed>>| all.get(&self.flag.key).cloned().unwrap_or_default();
        self.owed = all.map(|all| of_flag(all).into_iter().filter(|it| it.webhook == name).collect());
    }

    /// Whether this run was elected to send a message, by what it wrote before or by writing so now.
    async fn is_ours_to_send(&mut self, due: &Due, told: &mut Told) -> Result<bool, Error> {
        let kind = due.message.kind;
        if self.elected.contains(&kind) {
            return Ok(true);
        }
        match self.elect(due.rung, kind.name()).await {
            Ok(Elected::Us) => Ok(true),
            Ok(Elected::Another) => Ok(false),
            Ok(Elected::Nobody) => {
                told.warnings.push("a message waits: the flag cannot be written here".into());
                Ok(false)
            }
            Err(error) if error.is_refusal() || is_not_taken(&error) => {
                told.waits(kind, &error);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn send(&self, message: &Message) -> Result<Option<String>, Error> {
        self.messenger(&self.webhook()).send(message).await
    }

    fn messenger<'m>(&'m self, webhook: &'m Webhook) -> Messenger<'m> {
        Messenger {
            host: &self.base.host,
            project: self.base.project.id,
            token: self.base.token.as_deref(),
            webhook: webhook_from_here(&self.brief).map(|name| (name, webhook)),
        }
    }

    /// Writes into the flag who tells something: of many who come to this at once, one wins.
    pub(super) async fn elect(&mut self, rung: usize, what: &str) -> Result<Elected, Error> {
        let Some(body) = decide::claim(&self.start(), rung, what) else { return Ok(Elected::Nobody) };
        match self.base.client.change_flag(&self.base.project, &self.flag, &body).await {
            Ok(flag) => {
                self.flag = flag;
                self.look_at_flag().await?;
                Ok(Elected::Us)
            }
            Err(Error::Conflict(_)) => {
                self.read_again().await?;
                Ok(Elected::Another)
            }
            Err(error) => Err(error),
        }
    }

    /// As it is sent; what is told together with a step was worded before that.
    async fn worded(&mut self, message: Message) -> Result<Message, Error> {
        let project = self.base.project.id;
        match self.met.take_if(|it| it.id(project) == message.id(project)) {
            Some(met) => Ok(met),
            None => self.with_links(message).await,
        }
    }

    /// Words what is to be told of the stage that is left by the next step: afterwards nobody can ask for it.
    pub(in crate::rollout) async fn prepare_met(&mut self) -> Result<(), Error> {
        let due = self.to_tell(&Surroundings::default());
        if let Some(due) = due.into_iter().find(|it| it.message.kind == Kind::Met) {
            self.met = Some(self.with_links(due.message).await?);
        }
        Ok(())
    }

    /// With the places to look at.
    async fn with_links(&self, mut message: Message) -> Result<Message, Error> {
        let mut links = Vec::new();
        if let Some(dashboard) = self.flag.dashboards.first() {
            links.push(format!("Dashboard: {}", self.base.page(format!("dashboard/{dashboard}"))));
        }
        if matches!(message.kind, Kind::Met | Kind::Entered | Kind::Stopped | Kind::Review)
            && let Some(playlist) = self.playlist().await?
        {
            links.push(format!("Recordings: {}", self.base.page(format!("replay/playlists/{playlist}"))));
        }
        if matches!(message.kind, Kind::Met | Kind::Stopped) {
            let errors = self.errors(message.kind).await?;
            if !errors.is_empty() {
                links.push(format!("Errors: {}; {}", errors.join(", "), self.base.page("error_tracking")));
            }
        }
        if !links.is_empty() {
            message.text = format!("{} {}", message.text, links.join(" "));
        }
        Ok(message)
    }

    async fn playlist(&self) -> Result<Option<String>, Error> {
        let key = &self.brief.key;
        let listed = match self.base.client.objects(&self.base.project, Object::Playlist, key).await {
            Err(error) if error.is_refusal() => return Ok(None),
            answer => answer?,
        };
        let is_ours = |it: &&serde_json::Value| {
            decide::is_marked(it, key)
                || it["name"].as_str().is_some_and(|it| it.starts_with(&format!("{key}:")))
        };
        Ok(listed.iter().find(is_ours).and_then(|it| it["short_id"].as_str()).map(str::to_owned))
    }

    /// What people met, and how many did: since the stage was opened; of one that was closed, in the last day.
    async fn errors(&self, kind: Kind) -> Result<Vec<String>, Error> {
        let day_ago = self.base.now.checked_sub(SignedDuration::from_hours(24)).unwrap_or(self.base.now);
        let of_last_day = queries::Wanted { key: self.brief.flag(), since: day_ago };
        let wanted = self.wanted().filter(|_| kind != Kind::Stopped).unwrap_or(of_last_day);
        let rows = asked(self.base, &queries::errors(self.base.table, &wanted)).await?;
        Ok(rows.map(|it| queries::error_rows(&it)).unwrap_or_default())
    }
}
