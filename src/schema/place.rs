//! Where in a TOML text a place is, without a parser: while somebody types, a text is rarely a document.

use std::ops::{ControlFlow, Range};

/// The value at a place, written or not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuePlace {
    /// The keys that lead to it; elements of lists have none of their own.
    pub path: Vec<String>,
    /// The bytes of it, quotes excluded; what is typed takes their place.
    pub word: Range<usize>,
    /// Whether the place is between quotes.
    pub quoted: bool,
}

/// The value at `offset` of a TOML text, broken or not; `None` where no value stands.
pub fn value_at(text: &str, offset: usize) -> Option<ValuePlace> {
    let Place { table, slot, word, .. } = place(text, offset)?;
    let Slot::Value { key, quoted } = slot else { return None };
    Some(ValuePlace { path: table.into_iter().chain(split(&key)).collect(), word, quoted })
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The keys of the tables round it.
    pub table: Vec<String>,
    /// What can stand there.
    pub slot: Slot,
    /// The bytes of the word at the place, quotes of a text excluded.
    pub word: Range<usize>,
    /// Whether a new header may begin here.
    pub at_line_start: bool,
    /// Whether an element of a list stands here.
    pub in_list: bool,
}

/// What can stand at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    /// A key of the table.
    Key,
    /// A key between `[` and `]`, or `[[` and `]]`.
    Header {
        /// Whether it is `[[`.
        list: bool,
    },
    /// A value of this key.
    Value {
        /// The key.
        key: String,
        /// Whether the place is between quotes.
        quoted: bool,
    },
}

/// What is at `offset`; `None` in a comment.
pub(super) fn place(text: &str, offset: usize) -> Option<Place> {
    let mut reader = Reader { text, at: 0, table: Vec::new(), inner: Vec::new(), keys: Vec::new() };
    reader.read(offset)
}

/// The keys that the table round `offset` has already.
pub(super) fn siblings(text: &str, offset: usize) -> Vec<String> {
    let mut reader = Reader { text, at: 0, table: Vec::new(), inner: Vec::new(), keys: Vec::new() };
    reader.read(offset);
    // What follows, up to the next header.
    let mut depth = 0_i32;
    for line in text.get(offset..).unwrap_or_default().lines().skip(1) {
        let line = line.trim_start();
        if depth <= 0 && line.starts_with('[') {
            break;
        }
        if depth <= 0
            && let Some((key, _)) = line.split_once('=')
        {
            reader.keys.push(key.trim().trim_matches('"').to_owned());
        }
        let count = |c: char| line.matches(c).count() as i32;
        depth += count('[') + count('{') - count(']') - count('}');
    }
    reader.keys
}

/// What became of reading on: the place, nowhere, or more to read.
type Read = ControlFlow<Option<Place>>;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    table: Vec<String>,
    /// Inline tables and lists that are open.
    inner: Vec<Inner>,
    /// Keys of the present table.
    keys: Vec<String>,
}

#[derive(Debug, Clone)]
struct Inner {
    key: String,
    is_table: bool,
}

impl Reader<'_> {
    /// Reads statements up to the place.
    fn read(&mut self, offset: usize) -> Option<Place> {
        loop {
            self.skip(|it| it.is_whitespace(), offset);
            if self.at >= offset {
                let line = self.text[..offset].rfind('\n').map_or(0, |it| it + 1);
                let at_line_start = self.text[line..offset].trim().is_empty();
                return Some(self.found(Slot::Key, offset..self.word_end(offset), at_line_start));
            }
            let read = match self.text[self.at..].chars().next()? {
                '#' => self.comment(offset),
                '[' => self.header(offset),
                _ => self.pair(offset),
            };
            if let ControlFlow::Break(found) = read {
                return found;
            }
        }
    }

    /// Skips a comment; nothing can be written in it.
    fn comment(&mut self, offset: usize) -> Read {
        self.skip(|it| it != '\n', offset);
        if self.at >= offset { ControlFlow::Break(None) } else { ControlFlow::Continue(()) }
    }

    fn found(&self, slot: Slot, word: Range<usize>, at_line_start: bool) -> Place {
        let table = self.table.iter().cloned().chain(self.open_keys()).collect();
        let in_list = self.inner.last().is_some_and(|it| !it.is_table);
        Place { table, slot, word, at_line_start, in_list }
    }

    fn open_keys(&self) -> impl Iterator<Item = String> + '_ {
        self.inner.iter().filter(|it| it.is_table).flat_map(|it| split(&it.key))
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool, offset: usize) {
        while self.at < offset
            && let Some(c) = self.text[self.at..].chars().next().filter(|it| wanted(*it))
        {
            self.at += c.len_utf8();
        }
    }

    fn word_end(&self, from: usize) -> usize {
        let rest = &self.text[from..];
        from + rest.find(|it: char| !is_word(it)).unwrap_or(rest.len())
    }

    fn header(&mut self, offset: usize) -> Read {
        let list = self.text[self.at..].starts_with("[[");
        let start = self.at + if list { 2 } else { 1 };
        let rest = &self.text[start.min(self.text.len())..];
        let end = start + rest.find([']', '\n']).unwrap_or(rest.len());
        if offset <= end {
            let typed = self.text.get(start..offset).unwrap_or_default();
            let (before, word) = typed.rsplit_once('.').unwrap_or(("", typed));
            self.table = split(before);
            let word_start = offset - word.trim_start().len();
            let word = word_start..self.word_end(offset);
            return ControlFlow::Break(Some(self.found(Slot::Header { list }, word, false)));
        }
        self.table = split(&self.text[start..end]);
        self.keys.clear();
        self.at = end;
        // Past the brackets; whatever else stands on the line is wrong anyway.
        let line = self.text[end..].find('\n').map_or(self.text.len(), |it| end + it);
        self.at = line.min(offset);
        // Nothing can be written behind a header.
        if line >= offset { ControlFlow::Break(None) } else { ControlFlow::Continue(()) }
    }

    /// `key = value`, or as much of it as there is.
    fn pair(&mut self, offset: usize) -> Read {
        let start = self.at;
        self.skip(|it| it != '=' && it != '\n' && it != '#', offset);
        let key = self.text[start..self.at].trim();
        if self.at >= offset {
            let word = key.rsplit_once('.').map_or(key, |it| it.1);
            let before: Vec<String> = key.rsplit_once('.').map(|it| split(it.0)).unwrap_or_default();
            let word_start = start + key.len() - word.len();
            let line = self.text[..start].rfind('\n').map_or(0, |it| it + 1);
            let first = self.text[line..start].trim().is_empty() && before.is_empty();
            let mut place = self.found(Slot::Key, word_start..self.word_end(offset), first);
            place.table.extend(before);
            return ControlFlow::Break(Some(place));
        }
        if !self.text[self.at..].starts_with('=') {
            return ControlFlow::Continue(());
        }
        self.keys.extend(split(key).into_iter().next());
        self.at += 1;
        let place = self.value(key.to_owned(), offset);
        self.inner.clear();
        place
    }

    /// The value of a key; lists and inline tables may take lines.
    fn value(&mut self, key: String, offset: usize) -> Read {
        let mut key = key;
        let mut awaits_key = false;
        // Behind a value stands no second one.
        let mut is_done = false;
        loop {
            self.skip(|it| it == ' ' || it == '\t', offset);
            if self.at >= offset && is_done {
                return ControlFlow::Break(None);
            }
            if self.at >= offset {
                return ControlFlow::Break(Some(self.slot(awaits_key, &key, offset)));
            }
            let Some(c) = self.text[self.at..].chars().next() else { return ControlFlow::Break(None) };
            match c {
                '\n' if self.inner.is_empty() => return ControlFlow::Continue(()),
                '#' => self.comment(offset)?,
                '"' | '\'' => {
                    if let Some(place) = self.quoted(c, &key, awaits_key, offset) {
                        return ControlFlow::Break(Some(place));
                    }
                    is_done = !awaits_key;
                }
                '[' | '{' => {
                    is_done = false;
                    self.inner.push(Inner { key: key.clone(), is_table: c == '{' });
                    awaits_key = c == '{';
                    self.at += 1;
                }
                ']' | '}' => {
                    key = self.inner.pop().map_or(key, |it| it.key);
                    awaits_key = false;
                    is_done = true;
                    self.at += 1;
                }
                ',' => {
                    is_done = false;
                    let around = self.inner.last();
                    awaits_key = around.is_some_and(|it| it.is_table);
                    key = around.map_or(key, |it| it.key.clone());
                    self.at += 1;
                }
                '=' if awaits_key => {
                    awaits_key = false;
                    self.at += 1;
                }
                it if it.is_whitespace() => self.at += it.len_utf8(),
                _ => {
                    let start = self.at;
                    self.skip(|it| is_word(it) || it == '.', offset);
                    let word = self.text[start..self.at].to_owned();
                    if self.at >= offset {
                        let mut place = self.slot(awaits_key, &key, offset);
                        place.word.start = start;
                        return ControlFlow::Break(Some(place));
                    }
                    is_done = !awaits_key;
                    if awaits_key {
                        key = word;
                    } else if self.at == start {
                        self.at += c.len_utf8();
                    }
                }
            }
        }
    }

    fn slot(&self, awaits_key: bool, key: &str, offset: usize) -> Place {
        let word = offset..self.word_end(offset);
        match awaits_key {
            true => self.found(Slot::Key, word, false),
            false => self.found(Slot::Value { key: key.to_owned(), quoted: false }, word, false),
        }
    }

    fn quoted(&mut self, quote: char, key: &str, awaits_key: bool, offset: usize) -> Option<Place> {
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let delimiter = if self.text[self.at..].starts_with(&triple) { triple } else { quote.into() };
        let start = self.at + delimiter.len();
        let end = self.string_end(start, &delimiter);
        self.at = (end + delimiter.len()).min(self.text.len());
        if offset > end || awaits_key {
            return None;
        }
        let slot = Slot::Value { key: key.to_owned(), quoted: true };
        Some(self.found(slot, start.min(offset)..end, false))
    }

    /// Where a text ends: at its delimiter, or with its line when that is missing.
    fn string_end(&self, start: usize, delimiter: &str) -> usize {
        let mut at = start;
        while let Some(c) = self.text.get(at..).and_then(|it| it.chars().next()) {
            if self.text[at..].starts_with(delimiter) || (matches!(c, '\n' | '\r') && delimiter.len() == 1) {
                return at;
            }
            let escaped = c == '\\' && delimiter.starts_with('"');
            let next = self.text[at + c.len_utf8()..].chars().next().filter(|_| escaped);
            at += c.len_utf8() + next.map_or(0, char::len_utf8);
        }
        at.min(self.text.len())
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

pub(super) fn split(path: &str) -> Vec<String> {
    let parts = path.split('.').map(|it| it.trim().trim_matches(['"', '\'']).to_owned());
    parts.filter(|it| !it.is_empty()).collect()
}
