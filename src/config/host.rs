//! Addresses and keys, checked before anything is sent.

use std::sync::Arc;

use url::Url;

/// Where a key without a host belongs.
pub const US_CLOUD: &str = "https://us.posthog.com";

/// Checks and normalises a host: HTTPS, loopback excepted; PostHog's ingestion hosts become their app hosts. Without
/// a scheme, this machine is asked by HTTP, since nothing here has a certificate, and every other by HTTPS.
pub fn parse_host(host: &str) -> Result<Arc<str>, String> {
    let parse = |address: &str| Url::parse(address).map_err(|it| format!("{host:?} is no address: {it}"));
    let url = match host.contains("://") {
        true => parse(host)?,
        false => match parse(&format!("http://{host}"))? {
            here if here.host_str().is_some_and(is_loopback) => here,
            _ => parse(&format!("https://{host}"))?,
        },
    };
    let name = url.host_str().ok_or_else(|| format!("{host:?} names no host"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address with a user name or password is not taken".into());
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(name) => {}
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

fn is_loopback(name: &str) -> bool {
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_scheme_is_https_and_this_machine_http() {
        for (written, meant) in [
            ("eu.posthog.com", "https://eu.posthog.com"),
            ("ph.example:8443/project/1", "https://ph.example:8443"),
            ("localhost:8010", "http://localhost:8010"),
            ("127.0.0.1:8010/", "http://127.0.0.1:8010"),
            ("[::1]:8010", "http://[::1]:8010"),
            ("localhost:443", "http://localhost:443"),
            ("localhost", "http://localhost"),
            ("https://localhost:8443", "https://localhost:8443"),
        ] {
            assert_eq!(parse_host(written).as_deref(), Ok(meant), "{written}");
        }
        assert!(parse_host("http://ph.example").is_err());
        assert!(parse_host("localhost.evil.example").unwrap().starts_with("https://"));
    }
}
