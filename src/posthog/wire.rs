//! PostHog's JSON. Unknown fields are ignored, missing and null ones take defaults: servers of many ages answer.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::flags::{self, null_to_default};

/// A page of a limit/offset list.
#[derive(Debug, Deserialize)]
pub struct Page<T> {
    /// How many rows there are on all pages.
    #[serde(default)]
    pub count: Option<u64>,
    /// Address of the next page; only whether there is one counts, the host in it may be wrong behind a proxy.
    #[serde(default)]
    pub next: Option<String>,
    /// The rows.
    pub results: Vec<T>,
}

/// A feature flag (posthog-api 2.1); also how the mirror stands on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flag {
    /// Numeric id.
    pub id: u64,
    /// Key.
    pub key: String,
    /// Description.
    #[serde(default, deserialize_with = "null_to_default")]
    pub name: String,
    /// Enabled.
    #[serde(default, deserialize_with = "null_to_default")]
    pub active: bool,
    /// Put away.
    #[serde(default, deserialize_with = "null_to_default")]
    pub archived: bool,
    /// Soft-deleted.
    #[serde(default, deserialize_with = "null_to_default")]
    pub deleted: bool,
    /// Raw release conditions.
    #[serde(default)]
    pub filters: Option<Box<RawValue>>,
    /// Version.
    #[serde(default)]
    pub version: Option<i64>,
    /// Made.
    #[serde(default, deserialize_with = "lenient_time")]
    pub created_at: Option<Timestamp>,
    /// Written.
    #[serde(default, deserialize_with = "lenient_time")]
    pub updated_at: Option<Timestamp>,
    /// Evaluated.
    #[serde(default, deserialize_with = "lenient_time")]
    pub last_called_at: Option<Timestamp>,
    /// Made by.
    #[serde(default)]
    pub created_by: Option<User>,
    /// Last written by.
    #[serde(default)]
    pub last_modified_by: Option<User>,
    /// Tags.
    #[serde(default, deserialize_with = "null_to_default")]
    pub tags: Vec<String>,
    /// Remote configuration; null on flags made before there was any.
    #[serde(default, deserialize_with = "null_to_default")]
    pub is_remote_configuration: bool,
    /// Experiments.
    #[serde(default, deserialize_with = "null_to_default")]
    pub experiment_set: Vec<i64>,
    /// Experiments with their state; newer servers.
    #[serde(default)]
    pub experiment_set_metadata: Option<Vec<Experiment>>,
    /// Early access features.
    #[serde(default, deserialize_with = "null_to_default", skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<EarlyAccess>,
    /// Dashboards.
    #[serde(default, deserialize_with = "null_to_default")]
    pub analytics_dashboards: Vec<u64>,
}

/// An early access feature (posthog-api 4.1), in a list of its own and on its flag; also how the mirror keeps it on
/// disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EarlyAccess {
    /// UUID.
    pub id: String,
    /// Name.
    #[serde(default, deserialize_with = "null_to_default")]
    pub name: String,
    /// `draft`, `concept`, `alpha`, `beta`, `general-availability` or `archived`.
    #[serde(default, deserialize_with = "null_to_default")]
    pub stage: String,
}

impl From<EarlyAccess> for flags::EarlyAccess {
    fn from(it: EarlyAccess) -> flags::EarlyAccess {
        flags::EarlyAccess { id: it.id.into(), name: it.name, stage: it.stage }
    }
}

impl From<&flags::EarlyAccess> for EarlyAccess {
    fn from(it: &flags::EarlyAccess) -> EarlyAccess {
        EarlyAccess { id: it.id.to_string(), name: it.name.clone(), stage: it.stage.clone() }
    }
}

/// What stands on a flag that is asked for by itself, and says what else needs it (posthog-api 2.1).
#[derive(Debug, Clone, Deserialize)]
pub struct FlagUses {
    /// Absent on servers that cannot archive.
    #[serde(default)]
    pub archived: Option<bool>,
    /// Surveys that are shown to those who get the flag.
    #[serde(default, deserialize_with = "null_to_default")]
    pub surveys: Vec<Survey>,
    /// Whether it decides whose sessions are recorded; newer servers.
    #[serde(default, deserialize_with = "null_to_default")]
    pub is_used_in_replay_settings: bool,
}

/// A survey (posthog-api 4.9), as far as its flag is concerned.
#[derive(Debug, Clone, Deserialize)]
pub struct Survey {
    /// Name.
    #[serde(default, deserialize_with = "null_to_default")]
    pub name: String,
    /// Ended.
    #[serde(default, deserialize_with = "lenient_time")]
    pub end_date: Option<Timestamp>,
    /// Put away.
    #[serde(default, deserialize_with = "null_to_default")]
    pub archived: bool,
}

impl From<FlagUses> for flags::FlagUses {
    fn from(it: FlagUses) -> flags::FlagUses {
        let goes_on = |it: &Survey| it.end_date.is_none() && !it.archived;
        flags::FlagUses {
            can_archive: it.archived.is_some(),
            surveys: it.surveys.into_iter().filter(goes_on).map(|it| it.name).collect(),
            in_replay: it.is_used_in_replay_settings,
        }
    }
}

/// An experiment as a flag names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Experiment {
    /// Whether it runs.
    #[serde(default, deserialize_with = "null_to_default")]
    pub is_running: bool,
}

/// An experiment (posthog-api 4.3); also how the mirror keeps it on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WholeExperiment {
    /// Numeric id.
    pub id: i64,
    /// Name.
    #[serde(default, deserialize_with = "null_to_default")]
    pub name: String,
    /// The flag's key.
    #[serde(default, deserialize_with = "null_to_default")]
    pub feature_flag_key: String,
    /// Launched.
    #[serde(default, deserialize_with = "lenient_time")]
    pub start_date: Option<Timestamp>,
    /// Ended.
    #[serde(default, deserialize_with = "lenient_time")]
    pub end_date: Option<Timestamp>,
    /// How it came out; absent on older servers.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// Put away.
    #[serde(default, deserialize_with = "null_to_default")]
    pub archived: bool,
    /// What it is decided by; absent on servers that describe that by filters.
    #[serde(default)]
    pub metrics: Option<Vec<serde_json::Value>>,
    /// Metrics that several experiments share.
    #[serde(default, deserialize_with = "null_to_default", skip_serializing_if = "Vec::is_empty")]
    pub saved_metrics: Vec<SavedMetric>,
}

/// A metric that several experiments share, as one of them names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SavedMetric {
    /// What it is here.
    #[serde(default)]
    metadata: serde_json::Value,
    /// The metric.
    #[serde(default)]
    query: serde_json::Value,
    #[serde(default)]
    name: Option<String>,
}

impl SavedMetric {
    /// The metric under its shared name, if the experiment is decided by it.
    pub(super) fn primary(&self) -> Option<serde_json::Value> {
        if self.metadata["type"] != "primary" || !self.query.is_object() {
            return None;
        }
        let mut metric = self.query.clone();
        if let Some(name) = self.name.as_deref().filter(|_| metric["name"].is_null()) {
            metric["name"] = name.into();
        }
        Some(metric)
    }
}

impl From<WholeExperiment> for flags::Experiment {
    fn from(it: WholeExperiment) -> flags::Experiment {
        flags::Experiment {
            id: it.id,
            metric: super::experiment_result::key_metric(&it),
            name: it.name,
            flag: it.feature_flag_key,
            started_at: it.start_date,
            ended_at: it.end_date,
            conclusion: it.conclusion,
            archived: it.archived,
        }
    }
}

impl From<&flags::Experiment> for WholeExperiment {
    fn from(it: &flags::Experiment) -> WholeExperiment {
        WholeExperiment {
            id: it.id,
            name: it.name.clone(),
            feature_flag_key: it.flag.clone(),
            start_date: it.started_at,
            end_date: it.ended_at,
            conclusion: it.conclusion.clone(),
            archived: it.archived,
            metrics: match &it.metric {
                flags::KeyMetric::InFilters => None,
                flags::KeyMetric::Missing => Some(Vec::new()),
                flags::KeyMetric::Described { body, .. } => {
                    Some(serde_json::from_str(body).into_iter().collect())
                }
            },
            saved_metrics: Vec::new(),
        }
    }
}

/// A scheduled change (posthog-api 3).
#[derive(Debug, Clone, Deserialize)]
pub struct Schedule {
    /// Its number.
    #[serde(default)]
    pub id: u64,
    /// The flag's id as text.
    #[serde(default, deserialize_with = "null_to_default")]
    pub record_id: String,
    /// What is done; PostHog checks it only when it does it.
    #[serde(default)]
    pub payload: serde_json::Value,
    /// When.
    #[serde(default, deserialize_with = "lenient_time")]
    pub scheduled_at: Option<Timestamp>,
    /// When it was done.
    #[serde(default, deserialize_with = "lenient_time")]
    pub executed_at: Option<Timestamp>,
    /// Whether it comes again; newer servers.
    #[serde(default, deserialize_with = "null_to_default")]
    pub is_recurring: bool,
}

impl Schedule {
    /// The flag, and what will happen to it; nothing of what is over.
    pub fn to_come(&self) -> Option<(u64, flags::ScheduledChange)> {
        if self.executed_at.is_some() && !self.is_recurring {
            return None;
        }
        let change = flags::ScheduledChange {
            at: self.scheduled_at?,
            change: scheduled(&self.payload),
            recurring: self.is_recurring,
        };
        Some((self.record_id.parse().ok()?, change))
    }
}

/// What a scheduled change does, read from its payload.
pub fn scheduled(payload: &serde_json::Value) -> flags::Scheduled {
    let (operation, value) = (payload["operation"].as_str().unwrap_or_default(), &payload["value"]);
    match operation {
        "update_status" if value.is_boolean() => flags::Scheduled::Active(value == true),
        "add_release_condition" => {
            let groups = value["groups"].as_array().map_or(&[][..], Vec::as_slice);
            let percent = |it: &serde_json::Value| it["rollout_percentage"].as_f64().unwrap_or(100.0);
            let widest = groups.iter().max_by(|a, b| percent(a).total_cmp(&percent(b)));
            flags::Scheduled::Conditions {
                percent: widest.map(percent).unwrap_or_default(),
                description: widest.and_then(|it| it["description"].as_str()).unwrap_or_default().to_owned(),
            }
        }
        "update_variants" => flags::Scheduled::Variants,
        other => flags::Scheduled::Other(other.to_owned()),
    }
}

/// A user, whole or in part.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct User {
    /// First name.
    #[serde(default, deserialize_with = "null_to_default")]
    pub first_name: String,
    /// E-mail address.
    #[serde(default, deserialize_with = "null_to_default")]
    pub email: String,
}

/// A personal API key, as far as it may tell of itself.
#[derive(Debug, Clone, Deserialize)]
pub struct ApiKey {
    /// What it may do; absent or null where the server does not say.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
}

/// A project.
#[derive(Debug, Clone, Deserialize)]
pub struct Project {
    /// Number.
    pub id: u64,
    /// Name.
    #[serde(default, deserialize_with = "null_to_default")]
    pub name: String,
    /// The public token that code is initialised with; other shapes may leave it out.
    #[serde(default)]
    pub api_token: Option<String>,
    /// Where evaluations are kept (posthog-api 5.6); absent on older servers.
    #[serde(default)]
    pub flag_evaluations_mode: Option<u8>,
}

/// A cohort, as far as flags are concerned (posthog-api 4.2).
#[derive(Debug, Clone, Deserialize)]
pub struct Cohort {
    /// Number.
    pub id: u64,
    /// Name.
    #[serde(default, deserialize_with = "null_to_default")]
    pub name: String,
    /// A list of people instead of a rule.
    #[serde(default, deserialize_with = "null_to_default")]
    pub is_static: bool,
    /// `static`, `person_property`, `behavioral`, ...; absent on older servers.
    #[serde(default)]
    pub cohort_type: Option<String>,
}

impl Cohort {
    /// Whether PostHog takes it in a flag's release condition.
    pub fn is_usable(&self) -> bool {
        self.is_static || !matches!(self.cohort_type.as_deref(), Some("behavioral" | "analytical"))
    }
}

/// A note on a project's graphs.
#[derive(Debug, Clone, Deserialize)]
pub struct Annotation {
    /// What it says.
    #[serde(default)]
    pub content: Option<String>,
    /// Soft-deleted.
    #[serde(default, deserialize_with = "null_to_default")]
    pub deleted: bool,
}

/// A page of a flag's activity.
#[derive(Debug, Deserialize)]
pub struct ActivityPage {
    /// Newest first.
    pub results: Vec<Activity>,
    /// Address of the next page.
    #[serde(default)]
    pub next: Option<String>,
}

/// An entry of the activity log.
#[derive(Debug, Deserialize)]
pub struct Activity {
    /// Who; null for the system.
    #[serde(default)]
    pub user: Option<User>,
    /// `created`, `updated`, ...
    #[serde(default, deserialize_with = "null_to_default")]
    pub activity: String,
    /// When.
    pub created_at: Timestamp,
    /// On which flag: its id, as a text.
    #[serde(default)]
    pub item_id: serde_json::Value,
    /// What.
    #[serde(default)]
    pub detail: Option<ActivityDetail>,
}

impl Activity {
    /// The flag's id.
    pub fn flag(&self) -> Option<u64> {
        self.item_id.as_u64().or_else(|| self.item_id.as_str()?.parse().ok())
    }
}

/// What an entry says.
#[derive(Debug, Deserialize)]
pub struct ActivityDetail {
    /// Field by field; null for creations.
    #[serde(default)]
    pub changes: Option<Vec<ActivityChange>>,
}

/// One changed field.
#[derive(Debug, Deserialize)]
pub struct ActivityChange {
    /// Its name.
    #[serde(default)]
    pub field: Option<String>,
    /// Its value before.
    #[serde(default)]
    pub before: Option<Box<RawValue>>,
}

/// The answer of the query endpoint.
#[derive(Debug, Deserialize)]
pub struct QueryAnswer {
    /// Rows of columns.
    #[serde(default)]
    pub results: Option<Vec<Vec<serde_json::Value>>>,
    /// A failed query can answer 200 with this.
    #[serde(default)]
    pub error: Option<String>,
}

/// An error body; servers use five shapes (posthog-api 0.3).
#[derive(Debug, Default, Deserialize)]
pub struct ErrorBody {
    /// Machine code.
    #[serde(default)]
    pub code: Option<String>,
    /// Words.
    #[serde(default)]
    pub detail: Option<String>,
    /// Words, second choice.
    #[serde(default)]
    pub error: Option<serde_json::Value>,
    /// Words, third choice.
    #[serde(default)]
    pub message: Option<String>,
    /// The change request that was filed, where an approval is needed.
    #[serde(default)]
    pub change_request_id: Option<String>,
    /// Several errors in one answer.
    #[serde(default)]
    pub list: Vec<ErrorBody>,
}

impl ErrorBody {
    /// As one error: of several, the words of all and the code of the first.
    pub fn one(mut self) -> ErrorBody {
        if self.detail.is_none() && !self.list.is_empty() {
            let words: Vec<String> = self.list.iter_mut().filter_map(|it| it.detail.take()).collect();
            self.code = self.list.swap_remove(0).code.or(self.code);
            self.detail = Some(words.join("; ")).filter(|it| !it.is_empty());
        }
        self
    }
}

impl From<Project> for flags::Project {
    fn from(it: Project) -> flags::Project {
        flags::Project { id: it.id, name: it.name.into() }
    }
}

impl From<User> for flags::Person {
    fn from(it: User) -> flags::Person {
        flags::Person { first_name: it.first_name, email: it.email }
    }
}

impl From<&flags::Person> for User {
    fn from(it: &flags::Person) -> User {
        User { first_name: it.first_name.clone(), email: it.email.clone() }
    }
}

impl From<Flag> for flags::Flag {
    fn from(it: Flag) -> flags::Flag {
        flags::Flag {
            id: it.id,
            key: it.key.as_str().into(),
            name: it.name,
            active: it.active,
            archived: it.archived,
            deleted: it.deleted,
            filters: it.filters.map_or_else(|| RawValue::NULL.to_owned().into(), Arc::from),
            version: it.version,
            created_at: it.created_at,
            updated_at: it.updated_at,
            last_called_at: it.last_called_at,
            created_by: it.created_by.map(flags::Person::from),
            modified_by: it.last_modified_by.map(flags::Person::from),
            tags: it.tags,
            is_remote_config: it.is_remote_configuration,
            experiments: it.experiment_set,
            experiment_running: it.experiment_set_metadata.map(|it| it.iter().any(|it| it.is_running)),
            early_access: it.features.into_iter().map(flags::EarlyAccess::from).collect(),
            dashboards: it.analytics_dashboards,
        }
    }
}

impl From<&flags::Flag> for Flag {
    fn from(it: &flags::Flag) -> Flag {
        Flag {
            id: it.id,
            key: it.key.to_string(),
            name: it.name.clone(),
            active: it.active,
            archived: it.archived,
            deleted: it.deleted,
            filters: Some((*it.filters).to_owned()),
            version: it.version,
            created_at: it.created_at,
            updated_at: it.updated_at,
            last_called_at: it.last_called_at,
            created_by: it.created_by.as_ref().map(User::from),
            last_modified_by: it.modified_by.as_ref().map(User::from),
            tags: it.tags.clone(),
            is_remote_configuration: it.is_remote_config,
            experiment_set: it.experiments.clone(),
            experiment_set_metadata: it.experiment_running.map(|is_running| vec![Experiment { is_running }]),
            features: it.early_access.iter().map(EarlyAccess::from).collect(),
            analytics_dashboards: it.dashboards.clone(),
        }
    }
}

impl From<Activity> for flags::Entry {
    fn from(it: Activity) -> flags::Entry {
        let mut entry = flags::Entry {
            at: it.created_at,
            by: it.user.map(|it| {
                let person = flags::Person { first_name: it.first_name, email: it.email };
                person.display().to_owned()
            }),
            created: it.activity == "created",
            active_before: None,
            archived_before: None,
            deleted_before: None,
            filters_before: None,
        };
        for change in it.detail.and_then(|it| it.changes).unwrap_or_default() {
            let truth = |it: &RawValue| serde_json::from_str(it.get()).ok();
            match (change.field.as_deref(), change.before) {
                (Some("active"), Some(before)) => entry.active_before = truth(&before),
                (Some("archived"), Some(before)) => entry.archived_before = truth(&before),
                (Some("deleted"), Some(before)) => entry.deleted_before = truth(&before),
                (Some("filters"), Some(before)) => entry.filters_before = Some(before.into()),
                _ => {}
            }
        }
        entry
    }
}

/// A time that cannot be read is no reason to lose the flag.
fn lenient_time<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    Ok(text.and_then(|it| it.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_errors_are_told_as_one() {
        let body = r#"{"type":"multiple","code":"multiple","detail":null,"attr":null,"list":[
            {"type":"validation_error","code":"unique","detail":"There is already a feature flag with this key.","attr":"key"},
            {"type":"validation_error","code":"required","detail":"This field is required.","attr":"filters"}]}"#;
        let error = serde_json::from_str::<ErrorBody>(body).unwrap().one();
        assert_eq!(error.code.as_deref(), Some("unique"));
        let words = "There is already a feature flag with this key.; This field is required.";
        assert_eq!(error.detail.as_deref(), Some(words));
    }

    #[test]
    fn a_schedule_without_a_time_that_can_be_read_loses_no_other() {
        let page = r#"{"results":[{"id":1,"record_id":"7","scheduled_at":"soon"},
            {"id":2,"record_id":"7","scheduled_at":"2026-12-01T08:00:00Z"}]}"#;
        let page: Page<Schedule> = serde_json::from_str(page).unwrap();
        assert_eq!(page.results.iter().filter_map(Schedule::to_come).count(), 1);
    }

    #[test]
    fn a_flag_of_an_old_server_and_one_full_of_nulls() {
        let old = r#"{"id":1,"key":"a","name":"","filters":{"groups":[{"x-future":1}]},"deleted":false,"active":true,
            "created_at":"2023-12-01T09:00:00.000000Z","is_simple_flag":true,"rollout_percentage":null}"#;
        let flag: flags::Flag = serde_json::from_str::<Flag>(old).unwrap().into();
        assert!(flag.active && flag.version.is_none() && flag.filters.get().contains("x-future"));
        let nulls = r#"{"id":2,"key":"b","name":null,"active":null,"tags":null,"filters":null,"created_by":null,
            "created_at":"yesterday","experiment_set":null,"experiment_set_metadata":null,"analytics_dashboards":null}"#;
        let flag: flags::Flag = serde_json::from_str::<Flag>(nulls).unwrap().into();
        assert!(!flag.active && flag.filters().is_none() && flag.created_at.is_none());
    }

    #[test]
    fn a_flag_survives_the_disk() {
        let json = r#"{"id":1,"key":"a","filters":{"groups":[]},"version":3,"created_by":{"first_name":"Ada","email":"a@b.c"}}"#;
        let flag: flags::Flag = serde_json::from_str::<Flag>(json).unwrap().into();
        let again: flags::Flag =
            serde_json::from_str::<Flag>(&serde_json::to_string(&Flag::from(&flag)).unwrap()).unwrap().into();
        assert_eq!(format!("{flag:?}"), format!("{again:?}"));
    }

    #[test]
    fn what_is_scheduled_and_not_done() {
        let to_come = |json: &str| serde_json::from_str::<Schedule>(json).unwrap().to_come();
        let at = r#""record_id":"42","scheduled_at":"2026-12-01T08:00:00Z""#;
        for (payload, expect) in [
            (r#"{"operation":"update_status","value":false}"#, "is switched off"),
            (
                r#"{"operation":"add_release_condition","value":{"groups":[{"rollout_percentage":5},
                    {"rollout_percentage":25,"description":"3/3 everyone"}]}}"#,
                "opens 3/3 everyone to 25 %",
            ),
            (
                r#"{"operation":"add_release_condition","value":{"groups":[{}]}}"#,
                "opens a further condition to 100 %",
            ),
            (r#"{"operation":"update_variants","value":{}}"#, "gets other variants"),
            (r#"{"operation":"paint"}"#, "changes (paint)"),
            ("null", "changes ()"),
        ] {
            let (flag, change) = to_come(&format!(r#"{{{at},"payload":{payload}}}"#)).unwrap();
            assert_eq!((flag, change.change.to_string().as_str()), (42, expect));
        }
        let done = r#""executed_at":"2026-12-01T08:01:00Z""#;
        assert_eq!(to_come(&format!(r#"{{{at},{done}}}"#)), None);
        assert!(to_come(&format!(r#"{{{at},{done},"is_recurring":true}}"#)).is_some());
    }

    #[test]
    fn activity_is_reduced_to_what_decides() {
        let json = r#"{"user":null,"activity":"updated","created_at":"2026-10-02T09:12:44.120000Z","detail":{"changes":[
            {"field":"filters","before":{"groups":[]},"after":{}},{"field":"active","before":false},{"field":"name","before":null}]}}"#;
        let entry: flags::Entry = serde_json::from_str::<Activity>(json).unwrap().into();
        assert_eq!((entry.active_before, entry.by), (Some(false), None));
        assert_eq!(entry.filters_before.map(|it| it.get().to_owned()).as_deref(), Some(r#"{"groups":[]}"#));
        let created =
            r#"{"activity":"created","created_at":"2026-10-02T09:12:44Z","detail":{"changes":null}}"#;
        assert!(flags::Entry::from(serde_json::from_str::<Activity>(created).unwrap()).created);
    }
}
