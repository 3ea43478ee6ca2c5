//! Strings of attributes, which are no strings of code: `"Tom &amp; Jerry"` has an entity, and `"\\d"` no escape.

use super::style::literal;

/// The entities that are used where a character cannot be typed.
const ENTITIES: [(&str, char); 22] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("hellip", '…'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("middot", '·'),
    ("bull", '•'),
    ("times", '×'),
    ("euro", '€'),
];

/// An attribute's string as code writes it, where that is another text.
pub(super) fn as_code(written: &str) -> Option<String> {
    let content = content(written)?;
    let quote = written.chars().next()?;
    let inner = decoded(content)?;
    if inner.contains(['\n', '\r']) {
        return Some(literal('`', &inner).replace("${", "\\${"));
    }
    Some(literal(quote, &inner)).filter(|it| it != written)
}

/// Whether it can be told what the string of an attribute says.
pub(super) fn is_clear(written: &str) -> bool {
    content(written).is_none_or(|it| decoded(it).is_some())
}

/// What stands between the quotes.
fn content(written: &str) -> Option<&str> {
    let quote = written.chars().next().filter(|it| matches!(it, '"' | '\''))?;
    written.strip_prefix(quote)?.strip_suffix(quote)
}

/// A text with characters for its entities; `None` where one is not known.
fn decoded(content: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = content;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        let name = after.split_once(';').map(|it| it.0).filter(|it| is_name(it));
        let Some(name) = name else {
            text.push('&');
            rest = after;
            continue;
        };
        text.push(character(name)?);
        rest = &after[name.len() + 1..];
    }
    text.push_str(rest);
    Some(text)
}

fn is_name(name: &str) -> bool {
    let plain = name.strip_prefix('#').unwrap_or(name);
    !plain.is_empty() && plain.bytes().all(|it| it.is_ascii_alphanumeric())
}

fn character(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return ENTITIES.iter().find(|it| it.0 == name).map(|it| it.1);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    code.ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_attributes_say_the_same_in_code() {
        for (written, code) in [
            (r#""plain""#, None),
            (r#""a & b""#, None),
            (r#""Tom &amp; Jerry""#, Some(r#""Tom & Jerry""#)),
            (r#""&lt;b&gt;""#, Some(r#""<b>""#)),
            (r#"'&#39;&#x41;'"#, Some(r"'\'A'")),
            (r#""say &quot;hi&quot;""#, Some(r#""say \"hi\"""#)),
            (r#""content-['\2713']""#, Some(r#""content-['\\2713']""#)),
            (r#""\d+""#, Some(r#""\\d+""#)),
            ("\"a\n  b `${c}\"", Some("`a\n  b \\`\\${c}`")),
        ] {
            assert_eq!(as_code(written).as_deref(), code, "{written}");
            assert!(is_clear(written));
        }
        assert!(!is_clear(r#""&unheardof;""#));
    }
}
