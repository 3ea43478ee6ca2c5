//! What a brief or `flagline.toml` consists of, for an editor's outline. Headers are found in the text itself, so that
//! a half-typed document keeps its outline.

use std::collections::HashMap;
use std::ops::Range;

use super::markup::plain;
use crate::schema::{Content, Node};

/// A part of a document, with its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub detail: String,
    /// What kind of thing it is.
    pub kind: SymbolKind,
    /// All of it.
    pub span: Range<usize>,
    /// Its name, inside of that.
    pub name_span: Range<usize>,
    /// Its parts, by place.
    pub children: Vec<Symbol>,
}

/// The kinds of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolKind {
    /// The feature that a brief is about.
    Feature,
    /// A table.
    Section,
    /// One of several of its kind.
    Element,
}

/// The parts of a document; those of a brief are parts of its feature.
pub fn outline(text: &str, is_brief: bool) -> Vec<Symbol> {
    let (node, _) = Node::from_toml(text);
    let headers = headers(text, &node);
    let first = headers.first().map_or(text.len(), |it| it.span.start);
    let mut children = inline_parts(&node, &(0..first));
    children.extend(nested(&node, &headers, 0));
    let Some(key) = node.get("key").filter(|_| is_brief) else { return children };
    let word = |key: &str| node.get(key).and_then(Node::as_str).map(plain).unwrap_or_default();
    vec![Symbol {
        name: word("key"),
        detail: word("name"),
        kind: SymbolKind::Feature,
        span: 0..text.len(),
        name_span: key.span.clone(),
        children,
    }]
    .into_iter()
    .map(named)
    .collect()
}

/// A header, up to the next one.
struct Header {
    /// The keys between its brackets.
    path: Vec<String>,
    /// The same with the index of each element of a list.
    place: Vec<String>,
    is_list: bool,
    /// From the bracket to the last statement below.
    span: Range<usize>,
    /// Between the brackets.
    name_span: Range<usize>,
}

/// The headers of a text: lines that begin with a bracket and are in no value.
fn headers(text: &str, node: &Node) -> Vec<Header> {
    let mut values = Vec::new();
    collect_values(text, node, &mut values);
    let mut headers: Vec<Header> = Vec::new();
    let mut counts: HashMap<Vec<String>, usize> = HashMap::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        let in_value = values.iter().any(|it| it.start < start && start < it.end);
        let Some(header) = text[start..at].strip_prefix('[').filter(|_| !in_value) else { continue };
        let is_list = header.starts_with('[');
        let inner = start + if is_list { 2 } else { 1 };
        let end = inner + text[inner..at].find([']', '#', '\n']).unwrap_or(at - inner);
        let path = keys(&text[inner..end]);
        if path.is_empty() {
            continue;
        }
        if is_list {
            *counts.entry(path.clone()).or_default() += 1;
        }
        let mut place = Vec::new();
        for n in 1..=path.len() {
            place.push(path[n - 1].clone());
            place.extend(counts.get(&path[..n]).map(|it| (it - 1).to_string()));
        }
        headers.push(Header { path, place, is_list, span: start..text.len(), name_span: inner..end });
    }
    for n in 0..headers.len() {
        let next = headers[n + 1..]
            .iter()
            .find(|it| !is_below(it, &headers[n]))
            .map_or(text.len(), |it| it.span.start);
        let start = headers[n].span.start;
        headers[n].span.end = start + without_what_follows(&text[start..next]).len();
    }
    headers
}

fn is_below(one: &Header, other: &Header) -> bool {
    one.path.len() > other.path.len() && one.path.starts_with(&other.path)
}

/// A section without the comments and empty lines at its end: they are about the next one.
fn without_what_follows(mut section: &str) -> &str {
    loop {
        section = section.trim_end();
        let line = section.rfind('\n').map_or(0, |it| it + 1);
        if line == 0 || !section[line..].trim_start().starts_with('#') {
            return section;
        }
        section = &section[..line];
    }
}

fn keys(path: &str) -> Vec<String> {
    let keys = path.split('.').map(|it| it.trim().trim_matches(['"', '\'']).to_owned());
    keys.filter(|it| !it.is_empty()).collect()
}

/// The bytes of values that may have several lines.
fn collect_values(text: &str, node: &Node, values: &mut Vec<Range<usize>>) {
    let is_written = text.get(node.span.clone()).is_some_and(|it| !it.starts_with('[') || it.ends_with(']'));
    match &node.content {
        Content::Table(entries) => entries.iter().for_each(|it| collect_values(text, &it.value, values)),
        Content::List(list) => {
            // The span of a list of tables with headers is that of its headers.
            let has_headers =
                list.iter().any(|it| text.get(it.span.clone()).is_some_and(|it| it.starts_with("[[")));
            if is_written && !has_headers {
                values.push(node.span.clone());
            }
            list.iter().for_each(|it| collect_values(text, it, values));
        }
        _ => values.push(node.span.clone()),
    }
}

/// The headers from the first one on that stand below `depth` others, each with those below it.
fn nested(node: &Node, headers: &[Header], depth: usize) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    let mut rest = headers;
    while let Some((header, behind)) = rest.split_first() {
        let n_below = behind.iter().take_while(|it| is_below(it, header)).count();
        let place: Vec<&str> = header.place.iter().map(String::as_str).collect();
        let own = header.span.start
            ..behind.first().map_or(header.span.end, |it| it.span.start.min(header.span.end));
        let mut symbol = Symbol {
            name: plain(header.path.last().map_or("", |it| it)),
            detail: plain(&header.path[depth.min(header.path.len() - 1)..header.path.len() - 1].join(".")),
            kind: if header.is_list { SymbolKind::Element } else { SymbolKind::Section },
            span: header.span.clone(),
            name_span: header.name_span.clone(),
            children: Vec::new(),
        };
        if let Some(node) = node.at(&place) {
            title(&mut symbol, node);
            symbol.children = inline_parts(node, &own);
        }
        symbol.children.extend(nested(node, &behind[..n_below], header.path.len()));
        symbols.push(named(symbol));
        rest = &behind[n_below..];
    }
    symbols
}

/// Tables and lists of tables that are written as values inside of `within`.
fn inline_parts(node: &Node, within: &Range<usize>) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    for entry in node.entries() {
        let (key, value) = (&entry.key_span, &entry.value);
        let is_inside =
            within.start <= key.start && value.span.end <= within.end && key.end <= value.span.start;
        if !is_inside {
            continue;
        }
        let part = |node: &Node, kind, span: Range<usize>, name_span: &Range<usize>| {
            let mut symbol = Symbol {
                name: plain(&entry.key),
                detail: String::new(),
                kind,
                span,
                name_span: name_span.clone(),
                children: inline_parts(node, &node.span),
            };
            title(&mut symbol, node);
            named(symbol)
        };
        match &value.content {
            Content::Table(_) => {
                symbols.push(part(value, SymbolKind::Section, key.start..value.span.end, key))
            }
            Content::List(list) => {
                let tables = list.iter().filter(|it| matches!(it.content, Content::Table(_)));
                symbols.extend(tables.map(|it| part(it, SymbolKind::Element, it.span.clone(), &it.span)));
            }
            _ => {}
        }
    }
    symbols
}

/// An element is called by its name, whatever its kind calls that; what it is an element of comes second.
fn title(symbol: &mut Symbol, node: &Node) {
    let first = ["name", "key", "metric", "what", "event"].into_iter().find_map(|it| {
        let at = node.get(it)?;
        Some((at.as_str()?, at.span.clone()))
    });
    match first {
        Some((name, span)) if symbol.kind == SymbolKind::Element => {
            let kind = std::mem::replace(&mut symbol.name, plain(name));
            symbol.detail = if symbol.detail.is_empty() { kind } else { format!("{}.{kind}", symbol.detail) };
            symbol.name_span = span;
        }
        Some((name, _)) => symbol.detail = plain(name),
        None => {}
    }
}

/// Editors show nothing that has no name, and refuse a name that stands outside.
fn named(mut symbol: Symbol) -> Symbol {
    if symbol.name.trim().is_empty() {
        symbol.name = "?".into();
    }
    let is_inside = symbol.span.start <= symbol.name_span.start && symbol.name_span.end <= symbol.span.end;
    if !is_inside {
        symbol.name_span = symbol.span.start..symbol.span.start;
    }
    symbol
}
