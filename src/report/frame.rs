use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::findings::FindingRow;
use crate::analysis::{Severity, plain};
use crate::text::Span;

/// A finding as compilers show it: the lines of code with carets under the key. Without the source, or when it
/// changed meanwhile, only the place is told.
pub(super) fn frame(finding: &FindingRow, source: Option<&str>) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Information => Level::INFO.with_name(Severity::Information.name()),
        Severity::Hint => Level::HELP.with_name(Severity::Hint.name()),
    };
    let title = level.primary_title(finding.message.as_str()).id(finding.code);
    let path = plain(&finding.place.path);
    let group = match source.and_then(|it| excerpt(it, finding.span)) {
        Some((lines, carets)) => title.element(
            Snippet::source(lines)
                .path(path)
                .line_start(finding.place.line as usize)
                .annotation(AnnotationKind::Primary.span(carets)),
        ),
        None => {
            let (line, column) = (finding.place.line as usize, finding.place.column as usize);
            title.element(Origin::path(path).line(line).char_column(column))
        }
    };
    Renderer::styled().render(&[with_notes(group, finding)])
}

fn with_notes<'a>(mut group: Group<'a>, finding: &'a FindingRow) -> Group<'a> {
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help));
    }
    if let Some(link) = &finding.link {
        group = group.element(Level::NOTE.message(link));
    }
    group
}

/// The whole lines of a span, and where the span lies in them. The renderer shows most control characters as
/// symbols; those from U+0080, which some terminals obey too, are replaced here.
fn excerpt(source: &str, span: Span) -> Option<(String, Range<usize>)> {
    let Range { start, end } = span.bytes();
    source.get(start..end)?;
    let line = source[..start].bytes().filter(|it| *it == b'\n').count();
    (line == span.start.line as usize).then_some(())?;
    let first = source[..start].rfind('\n').map_or(0, |it| it + 1);
    let last = source[end..].find('\n').map_or(source.len(), |it| end + it);
    let before = harmless(&source[first..start]);
    let inside = harmless(&source[start..end]);
    let after = harmless(source[end..last].trim_end_matches('\r'));
    let carets = before.len()..before.len() + inside.len();
    Some((before + &inside + &after, carets))
}

fn harmless(text: &str) -> String {
    text.replace("\r\n", "\n").replace(|it| ('\u{80}'..='\u{9f}').contains(&it), "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    /// The excerpt of what stands between « and », with carets under it.
    fn check(marked: &str) -> Option<(String, String)> {
        let (start, end) = (marked.find('«')?, marked.find('»')? - '«'.len_utf8());
        let text = Text::new(marked.replace(['«', '»'], ""));
        let (lines, carets) = excerpt(text.as_str(), text.span(start..end))?;
        let inside = lines[carets].to_owned();
        Some((lines, inside))
    }

    #[test]
    fn an_excerpt_is_the_whole_lines_of_a_span() {
        for (marked, lines, inside) in [
            ("a\nb('«x»')\nc", "b('x')", "x"),
            ("a\r\nb('«x»')\r\nc", "b('x')", "x"),
            ("«x»", "x", "x"),
            ("f(«`a\r\n  b`»)\r\ng", "f(`a\n  b`)", "`a\n  b`"),
            ("\u{9b}1m\u{1b}é«x»", "\u{fffd}1m\u{1b}éx", "x"),
        ] {
            assert_eq!(check(marked), Some((lines.into(), inside.into())), "{marked:?}");
        }
    }

    #[test]
    fn a_file_that_changed_meanwhile_has_no_excerpt() {
        let text = Text::new("one\ntwo('x')");
        let span = text.span(9..10);
        assert!(excerpt("shorter", span).is_none());
        assert!(excerpt("one line less('x')", span).is_none());
        assert!(excerpt("one\nééééééé", span).is_none(), "inside a character");
    }
}
