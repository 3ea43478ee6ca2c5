use jiff::Timestamp;

use crate::config::Environment;
use crate::flags::Project;
use crate::posthog::{Client, Error};

/// Writes what is left of a brief on all graphs of an environment's project, once: the same words are not written again.
pub async fn retire(environment: &Environment, epitaph: &str, now: Timestamp) -> Result<(), Error> {
    let client = Client::new(environment)?;
    let project: Project = client.project(environment).await?.into();
    match client.has_annotation(&project, epitaph).await? {
        true => Ok(()),
        false => client.annotate(&project, epitaph, now).await,
    }
}
