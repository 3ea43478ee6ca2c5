use jiff::SignedDuration;

use super::Snapshot;
use super::card::{project_name, similar};
use super::markup::{day, plain};
use crate::config::{Severities, Severity};
use crate::feature::{Since, Value, constant_since, was_on};
use crate::flags::{Environment, Flag, FlagKey, Lookup};
use crate::syntax::Read;
use crate::text::Span;

/// Something worth telling about a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind it is.
    pub code: Code,
    /// The flag.
    pub key: FlagKey,
    /// The key in the source.
    pub span: Span,
    /// A sentence for a person.
    pub message: String,
    /// How loud it is.
    pub severity: Severity,
    /// What to try: another sentence, `did you mean 'x'?`.
    pub help: Option<String>,
    /// A page that tells more.
    pub link: Option<String>,
}

/// The kinds of findings; their names are public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// The project has no such flag.
    UnknownFlag {
        /// A key that it has and that looks much like this one.
        similar: Option<FlagKey>,
    },
    /// One value for everyone for long enough: the code can do without the flag.
    StaleFlag {
        /// The value.
        value: Value,
    },
    /// Was on before, and is off now.
    DisabledFlag,
}

impl Finding {
    /// The message and the help in one sentence, for those who show one.
    pub fn sentence(&self) -> String {
        let help = self.help.as_ref().map(|it| format!("; {it}")).unwrap_or_default();
        format!("{}{help}", self.message)
    }
}

impl Code {
    /// The public name.
    pub fn name(&self) -> &'static str {
        match self {
            Code::UnknownFlag { .. } => "unknown-flag",
            Code::StaleFlag { .. } => "stale-flag",
            Code::DisabledFlag => "disabled-flag",
        }
    }

    fn severity(&self, severities: &Severities) -> Option<Severity> {
        match self {
            Code::UnknownFlag { .. } => severities.unknown_flag,
            Code::StaleFlag { .. } => severities.stale_flag,
            Code::DisabledFlag => severities.disabled_flag,
        }
    }
}

/// Everything worth telling about a file, in the order of its reads. Nothing is said of what is not loaded.
pub fn findings(snapshot: &Snapshot) -> Vec<Finding> {
    all(snapshot).into_iter().filter_map(|(finding, told)| told.then_some(finding)).collect()
}

/// Every finding, and whether the settings want it told: what is not told can still be acted upon.
pub(super) fn all(snapshot: &Snapshot) -> Vec<(Finding, bool)> {
    let Some(environment) = snapshot.mirror.primary() else { return Vec::new() };
    snapshot.facts.reads.iter().filter_map(|it| finding(snapshot, environment, it)).collect()
}

fn finding(snapshot: &Snapshot, environment: &Environment, read: &Read) -> Option<(Finding, bool)> {
    let key = read.key.as_ref()?;
    let mut help = None;
    let (code, message, page) = match environment.lookup(key) {
        Lookup::NotLoaded => return None,
        Lookup::Unknown => {
            // An empty key is half-typed, not unknown.
            (!key.as_str().is_empty()).then_some(())?;
            let similar = similar(environment, key);
            help = similar.as_ref().map(|it| plain(&format!("did you mean '{it}'?")));
            let message = plain(&format!("{} has no flag '{key}'", project_name(environment)));
            (Code::UnknownFlag { similar }, message, "feature_flags".to_owned())
        }
        Lookup::Known(flag) => {
            let (code, message) = constant(snapshot, environment, flag)?;
            (code, message, format!("feature_flags/{}", flag.id))
        }
    };
    let told = code.severity(&snapshot.config.severities);
    let severity = told.unwrap_or(Severity::Hint);
    let link = environment.page(page);
    let finding = Finding { code, key: key.clone(), span: read.key_span, message, severity, help, link };
    Some((finding, told.is_some()))
}

fn constant(snapshot: &Snapshot, environment: &Environment, flag: &Flag) -> Option<(Code, String)> {
    let history = environment.history_of(flag).map(|it| &**it);
    let since = constant_since(flag, history)?;
    // A flag that was never on is not done but not begun.
    if since.value == Value::Off && was_on(flag, history) != Some(true) {
        return None;
    }
    let age = snapshot.now.duration_since(since.at);
    let state = match flag {
        Flag { deleted: true, .. } => "deleted",
        Flag { archived: true, .. } => "archived",
        _ if since.value == Value::Off => "off for everyone",
        _ => "the same for everyone",
    };
    let what = match &since.value {
        Value::Off => state.to_owned(),
        Value::On => "on for everyone".to_owned(),
        Value::Variant(variant) => format!("'{variant}' for everyone"),
    };
    let key = &flag.key;
    let when = when(&since, age);
    if age >= SignedDuration::from_hours(24 * i64::from(snapshot.config.stale_days)) {
        let message = format!("'{key}' is {what} {when}: it can be removed from the code");
        return Some((Code::StaleFlag { value: since.value }, plain(&message)));
    }
    if since.value == Value::Off {
        return Some((Code::DisabledFlag, plain(&format!("'{key}' is {what} {when}; it was on before"))));
    }
    None
}

fn when(since: &Since, age: SignedDuration) -> String {
    let days = age.as_hours() / 24;
    let days = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
    if since.exact { format!("since {} ({days})", day(since.at)) } else { format!("for at least {days}") }
}
