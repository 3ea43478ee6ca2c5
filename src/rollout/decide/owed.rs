//! When a webhook that was not told is tried again.

use jiff::{SignedDuration, Timestamp};

use super::SETTLED;
use crate::posthog::queries::Owed;

/// So long a webhook is tried again.
const TRIED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What a webhook is told now, of all that it is owed. `claimed` is when somebody last wrote into the flag that they try
/// it. Whoever tries has a while for it, and the pauses grow with the age of what is owed: each try writes the flag.
pub fn owed_now(owed: &[Owed], claimed: Option<Timestamp>, now: Timestamp) -> Vec<&Owed> {
    let owed: Vec<&Owed> = owed.iter().filter(|it| now.duration_since(it.at) < TRIED_FOR).collect();
    let Some(newest) = owed.iter().map(|it| it.at).max() else { return Vec::new() };
    // Whoever captured a message tries at once.
    let tried = claimed.map_or(newest, |it| it.max(newest));
    let pause = tried.duration_since(newest).max(SETTLED);
    if now.duration_since(tried) < pause { Vec::new() } else { owed }
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
        let owed = owed.iter().map(|at| Owed {
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
        owed_now(&owed.collect::<Vec<_>>(), claimed.map(minute), minute(now)).len()
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
        assert_eq!([601, 1199, 1200].map(|now| told(&[0], Some(600), now)), [0, 0, 1]);
        // A further message does not wait as long as old ones.
        assert_eq!([609, 610].map(|now| told(&[0, 600], Some(590), now)), [0, 2]);
    }

    #[test]
    fn after_a_day_it_is_given_up() {
        assert_eq!([1439, 1440].map(|now| told(&[0], Some(640), now)), [1, 0]);
        assert_eq!(told(&[0, 60], Some(640), 1440), 1);
    }
}
