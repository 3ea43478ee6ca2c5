use jiff::{SignedDuration, Timestamp};

use super::Ended;
use super::stats::{self, Estimate};
use crate::feature::Period;
use crate::feature::brief::{Count, Goal, Metric, MetricKind, Release};
use crate::feature::{Brief, Value};

/// How far back a review looks at most.
const FARTHEST: SignedDuration = SignedDuration::from_hours(24 * 180);
/// So many days before and after are compared at most.
const LONGEST_SIDE: SignedDuration = SignedDuration::from_hours(24 * 90);

/// What happened to some people, a number for each of them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    /// How many people.
    pub people: u64,
    /// The sum of their numbers; of a share, how many did it.
    pub total: f64,
    /// The sum of the squares.
    pub squares: f64,
}

impl Sample {
    /// The mean of a person.
    pub(super) fn mean(&self) -> f64 {
        if self.people == 0 { 0.0 } else { self.total / self.people as f64 }
    }

    /// The variance of the mean.
    pub(super) fn error_squared(&self) -> f64 {
        let n = self.people as f64;
        if n < 2.0 {
            return 0.0;
        }
        ((self.squares - self.total * self.total / n) / (n - 1.0)).max(0.0) / n
    }

    /// Both together.
    pub(super) fn with(self, other: Sample) -> Sample {
        Sample {
            people: self.people + other.people,
            total: self.total + other.total,
            squares: self.squares + other.squares,
        }
    }
}

/// People with the same response, as a query counts them.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// What they got; `None` = different things at different times.
    pub response: Option<String>,
    /// What happened to them.
    pub sample: Sample,
}

/// How a metric is measured of a person who meets the feature: what counts, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Whether it is asked whether something happened, rather than how often.
    pub is_share: bool,
    /// When it begins to count, after the meeting.
    pub begin: SignedDuration,
    /// When it ends to count. Only people who met the feature at least that long ago are looked at.
    pub end: SignedDuration,
}

/// The measure of a metric. It is the same for everyone, however long they have had the feature.
pub fn measure(metric: &Metric) -> Measure {
    const WEEK: SignedDuration = SignedDuration::from_hours(24 * 7);
    const TWO_WEEKS: SignedDuration = SignedDuration::from_hours(24 * 14);
    let (is_share, begin, end) = match metric.kind {
        MetricKind::Trend => (metric.count == Count::People, SignedDuration::ZERO, WEEK),
        // As long as the funnel on the feature's dashboard gives them.
        MetricKind::Funnel => (true, SignedDuration::ZERO, TWO_WEEKS),
        MetricKind::Retention => (true, WEEK, TWO_WEEKS),
    };
    Measure { is_share, begin, end }
}

impl Measure {
    /// A value for each hundred people, which of a share is percent.
    pub(super) fn value(self, of: &Sample) -> Option<Estimate> {
        if self.is_share { stats::share(of) } else { stats::mean(of) }
    }

    pub(super) fn difference(self, of: &Sample, with: &Sample) -> Option<Estimate> {
        if self.is_share { stats::share_difference(of, with) } else { stats::mean_difference(of, with) }
    }

    pub(super) fn ratio(self, of: &Sample, with: &Sample) -> Option<Estimate> {
        if self.is_share { stats::share_ratio(of, with) } else { stats::mean_ratio(of, with) }
    }
}

/// Whether more is worse.
pub(super) fn wants_less(metric: &Metric) -> bool {
    metric.goal == Goal::AtMost
}

/// From a moment to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan {
    /// Where it begins.
    pub from: Timestamp,
    /// Where it ends.
    pub until: Timestamp,
}

impl TimeSpan {
    /// Its whole days.
    pub fn days(&self) -> i64 {
        self.until.duration_since(self.from).as_hours() / 24
    }
}

/// Who is looked at, when, and what is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Design {
    /// People who got one variant or another at the same time.
    Variants {
        /// The one that the others are compared with.
        control: String,
        /// The one that is judged: what is served now, or else the only other one.
        judged: Option<String>,
        /// While people were split.
        span: TimeSpan,
    },
    /// People who met the feature; and people who were active before it opened and after everyone had it.
    BeforeAfter {
        /// Since it opened.
        met: TimeSpan,
        /// Both sides, equally long; or why there are none.
        sides: Result<(TimeSpan, TimeSpan), String>,
    },
}

/// How a feature that has ended is looked at now.
pub fn design(brief: &Brief, ended: &Ended, now: Timestamp) -> Design {
    let metric_end = brief.metric.as_ref().map(|it| measure(it).end).unwrap_or_default();
    let earliest = |at: Timestamp, until: Timestamp| at.max(until.checked_sub(FARTHEST).unwrap_or(at));
    if brief.release == Release::AbTest {
        let until = ended.split_until.unwrap_or(ended.since);
        let from = ended.split_from.or(ended.opened).unwrap_or(until);
        return Design::Variants {
            control: "control".into(),
            judged: judged(brief, &ended.value),
            span: TimeSpan { from: earliest(from, until), until },
        };
    }
    let is_off = ended.value == Value::Off;
    let until = if is_off { ended.since } else { now };
    let met = TimeSpan { from: earliest(ended.opened.unwrap_or(ended.since), until), until };
    Design::BeforeAfter { met, sides: if is_off { Err(OFF.into()) } else { sides(ended, metric_end, now) } }
}

const OFF: &str = "it was switched off, so that there is no after";

/// The same number of days before it opened and after everyone had it; as many as there are.
fn sides(ended: &Ended, metric_end: SignedDuration, now: Timestamp) -> Result<(TimeSpan, TimeSpan), String> {
    let Some(opened) = ended.opened else {
        return Err("when it opened is not known, and so neither is what was before".into());
    };
    let long = now.duration_since(ended.since).min(LONGEST_SIDE);
    if long <= metric_end {
        let wanted = Period::days(u32::try_from(metric_end.as_hours() / 24).unwrap_or_default());
        return Err(format!(
            "everyone has had it for less than {wanted}, which the metric takes of a person"
        ));
    }
    let at = |begin: Timestamp, long: SignedDuration| begin.checked_add(long).unwrap_or(begin);
    let before = TimeSpan { from: at(opened, -long), until: opened };
    Ok((before, TimeSpan { from: ended.since, until: at(ended.since, long) }))
}

/// The variant that the target is about.
fn judged(brief: &Brief, served: &Value) -> Option<String> {
    let others: Vec<String> =
        brief.variants().into_iter().map(|it| it.key).filter(|it| it != "control").collect();
    match served {
        Value::Variant(key) if others.iter().any(|it| **it == **key) => Some(key.to_string()),
        _ if others.len() == 1 => others.into_iter().next(),
        _ => None,
    }
}
