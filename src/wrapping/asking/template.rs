//! A read of another flag, as a pattern for this one.

use tree_sitter::Node;

use super::Place;
use crate::removal::Kind;
use crate::syntax::{Read, Returns, Via};
use crate::wrapping::edits::Edits;
use crate::wrapping::file::{File, ancestors, inside};
use crate::wrapping::functions;
use crate::wrapping::imports::{self, Import};

/// `head` `method` `middle` key `tail`: `posthog.` `isFeatureEnabled` `(` … `, user.id)`.
#[derive(Debug, Clone)]
pub(super) struct Template {
    head: String,
    method: String,
    pub(super) middle: String,
    pub(super) tail: String,
    /// The names that it uses, but for the key; what is called first.
    names: Vec<Name>,
    /// How its first name comes into another file.
    import: Option<Import>,
    /// It is of another file.
    is_foreign: bool,
    returns: Returns,
    via: Via,
    pub(super) is_awaited: bool,
    /// The read stands in a component or hook.
    pub(super) is_in_component: bool,
}

#[derive(Debug, Clone)]
struct Name {
    text: String,
    /// Its declaration, if it has one.
    declared: Option<Declared>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Declared {
    /// Where the name stands.
    at: usize,
    kind: Kind,
    /// The whole declaration.
    text: String,
}

/// Names of the SDKs that ask the same flag for its being on and for its variant.
const PAIRS: [(&str, &str); 5] = [
    ("useFeatureFlagEnabled", "useFeatureFlagVariantKey"),
    ("isFeatureEnabled", "getFeatureFlag"),
    ("isEnabled", "getFlag"),
    ("feature_enabled", "get_feature_flag"),
    ("is_enabled", "get_flag"),
];

impl Template {
    /// How a read asks; `None` where that is no pattern for others.
    pub(super) fn of(file: &File, read: &Read, is_foreign: bool) -> Option<Template> {
        let is_usable = matches!(read.via, Via::Call | Via::Hook | Via::Wrapper | Via::Snapshot)
            && matches!(read.returns, Returns::Boolean | Returns::Variant)
            && !read.is_forwarded;
        let span = read.call_span.bytes();
        let call = file.tree.root_node().named_descendant_for_byte_range(span.start, span.end);
        let call = call.filter(|it| is_usable && matches!(it.kind(), "call_expression" | "call"))?;
        let callee = call.child_by_field_name("function")?;
        let arguments = call.child_by_field_name("arguments")?;
        let key = argument_of(file, arguments, read)?;
        let method = last_name(callee)?;
        if is_taken_further(call) {
            return None;
        }
        let names = names_in(file, call, key);
        let first = names.first()?.text.clone();
        Some(Template {
            head: file.text[call.start_byte()..method.start_byte()].into(),
            method: file.of_node(method).into(),
            middle: file.text[method.end_byte()..key.start_byte()].into(),
            tail: file.text[key.end_byte()..call.end_byte()].into(),
            names,
            import: imports::imported(file, &first),
            is_foreign,
            returns: read.returns,
            via: read.via,
            is_awaited: call.parent().is_some_and(|it| matches!(it.kind(), "await_expression" | "await")),
            is_in_component: functions::component(file, call).is_some(),
        })
    }

    /// What is called, for counting and for a person.
    pub(super) fn asks(&self) -> String {
        format!("{}{}", self.head.replace("?.", "."), self.method)
    }

    pub(super) fn is_hook(&self) -> bool {
        functions::is_hook_name(&self.method)
    }

    /// The import of the client that is asked.
    pub(super) fn client(&self) -> Option<&Import> {
        self.import.as_ref().filter(|_| !self.head.is_empty() && self.via == Via::Call)
    }

    /// Whether it asks the client of browsers, or its hooks.
    pub(super) fn is_of_browser(&self) -> bool {
        self.is_hook() || self.import.as_ref().is_some_and(Import::is_of_browser)
    }

    /// The imported function, whatever it is called here.
    fn imported_name(&self) -> Option<&str> {
        self.import.as_ref().filter(|_| self.head.is_empty()).and_then(Import::name)
    }

    /// The same way of asking for something else: whether a flag is on, or its variant.
    pub(super) fn giving(&self, wanted: Returns) -> Option<Template> {
        if self.returns == wanted {
            return Some(self.clone());
        }
        let method = self.imported_name().unwrap_or(&self.method);
        // `useFeatureFlag` of React Native: what it gives is true in a condition.
        if method == "useFeatureFlag" && self.via == Via::Hook && self.returns == Returns::Variant {
            return Some(self.clone());
        }
        let other = PAIRS.iter().find_map(|(on, variant)| match wanted {
            Returns::Boolean => (method == *variant).then_some(*on),
            _ => (method == *on).then_some(*variant),
        })?;
        if self.via == Via::Wrapper {
            return None;
        }
        let mut template = self.clone();
        template.method = other.to_owned();
        template.returns = wanted;
        if self.head.is_empty() {
            // The function is another one, which may have to be imported.
            let import = template.import.take()?.with_name(other);
            template.names.remove(0);
            template.names.insert(0, Name { text: other.into(), declared: None });
            template.import = Some(import);
            template.is_foreign = true;
        }
        Some(template)
    }

    /// Whether everything that it uses has its name at a place; an error may say what is missing.
    pub(super) fn is_possible(&self, file: &File, place: &Place, at: usize) -> Result<(), Option<String>> {
        if self.is_awaited && !place.can_wait(file) {
            return Err(Some(format!(
                "'{}' has to be awaited, which cannot be done here; make the function async first",
                self.asks()
            )));
        }
        for (n, name) in self.names.iter().enumerate() {
            let is_imported = n == 0 && self.is_foreign && self.import.is_some();
            if is_imported {
                continue;
            }
            let is_there = match (&name.declared, file.scopes.visible(&name.text, at)) {
                (None, None) => true,
                // Of the same class; that is looked at below.
                (Some(_), None) if name.text == "this" => true,
                (None, Some(_)) => false,
                (Some(_), None) => false,
                // Of another file only the customary names of Python mean the same.
                (Some(there), Some(here)) => {
                    // What is called has to be the same, or given the same way.
                    let is_alike = n > 0
                        || here.name.start == there.at
                        || here.kind == Kind::Parameter && there.kind == Kind::Parameter
                        || file.text[here.declaration.clone()] == *there.text;
                    (!self.is_foreign || file.is_python()) && is_alike && place.has(here, at)
                }
            };
            if is_there && !self.has_other_self(file, name, place) {
                continue;
            }
            // Who asks is found elsewhere; about whom cannot be made up.
            let is_of_server = n > 0 || self.is_awaited || self.via == Via::Snapshot;
            let why = || format!("'{}' needs '{}', which is not in scope here", self.asks(), name.text);
            return Err(is_of_server.then(why));
        }
        if self.names.first().is_some_and(|it| it.declared.is_none())
            && self.is_foreign
            && self.import.is_none()
        {
            return Err(None);
        }
        Ok(())
    }

    /// `this` and `self` of another class.
    fn has_other_self(&self, file: &File, name: &Name, place: &Place) -> bool {
        if !matches!(&*name.text, "this" | "self" | "cls") {
            return false;
        }
        let class = |it: Node| ancestors(it).find(|it| it.kind().contains("class")).map(|it| it.start_byte());
        let there = name
            .declared
            .as_ref()
            .and_then(|it| file.tree.root_node().descendant_for_byte_range(it.at, it.at));
        self.is_foreign || there.and_then(class) != class(place.around)
    }

    /// What is called, with its import where that is missing.
    pub(super) fn imported_head(&self, file: &File, edits: &mut Edits) -> Option<String> {
        let plain = || format!("{}{}", self.head, self.method);
        let Some(import) = self.import.as_ref().filter(|_| self.is_foreign) else { return Some(plain()) };
        let first = &self.names.first()?.text;
        let local = imports::ensure(file, import, edits)?;
        match self.head.is_empty() {
            true => Some(local),
            false => plain().strip_prefix(first.as_str()).map(|rest| format!("{local}{rest}")),
        }
    }

    /// The same template, with its import as another file has to write it.
    pub(super) fn for_file(mut self, from: &std::path::Path, to: &std::path::Path) -> Option<Template> {
        self.import = match self.import {
            Some(import) => Some(import.seen_from(from, to)?),
            None => None,
        };
        Some(self)
    }
}

/// The argument that is the key.
fn argument_of<'t>(file: &File<'t>, arguments: Node<'t>, read: &Read) -> Option<Node<'t>> {
    let key = read.key_span.bytes();
    let node = file.tree.root_node().named_descendant_for_byte_range(key.start, key.end)?;
    let parent = node.parent()?;
    // `isOn({ key: 'x' })`
    let in_object = || {
        let object = parent.parent().filter(|it| parent.kind() == "pair" && it.kind() == "object");
        object.and_then(|it| it.parent()) == Some(arguments)
    };
    let is_argument = in_object()
        || parent == arguments
        || parent.kind() == "keyword_argument" && parent.parent() == Some(arguments);
    (is_argument && node.byte_range() == key).then_some(node)
}

/// The last name of what is called.
fn last_name(callee: Node) -> Option<Node> {
    match callee.kind() {
        "identifier" => Some(callee),
        "member_expression" => callee.child_by_field_name("property"),
        "attribute" => callee.child_by_field_name("attribute"),
        _ => None,
    }
}

/// `useFlag('a').value`, `isOn('a').then(...)`, one of several promises: no answer by itself.
fn is_taken_further(call: Node) -> bool {
    call.parent().is_some_and(|it| {
        let is_object = it.child_by_field_name("object") == Some(call)
            || it.child_by_field_name("value") == Some(call) && it.kind() == "subscript";
        is_object && it.kind() != "pair" || it.kind() == "array"
    })
}

/// The names in a call, `this` among them, those of the key left out.
fn names_in(file: &File, call: Node, key: Node) -> Vec<Name> {
    let is_name = |it: &Node| {
        let is_word = matches!(it.kind(), "identifier" | "this" | "shorthand_property_identifier");
        let of_other = it.parent().is_some_and(|parent| {
            parent.kind() == "attribute" && parent.child_by_field_name("attribute") == Some(*it)
                || parent.kind() == "keyword_argument" && parent.child_by_field_name("name") == Some(*it)
        });
        is_word && !of_other
    };
    let all = inside(call, |it| it != key).into_iter().filter(|it| *it != key);
    all.filter(is_name)
        .map(|it| {
            let text = file.of_node(it).to_owned();
            let declared = match it.kind() {
                "this" => Some(Declared { at: it.start_byte(), kind: Kind::Other, text: String::new() }),
                _ => file.scopes.at(&it.byte_range()).map(|it| Declared {
                    at: it.name.start,
                    kind: it.kind,
                    text: file.text[it.declaration.clone()].to_owned(),
                }),
            };
            Name { text, declared }
        })
        .collect()
}
