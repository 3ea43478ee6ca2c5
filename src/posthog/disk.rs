//! The mirror on disk, so that an editor starts warm and works offline. No keys stand here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::hash::Hasher as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcetera::BaseStrategy as _;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::confirmed::{self, Confirmed, Version};
use super::stored_result::StoredResult;
use super::wire;
use crate::flags::{
    DayExposure, EarlyAccess, Entry, Environment, Evidence, Exposure, Flag, FlagList, History, Met, Project,
    Scheduled, ScheduledChange, SdkSeen, VariantExposure,
};

/// Grows when an older Flagline would misread the file; fields may be added without. It stands first in the file.
const FORMAT: u32 = 1;

/// The user's cache folder for mirrors, if the system has one.
pub fn folder() -> Option<PathBuf> {
    Some(etcetera::base_strategy::choose_base_strategy().ok()?.cache_dir().join("flagline"))
}

/// Where the mirror of a project lies below `folder`.
pub fn path(folder: &Path, host: &str, project: u64) -> PathBuf {
    folder.join(format!("{}-{project}.json", file_stem(host)))
}

fn file_stem(host: &str) -> String {
    host.chars().map(|it| if it.is_ascii_alphanumeric() || it == '.' { it } else { '_' }).collect()
}

/// Reads a mirror as of when it was last confirmed; `None` when there is none of this host, or a newer Flagline wrote
/// it. A file that cannot be understood is set aside, so that it can be looked at and never gets in the way again.
pub fn load(path: &Path, name: &Arc<str>, host: &Arc<str>) -> Option<Environment> {
    // Before it is read: what replaces it meanwhile is another one.
    let confirmed = Version::of(path).and_then(|it| Confirmed::read(path, it));
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the mirror on disk cannot be read");
            return None;
        }
    };
    if is_newer(&text) {
        tracing::info!(path = %path.display(), "the mirror on disk is of a newer Flagline");
        return None;
    }
    match serde_json::from_slice::<Stored>(&text) {
        Ok(stored) if *stored.host == **host => {
            let mut environment = stored.into_environment(name);
            if let Some(confirmed) = confirmed {
                confirmed.apply(&mut environment);
            }
            Some(environment)
        }
        Ok(_) => None,
        Err(error) => {
            let aside = path.with_extension("json.broken");
            tracing::warn!(path = %path.display(), %error, "the mirror on disk is broken and set aside");
            if let Err(error) = fs::rename(path, &aside) {
                tracing::warn!(path = %aside.display(), %error, "it could not be set aside");
            }
            None
        }
    }
}

/// Whether the mirror there is of a newer Flagline, which goes on using it; an older one leaves it alone.
pub fn is_of_newer(path: &Path) -> bool {
    let mut head = [0; 64];
    let read = fs::File::open(path).and_then(|mut it| io::Read::read(&mut it, &mut head));
    read.is_ok_and(|n| is_newer(&head[..n]))
}

/// Every version writes its format first, so that others need not understand the rest.
fn is_newer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(br#"{"format":"#).unwrap_or_default();
    let end = digits.iter().position(|it| !it.is_ascii_digit()).unwrap_or(digits.len());
    let format = std::str::from_utf8(&digits[..end]).ok().and_then(|it| it.parse::<u32>().ok());
    format.is_some_and(|it| it > FORMAT)
}

/// Writes a mirror: readable by its owner alone, whole or not at all. That of a newer Flagline stays.
pub fn save(path: &Path, environment: &Environment) -> io::Result<()> {
    let Some(stored) = Stored::new(environment) else { return Ok(()) };
    if is_of_newer(path) {
        return Err(io::Error::other("a newer Flagline wrote it and goes on using it"));
    }
    super::atomic::write_private(path, |to| Ok(serde_json::to_writer(to, &stored)?))
}

/// A number made of all that a mirror holds but when it was fetched; `None` when there is nothing to keep.
pub(super) fn digest(environment: &Environment) -> Option<u64> {
    let mut stored = Stored::new(environment)?;
    stored.flags_fetched_at = Timestamp::UNIX_EPOCH;
    stored.flags_read_at = None;
    stored.plans_at.clear();
    let mut hashed = Hashed(std::hash::DefaultHasher::new());
    serde_json::to_writer(&mut hashed, &stored).ok()?;
    Some(hashed.0.finish())
}

/// Takes what is written into account, and keeps none of it.
struct Hashed(std::hash::DefaultHasher);

impl io::Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The projects of a host that have a mirror.
pub fn projects(folder: &Path, host: &str) -> Vec<u64> {
    let names = files_of(folder, host).into_iter().filter(|it| it.1 == ".json");
    names.map(|it| it.0).collect()
}

/// Where pages lie that show what is in mirrors.
pub fn pages(folder: &Path) -> PathBuf {
    folder.join("pages")
}

/// Removes every mirror of a host, those of earlier sessions too, and all pages: each is made anew when somebody wants
/// it. Locks stay: others may hold them.
pub fn forget(folder: &Path, host: &str) {
    if let Err(error) = fs::remove_dir_all(pages(folder))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "the pages in the cache folder cannot be removed");
    }
    let confirmed = format!(".{}", confirmed::EXTENSION);
    let is_mirror = |end: &str| end.starts_with(".json") || end.starts_with(&confirmed);
    for (_, _, path) in files_of(folder, host).into_iter().filter(|it| is_mirror(&it.1)) {
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "the mirror on disk cannot be removed");
        }
    }
}

/// The files of a host: project, how the name ends, path.
fn files_of(folder: &Path, host: &str) -> Vec<(u64, String, PathBuf)> {
    let prefix = format!("{}-", file_stem(host));
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let rest = name.to_str()?.strip_prefix(&prefix)?;
        let (project, end) = rest.split_at(rest.find('.')?);
        let is_number = project.bytes().all(|it| it.is_ascii_digit());
        Some((project.parse().ok().filter(|_| is_number)?, end.to_owned(), entry.path()))
    };
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(file).collect()
}

#[derive(Serialize, Deserialize)]
struct Stored<F = Loaded> {
    format: u32,
    host: String,
    project: u64,
    project_name: String,
    flags_fetched_at: Timestamp,
    flags: F,
    #[serde(default)]
    exposure: Vec<StoredExposure>,
    #[serde(default)]
    evidence: Vec<StoredEvidence>,
    #[serde(default)]
    history: Vec<StoredHistory>,
    #[serde(default)]
    experiments: Vec<wire::WholeExperiment>,
    /// When all flags were read; absent in files of older versions.
    #[serde(default)]
    flags_read_at: Option<Timestamp>,
    #[serde(default)]
    schedules: Vec<StoredSchedule>,
    #[serde(default)]
    cohorts: Vec<(u64, Arc<str>)>,
    #[serde(default)]
    early_access: Vec<wire::EarlyAccess>,
    #[serde(default)]
    results: Vec<StoredResult>,
    #[serde(default)]
    queries: BTreeSet<Timestamp>,
    /// When lists were read.
    #[serde(default)]
    plans_at: BTreeMap<Arc<str>, Timestamp>,
}

/// Flags that are turned one by one into what is kept: all at once they would be there twice.
struct Loaded(Vec<Arc<Flag>>);

impl<'de> Deserialize<'de> for Loaded {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Loaded, D::Error> {
        struct Flags;
        impl<'de> serde::de::Visitor<'de> for Flags {
            type Value = Loaded;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("flags")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut flags: A) -> Result<Loaded, A::Error> {
                let mut all = Vec::new();
                while let Some(flag) = flags.next_element::<wire::Flag>()? {
                    all.push(Arc::new(flag.into()));
                }
                Ok(Loaded(all))
            }
        }
        deserializer.deserialize_seq(Flags)
    }
}

/// Flags that are turned into what is written one by one, likewise.
struct InTurn<'a>(Vec<&'a Flag>);

impl Serialize for InTurn<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|it| wire::Flag::from(*it)))
    }
}

#[derive(Serialize, Deserialize)]
struct StoredSchedule {
    flag: u64,
    at: Timestamp,
    recurring: bool,
    change: StoredChange,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredChange {
    Active(bool),
    Conditions {
        percent: f64,
        description: String,
    },
    Variants,
    /// Also what a newer version may write.
    #[serde(untagged)]
    Other(String),
}

#[derive(Serialize, Deserialize)]
struct StoredExposure {
    key: String,
    window_days: u32,
    fetched_at: Timestamp,
    variants: Vec<StoredVariant>,
    days: Vec<(Date, u64)>,
    sdks: Vec<(String, Timestamp)>,
}

#[derive(Serialize, Deserialize)]
struct StoredVariant {
    response: String,
    people: u64,
    calls: u64,
    people_24h: u64,
    calls_24h: u64,
    last_seen: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct StoredEvidence {
    key: String,
    since: Timestamp,
    fetched_at: Timestamp,
    /// Response, people, and how many of them met an exception.
    met: Vec<(String, u64, u64)>,
}

#[derive(Serialize, Deserialize)]
struct StoredHistory {
    flag: u64,
    version: Option<i64>,
    complete: bool,
    fetched_at: Timestamp,
    entries: Vec<StoredEntry>,
}

#[derive(Serialize, Deserialize)]
struct StoredEntry {
    at: Timestamp,
    by: Option<String>,
    created: bool,
    active_before: Option<bool>,
    #[serde(default)]
    archived_before: Option<bool>,
    #[serde(default)]
    deleted_before: Option<bool>,
    filters_before: Option<Box<RawValue>>,
}

impl<'a> Stored<InTurn<'a>> {
    fn new(environment: &'a Environment) -> Option<Stored<InTurn<'a>>> {
        let (project, list) = (environment.project.as_ref()?, environment.flags.as_ref()?);
        Some(Stored {
            format: FORMAT,
            host: environment.host.to_string(),
            project: project.id,
            project_name: project.name.to_string(),
            flags_fetched_at: list.fetched_at,
            flags: InTurn(in_order(list.by_key.values().map(|it| (it.id, &**it)))),
            exposure: in_order(
                environment.exposure.iter().map(|(key, it)| (key, StoredExposure::new(key.as_str(), it))),
            ),
            evidence: in_order(
                environment.evidence.iter().map(|(key, it)| (key, StoredEvidence::new(key.as_str(), it))),
            ),
            history: in_order(environment.history.iter().map(|(id, it)| (id, StoredHistory::new(*id, it)))),
            experiments: in_order(environment.experiments.iter().map(|(id, it)| (id, (&**it).into()))),
            flags_read_at: Some(list.read_at),
            schedules: stored_schedules(environment),
            cohorts: in_order(environment.cohorts.iter().map(|(id, it)| (id, (*id, it.clone())))),
            early_access: in_order(environment.early_access.iter().map(|(id, it)| (id, (&**it).into()))),
            results: in_order(environment.results.iter().map(|(id, it)| (id, StoredResult::new(*id, it)))),
            queries: environment.queries.clone(),
            plans_at: environment.plans_at.clone(),
        })
    }
}

impl Stored {
    fn into_environment(self, name: &Arc<str>) -> Environment {
        let mut flags = FlagList::new(self.flags.0, self.flags_fetched_at);
        flags.read_at = self.flags_read_at.unwrap_or(flags.read_at);
        let early_access = self.early_access.into_iter().map(|it| Arc::new(EarlyAccess::from(it)));
        Environment {
            name: name.clone(),
            host: self.host.into(),
            project: Some(Project { id: self.project, name: self.project_name.into() }),
            flags: Some(flags),
            exposure: self
                .exposure
                .into_iter()
                .map(|it| (it.key.as_str().into(), Arc::new(it.into_exposure())))
                .collect(),
            evidence: self
                .evidence
                .into_iter()
                .map(|it| (it.key.as_str().into(), Arc::new(it.into_evidence())))
                .collect(),
            history: self.history.into_iter().map(|it| (it.flag, Arc::new(it.into_history()))).collect(),
            experiments: self.experiments.into_iter().map(|it| (it.id, Arc::new(it.into()))).collect(),
            schedules: loaded_schedules(self.schedules),
            cohorts: self.cohorts.into_iter().collect(),
            early_access: early_access.map(|it| (it.id.clone(), it)).collect(),
            results: self.results.into_iter().map(|it| (it.experiment, Arc::new(it.into_result()))).collect(),
            queries: self.queries,
            plans_at: self.plans_at,
            ..Environment::default()
        }
    }
}

/// What comes from a table in no order of its own, by its keys: the same things make the same file.
fn in_order<K: Ord, T>(all: impl Iterator<Item = (K, T)>) -> Vec<T> {
    let mut all: Vec<(K, T)> = all.collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all.into_iter().map(|it| it.1).collect()
}

fn stored_schedules(environment: &Environment) -> Vec<StoredSchedule> {
    let changes = in_order(environment.schedules.iter().map(|(flag, it)| (flag, (*flag, it))));
    let changes = changes.into_iter().flat_map(|(flag, it)| it.iter().map(move |it| (flag, it)));
    let stored = changes.map(|(flag, it)| StoredSchedule {
        flag,
        at: it.at,
        recurring: it.recurring,
        change: match &it.change {
            Scheduled::Active(active) => StoredChange::Active(*active),
            Scheduled::Conditions { percent, description } => {
                StoredChange::Conditions { percent: *percent, description: description.clone() }
            }
            Scheduled::Variants => StoredChange::Variants,
            Scheduled::Other(operation) => StoredChange::Other(operation.clone()),
        },
    });
    stored.collect()
}

fn loaded_schedules(stored: Vec<StoredSchedule>) -> HashMap<u64, Arc<[ScheduledChange]>> {
    let mut by_flag: HashMap<u64, Vec<ScheduledChange>> = HashMap::new();
    for it in stored {
        let change = match it.change {
            StoredChange::Active(active) => Scheduled::Active(active),
            StoredChange::Conditions { percent, description } => {
                Scheduled::Conditions { percent, description }
            }
            StoredChange::Variants => Scheduled::Variants,
            StoredChange::Other(operation) => Scheduled::Other(operation),
        };
        let change = ScheduledChange { at: it.at, change, recurring: it.recurring };
        by_flag.entry(it.flag).or_default().push(change);
    }
    by_flag.values_mut().for_each(|it| it.sort_by_key(|it| it.at));
    by_flag.into_iter().map(|(flag, it)| (flag, it.into())).collect()
}

impl StoredExposure {
    fn new(key: &str, it: &Exposure) -> StoredExposure {
        let variant = |it: &VariantExposure| StoredVariant {
            response: it.response.clone(),
            people: it.people,
            calls: it.calls,
            people_24h: it.people_24h,
            calls_24h: it.calls_24h,
            last_seen: it.last_seen,
        };
        StoredExposure {
            key: key.to_owned(),
            window_days: it.window_days,
            fetched_at: it.fetched_at,
            variants: it.variants.iter().map(variant).collect(),
            days: it.days.iter().map(|it| (it.day, it.people)).collect(),
            sdks: it.sdks.iter().map(|it| (it.lib.clone(), it.last_seen)).collect(),
        }
    }

    fn into_exposure(self) -> Exposure {
        let variant = |it: StoredVariant| VariantExposure {
            response: it.response,
            people: it.people,
            calls: it.calls,
            people_24h: it.people_24h,
            calls_24h: it.calls_24h,
            last_seen: it.last_seen,
        };
        Exposure {
            variants: self.variants.into_iter().map(variant).collect(),
            days: self.days.into_iter().map(|(day, people)| DayExposure { day, people }).collect(),
            sdks: self.sdks.into_iter().map(|(lib, last_seen)| SdkSeen { lib, last_seen }).collect(),
            window_days: self.window_days,
            fetched_at: self.fetched_at,
        }
    }
}

impl StoredEvidence {
    fn new(key: &str, it: &Evidence) -> StoredEvidence {
        let met = it.met.iter().map(|it| (it.response.clone(), it.people, it.troubled));
        StoredEvidence { key: key.to_owned(), since: it.since, fetched_at: it.fetched_at, met: met.collect() }
    }

    /// What guards ask is asked by runs alone, and kept nowhere.
    fn into_evidence(self) -> Evidence {
        let met = self.met.into_iter().map(|(response, people, troubled)| Met { response, people, troubled });
        Evidence { since: self.since, met: met.collect(), guards: Vec::new(), fetched_at: self.fetched_at }
    }
}

impl StoredHistory {
    fn new(flag: u64, it: &History) -> StoredHistory {
        let entry = |it: &Entry| StoredEntry {
            at: it.at,
            by: it.by.clone(),
            created: it.created,
            active_before: it.active_before,
            archived_before: it.archived_before,
            deleted_before: it.deleted_before,
            filters_before: it.filters_before.as_deref().map(ToOwned::to_owned),
        };
        StoredHistory {
            flag,
            version: it.version,
            complete: it.complete,
            fetched_at: it.fetched_at,
            entries: it.entries.iter().map(entry).collect(),
        }
    }

    fn into_history(self) -> History {
        let entry = |it: StoredEntry| Entry {
            at: it.at,
            by: it.by,
            created: it.created,
            active_before: it.active_before,
            archived_before: it.archived_before,
            deleted_before: it.deleted_before,
            filters_before: it.filters_before.map(Arc::from),
        };
        History {
            version: self.version,
            entries: self.entries.into_iter().map(entry).collect(),
            complete: self.complete,
            fetched_at: self.fetched_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        let flag = r#"{"id":7,"key":"new-nav","filters":{"groups":[{"later":1}]},"version":2}"#;
        let flag: wire::Flag = serde_json::from_str(flag).unwrap();
        let history = StoredHistory {
            flag: 7,
            version: Some(2),
            complete: true,
            fetched_at: Timestamp::UNIX_EPOCH,
            entries: vec![StoredEntry {
                at: Timestamp::UNIX_EPOCH,
                by: Some("Ada".into()),
                created: false,
                active_before: Some(true),
                archived_before: None,
                deleted_before: Some(false),
                filters_before: RawValue::from_string("{}".into()).ok(),
            }],
        };
        let exposure = StoredExposure {
            key: "new-nav".into(),
            window_days: 7,
            fetched_at: Timestamp::UNIX_EPOCH,
            variants: vec![StoredVariant {
                response: "true".into(),
                people: 1,
                calls: 2,
                people_24h: 0,
                calls_24h: 0,
                last_seen: None,
            }],
            days: vec![("2026-11-20".parse().unwrap(), 3)],
            sdks: vec![("web".into(), Timestamp::UNIX_EPOCH)],
        };
        let experiment =
            r#"{"id":3,"name":"Pricing","feature_flag_key":"new-nav","end_date":"2026-09-01T00:00:00Z"}"#;
        let experiment = serde_json::from_str(experiment).unwrap();
        let stored = |change| StoredSchedule { flag: 7, at: Timestamp::UNIX_EPOCH, recurring: false, change };
        let stored = Stored {
            format: FORMAT,
            host: "https://ph.example".into(),
            project: 1,
            project_name: "Acme".into(),
            flags_fetched_at: Timestamp::UNIX_EPOCH,
            flags: Loaded(vec![Arc::new(flag.into())]),
            exposure: vec![exposure],
            evidence: vec![StoredEvidence {
                key: "new-nav".into(),
                since: Timestamp::UNIX_EPOCH,
                fetched_at: Timestamp::MAX,
                met: vec![("true".into(), 3, 1), ("test".into(), 2, 0)],
            }],
            history: vec![history],
            experiments: vec![experiment],
            flags_read_at: Some(Timestamp::MIN),
            schedules: vec![
                stored(StoredChange::Active(true)),
                stored(StoredChange::Conditions { percent: 12.5, description: "2/2 everyone".into() }),
                stored(StoredChange::Variants),
                stored(StoredChange::Other("other".into())),
            ],
            cohorts: vec![(11, "Beta".into())],
            early_access: vec![wire::EarlyAccess {
                id: "01a1".into(),
                name: "Dark mode".into(),
                stage: "beta".into(),
            }],
            results: crate::posthog::stored_result::tests::all(),
            queries: BTreeSet::from([Timestamp::UNIX_EPOCH]),
            plans_at: BTreeMap::from([("schedules".into(), Timestamp::UNIX_EPOCH)]),
        };
        stored.into_environment(&"production".into())
    }

    #[test]
    fn what_was_saved_is_loaded_and_nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "https://ph.example:8000", 1);
        let before = environment();
        save(&path, &before).unwrap();
        save(&path, &before).unwrap();
        let after = load(&path, &before.name, &before.host).unwrap();
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(load(&path, &before.name, &"https://other.example".into()).is_none());
    }

    #[test]
    fn all_mirrors_of_a_host_are_forgotten_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = |host: &str, project| path(folder.path(), host, project);
        let (one, two) = (mirror("https://ph.example", 1), mirror("https://ph.example", 22));
        let broken = one.with_extension("json.broken");
        let confirmed = one.with_extension(confirmed::EXTENSION);
        let others = [
            mirror("https://ph.example:8000", 1),
            mirror("https://ph.example-2.com", 1),
            one.with_extension("lock"),
        ];
        for path in [&one, &two, &broken, &confirmed].into_iter().chain(&others) {
            fs::write(path, "{}").unwrap();
        }
        let mut projects = projects(folder.path(), "https://ph.example");
        projects.sort_unstable();
        assert_eq!(projects, [1, 22]);
        forget(folder.path(), "https://ph.example");
        assert!(![&one, &two, &broken, &confirmed].iter().any(|it| it.exists()));
        assert!(others.iter().all(|it| it.exists()));
    }

    #[test]
    fn a_broken_file_is_set_aside() {
        for broken in [&b"{\"format\":1,\"host\":"[..], b"\xff\xfe{", b"{\"format\":1,\"flags\":7}"] {
            let folder = tempfile::tempdir().unwrap();
            let path = path(folder.path(), "https://ph.example", 1);
            fs::write(&path, broken).unwrap();
            assert!(load(&path, &"p".into(), &"https://ph.example".into()).is_none());
            assert!(!path.exists() && path.with_extension("json.broken").exists());
        }
    }

    #[test]
    fn what_a_newer_flagline_wrote_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "https://ph.example", 1);
        let newer = r#"{"format":2,"flags":{"by":"key"}}"#;
        fs::write(&path, newer).unwrap();
        assert!(load(&path, &"p".into(), &"https://ph.example".into()).is_none());
        assert!(is_of_newer(&path) && save(&path, &environment()).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), newer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is set aside");
    }
}
