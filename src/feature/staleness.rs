use jiff::Timestamp;

use super::{Served, Value, served};
use crate::flags::{Entry, Flag, History};

/// Since when a flag has served one value to everyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// The value.
    pub value: Value,
    /// The day it became so, or a day on which it already was.
    pub at: Timestamp,
    /// Whether `at` is the day itself; otherwise it has been so for at least that long.
    pub exact: bool,
    /// Who made it so.
    pub by: Option<String>,
}

/// Since when everyone gets the same value; `None` when they do not, or when nobody can tell since when.
///
/// Walks the history from now to the past and undoes each change, until the value differs (posthog-api 6). With
/// no history, `updated_at` is a safe lower bound: nothing was written since.
pub fn constant_since(flag: &Flag, history: Option<&History>) -> Option<Since> {
    let Served::Everyone(value) = served_by(flag) else { return None };
    let constant = Served::Everyone(value.clone());
    let since = |at, exact, by| Some(Since { value: value.clone(), at, exact, by });
    let Some(history) = history else { return since(flag.updated_at?, false, None) };
    let changed = walk_back(flag, history, |entry, before| {
        (served_by(before) != constant).then(|| (entry.at, entry.by.clone()))
    });
    if let Some((at, by)) = changed {
        return since(at, true, by);
    }
    match history.entries.last() {
        _ if history.complete => since(flag.created_at?, true, None),
        Some(oldest) => since(oldest.at, false, None),
        None => since(flag.updated_at?, false, None),
    }
}

/// Whether the flag was ever enabled; `None` when the history does not reach back far enough.
pub fn was_enabled(flag: &Flag, history: Option<&History>) -> Option<bool> {
    ever(flag, history, |it| it.active)
}

/// Whether anybody ever got another value than off; `None` when the history does not reach back far enough.
pub fn was_on(flag: &Flag, history: Option<&History>) -> Option<bool> {
    ever(flag, history, |it| served_by(it) != Served::Everyone(Value::Off))
}

/// When somebody first got another value than off; `None` when the history does not reach back far enough.
pub fn first_on(flag: &Flag, history: &History) -> Option<Timestamp> {
    let is_on = |it: &Flag| served_by(it) != Served::Everyone(Value::Off);
    let (mut on, mut first) = (is_on(flag), None);
    walk_back(flag, history, |entry, before| {
        let was_on = is_on(before);
        if on && !was_on {
            first = Some(entry.at);
        }
        on = was_on;
        None::<()>
    });
    match on {
        // It was on in its oldest state that is known, which may be its first.
        true => flag.created_at.filter(|_| history.complete),
        false => first,
    }
}

fn ever(flag: &Flag, history: Option<&History>, holds: impl Fn(&Flag) -> bool) -> Option<bool> {
    if holds(flag) {
        return Some(true);
    }
    let history = history?;
    let held = walk_back(flag, history, |_, before| holds(before).then_some(()));
    if held.is_some() { Some(true) } else { history.complete.then_some(false) }
}

fn served_by(flag: &Flag) -> Served {
    served(flag.is_evaluated(), flag.filters().as_ref())
}

/// Walks from now to the past, and shows each change with the flag as it was before, until something is found.
pub(super) fn walk_back<T>(
    flag: &Flag,
    history: &History,
    mut look: impl FnMut(&Entry, &Flag) -> Option<T>,
) -> Option<T> {
    let mut before = flag.clone();
    history.entries.iter().filter(|it| !it.created).find_map(|entry| {
        before.active = entry.active_before.unwrap_or(before.active);
        before.archived = entry.archived_before.unwrap_or(before.archived);
        before.deleted = entry.deleted_before.unwrap_or(before.deleted);
        if let Some(filters) = &entry.filters_before {
            before.filters.clone_from(filters);
        }
        look(entry, &before)
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use serde_json::value::RawValue;

    use super::*;
    use crate::flags::FlagKey;

    pub(crate) fn raw(json: &str) -> Arc<RawValue> {
        RawValue::from_string(json.into()).unwrap().into()
    }

    pub(crate) fn day(day: &str) -> Timestamp {
        format!("{day}T12:00:00Z").parse().unwrap()
    }

    pub(crate) fn flag(active: bool, filters: &str) -> Flag {
        Flag {
            id: 1,
            key: FlagKey::from("new-nav"),
            name: String::new(),
            active,
            archived: false,
            deleted: false,
            filters: raw(filters),
            version: Some(3),
            created_at: Some(day("2026-01-01")),
            updated_at: Some(day("2026-06-01")),
            last_called_at: None,
            created_by: None,
            modified_by: None,
            tags: vec![],
            is_remote_config: false,
            experiments: vec![],
            experiment_running: None,
            early_access: Vec::new(),
            dashboards: vec![],
        }
    }

    pub(crate) fn entry(at: &str, active_before: Option<bool>, filters_before: Option<&str>) -> Entry {
        Entry {
            at: day(at),
            by: Some("Ada".into()),
            created: false,
            active_before,
            archived_before: None,
            deleted_before: None,
            filters_before: filters_before.map(raw),
        }
    }

    fn created(at: &str) -> Entry {
        Entry { created: true, ..entry(at, None, None) }
    }

    pub(crate) fn history(entries: Vec<Entry>, complete: bool) -> History {
        History { version: Some(3), entries, complete, fetched_at: day("2026-06-01") }
    }

    const FULL: &str = r#"{"groups":[{"rollout_percentage":100}]}"#;
    const HALF: &str = r#"{"groups":[{"rollout_percentage":50}]}"#;

    fn check(flag: &Flag, history: Option<&History>, expect: Option<(&str, bool)>) {
        let got = constant_since(flag, history).map(|it| (it.at, it.exact));
        assert_eq!(got, expect.map(|(at, exact)| (day(at), exact)));
    }

    #[test]
    fn since_the_last_change_that_made_a_difference() {
        let on = flag(true, FULL);
        let steps = vec![
            entry("2026-05-01", None, Some(r#"{"groups":[{"properties":[{"key":"a","value":1}]},{}]}"#)), // a rename of sorts: same for everyone
            entry("2026-04-01", None, Some(HALF)),
            entry("2026-03-01", Some(false), None),
            created("2026-01-01"),
        ];
        check(&on, Some(&history(steps, true)), Some(("2026-04-01", true)));
        check(&on, Some(&history(vec![created("2026-01-01")], true)), Some(("2026-01-01", true)));
        check(&on, Some(&history(vec![entry("2026-05-01", None, None)], false)), Some(("2026-05-01", false)));
        check(&on, None, Some(("2026-06-01", false)));
        check(&flag(true, HALF), None, None);
        check(
            &flag(false, HALF),
            Some(&history(vec![entry("2026-05-09", Some(true), None)], true)),
            Some(("2026-05-09", true)),
        );
    }

    #[test]
    fn a_deleted_flag_is_off_since_it_was_deleted() {
        let deleted = Flag { deleted: true, ..flag(true, FULL) };
        let entry = Entry { deleted_before: Some(false), ..entry("2026-05-02", None, None) };
        check(&deleted, Some(&history(vec![entry], true)), Some(("2026-05-02", true)));
    }

    #[test]
    fn on_once_is_more_than_enabled_once() {
        let closed = flag(true, r#"{"groups":[{"rollout_percentage":0}]}"#);
        let only_created = history(vec![created("2026-01-01")], true);
        assert_eq!(was_on(&closed, Some(&only_created)), Some(false));
        assert_eq!(was_enabled(&closed, Some(&only_created)), Some(true));
        assert_eq!(
            was_on(&closed, Some(&history(vec![entry("2026-05-01", None, Some(HALF))], false))),
            Some(true)
        );
    }

    #[test]
    fn it_opened_when_it_was_first_on_whatever_came_later() {
        let off_and_on = || {
            vec![
                entry("2026-05-03", Some(false), None),
                entry("2026-05-02", Some(true), None),
                entry("2026-04-01", Some(false), None),
            ]
        };
        let on = flag(true, HALF);
        assert_eq!(first_on(&on, &history(off_and_on(), false)), Some(day("2026-04-01")));
        assert_eq!(first_on(&on, &history(off_and_on()[..2].to_vec(), false)), None);
        assert_eq!(first_on(&on, &history(off_and_on()[..2].to_vec(), true)), Some(day("2026-01-01")));
        assert_eq!(first_on(&flag(false, HALF), &history(vec![], true)), None);
    }

    #[test]
    fn a_state_has_a_stamp_also_where_the_server_counts_no_versions() {
        let old = |active, filters| Flag { version: None, ..flag(active, filters) }.stamp();
        assert_eq!(flag(true, FULL).stamp(), 3);
        assert!(old(true, FULL) < 0 && old(true, FULL) == old(true, FULL));
        assert!(old(true, FULL) != old(true, HALF) && old(true, FULL) != old(false, FULL));
    }

    #[test]
    fn enabled_once_never_or_nobody_knows() {
        let off = flag(false, HALF);
        assert_eq!(was_enabled(&off, None), None);
        assert_eq!(was_enabled(&off, Some(&history(vec![created("2026-01-01")], true))), Some(false));
        assert_eq!(was_enabled(&off, Some(&history(vec![], false))), None);
        assert_eq!(
            was_enabled(&off, Some(&history(vec![entry("2026-05-01", Some(true), None)], false))),
            Some(true)
        );
        assert_eq!(was_enabled(&flag(true, HALF), None), Some(true));
    }
}
