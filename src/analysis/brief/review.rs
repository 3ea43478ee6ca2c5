use jiff::Timestamp;

use crate::analysis::findings::{Code, Finding};
use crate::analysis::markup::{day, plain};
use crate::config::{Config, Rule};
use crate::feature::Brief;
use crate::feature::brief::BriefFile;
use crate::feature::review::{Ended, ended, review_due};
use crate::flags::{Environment, Lookup, Mirror};

/// Since when the review of a feature is due, and how it ended; `None` where it is not, where somebody has said what
/// came of it, or where that cannot be told.
pub(super) fn due(brief: &Brief, environment: &Environment, now: Timestamp) -> Option<(Timestamp, Ended)> {
    if brief.outcome.is_some() {
        return None;
    }
    let Lookup::Known(flag) = environment.lookup(&brief.flag()) else { return None };
    // What was put away is looked at by who puts it away.
    if flag.archived || flag.deleted {
        return None;
    }
    let ended = ended(flag, environment).ok()?;
    let at = review_due(brief, ended.since)?;
    (at <= now).then_some((at, ended))
}

/// That the review of a brief's feature is due, at its key; for editor and `flagline check` alike.
pub fn review_finding(file: &BriefFile, mirror: &Mirror, config: &Config, now: Timestamp) -> Option<Finding> {
    let severity = config.severities.of(Rule::ReviewDue)?;
    let (brief, environment) = (file.brief.as_ref().ok()?, mirror.primary()?);
    let (at, ended) = due(brief, environment, now)?;
    let Lookup::Known(flag) = environment.lookup(&brief.flag()) else { return None };
    let since = match ended.exact {
        true => format!("since {}", day(ended.since)),
        false => format!("since {} or before", day(ended.since)),
    };
    let what = match ended.value.to_string().as_str() {
        "off" => "it has been off for everyone".to_owned(),
        "on" => "everyone has had it".to_owned(),
        variant => format!("everyone has had '{variant}'"),
    };
    let message = format!("the review of '{}' was due on {}: {what} {since}", brief.key, day(at));
    Some(Finding {
        code: Code::ReviewDue,
        key: Some(brief.flag()),
        span: file.text.span(file.key_span()?),
        message: plain(&message),
        severity,
        help: Some(format!(
            "look at the numbers and say what came of it: flagline review {}",
            plain(&brief.key)
        )),
        link: environment.page(format!("feature_flags/{}", flag.id)),
        related: Vec::new(),
    })
}
