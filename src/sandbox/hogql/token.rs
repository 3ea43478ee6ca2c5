//! SQL text to tokens.

use super::Refusal;

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A name or keyword; HogQL names may contain `$`.
    Word(String),
    /// A name in backticks or double quotes; never a keyword.
    Quoted(String),
    Text(String),
    Int(i64),
    Float(f64),
    /// An operator or bracket.
    Sign(&'static str),
    End,
}

/// Longest first.
const SIGNS: &[&str] = &[
    "<=", ">=", "!=", "<>", "==", "||", "(", ")", "[", "]", "{", "}", ",", ".", "=", "<", ">", "+", "-", "*",
    "/", "%", ";",
];

/// All tokens; the last one is [`Kind::End`].
pub(super) fn tokens(sql: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = sql[at..].chars().next() {
        let start = at;
        let rest = &sql[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        if rest.starts_with("--") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |it| it + 2);
            continue;
        }
        let kind = match c {
            '\'' => Kind::Text(quoted(sql, &mut at, '\'')?),
            '`' => Kind::Quoted(quoted(sql, &mut at, '`')?),
            '"' => Kind::Quoted(quoted(sql, &mut at, '"')?),
            _ if c.is_ascii_digit() => number(sql, &mut at)?,
            _ if c.is_alphabetic() || c == '_' || c == '$' => {
                let inside = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
                at += rest.find(|it| !inside(it)).unwrap_or(rest.len());
                Kind::Word(sql[start..at].to_owned())
            }
            _ => {
                let sign = SIGNS.iter().find(|it| rest.starts_with(**it));
                let sign =
                    sign.ok_or_else(|| Refusal::syntax(format!("unexpected '{c}' at position {at}")))?;
                at += sign.len();
                Kind::Sign(sign)
            }
        };
        tokens.push(Token { kind, start, end: at });
    }
    tokens.push(Token { kind: Kind::End, start: sql.len(), end: sql.len() });
    Ok(tokens)
}

/// Text between quotes; a doubled quote or a backslash escapes.
fn quoted(sql: &str, at: &mut usize, quote: char) -> Result<String, Refusal> {
    let start = *at;
    let mut text = String::new();
    let mut chars = sql[start + 1..].char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, other)) => text.push(other),
                None => break,
            },
            _ if c == quote => match chars.peek() {
                Some((_, next)) if *next == quote => {
                    text.push(quote);
                    chars.next();
                }
                _ => {
                    *at = start + 1 + offset + quote.len_utf8();
                    return Ok(text);
                }
            },
            _ => text.push(c),
        }
    }
    Err(Refusal::syntax(format!("unterminated {quote} at position {start}")))
}

fn number(sql: &str, at: &mut usize) -> Result<Kind, Refusal> {
    let rest = &sql[*at..];
    let mut end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
    if rest[end..].starts_with('.') && rest[end + 1..].starts_with(|it: char| it.is_ascii_digit()) {
        end += 1;
        end += rest[end..].find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len() - end);
    }
    let text = &rest[..end];
    *at += end;
    let wrong = || Refusal::syntax(format!("bad number '{text}'"));
    match text.contains('.') {
        true => text.parse().map(Kind::Float).map_err(|_| wrong()),
        false => text.parse().map(Kind::Int).map_err(|_| wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(sql: &str) -> Vec<Kind> {
        tokens(sql).unwrap().into_iter().map(|it| it.kind).collect()
    }

    #[test]
    fn names_hold_dollars_and_strings_their_quotes() {
        let word = |it: &str| Kind::Word(it.into());
        assert_eq!(
            kinds("properties.$feature_flag -- why"),
            [word("properties"), Kind::Sign("."), word("$feature_flag"), Kind::End]
        );
        assert_eq!(kinds(r"'it''s \'x\''"), [Kind::Text("it's 'x'".into()), Kind::End]);
        assert_eq!(
            kinds("`$feature/new-checkout`"),
            [Kind::Quoted("$feature/new-checkout".into()), Kind::End]
        );
        assert_eq!(kinds("1.5>=2"), [Kind::Float(1.5), Kind::Sign(">="), Kind::Int(2), Kind::End]);
    }

    #[test]
    fn what_is_not_sql_is_refused() {
        assert!(tokens("'open").is_err());
        assert!(tokens("select ?").is_err());
    }
}
