//! Sending a message. The event comes first, and says which webhook is still to be told; a second one says that it was. So
//! a webhook that fails is told later, and nobody is told what PostHog does not know.

use secrecy::ExposeSecret as _;

use super::decide::Webhook;
use super::message::{Message, told_event};
use crate::posthog::Error;
use crate::posthog::capture::{capture, post_webhook};
use crate::posthog::queries::Post;

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
#[error("the webhook was not told: {0}; later runs try it again, for a day")]
pub(super) struct NotTold(String);

impl Messenger<'_> {
    /// Sends a message; what comes back is what is to say of the webhook, which holds up nothing.
    pub async fn send(&self, message: &Message) -> Result<Option<String>, Error> {
        let name = self.webhook.map(|it| it.0);
        capture(self.host, &message.event(self.project, self.token()?, name)).await?;
        Ok(self.post(&message.post(self.project)).await.unwrap_or_else(|why| Some(why.to_string())))
    }

    /// Tells the webhook what was captured, and writes down that it did. What comes back is why the latter failed.
    pub async fn post(&self, post: &Post) -> Result<Option<String>, NotTold> {
        let (name, address) = match self.webhook {
            None | Some((_, Webhook::None)) => return Ok(None),
            Some((name, Webhook::Known(address))) => (name, address),
            Some((_, Webhook::Missing(variable))) => {
                return Err(NotTold(format!("its address is not in the variable {variable}")));
            }
        };
        let token = self.token().map_err(|it| NotTold(it.to_string()))?;
        post_webhook(address.expose_secret(), &post.body()).await.map_err(NotTold)?;
        let marked = capture(self.host, &told_event(post, token, name)).await.err();
        Ok(marked.map(|why| {
            format!(
                "the webhook was told, and may be told again, since that could not be written down: {why}"
            )
        }))
    }

    fn token(&self) -> Result<&str, Error> {
        self.token.ok_or_else(|| Error::NotFound("the project's token, which messages need".into()))
    }
}
