//! What came of a feature: asks PostHog for the numbers of a review, and writes down what a person says of them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::decide::is_marked;
use crate::analysis::{Link, State, card};
use crate::config::{self, Config};
use crate::feature::brief::{Brief, Metric, Outcome};
use crate::feature::review::{
    Design, Ended, NotYet, Review, Sample, TimeSpan, design, ended, review, review_due,
};
use crate::flags::{Environment, Flag, Lookup, Project};
use crate::posthog::objects::Kind;
use crate::posthog::queries::{self, Evaluations, Whose};
use crate::posthog::refresh::{self, Wanted};
use crate::posthog::{Client, Error, disk};

/// Everything that a review shows.
#[derive(Debug)]
pub struct Reviewed {
    /// The feature.
    pub brief: Brief,
    /// The project that its flag belongs to.
    pub project: Project,
    /// How it ended.
    pub ended: Ended,
    /// When the review is due.
    pub due: Option<Timestamp>,
    /// What the numbers say; without a key metric there are none.
    pub numbers: Option<Numbers>,
    /// Pages that tell more.
    pub links: Vec<Link>,
    /// Now.
    pub now: Timestamp,
}

/// The key metric, and what came of it.
#[derive(Debug)]
pub struct Numbers {
    /// The metric.
    pub metric: Metric,
    /// Who was looked at.
    pub design: Design,
    /// The result, or why PostHog does not give it.
    pub result: Result<Review, String>,
}

/// Why there is no review.
#[derive(Debug, thiserror::Error)]
pub enum NotReviewed {
    /// PostHog could not be asked.
    #[error(transparent)]
    PostHog(#[from] Error),
    /// Nothing is known of its flag.
    #[error("{0}")]
    NotLoaded(String),
    /// The project does not have its flag.
    #[error("{0} has no such flag: launch the feature first")]
    NoFlag(String),
    /// It has not come to its end.
    #[error("{0}")]
    NotYet(NotYet),
}

impl Reviewed {
    /// Asks for everything. Writes nothing.
    pub async fn load(config: &Config, brief: Brief, now: Timestamp) -> Result<Reviewed, NotReviewed> {
        let configured = config.environments.first();
        let configured =
            configured.ok_or_else(|| NotReviewed::NotLoaded("no environment is configured".into()))?;
        let keys = BTreeSet::from([brief.flag()]);
        let mirror =
            refresh::once(config, disk::folder(), &keys, &BTreeSet::new(), Wanted::Flags).await.mirror;
        let environment = mirror.primary().filter(|it| it.trouble.is_none());
        let Some(environment) = environment else {
            let why = mirror.primary().and_then(|it| it.trouble.as_deref());
            return Err(NotReviewed::NotLoaded(why.unwrap_or("its flag is not loaded").to_owned()));
        };
        let flag = flag(environment, &brief)?;
        let ended = ended(flag, environment).map_err(NotReviewed::NotYet)?;
        let client = Client::new(configured)?;
        let whole = client.project(configured).await?;
        let table = Evaluations::of_mode(whole.flag_evaluations_mode);
        let project: Project = whole.into();
        let numbers = match brief.metric.clone() {
            Some(metric) => Some(numbers(&client, &project, table, &brief, metric, &ended, now).await),
            None => None,
        };
        let mut links = match card(&mirror, &brief.flag(), now).state {
            State::Known(details) => details.links,
            State::NotLoaded | State::Unknown { .. } => Vec::new(),
        };
        links.extend(recordings(&client, &project, &brief, environment).await);
        let due = review_due(&brief, ended.since);
        Ok(Reviewed { project, due, ended, numbers, links, now, brief })
    }

    /// Whether it is time.
    pub fn is_due(&self) -> bool {
        self.due.is_some_and(|it| it <= self.now)
    }
}

fn flag<'e>(environment: &'e Environment, brief: &Brief) -> Result<&'e Flag, NotReviewed> {
    match environment.lookup(&brief.flag()) {
        Lookup::Known(flag) => Ok(flag),
        Lookup::Unknown => {
            let project = environment.project.as_ref().map(|it| it.name.to_string());
            Err(NotReviewed::NoFlag(project.unwrap_or_else(|| environment.host.to_string())))
        }
        Lookup::NotLoaded => Err(NotReviewed::NotLoaded("its flag is not loaded".into())),
    }
}

async fn numbers(
    client: &Client,
    project: &Project,
    table: Evaluations,
    brief: &Brief,
    metric: Metric,
    ended: &Ended,
    now: Timestamp,
) -> Numbers {
    let design = design(brief, ended, now);
    let result = match queries::measurable(&metric) {
        Ok(()) => {
            let asked = Asked { client, project, metric: &metric, now };
            asked.result(table, brief, &design).await.map_err(|it| it.to_string())
        }
        Err(why) => Err(why),
    };
    Numbers { metric, design, result }
}

struct Asked<'a> {
    client: &'a Client,
    project: &'a Project,
    metric: &'a Metric,
    now: Timestamp,
}

impl Asked<'_> {
    async fn result(&self, table: Evaluations, brief: &Brief, design: &Design) -> Result<Review, Error> {
        let (span, sides) = match design {
            Design::Variants { span, .. } => (*span, None),
            Design::BeforeAfter { met, sides } => (*met, sides.as_ref().ok()),
        };
        let key = brief.flag();
        let met = self.rows(Whose::Met(table, &key), span).await?;
        let sides = match sides {
            None => None,
            Some((before, after)) => Some((self.active(*before).await?, self.active(*after).await?)),
        };
        Ok(review(self.metric, design, &queries::observed(&met), sides))
    }

    async fn rows(&self, whose: Whose<'_>, span: TimeSpan) -> Result<Vec<Vec<serde_json::Value>>, Error> {
        let query = queries::outcome(self.metric, whose, span, self.now);
        self.client.query(self.project, &query).await
    }

    async fn active(&self, span: TimeSpan) -> Result<Sample, Error> {
        let rows = self.rows(Whose::Active, span).await?;
        Ok(queries::observed(&rows).into_iter().next().map(|it| it.sample).unwrap_or_default())
    }
}

/// The playlists of the feature. A plan or a key without them has none to link to.
async fn recordings(
    client: &Client,
    project: &Project,
    brief: &Brief,
    environment: &Environment,
) -> Vec<Link> {
    let found = client.objects(project, Kind::Playlist, &brief.key).await.unwrap_or_default();
    let link = |it: &serde_json::Value| {
        let url = environment.page(format!("replay/playlists/{}", it["short_id"].as_str()?))?;
        Some(Link { title: "Recordings".into(), url })
    };
    found.iter().filter(|it| is_marked(it, &brief.key)).filter_map(link).collect()
}

/// Writes an outcome on all graphs of the project, once. Whether it was there already.
pub async fn note_outcome(
    environment: &config::Environment,
    brief: &Brief,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<bool, Error> {
    let client = Client::new(environment)?;
    let project: Project = client.project(environment).await?.into();
    let note = brief.review_note(outcome);
    if client.has_annotation(&project, &note).await? {
        return Ok(true);
    }
    client.annotate(&project, &note, now).await.map(|()| false)
}
