//! What a brief can name, as PostHog lists it.

use serde::Deserialize;
use serde_json::Value;

use super::objects::TELLING_TYPES;
use super::{Client, Error};
use crate::flags::{Catalog, Channel, Cohort, CohortKind, Follower, Listed, Named, Project, null_to_default};

/// Rows of a list that are read: nobody chooses from more, and a project may have tens of thousands of properties.
const MOST: usize = 2_000;

/// A cohort (posthog-api 4.2).
#[derive(Debug, Deserialize)]
struct CohortRow {
    id: u64,
    #[serde(default, deserialize_with = "null_to_default")]
    name: String,
    #[serde(default, deserialize_with = "null_to_default")]
    deleted: bool,
    #[serde(default, deserialize_with = "null_to_default")]
    is_static: bool,
    #[serde(default)]
    count: Option<u64>,
    /// `static`, `person_property`, `behavioral`, ...; absent on older servers.
    #[serde(default)]
    cohort_type: Option<String>,
    #[serde(default)]
    filters: Value,
}

/// A definition of an event or a property (posthog-api, appendix B).
#[derive(Debug, Deserialize)]
struct DefinitionRow {
    name: String,
    #[serde(default, deserialize_with = "null_to_default")]
    description: String,
}

/// A service that is connected to the project (posthog-api 4.11).
#[derive(Debug, Deserialize)]
struct IntegrationRow {
    id: u64,
    #[serde(default, deserialize_with = "null_to_default")]
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Channels {
    channels: Vec<ChannelRow>,
}

#[derive(Debug, Deserialize)]
struct ChannelRow {
    id: String,
    name: String,
}

impl Client {
    /// What a brief can name. What the key may not see, or the server does not have, is absent with its reason; an error
    /// is what stands in the way of everything else too.
    pub(super) async fn catalog(&self, project: &Project) -> Result<Catalog, Error> {
        let path = |rest: &str| format!("/api/projects/{}/{rest}/", project.id);
        let cohorts = self.cohorts_to_name(project).await?;
        let of_type = |it: &str| [("type", it.to_owned())];
        let events = self.listed::<DefinitionRow>(&path("event_definitions"), &[]).await?;
        let properties = path("property_definitions");
        let of_events = self.listed::<DefinitionRow>(&properties, &of_type("event")).await?;
        let of_people = self.listed::<DefinitionRow>(&properties, &of_type("person")).await?;
        // Without the types, newer servers leave out those that internal events start.
        let types = [("types", TELLING_TYPES.to_owned())];
        let functions = self.listed::<Value>(&path("hog_functions"), &types).await?;
        Ok(Catalog {
            cohorts,
            events: kept(events, |it| Some(it.into())),
            event_properties: kept(of_events, |it| Some(it.into())),
            person_properties: kept(of_people, |it| Some(it.into())),
            channels: self.channels(project).await?,
            followers: kept(functions, |it| Follower::of(&it).filter(|_| it["deleted"] != true)),
        })
    }

    /// The cohorts that a brief can name.
    pub async fn cohorts_to_name(&self, project: &Project) -> Result<Listed<Cohort>, Error> {
        let cohorts =
            self.listed::<CohortRow>(&format!("/api/projects/{}/cohorts/", project.id), &[]).await?;
        Ok(kept(cohorts, |it| (!it.deleted).then(|| it.into())))
    }

    /// The channels of every Slack workspace that is connected.
    async fn channels(&self, project: &Project) -> Result<Listed<Channel>, Error> {
        let path = format!("/api/projects/{}/integrations/", project.id);
        let slack = self.listed::<IntegrationRow>(&path, &[("kind", "slack".into())]).await?;
        let mut channels = Listed { items: Vec::new(), is_whole: slack.is_whole, trouble: slack.trouble };
        for integration in slack.items.iter().filter(|it| it.kind == "slack") {
            match or_absent(self.get::<Channels>(&format!("{path}{}/channels/", integration.id), &[]).await)?
            {
                Ok(found) => {
                    let channel = |it: ChannelRow| Channel { id: it.id, name: it.name };
                    channels.items.extend(found.channels.into_iter().map(channel));
                }
                Err(why) => (channels.is_whole, channels.trouble) = (false, Some(why.to_string().into())),
            }
        }
        Ok(channels)
    }

    async fn listed<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Listed<T>, Error> {
        let (mut items, mut is_whole) = (Vec::new(), true);
        let take = |page: Vec<T>| {
            items.extend(page);
            is_whole = items.len() < MOST;
            is_whole
        };
        Ok(match or_absent(self.each_page(path, query, 100, take).await)? {
            Ok(_) => Listed { items, is_whole, trouble: None },
            Err(why) => Listed::absent(why.to_string()),
        })
    }
}

/// A list of other things, without those that are left out.
fn kept<T, U>(list: Listed<T>, keep: impl Fn(T) -> Option<U>) -> Listed<U> {
    Listed {
        items: list.items.into_iter().filter_map(keep).collect(),
        is_whole: list.is_whole,
        trouble: list.trouble,
    }
}

/// An answer, or why there is none, unless nothing else would be answered either.
fn or_absent<T>(answer: Result<T, Error>) -> Result<Result<T, Error>, Error> {
    match answer {
        Err(
            error @ (Error::Unauthorized { .. }
            | Error::Offline { .. }
            | Error::Tls { .. }
            | Error::Limited(_)
            | Error::SignedOut { .. }),
        ) => Err(error),
        Err(error) => {
            tracing::info!(%error, "PostHog does not give this list");
            Ok(Err(error))
        }
        Ok(it) => Ok(Ok(it)),
    }
}

impl From<CohortRow> for Cohort {
    fn from(row: CohortRow) -> Cohort {
        let kind = match row.cohort_type.as_deref() {
            _ if row.is_static => CohortKind::Static,
            Some("behavioral" | "analytical") => CohortKind::Behavior,
            Some(_) => CohortKind::Properties,
            // Older servers do not say it, but what the cohort asks for.
            None if row.filters.to_string().contains("\"type\":\"behavioral\"") => CohortKind::Behavior,
            None => CohortKind::Properties,
        };
        Cohort { id: row.id, name: row.name, kind, count: row.count }
    }
}

impl From<DefinitionRow> for Named {
    fn from(row: DefinitionRow) -> Named {
        Named { name: row.name, description: row.description }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cohort_of_behaviour_is_known_by_its_type_or_by_what_it_asks() {
        let behaves =
            json!({ "properties": { "type": "OR", "values": [{ "type": "behavioral", "key": "bought" }] } });
        for (row, kind, words) in [
            (
                json!({ "id": 1, "name": "a", "is_static": true, "count": 1 }),
                CohortKind::Static,
                "1 person, static",
            ),
            (
                json!({ "id": 1, "name": "a", "cohort_type": "person_property", "count": 7 }),
                CohortKind::Properties,
                "7 people, by properties",
            ),
            (
                json!({ "id": 1, "name": null, "cohort_type": "realtime", "filters": behaves }),
                CohortKind::Properties,
                "by properties",
            ),
            (
                json!({ "id": 1, "cohort_type": "behavioral" }),
                CohortKind::Behavior,
                "by behaviour: PostHog refuses it in flags",
            ),
            (
                json!({ "id": 1, "filters": behaves }),
                CohortKind::Behavior,
                "by behaviour: PostHog refuses it in flags",
            ),
        ] {
            let cohort: Cohort = serde_json::from_value::<CohortRow>(row.clone()).unwrap().into();
            assert_eq!((cohort.kind, &*cohort.words()), (kind, words), "{row}");
        }
    }
}
