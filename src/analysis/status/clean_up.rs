use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::analysis::{Code, Finding, Snapshot, findings};
use crate::config::Config;
use crate::feature::Value;
use crate::flags::{FlagKey, Mirror};
use crate::index::Index;

/// What can be removed from the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanUp {
    /// What is wrong with the flag: what it serves to everyone, and since when.
    pub message: String,
    /// What stays; `None` where that still differs from person to person.
    pub keep: Option<Value>,
    /// The command that removes it, after a question; what PostHog serves to everyone stays.
    pub command: Option<String>,
}

/// What can be removed of all that is read, as `flagline check` finds it; by flag.
pub fn clean_ups(
    index: &Arc<Index>,
    mirror: &Arc<Mirror>,
    config: &Arc<Config>,
    now: Timestamp,
) -> BTreeMap<FlagKey, CleanUp> {
    let of_file = |(path, facts): (&Arc<Path>, &Arc<_>)| {
        findings(&Snapshot {
            path: path.clone(),
            source: None,
            facts: Arc::clone(facts),
            index: index.clone(),
            briefs: Arc::default(),
            mirror: mirror.clone(),
            config: config.clone(),
            now,
        })
    };
    let read = index.files().filter(|it| it.1.reads.iter().any(|it| it.key.is_some()));
    let mut all = BTreeMap::new();
    for finding in read.flat_map(of_file) {
        if let Some((key, clean_up)) = of_finding(&finding) {
            all.entry(key).or_insert(clean_up);
        }
    }
    all
}

fn of_finding(finding: &Finding) -> Option<(FlagKey, CleanUp)> {
    let key = finding.key.clone()?;
    let is_done = matches!(finding.code, Code::StaleFlag { .. } | Code::ArchivedFlag);
    let keep = finding.code.removable();
    let command = keep.as_ref().map(|_| format!("flagline clean {key} --write"));
    is_done.then(|| (key, CleanUp { message: finding.message.clone(), keep, command }))
}
