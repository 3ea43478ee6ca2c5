//! Following a flag: a function in PostHog tells a channel or a webhook what happens to it, with no client running. What
//! is made, kept, enabled and deleted is decided in [`decide::follow`]; here it is read and written.

use serde_json::{Value, json};

use super::decide::SlackChannel;
use super::decide::follow::{Called, Scene, Step, Whom, address, follow, unfollow, variable};
use crate::config;
use crate::feature::TAG;
use crate::flags::{Flag, FlagKey, Follower, Project, Tells};
use crate::posthog::objects::Kind;
use crate::posthog::{Client, Error, give_scope};
use crate::schema::similar;

/// Why nothing was changed, as a sentence that says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum NotFollowed {
    /// It cannot be, here or by this key.
    #[error("{0}")]
    Refused(String),
    /// PostHog could not be asked.
    #[error(transparent)]
    PostHog(#[from] Error),
}

/// A flag and who follows it.
#[derive(Debug)]
pub struct Following {
    client: Client,
    host: String,
    /// The project of the flag.
    pub project: Project,
    /// The flag, unless it is gone.
    pub flag: Option<Flag>,
    /// What there is.
    pub scene: Scene,
}

/// What came of following.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// What was done.
    pub done: Done,
    /// The function.
    pub follower: Follower,
    /// What is left to be done about it.
    pub warning: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was made.
    Made,
    /// It was there.
    Kept,
    /// It was disabled, and runs again.
    Enabled,
    /// It was disabled, and stays so.
    LeftDisabled,
}

/// A webhook of the team's, with its address out of the environment.
pub fn webhook(name: &str) -> Result<Whom, String> {
    let variable = variable(name)?;
    let address = address(&variable, std::env::var(&variable).ok().as_deref())?;
    Ok(Whom::Webhook { name: name.to_owned(), address })
}

/// All functions that tell somebody something. Lists leave out their inputs: those about the flag are read as a whole.
pub(super) async fn functions_about(
    client: &Client,
    project: &Project,
    key: &str,
    flag: Option<u64>,
) -> Result<Vec<Value>, Error> {
    let mut functions = client.objects(project, Kind::HogFunction, "").await?;
    for function in &mut functions {
        let follower = Follower::of(function).filter(|it| it.is_about(key, flag));
        let Some(follower) = follower.filter(|_| function["inputs"].is_null()) else { continue };
        match client.object(project, Kind::HogFunction, &follower.id).await {
            Ok(whole) => *function = whole,
            // Somebody deleted it meanwhile.
            Err(Error::NotFound(_)) => function["filters"] = Value::Null,
            Err(error) => return Err(error),
        }
    }
    Ok(functions)
}

impl Following {
    /// Reads what is there. Writes nothing.
    pub async fn load(environment: &config::Environment, key: &FlagKey) -> Result<Following, NotFollowed> {
        let client = Client::new(environment)?;
        let project: Project = client.project(environment).await?.into();
        let flag = client.flag_by_key(&project, key).await?;
        let scene = Scene { key: key.clone(), flag: flag.as_ref().map(|it| it.id), functions: Vec::new() };
        let host = environment.host.to_string();
        let mut following = Following { client, host, project, flag, scene };
        following.look().await?;
        Ok(following)
    }

    async fn look(&mut self) -> Result<(), NotFollowed> {
        let (key, flag) = (self.scene.key.as_str(), self.scene.flag);
        let functions = functions_about(&self.client, &self.project, key, flag).await;
        self.scene.functions = functions.map_err(|it| self.explain(it))?;
        Ok(())
    }

    /// Who follows.
    pub fn followers(&self) -> Vec<Follower> {
        self.scene.followers()
    }

    /// The flag, if anybody can follow it; an error says why not.
    pub async fn living_flag(&self) -> Result<&Flag, NotFollowed> {
        let (key, project) = (&self.scene.key, &self.project.name);
        match &self.flag {
            Some(flag) if flag.archived => Err(NotFollowed::Refused(format!(
                "'{key}' is archived, so nothing happens to it that could be told; take it back on its page first: {}",
                self.page(&format!("feature_flags/{}", flag.id))
            ))),
            Some(flag) => Ok(flag),
            None => {
                let all = self.client.flags(&self.project).await?.flags;
                let keys = all.iter().filter(|it| !it.deleted && !it.archived).map(|it| it.key.as_str());
                let next = match similar(key.as_str(), keys) {
                    Some(other) => format!("did you mean '{other}'?"),
                    None => "a feature that has a brief is made by launching it".into(),
                };
                Err(NotFollowed::Refused(format!("{project} has no flag '{key}'; {next}")))
            }
        }
    }

    /// Whether anything but PostHog's own activity tells of the flag: it was launched from a brief.
    pub fn was_launched(&self) -> bool {
        self.flag.as_ref().is_some_and(|it| it.tags.iter().any(|it| it == TAG))
    }

    /// The channels of every Slack workspace that is connected.
    pub async fn channels(&self) -> Result<Vec<SlackChannel>, NotFollowed> {
        let refuse = |error: Error| match error {
            Error::Forbidden(_) => self.lacks(&error, "integration:read"),
            Error::NotFound(_) => {
                NotFollowed::Refused("this server does not list Slack workspaces; update it".into())
            }
            error => error.into(),
        };
        let workspaces = self.client.slack_workspaces(&self.project).await.map_err(refuse)?;
        if workspaces.is_empty() {
            return Err(NotFollowed::Refused(format!(
                "no Slack workspace is connected to {}; connect one under {}, and run this again",
                self.project.name,
                self.page("settings/project-integrations")
            )));
        }
        let mut channels = Vec::new();
        for workspace in workspaces.iter().filter_map(|it| it["id"].as_u64()) {
            let listed = self.client.slack_channels(&self.project, workspace).await.map_err(refuse)?;
            channels.extend(listed.iter().filter_map(|it| SlackChannel::of(workspace, it)));
        }
        Ok(channels)
    }

    /// Makes somebody follow, as long as nobody did it meanwhile. One that was disabled runs again only where that was
    /// agreed to.
    pub async fn follow(&mut self, whom: &Whom, tells: Tells, enable: bool) -> Result<Followed, NotFollowed> {
        // Somebody may have thought about the question for long.
        self.look().await?;
        match follow(&self.scene, whom, tells).into_iter().next() {
            Some(Step::Make(body)) => self.make(whom, tells, &body).await,
            Some(Step::Enable(follower)) if !enable => {
                Ok(Followed { done: Done::LeftDisabled, follower, warning: None })
            }
            Some(Step::Enable(follower)) => {
                let follower = self.change(follower, json!({ "enabled": true })).await?;
                Ok(Followed { done: Done::Enabled, follower, warning: None })
            }
            Some(Step::Keep(follower) | Step::Delete(follower)) => {
                let warning = self.tidy(whom, tells).await;
                Ok(Followed { done: Done::Kept, follower, warning })
            }
            None => Err(NotFollowed::Refused(format!("there is no flag '{}' any more", self.scene.key))),
        }
    }

    async fn make(&mut self, whom: &Whom, tells: Tells, body: &Value) -> Result<Followed, NotFollowed> {
        let made = self.client.make(&self.project, Kind::HogFunction, body).await;
        let made = made.map_err(|it| self.explain(it))?;
        let Some(made) = Follower::of(&made) else {
            let why = "PostHog made a function that does not do what it was made for; look at it on its page";
            return Err(NotFollowed::Refused(why.into()));
        };
        // Somebody else may have made one in the same moment.
        let warning = match self.look().await {
            Ok(()) => self.tidy(whom, tells).await,
            Err(error) => Some(format!("whether there are two of it could not be looked at: {error}")),
        };
        let stays = self.scene.followers().into_iter().find(|it| it.id == made.id);
        let other = follow(&self.scene, whom, tells).into_iter().find_map(|it| match it {
            Step::Keep(it) => Some(it),
            _ => None,
        });
        Ok(Followed { done: Done::Made, follower: stays.or(other).unwrap_or(made), warning })
    }

    /// Deletes what tells the same once more. Returns what went wrong.
    async fn tidy(&mut self, whom: &Whom, tells: Tells) -> Option<String> {
        let mut warning = None;
        for step in follow(&self.scene, whom, tells) {
            let Step::Delete(surplus) = step else { continue };
            if let Err(error) = self.delete(&surplus).await {
                warning =
                    Some(format!("it is told twice, as '{}' could not be deleted: {error}", surplus.name));
            }
        }
        warning
    }

    /// Somebody is told no more. Returns what was deleted.
    pub async fn unfollow(&mut self, called: &Called) -> Result<Vec<Follower>, NotFollowed> {
        self.look().await?;
        let deleted = unfollow(&self.scene, called).map_err(NotFollowed::Refused)?;
        for follower in &deleted {
            self.delete(follower).await?;
        }
        Ok(deleted)
    }

    async fn delete(&mut self, follower: &Follower) -> Result<(), NotFollowed> {
        let body = json!({ "deleted": true });
        match self.client.change(&self.project, Kind::HogFunction, &follower.id, &body).await {
            // Whoever was first deleted it.
            Ok(_) | Err(Error::NotFound(_)) => {}
            Err(error) => return Err(self.explain(error)),
        }
        self.scene.functions.retain(|it| it["id"] != follower.id.as_str());
        Ok(())
    }

    async fn change(&mut self, follower: Follower, body: Value) -> Result<Follower, NotFollowed> {
        let changed = self.client.change(&self.project, Kind::HogFunction, &follower.id, &body).await;
        let changed = changed.map_err(|it| self.explain(it))?;
        let now = Follower::of(&changed).unwrap_or(follower);
        if let Some(there) = self.scene.functions.iter_mut().find(|it| it["id"] == now.id.as_str()) {
            *there = changed;
        }
        Ok(now)
    }

    /// What to do about a refusal of functions.
    fn explain(&self, error: Error) -> NotFollowed {
        match error {
            Error::NotFound(_) => NotFollowed::Refused(
                "this server is too old to tell anybody by itself: it has no functions that run for events, which came \
                 in 2024. Update it, or name a webhook in the brief, which Flagline itself posts to"
                    .into(),
            ),
            Error::Forbidden(_) => self.lacks(&error, "hog_function:write"),
            Error::PaymentRequired(_) => {
                NotFollowed::Refused(format!("{error}; the plan is changed under {}/organization/billing", self.host))
            }
            error => error.into(),
        }
    }

    fn lacks(&self, error: &Error, scope: &str) -> NotFollowed {
        NotFollowed::Refused(format!("{error}; {}", give_scope(&self.host, scope)))
    }

    /// The address of one of the project's pages.
    pub fn page(&self, path: &str) -> String {
        format!("{}/project/{}/{path}", self.host, self.project.id)
    }
}
