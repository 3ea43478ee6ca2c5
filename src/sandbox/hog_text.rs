//! Texts with places for values, as inputs of hog functions have them: `Flag {event.properties.detail.name}`.
//!
//! Of Hog only paths are understood (`a.b`, `a['b']`, `a[1]`, and `a ?? b ?? 'none'`), of Liquid only `{{ a.b }}`.
//! Whatever else stands in braces is refused when it is written, so that nothing is guessed when it runs.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Value};

use super::targeting::text;

/// How a text says where its values go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// `{a.b}`; a brace of the text itself is written `\{`.
    Hog,
    /// `{{ a.b }}`
    Liquid,
}

/// A part of a text.
enum Piece {
    Text(String),
    /// The first of these that is not null.
    Value(Vec<Operand>),
}

enum Operand {
    Path(Vec<String>),
    Literal(String),
}

/// Refuses what [`render`] would not understand, in any text of a value.
pub(super) fn check(value: &Value, language: Language) -> Result<(), String> {
    match value {
        Value::String(it) => pieces(it, language).map(drop),
        Value::Array(list) => list.iter().try_for_each(|it| check(it, language)),
        Value::Object(it) => it.values().try_for_each(|it| check(it, language)),
        _ => Ok(()),
    }
}

/// The value with its texts filled in. A text that is nothing but one place becomes the value itself, whatever its
/// type; elsewhere an unknown path is an empty text.
pub(super) fn render(value: &Value, language: Language, globals: &Value) -> Value {
    match value {
        Value::String(it) => match pieces(it, language) {
            Ok(pieces) => filled(&pieces, globals),
            Err(_) => value.clone(),
        },
        Value::Array(list) => list.iter().map(|it| render(it, language, globals)).collect(),
        Value::Object(it) => {
            let rendered = it.iter().map(|(key, it)| (key.clone(), render(it, language, globals)));
            Value::Object(rendered.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn filled(pieces: &[Piece], globals: &Value) -> Value {
    if let [Piece::Value(operands)] = pieces {
        return first(operands, globals);
    }
    let texts = pieces.iter().map(|it| match it {
        Piece::Text(it) => it.clone(),
        Piece::Value(operands) => text(&first(operands, globals)),
    });
    Value::String(texts.collect())
}

fn first(operands: &[Operand], globals: &Value) -> Value {
    let value = |it: &Operand| match it {
        Operand::Literal(it) => Value::from(it.as_str()),
        Operand::Path(parts) => parts
            .iter()
            .try_fold(globals, |it, part| match it {
                Value::Array(list) => list.get(index(part)?),
                other => other.get(part),
            })
            .cloned()
            .unwrap_or_default(),
    };
    operands.iter().map(value).find(|it| !it.is_null()).unwrap_or_default()
}

/// Hog counts from 1.
fn index(part: &str) -> Option<usize> {
    part.parse::<usize>().ok()?.checked_sub(1)
}

fn pieces(text: &str, language: Language) -> Result<Vec<Piece>, String> {
    let (open, close) = match language {
        Language::Hog => ("{", "}"),
        Language::Liquid => ("{{", "}}"),
    };
    let (mut out, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(c) = rest.chars().next() {
        if let Some(escaped) = rest.strip_prefix("\\{").filter(|_| language == Language::Hog) {
            plain.push('{');
            rest = escaped;
        } else if let Some(inside) = rest.strip_prefix(open) {
            let end = closing(inside, close).ok_or_else(|| format!("{open} is never closed in {text:?}"))?;
            if !plain.is_empty() {
                out.push(Piece::Text(std::mem::take(&mut plain)));
            }
            out.push(Piece::Value(operands(&inside[..end])?));
            rest = &inside[end + close.len()..];
        } else {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    if !plain.is_empty() || out.is_empty() {
        out.push(Piece::Text(plain));
    }
    Ok(out)
}

/// Where the expression ends: at the first closing brace that stands in no quotes.
fn closing(inside: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    inside.char_indices().find_map(|(at, c)| {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            None if inside[at..].starts_with(close) => return Some(at),
            _ => {}
        }
        None
    })
}

fn operands(expression: &str) -> Result<Vec<Operand>, String> {
    let mut parser = Parser { chars: expression.chars().peekable(), expression };
    let mut found = vec![parser.operand()?];
    while parser.skip_spaces().is_some() {
        parser.expect('?')?;
        parser.expect('?')?;
        found.push(parser.operand()?);
    }
    Ok(found)
}

struct Parser<'a> {
    chars: Peekable<Chars<'a>>,
    expression: &'a str,
}

impl Parser<'_> {
    /// The next character that is no space.
    fn skip_spaces(&mut self) -> Option<char> {
        while self.chars.next_if(|it| it.is_whitespace()).is_some() {}
        self.chars.peek().copied()
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        self.chars.next_if_eq(&wanted).map(drop).ok_or_else(|| self.refusal())
    }

    fn operand(&mut self) -> Result<Operand, String> {
        if let Some(quote @ ('\'' | '"')) = self.skip_spaces() {
            return Ok(Operand::Literal(self.quoted(quote)?));
        }
        let mut parts = vec![self.name()?];
        loop {
            match self.chars.peek() {
                Some('.') => {
                    self.expect('.')?;
                    parts.push(self.name()?);
                }
                Some('[') => {
                    self.expect('[')?;
                    parts.push(match self.skip_spaces() {
                        Some(quote @ ('\'' | '"')) => self.quoted(quote)?,
                        _ => self.name()?,
                    });
                    self.skip_spaces();
                    self.expect(']')?;
                }
                _ => return Ok(Operand::Path(parts)),
            }
        }
    }

    fn name(&mut self) -> Result<String, String> {
        if self.chars.peek() == Some(&'`') {
            return self.quoted('`');
        }
        let mut name = String::new();
        while let Some(c) = self.chars.next_if(|it| it.is_alphanumeric() || matches!(it, '_' | '$')) {
            name.push(c);
        }
        if name.is_empty() { Err(self.refusal()) } else { Ok(name) }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        self.expect(quote)?;
        let mut inside = String::new();
        loop {
            match self.chars.next() {
                Some(c) if c == quote => return Ok(inside),
                Some(c) => inside.push(c),
                None => return Err(self.refusal()),
            }
        }
    }

    fn refusal(&self) -> String {
        format!("The sandbox fills in paths only and does not understand {:?}", self.expression)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn places_are_filled() {
        let globals = json!({
            "event": {"event": "flag", "properties": {"n": 2, "detail": {"name": "new"}, "$feature/a-b": true, "list": ["x"]}},
        });
        for (language, value, expect) in [
            (Language::Hog, json!("Flag {event.properties.detail.name}!"), json!("Flag new!")),
            (Language::Hog, json!("{event.properties.n}"), json!(2)),
            (Language::Hog, json!("n={event.properties.n}"), json!("n=2")),
            (Language::Hog, json!("{ event.properties['$feature/a-b'] }"), json!(true)),
            (Language::Hog, json!("{event.properties.`$feature/a-b`}"), json!(true)),
            (Language::Hog, json!("{event.properties.list[1]} {event.nothing.here}."), json!("x .")),
            (Language::Hog, json!("{event.nothing}"), Value::Null),
            (Language::Hog, json!("{event.nothing ?? event.event ?? '}'}"), json!("flag")),
            (Language::Hog, json!("{event.nothing ?? '}'}"), json!("}")),
            (Language::Hog, json!("a \\{b} c"), json!("a {b} c")),
            (Language::Hog, json!(""), json!("")),
            (Language::Hog, json!({"a": ["{event.event}", 1]}), json!({"a": ["flag", 1]})),
            (Language::Liquid, json!("{{ event.event }} {x}"), json!("flag {x}")),
        ] {
            assert_eq!(check(&value, language), Ok(()), "{value}");
            assert_eq!(render(&value, language, &globals), expect, "{value}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (language, value) in [
            (Language::Hog, json!("{upper(event.event)}")),
            (Language::Hog, json!("{event.event")),
            (Language::Hog, json!("{}")),
            (Language::Hog, json!({"deep": ["{1 + }"]})),
            (Language::Liquid, json!("{{ event.event | upcase }}")),
        ] {
            assert!(check(&value, language).is_err(), "{value}");
        }
    }
}
