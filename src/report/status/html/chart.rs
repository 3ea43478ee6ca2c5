//! A graph of a few lines over days as SVG, and the same numbers as a table.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::super::words;
use super::markup::text;

/// Lines that are drawn; all stand in the table.
pub(super) const MOST_LINES: usize = 5;

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 26.0;

/// What is drawn.
pub(super) struct Chart<'a> {
    /// Unique on the page.
    pub id: String,
    /// What is counted.
    pub title: String,
    /// Oldest first; the last one is not over.
    pub days: &'a [Date],
    /// A name, and a value for each day.
    pub lines: Vec<(String, &'a [u64])>,
    /// Where the target lies, and its words.
    pub target: Option<(f64, String)>,
    /// A sentence below.
    pub note: Option<String>,
}

impl Chart<'_> {
    /// As a figure.
    pub(super) fn html(&self) -> String {
        let id = &self.id;
        let mut html = format!(
            "<figure>\n<figcaption>{title}</figcaption>\n<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-desc\"><title id=\"{id}-title\">{title}</title><desc \
             id=\"{id}-desc\">{}</desc>",
            text(&self.description()),
            title = text(&self.title),
        );
        let most = self.lines.iter().flat_map(|it| it.1).copied().max().unwrap_or(0) as f64;
        let top = nice(self.target.as_ref().map_or(most, |it| most.max(it.0)));
        html += &self.grid(top);
        let target = self.target.as_ref().map(|it| y(it.0, top));
        if let Some(y) = target {
            let _ = write!(html, "<path class=\"target\" d=\"M{LEFT} {y:.1}H{:.1}\"/>", WIDTH - RIGHT);
        }
        for (at, (_, values)) in self.lines.iter().enumerate().take(MOST_LINES).rev() {
            html += &self.line(at, values, top);
        }
        if let Some(y) = target {
            let (x, y) = (LEFT + 4.0, y - 4.0);
            let _ = write!(html, "<text class=\"target-label\" x=\"{x:.1}\" y=\"{y:.1}\">target</text>");
        }
        html += "</svg>\n";
        html += &self.legend();
        if let Some(note) = &self.note {
            let _ = writeln!(html, "<p class=\"note\">{}</p>", text(note));
        }
        html + &self.table() + "</figure>\n"
    }

    /// For those who listen.
    fn description(&self) -> String {
        let day = |it: Option<&Date>| it.map(|it| it.strftime("%-d %B %Y").to_string()).unwrap_or_default();
        let mut words = format!(
            "A line for each value over {} days, from {} to {}; the last day is not over.",
            self.days.len(),
            day(self.days.first()),
            day(self.days.last())
        );
        for (name, values) in self.lines.iter().take(MOST_LINES) {
            let full = values.len().saturating_sub(1);
            let first = values.first().copied().unwrap_or(0);
            let last = values[..full].last().copied().unwrap_or(first);
            let most = values.iter().copied().max().unwrap_or(0);
            let _ = write!(
                words,
                " {name}: {} on the first day, {} on the last full day, at most {}.",
                words::number(first),
                words::number(last),
                words::number(most)
            );
        }
        if let Some((_, target)) = &self.target {
            let _ = write!(words, " {target}.");
        }
        words
    }

    fn x(&self, at: usize) -> f64 {
        let steps = self.days.len().saturating_sub(1).max(1) as f64;
        LEFT + (WIDTH - LEFT - RIGHT) * at as f64 / steps
    }

    fn grid(&self, top: f64) -> String {
        let mut svg = String::from("<g class=\"grid\">");
        for value in [0.0, top / 2.0, top] {
            let y = y(value, top);
            let _ = write!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0,
                words::number(value as u64)
            );
        }
        let last = self.days.len().saturating_sub(1);
        let marks = [(0, "start"), (last / 2, "middle"), (last, "end")];
        for (at, anchor) in marks {
            let Some(day) = self.days.get(at) else { continue };
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                self.x(at),
                HEIGHT - 8.0,
                day.strftime("%-d %b")
            );
        }
        svg + "</g>"
    }

    /// The days that are over, then today: its count still grows.
    fn line(&self, at: usize, values: &[u64], top: f64) -> String {
        let points: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(at, it)| format!("{:.1},{:.1}", self.x(at), y(*it as f64, top)))
            .collect();
        let full = points.len().saturating_sub(1);
        let today = points[full.saturating_sub(1)..].join(" ");
        let end = full.saturating_sub(1);
        let mark = values.get(end).map(|it| mark(at, self.x(end), y(*it as f64, top))).unwrap_or_default();
        format!(
            "<g class=\"line s{}\"><polyline points=\"{}\"/><polyline class=\"today\" points=\"{today}\"/>{mark}</g>",
            at + 1,
            points[..full].join(" ")
        )
    }

    fn legend(&self) -> String {
        let item = |(at, (name, values)): (usize, &(String, &[u64]))| {
            let full = values.len().saturating_sub(1);
            let yesterday = values[..full].last().copied().unwrap_or(0);
            format!(
                "<li><svg class=\"swatch\" viewBox=\"0 0 28 12\" aria-hidden=\"true\" focusable=\"false\"><g class=\"line \
                 s{}\"><polyline points=\"1,6 27,6\"/>{}</g></svg> <bdi>{}</bdi> <span class=\"last\">{} yesterday, {} \
                 today so far</span></li>",
                at + 1,
                mark(at, 14.0, 6.0),
                text(name),
                words::number(yesterday),
                words::number(values.last().copied().unwrap_or(0)),
            )
        };
        let mut items: String = self.lines.iter().enumerate().take(MOST_LINES).map(item).collect();
        if self.lines.len() > MOST_LINES {
            let _ = write!(items, "<li>and {} more, in the table</li>", self.lines.len() - MOST_LINES);
        }
        if let Some((_, words)) = &self.target {
            let _ = write!(
                items,
                "<li><svg class=\"swatch\" viewBox=\"0 0 28 12\" aria-hidden=\"true\" focusable=\"false\"><path \
                 class=\"target\" d=\"M1 6H27\"/></svg> {}</li>",
                text(words)
            );
        }
        format!("<ul class=\"legend\">{items}</ul>\n")
    }

    fn table(&self) -> String {
        let head: String = self
            .lines
            .iter()
            .map(|it| format!("<th scope=\"col\"><bdi>{}</bdi></th>", text(&it.0)))
            .collect();
        let row = |(at, day): (usize, &Date)| {
            let cells: String = self
                .lines
                .iter()
                .map(|it| format!("<td>{}</td>", words::number(it.1.get(at).copied().unwrap_or(0))))
                .collect();
            let so_far = if at + 1 == self.days.len() { " so far" } else { "" };
            format!("<tr><th scope=\"row\">{}{so_far}</th>{cells}</tr>", day.strftime("%-d %b"))
        };
        let rows: String = self.days.iter().enumerate().map(row).collect();
        format!(
            "<details>\n<summary>The numbers</summary>\n<table><caption class=\"unseen\">{}</caption><thead><tr><th \
             scope=\"col\">Day</th>{head}</tr></thead><tbody>{rows}</tbody></table>\n</details>\n",
            text(&self.title)
        )
    }
}

fn y(value: f64, top: f64) -> f64 {
    TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - value / top)
}

/// A shape for each line, for those who tell colours apart badly.
fn mark(at: usize, x: f64, y: f64) -> String {
    match at {
        0 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>"),
        1 => format!("<rect x=\"{:.1}\" y=\"{:.1}\" width=\"7\" height=\"7\"/>", x - 3.5, y - 3.5),
        2 => format!("<path d=\"M{x:.1} {:.1}l4.5 8h-9z\"/>", y - 5.0),
        3 => format!("<path d=\"M{x:.1} {:.1}l5 5l-5 5l-5 -5z\"/>", y - 5.0),
        _ => format!("<path d=\"M{:.1} {y:.1}h9M{x:.1} {:.1}v9\"/>", x - 4.5, y - 4.5),
    }
}

/// The end of an axis whose middle is a whole number too.
fn nice(most: f64) -> f64 {
    let mut unit = 1.0;
    loop {
        for step in [2.0, 4.0, 6.0, 8.0] {
            if step * unit >= most {
                return step * unit;
            }
        }
        unit *= if unit == 1.0 { 5.0 } else { 2.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_soon_above_its_largest_value() {
        for (most, top) in [
            (0.0, 2.0),
            (2.0, 2.0),
            (7.0, 8.0),
            (9.0, 10.0),
            (41.0, 60.0),
            (130.0, 160.0),
            (12_345.0, 15_360.0),
        ] {
            assert_eq!(nice(most), top, "{most}");
        }
    }
}
