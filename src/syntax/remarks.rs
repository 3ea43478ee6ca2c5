//! What a text says to Flagline and to nobody else: comments that keep a flag, and secrets that should not stand there.

use std::ops::Range;

use jiff::civil::Date;
use memchr::memmem;

use super::words::word_around;
use crate::text::{Span, Text};

/// How PostHog's secret keys begin: personal API keys, and secret keys of projects.
pub(crate) const SECRETS: [&str; 2] = ["phx_", "phs_"];

/// Shorter ones are placeholders.
const SHORTEST_SECRET: usize = 24;

/// The remarks of one file, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Comments that keep a flag.
    pub keeps: Vec<Keep>,
    /// Secret keys of PostHog.
    pub secrets: Vec<Span>,
}

/// `// flagline: keep until 2027-01-31 because ...`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// The comment, from the word `flagline` on.
    pub span: Span,
    /// The line that it is about, from 0: its own if there is code before it, else the next one with code.
    pub line: u32,
    /// How long.
    pub until: Until,
    /// What stands behind `because`, possibly empty.
    pub because: Box<str>,
}

/// How long a flag is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// To the end of this day.
    Day(Date),
    /// For good.
    Ever,
    /// The comment says it in a way that is not understood.
    Unclear,
}

impl Remarks {
    /// What a text says.
    pub fn of(text: &Text) -> Remarks {
        let source = text.as_str();
        Remarks {
            keeps: marks(source).filter_map(|it| keep(text, it)).collect(),
            secrets: secrets(source).map(|it| text.span(it)).collect(),
        }
    }

    /// Whether the text says nothing of the kind.
    pub fn is_empty(&self) -> bool {
        self.keeps.is_empty() && self.secrets.is_empty()
    }
}

/// Where `flagline:` stands, at the beginning of a sentence too.
fn marks(source: &str) -> impl Iterator<Item = usize> {
    let rest = memmem::find_iter(source.as_bytes(), "lagline:").filter_map(|it| it.checked_sub(1));
    rest.filter(|it| matches!(source.as_bytes()[*it], b'f' | b'F'))
}

fn secrets(source: &str) -> impl Iterator<Item = Range<usize>> {
    let starts = SECRETS.iter().flat_map(|it| memmem::find_iter(source.as_bytes(), it));
    let mut found: Vec<_> = starts.map(|it| word_around(source.as_bytes(), it)).collect();
    found.sort_by_key(|it| it.start);
    found.dedup();
    found.into_iter().filter(|it| is_secret(&source.as_bytes()[it.clone()]))
}

/// Whether a word is a secret key, and not the name of something or a placeholder (`phx_your_key_here`, `phx_xxxx`).
pub(crate) fn is_secret(word: &[u8]) -> bool {
    let Some(rest) = SECRETS.iter().find_map(|it| word.strip_prefix(it.as_bytes())) else { return false };
    let mut seen = [false; 256];
    rest.iter().for_each(|it| seen[*it as usize] = true);
    rest.len() >= SHORTEST_SECRET
        && rest.iter().all(u8::is_ascii_alphanumeric)
        && rest.iter().any(u8::is_ascii_digit)
        && rest.iter().any(u8::is_ascii_alphabetic)
        && seen.iter().filter(|it| **it).count() >= 8
}

fn keep(text: &Text, at: usize) -> Option<Keep> {
    let source = text.as_str();
    let line_start = source[..at].rfind('\n').map_or(0, |it| it + 1);
    let line_end = source[at..].find('\n').map_or(source.len(), |it| at + it);
    let before = source[line_start..at].trim_end();
    let is_in_block = || {
        let above = &source[..line_start];
        before.trim().is_empty()
            && above.rfind("/*").is_some_and(|it| above.rfind("*/").is_none_or(|end| end < it))
    };
    let mark = ["//", "/*", "#", "*"].into_iter().find(|it| before.ends_with(it));
    let mark = mark.or_else(|| is_in_block().then_some(""))?;
    let written = source[at..line_end].trim_end();
    let written = written.trim_end_matches('}').trim_end().trim_end_matches("*/").trim_end();
    let rest = written["flagline:".len()..].trim_start().strip_prefix("keep")?;
    let code_before = before[..before.len() - mark.len()].trim();
    let span = text.span(at..at + written.len());
    let is_alone = matches!(code_before, "" | "{");
    let line = if is_alone { next_code(source, line_end, span.start.line)? } else { span.start.line };
    let (until, because) = terms(rest);
    Some(Keep { span, line, until, because: because.into() })
}

/// What stands behind `keep`.
fn terms(text: &str) -> (Until, &str) {
    let (terms, because) = match text.split_once(" because ") {
        Some((terms, because)) => (terms.trim(), because.trim()),
        None => (text.trim(), ""),
    };
    let until = match terms.strip_prefix("until ") {
        Some(day) => day.trim().parse().map_or(Until::Unclear, Until::Day),
        None if terms.is_empty() => Until::Ever,
        None => Until::Unclear,
    };
    (until, because)
}

/// The next line that is neither blank nor a comment.
fn next_code(source: &str, line_end: usize, line: u32) -> Option<u32> {
    let is_comment = |it: &str| ["//", "/*", "*", "#", "{/*"].iter().any(|mark| it.starts_with(mark));
    let mut below = source.get(line_end + 1..)?.lines().zip(line + 1..);
    below.find(|(it, _)| !it.trim().is_empty() && !is_comment(it.trim_start())).map(|it| it.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(text: &str) -> Vec<(u32, Until, String)> {
        let all = Remarks::of(&Text::new(text)).keeps;
        all.into_iter().map(|it| (it.line, it.until, it.because.into())).collect()
    }

    #[test]
    fn comments_keep_what_is_on_their_line_or_below() {
        let day = Until::Day("2027-01-31".parse().unwrap());
        for (text, expect) in [
            ("// flagline: keep until 2027-01-31 because of Ada\nread()", (1, day, "of Ada")),
            ("read() // flagline: keep until 2027-01-31\nother()", (0, day, "")),
            ("// Flagline: keep until 2027-01-31\nread()", (1, day, "")),
            ("/*\n  flagline: keep until 2027-01-31\n*/\nread()", (3, day, "")),
            ("{/* flagline: keep until 2027-01-31 because x */}\n<A />", (1, day, "x")),
            (
                "# flagline: keep because it is a kill switch\n\n# more\nread()",
                (3, Until::Ever, "it is a kill switch"),
            ),
            ("/**\n * flagline: keep until 2027-01-31\n */\nread()", (3, day, "")),
            ("// flagline: keep until January\nread()", (1, Until::Unclear, "")),
            ("// flagline: keep 2027-01-31\nread()", (1, Until::Unclear, "")),
            ("# flagline: keep until 2027-02-31\nread()", (1, Until::Unclear, "")),
        ] {
            assert_eq!(keeps(text), [(expect.0, expect.1, expect.2.to_owned())], "{text}");
        }
    }

    #[test]
    fn what_is_no_such_comment() {
        for text in [
            "const help = 'flagline: keep until 2027-01-31'\nread()",
            "// flagline: off\nread()",
            "// flagline: keep until 2027-01-31",
            "// flagline keep\nread()",
        ] {
            assert_eq!(keeps(text), [], "{text}");
        }
    }

    #[test]
    fn secrets_are_long_and_random() {
        // Put together here, so that nobody's scanner takes them for real ones.
        let (personal, project) = ("phx_", "phs_");
        let random = "Zk3vTq81mWxBc5NpLr7YdHs2GfJ9";
        let found = |text: &str| Remarks::of(&Text::new(text)).secrets.len();
        assert_eq!(found(&format!("const key = '{personal}{random}'")), 1);
        assert_eq!(found(&format!("# old: {project}{random} {personal}{random}")), 2);
        for harmless in [
            format!("graphs_{random}"),
            format!("{personal}your_personal_api_key_goes_here_1"),
            format!("{personal}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1"),
            format!("{personal}{}", &random[..12]),
            format!("phc_{random}"),
            "phx_".to_owned(),
        ] {
            assert_eq!(found(&harmless), 0, "{harmless}");
        }
    }
}
