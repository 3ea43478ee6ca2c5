use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;
use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::Brief;
use crate::feature::Value;

/// What came of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Whether it reached its target.
    pub verdict: Verdict,
    /// The measured value, in the author's words.
    #[serde(default)]
    pub measured: Option<String>,
}

/// Whether a feature reached its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It did.
    Nailed,
    /// It did, just so.
    Scraped,
    /// It did not.
    Failed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Nailed => "nailed",
            Verdict::Scraped => "scraped",
            Verdict::Failed => "failed",
        })
    }
}

impl FromStr for Verdict {
    type Err = String;

    fn from_str(text: &str) -> Result<Verdict, String> {
        let all = [Verdict::Nailed, Verdict::Scraped, Verdict::Failed];
        let found = all.into_iter().find(|it| it.to_string() == text.trim().to_lowercase());
        found.ok_or_else(|| "say nailed, scraped or failed".to_owned())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.measured {
            None => self.verdict.fmt(f),
            Some(measured) => write!(f, "{}, {measured}", self.verdict),
        }
    }
}

/// What must be written in place of which bytes of a brief, so that it says what came of the feature. Everything else,
/// comments and order too, stays as it is.
pub fn outcome_edit(text: &str, outcome: &Outcome) -> Result<(Range<usize>, String), String> {
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    // The ends of lines are written anew.
    let is_windows = body.contains("\r\n");
    let unix = body.replace("\r\n", "\n");
    let mut document: DocumentMut = unix.parse().map_err(|it| format!("it is no TOML: {it}"))?;
    match document.get_mut("outcome") {
        Some(item) => {
            let table = item.as_table_like_mut().ok_or("its outcome is no table; write [outcome]")?;
            fill(table, outcome);
            if let Some(inline) = item.as_inline_table_mut() {
                inline.fmt();
            }
        }
        None => append(&mut document, outcome),
    }
    let after = document.to_string();
    let after = if is_windows { after.replace('\n', "\r\n") } else { after };
    Ok(changed(text, &format!("{mark}{after}")))
}

/// A table at the end, with an empty line before it. A comment that stands behind everything else stays there.
fn append(document: &mut DocumentMut, outcome: &Outcome) {
    let rest = document.trailing().as_str().unwrap_or_default().to_owned();
    let end = if rest.is_empty() || rest.ends_with('\n') { "" } else { "\n" };
    document.set_trailing("");
    let mut table = Table::new();
    table.decor_mut().set_prefix(format!("{rest}{end}\n"));
    fill(&mut table, outcome);
    document.insert("outcome", Item::Table(table));
}

fn fill(table: &mut dyn TableLike, outcome: &Outcome) {
    set(table, "verdict", &outcome.verdict.to_string());
    match &outcome.measured {
        Some(measured) => set(table, "measured", measured),
        None => drop(table.remove("measured")),
    }
}

/// A value in the place of the one that stands there, with the comment behind it.
fn set(table: &mut dyn TableLike, name: &str, text: &str) {
    let mut value = toml_edit::Value::from(text);
    if let Some(old) = table.get(name).and_then(Item::as_value) {
        *value.decor_mut() = old.decor().clone();
    }
    match table.get_mut(name) {
        Some(item) => *item = Item::Value(value),
        None => drop(table.insert(name, Item::Value(value))),
    }
}

/// The smallest piece in which two texts differ.
fn changed(before: &str, after: &str) -> (Range<usize>, String) {
    let same = |(a, b): &(char, char)| a == b;
    let start: usize = before.chars().zip(after.chars()).take_while(same).map(|it| it.0.len_utf8()).sum();
    let (old, new) = (&before[start..], &after[start..]);
    let tail: usize =
        old.chars().rev().zip(new.chars().rev()).take_while(same).map(|it| it.0.len_utf8()).sum();
    (start..before.len() - tail, new[..new.len() - tail].to_owned())
}

impl Brief {
    /// What a review leaves on PostHog's graphs.
    pub fn review_note(&self, outcome: &Outcome) -> String {
        note(format!("{}: {outcome}. So the review of the feature flag '{}'.", self.title(), self.key))
    }

    /// What is left of the brief on PostHog's graphs once the flag is gone from the code.
    pub fn epitaph(&self, keep: &Value) -> String {
        let outcome = match &self.outcome {
            None => "no outcome was written down".to_owned(),
            Some(outcome) => outcome.to_string(),
        };
        let (title, key) = (self.title(), &self.key);
        note(format!("{title}: {outcome}. The flag '{key}' is removed from the code, which keeps {keep}."))
    }
}

/// As long as an annotation may be (PostHog's `Annotation.content`).
const LONGEST_NOTE: usize = 400;

fn note(text: String) -> String {
    match text.char_indices().nth(LONGEST_NOTE - 1) {
        Some((end, _)) if text.chars().count() > LONGEST_NOTE => format!("{}…", &text[..end]),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, verdict: Verdict, measured: Option<&str>) -> String {
        let outcome = Outcome { verdict, measured: measured.map(str::to_owned) };
        let (range, with) = outcome_edit(text, &outcome).unwrap();
        let after = format!("{}{with}{}", &text[..range.start], &text[range.end..]);
        assert_eq!(Brief::parse(&after).unwrap().outcome, Some(outcome), "{after}");
        after
    }

    #[test]
    fn an_outcome_comes_to_the_end_and_everything_else_stays() {
        let text = "# Büro\nkey   = \"videos\" # of projects\n\n[[stage]]\nname=\"a\"\naudience = \"everyone\"\n# the end\n";
        assert_eq!(
            written(text, Verdict::Nailed, Some("41 % \"came\" back")),
            format!("{text}\n[outcome]\nverdict = \"nailed\"\nmeasured = '41 % \"came\" back'\n")
        );
        assert_eq!(
            written("key = \"videos\"", Verdict::Failed, None),
            "key = \"videos\"\n\n[outcome]\nverdict = \"failed\"\n"
        );
        let windows = "\u{feff}key = \"videos\"\r\nname = \"a\"\r\n";
        assert_eq!(
            written(windows, Verdict::Failed, None),
            format!("{windows}\r\n[outcome]\r\nverdict = \"failed\"\r\n")
        );
    }

    #[test]
    fn an_outcome_takes_the_place_of_another_one() {
        let text = "key = \"videos\"\n[outcome] # ours\nverdict = \"failed\" # sadly\nmeasured = \"3 %\"\n\n[notify]\nslack = \"#a\"\n";
        assert_eq!(
            written(text, Verdict::Scraped, Some("30 %")),
            text.replace("failed", "scraped").replace("3 %", "30 %")
        );
        assert_eq!(written(text, Verdict::Failed, None), text.replace("measured = \"3 %\"\n", ""));
        let inline = "key = \"videos\"\noutcome = { verdict = \"failed\" }\nname = \"a\"\n";
        let after = written(inline, Verdict::Nailed, Some("30 %"));
        assert_eq!(after, inline.replace("\"failed\"", "\"nailed\", measured = \"30 %\""));
    }

    #[test]
    fn a_note_is_as_long_as_posthog_takes_it() {
        let brief = |name: &str| Brief::parse(&format!("key = \"a\"\nname = \"{name}\"\n")).unwrap();
        let keep = Value::On;
        let short = brief("Videos").epitaph(&keep);
        assert!(short.ends_with("which keeps on."), "{short}");
        let rest = short.chars().count() - "Videos".len();
        let longest = brief(&"é".repeat(400 - rest)).epitaph(&keep);
        assert_eq!(longest.chars().count(), 400);
        assert!(longest.ends_with("which keeps on."), "{longest}");
        let cut = brief(&"é".repeat(401 - rest)).epitaph(&keep);
        assert_eq!(cut.chars().count(), 400);
        assert!(cut.ends_with("which keeps o…"), "{cut}");
    }

    #[test]
    fn the_same_outcome_changes_nothing() {
        let text = "key = \"videos\"\n\n[outcome]\nverdict = \"failed\"\n";
        assert_eq!(written(text, Verdict::Failed, None), text);
        assert!(outcome_edit("key = ", &Outcome { verdict: Verdict::Failed, measured: None }).is_err());
        assert_eq!("Nailed ".parse(), Ok(Verdict::Nailed));
        assert!("perhaps".parse::<Verdict>().is_err());
    }
}
