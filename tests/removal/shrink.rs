//! The smallest program that is wrong in the same way.

use crate::check::{Outcome, check};
use crate::generate::Choices;
use crate::run::Runtime;
use crate::write::Language;

/// Takes numbers away and makes others smaller for as long as the same is wrong. Returns what there is to see.
pub fn shrunk(
    choices: &Choices,
    what: &str,
    shown: String,
    language: Language,
    runtime: &mut Runtime,
) -> String {
    let mut best = (choices.clone(), shown);
    let mut is_wrong = |choices: Choices, best: &mut (Choices, String)| {
        let [outcome] = &check(std::slice::from_ref(&choices), language, runtime)[..] else { return false };
        match outcome {
            Outcome::Wrong(other, shown) if other == what => {
                *best = (choices, shown.clone());
                true
            }
            _ => false,
        }
    };
    loop {
        let before = best.0.clone();
        let mut size = before.len();
        while size > 0 {
            let mut start = 0;
            while start < best.0.len() {
                let mut shorter = best.0.clone();
                shorter.drain(start..(start + size).min(shorter.len()));
                if !is_wrong(shorter, &mut best) {
                    start += size;
                }
            }
            size /= 2;
        }
        let mut at = 0;
        while at < best.0.len() {
            let value = best.0[at];
            // Every list of choices has fewer than 64 items, so larger numbers say nothing more.
            for smaller in [0, 1, 2, 3, 4, 5, value % 60] {
                let mut other = best.0.clone();
                other[at] = smaller;
                if smaller < value && is_wrong(other, &mut best) {
                    break;
                }
            }
            at += 1;
        }
        if best.0 == before {
            return best.1;
        }
    }
}
