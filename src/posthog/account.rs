//! Whose key it is, and what it may do.

use std::sync::Arc;

use secrecy::SecretString;

use super::wire::{Project, User};
use super::{Client, Error};
use crate::config::Environment;
use crate::flags::Lack;

/// The scopes that Flagline needs, and what does not work without each. `docs/connect.md` has the same table.
pub const SCOPES: [(&str, &str); 24] = [
    ("user:read", "telling your own changes from those of others, and your domain in `flagline init`"),
    ("project:read", "everything: the project cannot be found"),
    ("feature_flag:read", "flags, their stage, unknown keys"),
    ("query:read", "how many people meet which variant"),
    (
        "activity_log:read",
        "since when a flag is the same for everyone, and since when a stage of its rollout is open",
    ),
    ("experiment:read", "whether an experiment is over, and how it came out"),
    (
        "cohort:read",
        "the names of cohorts, in hovers and `flagline init`, and whether those that briefs name are there",
    ),
    ("early_access_feature:read", "the stage of early access features"),
    ("feature_flag:write", "launching and moving features, and archiving flags"),
    ("annotation:write", "the notes that a feature is launched, and what came of it"),
    ("dashboard:write", "launching a feature with its dashboard"),
    ("insight:write", "launching a feature with the graphs on its dashboard"),
    ("session_recording_playlist:write", "launching a feature with its recordings"),
    ("experiment:write", "launching an A/B test"),
    ("cohort:write", "launching a feature whose stages name cohorts that are missing"),
    ("early_access_feature:write", "launching a feature that people can opt in to"),
    ("survey:write", "launching a feature with its invitation to an interview"),
    ("alert:write", "launching a feature with its alert on exceptions"),
    (
        "hog_function:write",
        "launching a feature whose messages reach Slack or a webhook, and following a flag",
    ),
    (
        "approvals:read",
        "knowing that a launch, or what comes next of a feature, waits for an approval, and that finishing may",
    ),
    ("event_definition:read", "the names of events, while somebody writes a brief"),
    ("property_definition:read", "the names of properties, while somebody writes a brief"),
    ("organization_member:read", "the addresses of colleagues, whom alerts and messages name"),
    ("integration:read", "the Slack channels, while somebody writes a brief or follows a flag"),
];

/// Scopes that an editor does without, with a part less to show. Without the others it shows no flags at all, which is
/// told anyway, or somebody chose not to create features.
const PARTS: [&str; 6] = [
    "user:read",
    "query:read",
    "activity_log:read",
    "experiment:read",
    "cohort:read",
    "early_access_feature:read",
];

/// What a key opens.
#[derive(Debug)]
pub struct Account {
    /// Whose it is, if it may say so.
    pub user: Option<User>,
    /// The projects that it can see, unless it may not list them.
    pub projects: Result<Vec<Project>, Error>,
    /// What it may do, if the server says so.
    pub scopes: Option<Vec<String>>,
}

/// Tries a key at a host.
pub async fn try_key(host: Arc<str>, key: SecretString) -> Result<Account, Error> {
    let client = Client::new(&Environment { key: Some(key), ..Environment::new(host) })?;
    let projects = match client.projects().await {
        // A key without the scope project:read is a key.
        answer @ (Ok(_) | Err(Error::Forbidden(_))) => answer,
        Err(error) => return Err(error),
    };
    Ok(Account { user: user(&client).await?, projects, scopes: scopes(&client).await? })
}

/// Whose key it is; `None` when it may not say.
pub async fn user(client: &Client) -> Result<Option<User>, Error> {
    match client.me().await {
        Ok(user) => Ok(Some(user)),
        Err(Error::Forbidden(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the key may do; `None` on servers that do not say.
pub async fn scopes(client: &Client) -> Result<Option<Vec<String>>, Error> {
    match client.api_key().await {
        Ok(key) => Ok(key.scopes),
        // The key was taken before: what is refused here is the question.
        Err(
            Error::Unauthorized { .. } | Error::Forbidden(_) | Error::NotFound(_) | Error::Invalid { .. },
        ) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The scopes of [`SCOPES`] that a key lacks.
pub fn missing(scopes: &[String]) -> Vec<(&'static str, &'static str)> {
    SCOPES.into_iter().filter(|it| !scopes.iter().any(|has| grants(has, it.0))).collect()
}

/// What a key lacks that was just refused something. It is asked about itself, so that everything can be named at once;
/// where it may not say, what the refusal names is all that is known.
pub async fn lacks(client: &Client, refusal: &Error) -> Vec<Lack> {
    let Error::Forbidden(words) = refusal else { return Vec::new() };
    let of = |(scope, needed_for): (&str, &str)| Lack { scope: scope.into(), needed_for: needed_for.into() };
    let named = SCOPES.into_iter().filter(|it| PARTS.contains(&it.0));
    match scopes(client).await {
        Ok(Some(scopes)) => missing(&scopes).into_iter().filter(|it| PARTS.contains(&it.0)).map(of).collect(),
        _ => named.filter(|it| words.contains(&format!("'{}'", it.0))).map(of).collect(),
    }
}

/// Whether one scope is, or includes, another: writing includes reading.
fn grants(has: &str, needed: &str) -> bool {
    let (object, right) = needed.split_once(':').unwrap_or((needed, ""));
    has == "*" || has == needed || (right == "read" && has.strip_suffix(":write") == Some(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_includes_reading_and_a_star_everything() {
        for (has, needed, granted) in [
            ("*", "insight:write", true),
            ("cohort:read", "cohort:read", true),
            ("cohort:write", "cohort:read", true),
            ("insight:read", "insight:write", false),
            ("feature_flag_extra:write", "feature_flag:read", false),
        ] {
            assert_eq!(grants(has, needed), granted, "{has} {needed}");
        }
        let all: Vec<String> = SCOPES.iter().map(|it| it.0.to_owned()).collect();
        assert_eq!(missing(&all), []);
        assert_eq!(missing(&all[1..]), [SCOPES[0]]);
        assert_eq!(missing(&[]).len(), SCOPES.len());
    }
}
