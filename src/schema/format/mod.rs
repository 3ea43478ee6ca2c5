use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};
use toml_edit::{Array, Decor, DocumentMut, InlineTable, Item, KeyMut, RawString, Table, Value};

use super::Node;

/// How much further the elements of a list stand in that has lines of its own.
const INDENT: usize = 2;

/// A document laid out: one space round `=` and between elements, an empty line before each header, never two of
/// them, nothing behind a line. Comments, the order of keys, and whether a list has lines of its own stay. `None` of a
/// text that is no TOML, and of one whose layout nobody here understands.
pub fn format(text: &str) -> Option<String> {
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let is_dos = body.contains("\r\n");
    let unix = body.replace("\r\n", "\n");
    if is_dos && unix.matches('\n').count() != body.matches("\r\n").count() {
        return None;
    }
    let formatted = laid_out(&unix)?;
    // Whatever else happened is a mistake of ours, and nobody's text may pay for it.
    let inked = |it: &str| it.chars().filter(|it| !it.is_whitespace()).collect::<String>();
    let said = |it: &str| Node::from_toml(it).0.to_json();
    if inked(&formatted) != inked(&unix) || said(&formatted) != said(&unix) {
        return None;
    }
    let formatted = if is_dos { formatted.replace('\n', "\r\n") } else { formatted };
    Some(format!("{mark}{formatted}"))
}

/// The edits that make one text of another: whole lines, only those that differ.
pub fn differing_lines(before: &str, after: &str) -> Vec<(Range<usize>, String)> {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let starts: Vec<usize> = std::iter::once(0)
        .chain(old.iter().scan(0, |at, it| {
            *at += it.len();
            Some(*at)
        }))
        .collect();
    let edit = |op: DiffOp| match op {
        DiffOp::Equal { .. } => None,
        other => {
            let (of_old, of_new) = (other.old_range(), other.new_range());
            Some((starts[of_old.start]..starts[of_old.end], new[of_new].concat()))
        }
    };
    capture_diff_slices(Algorithm::Myers, &old, &new).into_iter().filter_map(edit).collect()
}

fn laid_out(text: &str) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let end = raw(document.trailing());
    let has_values = document.as_table().iter().any(|it| begins_with_a_value(it.1));
    let first = if has_values { None } else { first_header(document.as_table()) };
    let mut layout = Layout { is_at_start: has_values, first };
    layout.table(document.as_table_mut());
    let end = above(&format!("{end}\n"), document.as_table().is_empty(), false);
    // Of empty lines at the end none stays; the last statement has a line end of its own.
    document.set_trailing(match end.trim_end() {
        "" => String::new(),
        end => format!("{end}\n"),
    });
    Some(document.to_string())
}

fn begins_with_a_value(item: &Item) -> bool {
    item.is_value() || item.as_table().is_some_and(Table::is_dotted)
}

/// The position of the header that stands before all others.
fn first_header(table: &Table) -> Option<isize> {
    let below = table.iter().filter_map(|it| match it.1 {
        Item::Table(table) => first_header(table),
        Item::ArrayOfTables(list) => list.iter().filter_map(first_header).min(),
        _ => None,
    });
    table.position().filter(|_| !table.is_implicit()).into_iter().chain(below).min()
}

struct Layout {
    /// Nothing was written yet, and a value comes first.
    is_at_start: bool,
    /// The header that begins the document.
    first: Option<isize>,
}

impl Layout {
    fn table(&mut self, table: &mut Table) {
        for (mut key, item) in table.iter_mut() {
            key.dotted_decor_mut().clear();
            match item {
                Item::Value(value) => self.pair(&mut key, value),
                Item::Table(table) if table.is_dotted() => self.table(table),
                Item::Table(table) => {
                    inside_header(&mut key);
                    self.header(table);
                    self.table(table);
                }
                Item::ArrayOfTables(list) => {
                    inside_header(&mut key);
                    for table in list.iter_mut() {
                        self.header(table);
                        self.table(table);
                    }
                }
                Item::None => {}
            }
        }
    }

    fn pair(&mut self, key: &mut KeyMut, value: &mut Value) {
        let is_first = std::mem::take(&mut self.is_at_start);
        let decor = key.leaf_decor_mut();
        let before = above(&prefix(decor), is_first, false);
        decor.set_prefix(before);
        decor.set_suffix(" ");
        lay_out(value, 0);
        let decor = value.decor_mut();
        let remark = remark(&suffix(decor));
        decor.set_prefix(" ");
        decor.set_suffix(remark);
    }

    fn header(&mut self, table: &mut Table) {
        let is_first = self.first.is_some() && table.position() == self.first;
        let decor = table.decor_mut();
        let (before, behind) = (above(&prefix(decor), is_first, true), remark(&suffix(decor)));
        decor.set_prefix(before);
        decor.set_suffix(behind);
    }
}

/// Nothing stands between the brackets but the names.
fn inside_header(key: &mut KeyMut) {
    if !prefix(key.leaf_decor()).contains('\n') {
        key.leaf_decor_mut().clear();
    }
}

/// What stands above a statement: its comments, and empty lines.
fn above(raw: &str, is_first: bool, is_header: bool) -> String {
    let mut lines: Vec<&str> = raw.split('\n').map(str::trim).collect();
    // The last one is what the statement is indented by.
    lines.pop();
    lines.dedup_by(|a, b| a.is_empty() && b.is_empty());
    if is_first && lines.first().is_some_and(|it| it.is_empty()) {
        lines.remove(0);
    }
    if is_header && !is_first && !lines.contains(&"") {
        lines.insert(0, "");
    }
    lines.into_iter().flat_map(|it| [it, "\n"]).collect()
}

/// A comment behind something.
fn remark(raw: &str) -> String {
    match raw.trim() {
        "" => String::new(),
        remark => format!(" {remark}"),
    }
}

fn lay_out(value: &mut Value, indent: usize) {
    match value {
        Value::Array(list) => lay_out_list(list, indent),
        Value::InlineTable(table) if is_on_one_line(table) => lay_out_inline(table, indent),
        _ => {}
    }
}

fn lay_out_list(list: &mut Array, indent: usize) {
    let mut end = raw(list.trailing());
    // Between an element and its comma nobody expects a comment; only behind the last one there is no comma.
    let n = list.len();
    let suffixes: Vec<String> = list.iter().map(|it| suffix(it.decor())).collect();
    if suffixes.iter().take(n.saturating_sub(1)).any(|it| it.contains('#')) {
        return;
    }
    if let Some(last) = suffixes.last() {
        if last.contains('#') && list.trailing_comma() {
            return;
        }
        end = format!("{last}{end}");
    }
    let is_tall = end.contains('\n') || list.iter().any(|it| prefix(it.decor()).contains('\n'));
    let inner = if is_tall { indent + INDENT } else { indent };
    for (at, element) in list.iter_mut().enumerate() {
        lay_out(element, inner);
        let decor = element.decor_mut();
        let before = match prefix(decor) {
            it if it.contains('\n') => on_lines(&it, inner, at == 0),
            _ if at == 0 => String::new(),
            _ => " ".into(),
        };
        decor.set_prefix(before);
        decor.set_suffix("");
    }
    list.set_trailing(if end.contains('\n') { on_lines(&end, indent, true) } else { String::new() });
}

/// What stands between two elements on lines of their own: a remark on the one before, comments, empty lines.
fn on_lines(raw: &str, indent: usize, is_edge: bool) -> String {
    let mut lines: Vec<&str> = raw.split('\n').map(str::trim).collect();
    lines.pop();
    let mut result = if lines.is_empty() { String::new() } else { remark(lines.remove(0)) };
    lines.dedup_by(|a, b| a.is_empty() && b.is_empty());
    let margin = " ".repeat(indent);
    for line in lines.into_iter().filter(|it| !(is_edge && it.is_empty())) {
        result.push('\n');
        if !line.is_empty() {
            result.push_str(&margin);
            result.push_str(line);
        }
    }
    result.push('\n');
    result.push_str(&margin);
    result
}

/// Newer TOML has inline tables on several lines; those stay as they are.
fn is_on_one_line(table: &InlineTable) -> bool {
    let is_plain = |it: &Decor| !prefix(it).contains(['\n', '#']) && !suffix(it).contains(['\n', '#']);
    let keys_and_values = table.get_values();
    let mut decors = keys_and_values
        .iter()
        .flat_map(|(path, it)| path.iter().map(|it| it.leaf_decor()).chain([it.decor()]));
    !raw(table.trailing()).contains(['\n', '#']) && decors.all(is_plain)
}

fn lay_out_inline(table: &mut InlineTable, indent: usize) {
    lay_out_entries(table, indent);
    let end = if table.is_empty() { "" } else { " " };
    table.set_trailing(end);
}

fn lay_out_entries(table: &mut InlineTable, indent: usize) {
    for (mut key, value) in table.iter_mut() {
        key.dotted_decor_mut().clear();
        if let Value::InlineTable(inner) = value
            && inner.is_dotted()
        {
            lay_out_entries(inner, indent);
            continue;
        }
        let decor = key.leaf_decor_mut();
        decor.set_prefix(" ");
        decor.set_suffix(" ");
        lay_out(value, indent);
        let decor = value.decor_mut();
        decor.set_prefix(" ");
        decor.set_suffix("");
    }
}

fn prefix(decor: &Decor) -> String {
    decor.prefix().map(raw).unwrap_or_default()
}

fn suffix(decor: &Decor) -> String {
    decor.suffix().map(raw).unwrap_or_default()
}

fn raw(it: &RawString) -> String {
    it.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
