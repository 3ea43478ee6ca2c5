use crate::flags::{Flag, Project};
use crate::posthog::{Client, Error};

/// Why a flag was not archived.
#[derive(Debug)]
pub enum NotArchived {
    /// It is not any more what was decided on.
    Changed {
        /// As it is now.
        now: Box<Flag>,
        /// The server's words, where it was the server who saw it.
        words: Option<String>,
    },
    /// The server took the write, and the flag is not archived.
    NotTaken,
    /// It could not be asked, or refused.
    Refused(Error),
}

impl From<Error> for NotArchived {
    fn from(error: Error) -> NotArchived {
        NotArchived::Refused(error)
    }
}

/// Archives a flag, if it still is what was decided on: somebody may have thought about the question for long. One that
/// is archived already is left as it is, so that a repeated call completes.
pub async fn archive(client: &Client, project: &Project, decided: &Flag) -> Result<Flag, NotArchived> {
    let now = client.flag(project, decided.id).await?;
    if now.archived {
        return Ok(now);
    }
    // The conflict rule of the write looks at the fields that it changes; the conditions are none of them.
    if now.stamp() != decided.stamp() || now.deleted != decided.deleted {
        return Err(NotArchived::Changed { now: now.into(), words: None });
    }
    match client.archive_flag(project, &now).await {
        Ok(flag) if flag.archived => Ok(flag),
        Ok(_) => Err(NotArchived::NotTaken),
        Err(Error::Conflict(words)) => {
            let now = client.flag(project, decided.id).await?;
            Err(NotArchived::Changed { now: now.into(), words: Some(words) })
        }
        Err(error) => Err(error.into()),
    }
}
