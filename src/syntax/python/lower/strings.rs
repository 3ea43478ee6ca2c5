//! Strings, f-strings, and what `%` and `.format` make of them.

use tree_sitter::Node;

use super::super::super::ir::{Arg, Builder, Bytes, Expr, ExprId, Symbol};
use super::expressions::expr;
use super::{Kind, all, children, errors, kind};

/// Lowers a string, or several that stand side by side.
pub fn string<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    if let Some(text) = simple(b, node) {
        return b.add_text(text, node);
    }
    let mut joined = Joined::default();
    match kind(node) {
        Kind::String => pieces(b, node, &mut joined),
        _ => {
            errors(b, node);
            children(node).into_iter().for_each(|it| pieces(b, it, &mut joined));
        }
    }
    if node.has_error() {
        return b.add(Expr::Opaque, node);
    }
    if joined.parts.is_empty() {
        return match joined.is_known {
            true => b.add_text(&joined.text, node),
            false => b.add(Expr::Opaque, node),
        };
    }
    joined.part(b);
    let run = b.list(&joined.parts);
    b.add(Expr::Template(run), node)
}

/// The text of a string in which nothing is to be replaced, as nearly all are.
fn simple<'t>(b: &Builder<'t>, node: Node<'t>) -> Option<&'t str> {
    if kind(node) != Kind::String || node.has_error() || is_bytes(b, node) {
        return None;
    }
    match node.child_count() {
        2 => Some(""),
        3 => {
            let content = node.child(1).filter(|it| kind(*it) == Kind::StringContent)?;
            (content.child_count() == 0).then(|| b.text(content))
        }
        _ => None,
    }
}

fn is_bytes(b: &Builder, string: Node) -> bool {
    let quote = b.source[string.byte_range()].find(['"', '\'']).unwrap_or_default();
    b.source[string.start_byte()..][..quote].contains(['b', 'B'])
}

/// A string that is being put together.
struct Joined {
    parts: Vec<ExprId>,
    /// The text since the last part, and where it is.
    text: String,
    at: Option<Bytes>,
    is_known: bool,
}

impl Default for Joined {
    fn default() -> Joined {
        Joined { parts: Vec::new(), text: String::new(), at: None, is_known: true }
    }
}

impl Joined {
    /// Makes a part of the text so far.
    fn part(&mut self, b: &mut Builder) {
        let Some(at) = self.at.take() else { return };
        let text = std::mem::take(&mut self.text);
        self.parts.push(match std::mem::replace(&mut self.is_known, true) {
            true => b.add_text_at(&text, at),
            false => b.add_at(Expr::Opaque, at),
        });
    }
}

fn pieces<'t>(b: &mut Builder<'t>, string: Node<'t>, joined: &mut Joined) {
    errors(b, string);
    joined.is_known &= !is_bytes(b, string);
    for piece in children(string) {
        match kind(piece) {
            Kind::StringContent => {
                let bytes = b.bytes(piece);
                let start = joined.at.take().map_or(bytes.start, |it| it.start);
                joined.at = Some(start..bytes.end);
                joined.is_known &= decode(b, piece, &mut joined.text).is_some();
            }
            Kind::Interpolation => {
                joined.part(b);
                let it = interpolation(b, piece);
                joined.parts.push(it);
            }
            _ => {}
        }
    }
}

/// `{value}` is the value; one with a conversion or a format is lowered, but what it gives is not told.
fn interpolation<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    errors(b, node);
    let inside = children(node);
    let Some((value, rest)) = inside.split_first() else { return b.add(Expr::Opaque, node) };
    let value_end = value.end_byte();
    let value = expr(b, *value);
    rest.iter().for_each(|it| all(b, *it));
    let says_its_name = b.source[value_end..node.end_byte()].trim_start().starts_with('=');
    if rest.is_empty() && !says_its_name { value } else { b.add(Expr::Opaque, node) }
}

/// Adds the text of a piece; nothing when an escape in it is one that nobody writes in a key.
fn decode<'t>(b: &Builder<'t>, content: Node<'t>, text: &mut String) -> Option<()> {
    let mut from = content.start_byte();
    for escape in children(content) {
        text.push_str(&b.source[from..escape.start_byte()]);
        from = escape.end_byte();
        match kind(escape) {
            Kind::EscapeInterpolation => text.push_str(&b.text(escape)[..1]),
            _ => text.push_str(&unescape(b.text(escape))?),
        }
    }
    text.push_str(&b.source[from..content.end_byte()]);
    Some(())
}

/// What an escape stands for; `\N{name}` is not known.
fn unescape(escape: &str) -> Option<String> {
    let code = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let rest = escape.strip_prefix('\\')?;
    let it = match rest.chars().next()? {
        '\r' | '\n' => return Some(String::new()),
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' | 'u' | 'U' => code(&rest[1..], 16)?,
        '0'..='7' => code(rest, 8)?,
        it @ ('\\' | '\'' | '"') => it,
        _ => return None,
    };
    Some(it.to_string())
}

/// A part of a string with places to fill in.
enum Piece {
    Text(String),
    /// A place that takes the next value as it is.
    Hole,
    /// A place that does something else to a value, behind which nothing is told.
    Unknown,
}

/// `'key-%s' % value`
pub fn percent<'t>(b: &mut Builder<'t>, text: Symbol, value: ExprId, node: Node<'t>) -> ExprId {
    let values = match b.chunk.exprs[value.at()] {
        Expr::List(run) => b.chunk.exprs_in(run).to_vec(),
        Expr::Object(_) => Vec::new(),
        _ => vec![value],
    };
    filled(b, split(text.as_str(), '%'), &values, node)
}

/// `'key-{}'.format(value)`
pub fn format<'t>(b: &mut Builder<'t>, text: Symbol, args: &[Arg], node: Node<'t>) -> ExprId {
    let is_told = args.iter().all(|it| it.name.is_none() && !it.spread);
    let values: Vec<_> = args.iter().filter(|_| is_told).map(|it| it.value).collect();
    filled(b, split(text.as_str(), '{'), &values, node)
}

/// The pieces of a string in which `mark` begins a place.
fn split(text: &str, mark: char) -> Vec<Piece> {
    let (hole, doubled, closing) = if mark == '%' { ("%s", "%%", "%%") } else { ("{}", "{{", "}}") };
    let (mut pieces, mut before, mut rest) = (Vec::new(), String::new(), text);
    while let Some(next) = rest.chars().next() {
        if rest.starts_with(doubled) || rest.starts_with(closing) {
            before.push(next);
            rest = &rest[2..];
        } else if next == mark {
            pieces.push(Piece::Text(std::mem::take(&mut before)));
            if !rest.starts_with(hole) {
                pieces.push(Piece::Unknown);
                return pieces;
            }
            pieces.push(Piece::Hole);
            rest = &rest[2..];
        } else {
            before.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    pieces.push(Piece::Text(before));
    pieces
}

/// Fills in the values, if each has its place; else only the beginning is told.
fn filled<'t>(b: &mut Builder<'t>, pieces: Vec<Piece>, values: &[ExprId], node: Node<'t>) -> ExprId {
    let holes = pieces.iter().filter(|it| matches!(it, Piece::Hole)).count();
    let is_told = holes == values.len() && !pieces.iter().any(|it| matches!(it, Piece::Unknown));
    let (mut parts, mut values) = (Vec::new(), values.iter());
    for piece in pieces {
        match piece {
            Piece::Text(text) if text.is_empty() => {}
            Piece::Text(text) => parts.push(b.add_text(&text, node)),
            Piece::Hole if is_told => parts.extend(values.next()),
            Piece::Hole | Piece::Unknown => {
                parts.push(b.add(Expr::Opaque, node));
                break;
            }
        }
    }
    if let [only] = parts.as_slice()
        && matches!(b.chunk.exprs[only.at()], Expr::Text(_))
    {
        return *only;
    }
    let run = b.list(&parts);
    b.add(Expr::Template(run), node)
}

/// The text of a string that is no f-string, and where it is without its quotes.
pub fn content<'t>(b: &Builder<'t>, node: Node<'t>) -> Option<(&'t str, usize)> {
    let text = simple(b, node).filter(|it| !it.is_empty())?;
    Some((text, node.child(1)?.start_byte()))
}

/// A string's text and place, for a type.
pub fn literal<'t>(b: &Builder<'t>, node: Node<'t>) -> Option<(Symbol, Bytes)> {
    let text = simple(b, node)?;
    Some((Symbol::from(text), b.bytes(node)))
}
