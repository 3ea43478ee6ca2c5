//! Functions, hooks and components round a read: what they give once the flag is gone.
//!
//! A copy of the function is rewritten as if its key were the flag's. What is left of it is the answer, when that is
//! one value and nothing else.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use tree_sitter::Node;

use super::document::Document;
use super::known::{Kept, Known, nothing};
use super::pass::Pass;
use super::scopes::Scopes;
use super::view::parts;
use super::world::World;
use super::{javascript, python, rewrite, value_of_method};
use crate::flags::FlagKey;
use crate::syntax::{Language, Read, Via};

/// Wrappers of wrappers are followed this far.
const DEEPEST: u32 = 6;

/// The wrappers of a world, looked for once by each name; what they give is for one flag.
pub(super) struct Wrappers<'w> {
    pub(super) world: &'w dyn World,
    pub(super) kept: &'w Kept,
    named: RefCell<HashMap<String, Rc<[Wrapper]>>>,
    values: RefCell<HashMap<Place, Result<Known, String>>>,
}

/// The file and the first byte of a wrapper, and the key that it is called with.
type Place = (Arc<Path>, usize, FlagKey);

/// A function that passes its parameter on as a key.
#[derive(Clone)]
struct Wrapper {
    path: Arc<Path>,
    /// The function, in bytes of its file.
    range: Range<usize>,
    /// The parameter that is the key.
    key: Range<usize>,
}

impl<'w> Wrappers<'w> {
    pub(super) fn new(world: &'w dyn World, kept: &'w Kept) -> Wrappers<'w> {
        Wrappers { world, kept, named: RefCell::default(), values: RefCell::default() }
    }

    /// What the call of a wrapper gives, be it a function or a component; an error says why that cannot be told.
    pub(super) fn value_of_call(
        &self,
        path: &Path,
        document: &Document,
        read: &Read,
        depth: u32,
    ) -> Result<Known, String> {
        let name = called_name(document, &read.call_span.bytes()).ok_or("what is called here has no name")?;
        let found = self.named(&name);
        let own = || found.iter().filter(|it| *it.path == *path);
        let wrapper = match &found[..] {
            [only] => Some(only),
            _ => own().next().filter(|_| own().count() == 1),
        };
        let wrapper = wrapper.ok_or_else(|| format!("the flag is read by '{name}', which was not found"))?;
        let key = read.key.clone().ok_or("the key that is asked for cannot be told")?;
        let file = wrapper.path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        let place = (wrapper.path.clone(), wrapper.range.start, key);
        let known = self.values.borrow().get(&place).cloned();
        let value = known.unwrap_or_else(|| {
            let value = self.specialised(wrapper, &place.2, depth);
            self.values.borrow_mut().insert(place, value.clone());
            value
        });
        value.map_err(|why| format!("the flag is read by '{name}', {why} ({file})"))
    }

    fn named(&self, name: &str) -> Rc<[Wrapper]> {
        let known = self.named.borrow().get(name).cloned();
        known.unwrap_or_else(|| {
            let found: Rc<[Wrapper]> = wrappers_named(self.world, name).into();
            self.named.borrow_mut().insert(name.to_owned(), found.clone());
            found
        })
    }

    /// What is left of a wrapper whose key is the flag's.
    fn specialised(&self, wrapper: &Wrapper, key: &FlagKey, depth: u32) -> Result<Known, String> {
        if depth > DEEPEST {
            return Err("which is wrapped too often".into());
        }
        let (language, text) = self.world.text(&wrapper.path).ok_or("whose file cannot be read")?;
        let facts = self.world.facts(&wrapper.path).ok_or("whose file is not known")?;
        let mut document = Document::new(language, text.to_string(), language.parse(&text, None));
        document.is_copy = true;
        let is_inside = |it: &Range<usize>| wrapper.range.start <= it.start && it.end <= wrapper.range.end;
        let scopes = Scopes::of(language, &document.text, &document.tree);
        if let Some(binding) = scopes.declared_at(wrapper.key.start) {
            for it in &binding.reads {
                document.marks.insert((it.range.start, it.range.end), Known::text(key.as_str()));
            }
        }
        for read in facts.reads.iter().filter(|it| it.is_forwarded && is_inside(&it.call_span.bytes())) {
            let range = read.call_span.bytes();
            let known = match read.via {
                Via::Wrapper => {
                    let with_key = Read { key: Some(key.clone()), ..read.clone() };
                    self.value_of_call(&wrapper.path, &document, &with_key, depth + 1)?
                }
                _ => value_of_method(language, read, self.kept)?,
            };
            document.marks.insert((range.start, range.end), known);
        }
        rewrite(&mut document);
        let start = document.moved().now(wrapper.range.start).ok_or("which does more than give its value")?;
        result_at(&document, start).ok_or_else(|| "which does more than give its value".into())
    }
}

/// The last name of what is called.
fn called_name(document: &Document, range: &Range<usize>) -> Option<String> {
    let node = document.tree.root_node().named_descendant_for_byte_range(range.start, range.end)?;
    let callee = match node.kind() {
        "call_expression" | "call" => node.child_by_field_name("function")?,
        "jsx_self_closing_element" => node.child_by_field_name("name")?,
        "jsx_element" => node.child_by_field_name("open_tag")?.child_by_field_name("name")?,
        _ => return None,
    };
    let text = document.of(callee);
    Some(text.rsplit(['.', ' ']).next()?.trim_start_matches('?').to_owned())
}

fn wrappers_named(world: &dyn World, name: &str) -> Vec<Wrapper> {
    let mut found: Vec<Wrapper> = Vec::new();
    for path in world.files() {
        let Some(facts) = world.facts(&path) else { continue };
        if !facts.reads.iter().any(|it| it.is_forwarded) {
            continue;
        }
        let Some((language, text)) = world.text(&path).filter(|it| it.1.contains(name)) else { continue };
        let tree = language.parse(&text, None);
        let document = Document::new(language, text.to_string(), tree);
        let scopes = Scopes::of(language, &document.text, &document.tree);
        for read in facts.reads.iter().filter(|it| it.is_forwarded) {
            let Some(wrapper) = wrapper_round(&document, &scopes, &path, read, name) else { continue };
            if !found.iter().any(|it| it.path == wrapper.path && it.range == wrapper.range) {
                found.push(wrapper);
            }
        }
    }
    found
}

/// The function of that name whose parameter the key of a read is.
fn wrapper_round(
    document: &Document,
    scopes: &Scopes,
    path: &Arc<Path>,
    read: &Read,
    name: &str,
) -> Option<Wrapper> {
    let key = key_name(document, &read.key_span.bytes())?;
    let binding = scopes.at(&key)?;
    let mut node = document.tree.root_node().named_descendant_for_byte_range(key.start, key.end);
    while let Some(it) = node {
        let is_function = it.kind().contains("function") || it.kind() == "method_definition";
        if is_function && it.start_byte() <= binding.name.start && binding.name.end <= it.end_byte() {
            let named = function_name(document, it)?;
            let found = Wrapper { path: path.clone(), range: it.byte_range(), key: binding.name.clone() };
            return (named == name).then_some(found);
        }
        node = it.parent();
    }
    None
}

/// The name that a key is at first: of `props.flag` it is `props`.
fn key_name(document: &Document, range: &Range<usize>) -> Option<Range<usize>> {
    let mut node = document.tree.root_node().named_descendant_for_byte_range(range.start, range.end)?;
    loop {
        match node.kind() {
            "identifier" => return Some(node.byte_range()),
            "as_expression" | "non_null_expression" | "parenthesized_expression" | "jsx_expression" => {
                node = node.named_child(0)?;
            }
            _ => return None,
        }
    }
}

/// The name that a function is called by: its own, that of the variable or property, or round `memo(...)`.
fn function_name(document: &Document, function: Node) -> Option<String> {
    if let Some(name) = function.child_by_field_name("name") {
        return Some(document.of(name).to_owned());
    }
    let mut node = function;
    while let Some(parent) = node.parent() {
        match parent.kind() {
            "variable_declarator" | "public_field_definition" => {
                return parent.child_by_field_name("name").map(|it| document.of(it).to_owned());
            }
            "pair" => return parent.child_by_field_name("key").map(|it| document.of(it).to_owned()),
            "arguments" | "call_expression" | "parenthesized_expression" | "as_expression" => node = parent,
            _ => return None,
        }
    }
    None
}

/// What the function that begins at a place returns, when that is all it does.
fn result_at(document: &Document, start: usize) -> Option<Known> {
    let scopes = Scopes::of(document.language, &document.text, &document.tree);
    let pass = Pass::new(document, &scopes);
    let mut node = document.tree.root_node().named_descendant_for_byte_range(start, start + 1)?;
    while !(node.kind().contains("function") || node.kind() == "method_definition")
        || node.start_byte() != start
    {
        node = node.parent()?;
    }
    match returned(document.language, node)? {
        Some(value) => known_deeply(&pass, node, value),
        None => Some(nothing(document.language)),
    }
}

/// The only thing that a function returns; the inner `None` where it returns nothing.
fn returned(language: Language, function: Node) -> Option<Option<Node>> {
    let body = function.child_by_field_name("body")?;
    if !matches!(body.kind(), "statement_block" | "block") {
        return Some(Some(body));
    }
    let is_said = |it: &Node| language != Language::Python || !python::is_docstring(*it);
    let statements: Vec<Node> = parts(body).into_iter().filter(is_said).collect();
    match statements[..] {
        [] => Some(None),
        [only] if only.kind() == "return_statement" => Some(parts(only).first().copied()),
        _ => None,
    }
}

/// A value, an object of values, or what a component was given.
fn known_deeply<'d>(pass: &Pass<'d>, function: Node, value: Node<'d>) -> Option<Known> {
    if let Some(mark) = pass.known(value) {
        return mark.effects.is_empty().then_some(mark.known);
    }
    if pass.language() == Language::Python {
        return None;
    }
    let value = javascript::peeled(value);
    if value.kind() == "object" {
        let mut fields = BTreeMap::new();
        for pair in parts(value) {
            match pair.kind() {
                "pair" => {
                    let (name, field) =
                        (pair.child_by_field_name("key")?, pair.child_by_field_name("value")?);
                    let name = pass.doc.of(name).trim_matches(['"', '\'']).to_owned();
                    match pass.known(field).filter(|it| it.effects.is_empty()) {
                        Some(mark) => drop(fields.insert(name, mark.known)),
                        None if pass.is_pure(field) => {}
                        None => return None,
                    }
                }
                "shorthand_property_identifier" => {
                    if let Some(mark) = pass.known(pair) {
                        fields.insert(pass.doc.of(pair).to_owned(), mark.known);
                    }
                }
                _ => return None,
            }
        }
        return Some(Known::Record(fields));
    }
    javascript::property_of(pass, function, value)
}
