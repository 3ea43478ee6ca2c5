//! Python: a name belongs to the innermost function, class or module that assigns it.

use std::collections::HashSet;
use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::{Collector, How, Kind, Scopes, Space};
use crate::removal::view::named as children;

const VALUE: &[Space] = &[Space::Value];

struct Walk<'a> {
    text: &'a str,
    to: Collector,
    /// What `global` and `nonlocal` say: in this scope the name is that one's.
    elsewhere: HashSet<(usize, &'a str)>,
}

type Stack<'t> = Vec<(Node<'t>, usize)>;

pub(super) fn scopes(text: &str, tree: &Tree) -> Scopes {
    let mut to = Collector::default();
    let root = to.open(None, tree.root_node().byte_range());
    let mut walk = Walk { text, to, elsewhere: HashSet::new() };
    let mut stack = vec![(tree.root_node(), root)];
    while let Some((node, scope)) = stack.pop() {
        walk.visit(node, scope, &mut stack);
    }
    walk.to.finish()
}

impl<'a> Walk<'a> {
    fn named(&self, node: Node) -> (&'a str, Range<usize>) {
        (&self.text[node.byte_range()], node.byte_range())
    }

    fn visit<'t>(&mut self, node: Node<'t>, scope: usize, stack: &mut Stack<'t>) {
        let field = |name: &str| node.child_by_field_name(name);
        match node.kind() {
            "identifier" => self.to.note(scope, self.named(node), Some(Space::Value), Some(How::Value)),
            "attribute" => stack.extend(field("object").map(|it| (it, scope))),
            "keyword_argument" => stack.extend(field("value").map(|it| (it, scope))),
            "type" => self.types(node, scope, stack),
            "function_definition" => self.function(node, scope, stack),
            "lambda" => {
                let own = self.to.open(Some(scope), node.byte_range());
                stack.extend(field("body").map(|it| (it, own)));
                self.parameters(field("parameters"), scope, own, stack);
            }
            "class_definition" => {
                if let Some(name) = field("name") {
                    self.declare(scope, name, Kind::Class, node.byte_range());
                }
                stack.extend(field("superclasses").map(|it| (it, scope)));
                if let Some(body) = field("body") {
                    let own = self.to.open(Some(scope), body.byte_range());
                    self.to.hide_from_inner(own);
                    push_children(body, own, stack);
                }
            }
            "assignment" => {
                if let Some(left) = field("left") {
                    self.target(left, scope, node.byte_range(), Kind::Variable, stack);
                }
                for it in [field("type"), field("right")].into_iter().flatten() {
                    stack.push((it, scope));
                }
                self.exported(node, scope);
            }
            "augmented_assignment" => {
                if let Some(left) = field("left") {
                    self.target(left, scope, node.byte_range(), Kind::Variable, stack);
                    if left.kind() == "identifier" {
                        stack.push((left, scope));
                    }
                }
                stack.extend(field("right").map(|it| (it, scope)));
                self.exported(node, scope);
            }
            "named_expression" => {
                if let Some(name) = field("name") {
                    // It binds outside of a comprehension.
                    let outside = self.to.outside_of_comprehensions(scope);
                    self.declare(outside, name, Kind::Variable, node.byte_range());
                }
                stack.extend(field("value").map(|it| (it, scope)));
            }
            "for_statement" => {
                if let Some(left) = field("left") {
                    self.target(left, scope, left.byte_range(), Kind::Other, stack);
                }
                let left = field("left");
                stack.extend(
                    children(node).into_iter().rev().filter(|it| Some(*it) != left).map(|it| (it, scope)),
                );
            }
            "list_comprehension"
            | "set_comprehension"
            | "dictionary_comprehension"
            | "generator_expression" => {
                let own = self.to.open(Some(scope), node.byte_range());
                self.to.mark_comprehension(own);
                push_children(node, own, stack);
            }
            "for_in_clause" => {
                let left = field("left");
                if let Some(left) = left {
                    self.target(left, scope, left.byte_range(), Kind::Other, stack);
                }
                stack.extend(
                    children(node).into_iter().rev().filter(|it| Some(*it) != left).map(|it| (it, scope)),
                );
            }
            "as_pattern" => {
                for it in children(node) {
                    match it.kind() {
                        "as_pattern_target" => {
                            for target in children(it) {
                                self.target(target, scope, target.byte_range(), Kind::Other, stack);
                            }
                        }
                        _ => stack.push((it, scope)),
                    }
                }
                // In a pattern of `match` the name stands by itself.
                if let Some(alias) = field("alias").filter(|it| it.kind() == "identifier") {
                    self.declare(scope, alias, Kind::Other, alias.byte_range());
                }
            }
            "case_clause" => self.case(node, scope, stack),
            "import_statement" | "import_from_statement" | "future_import_statement" => {
                self.import(node, scope)
            }
            "global_statement" | "nonlocal_statement" => self.elsewhere(node, scope),
            "delete_statement" => {
                for it in children(node) {
                    if it.kind() == "identifier" {
                        self.to.note(scope, self.named(it), Some(Space::Value), None);
                    } else {
                        stack.push((it, scope));
                    }
                }
            }
            _ => push_children(node, scope, stack),
        }
    }

    fn declare(&mut self, scope: usize, name: Node, kind: Kind, declaration: Range<usize>) {
        let (text, range) = self.named(name);
        if self.elsewhere.contains(&(scope, text)) {
            return self.to.note(scope, (text, range), Some(Space::Value), None);
        }
        self.to.declare(scope, (text, range), kind, declaration, VALUE);
    }

    /// Names that a target binds; what it computes is walked.
    fn target<'t>(
        &mut self,
        node: Node<'t>,
        scope: usize,
        declaration: Range<usize>,
        kind: Kind,
        stack: &mut Stack<'t>,
    ) {
        match node.kind() {
            "identifier" => self.declare(scope, node, kind, declaration),
            "pattern_list"
            | "tuple_pattern"
            | "list_pattern"
            | "list_splat_pattern"
            | "parenthesized_expression"
            | "tuple"
            | "list"
            | "list_splat" => {
                for it in children(node) {
                    self.target(it, scope, declaration.clone(), Kind::Other, stack);
                }
            }
            _ => stack.push((node, scope)),
        }
    }

    fn function<'t>(&mut self, node: Node<'t>, scope: usize, stack: &mut Stack<'t>) {
        if let Some(name) = node.child_by_field_name("name") {
            self.declare(scope, name, Kind::Function, node.byte_range());
        }
        stack.extend(node.child_by_field_name("return_type").map(|it| (it, scope)));
        let own = self.to.open(Some(scope), node.byte_range());
        self.parameters(node.child_by_field_name("parameters"), scope, own, stack);
        stack.extend(node.child_by_field_name("body").map(|it| (it, own)));
        // Known before the body is walked.
        if let Some(body) = node.child_by_field_name("body") {
            self.find_elsewhere(body, own);
        }
    }

    fn parameters<'t>(&mut self, list: Option<Node<'t>>, outer: usize, own: usize, stack: &mut Stack<'t>) {
        for parameter in list.into_iter().flat_map(children) {
            let names = match parameter.kind() {
                "identifier" => vec![parameter],
                "typed_parameter" => {
                    children(parameter).into_iter().filter(|it| it.kind() != "type").collect()
                }
                "default_parameter" | "typed_default_parameter" => {
                    parameter.child_by_field_name("name").into_iter().collect()
                }
                _ => vec![parameter],
            };
            for name in names {
                let name = if name.kind() == "identifier" { Some(name) } else { name.named_child(0) };
                if let Some(name) = name.filter(|it| it.kind() == "identifier") {
                    self.declare(own, name, Kind::Parameter, parameter.byte_range());
                }
            }
            // Defaults and annotations are outside of the function.
            let outside = [parameter.child_by_field_name("value"), parameter.child_by_field_name("type")];
            stack.extend(outside.into_iter().flatten().map(|it| (it, outer)));
        }
    }

    /// An annotation may be a string that names what it means.
    fn types<'t>(&mut self, node: Node<'t>, scope: usize, stack: &mut Stack<'t>) {
        let mut inner = vec![node];
        while let Some(it) = inner.pop() {
            if it.kind() == "string_content" {
                self.words(it, scope, How::Type);
            } else if it.kind() != "keyword_argument" {
                inner.extend(children(it).into_iter().filter(|it| it.kind() != "identifier"));
            }
        }
        push_children(node, scope, stack);
    }

    fn words(&mut self, node: Node, scope: usize, how: How) {
        let text = &self.text[node.byte_range()];
        let is_word = |it: char| it.is_alphanumeric() || it == '_';
        let mut at = node.start_byte();
        for word in text.split_inclusive(|it| !is_word(it)) {
            let name = word.trim_end_matches(|it| !is_word(it));
            if !name.is_empty() {
                self.to.note(scope, (name, at..at + name.len()), Some(Space::Value), Some(how));
            }
            at += word.len();
        }
    }

    /// `__all__ = ["a"]`
    fn exported(&mut self, assignment: Node, scope: usize) {
        let left = assignment.child_by_field_name("left").map(|it| &self.text[it.byte_range()]);
        let Some(right) = assignment.child_by_field_name("right").filter(|_| left == Some("__all__")) else {
            return;
        };
        let mut inner = vec![right];
        while let Some(it) = inner.pop() {
            match it.kind() {
                "string_content" => self.words(it, scope, How::Export),
                _ => inner.extend(children(it)),
            }
        }
    }

    fn case<'t>(&mut self, node: Node<'t>, scope: usize, stack: &mut Stack<'t>) {
        for it in children(node) {
            if it.kind() == "case_pattern" {
                self.case_pattern(it, scope);
            } else {
                stack.push((it, scope));
            }
        }
    }

    /// A bare name in a pattern is bound; a dotted one is compared with.
    fn case_pattern(&mut self, node: Node, scope: usize) {
        let mut inner = vec![node];
        while let Some(it) = inner.pop() {
            let parts = children(it);
            match it.kind() {
                "dotted_name" => {
                    let is_class = it.parent().is_some_and(|it| it.kind() == "class_pattern");
                    match &parts[..] {
                        [name] if !is_class => self.declare(scope, *name, Kind::Other, name.byte_range()),
                        [first, ..] => {
                            self.to.note(scope, self.named(*first), Some(Space::Value), Some(How::Value));
                        }
                        [] => {}
                    }
                }
                "identifier" => self.declare(scope, it, Kind::Other, it.byte_range()),
                "keyword_pattern" => inner.extend(parts.into_iter().skip(1)),
                _ => inner.extend(parts),
            }
        }
    }

    fn import(&mut self, node: Node, scope: usize) {
        let module = node.child_by_field_name("module_name");
        for it in children(node) {
            match it.kind() {
                _ if Some(it) == module => {}
                "aliased_import" => {
                    if let Some(alias) = it.child_by_field_name("alias") {
                        self.declare(scope, alias, Kind::Import, it.byte_range());
                    }
                }
                "dotted_name" => {
                    if let Some(name) = it.named_child(0) {
                        self.declare(scope, name, Kind::Import, it.byte_range());
                    }
                }
                _ => {}
            }
        }
    }

    fn find_elsewhere(&mut self, body: Node, own: usize) {
        let mut inner = vec![body];
        while let Some(it) = inner.pop() {
            match it.kind() {
                "global_statement" | "nonlocal_statement" => self.elsewhere(it, own),
                "function_definition" | "class_definition" | "lambda" => {}
                _ => inner.extend(children(it)),
            }
        }
    }

    fn elsewhere(&mut self, node: Node, scope: usize) {
        for name in children(node) {
            self.elsewhere.insert((scope, &self.text[name.byte_range()]));
        }
    }
}

fn push_children<'t>(node: Node<'t>, scope: usize, stack: &mut Stack<'t>) {
    // The last one first: they are taken from the end, and first declarations come first.
    stack.extend(children(node).into_iter().rev().map(|it| (it, scope)));
}
