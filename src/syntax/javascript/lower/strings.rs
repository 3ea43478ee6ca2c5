//! Strings, templates and names of properties.

use std::borrow::Cow;

use super::super::super::ir::{Expr, ExprId, Symbol};
use super::{Kind, Lower, Part};

impl<'t> Lower<'_, 't> {
    /// The content of a string, or of a template without substitutions; nothing for an escape that is not
    /// understood.
    pub fn literal(&self, part: Part<'t>) -> Option<Cow<'t, str>> {
        let is_template = match part.kind {
            Kind::String => false,
            Kind::TemplateString => true,
            _ => return None,
        };
        if part.node.has_error() {
            return None;
        }
        let content = inside(self.of(part))?;
        if is_template && content.contains("${") {
            return None;
        }
        unescape(content)
    }

    /// A string.
    pub fn string(&mut self, part: Part<'t>) -> ExprId {
        match self.literal(part) {
            Some(text) => self.add_text(&text, part.node),
            None => self.opaque(part),
        }
    }

    /// A template, without a tag.
    pub fn template(&mut self, part: Part<'t>) -> ExprId {
        if self.literal(part).is_some() {
            return self.string(part);
        }
        let pieces = self.pieces(part);
        let run = self.list(&pieces);
        self.add(Expr::Template(run), part.node)
    }

    /// The parts of a template, lowered.
    pub fn pieces(&mut self, part: Part<'t>) -> Vec<ExprId> {
        let parts = self.parts(part.node);
        let mut pieces = Vec::with_capacity(parts.all.len());
        for it in &parts.all {
            match it.kind {
                Kind::StringFragment => {
                    let text = self.of(*it);
                    pieces.push(self.add_text(text, it.node));
                }
                Kind::EscapeSequence => pieces.push(match unescape(self.of(*it)) {
                    Some(text) => self.add_text(&text, it.node),
                    None => self.opaque(*it),
                }),
                Kind::TemplateSubstitution => pieces.push(self.only(*it)),
                _ => {}
            }
        }
        self.done(parts);
        pieces
    }

    /// The name of a property as it is written in an object, class, enum or pattern; nothing for one that is
    /// computed.
    pub fn property_name(&self, part: Part<'t>) -> Option<Symbol> {
        if part.is_missing() {
            return None;
        }
        match part.kind {
            Kind::String => self.literal(part).map(|it| Symbol::from(&it)),
            Kind::PrivateName => Some(Symbol::from(self.of(part).trim_start_matches('#'))),
            Kind::ComputedName => None,
            _ => Some(self.symbol(part.node)),
        }
    }
}

/// A string without its quotes.
fn inside(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|it| matches!(it, '"' | '\'' | '`'))?;
    text[1..].strip_suffix(quote)
}

fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('\\') {
        return Some(Cow::Borrowed(text));
    }
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        whole.push_str(&rest[..at]);
        let (character, length) = escaped(&rest[at + 1..])?;
        whole.extend(character);
        rest = &rest[at + 1 + length..];
    }
    whole.push_str(rest);
    Some(Cow::Owned(whole))
}

/// What stands after a backslash: the character that it means, if it means one, and how many bytes it takes.
fn escaped(rest: &str) -> Option<(Option<char>, usize)> {
    let first = rest.chars().next()?;
    Some(match first {
        'n' => (Some('\n'), 1),
        't' => (Some('\t'), 1),
        'r' => (Some('\r'), 1),
        '\n' => (None, 1),
        'x' => (Some(hex(rest.get(1..3)?)?), 3),
        'u' => match rest[1..].strip_prefix('{') {
            Some(digits) => {
                let digits = &digits[..digits.find('}')?];
                (Some(hex(digits)?), digits.len() + 3)
            }
            None => (Some(hex(rest.get(1..5)?)?), 5),
        },
        '0'..='9' | 'b' | 'f' | 'v' | '\r' => return None,
        other => (Some(other), other.len_utf8()),
    })
}

fn hex(digits: &str) -> Option<char> {
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
}
