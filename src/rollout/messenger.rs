//! Sending a message. The event comes first, and says which webhook is still to be told; a second one says that it was,
//! or that no answer came. So a webhook that fails is told later, and nobody is told what PostHog does not know.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::decide::Webhook;
use super::message::{Message, told_event, unanswered_event};
use crate::posthog::Error;
use crate::posthog::capture::{self, capture, post_webhook};
use crate::posthog::queries::{MOST_UNANSWERED, Post};

/// Who tells people.
#[derive(Debug)]
pub(super) struct Messenger<'a> {
    /// Where PostHog is.
    pub host: &'a str,
    /// The project's number.
    pub project: u64,
    /// The project's public token.
    pub token: Option<&'a str>,
    /// The webhook that is told from here: its name and its address. PostHog tells others by itself.
    pub webhook: Option<(&'a str, &'a Webhook)>,
}

/// Why a webhook was not told.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotTold {
    /// It does not know of it.
    #[error("the webhook was not told: {0}; later runs try it again, for a week")]
    Unsent(String),
    /// It may know of it.
    #[error("whether the webhook was told is not known: {why}; {}", next(*.tries, .unmarked.as_ref()))]
    Unanswered {
        /// What happened.
        why: String,
        /// How often it was sent so far.
        tries: usize,
        /// Why that could not be written down.
        unmarked: Option<Error>,
    },
}

/// What becomes of what was sent so often without an answer.
fn next(tries: usize, unmarked: Option<&Error>) -> String {
    match unmarked {
        Some(why) => format!("later runs try it again, since that could not be written down: {why}"),
        None if tries < MOST_UNANSWERED => "a later run tries it once more".into(),
        None => "that was the last try".into(),
    }
}

impl Messenger<'_> {
    /// Sends a message; what comes back is what is to say of the webhook, which holds up nothing.
    pub async fn send(&self, message: &Message) -> Result<Option<String>, Error> {
        let name = self.webhook.map(|it| it.0);
        capture(self.host, &message.event(self.project, self.token()?, name)).await?;
        Ok(self.post(&message.post(self.project), 0).await.unwrap_or_else(|why| Some(why.to_string())))
    }

    /// Tells the webhook what was captured, and writes down that it did, or that no answer came. So often it was sent without
    /// an answer before. What comes back is why it could not be written down.
    pub async fn post(&self, post: &Post, unanswered: usize) -> Result<Option<String>, NotTold> {
        let (name, address) = match self.webhook {
            None | Some((_, Webhook::None)) => return Ok(None),
            Some((name, Webhook::Known(address))) => (name, address),
            Some((_, Webhook::Missing(variable))) => {
                return Err(NotTold::Unsent(format!("its address is not in the variable {variable}")));
            }
        };
        let token = self.token().map_err(|it| NotTold::Unsent(it.to_string()))?;
        match post_webhook(address.expose_secret(), &post.body()).await {
            Ok(()) => {
                let marked = capture(self.host, &told_event(post, token, name)).await.err();
                Ok(marked.map(|why| {
                    format!(
                        "the webhook was told, and may be told again, since that could not be written down: {why}"
                    )
                }))
            }
            Err(capture::NotTold::Unsent(why)) => Err(NotTold::Unsent(why)),
            Err(capture::NotTold::Unanswered(why)) => {
                let event = unanswered_event(post, token, name, Timestamp::now());
                let unmarked = capture(self.host, &event).await.err();
                Err(NotTold::Unanswered { why, tries: unanswered + 1, unmarked })
            }
        }
    }

    fn token(&self) -> Result<&str, Error> {
        self.token.ok_or_else(|| Error::NotFound("the project's token, which messages need".into()))
    }
}
