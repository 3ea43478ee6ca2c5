//! Where flags are on their way out, for people and programs.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::reads::{Place, place};
use super::relative;
use crate::analysis::{
    Doubt, Evaluated, Holder, Obstacle, QUIET_DAYS, Reads, Related, Standing, ago, day, plain,
};
use crate::feature::{Served, Value, served, stage};
use crate::flags::{Environment, Flag, FlagKey, Lookup};

/// What is said of a server without an archive, and what to do there instead.
pub const CANNOT_ARCHIVE: &str = "this PostHog cannot archive flags: once nobody asks for one any more, switch it off or delete it on its page";

/// Places that a sentence names; the JSON has all of them.
const NAMED: usize = 10;

/// One flag in the public JSON of `flagline archive`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveRow {
    /// Its key.
    pub key: String,
    /// Where it is on its way out.
    pub place: &'static str,
    /// Where its rollout stands; null where the project does not have it.
    stage: Option<String>,
    /// What is in the way: a sentence each.
    reasons: Vec<String>,
    /// Where the code reads it.
    reads: Vec<Place>,
    /// Where it may be read: by a key that is decided at run time, or in a language that is not read here.
    may_be_read: Vec<Place>,
    /// Where else its key stands between quotes.
    mentions: Vec<Place>,
    /// People who asked for it in the last days, of all responses.
    people: Option<u64>,
    /// Their calls.
    calls: Option<u64>,
    /// The latest call of it.
    last_seen: Option<String>,
    /// Which SDKs asked, latest first.
    sdks: Vec<String>,
    /// Its page.
    pub link: Option<String>,
    /// Whether this run archived it.
    pub archived: bool,
    /// Why it is not archived, though nothing was in the way or somebody wanted it anyway.
    pub trouble: Option<String>,
    /// What a ready flag serves.
    #[serde(skip)]
    serves: Option<Value>,
    /// How many of the reasons are final; those come first.
    #[serde(skip)]
    n_final: usize,
    #[serde(skip)]
    since: Option<String>,
}

/// A flag with where it is; paths relative to `directory`.
pub fn archive_row(
    environment: &Environment,
    key: &FlagKey,
    standing: &Standing,
    reads: &Reads,
    directory: &Path,
    now: Timestamp,
) -> ArchiveRow {
    let flag = match environment.lookup(key) {
        Lookup::Known(flag) => Some(flag),
        _ => None,
    };
    let places =
        |it: &[Related]| it.iter().map(|it| place(&relative(&it.path, directory), it.span)).collect();
    let mut row = ArchiveRow {
        key: key.to_string(),
        place: place_of(standing),
        stage: flag.map(|it| stage(it, environment.history_of(it).map(|it| &**it)).to_string()),
        reasons: Vec::new(),
        reads: places(&reads.certain),
        may_be_read: places(&[&reads.possible[..], &reads.foreign[..]].concat()),
        mentions: places(&reads.mentions),
        people: None,
        calls: None,
        last_seen: flag.and_then(|it| it.last_called_at).map(|it| it.to_string()),
        sdks: Vec::new(),
        link: flag.and_then(|it| environment.page(format!("feature_flags/{}", it.id))),
        archived: false,
        trouble: None,
        serves: flag.and_then(|it| serves(it)),
        n_final: 0,
        since: None,
    };
    match standing {
        Standing::Unknown { similar } => {
            let hint = similar.as_ref().map(|it| format!("; did you mean '{it}'?")).unwrap_or_default();
            row.reasons.push(format!("{} has no such flag{hint}", project(environment)));
        }
        Standing::Blocked(obstacles) => {
            row.reasons = obstacles.iter().map(|it| sentence(it, directory, now)).collect();
            row.n_final = obstacles.iter().filter(|it| it.is_final()).count();
            for it in obstacles {
                if let Obstacle::Evaluated(it) = it {
                    row.people = it.counts.map(|it| it.0);
                    row.calls = it.counts.map(|it| it.1);
                    row.last_seen = Some(it.last_seen.to_string());
                    row.sdks.clone_from(&it.sdks);
                }
            }
        }
        Standing::Ready { last_seen } => {
            row.last_seen = Some(last_seen.to_string());
            row.since = Some(format!("{} ({})", day(*last_seen), ago(*last_seen, now)));
        }
        Standing::Deleted | Standing::Archived => {}
    }
    row
}

/// The words for where a flag is, in the JSON: those of the first thing in its way.
fn place_of(standing: &Standing) -> &'static str {
    match standing {
        Standing::Unknown { .. } => "unknown",
        Standing::Deleted => "deleted",
        Standing::Archived => "archived",
        Standing::Ready { .. } => "ready",
        Standing::Blocked(obstacles) => match obstacles.first() {
            Some(Obstacle::Read(_)) => "read",
            Some(Obstacle::Evaluated(_)) => "evaluated",
            Some(Obstacle::Held(_)) => "held",
            Some(Obstacle::CannotArchive | Obstacle::Doubt(_)) | None => "cannot-tell",
        },
    }
}

fn serves(flag: &Flag) -> Option<Value> {
    match served(flag.is_evaluated(), flag.filters().as_ref()) {
        Served::Everyone(value) => Some(value),
        Served::Varies | Served::CannotTell => None,
    }
}

fn project(environment: &Environment) -> String {
    environment.project.as_ref().map_or_else(|| environment.host.to_string(), |it| it.name.to_string())
}

impl ArchiveRow {
    /// Where the flag is and why, for a person who asked for this one; `anyway` = and who decided already.
    pub fn text(&self, anyway: bool) -> String {
        let (key, is_final) = (&self.key, self.n_final > 0);
        let mut text = match (self.place, &self.since) {
            ("unknown", _) => format!("'{key}' is unknown:\n"),
            ("deleted" | "archived", _) => format!("'{key}' is {} already\n", self.place),
            ("ready", Some(since)) => format!(
                "'{key}' can be archived: no code here reads it, and nobody has asked for it since {since}.\n{}\n",
                self.consequence()
            ),
            _ if is_final => format!("'{key}' is not archived:\n"),
            _ => format!("'{key}': a person decides:\n"),
        };
        // Writing to a String cannot fail.
        for reason in &self.reasons {
            let _ = writeln!(text, "  {reason}");
        }
        if matches!(self.place, "unknown" | "deleted" | "archived") {
            return lines(&text);
        }
        for it in self.mentions.iter().take(NAMED) {
            let _ = writeln!(text, "  look: the key still stands at {}:{}:{}", it.path, it.line, it.column);
        }
        if self.mentions.len() > NAMED {
            let _ = writeln!(text, "  and at {} more places", self.mentions.len() - NAMED);
        }
        if !is_final && !anyway && self.place == "cannot-tell" {
            let _ = writeln!(text, "  when you know better: flagline archive {key} --anyway");
        }
        lines(&text)
    }

    /// What becomes of those who ask for it all the same.
    fn consequence(&self) -> String {
        match &self.serves {
            // Who gets what from a flag that is ready is known.
            None | Some(Value::Off) => "It is off, and stays so.".into(),
            Some(value) => {
                format!("It serves {value} to everyone; archived, it is off for whoever still asks for it.")
            }
        }
    }
}

/// Text of several lines, each without what a terminal would obey.
fn lines(text: &str) -> String {
    text.lines().map(|it| plain(it) + "\n").collect()
}

/// The table of flags that the code does not read.
pub fn archive_table(
    rows: &[ArchiveRow],
    environment: &Environment,
    can_archive: bool,
    now: Timestamp,
) -> String {
    let fetched = environment.flags.as_ref().map_or(now, |it| it.fetched_at);
    let mut text = format!(
        "{}: {} not read here (flags as of {})\n",
        project(environment),
        match rows.len() {
            1 => "1 flag is".to_owned(),
            n => format!("{n} flags are"),
        },
        ago(fetched, now)
    );
    let ready = if can_archive { "Ready to archive" } else { "Ready to go" };
    let quiet = format!("{ready}, nobody has asked for {QUIET_DAYS} days or longer");
    for (place, title) in [
        ("ready", &*quiet),
        ("cannot-tell", "Nobody can tell, a person decides"),
        ("held", "Something else in PostHog needs them"),
        ("evaluated", "Still asked for: other repositories read them, or clients still run older code"),
    ] {
        let rows: Vec<&ArchiveRow> = rows.iter().filter(|it| it.place == place).collect();
        if !rows.is_empty() {
            let _ = write!(text, "\n{title}:\n");
        }
        for row in rows {
            let _ = writeln!(text, "  {}", row.line(can_archive));
        }
    }
    lines(&text)
}

impl ArchiveRow {
    fn line(&self, can_archive: bool) -> String {
        let stage = self.stage.as_deref().unwrap_or_default();
        let what = match &self.since {
            Some(since) if !can_archive => format!("last seen {since}"),
            Some(since) => format!("last seen {since}: flagline archive {}", self.key),
            // Where something is refused in any case, doubts are not what matters.
            None if self.n_final > 0 => self.reasons[..self.n_final].join("; "),
            None => self.reasons.join("; "),
        };
        format!("{} ({stage}): {what}", self.key)
    }
}

fn sentence(obstacle: &Obstacle, directory: &Path, now: Timestamp) -> String {
    match obstacle {
        Obstacle::Read(at) => format!("the code reads it: {}", named(at, directory)),
        Obstacle::Evaluated(it) => evaluated(it, now),
        Obstacle::Held(it) => held(it),
        Obstacle::CannotArchive => CANNOT_ARCHIVE.to_owned(),
        Obstacle::Doubt(it) => doubt(it, directory),
    }
}

fn named(at: &[Related], directory: &Path) -> String {
    let place = |it: &Related| {
        let path = relative(&it.path, directory);
        format!("{path}:{}:{}", it.span.start.line + 1, it.span.start.scalar + 1)
    };
    let mut words: Vec<String> = at.iter().take(NAMED).map(place).collect();
    if at.len() > NAMED {
        words.push(format!("and {} more", at.len() - NAMED));
    }
    words.join(", ")
}

fn evaluated(it: &Evaluated, now: Timestamp) -> String {
    let seen = format!("last seen {}", ago(it.last_seen, now));
    let by = if it.sdks.is_empty() { String::new() } else { format!(" by {}", it.sdks.join(", ")) };
    let Some((people, calls, days)) = it.counts else { return format!("it is asked for, {seen}{by}") };
    let people = crate::flags::people(people);
    let calls = if calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") };
    let days = if days == 1 { "day".to_owned() } else { format!("{days} days") };
    format!("it is asked for: {people}, {calls} in the last {days}, {seen}{by}")
}

fn held(it: &Holder) -> String {
    match it {
        Holder::Experiment(name) => format!("the experiment '{name}' on it is not over: end it first"),
        Holder::EarlyAccess(name) => {
            format!("the early access feature '{name}' opens it to people: archive that first")
        }
        Holder::Flag(key) => {
            format!("the flag '{key}' depends on it: change the conditions of that one first")
        }
        Holder::Survey(name) => format!("the survey '{name}' is shown to those who get it: end that first"),
        Holder::Replay => {
            "it decides whose sessions are recorded: change that in the project's settings first".into()
        }
        Holder::Schedule(it) => {
            format!(
                "on {} PostHog changes it by itself (it {}): take that change back first",
                day(it.at),
                crate::feature::scheduled_words(&it.change)
            )
        }
    }
}

fn doubt(it: &Doubt, directory: &Path) -> String {
    match it {
        Doubt::MayBeRead(at) => {
            format!("keys that begin like it are decided at run time: {}", named(at, directory))
        }
        Doubt::Foreign(at) => {
            format!("its key stands in code that Flagline cannot read: {}", named(at, directory))
        }
        Doubt::NotLoaded(why) => format!("who asks for it could not be loaded: {why}"),
        Doubt::ShortWindow(days) => format!(
            "nobody asked for it in the last {}, and PostHog is too slow to look back further",
            if *days == 1 { "day".to_owned() } else { format!("{days} days") }
        ),
        Doubt::NoCalls => format!(
            "no call of any flag is known of the last {QUIET_DAYS} days: this project may not be told of them"
        ),
        Doubt::NeverSeen => {
            "no call of it is known: its code may not be deployed yet, or PostHog is not told of it".into()
        }
        Doubt::Silent => "it has a payload, and PostHog is not told who reads payloads".into(),
        Doubt::Unfinished => {
            "it is not the same for everyone: archived, it is off for those who get it".into()
        }
        Doubt::Experiment(id) => format!("its experiment (number {id}) could not be looked at"),
        Doubt::Permanent(tag) => format!("its tag '{tag}' says that it stays"),
    }
}
