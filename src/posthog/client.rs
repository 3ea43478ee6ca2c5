use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Certificate, Method, RequestBuilder, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Error;
use super::experiment_result;
use super::queries::{Freshness, Query};
use super::wire::{self, ErrorBody, Page};
use crate::config::Environment;
use crate::flags::{Comparison, Experiment, Flag, FlagKey, FlagUses, History, KeyMetric, Project};

/// More than the largest page of flags that PostHog serves.
const MAX_ANSWER: usize = 64 << 20;
const PAGE: usize = 200;
/// Flags of a page: fewer requests for large projects, and as many as PostHog's own clients ask for.
const FLAGS_PAGE: usize = 500;
/// Pages of a list that are followed: 10,000 flags, and many more.
const MAX_PAGES: usize = 100;
/// Projects that a sentence names.
const NAMED: usize = 20;
const TRIES: u32 = 3;
/// A longer wait than this is the caller's to plan, not this call's to sleep.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// So long an answer is waited for.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);
/// PostHog runs a query for 10 s at most, after up to 30 s in a queue.
const QUERY_TIMEOUT: Duration = Duration::from_secs(45);
/// What PostHog calls a body whose fields it does not take; what is sent here is JSON in any case.
const SHAPE_REFUSED: &str = "parse_error";

/// The flags of a project.
#[derive(Debug)]
pub struct AllFlags {
    /// Living ones, then archived ones.
    pub flags: Vec<Arc<Flag>>,
    /// How many living and how many archived ones the server counts, where it says so.
    pub(super) counts: [Option<u64>; 2],
    /// Whether archived ones stand in a list of their own.
    pub(super) hides_archived: bool,
}

/// The flags written last.
#[derive(Debug)]
pub(super) struct Recent {
    pub(super) flags: Vec<Flag>,
    /// How many stand before them and were left out.
    pub(super) skipped: usize,
    /// How many flags the whole list has.
    pub(super) count: Option<u64>,
}

/// Talks to one PostHog with one key. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    host: String,
    key: SecretString,
    /// Whether the server refused what stands beside a query nowadays; the same for all clones.
    asks_as_old: Arc<AtomicBool>,
}

impl Client {
    /// A client for an environment; [`Error::SignedOut`] without a key. Sends nothing.
    pub fn new(environment: &Environment) -> Result<Client, Error> {
        if let Some(problem) = &environment.problem {
            return Err(Error::Settings(problem.to_string()));
        }
        let host = environment.host.to_string();
        let key = environment.key.clone().ok_or_else(|| Error::SignedOut { host: host.clone() })?;
        let http = plain_http(host.starts_with("http://"))?;
        Ok(Client { http, host, key, asks_as_old: Arc::default() })
    }

    /// Whose key this is.
    pub async fn me(&self) -> Result<wire::User, Error> {
        self.get("/api/users/@me/", &[]).await
    }

    /// What the key may do.
    pub async fn api_key(&self) -> Result<wire::ApiKey, Error> {
        self.get("/api/personal_api_keys/@current/", &[]).await
    }

    /// The project that the settings name, or the only one that the key can see.
    pub async fn project(&self, environment: &Environment) -> Result<wire::Project, Error> {
        if let Some(id) = environment.project {
            let asked = self.get(&format!("/api/projects/{id}/"), &[]).await;
            return match asked {
                Err(error @ (Error::NotFound(_) | Error::Forbidden(_))) => {
                    Err(self.no_project(id, environment.project_from.unwrap_or("a setting"), error).await)
                }
                answer => answer,
            };
        }
        match self.projects().await?.as_slice() {
            [] => Err(Error::Forbidden("the key cannot see any project".into())),
            // The list leaves out the query mode.
            [only] => self.get(&format!("/api/projects/{}/", only.id), &[]).await,
            several => Err(Error::WhichProject(names(several))),
        }
    }

    /// Why a project is not there, with those that are.
    async fn no_project(&self, project: u64, from: &'static str, error: Error) -> Error {
        let projects = self.projects().await.ok();
        let is_listed = projects.iter().flatten().any(|it| it.id == project);
        // A key that lacks a scope is told so, in the server's words.
        if is_listed || (projects.is_none() && matches!(error, Error::Forbidden(_))) {
            return error;
        }
        let projects = projects.map(|it| names(&it));
        Error::NoProject { host: self.host.clone(), project, from, projects }
    }

    /// The projects that the key can see; the first hundred.
    pub async fn projects(&self) -> Result<Vec<wire::Project>, Error> {
        let page: Page<wire::Project> = self.get("/api/projects/", &[("limit", "100".into())]).await?;
        Ok(page.results)
    }

    /// The cohorts of a project.
    pub async fn cohorts(&self, project: &Project) -> Result<Vec<wire::Cohort>, Error> {
        self.pages(&format!("/api/projects/{}/cohorts/", project.id), &[]).await
    }

    /// All flags, archived ones too.
    pub async fn flags(&self, project: &Project) -> Result<AllFlags, Error> {
        let path = format!("/api/projects/{}/feature_flags/", project.id);
        let mut flags: Vec<Arc<Flag>> = Vec::new();
        let take = |page: Vec<wire::Flag>| {
            flags.extend(page.into_iter().map(|it| Arc::new(it.into())));
            true
        };
        let n_living = self.each_page(&path, &[leave_out()], FLAGS_PAGE, take).await?;
        // Without `archived` they are hidden. A server that ignores it begins with all of them again.
        let mut archived: Vec<Arc<Flag>> = Vec::new();
        let mut hides_archived = true;
        let take = |page: Vec<wire::Flag>| {
            hides_archived = page.iter().all(|it| it.archived);
            archived.extend(page.into_iter().map(|it| Arc::new(it.into())));
            hides_archived
        };
        let query = [leave_out(), ("archived", "true".into())];
        let n_archived = self.each_page(&path, &query, FLAGS_PAGE, take).await?;
        if hides_archived {
            let known: HashSet<u64> = flags.iter().map(|it| it.id).collect();
            flags.extend(archived.into_iter().filter(|it| !known.contains(&it.id)));
        }
        Ok(AllFlags { flags, counts: [n_living, n_archived.filter(|_| hides_archived)], hides_archived })
    }

    /// The flags written last, newest first, living or archived ones, without the first `skip` of them.
    pub(super) async fn recent_flags(
        &self,
        project: &Project,
        limit: usize,
        skip: usize,
        archived: bool,
    ) -> Result<Recent, Error> {
        let path = format!("/api/projects/{}/feature_flags/", project.id);
        let mut query = vec![("order", "-updated_at".to_owned()), ("limit", limit.to_string()), leave_out()];
        query.extend(archived.then(|| ("archived", "true".into())));
        query.extend((skip > 0).then(|| ("offset", skip.to_string())));
        let page: Page<wire::Flag> = self.get(&path, &query).await?;
        let flags = page.results.into_iter().map(Flag::from).collect();
        Ok(Recent { flags, skipped: skip, count: page.count })
    }

    /// One flag, also when it is deleted.
    pub async fn flag(&self, project: &Project, id: u64) -> Result<Flag, Error> {
        let flag: wire::Flag =
            self.get(&format!("/api/projects/{}/feature_flags/{id}/", project.id), &[]).await?;
        Ok(flag.into())
    }

    /// What else of the project needs a flag, and whether the server can archive it.
    pub async fn flag_uses(&self, project: &Project, id: u64) -> Result<FlagUses, Error> {
        let uses: wire::FlagUses =
            self.get(&format!("/api/projects/{}/feature_flags/{id}/", project.id), &[]).await?;
        Ok(uses.into())
    }

    /// The living or archived flag with exactly this key.
    pub async fn flag_by_key(&self, project: &Project, key: &FlagKey) -> Result<Option<Flag>, Error> {
        let path = format!("/api/projects/{}/feature_flags/", project.id);
        for archived in [None, Some(("archived", "true".to_owned()))] {
            let mut query = vec![("search", key.to_string())];
            query.extend(archived);
            let found: Vec<wire::Flag> = self.pages(&path, &query).await?;
            if let Some(flag) = found.into_iter().find(|it| it.key == key.as_str() && !it.deleted) {
                return Ok(Some(flag.into()));
            }
        }
        Ok(None)
    }

    /// Makes a flag.
    pub async fn create_flag(&self, project: &Project, body: &Value) -> Result<Flag, Error> {
        let path = format!("/api/projects/{}/feature_flags/", project.id);
        let flag: wire::Flag = self.send(Method::POST, &path, body).await?;
        Ok(flag.into())
    }

    /// Archives a flag, which switches it off. Refused when somebody changed either meanwhile.
    pub async fn archive_flag(&self, project: &Project, flag: &Flag) -> Result<Flag, Error> {
        let mut body = json!({ "archived": true, "active": false });
        // A flag that was never changed may have none, and PostHog refuses a null.
        if let Some(version) = flag.version {
            body["version"] = version.into();
            body["original_flag"] = json!({ "archived": flag.archived, "active": flag.active });
        }
        let path = format!("/api/projects/{}/feature_flags/{}/", project.id, flag.id);
        let flag: wire::Flag = self.send(Method::PATCH, &path, &body).await?;
        Ok(flag.into())
    }

    /// What was changed on a flag, newest first, at most 10 pages of 100.
    pub async fn history(&self, project: &Project, flag: &Flag, now: Timestamp) -> Result<History, Error> {
        let path = format!("/api/projects/{}/feature_flags/{}/activity/", project.id, flag.id);
        let mut history =
            History { version: Some(flag.stamp()), entries: Vec::new(), complete: false, fetched_at: now };
        for page in 1..=10 {
            let query = [("limit", "100".to_owned()), ("page", page.to_string())];
            let page: wire::ActivityPage = self.get(&path, &query).await?;
            history.entries.extend(page.results.into_iter().map(crate::flags::Entry::from));
            history.complete = history.entries.iter().any(|it| it.created);
            if page.next.is_none() || history.complete {
                break;
            }
        }
        Ok(history)
    }

    /// What was changed lately on the flags of a project, newest first.
    pub(super) async fn activity(
        &self,
        project: &Project,
        limit: usize,
    ) -> Result<Vec<wire::Activity>, Error> {
        let path = format!("/api/projects/{}/feature_flags/activity/", project.id);
        let query = [("limit", limit.to_string()), ("page", "1".to_owned())];
        let page: wire::ActivityPage = self.get(&path, &query).await?;
        Ok(page.results)
    }

    /// The experiments of a project that are not put away.
    pub async fn experiments(&self, project: &Project) -> Result<Vec<wire::WholeExperiment>, Error> {
        self.pages(&format!("/api/projects/{}/experiments/", project.id), &[]).await
    }

    /// The early access features of a project.
    pub async fn early_access(&self, project: &Project) -> Result<Vec<wire::EarlyAccess>, Error> {
        self.pages(&format!("/api/projects/{}/early_access_feature/", project.id), &[]).await
    }

    /// What PostHog will change by itself on the flags of a project, and what it did change.
    pub async fn schedules(&self, project: &Project) -> Result<Vec<wire::Schedule>, Error> {
        let path = format!("/api/projects/{}/scheduled_changes/", project.id);
        self.pages(&path, &[("model_name", "FeatureFlag".into())]).await
    }

    /// Whether a note with exactly these words stands on the project's graphs.
    pub async fn has_annotation(&self, project: &Project, content: &str) -> Result<bool, Error> {
        let path = format!("/api/projects/{}/annotations/", project.id);
        // Servers that do not know `search` send them all; the comparison is made here.
        let found: Vec<wire::Annotation> = self.pages(&path, &[("search", content.to_owned())]).await?;
        Ok(found.iter().any(|it| it.content.as_deref() == Some(content) && !it.deleted))
    }

    /// Writes a note on all graphs of the project.
    pub async fn annotate(&self, project: &Project, content: &str, at: Timestamp) -> Result<(), Error> {
        let path = format!("/api/projects/{}/annotations/", project.id);
        let body = json!({ "content": content, "date_marker": at, "scope": "project" });
        self.send::<wire::Annotation>(Method::POST, &path, &body).await.map(drop)
    }

    /// Asks HogQL and gets rows.
    pub async fn query(&self, project: &Project, query: &Query) -> Result<Vec<Vec<Value>>, Error> {
        let hogql = json!({ "kind": "HogQLQuery", "query": query.text, "values": query.values });
        let answer: wire::QueryAnswer = self.answer(project, &hogql, query.name, query.freshness).await?;
        match (answer.error.filter(|it| !it.is_empty()), answer.results) {
            (None, Some(rows)) => Ok(rows),
            (Some(detail), _) => Err(Error::Invalid { code: "query".into(), detail }),
            (None, None) => Err(self.not_understood("the query's rows are missing".into())),
        }
    }

    /// How an experiment goes by its key metric, and when that was computed; `None` when there is nothing to compare.
    pub async fn experiment_result(
        &self,
        project: &Project,
        experiment: &Experiment,
    ) -> Result<(Option<Comparison>, Option<Timestamp>), Error> {
        let answer: experiment_result::Answer = match &experiment.metric {
            KeyMetric::Missing => return Ok((None, None)),
            KeyMetric::Described { body, .. } => {
                let query = experiment_result::query(experiment.id, body);
                self.answer(project, &query, "flagline experiment", Freshness::Kept).await?
            }
            KeyMetric::InFilters => {
                let path = format!("/api/projects/{}/experiments/{}/results/", project.id, experiment.id);
                self.get(&path, &[]).await?
            }
        };
        match answer.error.as_deref().filter(|it| !it.is_empty()) {
            Some(detail) => Err(Error::Invalid { code: "query".into(), detail: detail.to_owned() }),
            None => {
                let computed_at = answer.last_refresh;
                Ok((answer.comparison(), computed_at))
            }
        }
    }

    /// Sends a query.
    ///
    /// A server refuses a body with a field that is newer than it is: `name`, and `refresh` where that was a boolean
    /// (the public source of PostHog's `QueryRequest`). It is asked again in the old way, and so from then on.
    async fn answer<T: DeserializeOwned>(
        &self,
        project: &Project,
        query: &Value,
        name: &str,
        freshness: Freshness,
    ) -> Result<T, Error> {
        let path = format!("/api/projects/{}/query/", project.id);
        let (refresh, old) = match freshness {
            Freshness::Computed => ("force_blocking", json!({ "query": query, "refresh": true })),
            Freshness::Kept => ("blocking", json!({ "query": query })),
        };
        if self.asks_as_old.load(Ordering::Relaxed) {
            return self.answer_to(&path, &old).await;
        }
        let named = json!({ "query": query, "refresh": refresh, "name": name });
        match self.answer_to(&path, &named).await {
            Err(Error::Invalid { code, .. }) if code == SHAPE_REFUSED => {
                let answer = self.answer_to(&path, &old).await;
                // Else it was the query itself.
                if answer.is_ok() {
                    self.asks_as_old.store(true, Ordering::Relaxed);
                }
                answer
            }
            answer => answer,
        }
    }

    async fn answer_to<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Error> {
        let request = || self.http.post(self.url(path)).timeout(QUERY_TIMEOUT).json(body);
        self.with_retries(request).await
    }

    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        let take = |page: Vec<T>| {
            all.extend(page);
            true
        };
        self.each_page(path, query, PAGE, take).await?;
        Ok(all)
    }

    /// Reads pages until the last one, or until `take` wants no more. Returns how many rows the server counts.
    pub(super) async fn each_page<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        limit: usize,
        mut take: impl FnMut(Vec<T>) -> bool,
    ) -> Result<Option<u64>, Error> {
        let mut n_rows = 0;
        for _ in 0..MAX_PAGES {
            let mut query = query.to_vec();
            query.extend([("limit", limit.to_string()), ("offset", n_rows.to_string())]);
            let page: Page<T> = self.get(path, &query).await?;
            n_rows += page.results.len();
            let is_last = page.next.is_none() || page.results.is_empty();
            if !take(page.results) || is_last {
                return Ok(page.count);
            }
        }
        Err(self.not_understood(format!("more than {n_rows} rows")))
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, Error> {
        self.with_retries(|| self.http.get(self.url(path)).query(query)).await
    }

    /// A write: sent once, and again only after 429, which says that nothing was done.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<T, Error> {
        let request = || self.http.request(method.clone(), self.url(path)).json(body);
        self.decode(&self.written(request).await?)
    }

    /// Something that may be asked again: waits as long as the server says, else 0.2 s, 0.4 s, ... with jitter.
    async fn with_retries<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<T, Error> {
        let mut wait = Duration::from_millis(200);
        for _ in 1..TRIES {
            match self.once(request()).await {
                Err(Error::Limited(asked)) if asked > MAX_WAIT => return Err(Error::Limited(asked)),
                Err(Error::Limited(asked)) => tokio::time::sleep(asked).await,
                Err(Error::Server { .. }) => tokio::time::sleep(jittered(wait)).await,
                answer => return answer,
            }
            wait *= 2;
        }
        self.once(request()).await
    }

    /// Takes something away that has no other way to go; what is gone already is fine.
    pub(super) async fn delete(&self, path: &str) -> Result<(), Error> {
        match self.written(|| self.http.delete(self.url(path))).await {
            Err(Error::NotFound(_)) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn written(&self, request: impl Fn() -> RequestBuilder) -> Result<Vec<u8>, Error> {
        match self.bytes(request()).await {
            Err(Error::Limited(wait)) if wait <= MAX_WAIT => {
                tokio::time::sleep(wait).await;
                self.bytes(request()).await
            }
            answer => answer,
        }
    }

    async fn once<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        self.decode(&self.bytes(request).await?)
    }

    async fn bytes(&self, request: RequestBuilder) -> Result<Vec<u8>, Error> {
        let request = request.bearer_auth(self.key.expose_secret());
        let mut response = request.send().await.map_err(|it| unreachable(&self.host, &it))?;
        let status = response.status();
        let is_query = response.url().path().ends_with("/query/");
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|it| unreachable(&self.host, &it))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Error::TooLarge(MAX_ANSWER));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(match self.refusal(status, retry_after, &body) {
                Error::TooSlow if !is_query => Error::Server { status: status.as_u16() },
                error => error,
            });
        }
        Ok(body)
    }

    fn decode<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Error> {
        let mut json = serde_json::Deserializer::from_slice(body);
        serde_path_to_error::deserialize(&mut json).map_err(|it| {
            if looks_like_html(body) {
                return self.not_posthog("a web page");
            }
            // What breaks off does so nowhere in particular.
            match it.path().to_string() {
                path if matches!(&*path, "." | "?") || !it.inner().is_data() => {
                    self.not_understood(it.inner().to_string())
                }
                path => self.not_understood(format!("at {path}: {}", it.inner())),
            }
        })
    }

    pub(super) fn not_understood(&self, detail: String) -> Error {
        Error::Decode { host: self.host.clone(), detail }
    }

    fn refusal(&self, status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Error {
        let error: Option<ErrorBody> = serde_json::from_slice(body).ok();
        let is_json = error.is_some();
        let error = error.unwrap_or_default().one();
        let words = error.error.map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
        let detail = error.detail.or(words).or(error.message).unwrap_or_else(|| status.to_string());
        let code = error.code.unwrap_or_default();
        match status.as_u16() {
            // Older servers leave the body of 405 empty, and it is an answer all the same: there is no such action.
            405 => Error::NotFound(detail),
            429 => Error::Limited(retry_after.unwrap_or(Duration::from_secs(30))),
            504 | 512 => Error::TooSlow,
            500.. => Error::Server { status: status.as_u16() },
            // A web page with one of these comes from something in front of PostHog, or is no PostHog at all.
            _ if !is_json => self.not_posthog(&format!("status {status} without an API answer")),
            401 => Error::Unauthorized { host: self.host.clone(), detail },
            402 => Error::PaymentRequired(detail),
            403 => Error::Forbidden(detail),
            404 => Error::NotFound(detail),
            409 if matches!(&*code, "approval_required" | "change_request_pending") => {
                Error::ApprovalRequired {
                    detail,
                    request: error.change_request_id,
                    is_earlier: code == "change_request_pending",
                }
            }
            409 => Error::Conflict(detail),
            _ => Error::Invalid { code, detail },
        }
    }

    fn not_posthog(&self, what: &str) -> Error {
        Error::NotPostHog { host: self.host.clone(), what: what.into() }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.host)
    }
}

/// A client that sends no key by itself and follows nobody elsewhere.
pub(super) fn plain_http(is_plain: bool) -> Result<reqwest::Client, Error> {
    let authorities = authorities(|it| std::env::var_os(it))?;
    // Fails only when it was done before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder();
    // Unencrypted is only what goes to this machine, and must not leave it.
    let builder = if is_plain { builder.no_proxy() } else { builder };
    builder
        .user_agent(concat!("flagline/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(5))
        .timeout(TIMEOUT)
        // A key is for its host alone, and a redirect loses a POST's body.
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_merge(authorities)
        .build()
        .map_err(|it| Error::Settings(format!("a certificate cannot be used: {}", cause(&it))))
}

/// What is large and not needed of flags.
fn leave_out() -> (&'static str, String) {
    ("excluded_properties", r#"["surveys"]"#.into())
}

/// Projects in a sentence; of very many, the first.
fn names(projects: &[wire::Project]) -> String {
    let named = projects.iter().take(NAMED).map(|it| format!("{} ({})", it.id, it.name));
    let rest = projects.len().checked_sub(NAMED + 1).map(|it| format!("and {} more", it + 1));
    named.chain(rest).collect::<Vec<String>>().join(", ")
}

fn looks_like_html(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}

fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(3600)))
}

/// Spreads clients that failed together: 80 to 120 % of `wait`.
pub(super) fn jittered(wait: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(()) % 41;
    wait * (80 + random as u32) / 100
}

/// The certificates that count besides the system's own: those of the files that variables name. A file that cannot
/// be used is an error, since whoever named it cannot do without.
fn authorities(variable: impl Fn(&str) -> Option<OsString>) -> Result<Vec<Certificate>, Error> {
    let mut all = Vec::new();
    for name in ["FLAGLINE_CA_FILE", "SSL_CERT_FILE"] {
        let Some(path) = variable(name).filter(|it| !it.is_empty()).map(PathBuf::from) else { continue };
        let wrong = |why: String| Error::Settings(format!("{name}: {} {why}", path.display()));
        let pem = std::fs::read(&path).map_err(|it| wrong(format!("cannot be read: {it}")))?;
        let found = Certificate::from_pem_bundle(&pem)
            .map_err(|it| wrong(format!("has a certificate that cannot be read: {}", cause(&it))))?;
        if found.is_empty() {
            return Err(wrong(
                "has no certificate in it; a PEM file is needed (-----BEGIN CERTIFICATE-----)".into(),
            ));
        }
        all.extend(found);
    }
    Ok(all)
}

/// The innermost words of an error.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn unreachable(host: &str, error: &reqwest::Error) -> Error {
    let (host, detail) = (host.to_owned(), cause(error));
    if detail.contains("certificate") {
        return Error::Tls { host, detail };
    }
    let detail = if error.is_timeout() { "it takes too long to answer".into() } else { detail };
    let proxy = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].into_iter();
    let proxy = proxy
        .filter(|_| error.is_connect() && host.starts_with("https://"))
        .find(|it| std::env::var_os(it).is_some());
    let detail = match proxy {
        Some(name) => format!("{detail}; {name} names a proxy for it"),
        None => detail,
    };
    Error::Offline { host, detail }
}
