//! Whether anybody asks for a flag, as far as the project tells.

use jiff::{SignedDuration, Timestamp};

use crate::flags::{Environment, Exposure, Flag};

/// The whole list of flags is read once a day; what is older says nothing of today.
const FRESH: SignedDuration = SignedDuration::from_hours(36);

/// When a flag was asked for last, and how much that says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calls {
    /// The latest call; `None` = none is known.
    pub(super) last: Option<Timestamp>,
    /// Until when calls are known.
    pub(super) until: Timestamp,
    /// From when on; `None` = from the flag's beginning.
    pub(super) from: Option<Timestamp>,
}

/// What is known of a flag's calls today; `None` where the project does not tell, or what it told is old.
///
/// Newer servers write the latest call on the flag (`last_called_at`), of whatever age. Exposure looks back over its
/// window. Each counts where the project tells of this flag or of others: some capture no calls at all.
pub(super) fn calls(environment: &Environment, flag: &Flag, now: Timestamp) -> Option<Calls> {
    let list = environment.flags.as_ref()?;
    let tells = || list.by_key.values().any(|it| it.last_called_at.is_some());
    let read_at = Some(list.read_at).filter(|_| flag.last_called_at.is_some() || tells());
    let others = || environment.exposure.values().any(|it| it.last_seen().is_some());
    let exposure = environment.exposure.get(&flag.key).filter(|_| others());
    let from = |it: &Exposure| {
        let window = SignedDuration::from_hours(24 * i64::from(it.window_days));
        it.fetched_at.checked_sub(window).ok()
    };
    let window = exposure.and_then(|it| from(it));
    let is_gapless = read_at.is_some_and(|read| window.is_none_or(|from| from <= read));
    let until = read_at.max(exposure.map(|it| it.fetched_at))?;
    let last = flag.last_called_at.max(exposure.and_then(|it| it.last_seen()));
    (now.duration_since(until) <= FRESH).then_some(Calls {
        last,
        until,
        from: if is_gapless { None } else { window },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::*;
    use crate::flags::{FlagList, VariantExposure};
    use crate::posthog::wire;

    fn time(hour: &str) -> Timestamp {
        format!("2026-11-{hour}:00:00Z").parse().unwrap()
    }

    /// A project that tells of another flag's calls, in the list or by exposure.
    fn environment(
        read_at: &str,
        called: Option<&str>,
        tells: bool,
        fetched_at: Option<&str>,
    ) -> Environment {
        let flag = |id: u64, key: &str, called: Option<Timestamp>| {
            let called = called.map_or("null".to_owned(), |it| format!("\"{it}\""));
            let json = format!(r#"{{"id":{id},"key":"{key}","last_called_at":{called}}}"#);
            Arc::new(Flag::from(serde_json::from_str::<wire::Flag>(&json).unwrap()))
        };
        let other = tells.then(|| time("24T10"));
        let flags = [flag(1, "x", called.map(time)), flag(2, "other", other)];
        let exposure = |at: Timestamp, seen: Option<Timestamp>| {
            let variant = |last_seen| VariantExposure {
                response: "true".into(),
                people: 1,
                calls: 1,
                people_24h: 0,
                calls_24h: 0,
                last_seen: Some(last_seen),
            };
            let variants = seen.map(variant).into_iter().collect();
            Arc::new(Exposure { variants, days: vec![], sdks: vec![], window_days: 7, fetched_at: at })
        };
        let fetched = fetched_at.map(time);
        let exposed = fetched.map(|at| [("x", exposure(at, None)), ("other", exposure(at, Some(at)))]);
        Environment {
            flags: Some(FlagList::new(flags, time(read_at))),
            exposure: exposed
                .into_iter()
                .flatten()
                .map(|(key, it)| (key.into(), it))
                .collect::<HashMap<_, _>>(),
            ..Environment::default()
        }
    }

    #[track_caller]
    fn check(environment: &Environment, expect: Option<(Option<&str>, &str, Option<&str>)>) {
        let flag = environment.flags.as_ref().unwrap().by_key.get("x").unwrap();
        let expect = expect.map(|(last, until, from)| Calls {
            last: last.map(time),
            until: time(until),
            from: from.map(time),
        });
        assert_eq!(calls(environment, flag, time("25T12")), expect);
    }

    #[test]
    fn what_is_known_of_calls() {
        // A list that tells: of all times, until it was read.
        check(&environment("25T10", Some("01T00"), true, None), Some((Some("01T00"), "25T10", None)));
        check(&environment("25T10", None, true, None), Some((None, "25T10", None)));
        // One that does not: older servers.
        check(&environment("25T10", None, false, None), None);
        // Exposure looks back a week, and tells what came after the list.
        check(&environment("25T10", None, false, Some("25T11")), Some((None, "25T11", Some("18T11"))));
        check(&environment("24T10", None, true, Some("25T11")), Some((None, "25T11", None)));
        check(&environment("10T10", None, true, Some("25T11")), Some((None, "25T11", Some("18T11"))));
        // What is old says nothing of today.
        check(&environment("23T10", Some("01T00"), true, None), None);
        check(&environment("23T10", None, false, Some("23T10")), None);
    }
}
