//! TypeScript and JavaScript: hoisting, blocks, patterns, types, JSX.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::{Collector, How, Kind, Scopes, Space};
use crate::removal::view::named as children;

const VALUE: &[Space] = &[Space::Value];
const TYPE: &[Space] = &[Space::Type];
const BOTH: &[Space] = &[Space::Value, Space::Type];

/// The scopes that a node stands in.
#[derive(Clone, Copy)]
struct Inside {
    block: usize,
    /// Where `var` declares.
    function: usize,
}

struct Walk<'a> {
    text: &'a str,
    to: Collector,
}

pub(super) fn scopes(text: &str, tree: &Tree) -> Scopes {
    let mut to = Collector::default();
    let root = to.open(None, tree.root_node().byte_range());
    let mut walk = Walk { text, to };
    let mut stack = vec![(tree.root_node(), Inside { block: root, function: root })];
    while let Some((node, inside)) = stack.pop() {
        walk.visit(node, inside, &mut stack);
    }
    walk.to.finish()
}

type Stack<'t> = Vec<(Node<'t>, Inside)>;

impl<'a> Walk<'a> {
    fn named(&self, node: Node) -> (&'a str, Range<usize>) {
        (&self.text[node.byte_range()], node.byte_range())
    }

    fn visit<'t>(&mut self, node: Node<'t>, inside: Inside, stack: &mut Stack<'t>) {
        match node.kind() {
            "identifier" => self.read(node, inside, How::Value),
            "type_identifier" => {
                self.to.note(inside.block, self.named(node), Some(Space::Type), Some(How::Type));
            }
            "shorthand_property_identifier" => self.read(node, inside, How::Shorthand),
            "type_query" => self.type_query(node, inside, stack),
            "export_specifier" => {
                let is_own = node
                    .parent()
                    .and_then(|it| it.parent())
                    .is_some_and(|it| it.child_by_field_name("source").is_none());
                if let Some(name) = node.child_by_field_name("name").filter(|_| is_own) {
                    self.to.note(inside.block, self.named(name), None, Some(How::Export));
                }
            }
            "import_statement" => self.import(node, inside),
            "jsx_opening_element" | "jsx_closing_element" | "jsx_self_closing_element" => {
                self.element(node, inside, stack);
            }
            "labeled_statement" | "break_statement" | "continue_statement" => {
                stack.extend(node.child_by_field_name("body").map(|it| (it, inside)));
            }
            "function_declaration" | "generator_function_declaration" | "function_signature" => {
                self.declared(node, inside, Kind::Function, VALUE);
                self.function(node, inside, stack);
            }
            "function_expression" | "generator_function" => {
                let scope = self.to.open(Some(inside.block), node.byte_range());
                let own = Inside { block: scope, function: scope };
                if let Some(name) = node.child_by_field_name("name") {
                    self.to.declare(scope, self.named(name), Kind::Other, node.byte_range(), VALUE);
                }
                self.function(node, own, stack);
            }
            "arrow_function"
            | "method_definition"
            | "method_signature"
            | "function_type"
            | "constructor_type"
            | "call_signature"
            | "construct_signature"
            | "abstract_method_signature" => {
                self.function(node, inside, stack);
            }
            "class_declaration" | "abstract_class_declaration" => {
                self.declared(node, inside, Kind::Class, BOTH);
                self.generic(node, inside, stack);
            }
            "class" => self.generic(node, inside, stack),
            "enum_declaration" => {
                self.declared(node, inside, Kind::Enum, BOTH);
                stack.extend(node.child_by_field_name("body").map(|it| (it, inside)));
            }
            "interface_declaration" | "type_alias_declaration" => {
                self.declared(node, inside, Kind::Type, TYPE);
                self.generic(node, inside, stack);
            }
            "internal_module" | "module" => {
                self.declared(node, inside, Kind::Class, BOTH);
                stack.extend(node.child_by_field_name("body").map(|it| {
                    let scope = self.to.open(Some(inside.block), it.byte_range());
                    (it, Inside { block: scope, function: scope })
                }));
            }
            "import_alias" => {
                let mut names = children(node).into_iter();
                if let Some(name) = names.next() {
                    self.to.declare(inside.block, self.named(name), Kind::Import, node.byte_range(), BOTH);
                }
                stack.extend(names.map(|it| (it, inside)));
            }
            "lexical_declaration" | "variable_declaration" => self.variables(node, inside, stack),
            "statement_block" | "switch_body" | "class_static_block" => self.block(node, inside, stack),
            "for_statement" => self.block(node, inside, stack),
            "for_in_statement" => self.for_in(node, inside, stack),
            "catch_clause" => self.catch(node, inside, stack),
            "assignment_expression" => {
                self.assigned(node.child_by_field_name("left"), inside, stack, false);
                stack.extend(node.child_by_field_name("right").map(|it| (it, inside)));
            }
            "augmented_assignment_expression" => {
                self.assigned(node.child_by_field_name("left"), inside, stack, true);
                stack.extend(node.child_by_field_name("right").map(|it| (it, inside)));
            }
            "update_expression" => {
                self.assigned(node.child_by_field_name("argument"), inside, stack, true);
            }
            "mapped_type_clause" | "infer_type" => {
                for it in children(node) {
                    if it.kind() == "type_identifier" {
                        self.to.declare(inside.block, self.named(it), Kind::Other, it.byte_range(), TYPE);
                    } else {
                        stack.push((it, inside));
                    }
                }
            }
            _ => push_children(node, inside, stack),
        }
    }

    fn read(&mut self, node: Node, inside: Inside, how: How) {
        self.to.note(inside.block, self.named(node), Some(Space::Value), Some(how));
    }

    fn declared(&mut self, node: Node, inside: Inside, kind: Kind, spaces: &[Space]) {
        if let Some(name) = node.child_by_field_name("name").filter(|it| it.kind() != "string") {
            self.to.declare(inside.block, self.named(name), kind, node.byte_range(), spaces);
        }
    }

    /// `typeof x.y` in a type names values.
    fn type_query<'t>(&mut self, node: Node<'t>, inside: Inside, stack: &mut Stack<'t>) {
        let mut inner = children(node);
        while let Some(it) = inner.pop() {
            match it.kind() {
                "identifier" => self.read(it, inside, How::Type),
                "type_arguments" => stack.push((it, inside)),
                _ => inner.extend(children(it)),
            }
        }
    }

    fn import(&mut self, node: Node, inside: Inside) {
        let mut inner = children(node);
        while let Some(it) = inner.pop() {
            match it.kind() {
                "import_specifier" => {
                    let name = it.child_by_field_name("alias").or_else(|| it.child_by_field_name("name"));
                    if let Some(name) = name {
                        self.to.declare(inside.block, self.named(name), Kind::Import, it.byte_range(), BOTH);
                    }
                }
                "identifier" => {
                    // Of `import x`, `import * as x`, `import x = require()`.
                    let declaration = match it.parent() {
                        Some(parent) if parent.kind() != "import_clause" => parent.byte_range(),
                        _ => it.byte_range(),
                    };
                    self.to.declare(inside.block, self.named(it), Kind::Import, declaration, BOTH);
                }
                _ => inner.extend(children(it)),
            }
        }
    }

    /// `<a.B>` uses `a`; `<div>` uses nothing.
    fn element<'t>(&mut self, node: Node<'t>, inside: Inside, stack: &mut Stack<'t>) {
        let name = node.child_by_field_name("name");
        for it in children(node) {
            let is_intrinsic = Some(it) == name
                && it.kind() == "identifier"
                && self.text[it.byte_range()].starts_with(|it: char| it.is_lowercase());
            if !is_intrinsic {
                stack.push((it, inside));
            }
        }
    }

    /// Parameters and body of a function share one scope, as far as names can tell.
    fn function<'t>(&mut self, node: Node<'t>, inside: Inside, stack: &mut Stack<'t>) {
        let scope = self.to.open(Some(inside.block), node.byte_range());
        let own = Inside { block: scope, function: scope };
        let name = node.child_by_field_name("name");
        for it in children(node) {
            match it.kind() {
                // A computed name of a method is outside of its scope.
                _ if Some(it) == name => {
                    stack.extend((it.kind() == "computed_property_name").then_some((it, inside)))
                }
                "decorator" => stack.push((it, inside)),
                "formal_parameters" => {
                    for parameter in children(it) {
                        self.parameter(parameter, own, stack);
                    }
                }
                "type_parameters" => self.type_parameters(it, own, stack),
                "statement_block" => {
                    let body = self.to.open(Some(scope), it.byte_range());
                    push_children(it, Inside { block: body, function: body }, stack);
                }
                "identifier" if node.child_by_field_name("parameter") == Some(it) => {
                    self.to.declare(scope, self.named(it), Kind::Parameter, it.byte_range(), VALUE);
                }
                _ => stack.push((it, own)),
            }
        }
    }

    fn parameter<'t>(&mut self, node: Node<'t>, own: Inside, stack: &mut Stack<'t>) {
        match node.kind() {
            "required_parameter" | "optional_parameter" => {
                let pattern =
                    node.child_by_field_name("pattern").or_else(|| node.child_by_field_name("name"));
                for it in children(node) {
                    if Some(it) == pattern {
                        self.pattern(it, own.block, (Kind::Parameter, node.byte_range()), own, stack);
                    } else {
                        stack.push((it, own));
                    }
                }
            }
            _ => self.pattern(node, own.block, (Kind::Parameter, node.byte_range()), own, stack),
        }
    }

    fn type_parameters<'t>(&mut self, node: Node<'t>, own: Inside, stack: &mut Stack<'t>) {
        for parameter in children(node) {
            let name = parameter.child_by_field_name("name");
            for it in children(parameter) {
                if Some(it) == name {
                    self.to.declare(own.block, self.named(it), Kind::Parameter, parameter.byte_range(), TYPE);
                } else {
                    stack.push((it, own));
                }
            }
        }
    }

    /// Declarations with parameters of types.
    fn generic<'t>(&mut self, node: Node<'t>, inside: Inside, stack: &mut Stack<'t>) {
        let scope = self.to.open(Some(inside.block), node.byte_range());
        let own = Inside { block: scope, function: inside.function };
        let name = node.child_by_field_name("name");
        if let Some(name) = name.filter(|_| node.kind() == "class") {
            self.to.declare(scope, self.named(name), Kind::Other, node.byte_range(), BOTH);
        }
        for it in children(node) {
            match it.kind() {
                _ if Some(it) == name => {}
                "decorator" => stack.push((it, inside)),
                "type_parameters" => self.type_parameters(it, own, stack),
                _ => stack.push((it, own)),
            }
        }
    }

    fn variables<'t>(&mut self, node: Node<'t>, inside: Inside, stack: &mut Stack<'t>) {
        let is_var = node.kind() == "variable_declaration";
        let is_const = self.text[node.byte_range()].starts_with("const");
        let (scope, kind) = match (is_var, is_const) {
            (true, _) => (inside.function, Kind::Variable),
            (_, true) => (inside.block, Kind::Constant),
            _ => (inside.block, Kind::Variable),
        };
        for declarator in children(node) {
            let name = declarator.child_by_field_name("name");
            for it in children(declarator) {
                if Some(it) == name {
                    self.pattern(it, scope, (kind, declarator.byte_range()), inside, stack);
                } else {
                    stack.push((it, inside));
                }
            }
        }
    }

    /// Declares the names of a pattern; what it computes is walked.
    fn pattern<'t>(
        &mut self,
        node: Node<'t>,
        scope: usize,
        what: (Kind, Range<usize>),
        inside: Inside,
        stack: &mut Stack<'t>,
    ) {
        match node.kind() {
            "identifier" | "shorthand_property_identifier_pattern" => {
                self.to.declare(scope, self.named(node), what.0, what.1, VALUE);
            }
            "assignment_pattern" | "object_assignment_pattern" => {
                stack.extend(node.child_by_field_name("right").map(|it| (it, inside)));
                if let Some(left) = node.child_by_field_name("left") {
                    self.pattern(left, scope, what, inside, stack);
                }
            }
            "pair_pattern" => {
                let key = node.child_by_field_name("key");
                stack.extend(key.filter(|it| it.kind() == "computed_property_name").map(|it| (it, inside)));
                if let Some(value) = node.child_by_field_name("value") {
                    self.pattern(value, scope, what, inside, stack);
                }
            }
            "object_pattern" | "array_pattern" | "rest_pattern" => {
                for it in children(node) {
                    self.pattern(it, scope, what.clone(), inside, stack);
                }
            }
            _ => stack.push((node, inside)),
        }
    }

    fn block<'t>(&mut self, node: Node<'t>, inside: Inside, stack: &mut Stack<'t>) {
        let scope = self.to.open(Some(inside.block), node.byte_range());
        let function = if node.kind() == "class_static_block" { scope } else { inside.function };
        push_children(node, Inside { block: scope, function }, stack);
    }

    fn for_in<'t>(&mut self, node: Node<'t>, inside: Inside, stack: &mut Stack<'t>) {
        let scope = self.to.open(Some(inside.block), node.byte_range());
        let own = Inside { block: scope, function: inside.function };
        let kind = node.child_by_field_name("kind").map(|it| &self.text[it.byte_range()]);
        let left = node.child_by_field_name("left");
        match (kind, left) {
            (Some(kind), Some(left)) => {
                let declared = if kind == "var" { inside.function } else { scope };
                self.pattern(left, declared, (Kind::Other, left.byte_range()), own, stack);
            }
            _ => self.assigned(left, own, stack, false),
        }
        stack.extend(children(node).into_iter().rev().filter(|it| Some(*it) != left).map(|it| (it, own)));
    }

    fn catch<'t>(&mut self, node: Node<'t>, inside: Inside, stack: &mut Stack<'t>) {
        let scope = self.to.open(Some(inside.block), node.byte_range());
        let own = Inside { block: scope, function: inside.function };
        let parameter = node.child_by_field_name("parameter");
        if let Some(it) = parameter {
            self.pattern(it, scope, (Kind::Other, it.byte_range()), own, stack);
        }
        stack.extend(children(node).into_iter().filter(|it| Some(*it) != parameter).map(|it| (it, own)));
    }

    /// What an assignment writes; `also_reads` for `+=`.
    fn assigned<'t>(
        &mut self,
        left: Option<Node<'t>>,
        inside: Inside,
        stack: &mut Stack<'t>,
        also_reads: bool,
    ) {
        let Some(left) = left else { return };
        match left.kind() {
            "identifier" | "shorthand_property_identifier_pattern" => {
                self.to.note(inside.block, self.named(left), Some(Space::Value), None);
                if also_reads {
                    self.read(left, inside, How::Value);
                }
            }
            "object_pattern" | "array_pattern" | "rest_pattern" => {
                for it in children(left) {
                    self.assigned(Some(it), inside, stack, false);
                }
            }
            "pair_pattern" => {
                let key = left.child_by_field_name("key");
                stack.extend(key.filter(|it| it.kind() == "computed_property_name").map(|it| (it, inside)));
                self.assigned(left.child_by_field_name("value"), inside, stack, false);
            }
            "assignment_pattern" | "object_assignment_pattern" => {
                self.assigned(left.child_by_field_name("left"), inside, stack, false);
                stack.extend(left.child_by_field_name("right").map(|it| (it, inside)));
            }
            "parenthesized_expression" | "non_null_expression" => {
                self.assigned(left.named_child(0), inside, stack, also_reads);
            }
            _ => stack.push((left, inside)),
        }
    }
}

fn push_children<'t>(node: Node<'t>, inside: Inside, stack: &mut Stack<'t>) {
    // The last one first: they are taken from the end, and first declarations come first.
    stack.extend(children(node).into_iter().rev().map(|it| (it, inside)));
}
