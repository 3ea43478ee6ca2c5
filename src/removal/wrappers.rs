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
use super::imports::Name;
use super::known::{Kept, Known, nothing};
use super::pass::Pass;
use super::scopes::{How, Scopes};
use super::view::{View, parts, view};
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

/// The file and the first byte of a wrapper, the key that it is called with, and the call as it is written.
type Place = (Arc<Path>, usize, FlagKey, String);

/// A function that passes its parameter on as a key.
#[derive(Clone)]
struct Wrapper {
    path: Arc<Path>,
    /// The function, in bytes of its file.
    range: Range<usize>,
    /// The parameter that is the key, or that the key is a property of.
    key: Range<usize>,
    /// The parameter itself is the key.
    is_whole: bool,
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
        let call = read.call_span.bytes();
        let place = (wrapper.path.clone(), wrapper.range.start, key, document.text[call.clone()].to_owned());
        let known = self.values.borrow().get(&place).cloned();
        let value = known.unwrap_or_else(|| {
            let value = self.specialised(wrapper, &place.2, &Call::of(document, &call), depth);
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
    fn specialised(
        &self,
        wrapper: &Wrapper,
        key: &FlagKey,
        call: &Call,
        depth: u32,
    ) -> Result<Known, String> {
        if depth > DEEPEST {
            return Err("which is wrapped too often".into());
        }
        let (language, text) = self.world.text(&wrapper.path).ok_or("whose file cannot be read")?;
        let facts = self.world.facts(&wrapper.path).ok_or("whose file is not known")?;
        let mut document = Document::new(language, text.to_string(), language.parse(&text, None));
        document.is_copy = true;
        let is_inside = |it: &Range<usize>| wrapper.range.start <= it.start && it.end <= wrapper.range.end;
        let scopes = document.scopes();
        if let Some(binding) = scopes.declared_at(wrapper.key.start).filter(|_| wrapper.is_whole) {
            for it in &binding.reads {
                document.marks.insert((it.range.start, it.range.end), Known::text(key.as_str()));
            }
        }
        let given = call.given(&document, &scopes, wrapper.range.start);
        document.marks.extend(given);
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
        result_at(&document, start)
    }
}

/// The last name of what is called, as its own file calls it.
fn called_name(document: &Document, range: &Range<usize>) -> Option<String> {
    let node = document.tree.root_node().named_descendant_for_byte_range(range.start, range.end)?;
    let callee = match node.kind() {
        "call_expression" | "call" => node.child_by_field_name("function")?,
        "jsx_self_closing_element" => node.child_by_field_name("name")?,
        "jsx_element" => node.child_by_field_name("open_tag")?.child_by_field_name("name")?,
        _ => return None,
    };
    let text = document.of(callee);
    let name = text.rsplit(['.', ' ']).next()?.trim_start_matches('?');
    // `import { isOn as check }`
    let renamed = document.imports().iter().find_map(|it| match &it.name {
        Name::Named(own) if it.local.clone().is_some_and(|it| document.text[it] == *name) => {
            Some(own.clone())
        }
        _ => None,
    });
    Some(renamed.filter(|it| it != "default").unwrap_or_else(|| name.to_owned()))
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
        let scopes = document.scopes();
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
            let is_whole = document.text[read.key_span.bytes()] == document.text[key.clone()];
            let key = binding.name.clone();
            let found = Wrapper { path: path.clone(), range: it.byte_range(), key, is_whole };
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
            "member_expression" | "attribute" => node = node.child_by_field_name("object")?,
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

/// What the function that begins at a place returns, when it does nothing else; an error says what else it does.
fn result_at(document: &Document, start: usize) -> Result<Known, String> {
    let unknown = || "which does more than give its value".to_owned();
    let scopes = document.scopes();
    let pass = Pass::new(document, &scopes);
    let mut found = document.tree.root_node().named_descendant_for_byte_range(start, start + 1);
    while let Some(it) = found
        && (!(it.kind().contains("function") || it.kind() == "method_definition") || it.start_byte() != start)
    {
        found = it.parent();
    }
    let function = found.ok_or_else(unknown)?;
    if passes_on(document, function) {
        return Ok(Known::PassesOn);
    }
    let body = function.child_by_field_name("body").ok_or_else(unknown)?;
    let mut given = Given { pass: &pass, function, values: Vec::new() };
    let goes_on = match body.kind() {
        "statement_block" | "block" => given.run(body)?,
        _ => given.value(body).map(|()| false)?,
    };
    if goes_on {
        given.values.push(nothing(document.language));
    }
    let mut values = given.values.into_iter();
    let first = values.next().ok_or_else(unknown)?;
    match values.all(|it| it == first) {
        true => Ok(first),
        false => Err("which gives something else where the flag is not asked".into()),
    }
}

/// What the ways through a function give.
struct Given<'p, 'd> {
    pass: &'p Pass<'d>,
    function: Node<'d>,
    values: Vec<Known>,
}

impl<'d> Given<'_, 'd> {
    fn value(&mut self, value: Node<'d>) -> Result<(), String> {
        let known = known_deeply(self.pass, self.function, value);
        self.values.push(known.ok_or_else(|| self.does_more(value))?);
        Ok(())
    }

    /// Goes through a block. Returns whether its end is reached.
    fn run(&mut self, block: Node<'d>) -> Result<bool, String> {
        let is_python = self.pass.language() == Language::Python;
        for statement in parts(block) {
            match statement.kind() {
                _ if is_python && python::is_docstring(statement) => {}
                "return_statement" => {
                    match parts(statement).first() {
                        Some(value) => self.value(*value)?,
                        None => self.values.push(nothing(self.pass.language())),
                    }
                    return Ok(false);
                }
                "pass_statement" | "empty_statement" => {}
                "statement_block" => {
                    if !self.run(statement)? {
                        return Ok(false);
                    }
                }
                "if_statement" => {
                    if !self.either(statement)? {
                        return Ok(false);
                    }
                }
                "lexical_declaration" if parts(statement).iter().all(|it| self.is_quiet(*it, "value")) => {}
                "expression_statement" if parts(statement).iter().all(|it| self.is_quiet(*it, "right")) => {}
                _ => return Err(self.does_more(statement)),
            }
        }
        Ok(true)
    }

    fn either(&mut self, statement: Node<'d>) -> Result<bool, String> {
        let condition = statement.child_by_field_name("condition");
        let branches = [
            statement.child_by_field_name("consequence"),
            statement
                .child_by_field_name("alternative")
                .and_then(|it| it.child_by_field_name("body").or_else(|| parts(it).last().copied())),
        ];
        if !condition.is_some_and(|it| self.pass.is_pure(it)) {
            return Err(self.does_more(statement));
        }
        let mut goes_on = branches[1].is_none();
        for branch in branches.into_iter().flatten() {
            goes_on |= match branch.kind() {
                "statement_block" | "block" => self.run(branch)?,
                "if_statement" => self.either(branch)?,
                "return_statement" => {
                    parts(branch).first().map_or(Ok(()), |it| self.value(*it))?;
                    false
                }
                _ => return Err(self.does_more(branch)),
            };
        }
        Ok(goes_on)
    }

    fn is_quiet(&self, node: Node<'d>, field: &str) -> bool {
        let value = if node.kind().contains("assignment") || node.kind().contains("declarator") {
            node.child_by_field_name(field)
        } else {
            Some(node)
        };
        value.is_none_or(|it| self.pass.is_pure(it))
    }

    fn does_more(&self, node: Node) -> String {
        let line = self.pass.doc.of(node).lines().next().unwrap_or_default().trim_end_matches(['{', ' ']);
        let short: String = line.chars().take(60).collect();
        format!("which does more than give its value: `{short}`")
    }
}

/// Whether a function only passes on to what it is put before: a decorator of one's own, a middleware.
fn passes_on(document: &Document, function: Node) -> bool {
    match document.language {
        Language::Python => python_passes_on(document, function).is_some(),
        _ => {
            let inner = match function.child_by_field_name("body") {
                Some(body) if body.kind() == "statement_block" => match parts(body)[..] {
                    [only] if only.kind() == "return_statement" => parts(only).first().copied(),
                    _ => None,
                },
                body => body,
            };
            inner.is_some_and(|it| it.kind().contains("function") && is_middleware(document, it))
        }
    }
}

/// `(req, res, next) => next()`
fn is_middleware(document: &Document, function: Node) -> bool {
    let parameters = function.child_by_field_name("parameters").map(parts).unwrap_or_default();
    let name = |it: &Node| document.of(it.child_by_field_name("pattern").unwrap_or(*it)).to_owned();
    let Some(next) = parameters.last().map(name).filter(|_| parameters.len() > 1) else { return false };
    let body = function.child_by_field_name("body").map(|it| document.of(it)).unwrap_or_default();
    let plain: String = body.trim_matches(['{', '}']).split_whitespace().collect();
    [format!("{next}()"), format!("{next}();"), format!("return{next}()"), format!("return{next}();")]
        .contains(&plain)
}

/// `def outer(view): def inner(...): return view(...)`, given back.
fn python_passes_on(document: &Document, factory: Node) -> Option<()> {
    let (outer, _) = given_back(document, factory)?;
    let view = taken_by(document, outer)?.into_iter().next()?;
    let inner = match given_back(document, outer) {
        Some((inner, _)) => inner,
        None => {
            let only = last_of_body(outer).filter(|it| document.of(*it) == format!("return {view}"));
            return only.map(|_| ());
        }
    };
    let value = *parts(last_of_body(inner)?).first()?;
    let call = if value.kind() == "await" { *parts(value).first()? } else { value };
    let is_view = call.kind() == "call" && document.of(call.child_by_field_name("function")?) == view;
    let passed: Vec<&str> =
        parts(call.child_by_field_name("arguments")?).into_iter().map(|it| document.of(it)).collect();
    (is_view && passed == taken_by(document, inner)?).then_some(())
}

/// The parameters of a function as one would pass them on: `*args` for `*args: Any`.
fn taken_by(document: &Document, function: Node) -> Option<Vec<String>> {
    let name = |it: Node| match it.kind() {
        "identifier" | "list_splat_pattern" | "dictionary_splat_pattern" => Some(document.of(it).to_owned()),
        "typed_parameter" => it.named_child(0).map(|it| document.of(it).to_owned()),
        _ => None,
    };
    parts(function.child_by_field_name("parameters")?).into_iter().map(name).collect()
}

/// The only statement of a body, a docstring left out.
fn last_of_body(function: Node) -> Option<Node> {
    let body = parts(function.child_by_field_name("body")?);
    let said: Vec<Node> = body.into_iter().filter(|it| !python::is_docstring(*it)).collect();
    if let [only] = said[..] { Some(only) } else { None }
}

/// `def inner(...): ...` and `return inner`: the inner function.
fn given_back<'d>(document: &Document, function: Node<'d>) -> Option<(Node<'d>, Node<'d>)> {
    let body = parts(function.child_by_field_name("body")?);
    let said: Vec<Node> = body.into_iter().filter(|it| !python::is_docstring(*it)).collect();
    let [defined, end] = said[..] else { return None };
    let inner = match defined.kind() {
        "decorated_definition" => defined.child_by_field_name("definition")?,
        _ => defined,
    };
    let name = document.of(inner.child_by_field_name("name")?);
    (inner.kind() == "function_definition" && document.of(end) == format!("return {name}"))
        .then_some((inner, end))
}

/// What a call gives to the parameters of the function that it calls, as far as it is written down there.
struct Call {
    /// By position; `None` where it is no plain value.
    values: Vec<Option<Known>>,
    /// By name: keyword arguments, attributes.
    named: BTreeMap<String, Option<Known>>,
    is_element: bool,
}

impl Call {
    fn of(document: &Document, range: &Range<usize>) -> Call {
        let mut call = Call { values: Vec::new(), named: BTreeMap::new(), is_element: false };
        let node = document.tree.root_node().named_descendant_for_byte_range(range.start, range.end);
        let Some(node) = node else { return call };
        let literal = |it: Node| match view(document.language, &document.text, it) {
            View::Literal(known) => Some(known),
            _ => None,
        };
        match node.kind() {
            "call_expression" | "call" => {
                for it in node.child_by_field_name("arguments").map(parts).unwrap_or_default() {
                    match (it.child_by_field_name("name"), it.child_by_field_name("value")) {
                        (Some(name), Some(value)) if it.kind() == "keyword_argument" => {
                            call.named.insert(document.of(name).to_owned(), literal(value));
                        }
                        _ => call.values.push(literal(it)),
                    }
                }
            }
            _ => {
                call.is_element = true;
                let tag = node.child_by_field_name("open_tag").unwrap_or(node);
                for it in parts(tag).into_iter().filter(|it| it.kind() == "jsx_attribute") {
                    let all = parts(it);
                    let value = match all[..] {
                        [_] => Some(Known::bool(true)),
                        [_, value] if value.kind() == "jsx_expression" => {
                            parts(value).first().and_then(|it| literal(*it))
                        }
                        [_, value] => literal(value),
                        _ => None,
                    };
                    call.named.extend(all.first().map(|it| (document.of(*it).to_owned(), value)));
                }
            }
        }
        call
    }

    /// What the uses of the parameters give, by their places.
    fn given(&self, document: &Document, scopes: &Scopes, function: usize) -> Vec<((usize, usize), Known)> {
        let mut node = document.tree.root_node().named_descendant_for_byte_range(function, function + 1);
        while let Some(it) = node.filter(|it| it.child_by_field_name("parameters").is_none()) {
            node = it.parent().filter(|it| it.start_byte() == function);
        }
        let list = node.and_then(|it| it.child_by_field_name("parameters")).map(parts).unwrap_or_default();
        let mut marks = Vec::new();
        for (at, parameter) in list.into_iter().enumerate() {
            let pattern = parameter.child_by_field_name("pattern").unwrap_or(parameter);
            if pattern.kind() == "object_pattern" {
                for it in parts(pattern).into_iter().filter(|_| self.is_element) {
                    self.give(document, scopes, it, None, &mut marks);
                }
            } else if !self.is_element {
                self.give(document, scopes, parameter, Some(at), &mut marks);
            }
        }
        marks
    }

    fn give(
        &self,
        document: &Document,
        scopes: &Scopes,
        parameter: Node,
        at: Option<usize>,
        marks: &mut Vec<((usize, usize), Known)>,
    ) {
        let field = |name: &str| parameter.child_by_field_name(name);
        let name = field("left").or(field("pattern")).or(field("name")).unwrap_or(parameter);
        let default = field("right").or(field("value"));
        let called = document.of(field("key").unwrap_or(name));
        let given = match (self.named.get(called), at.and_then(|it| self.values.get(it))) {
            (Some(it), _) | (_, Some(it)) => it.clone(),
            (None, None) => match default.map(|it| view(document.language, &document.text, it)) {
                Some(View::Literal(known)) => Some(known),
                None if document.language != Language::Python && called != "children" => {
                    Some(Known::Undefined)
                }
                _ => None,
            },
        };
        let binding = scopes.declared_at(name.start_byte()).filter(|it| it.writes.is_empty());
        if let (Some(known), Some(binding)) = (given, binding) {
            let values = binding.reads.iter().filter(|it| it.how == How::Value);
            marks.extend(values.map(|it| ((it.range.start, it.range.end), known.clone())));
        }
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
    if value.kind() == "jsx_element" && pass.doc.of(value).split_whitespace().collect::<String>() == "<></>" {
        return Some(Known::Json(serde_json::Value::Null));
    }
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
