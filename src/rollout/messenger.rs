//! Sending a message. The webhook comes first: the event is the mark that it was told.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::decide::Webhook;
use super::message::Message;
use crate::posthog::Error;
use crate::posthog::capture::{capture, post_webhook};

/// Who tells people.
#[derive(Debug)]
pub(super) struct Messenger<'a> {
    /// Where PostHog is.
    pub host: &'a str,
    /// The project's number.
    pub project: u64,
    /// The project's public token.
    pub token: Option<&'a str>,
    /// The webhook of the brief.
    pub webhook: &'a Webhook,
    /// Whether PostHog tells the webhook.
    pub is_by_posthog: bool,
    /// Now.
    pub now: Timestamp,
}

impl Messenger<'_> {
    /// Sends a message; what comes back is why the webhook was not told, which holds up nothing.
    pub async fn send(&self, message: &Message) -> Result<Option<String>, Error> {
        let Some(token) = self.token else {
            return Err(Error::NotFound("the project's token, which messages need".into()));
        };
        let warning = match (self.webhook, self.is_by_posthog) {
            (Webhook::None, _) | (_, true) => None,
            (Webhook::Known(address), false) => {
                let told = post_webhook(address.expose_secret(), &message.webhook(self.project)).await;
                told.err().map(|why| format!("the webhook was not told: {why}"))
            }
            (Webhook::Missing(variable), false) => {
                Some(format!("the webhook was not told: its address is not in the variable {variable}"))
            }
        };
        capture(self.host, &message.event(self.project, token, self.now)).await?;
        Ok(warning)
    }
}
