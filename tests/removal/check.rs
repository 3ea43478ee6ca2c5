//! What must hold of every removal.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use flagline::removal::{ALONE, Alone, Kept, apply, remove};
use flagline::syntax::{FileFacts, Names, Source};
use flagline::text::Text;

use crate::generate::{Choices, Program, program};
use crate::run::{Answer, Runtime, served};
use crate::write::Language;

/// What the flags that are removed are taken to serve.
pub struct Flags {
    pub flag: Kept,
    pub second: Kept,
}

/// How a program came out.
pub enum Outcome {
    /// The flag is removed and the program does the same.
    Same,
    /// The reason of the first refusal, and the program.
    Refused(String, String),
    /// As well, but two flags removed in either order do not leave the same text.
    Ordered,
    /// What is wrong, in a word, and all that there is to see.
    Wrong(String, String),
}

/// A removal that was looked at without running it.
enum Removed {
    /// What came out, and whether the order of two flags matters.
    Cleaned(String, bool),
    Refused(String),
    Wrong(String, String),
}

/// Removes the flag of each program, and runs them as they were and as they are.
pub fn check(all: &[Choices], language: Language, runtime: &mut Runtime) -> Vec<Outcome> {
    let programs: Vec<(Program, Removed)> = all
        .iter()
        .map(|it| {
            let program = program(it, language);
            let removed = removed(&program, language);
            (program, removed)
        })
        .collect();
    let flags: Vec<_> = programs.iter().map(|it| served(&it.0.flags)).collect();
    let mut texts = Vec::new();
    for ((program, removed), flags) in programs.iter().zip(&flags) {
        if let Removed::Cleaned(cleaned, _) = removed {
            texts.extend([(program.text.as_str(), flags), (cleaned.as_str(), flags)]);
        }
    }
    let mut answers = runtime.run(&texts).into_iter();
    let outcome = |(program, removed): (Program, Removed)| match removed {
        Removed::Refused(reason) => Outcome::Refused(reason, pair(&program, "?\n")),
        Removed::Wrong(what, shown) => Outcome::Wrong(what, shown),
        Removed::Cleaned(cleaned, is_ordered) => {
            let (before, after) = (answers.next().unwrap(), answers.next().unwrap());
            match compared(&program, &cleaned, &before, &after) {
                Outcome::Same if is_ordered => Outcome::Ordered,
                other => other,
            }
        }
    };
    programs.into_iter().map(outcome).collect()
}

fn compared(program: &Program, cleaned: &str, before: &Answer, after: &Answer) -> Outcome {
    if let Some(error) = &before.error {
        let what = "the generator made a program that does not run";
        return Outcome::Wrong(what.into(), format!("{error}\n{}", program.text));
    }
    let what = match &after.error {
        Some(_) => "the cleaned program does not run",
        None if before.trace != after.trace => "the cleaned program does something else",
        None => return Outcome::Same,
    };
    let mut shown = pair(program, cleaned);
    write!(shown, "\nbefore: {:?}\nafter:  {:?}", before.trace, after.trace).unwrap();
    if let Some(error) = &after.error {
        write!(shown, "\n{error}").unwrap();
    }
    Outcome::Wrong(what.into(), shown)
}

/// A case of a golden file.
fn pair(program: &Program, cleaned: &str) -> String {
    format!("=== found: keep {}\n{}---\n{cleaned}", keep(&program.flags.flag), program.text)
}

fn keep(kept: &Kept) -> String {
    let value = match &kept.value {
        flagline::feature::Value::Off => "off",
        flagline::feature::Value::On => "on",
        flagline::feature::Value::Variant(key) => key,
    };
    let payload = kept.payload.as_ref().map(|it| format!(" with {it}")).unwrap_or_default();
    format!("{value}{payload}")
}

fn facts(language: Language, text: &str) -> Arc<FileFacts> {
    Arc::new(flagline::index::facts(language.of_flagline(), &Text::new(text), &Names::default()))
}

fn clean(language: Language, text: &str, key: &str, kept: &Kept) -> Result<String, String> {
    let facts = facts(language, text);
    let world = Alone { facts: &facts, text, language: language.of_flagline() };
    match remove(&world, Path::new(ALONE), key, kept) {
        Ok(edits) => Ok(apply(text, &edits)),
        Err(refusals) => Err(refusals.first().map(|it| it.reason.clone()).unwrap_or_default()),
    }
}

fn removed(program: &Program, language: Language) -> Removed {
    match catch_unwind(AssertUnwindSafe(|| looked_at(program, language))) {
        Ok(removed) => removed,
        Err(_) => Removed::Wrong("it panics".into(), pair(program, "?\n")),
    }
}

fn looked_at(program: &Program, language: Language) -> Removed {
    let cleaned = match clean(language, &program.text, "flag", &program.flags.flag) {
        Ok(cleaned) => cleaned,
        Err(reason) if reason.contains("as a bug") => {
            return Removed::Wrong(reason, pair(program, "?\n"));
        }
        Err(reason) => return Removed::Refused(reason),
    };
    let wrong =
        |what: &str, more: &str| Removed::Wrong(what.into(), format!("{}{more}", pair(program, &cleaned)));
    if has_error(language, &cleaned) {
        return wrong("the cleaned program does not parse", "");
    }
    if !reads(language, &cleaned, "flag").is_empty() {
        return wrong("a read is left", "");
    }
    match clean(language, &cleaned, "flag", &program.flags.flag) {
        Ok(again) if again == cleaned => {}
        _ => return wrong("cleaned again it changes", ""),
    }
    let before: BTreeSet<String> = reads(language, &program.text, "other").into_iter().collect();
    if reads(language, &cleaned, "other").iter().any(|it| !before.contains(it)) {
        return wrong("a read of another flag is changed", "");
    }
    let second = &program.flags.second;
    let (Ok(one), Ok(other)) = (
        clean(language, &cleaned, "second", second),
        clean(language, &program.text, "second", second)
            .and_then(|it| clean(language, &it, "flag", &program.flags.flag)),
    ) else {
        return Removed::Cleaned(cleaned, false);
    };
    if one != other && shows_order() {
        let more = format!(
            "second: keep {}\n--- flag, then second\n{one}--- second, then flag\n{other}",
            keep(second)
        );
        return wrong("the order of two flags matters", &more);
    }
    Removed::Cleaned(cleaned, one != other)
}

/// Whether somebody asks to see where the order of two flags matters.
fn shows_order() -> bool {
    std::env::var_os("FLAGLINE_ORDER").is_some()
}

/// The code of each read of a flag.
fn reads(language: Language, text: &str, key: &str) -> Vec<String> {
    let facts = facts(language, text);
    let own = facts.reads.iter().filter(|it| it.key.as_ref().is_some_and(|it| it.as_str() == key));
    own.map(|it| text[it.call_span.bytes()].to_owned()).collect()
}

fn has_error(language: Language, text: &str) -> bool {
    let source = Source::new(language.of_flagline(), 1, Text::new(text));
    source.tree.root_node().has_error()
}
