//! Sending events, with the project's public token and never with a key (posthog-api, appendix E).

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::Error;

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
    post(&url, host, event).await.and_then(|status| match status {
        it if it.is_success() => Ok(()),
        StatusCode::TOO_MANY_REQUESTS => Err(Error::Limited(Duration::from_secs(30))),
        it if it.is_server_error() => Err(Error::Server { status: it.as_u16() }),
        it => Err(Error::Invalid {
            code: "capture".into(),
            detail: format!("the event was refused with status {it}"),
        }),
    })
}

/// Posts to a webhook. Its address is a secret, so that errors name only its host.
pub async fn post_webhook(address: &str, body: &Value) -> Result<(), String> {
    let url = Url::parse(address).map_err(|_| "its address is no URL".to_owned())?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let is_loopback = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
        return Err("its address must begin with https://".into());
    }
    match post(address, &host, body).await {
        Ok(status) if status.is_success() => Ok(()),
        Ok(status) => Err(format!("{host} answered with status {}", status.as_u16())),
        Err(error) => Err(error.to_string()),
    }
}

async fn post(url: &str, host: &str, body: &Value) -> Result<StatusCode, Error> {
    let offline =
        |it: reqwest::Error| Error::Offline { host: host.to_owned(), detail: it.without_url().to_string() };
    let http = super::client::plain_http(url.starts_with("http://"))?;
    let response = http.post(url).json(body).send().await.map_err(offline)?;
    Ok(response.status())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cloud_takes_events_elsewhere() {
        assert_eq!(ingestion_host("https://eu.posthog.com"), "https://eu.i.posthog.com");
        assert_eq!(ingestion_host("https://posthog.offset.example"), "https://posthog.offset.example");
    }
}
