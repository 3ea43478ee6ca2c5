//! Small programs that really run, with a package in place of PostHog's that notes what it is asked for: the keys
//! asked for are the keys found, method by method.
//!
//! A program is made by chance (see `generate.rs`), or a folder of `fixtures/programs`, begun by its `main.mjs`, `main.cjs` or `main.py`. It asks for
//! everything that it can ask for. A key that no reader can tell is announced beside the code that asks for it:
//!
//! ```text
//! // at run time: isFeatureEnabled team-1
//! posthog.isFeatureEnabled(`team-${process.argv.length - 1}`)
//! ```

#![expect(clippy::unwrap_used, reason = "a program that cannot be read or run fails the test")]

mod check;
mod generate;
mod run;

use std::path::{Path, PathBuf};

use generate::Language;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use run::Runtime;

/// Generated programs in each language; `PROGRAMS=10000` runs that many others.
const N_GENERATED: u32 = 150;

#[test]
fn written_programs() {
    let mut runtime = Runtime::new();
    let mut wrong = String::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/programs");
    let mut programs: Vec<PathBuf> =
        std::fs::read_dir(fixtures).unwrap().map(|it| it.unwrap().path()).collect();
    programs.sort();
    for program in programs {
        if let Err(differences) = check::check(&check::read(&program), &mut runtime) {
            wrong += &format!("=== {}\n{differences}\n", program.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn generated_programs_in_javascript() {
    generated(Language::JavaScript);
}

#[test]
fn generated_programs_in_python() {
    generated(Language::Python);
}

/// The same programs each time, unless somebody asks for many.
fn generated(language: Language) {
    let wanted = std::env::var("PROGRAMS").ok().and_then(|it| it.parse().ok());
    let cases = wanted.unwrap_or(N_GENERATED);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = match wanted {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let runtime = std::cell::RefCell::new(Runtime::new());
    let shown = |choices: &generate::Choices| {
        let files = generate::program(choices, language);
        files.iter().map(|(path, text)| format!("//- {path}\n{text}")).collect::<String>()
    };
    let outcome = runner.run(&generate::choices(), |choices| {
        let program = generate::program(&choices, language);
        check::check(&program, &mut runtime.borrow_mut()).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(proptest::test_runner::TestError::Fail(why, choices)) => panic!("{why}\n{}", shown(&choices)),
        Err(why) => panic!("{why}"),
    }
}
