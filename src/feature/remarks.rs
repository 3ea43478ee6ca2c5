use std::fmt;

use jiff::Timestamp;

use super::StageName;
use crate::flags::Scheduled;

/// A release condition's description: the stage, and what is remarked of it behind ` · `. This is the public encoding
/// of a rollout; whoever writes it keeps the remarks of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remarks {
    /// The stage.
    pub stage: StageName,
    /// Why it was stopped: ` · stopped: <reason>`. Only `resume` takes it away.
    pub stopped: Option<String>,
    /// ` · scheduled`: the condition was appended by a change that PostHog made by itself.
    pub scheduled: bool,
    /// ` · telling <message> <time>`: who wrote this is about to send a message. It elects one sender of many. `webhook`
    /// is all that a webhook was not told yet.
    pub telling: Vec<Telling>,
    /// What people wrote there.
    pub others: Vec<String>,
}

/// A message that somebody is about to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// The kind of the message.
    pub kind: String,
    /// Since when.
    pub since: Timestamp,
}

/// The longest reason that is written: PostHog's page shows descriptions in one line.
const LONGEST: usize = 160;

impl Remarks {
    /// Of a stage of which nothing is remarked.
    pub fn of(stage: StageName) -> Remarks {
        Remarks { stage, stopped: None, scheduled: false, telling: Vec::new(), others: Vec::new() }
    }

    /// Reads a description; `None` where it names no stage.
    pub fn parse(description: &str) -> Option<Remarks> {
        let mut remarks = Remarks::of(StageName::parse(description)?);
        for remark in description.split(" · ").skip(1).map(str::trim) {
            if remark == "scheduled" {
                remarks.scheduled = true;
            } else if let Some(reason) = remark.strip_prefix("stopped") {
                remarks.stopped.get_or_insert(reason.trim_start_matches(':').trim().to_owned());
            } else if let Some(telling) = remark.strip_prefix("telling ").and_then(Telling::parse) {
                remarks.telling.push(telling);
            } else if !remark.is_empty() {
                remarks.others.push(remark.to_owned());
            }
        }
        Some(remarks)
    }
}

impl Telling {
    fn parse(text: &str) -> Option<Telling> {
        let (kind, since) = text.rsplit_once(' ')?;
        Some(Telling { kind: kind.to_owned(), since: since.parse().ok()? })
    }
}

impl fmt::Display for Remarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.stage)?;
        match self.stopped.as_deref() {
            Some("") => f.write_str(" · stopped")?,
            Some(reason) => write!(f, " · stopped: {}", one_line(reason))?,
            None => {}
        }
        if self.scheduled {
            f.write_str(" · scheduled")?;
        }
        for other in &self.others {
            write!(f, " · {other}")?;
        }
        for telling in &self.telling {
            write!(f, " · telling {} {}", telling.kind, telling.since)?;
        }
        Ok(())
    }
}

/// What a scheduled change does, for people: of the description of a condition they read the stage, and no remark.
pub fn scheduled_words(change: &Scheduled) -> String {
    match change {
        Scheduled::Conditions { percent, description } => {
            let stage = Remarks::parse(description).map(|it| it.stage.to_string());
            let description = stage.unwrap_or_else(|| description.clone());
            Scheduled::Conditions { percent: *percent, description }.to_string()
        }
        Scheduled::Active(_) | Scheduled::Variants | Scheduled::Other(_) => change.to_string(),
    }
}

/// A reason as it can stand in a description: one line, and no remark of its own.
fn one_line(reason: &str) -> String {
    let words = reason.replace('·', "-");
    let words: Vec<&str> = words.split_whitespace().collect();
    let words = words.join(" ");
    match words.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", words[..at].trim_end()),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remarked_is_read_and_written() {
        let text = "2/4 beta · stopped: 4 % of 120 people met an exception · ask Ada first · telling stopped \
                    2026-11-27T10:00:00Z";
        let remarks = Remarks::parse(text).unwrap();
        assert_eq!(remarks.stage.number, 2);
        assert_eq!(remarks.stopped.as_deref(), Some("4 % of 120 people met an exception"));
        assert_eq!(remarks.others, ["ask Ada first"]);
        assert_eq!(remarks.telling[0].kind, "stopped");
        assert_eq!(remarks.to_string(), text);
        for text in ["1/2 internal", "1/2 internal · scheduled", "1/2 internal · stopped"] {
            assert_eq!(Remarks::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Remarks::parse("internal people · stopped: x"), None);
    }

    #[test]
    fn people_read_no_remarks() {
        let words = |description: &str| {
            scheduled_words(&Scheduled::Conditions { percent: 25.0, description: description.into() })
        };
        assert_eq!(words("3/4 low value · scheduled"), "opens 3/4 low value to 25 %");
        assert_eq!(words("for Bob · scheduled by hand"), "opens for Bob · scheduled by hand to 25 %");
        assert_eq!(words(""), "opens a further condition to 25 %");
        assert_eq!(scheduled_words(&Scheduled::Active(false)), "is switched off");
    }

    #[test]
    fn a_reason_is_one_remark_whatever_it_says() {
        let mut remarks = Remarks::parse("1/2 internal").unwrap();
        remarks.stopped = Some("a\nb · telling stopped 2026-11-27T10:00:00Z".into());
        let again = Remarks::parse(&remarks.to_string()).unwrap();
        assert_eq!(again.stopped.as_deref(), Some("a b - telling stopped 2026-11-27T10:00:00Z"));
        assert_eq!(again.telling, []);
        remarks.stopped = Some("x".repeat(500));
        assert!(remarks.to_string().len() < 200);
    }
}
