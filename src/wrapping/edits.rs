//! Edits while they are made: several may insert at one place, in an order that only is known at the end.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::removal::Edit;

/// What is inserted at one place, from the left to the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// White space before a line.
    Indentation,
    /// The end of the inner thing.
    InnerEnd,
    /// The end of what is round it.
    OuterEnd,
    /// An import.
    Import,
    /// The beginning of what is round another thing.
    OuterStart,
    /// The beginning of the inner thing.
    InnerStart,
}

/// Edits by their place.
#[derive(Debug, Default)]
pub(super) struct Edits {
    insertions: BTreeMap<(usize, Order), String>,
    replaced: Vec<Edit>,
    /// The insertion that has the condition, and where in it.
    check: Option<((usize, Order), usize)>,
}

impl Edits {
    pub(super) fn insert(&mut self, at: usize, order: Order, text: impl AsRef<str>) {
        self.insertions.entry((at, order)).or_default().push_str(text.as_ref());
    }

    /// An insertion that has the condition; `at` bytes of it stand before.
    pub(super) fn insert_check(&mut self, place: usize, order: Order, text: &str, at: usize) {
        let before = self.insertions.get(&(place, order)).map_or(0, String::len);
        self.check = Some(((place, order), before + at));
        self.insert(place, order, text);
    }

    /// Nothing else may be edited in the range.
    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.replaced.push(Edit { range, text: text.into() });
    }

    /// The edits in order, and where the condition stands afterwards.
    pub(super) fn finish(self, condition: &str) -> (Vec<Edit>, Range<usize>) {
        let mut all: Vec<(Range<usize>, Option<Order>, String)> = Vec::new();
        all.extend(self.insertions.into_iter().map(|((at, order), text)| (at..at, Some(order), text)));
        all.extend(self.replaced.into_iter().map(|it| (it.range, None, it.text)));
        all.sort_by_key(|(range, order, _)| (range.start, order.is_none(), *order));
        let (mut grown, mut check, mut edits) = (0, 0..0, Vec::<Edit>::new());
        for (range, order, text) in all {
            if let Some(((at, of), before)) = self.check
                && at == range.start
                && order == Some(of)
            {
                let start = range.start.saturating_add_signed(grown) + before;
                // Parentheses round it are none of its.
                let start = start + text[before..].find(condition).unwrap_or(0);
                check = start..start + condition.len();
            }
            grown += text.len() as isize - range.len() as isize;
            match edits.last_mut().filter(|it| it.range.end == range.start) {
                // At one place there is one edit.
                Some(last) => {
                    last.range.end = range.end;
                    last.text.push_str(&text);
                }
                None => edits.push(Edit { range, text }),
            }
        }
        (edits, check)
    }
}
