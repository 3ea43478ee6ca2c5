//! Text with its lines: places in every unit that somebody asks for, and the changes that an editor sends.

use std::ops::Range;
use std::sync::Arc;

use line_index::{LineIndex, TextSize, WideEncoding, WideLineCol};
use tree_sitter::InputEdit;

/// The unit in which a client counts columns (LSP's position encoding).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units, LSP's default.
    #[default]
    Utf16,
}

/// A place in a text, in every unit, so that it can be told without the text. All counts start at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Point {
    /// Bytes from the start of the text.
    pub offset: u32,
    /// Line; only `\n` ends one.
    pub line: u32,
    /// Bytes from the start of the line.
    pub utf8: u32,
    /// UTF-16 code units from the start of the line.
    pub utf16: u32,
    /// Unicode scalar values from the start of the line, as public JSON counts them.
    pub scalar: u32,
}

/// A stretch of text; `end` is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First place inside.
    pub start: Point,
    /// First place after.
    pub end: Point,
}

impl Span {
    /// The byte range.
    pub fn bytes(&self) -> Range<usize> {
        self.start.offset as usize..self.end.offset as usize
    }

    /// Whether a cursor at `offset` touches the span; a cursor just behind the last character does.
    pub fn touches(&self, offset: u32) -> bool {
        self.start.offset <= offset && offset <= self.end.offset
    }
}

/// A place as a client names it: line and column in the session's [`Encoding`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// Line, from 0.
    pub line: u32,
    /// Column in the session's encoding, from 0.
    pub column: u32,
}

/// One content change of `textDocument/didChange`.
#[derive(Debug, Clone)]
pub struct Change {
    /// What is replaced; `None` replaces the whole text.
    pub range: Option<(LineColumn, LineColumn)>,
    /// The new text.
    pub text: String,
}

/// A text and its line index. Cheap to clone, never changed in place.
#[derive(Clone)]
pub struct Text {
    /// Not `Arc<str>`: every edit would copy the text once more.
    text: Arc<String>,
    lines: Arc<LineIndex>,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({} bytes)", self.text.len())
    }
}

impl Text {
    /// Indexes the lines of `text`. Line ends are kept as they are.
    pub fn new(text: impl Into<String>) -> Text {
        let text = text.into();
        let lines = Arc::new(LineIndex::new(&text));
        Text { text: Arc::new(text), lines }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The place at a byte offset; past the end it is the end, inside a character its start.
    pub fn point(&self, offset: usize) -> Point {
        let offset = self.text.floor_char_boundary(offset.min(self.text.len()));
        let line_col = self.lines.line_col(TextSize::new(offset as u32));
        let before = &self.text[offset - line_col.col as usize..offset];
        let (mut utf16, mut scalar) = (0, 0);
        if before.is_ascii() {
            (utf16, scalar) = (line_col.col, line_col.col);
        } else {
            for c in before.chars() {
                utf16 += c.len_utf16() as u32;
                scalar += 1;
            }
        }
        Point { offset: offset as u32, line: line_col.line, utf8: line_col.col, utf16, scalar }
    }

    /// The places at both ends of a byte range.
    pub fn span(&self, range: Range<usize>) -> Span {
        Span { start: self.point(range.start), end: self.point(range.end) }
    }

    /// The byte offset that a client means. Past the end of a line it is the end of that line, past the last
    /// line the end of the text, inside a character its start: LSP asks for the first two.
    pub fn offset(&self, at: LineColumn, encoding: Encoding) -> usize {
        let Some(line) = self.lines.line(at.line) else { return self.text.len() };
        let (start, end) = (usize::from(line.start()), usize::from(line.end()));
        let content = self.text[start..end].trim_end_matches('\n').trim_end_matches('\r');
        let end = start + content.len();
        let offset = match encoding {
            Encoding::Utf8 => start.saturating_add(at.column as usize),
            Encoding::Utf16 => {
                let wide = WideLineCol { line: at.line, col: at.column.min(content.len() as u32) };
                let narrow = self.lines.to_utf8(WideEncoding::Utf16, wide);
                narrow.map_or(end, |it| start + it.col as usize)
            }
        };
        self.text.floor_char_boundary(offset.min(end))
    }

    /// Applies a client's changes in order, each against the text that the one before it left. Returns the new
    /// text and the edits for the tree, or `None` in their place when the whole text was replaced.
    pub fn apply(&self, changes: &[Change], encoding: Encoding) -> (Text, Option<Vec<InputEdit>>) {
        let whole = changes.iter().rposition(|it| it.range.is_none());
        let (mut now, rest) = match whole {
            Some(at) => (Text::new(changes[at].text.as_str()), &changes[at + 1..]),
            None => (self.clone(), changes),
        };
        let mut edits = Vec::with_capacity(rest.len());
        for change in rest {
            let Some((start, end)) = change.range else { continue };
            let (a, b) = (now.offset(start, encoding), now.offset(end, encoding));
            let (a, b) = (a.min(b), a.max(b));
            let next = now.replace(a..b, &change.text);
            edits.push(InputEdit {
                start_byte: a,
                old_end_byte: b,
                new_end_byte: a + change.text.len(),
                start_position: now.tree_point(a),
                old_end_position: now.tree_point(b),
                new_end_position: next.tree_point(a + change.text.len()),
            });
            now = next;
        }
        (now, whole.is_none().then_some(edits))
    }

    /// The same text with `range` replaced.
    pub fn replace(&self, range: Range<usize>, with: &str) -> Text {
        let mut text = String::with_capacity(self.text.len() - range.len() + with.len());
        text.push_str(&self.text[..range.start]);
        text.push_str(with);
        text.push_str(&self.text[range.end..]);
        Text::new(text)
    }

    fn tree_point(&self, offset: usize) -> tree_sitter::Point {
        let it = self.lines.line_col(TextSize::new(offset as u32));
        tree_sitter::Point { row: it.line as usize, column: it.col as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(line: u32, column: u32) -> LineColumn {
        LineColumn { line, column }
    }

    #[test]
    fn points_count_in_every_unit() {
        let text = Text::new("aä\n🦀x\r\nend");
        let it = text.point("aä\n🦀".len());
        assert_eq!((it.line, it.utf8, it.utf16, it.scalar), (1, 4, 2, 1));
        assert_eq!(text.point(4 + 2), text.point(4), "inside a character means its start");
        assert_eq!(text.point(999).offset as usize, text.as_str().len());
    }

    #[test]
    fn positions_past_an_end_are_clamped() {
        let text = Text::new("aä\n🦀x\r\nend");
        for (place, encoding, expect) in [
            (at(0, 2), Encoding::Utf16, 3),
            (at(0, 99), Encoding::Utf16, 3),
            (at(0, u32::MAX), Encoding::Utf8, 3),
            (at(1, 1), Encoding::Utf16, 4), // between the halves of a surrogate pair
            (at(1, 2), Encoding::Utf16, 8),
            (at(1, 99), Encoding::Utf16, 9), // before \r\n
            (at(1, 4), Encoding::Utf8, 8),
            (at(9, 0), Encoding::Utf8, 14),
        ] {
            assert_eq!(text.offset(place, encoding), expect, "{place:?} {encoding:?}");
        }
    }

    #[test]
    fn changes_apply_in_order_and_a_whole_text_drops_what_came_before() {
        let text = Text::new("one\ntwo\n");
        let change = |range, text: &str| Change { range, text: text.into() };
        let (now, edits) = text.apply(
            &[change(Some((at(0, 0), at(0, 3))), "1\n1"), change(Some((at(1, 1), at(2, 0))), "-")],
            Encoding::Utf16,
        );
        assert_eq!(now.as_str(), "1\n1-two\n");
        assert_eq!(edits.map(|it| it.len()), Some(2));
        let (now, edits) =
            text.apply(&[change(None, "new"), change(Some((at(0, 3), at(0, 3))), "!")], Encoding::Utf16);
        assert_eq!(now.as_str(), "new!");
        assert!(edits.is_none());
    }

    proptest! {
        #[test]
        fn offsets_round_trip(text in "[a-zä🦀\r\n]{0,60}") {
            let text = Text::new(text.as_str());
            for (offset, _) in text.as_str().char_indices() {
                let point = text.point(offset);
                let line_end = text.as_str()[offset..].starts_with('\n');
                if line_end { continue } // inside \r\n there is no position
                prop_assert_eq!(text.offset(at(point.line, point.utf8), Encoding::Utf8).min(offset), text.offset(at(point.line, point.utf8), Encoding::Utf8));
                if !text.as_str()[offset..].starts_with('\r') {
                    prop_assert_eq!(text.offset(at(point.line, point.utf8), Encoding::Utf8), offset);
                    prop_assert_eq!(text.offset(at(point.line, point.utf16), Encoding::Utf16), offset);
                }
            }
        }
    }
}
