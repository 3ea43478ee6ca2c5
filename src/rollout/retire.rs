use jiff::Timestamp;

use crate::flags::Project;
use crate::posthog::{Client, Error};

/// Writes what is left of a brief on all graphs of the project, once: the same words are not written again.
pub async fn retire(client: &Client, project: &Project, epitaph: &str, now: Timestamp) -> Result<(), Error> {
    match client.has_annotation(project, epitaph).await? {
        true => Ok(()),
        false => client.annotate(project, epitaph, now).await,
    }
}
