//! Blank lines round what was deleted: as many as stood on one side, none where a block begins or ends.

use std::ops::Range;

use super::Edit;

/// The edits, with the blank lines that would be too many.
pub(super) fn closed(text: &str, edits: Vec<Edit>) -> Vec<Edit> {
    let mut result: Vec<Edit> = Vec::new();
    // The blank lines inside of each.
    let mut inner: Vec<Range<usize>> = Vec::new();
    for edit in edits {
        let joins = result.last().is_some_and(|last| {
            is_of_lines(text, last)
                && is_of_lines(text, &edit)
                && is_blank(&text[last.range.end..edit.range.start])
        });
        match result.last_mut().filter(|_| joins) {
            // What stands between two deletions is blank, and part of the gap.
            Some(last) => {
                let gap = last.range.end..edit.range.start;
                last.range.end = edit.range.end;
                if let Some(inner) = inner.last_mut().filter(|it| it.len() < gap.len()) {
                    *inner = gap;
                }
            }
            None => {
                inner.push(0..0);
                result.push(edit);
            }
        }
    }
    let ranges: Vec<Range<usize>> = result.iter().map(|it| it.range.clone()).collect();
    for (at, edit) in result.iter_mut().enumerate().filter(|(_, it)| is_of_lines(text, it)) {
        let before = at.checked_sub(1).map_or(0, |it| ranges[it].end);
        let after = ranges.get(at + 1).map_or(text.len(), |it| it.start);
        let range = closed_gap(text, edit.range.clone(), before..after);
        let (above, below) = (&text[before..range.start], &text[range.end..after]);
        let is_between = |it: &str, end: Option<&str>| {
            !it.trim().is_empty() && end.is_some_and(|it| !it.trim().is_empty())
        };
        // What stood apart from what follows still does.
        let touch = is_between(above, above.lines().last()) && is_between(below, below.lines().next());
        let (opens, closes) = ends_of_block(text, &range);
        if touch && !opens && !closes {
            edit.text = text[inner[at].clone()].to_owned();
        }
        edit.range = range;
    }
    result
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// Whether an edit deletes whole lines.
fn is_of_lines(text: &str, edit: &Edit) -> bool {
    let begins = |at: usize| at == 0 || text[..at].ends_with('\n');
    edit.text.is_empty()
        && !edit.range.is_empty()
        && begins(edit.range.start)
        && (begins(edit.range.end) || edit.range.end == text.len())
}

/// A deletion of lines with some of the blank lines round it, within `bounds`.
fn closed_gap(text: &str, range: Range<usize>, bounds: Range<usize>) -> Range<usize> {
    let above: Vec<&str> = blank_lines_above(&text[line_begin(text, bounds.start)..range.start]);
    let below: Vec<&str> = text[range.end..bounds.end]
        .split_inclusive('\n')
        .take_while(|it| is_blank(it) && it.ends_with('\n'))
        .collect();
    let len = |lines: &[&str]| lines.iter().map(|it| it.len()).sum::<usize>();
    let whole = range.start - len(&above)..range.end + len(&below);
    let (opens, closes) = ends_of_block(text, &whole);
    match (opens, closes) {
        (true, _) => range.start..range.end + len(&below),
        (_, true) => range.start - len(&above)..range.end,
        _ => {
            let n = above.len().min(below.len());
            range.start..range.end + len(&below[..n])
        }
    }
}

/// Whether a block begins above some lines, and whether one ends below them.
fn ends_of_block(text: &str, lines: &Range<usize>) -> (bool, bool) {
    let line_above =
        text[..lines.start].trim_end_matches(['\r', '\n']).rsplit('\n').next().unwrap_or_default();
    let rest = &text[lines.end..];
    let opens = lines.start == 0 || line_above.trim_end().ends_with(['{', '(', '[', ':', '>']);
    let closes = rest.is_empty()
        || rest.trim_start_matches([' ', '\t']).starts_with(['}', ')', ']'])
        || rest.trim_start().starts_with("</");
    (opens, closes)
}

/// The first place from here on where a line begins.
fn line_begin(text: &str, at: usize) -> usize {
    match at == 0 || text[..at].ends_with('\n') {
        true => at,
        false => text[at..].find('\n').map_or(text.len(), |it| at + it + 1),
    }
}

fn blank_lines_above(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.into_iter().rev().take_while(|it| is_blank(it) && it.ends_with('\n')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str, lines: &[&str]) -> String {
        let edit = |line: &&str| {
            let start = text.find(*line).unwrap();
            Edit { range: start..start + line.len(), text: String::new() }
        };
        super::super::apply(text, &closed(text, lines.iter().map(edit).collect()))
    }

    #[test]
    fn as_many_blank_lines_stay_as_stood_on_one_side() {
        assert_eq!(without("a\n\nb\n\nc\n", &["b\n"]), "a\n\nc\n");
        assert_eq!(without("a\n\n\nb\n\n\nc\n", &["b\n"]), "a\n\n\nc\n");
        assert_eq!(without("a\nb\n\nc\n", &["b\n"]), "a\n\nc\n");
        assert_eq!(without("a\n\nb\n\nc\n\nd\n", &["b\n", "c\n"]), "a\n\nd\n");
        assert_eq!(without("f {\n  b\n\n  c\n}\n", &["  b\n"]), "f {\n  c\n}\n");
        assert_eq!(without("f {\n  b\n\n  c\n}\n", &["  c\n"]), "f {\n  b\n}\n");
        assert_eq!(without("a\n\nb\n", &["a\n"]), "b\n");
        assert_eq!(without("a\n\nb\n", &["b\n"]), "a\n");
    }

    #[test]
    fn what_stood_apart_still_does() {
        assert_eq!(without("a\nb\n\nc\nd\n", &["b\n", "c\n"]), "a\n\nd\n");
        assert_eq!(without("a\nb\n\nc\n\nd\n", &["b\n", "c\n"]), "a\n\nd\n");
        assert_eq!(without("f {\n  b\n\n  c\n  d\n}\n", &["  b\n", "  c\n"]), "f {\n  d\n}\n");
    }
}
