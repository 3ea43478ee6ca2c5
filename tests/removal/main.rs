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
}

#[derive(Default)]
struct Tally {
    n_cases: usize,
    n_unchanged: usize,
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
        let cases: Vec<Case> = seeds.flat_map(|it| cases(language, it)).collect();
        batch(language, &cases, &mut interpreter, &mut tally);
    }
    report(language, n, begun.elapsed().as_secs_f64(), &tally);
}

fn report(language: Language, n: usize, seconds: f64, tally: &Tally) {
    let share = 100.0 * tally.n_refused as f64 / tally.n_cases.max(1) as f64;
    eprintln!(
        "{language:?}: {n} programs, {} removals ({} without a read), {share:.1} % refused, {seconds:.0} s",
        tally.n_cases, tally.n_unchanged,
    );
    for (reason, n) in &tally.refused {
        eprintln!("  refused {n} times: {reason}");
    }
    assert!(tally.wrong.is_empty(), "this does not hold: {:#?}\n{}", tally.wrong, tally.shown);
    assert!(share < MOST_REFUSED as f64, "{share:.1} % of the removals are refused");
}

/// A program with each kind of value that can be kept.
fn cases(language: Language, seed: u64) -> Vec<Case> {
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
    let with = |value: Value| Case {
        seed,
        program: program.clone(),
        style,
        kept: Kept { value, payload: Some(payload.clone()) },
    };
    [Value::On, Value::Off, variant].map(with).into()
}

fn program(language: Language, seed: u64) -> Block {
    let dice = Dice::new(seed);
    let types = matches!(language, Language::TypeScript | Language::Tsx);
    match language {
        Language::Python => python::program(dice),
        _ => javascript::program(dice, Dialect { types, jsx: matches!(language, Language::Tsx | Language::Jsx) }),
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

const INVALID: &str = "the generator writes programs that run";
const REFUSED: &str = "nothing is refused for this reason";
const BEHAVIOUR: &str = "the result does the same";

/// What is wrong with each case, and what was refused of it.
fn verdicts(
    language: Language,
    cases: &[Case],
    interpreter: &mut Interpreter,
) -> Vec<Result<Option<Vec<String>>, Wrong>> {
    let texts: Vec<String> = cases.iter().map(|it| text(language, it)).collect();
    let outcomes: Vec<Outcome> =
        texts.iter().zip(cases).map(|(text, case)| outcome(language, text, &case.kept)).collect();
    let mut jobs = Vec::new();
    for ((text, case), outcome) in texts.iter().zip(cases).zip(&outcomes) {
        jobs.push(job(text, &case.kept));
        if let Outcome::Cleaned(result) = outcome {
            jobs.push(job(result, &case.kept));
        }
    }
    let mut traces = interpreter.run(&jobs).into_iter();
    let wrong = |what, before, after, more| Err(Wrong { what, told: [before, after, more] });
    let mut all = Vec::new();
    for (before, outcome) in texts.into_iter().zip(outcomes) {
        let expected = traces.next().unwrap();
        let found = matches!(outcome, Outcome::Cleaned(_)).then(|| traces.next().unwrap());
        all.push(match outcome {
            _ if is_invalid(&expected) => wrong(INVALID, before, expected.join("\n"), String::new()),
            Outcome::Refused(reasons) if is_looked_for(&reasons) => {
                wrong(REFUSED, before, reasons.join("\n"), String::new())
            }
            Outcome::Refused(reasons) => Ok(Some(reasons)),
            Outcome::Wrong(what, after) => wrong(what, before, after, String::new()),
            Outcome::Cleaned(after) => match found.filter(|it| *it != expected) {
                Some(found) => wrong(BEHAVIOUR, before, after, difference(&expected, &found)),
                None => Ok(None),
            },
        });
    }
    all
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
        match verdict {
            Ok(None) => {}
            Ok(Some(reasons)) => {
                tally.n_refused += 1;
                for it in reasons {
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
