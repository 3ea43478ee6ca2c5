//! Which flags were written lately, on servers whose flags say neither when that was nor which version they are (those
//! of 2023). Their lists cannot be sorted by it, and all of one is read every few minutes only; the project's activity
//! tells at once. It also tells of what was changed and changed back, which no list shows.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;

use super::compare;
use super::site::Site;
use crate::flags::{Flag, Project};
use crate::posthog::client::Recent;
use crate::posthog::{Client, Error};

/// How many entries are asked for. More than that in a minute wait for the whole list.
const ENTRIES: usize = 20;
/// How far the server's clock may be behind this machine's, the first time that it matters.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// Whether the flags of a list say nothing of when they were written.
pub(super) fn is_untold(recent: &Recent) -> bool {
    let says = |it: &Flag| it.updated_at.is_some() || it.version.is_some();
    !recent.flags.is_empty() && !recent.flags.iter().any(says)
}

impl Site {
    /// Reads the flags again that somebody wrote since the last time, and forgets what was known of their activity.
    pub(super) async fn load_written(&mut self, client: &Client, project: &Project) -> Result<(), Error> {
        let Some(read_at) = self.known.flags.as_ref().map(|it| it.read_at) else { return Ok(()) };
        let since = self.activity_at.or_else(|| read_at.checked_sub(SKEW).ok());
        let entries = match client.activity(project, ENTRIES).await {
            Ok(entries) => entries,
            Err(error) => {
                // All flags are read soon in any case; what is wrong with everything else shows there.
                tracing::info!(%error, "PostHog does not tell who wrote which flag");
                return Ok(());
            }
        };
        let new = entries.iter().filter(|it| Some(it.created_at) > since);
        let ids: BTreeSet<u64> = new.filter_map(|it| it.flag()).collect();
        for id in ids {
            let flag = match client.flag(project, id).await {
                Ok(flag) => Some(flag),
                Err(Error::NotFound(_)) => None,
                Err(error) => return Err(error),
            };
            if let (Some(list), Some(flag)) = (&mut self.known.flags, flag) {
                compare::replace(list, Arc::new(flag));
            }
            self.known.history.remove(&id);
        }
        self.activity_at = entries.iter().map(|it| it.created_at).max().max(since);
        Ok(())
    }
}
