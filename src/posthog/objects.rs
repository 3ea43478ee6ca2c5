//! The objects that a feature has besides its flag: each found, made and changed alike (posthog-api 4).

use std::collections::BTreeMap;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;

use super::{Client, Error};
use crate::flags::{Flag, Project};
use crate::posthog::wire;

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 4.1
    EarlyAccess,
    /// 4.2
    Cohort,
    /// 4.3
    Experiment,
    /// 4.4
    Dashboard,
    /// 4.5
    Insight,
    /// 4.6
    Alert,
    /// 4.8
    Playlist,
    /// 4.9
    Survey,
    /// 4.10
    Annotation,
    /// 4.12
    HogFunction,
}

/// The types of functions that tell somebody.
pub(super) const TELLING_TYPES: &str = "destination,internal_destination";

impl Kind {
    /// The part of the path, and PostHog's name of the scope with an `s` at most.
    fn path(self) -> &'static str {
        match self {
            Kind::EarlyAccess => "early_access_feature",
            Kind::Cohort => "cohorts",
            Kind::Experiment => "experiments",
            Kind::Dashboard => "dashboards",
            Kind::Insight => "insights",
            Kind::Alert => "alerts",
            Kind::Playlist => "session_recording_playlists",
            Kind::Survey => "surveys",
            Kind::Annotation => "annotations",
            Kind::HogFunction => "hog_functions",
        }
    }
}

impl Client {
    /// Whose key this is, with the number that alerts want of people.
    pub async fn owner(&self) -> Result<Value, Error> {
        self.get("/api/users/@me/", &[]).await
    }

    /// The members of the key's organization.
    pub async fn members(&self) -> Result<Vec<Value>, Error> {
        self.pages("/api/organizations/@current/members/", &[]).await
    }

    /// The objects of a kind that are not deleted. Older servers do not know `search` and send them all: whoever asks
    /// compares.
    pub async fn objects(&self, project: &Project, kind: Kind, search: &str) -> Result<Vec<Value>, Error> {
        let mut query: Vec<(&str, String)> = Vec::new();
        query.extend((!search.is_empty()).then(|| ("search", search.to_owned())));
        // Without it, newer servers leave out those that internal events start.
        query.extend((kind == Kind::HogFunction).then(|| ("types", TELLING_TYPES.into())));
        let mut found: Vec<Value> = self.pages(&path(project, kind), &query).await?;
        found.retain(|it| it["deleted"] != true);
        Ok(found)
    }

    /// One object.
    pub async fn object(&self, project: &Project, kind: Kind, id: &str) -> Result<Value, Error> {
        self.get(&format!("{}{id}/", path(project, kind)), &[]).await
    }

    /// Makes an object.
    pub async fn make(&self, project: &Project, kind: Kind, body: &Value) -> Result<Value, Error> {
        self.send(Method::POST, &path(project, kind), body).await
    }

    /// Changes these fields of an object.
    pub async fn change(
        &self,
        project: &Project,
        kind: Kind,
        id: &str,
        body: &Value,
    ) -> Result<Value, Error> {
        self.send(Method::PATCH, &format!("{}{id}/", path(project, kind)), body).await
    }

    /// Does something to an object, by an action of newer servers.
    pub async fn act(
        &self,
        project: &Project,
        kind: Kind,
        id: &str,
        action: &str,
        body: &Value,
    ) -> Result<Value, Error> {
        self.send(Method::POST, &format!("{}{id}/{action}/", path(project, kind)), body).await
    }

    /// Takes an object away: early access features, whose flag stays.
    pub async fn remove(&self, project: &Project, kind: Kind, id: &str) -> Result<(), Error> {
        self.delete(&format!("{}{id}/", path(project, kind))).await
    }

    /// Lets PostHog change a flag by itself at a time (posthog-api 3).
    pub async fn schedule(
        &self,
        project: &Project,
        flag: u64,
        at: Timestamp,
        payload: &Value,
    ) -> Result<(), Error> {
        let body = serde_json::json!({
            "record_id": flag.to_string(),
            "model_name": "FeatureFlag",
            "scheduled_at": at,
            "payload": payload,
        });
        let path = format!("/api/projects/{}/scheduled_changes/", project.id);
        self.send::<Value>(Method::POST, &path, &body).await.map(drop)
    }

    /// Takes back what PostHog would do by itself; what was done is not.
    pub async fn unschedule(&self, project: &Project, id: u64) -> Result<(), Error> {
        self.delete(&format!("/api/projects/{}/scheduled_changes/{id}/", project.id)).await
    }

    /// Changes fields of a flag, if they still are what they were when it was read. On servers without versions it is
    /// read once more and compared.
    pub async fn change_flag(&self, project: &Project, flag: &Flag, body: &Value) -> Result<Flag, Error> {
        let mut body = body.clone();
        if flag.version.is_none() {
            let now = self.flag(project, flag.id).await?;
            if now.stamp() != flag.stamp() {
                return Err(Error::Conflict("somebody changed the flag since it was read".into()));
            }
        }
        let names: Vec<String> = body.as_object().into_iter().flatten().map(|it| it.0.clone()).collect();
        let original = names.into_iter().map(|name| {
            let value = field(flag, &name);
            (name, value)
        });
        let original: Value = original.collect::<serde_json::Map<_, _>>().into();
        // A flag that was never changed may have no version, and PostHog refuses a null.
        if let (Some(body), Some(version)) = (body.as_object_mut(), flag.version) {
            body.insert("version".into(), version.into());
            body.insert("original_flag".into(), original);
        }
        let path = format!("/api/projects/{}/feature_flags/{}/", project.id, flag.id);
        let flag: wire::Flag = self.send(Method::PATCH, &path, &body).await?;
        Ok(flag.into())
    }

    /// How many people or groups a condition touches, of how many: `{"condition", "group_type_index"}`.
    pub async fn blast_radius(&self, project: &Project, body: &Value) -> Result<(u64, u64), Error> {
        let path = format!("/api/projects/{}/feature_flags/user_blast_radius/", project.id);
        let answer: Value = self.send(Method::POST, &path, body).await?;
        let number =
            |new: &str, old: &str| answer.get(new).or_else(|| answer.get(old)).and_then(Value::as_u64);
        let affected = number("affected", "users_affected").zip(number("total", "total_users"));
        affected.ok_or_else(|| self.not_understood("the number of people is missing".into()))
    }

    /// The Slack workspaces, and the channels of one.
    pub async fn slack_workspaces(&self, project: &Project) -> Result<Vec<Value>, Error> {
        let path = format!("/api/projects/{}/integrations/", project.id);
        let found: Vec<Value> = self.pages(&path, &[("kind", "slack".into())]).await?;
        Ok(found.into_iter().filter(|it| it["kind"] == "slack").collect())
    }

    /// The channels of a Slack workspace.
    pub async fn slack_channels(&self, project: &Project, workspace: u64) -> Result<Vec<Value>, Error> {
        let path = format!("/api/projects/{}/integrations/{workspace}/channels/", project.id);
        let answer: Value = self.get(&path, &[]).await?;
        Ok(answer["channels"].as_array().cloned().unwrap_or_default())
    }

    /// Whether changes of flags may have to be approved. Not where there are no approvals; perhaps where that may not be
    /// asked.
    pub async fn gates_flags(&self, project: &Project) -> Result<bool, Error> {
        match self.of_approvals(project, "approval_policies", &[]).await {
            Err(Error::Forbidden(_)) => Ok(true),
            Err(Error::PaymentRequired(_)) => Ok(false),
            policies => {
                let of_flags =
                    |it: &Value| it["action_key"].as_str().is_some_and(|it| it.starts_with("feature_flag."));
                Ok(policies?.iter().any(|it| it["enabled"] != false && of_flags(it)))
            }
        }
    }

    /// The changes of a flag that wait for an approval, newest first. None where there are no approvals.
    pub async fn pending_changes(&self, project: &Project, flag: u64) -> Result<Vec<Value>, Error> {
        let id = flag.to_string();
        let found = self.pending(project, &[("resource_id", id.clone())]).await?;
        Ok(found.into_iter().filter(|it| it["resource_id"] == id.as_str()).collect())
    }

    /// The flags of which a change waits for an approval, with the number of the newest change request.
    pub async fn flags_that_wait(&self, project: &Project) -> Result<BTreeMap<u64, String>, Error> {
        let found = self.pending(project, &[]).await?;
        let flag =
            |it: &Value| Some((it["resource_id"].as_str()?.parse().ok()?, it["id"].as_str()?.to_owned()));
        let of_flags = found.iter().filter(|it| it["resource_type"] == "feature_flag");
        Ok(of_flags.rev().filter_map(flag).collect())
    }

    async fn pending(&self, project: &Project, more: &[(&str, String)]) -> Result<Vec<Value>, Error> {
        let query: Vec<(&str, String)> =
            std::iter::once(("state", "pending".to_owned())).chain(more.iter().cloned()).collect();
        match self.of_approvals(project, "change_requests", &query).await {
            // Nothing is gated without the feature; without the scope the write itself tells, and PostHog files no second
            // request for the same kind of change.
            Err(Error::Forbidden(_) | Error::PaymentRequired(_)) => Ok(Vec::new()),
            found => Ok(found?.into_iter().filter(|it| it["state"] == "pending").collect()),
        }
    }

    /// A list of approvals, which servers have in one of two places; nothing where they know none.
    async fn of_approvals(
        &self,
        project: &Project,
        what: &str,
        query: &[(&str, String)],
    ) -> Result<Vec<Value>, Error> {
        for prefix in ["projects", "environments"] {
            match self.pages(&format!("/api/{prefix}/{}/{what}/", project.id), query).await {
                Err(Error::NotFound(_)) => {}
                answer => return answer,
            }
        }
        Ok(Vec::new())
    }
}

fn path(project: &Project, kind: Kind) -> String {
    format!("/api/projects/{}/{}/", project.id, kind.path())
}

/// A field of a flag as it was read.
fn field(flag: &Flag, name: &str) -> Value {
    match name {
        "active" => flag.active.into(),
        "filters" => serde_json::from_str(flag.filters.get()).unwrap_or_default(),
        "analytics_dashboards" => flag.dashboards.clone().into(),
        _ => Value::Null,
    }
}
