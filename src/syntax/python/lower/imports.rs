//! Imports, wherever they stand.

use tree_sitter::Node;

use super::super::super::field::Field;
use super::super::super::ir::{Builder, Export, Origin, ScopeKind, Symbol};
use super::super::nodes::ByField;
use super::statements::declare;
use super::{Kind, children, errors, first, kind};

/// `import a.b` binds `a`; `import a.b as c` binds `c` to `a.b`.
pub fn import<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    for child in children(node) {
        errors(b, child);
        let (module, local) = match kind(child) {
            Kind::DottedName => (first(child), first(child)),
            Kind::AliasedImport => (child.field(Field::Name), child.field(Field::Alias)),
            _ => continue,
        };
        let (Some(module), Some(local)) = (module, local) else { continue };
        let module = written(b, module);
        bind(b, local, module, Symbol::from("*"));
    }
}

/// `from m import x as y` binds `y` to the `x` of `m`.
pub fn import_from<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    let Some(from) = node.field(Field::ModuleName) else { return };
    let module = written(b, from);
    for child in children(node).into_iter().filter(|it| it.id() != from.id()) {
        errors(b, child);
        let (name, local) = match kind(child) {
            Kind::DottedName => (Some(child), first(child)),
            Kind::AliasedImport => (child.field(Field::Name), child.field(Field::Alias)),
            Kind::WildcardImport => {
                all_of(b, module);
                continue;
            }
            _ => continue,
        };
        let (Some(name), Some(local)) = (name, local) else { continue };
        let name = written(b, name);
        bind(b, local, module, name);
    }
}

/// `from m import *`, which Python allows at the top level alone.
fn all_of(b: &mut Builder, module: Symbol) {
    if b.chunk.scopes[b.function_scope.at()].kind == ScopeKind::Module {
        b.chunk.exports.push(Export::All { module });
    }
}

fn bind<'t>(b: &mut Builder<'t>, local: Node<'t>, module: Symbol, name: Symbol) {
    if !local.is_missing() && !local.byte_range().is_empty() {
        declare(b, local, Origin::Import { module, name });
    }
}

/// A dotted name as it would be written without spaces.
fn written<'t>(b: &Builder<'t>, node: Node<'t>) -> Symbol {
    let text = b.text(node);
    match text.contains(char::is_whitespace) {
        true => Symbol::from(&text.split_whitespace().collect::<String>()),
        false => Symbol::from(text),
    }
}
