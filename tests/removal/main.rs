//! Removal, proven by running it: programs made by chance print the same trace after a flag is removed from them as
//! before, when the SDK serves the value that was kept. See `generate.rs` for what a program is, and `check.rs` for
//! what else must hold.
//!
//! `FLAGLINE_PROGRAMS=100000` runs that many, `FLAGLINE_SEED=7` others, `FLAGLINE_FAILURES=10` shows more than one
//! of a kind, `FLAGLINE_REFUSED=1` a program for each reason to refuse one.

#![expect(clippy::unwrap_used, reason = "a program that cannot be run fails the test")]

mod check;
mod elements;
mod expressions;
mod generate;
mod run;
mod shrink;
mod statements;
mod write;

use std::collections::BTreeMap;

use check::{Outcome, check};
use generate::Choices;
use run::Runtime;
use write::Language;

/// Programs that one message to an interpreter has.
const BATCH: usize = 100;

/// The largest share of programs that may be refused, in percent.
const MOST_REFUSED: usize = 15;

/// The largest share of programs from which two flags removed in one order leave another text than in the other, in
/// percent: what is seen to be dead depends on what is known when it is looked at.
const MOST_ORDERED: usize = 3;

#[test]
fn typescript() {
    behaves_the_same(Language::TypeScript);
}

#[test]
fn tsx() {
    behaves_the_same(Language::Tsx);
}

#[test]
fn python() {
    behaves_the_same(Language::Python);
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |it| it.parse().unwrap())
}

fn behaves_the_same(language: Language) {
    let n_programs = setting("FLAGLINE_PROGRAMS", 3000) as usize;
    let most_failures = setting("FLAGLINE_FAILURES", 1) as usize;
    let mut random = Random(setting("FLAGLINE_SEED", 1));
    let mut runtime = Runtime::new(language);
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    // By what is wrong, so that one mistake does not hide the others.
    let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let shows_refused = setting("FLAGLINE_REFUSED", 0) == 1;
    let (mut n_done, mut n_ordered) = (0, 0);
    let begun = std::time::Instant::now();
    while n_done < n_programs && !failures.values().any(|it| it.len() >= most_failures) {
        let batch: Vec<Choices> = (0..BATCH.min(n_programs - n_done)).map(|_| random.choices()).collect();
        n_done += batch.len();
        for (choices, outcome) in batch.iter().zip(check(&batch, language, &mut runtime)) {
            match outcome {
                Outcome::Same => {}
                Outcome::Refused(reason, program) => {
                    let reason = without_names(&reason);
                    if shows_refused && !refused.contains_key(&reason) {
                        println!("########## refused: {reason}\n{program}");
                    }
                    *refused.entry(reason).or_default() += 1;
                }
                Outcome::Ordered => n_ordered += 1,
                Outcome::Wrong(what, shown) => {
                    let known = failures.entry(what.clone()).or_default();
                    if known.len() < most_failures {
                        let shown = shrink::shrunk(choices, &what, shown, language, &mut runtime);
                        // Each as soon as it is found: a long run shows what it has.
                        println!("########## {what}\n{shown}\n");
                        known.push(shown);
                    }
                }
            }
        }
    }
    let n_refused: usize = refused.values().sum();
    println!("{language:?}: of {n_ordered} the order of two flags matters");
    println!("{language:?}: {n_done} programs in {:?}, {n_refused} refused: {refused:#?}", begun.elapsed());
    assert!(failures.is_empty(), "see above: {:?}", failures.keys());
    assert!(n_ordered * 100 < n_done * MOST_ORDERED, "the order of two flags matters in {n_ordered}");
    assert!(n_refused * 100 < n_done * MOST_REFUSED, "too many are refused: {refused:#?}");
}

/// A reason without the names in it.
fn without_names(reason: &str) -> String {
    reason
        .split('\'')
        .enumerate()
        .filter(|(at, _)| at % 2 == 0)
        .map(|it| it.1)
        .collect::<Vec<_>>()
        .join("'..'")
}

/// Numbers that are the same for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    fn choices(&mut self) -> Choices {
        let n = 20 + self.next() % 160;
        (0..n).map(|_| (self.next() >> 48) as u16).collect()
    }
}
