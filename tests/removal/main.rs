//! A program does the same after a flag was removed from it as it did before, when the flag gave what was kept.
//!
//! Programs are made by chance, with reads in all places that a removal knows, and run: before, with an SDK that gives
//! what is kept, and after. Each part of a program tells a trace that it ran. What fails is made smaller until nothing
//! can be taken away, and printed.
//!
//! `FLAGLINE_PROGRAMS=100000 cargo test --test removal` runs that many in each language, `FLAGLINE_SEED=7` others;
//! `FLAGLINE_REFUSED=words` also shows the smallest ones that are refused for a reason with these words.

#![expect(clippy::unwrap_used, reason = "a program that cannot be run fails the test")]
#![expect(clippy::print_stderr, reason = "how many programs were run is worth knowing")]

mod check;
mod dice;
mod javascript;
#[path = "../support/npm.rs"]
mod npm;
mod python;
mod run;
mod tree;

use std::collections::BTreeMap;
use std::fmt::Write;

use check::{Outcome, is_invalid, job, outcome};
use dice::Dice;
use flagline::feature::Value;
use flagline::removal::Kept;
use flagline::syntax::{Language, Source};
use flagline::text::Text;
use javascript::Dialect;
use run::{Interpreter, Trace};
use serde_json::json;
use tree::{Block, Style, simpler_block, size};

const N_PROGRAMS: usize = 3000;
/// Of one language at once.
const N_IN_BATCH: usize = 250;
/// Failures that are made smaller; more are only counted.
const MOST_SHOWN: usize = 8;
const MOST_ALIKE: usize = 3;
/// Of a hundred programs.
const MOST_REFUSED: usize = 15;
/// Of a hundred programs from which two flags are removed: what one removal leaves, such as braces that keep names
/// apart, the other one may not know to be needless.
const MOST_BY_ORDER: usize = 15;

#[test]
fn programs_in_typescript() {
    programs(Language::TypeScript);
}

#[test]
fn programs_in_tsx() {
    programs(Language::Tsx);
}

#[test]
fn programs_in_javascript() {
    programs(Language::JavaScript);
}

#[test]
fn programs_in_python() {
    programs(Language::Python);
}

fn setting(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|it| it.parse().unwrap_or_else(|_| panic!("{name} is not a number: {it}")))
}

/// A program, and what is kept of its flag.
#[derive(Clone)]
struct Case {
    seed: u64,
    program: Block,
    style: Style,
    kept: Kept,
    /// Whether another flag is removed, too.
    with_another: bool,
}

#[derive(Default)]
struct Tally {
    n_cases: usize,
    n_with_another: usize,
    n_by_order: usize,
    n_refused: usize,
    refused: BTreeMap<String, usize>,
    wrong: BTreeMap<&'static str, usize>,
    shown: String,
    n_shown: usize,
}

fn programs(language: Language) {
    let n = setting("FLAGLINE_PROGRAMS").unwrap_or(N_PROGRAMS);
    // Each language has its own.
    let first = setting("FLAGLINE_SEED").unwrap_or(1) as u64 * 10_000_000 + language as u64 * 2_000_000;
    let begun = std::time::Instant::now();
    let mut interpreter = Interpreter::new(language);
    let mut tally = Tally::default();
    for start in (0..n).step_by(N_IN_BATCH) {
        let seeds = (start..n.min(start + N_IN_BATCH)).map(|it| first + it as u64);
        let cases: Vec<Case> = seeds.map(|it| made(language, it)).collect();
        batch(language, &cases, &mut interpreter, &mut tally);
    }
    report(language, n, begun.elapsed().as_secs_f64(), &tally);
}

fn report(language: Language, n: usize, seconds: f64, tally: &Tally) {
    let share = 100.0 * tally.n_refused as f64 / tally.n_cases.max(1) as f64;
    let by_order = 100.0 * tally.n_by_order as f64 / tally.n_with_another.max(1) as f64;
    eprintln!(
        "{language:?}: {n} programs in {seconds:.0} s; {share:.1} % refused; of {} with two flags removed, the order \
         is seen in {by_order:.1} %",
        tally.n_with_another,
    );
    for (reason, n) in &tally.refused {
        eprintln!("  refused {n} times: {reason}");
    }
    assert!(tally.wrong.is_empty(), "this does not hold: {:#?}\n{}", tally.wrong, tally.shown);
    assert!(by_order < MOST_BY_ORDER as f64, "the order of two removals is seen in {by_order:.1} %");
    assert!(share < MOST_REFUSED as f64, "{share:.1} % of the removals are refused");
}

/// A program; what is kept takes turns.
fn made(language: Language, seed: u64) -> Case {
    let mut dice = Dice::new(seed ^ 0x5eed);
    let (indentation, colons) = match language {
        Language::Python => (dice.one(&["    ", "    ", "\t", "  "]), true),
        _ => (dice.one(&["  ", "  ", "\t", "    "]), false),
    };
    let style = Style {
        indentation,
        colons,
        line_end: dice.one(&["\n", "\n", "\n", "\r\n"]),
        semicolons: !colons && dice.percent(70),
    };
    let program = program(language, seed);
    let variant = Value::Variant(dice.one(&javascript::VARIANTS).into());
    let payload = dice.one(&[Some(5), None]).map_or(json!(null), |it| json!({ "limit": it }));
    let value = match seed % 3 {
        0 => Value::On,
        1 => Value::Off,
        _ => variant,
    };
    Case {
        seed,
        program,
        style,
        kept: Kept { value, payload: Some(payload) },
        with_another: seed.is_multiple_of(4),
    }
}

fn program(language: Language, seed: u64) -> Block {
    let dice = Dice::new(seed);
    let types = matches!(language, Language::TypeScript | Language::Tsx);
    match language {
        Language::Python => python::program(dice),
        _ => javascript::program(
            dice,
            Dialect { types, jsx: matches!(language, Language::Tsx | Language::Jsx) },
        ),
    }
}

fn text(language: Language, case: &Case) -> String {
    match language {
        Language::Python => python::text(&case.program, case.style),
        _ => javascript::text(&case.program, case.style),
    }
}

/// What is wrong with a removal.
struct Wrong {
    what: &'static str,
    /// The program before, the one after, and more that helps.
    told: [String; 3],
}

/// What came of a case that nothing is wrong with.
struct Passed {
    /// The reasons, if it was refused.
    refused: Vec<String>,
    /// Whether the order in which two flags are removed is seen in the result.
    by_order: bool,
}

type Verdict = Result<Passed, Wrong>;

const INVALID: &str = "the generator writes programs that run";
const REFUSED: &str = "nothing is refused for this reason";
const BEHAVIOUR_OF_BOTH: &str = "without two flags it does the same";
const BEHAVIOUR: &str = "the result does the same";

/// What is wrong with each case, and what was refused of it.
fn verdicts(language: Language, cases: &[Case], interpreter: &mut Interpreter) -> Vec<Verdict> {
    let texts: Vec<String> = cases.iter().map(|it| text(language, it)).collect();
    let outcomes: Vec<Outcome> = texts
        .iter()
        .zip(cases)
        .map(|(text, case)| outcome(language, text, &case.kept, case.with_another))
        .collect();
    let mut jobs = Vec::new();
    for ((text, case), outcome) in texts.iter().zip(cases).zip(&outcomes) {
        jobs.push(job(text, &case.kept, false));
        if let Outcome::Cleaned(result, both) = outcome {
            jobs.push(job(result, &case.kept, false));
            // Without the other one there is nothing to compare with.
            jobs.push(job(if both.is_empty() { "" } else { text }, &case.kept, true));
            jobs.extend(both.iter().map(|it| job(it, &case.kept, true)));
        }
    }
    let mut traces = interpreter.run(&jobs).into_iter();
    let both = texts.into_iter().zip(outcomes);
    both.map(|(before, outcome)| verdict(before, outcome, &mut traces)).collect()
}

fn verdict(before: String, outcome: Outcome, traces: &mut impl Iterator<Item = Trace>) -> Verdict {
    let wrong = |what, before, after, more| Err(Wrong { what, told: [before, after, more] });
    let expected = traces.next().unwrap();
    let of_results: Vec<Trace> = match &outcome {
        Outcome::Cleaned(_, both) => traces.take(2 + both.len()).collect(),
        _ => Vec::new(),
    };
    if is_invalid(&expected) {
        return wrong(INVALID, before, expected.join("\n"), String::new());
    }
    match outcome {
        Outcome::Refused(reasons) if is_looked_for(&reasons) => {
            wrong(REFUSED, before, reasons.join("\n"), String::new())
        }
        Outcome::Refused(reasons) => Ok(Passed { refused: reasons, by_order: false }),
        Outcome::Wrong(what, after) => wrong(what, before, after, String::new()),
        Outcome::Cleaned(after, _) if of_results[0] != expected => {
            wrong(BEHAVIOUR, before, after, difference(&expected, &of_results[0]))
        }
        Outcome::Cleaned(_, both) => {
            let by_order = both.len() > 1;
            for (after, found) in both.into_iter().zip(&of_results[2..]) {
                if *found != of_results[1] {
                    return wrong(BEHAVIOUR_OF_BOTH, before, after, difference(&of_results[1], found));
                }
            }
            Ok(Passed { refused: Vec::new(), by_order })
        }
    }
}

/// Whether somebody wants to see what is refused for such a reason.
fn is_looked_for(reasons: &[String]) -> bool {
    let words = std::env::var("FLAGLINE_REFUSED").ok();
    words.is_some_and(|words| reasons.iter().any(|it| it.contains(&words)))
}

fn difference(expected: &Trace, found: &Trace) -> String {
    let at = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
    let line = |of: &Trace| of.get(at).cloned().unwrap_or_else(|| "(the end)".into());
    format!("line {} of the trace was {}, is {}", at + 1, line(expected), line(found))
}

fn batch(language: Language, cases: &[Case], interpreter: &mut Interpreter, tally: &mut Tally) {
    let verdicts = verdicts(language, cases, interpreter);
    for (case, verdict) in cases.iter().zip(verdicts) {
        tally.n_cases += 1;
        tally.n_with_another += usize::from(case.with_another);
        match verdict {
            Ok(passed) => {
                tally.n_refused += usize::from(!passed.refused.is_empty());
                tally.n_by_order += usize::from(passed.by_order);
                for it in passed.refused {
                    *tally.refused.entry(it).or_default() += 1;
                }
            }
            Err(wrong) => {
                *tally.wrong.entry(wrong.what).or_default() += 1;
                // Many look alike.
                let n_alike = tally.wrong[wrong.what];
                if n_alike <= MOST_ALIKE && tally.n_shown < MOST_SHOWN {
                    tally.n_shown += 1;
                    let (case, wrong) = smallest(language, case.clone(), wrong, interpreter);
                    show(&case, &wrong, &mut tally.shown);
                }
            }
        }
    }
}

fn show(case: &Case, wrong: &Wrong, out: &mut String) {
    let [before, after, more] = &wrong.told;
    let keep = match &case.kept.value {
        Value::On => "on",
        Value::Off => "off",
        Value::Variant(it) => it,
    };
    let seed = case.seed;
    // Line ends that are wrong would not be seen.
    let after = if before.contains("\r\n") { &after.replace('\r', "\\r") } else { after };
    writeln!(out, "=== {} (seed {seed}): keep {keep}\n{before}\n--- {more}\n{after}", wrong.what).unwrap();
}

/// Takes parts away as long as the same goes wrong.
fn smallest(
    language: Language,
    mut case: Case,
    mut wrong: Wrong,
    interpreter: &mut Interpreter,
) -> (Case, Wrong) {
    const AT_ONCE: usize = 24;
    if wrong.what == INVALID {
        return (case, wrong);
    }
    'smaller: loop {
        let mut candidates = simpler_block(&case.program);
        candidates.retain(|it| size(it) < size(&case.program));
        for some in candidates.chunks(AT_ONCE) {
            let cases: Vec<Case> =
                some.iter().map(|it| Case { program: it.clone(), ..case.clone() }).collect();
            let cases: Vec<Case> = cases.into_iter().filter(|it| parses(language, it)).collect();
            let verdicts = verdicts(language, &cases, interpreter);
            for (smaller, verdict) in cases.into_iter().zip(verdicts) {
                if let Err(it) = verdict
                    && it.what == wrong.what
                {
                    (case, wrong) = (smaller, it);
                    continue 'smaller;
                }
            }
        }
        return (case, wrong);
    }
}

fn parses(language: Language, case: &Case) -> bool {
    !Source::new(language, 1, Text::new(&*text(language, case))).tree.root_node().has_error()
}
