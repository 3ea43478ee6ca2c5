//! What happens when PostHog does not answer: what goes wrong, what is left alone and for how long.

use std::time::Duration;

use super::due::{Moment, Part, Work};
use super::site::Site;
use crate::posthog::Error;
use crate::posthog::client::jittered;

/// How long a part that the key may not see, or that the server does not have, is left alone.
const DENIED_FOR: Duration = Duration::from_secs(60 * 60);
/// How long a part is left alone whose answer makes no sense: something on the way may be the cause.
const UNCLEAR_FOR: Duration = Duration::from_secs(10 * 60);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reaction {
    /// Only this part is left alone.
    Leave(Part, Duration),
    /// Everything is.
    Pause(Duration),
}

/// What a failure of some work means. `n_failures` is how many there were in a row, this one included.
fn reaction(work: &Work, error: &Error, n_failures: u32) -> Reaction {
    if let Some(part) = work.part()
        && let Some(time) = of_one_part(error)
    {
        return Reaction::Leave(part, time);
    }
    Reaction::Pause(match error {
        Error::Limited(wait) => *wait,
        _ if error.is_passing() => {
            LONGEST_PAUSE.min(Duration::from_secs(5) * 2_u32.pow(n_failures.clamp(1, 7) - 1))
        }
        // A person must do something first, and then says so with a refresh.
        _ => LONGEST_PAUSE,
    })
}

/// How long to leave a part alone, where a failure says nothing of the other parts.
fn of_one_part(error: &Error) -> Option<Duration> {
    match error {
        Error::Unauthorized { .. }
        | Error::Offline { .. }
        | Error::Tls { .. }
        | Error::Limited(_)
        | Error::Server { .. }
        | Error::Settings(_)
        | Error::SignedOut { .. }
        | Error::NoProject { .. }
        | Error::WhichProject(_) => None,
        Error::NotPostHog { .. } | Error::Decode { .. } => Some(UNCLEAR_FOR),
        Error::Forbidden(_)
        | Error::NotFound(_)
        | Error::Conflict(_)
        | Error::ApprovalRequired { .. }
        | Error::PaymentRequired(_)
        | Error::Invalid { .. }
        | Error::TooSlow
        | Error::TooLarge(_) => Some(DENIED_FOR),
    }
}

/// Whether a failure says nothing of the other parts.
pub(super) fn is_of_one_part(error: &Error) -> bool {
    of_one_part(error).is_some()
}

impl Site {
    /// Says what went wrong, and when it is tried again.
    pub(super) fn note_failure(&mut self, work: &Work, error: &Error, now: Moment) {
        tracing::warn!(?work, %error, "PostHog did not give it");
        match reaction(work, error, self.failures + 1) {
            Reaction::Leave(part, time) => {
                self.times.alone_until.insert(part, now.tick + time);
                match part {
                    Part::Exposure => self.known.exposure_trouble = Some(error.to_string().into()),
                    Part::Evidence => self.known.evidence_trouble = Some(error.to_string().into()),
                    Part::History => self.known.history_trouble = Some(error.to_string().into()),
                    Part::Schedules
                    | Part::Experiments
                    | Part::Cohorts
                    | Part::EarlyAccess
                    | Part::Results
                    | Part::Catalog => {}
                }
            }
            Reaction::Pause(time) => {
                self.failures += 1;
                self.refused = matches!(error, Error::Unauthorized { .. });
                // Another one may have a better key.
                if let Some(share) = self.share.as_mut().filter(|_| !error.is_passing()) {
                    share.release(now.tick);
                }
                self.known.trouble = Some(error.to_string().into());
                let is_ours = !matches!(error, Error::Limited(_)) && error.is_passing();
                self.times.paused_until = Some(now.tick + if is_ours { jittered(time) } else { time });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_of_one_part_leaves_the_others() {
        let (host, detail) = (|| "https://ph.example".to_owned(), || "x".to_owned());
        let minutes = |it: u64| Duration::from_secs(60 * it);
        let plans = Work::Plans(Part::Schedules);
        let leave = |it| Reaction::Leave(Part::Schedules, it);
        for (error, of_plans, of_list) in [
            (Error::Forbidden(detail()), leave(minutes(60)), minutes(5)),
            (Error::Invalid { code: detail(), detail: detail() }, leave(minutes(60)), minutes(5)),
            (Error::TooSlow, leave(minutes(60)), minutes(5)),
            (Error::Decode { host: host(), detail: detail() }, leave(minutes(10)), minutes(5)),
            (Error::NotPostHog { host: host(), what: detail() }, leave(minutes(10)), minutes(5)),
            (Error::Limited(minutes(7)), Reaction::Pause(minutes(7)), minutes(7)),
            (Error::Unauthorized { host: host(), detail: detail() }, Reaction::Pause(minutes(5)), minutes(5)),
        ] {
            assert_eq!(reaction(&plans, &error, 1), of_plans, "{error}");
            assert_eq!(reaction(&Work::WholeList, &error, 1), Reaction::Pause(of_list), "{error}");
        }
        let pauses = [1, 2, 3, 7, 100].map(|it| reaction(&plans, &Error::Server { status: 500 }, it));
        assert_eq!(pauses, [5, 10, 20, 300, 300].map(|it| Reaction::Pause(Duration::from_secs(it))));
    }
}
