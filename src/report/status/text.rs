//! The table of the terminal.

use std::fmt::Write as _;

use super::{StatusReport, words};
use crate::analysis::plain;
use crate::analysis::status::{FeatureStatus, Place};
use crate::report::relative;

const WIDTH: usize = 100;
const INDENT: usize = 2;
const GAP: usize = 2;
/// Further lines of a feature stand below its key.
const DETAIL: usize = 6;
/// The most that key, stage and people take; what comes next has the rest.
const MOST: [usize; 3] = [28, 24, 13];
const HEAD: [&str; 4] = ["KEY", "STAGE", "PEOPLE", "NEXT"];

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const YELLOW: &str = "\x1b[33m";
const RESET: &str = "\x1b[0m";

/// The features as a table of 100 columns, grouped by where they stand; with colours, which whoever prints it takes
/// out where nobody wants them.
pub fn status_text(report: &StatusReport) -> String {
    let features = &report.status.features;
    let mut text = format!("{}: {}\n", plain(&words::source(report)), words::count(features));
    for trouble in words::troubles(report) {
        paragraph(&mut text, &trouble, 0, YELLOW);
    }
    let widths = widths(features);
    for (place, title) in words::PLACES {
        let of_place: Vec<&FeatureStatus> = features.iter().filter(|it| it.place == place).collect();
        if of_place.is_empty() {
            continue;
        }
        let _ = write!(text, "\n{BOLD}{title}{RESET}\n");
        row(&mut text, HEAD.map(str::to_owned), &widths, Some(DIM));
        for feature in of_place {
            let key = feature.key.to_string();
            let is_long = key.chars().count() > widths[0];
            if is_long {
                let _ = writeln!(text, "{}{}", " ".repeat(INDENT), plain(&key));
            }
            let cells = [
                if is_long { String::new() } else { key },
                feature.stage_words(),
                words::people(&feature.people),
                if is_long { String::new() } else { feature.next.sentence() },
            ];
            row(&mut text, cells.map(|it| plain(&it)), &widths, None);
            if is_long {
                // The command has the key too.
                paragraph(&mut text, &format!("next: {}", feature.next.sentence()), DETAIL, "");
            }
            for detail in details(feature, report) {
                paragraph(&mut text, &detail, DETAIL, DIM);
            }
        }
    }
    if !report.status.problems.is_empty() {
        let _ = write!(text, "\n{BOLD}Briefs that cannot be used{RESET}\n");
        for it in &report.status.problems {
            let words = format!("{}: {}", relative(&it.path, report.directory), it.message);
            paragraph(&mut text, &words, INDENT, YELLOW);
        }
    }
    text
}

fn details(feature: &FeatureStatus, report: &StatusReport) -> Vec<String> {
    let reads = words::reads(feature.reads.len());
    let title = (feature.title != feature.key.as_str()).then(|| feature.title.clone());
    let age = words::age(&feature.age, report.now);
    let owner = feature.owner.clone();
    let about: Vec<String> = [title, owner, age, Some(reads)].into_iter().flatten().collect();
    let labelled = |label: &str, words: Option<String>| words.map(|it| format!("{label}: {it}"));
    let clean_up = feature.clean_up.as_ref().filter(|_| feature.place == Place::CleanUp);
    let has_variants = feature.responses.iter().all(|it| it != "true");
    let by_variant = has_variants.then(|| words::people_more(&feature.people, report.now));
    let scheduled = words::coming(feature);
    let scheduled = (!scheduled.is_empty()).then(|| scheduled.join("; "));
    [
        Some(about.join(" · ")),
        labelled("people", by_variant),
        labelled("stopped", words::stopped(feature)),
        labelled("not as planned", words::drift(feature)),
        labelled("gate", feature.gate.as_ref().map(|it| it.words())),
        labelled("scheduled", scheduled),
        labelled("before lifting", words::to_do(feature)),
        labelled("metric", feature.metric.as_ref().map(words::metric)),
        labelled("outcome", feature.outcome.as_ref().map(words::outcome)),
        clean_up.map(|it| it.message.clone()),
        feature.plan_trouble.clone(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// As wide as the longest cell, and no wider than may be.
fn widths(features: &[FeatureStatus]) -> [usize; 4] {
    let longest = |of: &dyn Fn(&FeatureStatus) -> String, head: &str, most: usize| {
        let all = features.iter().map(|it| of(it).chars().count());
        all.max().unwrap_or(0).max(head.len()).min(most)
    };
    // A longer one stands in a line of its own, whole, so that it can be copied.
    let key = longest(&|it| it.key.to_string(), HEAD[0], MOST[0]);
    let stage = longest(&|it| it.stage_words(), HEAD[1], MOST[1]);
    let people = longest(&|it| words::people(&it.people), HEAD[2], MOST[2]);
    [key, stage, people, WIDTH - INDENT - key - stage - people - 3 * GAP]
}

/// Cells side by side, each in as many lines as it takes.
fn row(text: &mut String, cells: [String; 4], widths: &[usize; 4], colour: Option<&str>) {
    let columns: Vec<Vec<String>> = cells.iter().zip(widths).map(|(it, width)| wrapped(it, *width)).collect();
    let n_lines = columns.iter().map(Vec::len).max().unwrap_or(0);
    for at in 0..n_lines {
        let mut line = " ".repeat(INDENT);
        for (lines, width) in columns.iter().zip(widths) {
            let cell = lines.get(at).map_or("", String::as_str);
            let _ = write!(line, "{cell}{}", " ".repeat(width - cell.chars().count() + GAP));
        }
        let line = line.trim_end();
        let _ = match colour {
            Some(colour) => writeln!(text, "{colour}{line}{RESET}"),
            None => writeln!(text, "{line}"),
        };
    }
}

fn paragraph(text: &mut String, words: &str, indent: usize, colour: &str) {
    for line in wrapped(&plain(words), WIDTH - indent) {
        let _ = writeln!(text, "{}{colour}{line}{RESET}", " ".repeat(indent));
    }
}

/// Broken at spaces, and inside of a word where that is too long.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        loop {
            let gap = usize::from(used > 0);
            let Some(line) = lines.last_mut() else { break };
            if used + gap + word.len() <= width {
                line.extend(std::iter::repeat_n(' ', gap).chain(word.iter().copied()));
                used += gap + word.len();
                break;
            }
            if used == 0 {
                let rest = word.split_off(width.min(word.len()));
                line.extend(word);
                word = rest;
            }
            lines.push(String::new());
            used = 0;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_long_words_anywhere() {
        for (text, width, lines) in [
            ("", 5, vec![""]),
            ("one two", 7, vec!["one two"]),
            ("one two", 6, vec!["one", "two"]),
            ("abcdefgh", 3, vec!["abc", "def", "gh"]),
            ("a abcdef b", 3, vec!["a", "abc", "def", "b"]),
            ("äöü ß", 3, vec!["äöü", "ß"]),
        ] {
            assert_eq!(wrapped(text, width), lines, "{text:?}");
        }
    }
}
