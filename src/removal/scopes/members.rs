//! Fields, methods and getters of classes: `this.name`, `self.name`, `Class.name`.
//!
//! Only what is asked of the class itself is seen; of other objects nobody knows here what they are.

use std::collections::HashMap;

use tree_sitter::{Node, Tree};

use super::{Binding, How, Kind, Scopes, Use};
use crate::removal::view::parts;
use crate::syntax::Language;

/// Adds the members of all classes of a file. Where something else may give a member another value, the member counts
/// as written.
pub(super) fn add(scopes: &mut Scopes, language: Language, text: &str, tree: &Tree) {
    if !text.contains("class") {
        return;
    }
    let mut classes = Vec::new();
    let mut stack = vec![tree.root_node()];
    while let Some(node) = stack.pop() {
        if matches!(node.kind(), "class_body" | "class_definition") {
            classes.push(Class::of(language, text, node));
        }
        stack.extend(parts(node));
    }
    for class in &classes {
        let scope = scopes.open_apart(class.body.byte_range());
        let members = class.members(scopes, &classes, scope);
        scopes.members.extend(members.iter().map(|it| it.name.start));
        for member in members {
            match scopes.declared.get(&member.name.start).map(|it| &mut scopes.bindings[*it]) {
                // Python's classes are scopes, whose names are there already.
                Some(own) => {
                    own.reads.extend(member.reads);
                    own.writes.extend(member.writes);
                    own.again.extend(member.again);
                }
                None => scopes.bindings.push(member),
            }
        }
    }
}

struct Class<'t> {
    language: Language,
    text: &'t str,
    /// The class's own name, where it has one.
    name: Option<Node<'t>>,
    /// What it extends, as it is written.
    heritage: &'t str,
    body: Node<'t>,
    declared: Vec<Declared<'t>>,
}

/// A declaration inside of a class.
struct Declared<'t> {
    name: Node<'t>,
    node: Node<'t>,
    is_static: bool,
    /// A field without a value.
    is_bare: bool,
}

/// A use of `this.name`, or of what stands for it.
struct Asked<'t> {
    node: Node<'t>,
    name: Node<'t>,
    /// `None` where both are possible: Python.
    is_static: Option<bool>,
}

impl<'t> Class<'t> {
    fn of(language: Language, text: &'t str, node: Node<'t>) -> Class<'t> {
        let (class, body) = match language {
            Language::Python => (Some(node), node.child_by_field_name("body").unwrap_or(node)),
            _ => (node.parent(), node),
        };
        let heritage = class.and_then(|it| match language {
            Language::Python => it.child_by_field_name("superclasses"),
            _ => parts(it).into_iter().find(|it| it.kind() == "class_heritage"),
        });
        let mut class = Class {
            language,
            text,
            name: class.and_then(|it| it.child_by_field_name("name")),
            heritage: heritage.map_or("", |it| &text[it.byte_range()]),
            body,
            declared: Vec::new(),
        };
        let all = parts(body).into_iter();
        class.declared = all.flat_map(|it| class.declared(it).into_iter().chain(class.filled(it))).collect();
        class
    }

    /// `constructor(private readonly name: Type)`: parameters that are fields too.
    fn filled(&self, constructor: Node<'t>) -> Vec<Declared<'t>> {
        let is_one = constructor.kind() == "method_definition"
            && constructor.child_by_field_name("name").is_some_and(|it| self.of_text(it) == "constructor");
        let list = constructor.child_by_field_name("parameters").filter(|_| is_one);
        let is_field = |it: &Node| {
            let mut cursor = it.walk();
            it.children(&mut cursor).any(|it| matches!(it.kind(), "accessibility_modifier" | "readonly"))
        };
        let fields = list.map(parts).unwrap_or_default().into_iter().filter(is_field);
        fields
            .filter_map(|node| {
                let name = node.child_by_field_name("pattern").filter(|it| it.kind() == "identifier")?;
                Some(Declared { name, node, is_static: false, is_bare: false })
            })
            .collect()
    }

    fn declared(&self, node: Node<'t>) -> Option<Declared<'t>> {
        let (name, node) = match node.kind() {
            "public_field_definition"
            | "method_definition"
            | "method_signature"
            | "abstract_method_signature" => (node.child_by_field_name("name")?, node),
            "function_definition" => (node.child_by_field_name("name")?, node),
            "decorated_definition" => {
                let inner = node.child_by_field_name("definition")?;
                (inner.child_by_field_name("name").filter(|_| inner.kind() == "function_definition")?, inner)
            }
            "expression_statement" => {
                let assignment = node.named_child(0).filter(|it| it.kind() == "assignment")?;
                (assignment.child_by_field_name("left")?, assignment)
            }
            _ => return None,
        };
        let is_named =
            matches!(name.kind(), "property_identifier" | "private_property_identifier" | "identifier");
        let mut cursor = node.walk();
        let is_static = node.children(&mut cursor).any(|it| it.kind() == "static");
        let is_bare = match node.kind() {
            "public_field_definition" => node.child_by_field_name("value").is_none(),
            "assignment" => node.child_by_field_name("right").is_none(),
            _ => false,
        };
        is_named.then_some(Declared { name, node, is_static, is_bare })
    }

    fn of_text(&self, node: Node) -> &'t str {
        &self.text[node.byte_range()]
    }

    fn members(&self, scopes: &Scopes, all: &[Class], scope: usize) -> Vec<Binding> {
        let mut members: HashMap<(&str, bool), Binding> = HashMap::new();
        for it in self.declared.iter().filter(|it| !it.is_bare) {
            let key = (self.of_text(it.name), it.is_static);
            let mut binding = member(it.name, it.node, scope);
            if self.is_set_elsewhere(it.node) {
                binding.writes.push(it.name.byte_range());
            }
            match members.get_mut(&key) {
                Some(first) => first.again.push(binding.name),
                None => drop(members.insert(key, binding)),
            }
        }
        let asked = self.asked(scopes);
        self.add_assigned(&asked, &mut members, scope);
        for it in asked {
            let name = self.of_text(it.name);
            for is_static in [false, true] {
                let fits = it.is_static.is_none_or(|own| own == is_static);
                let Some(binding) = members.get_mut(&(name, is_static)).filter(|_| fits) else { continue };
                if it.name.byte_range() == binding.name {
                    continue;
                }
                match is_written(it.node) {
                    true => binding.writes.push(it.node.byte_range()),
                    false => {
                        let how = if it.node == it.name { How::Export } else { How::Value };
                        binding.reads.push(Use { range: it.node.byte_range(), how });
                    }
                }
            }
        }
        let heirs: Vec<&Class> = all.iter().filter(|it| self.is_extended_by(it)).collect();
        for ((name, _), binding) in &mut members {
            let of_heirs = heirs.iter().flat_map(|it| &it.declared);
            binding
                .again
                .extend(of_heirs.filter(|it| self.of_text(it.name) == *name).map(|it| it.name.byte_range()));
        }
        // React gives it another value by `setState`.
        if let Some(state) = members.get_mut(&("state", false)).filter(|_| !self.heritage.is_empty()) {
            state.writes.push(state.name.clone());
        }
        members.into_values().collect()
    }

    fn is_extended_by(&self, other: &Class) -> bool {
        let is_word = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
        let name = self.name.map(|it| self.of_text(it));
        name.is_some_and(|name| other.heritage.split(|it| !is_word(it)).any(|it| it == name))
    }

    /// Whether somebody else may give a declared member another value: a decorator, whoever makes a dataclass.
    fn is_set_elsewhere(&self, declaration: Node) -> bool {
        let mut cursor = declaration.walk();
        let own = declaration.children(&mut cursor).find(|it| it.kind() == "decorator");
        let above = declaration.prev_named_sibling().filter(|it| it.kind() == "decorator");
        let decorator = own.or(above).map(|it| self.of_text(it));
        if self.language != Language::Python {
            return decorator.is_some_and(|it| it != "@computed");
        }
        let class = self.body.parent();
        let is_decorated =
            class.and_then(|it| it.parent()).is_some_and(|it| it.kind() == "decorated_definition");
        declaration.child_by_field_name("type").is_some() && (is_decorated || !self.heritage.is_empty())
    }

    /// `this.name = value`, said once, in the constructor itself.
    fn add_assigned(
        &self,
        asked: &[Asked<'t>],
        members: &mut HashMap<(&'t str, bool), Binding>,
        scope: usize,
    ) {
        for it in asked {
            let key = (self.of_text(it.name), false);
            if members.contains_key(&key) || !is_written(it.node) {
                continue;
            }
            let Some(assignment) = it.node.parent().filter(|parent| {
                matches!(parent.kind(), "assignment_expression" | "assignment")
                    && parent.child_by_field_name("left") == Some(it.node)
            }) else {
                continue;
            };
            if self.is_in_constructor(assignment) {
                members.insert(key, member(it.name, assignment, scope));
            }
        }
    }

    /// Whether an assignment is a statement of the constructor's own body.
    fn is_in_constructor(&self, assignment: Node) -> bool {
        let found = || {
            let statement = assignment.parent().filter(|it| it.kind() == "expression_statement")?;
            let function = statement.parent()?.parent()?;
            let name = function.child_by_field_name("name")?;
            let mut class = function.parent()?;
            if class.kind() == "decorated_definition" {
                class = class.parent()?;
            }
            Some(matches!(self.of_text(name), "constructor" | "__init__") && class == self.body)
        };
        found() == Some(true)
    }

    /// Every `this.name` of the class, those of functions with a `this` of their own left out.
    fn asked(&self, scopes: &Scopes) -> Vec<Asked<'t>> {
        let mut asked = Vec::new();
        for node in parts(self.body) {
            match self.language {
                Language::Python => self.asked_of_self(node, scopes, &mut asked),
                _ => self.asked_of_this(node, &mut asked),
            }
        }
        self.asked_by_name(scopes, &mut asked);
        asked
    }

    fn asked_of_this(&self, member: Node<'t>, asked: &mut Vec<Asked<'t>>) {
        let mut cursor = member.walk();
        let is_static = member.kind() == "class_static_block"
            || member.children(&mut cursor).any(|it| it.kind() == "static");
        let mut stack = parts(member);
        while let Some(node) = stack.pop() {
            match node.kind() {
                "function_expression"
                | "function_declaration"
                | "generator_function"
                | "generator_function_declaration"
                | "method_definition"
                | "class_body" => continue,
                "member_expression" => {
                    let object = node.child_by_field_name("object").filter(|it| it.kind() == "this");
                    if let (Some(_), Some(name)) = (object, node.child_by_field_name("property")) {
                        asked.push(Asked { node, name, is_static: Some(is_static) });
                    }
                }
                "variable_declarator" => asked.extend(taken_from_this(node).into_iter().map(|it| Asked {
                    node: it,
                    name: it,
                    is_static: Some(is_static),
                })),
                _ => {}
            }
            stack.extend(parts(node));
        }
    }

    fn asked_of_self(&self, member: Node<'t>, scopes: &Scopes, asked: &mut Vec<Asked<'t>>) {
        let decorators = parts(member).into_iter().filter(|it| it.kind() == "decorator");
        let is_static = decorators.into_iter().any(|it| self.of_text(it).contains("staticmethod"));
        let function = match member.kind() {
            "decorated_definition" => member.child_by_field_name("definition"),
            _ => Some(member),
        };
        let parameters = function.and_then(|it| it.child_by_field_name("parameters"));
        let Some(first) = parameters.and_then(|it| parts(it).first().copied()).filter(|_| !is_static) else {
            return;
        };
        let own = if first.kind() == "identifier" { Some(first) } else { first.named_child(0) };
        if let Some(binding) = own.and_then(|it| scopes.declared_at(it.start_byte())) {
            self.asked_of(binding, None, asked);
        }
    }

    /// `Class.name`
    fn asked_by_name(&self, scopes: &Scopes, asked: &mut Vec<Asked<'t>>) {
        let is_static = (self.language != Language::Python).then_some(true);
        if let Some(binding) = self.name.and_then(|it| scopes.declared_at(it.start_byte())) {
            self.asked_of(binding, is_static, asked);
        }
    }

    fn asked_of(&self, object: &Binding, is_static: Option<bool>, asked: &mut Vec<Asked<'t>>) {
        let mut root = self.body;
        while let Some(parent) = root.parent() {
            root = parent;
        }
        let ranges = object.reads.iter().map(|it| &it.range);
        for range in ranges {
            let Some(node) = root.named_descendant_for_byte_range(range.start, range.end) else { continue };
            let Some(parent) = node.parent() else { continue };
            let field = match parent.kind() {
                "member_expression" => "property",
                "attribute" => "attribute",
                _ => continue,
            };
            let is_object = parent.child_by_field_name("object") == Some(node);
            if let Some(name) = parent.child_by_field_name(field).filter(|_| is_object) {
                asked.push(Asked { node: parent, name, is_static });
            }
        }
    }
}

fn member(name: Node, declaration: Node, scope: usize) -> Binding {
    Binding {
        name: name.byte_range(),
        again: Vec::new(),
        declaration: declaration.byte_range(),
        kind: Kind::Member,
        reads: Vec::new(),
        writes: Vec::new(),
        scope,
    }
}

/// `const { name } = this`: the names of the fields.
fn taken_from_this(declarator: Node) -> Vec<Node> {
    let is_this = declarator.child_by_field_name("value").is_some_and(|it| it.kind() == "this");
    let pattern =
        declarator.child_by_field_name("name").filter(|it| is_this && it.kind() == "object_pattern");
    let fields = pattern.into_iter().flat_map(parts);
    fields.map(|it| it.child_by_field_name("key").unwrap_or(it)).collect()
}

/// Whether a place is assigned to, or deleted.
fn is_written(node: Node) -> bool {
    let Some(parent) = node.parent() else { return false };
    match parent.kind() {
        "assignment_expression"
        | "augmented_assignment_expression"
        | "assignment"
        | "augmented_assignment" => parent.child_by_field_name("left") == Some(node),
        "update_expression" | "delete_statement" => true,
        "unary_expression" => parent.child(0).is_some_and(|it| it.kind() == "delete"),
        "pattern_list" | "tuple_pattern" | "array_pattern" | "pair_pattern" | "for_statement" => {
            parent.kind() != "pair_pattern" || parent.child_by_field_name("value") == Some(node)
        }
        "as_expression" | "non_null_expression" | "parenthesized_expression" => is_written(parent),
        _ => false,
    }
}
