//! Sending events, with the project's public token and never with a key (posthog-api, appendix E).

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::Error;
use super::client::{TIMEOUT, cause, plain_http};

/// Where a PostHog takes events: Cloud has hosts of their own for it.
pub fn ingestion_host(host: &str) -> String {
    match host {
        "https://us.posthog.com" | "https://app.posthog.com" => "https://us.i.posthog.com".into(),
        "https://eu.posthog.com" => "https://eu.i.posthog.com".into(),
        own => own.to_owned(),
    }
}

/// Captures one event.
pub async fn capture(host: &str, event: &Value) -> Result<(), Error> {
    let url = format!("{}/i/v0/e/", ingestion_host(host));
    let offline =
        |it: reqwest::Error| Error::Offline { host: host.to_owned(), detail: it.without_url().to_string() };
    match post(&url, event).await?.map_err(offline)? {
        it if it.is_success() => Ok(()),
        StatusCode::TOO_MANY_REQUESTS => Err(Error::Limited(Duration::from_secs(30))),
        it if it.is_server_error() => Err(Error::Server { status: it.as_u16() }),
        it => Err(Error::Invalid {
            code: "capture".into(),
            detail: format!("the event was refused with status {it}"),
        }),
    }
}

/// Why a webhook was not told, or is not known to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTold {
    /// It does not know of it.
    #[error("{0}")]
    Unsent(String),
    /// It was sent, and may have come there: no answer came.
    #[error("{0}")]
    Unanswered(String),
}

/// Posts to a webhook. Its address is a secret, so that errors name only its host.
pub async fn post_webhook(address: &str, body: &Value) -> Result<(), NotTold> {
    let unsent = |it: String| NotTold::Unsent(it);
    let url = Url::parse(address).map_err(|_| unsent("its address is no URL".into()))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let is_loopback = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
        return Err(unsent("its address must begin with https://".into()));
    }
    match post(address, body).await.map_err(|it| unsent(it.to_string()))? {
        Ok(status) if status.is_success() => Ok(()),
        Ok(status) => Err(unsent(format!("{host} answered with status {}", status.as_u16()))),
        Err(error) if error.is_connect() || error.is_builder() => {
            Err(unsent(format!("{host} cannot be reached: {}", cause(&error.without_url()))))
        }
        Err(error) if error.is_timeout() => {
            Err(NotTold::Unanswered(format!("{host} did not answer within {} s", TIMEOUT.as_secs())))
        }
        Err(_) => Err(NotTold::Unanswered(format!("{host} closed the connection before it answered"))),
    }
}

/// The status that comes back; an error of its own where nothing could be sent by anybody.
async fn post(url: &str, body: &Value) -> Result<reqwest::Result<StatusCode>, Error> {
    let http = plain_http(url.starts_with("http://"))?;
    Ok(http.post(url).json(body).send().await.map(|it| it.status()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cloud_takes_events_elsewhere() {
        assert_eq!(ingestion_host("https://eu.posthog.com"), "https://eu.i.posthog.com");
        assert_eq!(ingestion_host("https://posthog.offset.example"), "https://posthog.offset.example");
    }

    #[tokio::test]
    async fn what_was_not_sent_is_told_from_what_was_not_answered() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/s3cret", listener.local_addr().unwrap());
        let body = Value::Null;
        let (posted, _) = tokio::join!(post_webhook(&address, &body), async {
            drop(listener.accept().await.unwrap());
        });
        let closed = "127.0.0.1 closed the connection before it answered";
        assert_eq!(posted, Err(NotTold::Unanswered(closed.into())));
        drop(listener);
        let refused = post_webhook(&address, &body).await.unwrap_err();
        let why = refused.to_string();
        assert!(matches!(refused, NotTold::Unsent(_)), "{why}");
        assert!(why.starts_with("127.0.0.1 cannot be reached: "), "{why}");
    }
}
