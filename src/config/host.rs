//! Addresses and keys, checked before anything is sent.

use std::sync::Arc;

use url::Url;

/// Where a key without a host belongs.
pub const US_CLOUD: &str = "https://us.posthog.com";

/// Checks and normalises a host: HTTPS, loopback excepted; PostHog's ingestion hosts become their app hosts.
pub fn parse_host(host: &str) -> Result<Arc<str>, String> {
    let with_scheme = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    let url = Url::parse(&with_scheme).map_err(|it| format!("{host:?} is no address: {it}"))?;
    let name = url.host_str().ok_or_else(|| format!("{host:?} names no host"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address with a user name or password is not taken".into());
    }
    let loopback = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return Err(format!("{name} must be https: a key is sent there")),
    }
    let name = match name {
        "app.posthog.com" | "us.i.posthog.com" | "app.i.posthog.com" => "us.posthog.com",
        "eu.i.posthog.com" => "eu.posthog.com",
        other => other,
    };
    let port = url.port().map(|it| format!(":{it}")).unwrap_or_default();
    Ok(format!("{}://{name}{port}", url.scheme()).into())
}

/// Whether a text can be a personal API key; else what it is instead.
pub fn check_key(key: &str) -> Result<(), String> {
    if key.starts_with("phc_") {
        return Err("this is a project token, which is public and cannot read flags; \
                    make a personal API key (phx_...) in PostHog's settings"
            .into());
    }
    if key.starts_with("phs_") {
        return Err("this is a project secret key; a personal API key (phx_...) is needed".into());
    }
    if key.is_empty() || !key.bytes().all(|it| it.is_ascii_graphic()) {
        return Err("the key has characters that no key has; was it pasted whole?".into());
    }
    Ok(())
}

/// What a project's number must look like, when it does not.
pub(super) fn not_a_project(value: impl std::fmt::Display) -> String {
    format!("expected the project's number, as in the address of its pages (/project/1/), not {value}")
}
