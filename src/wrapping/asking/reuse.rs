//! A variable that holds the answer already.

use tree_sitter::Node;

use super::{Place, compared};
use crate::removal::{Kind, text_of};
use crate::syntax::{Read, Returns, Via};
use crate::wrapping::Request;
use crate::wrapping::file::File;

/// The condition that a variable in scope gives, and the variable.
pub(super) fn reused(file: &File, request: &Request, place: &Place) -> Option<(String, String)> {
    let same = request.facts.reads.iter().filter(|it| it.key.as_ref() == Some(request.key));
    same.rev().find_map(|read| {
        let held = held(file, read)?;
        let name = file.of_node(held.name);
        let binding = file.scopes.visible(name, place.at)?;
        let is_it = binding.name == held.name.byte_range() && binding.name.start < place.at;
        let is_constant = binding.kind == Kind::Constant
            || file.is_python() && binding.kind == Kind::Variable && binding.again.is_empty();
        if !is_it || !is_constant || !binding.writes.is_empty() {
            return None;
        }
        let condition = match (request.variant, &held.compared, read.returns) {
            (None, None, Returns::Boolean | Returns::Variant) => name.to_owned(),
            (Some(variant), Some(with), Returns::Variant) if variant == with => name.to_owned(),
            (variant @ Some(_), None, Returns::Variant) => compared(file, name, variant, place.quote),
            _ => return None,
        };
        Some((condition, name.to_owned()))
    })
}

/// The variable that a read is given to.
struct Held<'t> {
    name: Node<'t>,
    /// The variant that it is compared with before.
    compared: Option<String>,
}

fn held<'t>(file: &File<'t>, read: &Read) -> Option<Held<'t>> {
    if !matches!(read.via, Via::Call | Via::Hook | Via::Wrapper | Via::Snapshot) || read.is_forwarded {
        return None;
    }
    let call = read.call_span.bytes();
    let mut value = file.tree.root_node().named_descendant_for_byte_range(call.start, call.end)?;
    let mut compared = None;
    loop {
        let parent = value.parent()?;
        match parent.kind() {
            "await_expression" | "await" | "parenthesized_expression" | "non_null_expression" => {}
            "binary_expression" if compared.is_none() => {
                let is_equal = file.of_node(parent.child_by_field_name("operator")?) == "===";
                let right = parent.child_by_field_name("right").filter(|it| is_equal && *it != value)?;
                compared = Some(text_of(file.text, right)?);
            }
            "variable_declarator" => {
                let name = parent.child_by_field_name("name").filter(|it| it.kind() == "identifier")?;
                return Some(Held { name, compared });
            }
            "assignment" => {
                let name = parent.child_by_field_name("left").filter(|it| it.kind() == "identifier")?;
                return Some(Held { name, compared });
            }
            _ => return None,
        }
        value = parent;
    }
}
