use std::fmt::Write as _;

use super::{MetricKind, Release};
use crate::flags::FlagKey;
use crate::schema::quoted;

/// What is known of a feature when its brief is first written.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The flag's key.
    pub key: FlagKey,
    /// The feature's name.
    pub name: String,
    /// Who answers for it: an e-mail address.
    pub owner: Option<String>,
    /// What the team believes will come of it.
    pub hypothesis: Option<String>,
    /// How it reaches people.
    pub release: Release,
    /// The key metric: how it is measured, and its events.
    pub metric: Option<(MetricKind, Vec<String>)>,
}

/// Where the schema is published.
const SCHEMA: &str = "https://raw.githubusercontent.com/flagline/flagline/main/docs/brief.schema.json";

impl Draft {
    /// The text of the brief: what is known, and as comments what is often wanted next.
    pub fn text(&self) -> String {
        let mut text = format!("#:schema {SCHEMA}\n\n");
        let mut line = |name: &str, value: Option<&str>| {
            let _ = match value.map(str::trim).filter(|it| !it.is_empty()) {
                Some(value) => writeln!(text, "{name} = {}", quoted(value)),
                None => writeln!(text, "# {name} = \"\""),
            };
        };
        line("key", Some(self.key.as_str()));
        line("name", Some(&self.name));
        line("owner", self.owner.as_deref());
        line("hypothesis", self.hypothesis.as_deref());
        line("release", Some(self.release.name()));
        text += "# before_lifting = [{ what = \"\" }]\n\n";
        text += &self.metric_text();
        text += "\n# [notify]\n# slack = \"#releases\"\n\n# [interview]\n# people = 2\n# calendar = \"https://\"\n";
        text
    }

    /// What an argument must say, so that the brief can be launched.
    pub fn missing(&self) -> Option<String> {
        match &self.metric {
            None if self.release == Release::AbTest => {
                Some("an A/B test needs a metric that decides it: --metric trend, funnel or retention".into())
            }
            None => None,
            Some((kind, events)) => missing_events(*kind, events).map(str::to_owned),
        }
    }

    fn metric_text(&self) -> String {
        let Some((kind, events)) = &self.metric else {
            return "# [metric]\n# kind = \"trend\"\n# events = [\"\"]\n".into();
        };
        let events: Vec<String> = events.iter().map(|it| quoted(it)).collect();
        let events = match events.is_empty() {
            true => String::new(),
            false => format!("events = [{}]\n", events.join(", ")),
        };
        format!("[metric]\nkind = \"{}\"\n{events}# target = 30\n# by = \"2027-02-28\"\n", kind.name())
    }
}

/// What is wrong with the events of a metric.
pub fn missing_events(kind: MetricKind, events: &[String]) -> Option<&'static str> {
    if events.iter().any(|it| it.trim().is_empty()) {
        return Some("an event has a name: --event NAME");
    }
    match (kind, events.len()) {
        (MetricKind::Trend, 1) | (MetricKind::Retention, 0 | 1) | (MetricKind::Funnel, 1..) => None,
        (MetricKind::Trend, _) => Some("a trend is of one event: --event NAME, once"),
        (MetricKind::Retention, _) => Some("coming back is one event: --event NAME, once"),
        (MetricKind::Funnel, _) => {
            Some("a funnel has at least one event after meeting the feature: --event NAME, for each of them")
        }
    }
}

/// A name that a key suggests: `new-checkout` is "New checkout".
pub fn name_for(key: &FlagKey) -> String {
    let text = key.as_str().replace(['-', '_'], " ");
    let mut letters = text.trim().chars();
    letters.next().map(|it| it.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl Release {
    /// Its name in a brief.
    pub fn name(self) -> &'static str {
        match self {
            Release::AutoRollout => "auto-rollout",
            Release::AbTest => "ab-test",
        }
    }
}

impl MetricKind {
    /// Its name in a brief.
    pub fn name(self) -> &'static str {
        match self {
            MetricKind::Trend => "trend",
            MetricKind::Funnel => "funnel",
            MetricKind::Retention => "retention",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Brief;
    use super::*;

    #[test]
    fn a_key_suggests_a_name() {
        assert_eq!(name_for(&"new-checkout".into()), "New checkout");
        assert_eq!(name_for(&"über_uns".into()), "Über uns");
        assert_eq!(name_for(&"--".into()), "");
    }

    /// Whatever is not missing can be launched.
    #[test]
    fn what_is_missing_is_what_the_brief_would_lack() {
        let mut n_missing = 0;
        for release in [Release::AutoRollout, Release::AbTest] {
            for kind in [None, Some(MetricKind::Trend), Some(MetricKind::Funnel), Some(MetricKind::Retention)]
            {
                for events in [&[][..], &["a"], &["a", "b"], &[""]] {
                    let events: Vec<String> = events.iter().map(|it| (*it).to_owned()).collect();
                    let draft = Draft {
                        key: "videos".into(),
                        name: "Videos".into(),
                        owner: None,
                        hypothesis: None,
                        release,
                        metric: kind.map(|it| (it, events)),
                    };
                    let (missing, read) = (draft.missing(), Brief::parse(&draft.text()));
                    assert_eq!(missing.is_some(), read.is_err(), "{missing:?} {read:?}\n{}", draft.text());
                    n_missing += usize::from(missing.is_some());
                }
            }
        }
        assert_eq!(n_missing, 18);
    }

    #[test]
    fn what_is_written_is_read_as_it_was_meant() {
        let draft = Draft {
            key: "videos".into(),
            name: "Videos \"of\"\noffsetting \u{7f}".into(),
            owner: Some("ada@offset.example".into()),
            hypothesis: None,
            release: Release::AbTest,
            metric: Some((MetricKind::Funnel, vec!["watched".into(), "a \"b\"".into()])),
        };
        let brief = Brief::parse(&draft.text()).unwrap_or_else(|it| panic!("{it} in\n{}", draft.text()));
        assert_eq!(
            (brief.name.as_str(), brief.release),
            ("Videos \"of\"\noffsetting \u{7f}", Release::AbTest)
        );
        assert_eq!(brief.metric.unwrap().events[1].event(), "a \"b\"");
        let bare = Draft { owner: None, release: Release::AutoRollout, metric: None, ..draft };
        Brief::parse(&bare.text()).unwrap_or_else(|it| panic!("{it} in\n{}", bare.text()));
    }
}
