//! What is wrong with a read of a flag that the project has.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::calls::{Calls, calls};
use super::{Code, Verdict};
use crate::analysis::markup::day;
use crate::config::Config;
use crate::feature::{Served, Since, Value, constant_since, ended, served, was_on, winner};
use crate::flags::{Entry, Environment, Filters, Flag, History};
use crate::syntax::{Keep, Read, Returns, Until};

/// How long a flag may be on for everyone before somebody must have asked for it.
const LIVE_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// A read of a flag, and everything that decides what is said of it.
pub(super) struct Case<'a> {
    pub flag: &'a Flag,
    pub environment: &'a Environment,
    pub read: &'a Read,
    pub config: &'a Config,
    pub now: Timestamp,
    /// The comment that keeps the flag.
    pub keep: Option<&'a Keep>,
    /// Whether no read of the flag tells PostHog that it was asked for.
    pub is_silent: bool,
}

impl Case<'_> {
    /// Everything that is wrong, the life of the flag first.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let filters = self.flag.filters();
        let life = self.life(filters.as_ref());
        let is_gone = self.flag.deleted || self.flag.archived;
        let wrong = filters.as_ref().filter(|_| !is_gone).and_then(|it| self.wrong_read(it));
        life.into_iter().chain(wrong).collect()
    }

    fn life(&self, filters: Option<&Filters>) -> Option<Verdict> {
        if self.flag.deleted || self.flag.archived {
            return Some(self.gone());
        }
        let keep = self.in_force();
        if self.is_permanent() || keep == Some(true) {
            return None;
        }
        let verdict = self.constant().or_else(|| self.concluded(filters)).or_else(|| self.unused());
        let told = verdict.or_else(|| self.not_live(filters));
        match (self.keep.filter(|_| keep == Some(false)), told) {
            (Some(it), Some(told)) => Some(told.with_help(&past_words(it))),
            (Some(it), None) => Some(self.kept_no_more(it)),
            (None, told) => told,
        }
    }

    fn is_permanent(&self) -> bool {
        let tags = &self.config.permanent_tags;
        self.flag.is_remote_config || self.flag.tags.iter().any(|it| tags.contains(it))
    }

    /// Whether a comment keeps the flag today; `None` without one.
    fn in_force(&self) -> Option<bool> {
        let today = TimeZone::UTC.to_datetime(self.now).date();
        Some(match self.keep?.until {
            Until::Ever => true,
            Until::Day(last) => today <= last,
            Until::Unclear => false,
        })
    }

    fn history(&self) -> Option<&History> {
        self.environment.history_of(self.flag).map(|it| &**it)
    }

    fn is_long(&self, age: SignedDuration) -> bool {
        age >= self.config.stale_after()
    }

    fn gone(&self) -> Verdict {
        let state = if self.flag.deleted { "deleted" } else { "archived" };
        let entries = self.history().into_iter().flat_map(|it| &it.entries);
        let before = |it: &Entry| if self.flag.deleted { it.deleted_before } else { it.archived_before };
        let put_away = entries.into_iter().find(|it| before(it) == Some(false));
        let when = put_away.map(|it| self.on_the_day(it.at, it.by.as_deref())).unwrap_or_default();
        Verdict::new(
            Code::ArchivedFlag,
            &format!("'{}' is {state}{when}: code gets off from it", self.flag.key),
        )
    }

    /// The same value for everyone, for long or switched off.
    fn constant(&self) -> Option<Verdict> {
        let since = constant_since(self.flag, self.history())?;
        // A flag that was never on is not done but not begun.
        if since.value == Value::Off && was_on(self.flag, self.history()) != Some(true) {
            return None;
        }
        let what = match &since.value {
            Value::Off => "off for everyone".to_owned(),
            Value::On => "on for everyone".to_owned(),
            Value::Variant(variant) => format!("'{variant}' for everyone{}", self.winner_words()),
        };
        let (key, when) = (&self.flag.key, self.when(&since));
        if self.is_long(self.now.duration_since(since.at)) {
            let message = format!("'{key}' is {what}{when}: it can be removed from the code");
            let never = self.never(&since).filter(|_| since.value != Value::Off);
            let told = Verdict::new(Code::StaleFlag { value: Some(since.value) }, &message);
            return Some(match never {
                Some(never) => told.with_help(&format!("{never}: this code may not be released yet")),
                None => told,
            });
        }
        (since.value == Value::Off)
            .then(|| Verdict::new(Code::DisabledFlag, &format!("'{key}' is {what}{when}; it was on before")))
    }

    fn winner_words(&self) -> String {
        ended(self.flag, self.environment)
            .map(|it| format!(" as the winner of the experiment '{}'", it.0.name))
            .unwrap_or_default()
    }

    /// A comment that keeps a flag no longer, though nothing else is to be said of the flag.
    fn kept_no_more(&self, keep: &Keep) -> Verdict {
        let message = format!("'{}': {}", self.flag.key, past_words(keep));
        Verdict::new(Code::StaleFlag { value: None }, &message)
            .with_help("remove the flag from the code, or give the comment another day")
    }

    /// An experiment that ended and whose flag still tells people apart.
    fn concluded(&self, filters: Option<&Filters>) -> Option<Verdict> {
        let is_same = matches!(served(self.flag.is_evaluated(), filters), Served::Everyone(_));
        let (experiment, at) = ended(self.flag, self.environment).filter(|_| !is_same)?;
        let age = self.now.duration_since(at);
        (self.flag.active && self.is_long(age)).then_some(())?;
        let how = experiment
            .conclusion
            .as_deref()
            .map(|it| format!(", {}", it.replace('_', " ")))
            .unwrap_or_default();
        let winner = winner(self.flag, experiment);
        let one = winner.map_or_else(|| "one".to_owned(), |it| format!("the winner '{it}'"));
        let message = format!(
            "the experiment '{}' ended on {} ({}{how}), and '{}' still serves different values: serve {one} to \
             everyone, and remove the flag from the code",
            experiment.name,
            day(at),
            days(age),
            self.flag.key,
        );
        Some(Verdict::new(Code::StaleFlag { value: None }, &message))
    }

    /// Who asks for the flag, where that can be told: reads may be silent.
    fn calls(&self) -> Option<Calls> {
        calls(self.environment, self.flag, self.now).filter(|_| !self.is_silent)
    }

    /// Not asked for in a long time, and asked for before.
    fn unused(&self) -> Option<Verdict> {
        let calls = self.calls().filter(|_| self.flag.active)?;
        let seen = calls.last?;
        self.is_long(calls.until.duration_since(seen)).then_some(())?;
        let message = format!(
            "nobody has asked for '{}' since {} ({}): the code that does is not run",
            self.flag.key,
            day(seen),
            days(self.now.duration_since(seen))
        );
        Some(Verdict::new(Code::StaleFlag { value: None }, &message))
    }

    /// On for everyone, and not asked for.
    fn not_live(&self, filters: Option<&Filters>) -> Option<Verdict> {
        let is_on = matches!(
            served(self.flag.is_evaluated(), filters),
            Served::Everyone(Value::On | Value::Variant(_))
        );
        let since = constant_since(self.flag, self.history()).filter(|_| is_on)?;
        let never = self.never(&since)?;
        let message = format!("'{}' is on for everyone{}, and {never}", self.flag.key, self.when(&since));
        let help = "this code is not released yet, or it does not send events to this project";
        Some(Verdict::new(Code::NotLive, &message).with_help(help))
    }

    /// That nobody asked for a flag that could have been asked for a day or longer, as far back as that is known.
    fn never(&self, since: &Since) -> Option<String> {
        let calls = self.calls().filter(|it| it.last.is_none())?;
        (calls.until.duration_since(since.at) >= LIVE_WITHIN).then_some(())?;
        Some(match calls.from {
            None => "nobody has asked for it so far".to_owned(),
            Some(from) if since.exact && from <= since.at => {
                "nobody has asked for it in that time".to_owned()
            }
            Some(from) => {
                format!("nobody has asked for it in the last {}", days(calls.until.duration_since(from)))
            }
        })
    }

    fn wrong_read(&self, filters: &Filters) -> Option<Verdict> {
        let key = &self.flag.key;
        if filters.version >= 2 {
            return None;
        }
        if self.read.returns == Returns::Payload && !filters.has_payload() {
            let message = format!("'{key}' has no payload, so this never gives one");
            let help = "add the payload in PostHog, or read the flag itself";
            return Some(Verdict::new(Code::WrongRead { boolean: false }, &message).with_help(help));
        }
        let variants = filters.variants();
        (self.read.returns == Returns::Boolean && !variants.is_empty()).then(|| {
            let names: Vec<&str> = variants.iter().map(|it| it.key.as_str()).collect();
            let message =
                format!("'{key}' has the variants {}: this does not tell them apart", names.join(", "));
            Verdict::new(Code::WrongRead { boolean: true }, &message)
        })
    }

    /// " since 7 Aug 2026 (110 days, by Ada)", or " for at least 110 days" when nobody knows the day.
    fn when(&self, since: &Since) -> String {
        match since.exact {
            true => self.on_the_day(since.at, since.by.as_deref()),
            false => format!(" for at least {}", days(self.now.duration_since(since.at))),
        }
    }

    fn on_the_day(&self, at: Timestamp, by: Option<&str>) -> String {
        let age = days(self.now.duration_since(at));
        let by = by.map(|it| format!(", by {it}")).unwrap_or_default();
        format!(" since {} ({age}{by})", day(at))
    }
}

fn days(age: SignedDuration) -> String {
    match age.as_hours() / 24 {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// What is said of a comment that keeps a flag no longer.
fn past_words(keep: &Keep) -> String {
    let because = match &*keep.because {
        "" => String::new(),
        because => format!(" because {because}"),
    };
    match keep.until {
        Until::Day(last) => format!("it was to be kept until {}{because}", last.strftime("%-d %b %Y")),
        _ => {
            "the comment that keeps it is not understood: write `flagline: keep until 2027-01-31 because ...`"
                .into()
        }
    }
}
