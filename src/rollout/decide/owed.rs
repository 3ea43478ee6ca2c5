//! When a webhook that was not told is tried again, and when it is given up.

use jiff::{SignedDuration, Timestamp};

use super::SETTLED;
use crate::posthog::queries::Owed;

/// So long a webhook is tried again.
const TRIED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The longest pause between two tries.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// So long it is said of what is given up: by one run or a few, without anything that would have to be written down.
const SAID_FOR: SignedDuration = SignedDuration::from_hours(1);

/// What a webhook is told now, of all that it is owed. `claimed` is when somebody last wrote into the flag that they try
/// it. Whoever tries has a while for it, and the pauses grow with the age of what is owed, up to an hour: each try writes the
/// flag.
pub fn owed_now(owed: &[Owed], claimed: Option<Timestamp>, now: Timestamp) -> Vec<&Owed> {
    let owed: Vec<&Owed> = owed.iter().filter(|it| now.duration_since(it.at) < TRIED_FOR).collect();
    let Some(newest) = owed.iter().map(|it| it.at).max() else { return Vec::new() };
    // Whoever captured a message tries at once.
    let tried = claimed.map_or(newest, |it| it.max(newest));
    let pause = tried.duration_since(newest).clamp(SETTLED, LONGEST_PAUSE);
    if now.duration_since(tried) < pause { Vec::new() } else { owed }
}

/// What a webhook was not told and is not told any more, since a moment ago.
pub fn given_up(owed: &[Owed], now: Timestamp) -> Vec<&Owed> {
    let ages = owed.iter().map(|it| (it, now.duration_since(it.at)));
    let is_now = |age: SignedDuration| TRIED_FOR <= age && age < TRIED_FOR + SAID_FOR;
    ages.filter(|(_, age)| is_now(*age)).map(|it| it.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::posthog::queries::Post;
    use uuid::Uuid;

    fn minute(n: i64) -> Timestamp {
        Timestamp::from_second(n * 60).unwrap()
    }

    /// How many are told in a minute, of those that were captured in these minutes.
    fn told(owed: &[i64], claimed: Option<i64>, now: i64) -> usize {
        owed_now(&captured(owed), claimed.map(minute), minute(now)).len()
    }

    fn captured(minutes: &[i64]) -> Vec<Owed> {
        let owed = minutes.iter().map(|at| Owed {
            post: Post {
                id: Uuid::nil(),
                flag: "a".into(),
                stage: "beta".into(),
                kind: "entered".into(),
                text: "A goes to beta".into(),
            },
            webhook: "releases".into(),
            at: minute(*at),
            unanswered: 0,
        });
        owed.collect()
    }

    #[test]
    fn whoever_captured_a_message_has_ten_minutes_to_tell_the_webhook() {
        assert_eq!(told(&[], None, 0), 0);
        assert_eq!([0, 9, 10].map(|now| told(&[0], None, now)), [0, 0, 1]);
        // A clock that is ahead.
        assert_eq!(told(&[5], None, 0), 0);
        // All of it is told at once, when the last one may be.
        assert_eq!([10, 14, 15].map(|now| told(&[0, 5], None, now)), [0, 0, 2]);
    }

    #[test]
    fn whoever_tries_has_ten_minutes_too_and_pauses_grow() {
        assert_eq!([10, 19, 20].map(|now| told(&[0], Some(10), now)), [0, 0, 1]);
        assert_eq!([21, 39, 40].map(|now| told(&[0], Some(20), now)), [0, 0, 1]);
        assert_eq!([601, 659, 660].map(|now| told(&[0], Some(600), now)), [0, 0, 1], "an hour at most");
        // A further message does not wait as long as old ones.
        assert_eq!([609, 610].map(|now| told(&[0, 600], Some(590), now)), [0, 2]);
    }

    #[test]
    fn after_a_week_it_is_given_up_which_is_said_for_an_hour() {
        let week = 7 * 24 * 60;
        assert_eq!([week - 1, week].map(|now| told(&[0], Some(640), now)), [1, 0]);
        assert_eq!(told(&[0, 60], Some(640), week), 1);
        let said = |now| given_up(&captured(&[0, 60]), minute(now)).len();
        assert_eq!([week - 1, week, week + 59, week + 60, week + 120].map(said), [0, 1, 1, 1, 0]);
    }
}
