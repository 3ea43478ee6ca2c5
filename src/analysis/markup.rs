//! Text for people: ages, days, and what PostHog returns made harmless.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// A text from PostHog or from source on one line, without control characters: a terminal must not obey it.
pub fn plain(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => result.push(' '),
            // Marks that turn the reading direction can make one text look like another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() => {}
            c => result.push(c),
        }
    }
    result
}

/// The same for Markdown: nothing in it is markup. No more is escaped than must be, since some editors show the
/// backslashes.
pub fn escaped(text: &str) -> String {
    let text = plain(text);
    let text = text.trim();
    let mut result = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            // Angle brackets and ampersands would be HTML.
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '&' => result.push_str("&amp;"),
            // Inside a word this is no emphasis.
            '_' if before.is_alphanumeric() && text[at + 1..].starts_with(char::is_alphanumeric) => {
                result.push('_')
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' => result.extend(['\\', c]),
            // At the start of a line these begin a heading, a list or a rule; after digits, a numbered list.
            '#' | '-' | '+' | '=' if at == 0 => result.extend(['\\', c]),
            '.' | ')' if at > 0 && text[..at].bytes().all(|it| it.is_ascii_digit()) => {
                result.extend(['\\', c])
            }
            c => result.push(c),
        }
        before = c;
    }
    // Bare addresses become links by themselves in most editors.
    result.replace("://", ":\u{200b}//").replace("www.", "www\u{200b}.")
}

/// An age in words: "just now", "12 s ago", "3 min ago", "5 h ago", "110 days ago".
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let age = now.duration_since(then);
    if age < SignedDuration::from_secs(2) { "just now".into() } else { format!("{} ago", span(age)) }
}

/// A duration in its largest sensible unit.
pub(super) fn span(age: SignedDuration) -> String {
    match age.as_secs() {
        secs @ ..60 => format!("{} s", secs.max(0)),
        secs @ ..3_600 => format!("{} min", secs / 60),
        secs @ ..172_800 => format!("{} h", secs / 3_600),
        secs => format!("{} days", secs / 86_400),
    }
}

/// A day as people write it, in UTC: "7 Aug 2026".
pub fn day(at: Timestamp) -> String {
    TimeZone::UTC.to_datetime(at).strftime("%-d %b %Y").to_string()
}

/// A share of a whole as a bar of ten.
pub(super) fn bar(part: u64, whole: u64) -> String {
    let full = if whole == 0 { 0 } else { (part * 10).div_ceil(whole).min(10) as usize };
    "█".repeat(full) + &"░".repeat(10 - full)
}

/// Counts or days as bars in eighths.
pub(super) fn sparkline(values: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let max = values.iter().copied().max().unwrap_or(0).max(1);
    values.iter().map(|it| if *it == 0 { '·' } else { BARS[(it * 7 / max) as usize] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_from_outside_are_harmless() {
        assert_eq!(plain("a\x1b[31m\nb\u{202e}c"), "a[31m bc");
        assert_eq!(escaped("[x](command:y) <b>*"), "\\[x\\](command:y) &lt;b&gt;\\*");
        assert_eq!(escaped("a_b _c_"), "a_b \\_c\\_");
        assert_eq!(escaped("  # a"), "\\# a");
        assert_eq!(escaped("12. a"), "12\\. a");
        assert!(!escaped("see https://evil.example").contains("://"));
    }

    #[test]
    fn ages_in_words() {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        for (then, words) in [
            ("2026-11-25T12:00:00Z", "just now"),
            ("2026-11-25T12:00:05Z", "just now"),
            ("2026-11-25T11:59:48Z", "12 s ago"),
            ("2026-11-25T11:00:01Z", "59 min ago"),
            ("2026-11-24T11:00:00Z", "25 h ago"),
            ("2026-08-07T12:00:00Z", "110 days ago"),
        ] {
            assert_eq!(ago(then.parse().unwrap(), now), words);
        }
        assert_eq!(day("2026-08-07T23:59:59Z".parse().unwrap()), "7 Aug 2026");
        assert_eq!(sparkline(&[0, 1, 4, 8]), "·▁▄█");
    }
}
