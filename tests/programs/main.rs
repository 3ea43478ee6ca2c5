//! Small programs that really run, with a package in place of PostHog's that notes what it is asked for: the keys
//! asked for are the keys found, method by method.
//!
//! A program is a folder of `fixtures/programs`, begun by its `main.mjs`, `main.cjs` or `main.py`. It asks for
//! everything that it can ask for. A key that no reader can tell is announced beside the code that asks for it:
//!
//! ```text
//! // at run time: isFeatureEnabled team-1
//! posthog.isFeatureEnabled(`team-${process.argv.length - 1}`)
//! ```

#![expect(clippy::unwrap_used, reason = "a program that cannot be read or run fails the test")]

mod check;
mod run;

use std::path::{Path, PathBuf};

use run::Runtime;

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
