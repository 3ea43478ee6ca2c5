//! Small questions about nodes of the Python grammar.

use std::sync::LazyLock;

use tree_sitter::Node;

use super::super::field::{Field, Fields};

/// Asks a node for a field.
pub trait ByField<'t> {
    /// The child of this field.
    fn field(&self, field: Field) -> Option<Node<'t>>;
}

impl<'t> ByField<'t> for Node<'t> {
    fn field(&self, field: Field) -> Option<Node<'t>> {
        static FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields::of(tree_sitter_python::LANGUAGE));
        self.child_by_field_id(FIELDS.number(field)?)
    }
}
