//! Whether anything of its own file still names a member of a class.

use tree_sitter::Node;

use super::pass::Pass;
use super::registry;
use super::scopes::Binding;
use crate::syntax::Language;

impl<'d> Pass<'d> {
    /// Whether anything of its own file names a member but its declaration, its known uses, and a field without a
    /// value.
    pub(super) fn is_member_named(&self, binding: &Binding) -> bool {
        let name = &self.doc.text[binding.name.clone()];
        registry::names(self.doc, name).any(|at| {
            let own = binding.declaration.contains(&at);
            let read = || binding.reads.iter().any(|it| it.range.contains(&at));
            !own && !read() && self.may_name(binding, self.node(&(at..at + name.len())))
        })
    }

    /// Whether nothing of its own file names a member any more.
    pub(super) fn is_only_declared(&self, binding: &Binding) -> bool {
        binding.reads.iter().all(|it| self.is_within_mark(&it.range)) && !self.is_member_named(binding)
    }

    fn may_name(&self, binding: &Binding, name: Option<Node<'d>>) -> bool {
        match name {
            Some(name) => !self.is_other(binding, name),
            // A part of a text: Python's tests patch `app.Class.name`.
            None => self.language() == Language::Python,
        }
    }

    /// Whether a name is not that of a member though it is spelt alike: that of a variable or import, of another class's
    /// member, or of the field that the constructor fills.
    fn is_other(&self, binding: &Binding, name: Node<'d>) -> bool {
        let Some(parent) = name.parent() else { return false };
        let is_bare =
            parent.kind() == "public_field_definition" && parent.child_by_field_name("value").is_none();
        is_bare || self.is_of_scope(name, parent) || self.is_of_other_class(binding, name)
    }

    fn is_of_scope(&self, name: Node, parent: Node) -> bool {
        let is_field = |field: &str| parent.child_by_field_name(field) == Some(name);
        match self.language() {
            Language::Python => {
                let is_asked = parent.kind() == "attribute" && is_field("attribute")
                    || parent.kind() == "keyword_argument" && is_field("name");
                let binding = self.scopes.at(&name.byte_range());
                !is_asked && binding.is_some_and(|it| !self.scopes.is_member(it))
            }
            _ => matches!(name.kind(), "identifier" | "shorthand_property_identifier"),
        }
    }

    fn is_of_other_class(&self, binding: &Binding, name: Node) -> bool {
        let at = name.start_byte();
        let others = self.scopes.bindings.iter().filter(|it| self.scopes.is_member(it));
        others.filter(|it| it.name != binding.name && !it.again.contains(&binding.name)).any(|it| {
            std::iter::once(&it.name).chain(&it.again).any(|it| it.start == at)
                || it.reads.iter().map(|it| &it.range).chain(&it.writes).any(|it| it.end == name.end_byte())
        })
    }
}
