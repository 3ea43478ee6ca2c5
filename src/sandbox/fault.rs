//! Faults that tests ask for: refusals, login pages, broken bodies, cut connections, slowness.

use std::time::Duration;

use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reply::Problem;

/// Something that goes wrong with certain requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    /// Requests whose path and query contain this; empty means all.
    #[serde(default)]
    pub path_contains: String,
    /// Requests with this method; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// How often it still happens; absent means always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    pub kind: Kind,
    /// For `status`: the status, 500 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// For `status`: seconds for the header `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// For `status`: the body in place of PostHog's usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// For `latency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// An error answer; nothing is done.
    Status,
    /// A login page with status 200; nothing is done.
    Html,
    /// The request is done, its JSON answer ends in the middle.
    Malformed,
    /// The request is done, the connection closes before the answer is complete.
    Cut,
    /// The request is done, its JSON answer begins with more spaces than anybody reads.
    Huge,
    /// The request waits first.
    Latency,
}

/// What the faults do to one request.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub wait: Duration,
    pub fault: Option<Fault>,
}

/// Which faults hit a request; each of those counts down. Slowness adds up, of the others the first counts.
pub(super) fn strike(faults: &mut [Fault], method: &Method, path: &str) -> Verdict {
    let mut verdict = Verdict::default();
    for fault in faults {
        let meant = path.contains(&fault.path_contains)
            && fault.method.as_deref().is_none_or(|it| it.eq_ignore_ascii_case(method.as_str()))
            && fault.times != Some(0);
        if !meant || (fault.kind != Kind::Latency && verdict.fault.is_some()) {
            continue;
        }
        fault.times = fault.times.map(|it| it - 1);
        match fault.kind {
            Kind::Latency => {
                verdict.wait += Duration::from_millis(fault.milliseconds.unwrap_or(0).min(60_000))
            }
            _ => verdict.fault = Some(fault.clone()),
        }
    }
    verdict
}

impl Fault {
    /// The answer of a `status` fault.
    pub fn problem(&self) -> Problem {
        let status = self.status.unwrap_or(500);
        let (kind, code, detail) = match status {
            400 => ("validation_error", "invalid_input", "Invalid input.".into()),
            401 => (
                "authentication_error",
                "authentication_failed",
                "Personal API key found in request Authorization header is invalid.".into(),
            ),
            402 => (
                "server_error",
                "payment_required",
                "This feature is part of the premium PostHog offering.".into(),
            ),
            403 => (
                "authentication_error",
                "permission_denied",
                "You do not have permission to perform this action.".into(),
            ),
            404 => ("invalid_request", "not_found", "Not found.".into()),
            405 => ("invalid_request", "method_not_allowed", "Method not allowed.".into()),
            409 => (
                "server_error",
                "conflict",
                "The object was updated since you started editing it. Please refresh and try again.".into(),
            ),
            429 => {
                let wait = self.retry_after.map(|it| format!(" Expected available in {it} seconds."));
                (
                    "throttled_error",
                    "throttled",
                    format!("Request was throttled.{}", wait.unwrap_or_default()),
                )
            }
            503 => (
                "server_error",
                "service_unavailable",
                "Queries are a little too busy right now. Please try again later.".into(),
            ),
            504 => {
                ("server_error", "timeout", "Query has hit the max execution time before completing.".into())
            }
            512 => (
                "server_error",
                "estimated_query_execution_time_too_long",
                "Estimated query execution time is too long.".into(),
            ),
            _ => ("server_error", "error", "A server error occurred.".into()),
        };
        Problem { status, kind, code, detail, attr: None, own: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn faults_count_down_and_the_first_one_wins() {
        let mut faults: Vec<Fault> = serde_json::from_value(json!([
            {"path_contains": "query", "method": "post", "kind": "status", "status": 429, "retry_after": 2, "times": 1},
            {"kind": "latency", "milliseconds": 5},
            {"kind": "html"},
        ]))
        .unwrap();
        let mut hit = |method: Method, path: &str| {
            let verdict = strike(&mut faults, &method, path);
            assert_eq!(verdict.wait, Duration::from_millis(5));
            verdict.fault.map(|it| it.kind)
        };
        assert_eq!(hit(Method::GET, "/query/"), Some(Kind::Html));
        assert_eq!(hit(Method::POST, "/query/"), Some(Kind::Status));
        assert_eq!(hit(Method::POST, "/query/"), Some(Kind::Html));
    }
}
