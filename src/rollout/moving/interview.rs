use serde_json::{Value, json};

use super::Rollout;
use super::evidence::asked;
use super::tell::Elected;
use crate::feature::{Happened, Ladder, transitions};
use crate::posthog::Error;
use crate::posthog::objects::Kind as Object;
use crate::posthog::queries::{self, Wanted};
use crate::rollout::decide;
use crate::rollout::message::Kind;

/// Where the invitation to an interview stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invitation {
    /// There is none, or it is not its stage yet, or it is over.
    None,
    /// It waits for people who can be asked: so many there are, of so many.
    Waits(u64, u64),
    /// It can begin, with these people.
    Begins(Vec<String>),
    /// It is shown to so many people.
    Shown(u64),
    /// It cannot begin, for this reason.
    Trouble(String),
}

/// The survey of an invitation, as PostHog shows it.
type Survey = Value;

impl Rollout<'_> {
    /// Where the invitation stands, and its survey. Nobody is asked where the brief has none, or where the message that
    /// it began was sent.
    pub(in crate::rollout) async fn invitation(&self) -> Result<(Invitation, Survey), Error> {
        let nothing = |it| Ok((it, Value::Null));
        let Some(interview) = self.brief.interview.clone() else { return nothing(Invitation::None) };
        if !self.is_time_to_ask() {
            return nothing(Invitation::None);
        }
        let survey = match self.survey().await? {
            Err(why) => return nothing(Invitation::Trouble(why)),
            Ok(survey) => survey,
        };
        let wanted = u64::from(interview.people());
        if !survey["start_date"].is_null() {
            return Ok((Invitation::Shown(wanted), survey));
        }
        let Some(flag) = self.met_since() else { return nothing(Invitation::None) };
        let (table, event) = (self.base.table, interview.event.as_deref());
        let query = queries::people_to_ask(table, &flag, event, interview.people());
        let people = match asked(self.base, &query).await? {
            Err(why) => return nothing(Invitation::Trouble(why)),
            Ok(rows) => queries::people_rows(&rows),
        };
        let n = people.len() as u64;
        Ok((if n < wanted { Invitation::Waits(n, wanted) } else { Invitation::Begins(people) }, survey))
    }

    /// Whether the stage of the interview is open.
    fn is_time_to_ask(&self) -> bool {
        let Some(filters) = self.flag.filters().filter(|_| self.flag.is_evaluated()) else { return false };
        let ladder = Ladder::of(&self.plan, &filters);
        let open = ladder.position().filter(|_| ladder.stopped().is_none()).map(|it| it.0);
        open.zip(self.interview_rung()).is_some_and(|(open, stage)| open >= stage)
    }

    /// Since when people count who can be asked: since the stage of the interview was opened, or a later one in its place.
    /// Those who met it there are not forgotten when the next stage opens.
    fn met_since(&self) -> Option<Wanted> {
        let wanted = self.wanted()?;
        let stage = self.interview_rung()?;
        let at = |number: u32, name: &str| {
            let named = self.plan.stages.iter().position(|it| it.name == name);
            named.or((number as usize).checked_sub(1))
        };
        let opened = self.history.iter().flat_map(|it| transitions(&self.flag, it));
        let opened = opened.filter_map(|it| match it.what {
            Happened::Entered { number, stage: name, .. } if at(number, &name) >= Some(stage) => Some(it.at),
            _ => None,
        });
        Some(Wanted { since: opened.min().map_or(wanted.since, |it| it.min(wanted.since)), ..wanted })
    }

    async fn survey(&self) -> Result<Result<Survey, String>, Error> {
        let key = &self.brief.key;
        let listed = match self.base.client.objects(&self.base.project, Object::Survey, key).await {
            Err(error) if error.is_refusal() => return Ok(Err(error.to_string())),
            answer => answer?,
        };
        let found = decide::survey(key, Some(&self.flag), &listed).filter(|it| it["archived"] != true);
        Ok(found.ok_or_else(|| format!("its survey is not there: flagline launch {key} makes it")))
    }

    /// Shows the invitation to exactly these people: they become a static cohort. The flag is written first, so that of
    /// many one begins. Whether it began.
    pub(in crate::rollout) async fn invite(
        &mut self,
        people: &[String],
        survey: &Survey,
    ) -> Result<bool, Error> {
        let Some(rung) = self.interview_rung() else { return Ok(false) };
        if !self.elected.contains(&Kind::Interview) {
            if self.is_claimed(Kind::Interview) {
                return Ok(false);
            }
            if self.elect(rung, Kind::Interview.name()).await? != Elected::Us {
                return Ok(false);
            }
            self.elected.push(Kind::Interview);
        }
        let (client, project) = (&self.base.client, &self.base.project);
        let id = survey["id"].as_str().unwrap_or_default();
        let cohort = self.cohort_of(people).await?;
        let groups = json!([{
            "properties": [{ "key": "id", "type": "cohort", "operator": "in", "value": cohort }],
            "rollout_percentage": 100,
            "variant": null,
        }]);
        let body = json!({ "targeting_flag_filters": { "groups": groups }, "responses_limit": people.len() });
        client.change(project, Object::Survey, id, &body).await?;
        match client.act(project, Object::Survey, id, "launch", &json!({})).await {
            Err(Error::NotFound(_)) => {
                let now = json!({ "start_date": self.base.now });
                client.change(project, Object::Survey, id, &now).await?;
            }
            answer => drop(answer?),
        }
        Ok(true)
    }

    /// The cohort of those who are asked; one that was made before stays as it is. What is older than the flag is of an
    /// earlier one of its key.
    async fn cohort_of(&self, people: &[String]) -> Result<Value, Error> {
        let (client, project) = (&self.base.client, &self.base.project);
        let name = format!("{}: interview", self.brief.key);
        let listed = client.objects(project, Object::Cohort, &name).await?;
        let is_ours = |it: &&Value| it["name"] == name.as_str() && !decide::is_older(it, &self.flag);
        if let Some(found) = listed.iter().find(is_ours) {
            return Ok(found["id"].clone());
        }
        let body = json!({
            "name": name,
            "description": decide::marker(&self.brief.key),
            "is_static": true,
            "_create_static_person_ids": people,
        });
        Ok(client.make(project, Object::Cohort, &body).await?["id"].clone())
    }

    fn interview_rung(&self) -> Option<usize> {
        self.brief.interview.as_ref()?.stage_in(&self.plan)
    }
}
