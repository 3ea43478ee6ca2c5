//! The statements of a module, told apart without a parser.

use super::super::skim::{Says, Statement, fills_something, first_word, is_word};

/// The statements of a text. Nothing where a glance is not enough: brackets that do not match, a string that does
/// not end.
pub(in crate::syntax) fn statements(text: &str) -> Option<Vec<Statement<'_>>> {
    let starts = starts(text)?;
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    // A function may then give any variable of the module another value.
    let has_global = text.contains("global ");
    let statement = |(from, to): (usize, usize)| {
        let says = says(&text[from..to], has_global);
        Statement { range: from..to, says }
    };
    Some(starts.iter().copied().zip(ends).map(statement).collect())
}

/// What a statement says, by its first words.
fn says(statement: &str, has_global: bool) -> Says<'_> {
    let Some(statement) = without_decorators(statement) else { return Says::Anything };
    let Some((word, after)) = first_word(statement) else { return Says::Anything };
    match word {
        "def" | "class" => declared(after, word == "class"),
        "async" => match first_word(after) {
            Some(("def", after)) => declared(after, false),
            _ => Says::Anything,
        },
        "if" | "for" | "while" | "try" | "with" | "match" | "from" | "import" | "del" | "global" | "type" => {
            Says::Anything
        }
        "assert" | "raise" | "pass" => Says::Done,
        _ => assigned(word, after.trim_start(), has_global),
    }
}

fn declared(after: &str, may_change: bool) -> Says<'_> {
    match first_word(after) {
        Some((name, _)) => Says::Declared { names: vec![name], may_change },
        None => Says::Anything,
    }
}

/// `name = value`, `name: T = value`; of several names at once nothing is told.
fn assigned<'t>(name: &'t str, after: &'t str, has_global: bool) -> Says<'t> {
    let value = match after.as_bytes() {
        [b'=', b'=', ..] => return Says::Anything,
        [b'=', ..] => &after[1..],
        [b':', ..] => after.split_once('=').map_or("", |it| it.1),
        // A call.
        [b'(' | b'.' | b'[', ..] if !fills_something(after) => return Says::Done,
        _ => return Says::Anything,
    };
    let value = value.trim_start();
    let is_chain = first_word(value).is_some_and(|(_, after)| {
        let after = after.trim_start();
        after.starts_with('=') && !after.starts_with("==")
    });
    if is_chain || value.contains(';') {
        return Says::Anything;
    }
    let is_fixed = value.starts_with(|it: char| it.is_ascii_digit() || matches!(it, '\'' | '"'));
    Says::Declared { names: vec![name], may_change: has_global || !is_fixed }
}

/// A function or class behind its decorators.
fn without_decorators(statement: &str) -> Option<&str> {
    if !statement.starts_with('@') {
        return Some(statement);
    }
    let starts = statement.match_indices('\n').map(|it| &statement[it.0 + 1..]);
    starts.into_iter().find(|it| is_definition(it))
}

fn is_definition(line: &str) -> bool {
    ["def", "class", "async"].iter().any(|it| line.strip_prefix(it).is_some_and(|it| it.starts_with(' ')))
}

/// Where statements begin: at lines that are not indented, outside of everything.
fn starts(text: &str) -> Option<Vec<usize>> {
    let bytes = text.as_bytes();
    let (mut starts, mut at, mut depth) = (vec![0], 0, 0usize);
    let mut is_decorated = text.starts_with('@');
    while at < bytes.len() {
        let is_line = at > 0 && bytes[at - 1] == b'\n' && !(at > 1 && bytes[at - 2] == b'\\');
        if is_line && depth == 0 && begins(&text[at..]) {
            let is_definition = is_definition(&text[at..]);
            if !(is_decorated && (is_definition || bytes[at] == b'@')) {
                starts.push(at);
            }
            is_decorated = bytes[at] == b'@' || is_decorated && !is_definition;
        }
        match bytes[at] {
            b'#' => at += memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at),
            b'\'' | b'"' => at = end_of_string(bytes, at)?,
            b'(' | b'[' | b'{' => (at, depth) = (at + 1, depth + 1),
            b')' | b']' | b'}' => (at, depth) = (at + 1, depth.checked_sub(1)?),
            _ => at += 1,
        }
    }
    (depth == 0).then_some(starts)
}

/// Whether a line begins a statement.
fn begins(line: &str) -> bool {
    const GO_ON: [&str; 5] = ["else", "elif", "except", "finally", "case"];
    if line.starts_with([' ', '\t', '\r', '\n', '\x0c', '#', ')', ']', '}']) {
        return false;
    }
    let end = line.find(|it: char| !is_word(it)).unwrap_or(line.len());
    !GO_ON.contains(&&line[..end])
}

/// Behind the string that begins here; nothing if it does not end.
fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = bytes[start];
    if bytes[start..].starts_with(&[quote; 3]) {
        let mut at = start + 3;
        while !bytes.get(at..)?.starts_with(&[quote; 3]) {
            at += if *bytes.get(at)? == b'\\' { 2 } else { 1 };
        }
        return Some(at + 3);
    }
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'\n' => return None,
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_apart() {
        let text = "\
\"\"\"Of
flags.\"\"\"
import posthog
KEY = 'a'
names: list[str] = [
    'b',
]
a = b = 1
@task(
    retries=3,
)
@logged
def check(user):
    # def other():
    text = '''
def not_here():
'''
    return text

names.append('c')
config.FLAG = 'a'
from . import b
if (KEY):
    pass
else:
    pass
class Gate(Base):
    key = KEY
";
        let found: Vec<(&str, Says)> = statements(text)
            .unwrap()
            .into_iter()
            .map(|it| (text[it.range].lines().next().unwrap(), it.says))
            .collect();
        let variable = |name, may_change| Says::Declared { names: vec![name], may_change };
        assert_eq!(
            found,
            [
                ("\"\"\"Of", Says::Anything),
                ("import posthog", Says::Anything),
                ("KEY = 'a'", variable("KEY", false)),
                ("names: list[str] = [", variable("names", true)),
                ("a = b = 1", Says::Anything),
                ("@task(", variable("check", false)),
                ("names.append('c')", Says::Done),
                ("config.FLAG = 'a'", Says::Anything),
                ("from . import b", Says::Anything),
                ("if (KEY):", Says::Anything),
                ("class Gate(Base):", variable("Gate", true)),
            ]
        );
        assert_eq!(statements("x = (1\n"), None);
        assert_eq!(statements("x = 'a\n"), None);
    }
}
