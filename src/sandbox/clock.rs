//! The sandbox's clock: the machine's, shifted or stopped by tests.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// What time it is in the sandbox.
#[derive(Debug, Clone)]
pub(super) enum Clock {
    /// Runs with the machine's clock, this far ahead.
    Running(SignedDuration),
    /// Stands still until it is set again.
    Stopped(Timestamp),
}

impl Clock {
    /// Stopped at `now`, or the machine's clock.
    pub fn new(now: Option<Timestamp>) -> Clock {
        now.map_or(Clock::Running(SignedDuration::ZERO), Clock::Stopped)
    }

    pub fn now(&self) -> Timestamp {
        match self {
            Clock::Running(ahead) => add(Timestamp::now(), *ahead),
            Clock::Stopped(now) => *now,
        }
    }

    /// Moves on (or back); a running clock keeps running.
    pub fn advance(&mut self, by: SignedDuration) {
        match self {
            Clock::Running(ahead) => *ahead = ahead.saturating_add(by),
            Clock::Stopped(now) => *now = add(*now, by),
        }
    }
}

/// `at + by`, staying inside what a timestamp can hold.
pub(super) fn add(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

/// The date and time of day of a timestamp; the project's time zone is UTC.
pub(super) fn civil(at: Timestamp) -> DateTime {
    Offset::UTC.to_datetime(at)
}

/// The timestamp of a date and time of day.
pub(super) fn timestamp(at: DateTime) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(at).ok()
}

/// A timestamp as PostHog writes it: microseconds and `Z`.
pub(super) fn iso(at: Timestamp) -> String {
    format!("{at:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_when_told() {
        let start: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let mut clock = Clock::new(Some(start));
        clock.advance(SignedDuration::from_hours(24));
        assert_eq!(iso(clock.now()), "2026-11-21T12:00:00.000000Z");
    }
}
