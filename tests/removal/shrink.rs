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
    let (mut best, mut shown) = (choices.clone(), shown);
    loop {
        let simpler = simpler(&best);
        let mut found = None;
        // Many at a time, since an interpreter answers for many as fast as for one.
        for some in simpler.chunks(40) {
            let outcomes = check(some, language, runtime);
            found = some.iter().zip(outcomes).find_map(|(choices, outcome)| match outcome {
                Outcome::Wrong(other, shown) if other == what => Some((choices.clone(), shown)),
                _ => None,
            });
            if found.is_some() {
                break;
            }
        }
        match found {
            Some(found) => (best, shown) = found,
            None => return shown,
        }
    }
}

/// Simpler lists, the simplest first: each is shorter, or as long and smaller.
fn simpler(choices: &Choices) -> Vec<Choices> {
    let mut all = Vec::new();
    let mut size = choices.len();
    while size > 0 {
        for start in (0..choices.len().saturating_sub(size - 1)).step_by(size.div_ceil(2).max(1)) {
            let mut shorter = choices.clone();
            shorter.drain(start..start + size);
            all.push(shorter);
        }
        size /= 2;
    }
    for at in (0..choices.len()).filter(|it| choices[*it] > 0) {
        let smaller = [0, choices[at] / 2, choices[at] - 1];
        for value in smaller {
            let mut other = choices.clone();
            other[at] = value;
            all.push(other);
        }
    }
    all
}
