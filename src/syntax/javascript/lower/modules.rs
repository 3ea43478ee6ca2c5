//! Imports, exports and namespaces.

use super::super::super::field::Field;
use super::super::super::ir::{Bytes, Export, Expr, ExprId, Origin, Prop, PropName, ScopeKind, Symbol};
use super::{Kind, Lower, Part, Parts};

impl<'t> Lower<'_, 't> {
    /// Lowers an import. One that names nothing says nothing.
    pub fn import(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        if let Some(module) = parts.get(Field::Source).and_then(|it| self.module_name(it))
            && let Some(clause) = parts.first(Kind::ImportClause)
        {
            self.import_clause(clause, module);
        }
        if let Some(required) = parts.first(Kind::ImportRequire) {
            self.import_require(required);
        }
        self.done(parts);
    }

    fn module_name(&self, source: Part<'t>) -> Option<Symbol> {
        self.literal(source).map(|it| Symbol::from(&it))
    }

    /// `import name = require('m')` is the whole module.
    fn import_require(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        let module = parts.get(Field::Source).and_then(|it| self.module_name(it));
        if let (Some(module), Some(name)) = (module, parts.first(Kind::Identifier)) {
            self.declare_as(name, Origin::Import { module, name: Symbol::from("*") });
        }
        self.done(parts);
    }

    fn import_clause(&mut self, clause: Part<'t>, module: Symbol) {
        let parts = self.parts(clause.node);
        for it in &parts.all {
            match it.kind {
                Kind::Identifier => {
                    self.declare_as(*it, Origin::Import { module, name: Symbol::from("default") });
                }
                Kind::NamespaceImport => {
                    let inner = self.parts(it.node);
                    if let Some(name) = inner.first(Kind::Identifier) {
                        self.declare_as(name, Origin::Import { module, name: Symbol::from("*") });
                    }
                    self.done(inner);
                }
                Kind::NamedImports => self.named_imports(*it, module),
                _ => {}
            }
        }
        self.done(parts);
    }

    fn named_imports(&mut self, part: Part<'t>, module: Symbol) {
        let parts = self.parts(part.node);
        for it in parts.all.iter().filter(|it| it.kind == Kind::ImportSpecifier) {
            let inner = self.parts(it.node);
            let (name, alias) = (inner.get(Field::Name), inner.get(Field::Alias));
            self.done(inner);
            let Some(written) = name.and_then(|it| self.property_name(it)) else { continue };
            if let Some(local) = alias.or(name) {
                self.declare_as(local, Origin::Import { module, name: written });
            }
        }
        self.done(parts);
    }

    /// Lowers an export.
    pub fn export(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        for it in parts.of(Field::Decorator) {
            self.only(it);
        }
        let module = parts.get(Field::Source).and_then(|it| self.module_name(it));
        if let Some(it) = parts.get(Field::Declaration) {
            self.exported(it, parts.has(Kind::Default));
        } else if let Some(it) = parts.get(Field::Value) {
            let value = self.expression(it);
            self.chunk.exports.push(Export::Name { name: Symbol::from("default"), value });
        } else if let Some(clause) = parts.first(Kind::ExportClause) {
            self.export_clause(clause, module);
        } else if let Some(module) = module {
            let name = parts.first(Kind::NamespaceExport).and_then(|it| self.namespace_name(it));
            self.chunk.exports.push(match name {
                Some(name) => Export::From { name, module, of: Symbol::from("*") },
                None => Export::All { module },
            });
        } else {
            self.export_whole(&parts);
        }
        self.done(parts);
    }

    /// `export const { a, b } = f()`, `export default function f() {}`: what it declares. Types are not values.
    fn exported(&mut self, declaration: Part<'t>, is_default: bool) {
        let first = self.chunk.bindings.len();
        self.statement(declaration);
        for at in first..self.chunk.bindings.len() {
            let binding = &self.chunk.bindings[at];
            if binding.scope != self.scope {
                continue;
            }
            let (declared, place) = (binding.name, binding.at.clone());
            let name = if is_default { Symbol::from("default") } else { declared };
            let value = Expr::Name(declared, self.scope);
            let value = self.add_at(value, place);
            self.chunk.exports.push(Export::Name { name, value });
        }
    }

    fn export_clause(&mut self, clause: Part<'t>, module: Option<Symbol>) {
        let parts = self.parts(clause.node);
        for it in parts.all.iter().filter(|it| it.kind == Kind::ExportSpecifier) {
            let inner = self.parts(it.node);
            let (local, alias) = (inner.get(Field::Name), inner.get(Field::Alias));
            self.done(inner);
            let Some(local) = local else { continue };
            let name = self.property_name(alias.unwrap_or(local));
            let (Some(of), Some(name)) = (self.property_name(local), name) else { continue };
            let export = match module {
                Some(module) => Export::From { name, module, of },
                None => Export::Name { name, value: self.name(local) },
            };
            self.chunk.exports.push(export);
        }
        self.done(parts);
    }

    fn namespace_name(&mut self, part: Part<'t>) -> Option<Symbol> {
        let parts = self.parts(part.node);
        let name = parts.all.iter().find(|it| it.kind != Kind::Star).and_then(|it| self.property_name(*it));
        self.done(parts);
        name
    }

    /// `export = value`
    fn export_whole(&mut self, parts: &Parts<'t>) {
        let value = parts.expression().map(|it| self.expression(it));
        if let Some(value) = value.filter(|_| parts.has(Kind::Equals)) {
            self.chunk.exports.push(Export::Whole { value });
        }
    }

    /// `namespace Name { ... }` is an object of what it exports; `module 'm' { ... }` describes another module.
    pub fn namespace(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        let (name, body) = (parts.get(Field::Name), parts.get(Field::Body));
        self.done(parts);
        let first = self.chunk.exports.len();
        if let Some(body) = body {
            self.namespace_body(body);
        }
        let exports = self.chunk.exports.split_off(first);
        if let Some(name) = name.filter(|it| it.kind == Kind::Identifier) {
            let props = exports.iter().filter_map(|it| self.export_as_prop(it)).collect();
            let run = self.props(props);
            let value = Some(self.add(Expr::Object(run), part.node));
            self.declare_as(name, Origin::Value { value, declared: None, constant: true });
        }
    }

    fn namespace_body(&mut self, body: Part<'t>) {
        let outer = self.open(ScopeKind::Block);
        let outer_function = std::mem::replace(&mut self.builder.function_scope, self.builder.scope);
        self.all_in(body);
        self.scope = outer;
        self.function_scope = outer_function;
    }

    fn export_as_prop(&self, export: &Export) -> Option<Prop> {
        let Export::Name { name, value } = export else { return None };
        Some(Prop { name: PropName::Fixed(*name), value: *value, at: self.span_of(*value) })
    }

    fn span_of(&self, value: ExprId) -> Bytes {
        self.chunk.spans[value.at()].clone()
    }
}
