//! The statements of the top level, told apart without a parser.

use super::super::skim::{Says, Statement, fills_something, first_word, is_word, words};

/// The statements of a text. Nothing where a glance is not enough: brackets that do not match, or code that
/// frameworks call by a name of their own.
pub(in crate::syntax) fn statements(text: &str) -> Option<Vec<Statement<'_>>> {
    // What these give is handed to the component beside them, without a word.
    const HANDED: [&str; 4] = ["getServerSideProps", "getStaticProps", "oader", "getInitialProps"];
    if HANDED.iter().any(|it| text.contains(it)) || text.starts_with('@') || text.contains("\n@") {
        return None;
    }
    let starts = starts(text)?;
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let statement = |(from, to): (usize, usize)| Statement { range: from..to, says: says(&text[from..to]) };
    Some(starts.iter().copied().zip(ends).map(statement).collect())
}

/// What a statement says, by its first words.
fn says(statement: &str) -> Says<'_> {
    let mut names = Vec::new();
    let (mut rest, mut is_exported) = (statement, false);
    while let Some((word, after)) = first_word(without_comments(rest)) {
        match word {
            "export" => is_exported = true,
            "default" => names.push("default"),
            "declare" | "abstract" | "async" => {}
            "function" | "class" | "interface" | "type" | "enum" => {
                let Some((name, _)) = first_word(after.trim_start().trim_start_matches('*')) else { break };
                if names.is_empty() && matches!(word, "interface" | "type") {
                    return Says::Type(name);
                }
                names.push(name);
                return Says::Declared { names, may_change: word == "class" };
            }
            "const" | "let" | "var" => return variable(after, names, word == "const"),
            _ if is_exported || !names.is_empty() => break,
            "import" | "namespace" | "module" | "global" | "using" => break,
            // `if (isNode) exports.make = make`
            _ if ["exports", "var "].iter().any(|it| statement.contains(it)) => break,
            _ if fills_something(statement) => break,
            _ => return Says::Done,
        }
        rest = after;
    }
    Says::Anything
}

/// What a declaration of variables says. Of a pattern, or of several at once, each word may be one.
fn variable<'t>(declarators: &'t str, mut names: Vec<&'t str>, is_constant: bool) -> Says<'t> {
    let (name, after) = first_word(declarators).unwrap_or_default();
    let after = after.trim_start();
    if name == "enum" {
        names.extend(first_word(after).map(|it| it.0));
        return Says::Declared { names, may_change: false };
    }
    if name.is_empty() || has_comma(after) {
        names.extend(words(declarators));
        return Says::Declared { names, may_change: true };
    }
    names.push(name);
    let value = after.split_once('=').map_or("", |it| it.1.trim_start());
    let is_fixed = value.starts_with(['\'', '"', '`']) || value.starts_with(|it: char| it.is_ascii_digit());
    let is_function = value.starts_with('(') && value.contains("=>")
        || ["async", "function"].iter().any(|it| first_word(value).is_some_and(|word| word.0 == *it));
    Says::Declared { names, may_change: !is_constant || !(is_fixed || is_function) }
}

/// Whether a comma stands outside of all brackets, as between two variables; also one in a string or between the
/// arguments of a type, where one variable is taken for several.
fn has_comma(text: &str) -> bool {
    let mut depth = 0i32;
    text.bytes().any(|it| {
        match it {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        it == b',' && depth <= 0
    })
}

fn without_comments(text: &str) -> &str {
    let mut text = text.trim_start();
    loop {
        let rest = match text.as_bytes() {
            [b'/', b'/', ..] => text.split_once('\n').map(|it| it.1),
            [b'/', b'*', ..] => text.split_once("*/").map(|it| it.1),
            _ => return text,
        };
        text = rest.unwrap_or_default().trim_start();
    }
}

/// Where statements begin: at lines that begin with a word, outside of everything. Nothing when brackets do not
/// match.
fn starts(text: &str) -> Option<Vec<usize>> {
    let mut starts = vec![0];
    let mut glance = Glance { bytes: text.as_bytes(), open: Vec::new(), last: 0, at: 0 };
    while glance.at < text.len() {
        let start = glance.at;
        let is_line = start > 0 && text.as_bytes()[start - 1] == b'\n';
        if is_line && glance.open.is_empty() && begins(&text[start..]) && glance.is_whole(text) {
            starts.push(start);
        }
        glance.go_on()?;
    }
    glance.open.is_empty().then_some(starts)
}

/// Whether a line begins a statement, after a whole one.
fn begins(line: &str) -> bool {
    const GO_ON: [&str; 11] = [
        "else",
        "catch",
        "finally",
        "while",
        "in",
        "of",
        "instanceof",
        "as",
        "satisfies",
        "extends",
        "implements",
    ];
    let end = line.find(|it: char| !is_word(it)).unwrap_or(line.len());
    end > 0 && !GO_ON.contains(&&line[..end])
}

/// A look at a text, byte by byte.
struct Glance<'t> {
    bytes: &'t [u8],
    /// The brackets round this place; a backtick for `${`.
    open: Vec<u8>,
    /// Behind the last character that is neither space nor comment.
    last: usize,
    at: usize,
}

impl Glance<'_> {
    fn last(&self) -> u8 {
        self.last.checked_sub(1).map_or(b';', |it| self.bytes[it])
    }

    /// Whether what stands before this place may be a whole statement.
    fn is_whole(&self, text: &str) -> bool {
        const WORDS: [&str; 9] =
            ["export", "default", "async", "abstract", "declare", "extends", "return", "typeof", "new"];
        let last = self.last();
        let may_end =
            matches!(last, b';' | b'}' | b')' | b']' | b'\'' | b'"' | b'`' | b'>') || is_word(last as char);
        let before = text.get(..self.last).unwrap_or_default();
        let word = before.rfind(|it: char| !is_word(it)).map_or(0, |it| it + 1);
        may_end && !before.get(word..).is_some_and(|it| WORDS.contains(&it))
    }

    /// Goes one character, string or comment further. Nothing when brackets do not match.
    fn go_on(&mut self) -> Option<()> {
        let byte = self.bytes[self.at];
        match byte {
            b'\n' | b' ' | b'\t' | b'\r' => {
                self.at += 1;
                return Some(());
            }
            b'\'' | b'"' => self.at = self.end_of_string().unwrap_or(self.at + 1),
            b'`' => self.template()?,
            b'/' => return self.slash(),
            b'(' | b'[' | b'{' => {
                self.open.push(byte);
                self.at += 1;
            }
            b')' | b']' | b'}' => match (self.open.pop()?, byte) {
                (b'(', b')') | (b'[', b']') | (b'{', b'}') => self.at += 1,
                (b'`', b'}') => self.template()?,
                _ => return None,
            },
            _ => self.at += 1,
        }
        self.last = self.at;
        Some(())
    }

    /// Behind the string that begins here; nothing for an apostrophe in text.
    fn end_of_string(&self) -> Option<usize> {
        let mut at = self.at + 1;
        loop {
            match *self.bytes.get(at)? {
                b'\n' => return None,
                b'\\' => at += 2,
                byte if byte == self.bytes[self.at] => return Some(at + 1),
                _ => at += 1,
            }
        }
    }

    /// Goes from a backtick, or from the end of a `${}`, behind the template or into its next `${`.
    fn template(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match *self.bytes.get(self.at)? {
                b'\\' => self.at += 2,
                b'`' => {
                    self.at += 1;
                    return Some(());
                }
                b'$' if self.bytes.get(self.at + 1) == Some(&b'{') => {
                    self.open.push(b'`');
                    self.at += 2;
                    return Some(());
                }
                _ => self.at += 1,
            }
        }
    }

    /// A comment, a regular expression, a division or the slash of a tag.
    fn slash(&mut self) -> Option<()> {
        let (here, last) = (&self.bytes[self.at..], self.last());
        match here.get(1) {
            // Not in the text of an element: `https://`.
            Some(b'/') if last != b':' => self.at += memchr::memchr(b'\n', here).unwrap_or(here.len()),
            Some(b'*') => self.at += memchr::memmem::find(&here[2..], b"*/")? + 4,
            Some(b'>') => self.after_slash(1),
            _ if matches!(last, b'<' | b')' | b']' | b'}') || is_word(last as char) => self.after_slash(1),
            _ => self.after_slash(end_of_regex(here).unwrap_or(1)),
        }
        Some(())
    }

    fn after_slash(&mut self, n_bytes: usize) {
        self.at += n_bytes;
        self.last = self.at;
    }
}

/// How long the regular expression is that begins here.
fn end_of_regex(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut in_class) = (1, false);
    loop {
        match *bytes.get(at)? {
            b'\n' => return None,
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'/' if !in_class => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(&str, Says<'_>)> {
        let all = statements(text).unwrap().into_iter();
        all.map(|it| (text[it.range].lines().next().unwrap(), it.says)).collect()
    }

    fn declared<'t>(names: &[&'t str], may_change: bool) -> Says<'t> {
        Says::Declared { names: names.to_vec(), may_change }
    }

    #[test]
    fn statements_are_told_apart() {
        let text = "\
import posthog from 'posthog-js'
export const KEY = 'a'
const { b, c } = make(), d = 1
let current = KEY
export default async function Page() {
  const text = `
function not_here() ${`}`} {
`
  return <p>Don't
  {/* it } */ 'is' } a/b https://x.org</p>
}
/** Of rows. */
export type Row = { name: string }
  | null
interface Props {}
class Gate
extends Base {}
enum Kind { A }
const enum Other { B }
const isOn = (key: string) => key
export { KEY as default }
KINDS.add(/[/}]/)
config.flag = 'a'
if (current) {
}
else {
}
";
        assert_eq!(
            told(text),
            [
                ("import posthog from 'posthog-js'", Says::Anything),
                ("export const KEY = 'a'", declared(&["KEY"], false)),
                ("const { b, c } = make(), d = 1", declared(&["b", "c", "make", "d"], true)),
                ("let current = KEY", declared(&["current"], true)),
                ("export default async function Page() {", declared(&["default", "Page"], false)),
                ("export type Row = { name: string }", Says::Type("Row")),
                ("interface Props {}", Says::Type("Props")),
                ("class Gate", declared(&["Gate"], true)),
                ("enum Kind { A }", declared(&["Kind"], false)),
                ("const enum Other { B }", declared(&["Other"], false)),
                ("const isOn = (key: string) => key", declared(&["isOn"], false)),
                ("export { KEY as default }", Says::Anything),
                ("KINDS.add(/[/}]/)", Says::Done),
                ("config.flag = 'a'", Says::Anything),
                ("if (current) {", Says::Done),
            ]
        );
    }

    #[test]
    fn what_a_glance_does_not_tell_is_parsed() {
        for text in ["f(", "f(]", "`${", "@Injectable()\nclass A {}", "export const loader = () => 1", "/* a"]
        {
            assert_eq!(statements(text), None, "{text}");
        }
    }
}
