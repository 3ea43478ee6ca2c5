//! Functions, methods and lambdas.

use tree_sitter::Node;

use super::super::super::field::Field;
use super::super::super::ir::{
    Binding, Builder, ClassId, Expr, ExprId, Function, FunctionId, Origin, Run, ScopeId, ScopeKind, Symbol,
    TypeId,
};
use super::super::nodes::ByField;
use super::expressions::expr;
use super::statements::declare;
use super::{Kind, all, errors, first, kind, parts, types};

/// Lowers the body of a function; that of a lambda is what it returns.
pub fn body<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    if kind(node) == Kind::Block {
        return all(b, node);
    }
    let value = expr(b, node);
    b.returns.push(value);
}

/// Lowers a function, whose decorators are lowered already.
pub fn function<'t>(b: &mut Builder<'t>, node: Node<'t>, decorators: &[ExprId]) {
    let name = node.field(Field::Name).filter(|it| !it.is_missing());
    let class = class_around(b);
    let id = b.add_function(Function {
        name: name.map(|it| b.symbol(it)),
        class,
        has_self: class.is_some() && !decorators.iter().any(|it| decorator(b, *it) == "staticmethod"),
        is_getter: decorators.iter().any(|it| decorator(b, *it).ends_with("property")),
        ..nothing()
    });
    b.chunk.functions[id.at()].decorators = b.list(decorators);
    name.into_iter().for_each(|it| declare(b, it, Origin::Function(id)));
    lower(b, id, node);
}

/// Lowers `lambda x: value`.
pub fn lambda<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let id = b.add_function(nothing());
    lower(b, id, node);
    b.add(Expr::Function(id), node)
}

fn nothing() -> Function {
    Function {
        name: None,
        scope: ScopeId::ROOT,
        class: None,
        has_self: false,
        is_getter: false,
        returns: Run::default(),
        declared: None,
        decorators: Run::default(),
        nested: None,
    }
}

/// The class whose body the current scope is.
fn class_around(b: &Builder) -> Option<ClassId> {
    match b.chunk.scopes[b.scope.at()].kind {
        ScopeKind::Class(class) => Some(class),
        _ => None,
    }
}

/// The name of a decorator, without where it is from.
fn decorator(b: &Builder, id: ExprId) -> &'static str {
    match b.chunk.exprs[id.at()] {
        Expr::Name(name, _) => name.as_str(),
        Expr::Member(at) => b.chunk.members[at as usize].name.as_str(),
        Expr::Call(call) => match b.chunk.exprs[b.chunk.calls[call.at()].callee.at()] {
            Expr::Name(name, _) => name.as_str(),
            _ => "",
        },
        _ => "",
    }
}

/// Lowers the parts of a function. Defaults and annotations are read outside of it.
fn lower<'t>(b: &mut Builder<'t>, id: FunctionId, node: Node<'t>) {
    let outside = b.open(ScopeKind::Function(id));
    let inside = std::mem::replace(&mut b.scope, outside);
    b.chunk.functions[id.at()].scope = inside;
    types::parameters(b, node);
    if let Some(list) = node.field(Field::Parameters) {
        parameters(b, id, list, inside);
    }
    if let Some(declared) = node.field(Field::ReturnType) {
        b.chunk.functions[id.at()].declared = Some(types::result(b, declared));
    }
    b.scope = inside;
    let function_outside = std::mem::replace(&mut b.function_scope, inside);
    let in_errors = returned_in_errors(b, node);
    if let Some(code) = node.field(Field::Body) {
        b.body(id, code, body);
    }
    if !in_errors.is_empty() {
        let body = b.chunk.exprs_in(b.chunk.functions[id.at()].returns);
        let all = [&in_errors, body].concat();
        b.chunk.functions[id.at()].returns = b.list(&all);
    }
    b.function_scope = function_outside;
    b.scope = outside;
}

/// Where a line lacks its colon, the body stands in an error before an empty body. Answers what it returns.
fn returned_in_errors<'t>(b: &mut Builder<'t>, function: Node<'t>) -> Vec<ExprId> {
    let outside = std::mem::take(&mut b.returns);
    errors(b, function);
    std::mem::replace(&mut b.returns, outside)
}

fn parameters<'t>(b: &mut Builder<'t>, function: FunctionId, list: Node<'t>, scope: ScopeId) {
    let marks = [Kind::KeywordSeparator, Kind::PositionalSeparator];
    let all = parts(b, list).into_iter().filter(|it| !marks.contains(&kind(*it)));
    for (index, node) in all.enumerate() {
        let it = Parameter { function, scope, index: index as u32 };
        parameter(b, it, node);
    }
}

#[derive(Clone, Copy)]
struct Parameter {
    function: FunctionId,
    /// The scope of the function, which is not the current one.
    scope: ScopeId,
    index: u32,
}

fn parameter<'t>(b: &mut Builder<'t>, it: Parameter, node: Node<'t>) {
    let name = match kind(node) {
        Kind::Identifier => return declare_parameter(b, it, node, None, None, false),
        Kind::DefaultParameter | Kind::TypedDefaultParameter => node.field(Field::Name),
        Kind::TypedParameter => first(node),
        _ => Some(node),
    };
    errors(b, node);
    let declared = node.field(Field::Type).map(|it| types::lower(b, it));
    let default = node.field(Field::Value).map(|it| expr(b, it));
    let Some(name) = name else { return };
    let rest = matches!(kind(name), Kind::ListSplatPattern | Kind::DictionarySplatPattern);
    let name = if rest { first(name) } else { Some(name) };
    if let Some(name) = name.filter(|it| kind(*it) == Kind::Identifier && !it.is_missing()) {
        declare_parameter(b, it, name, declared, default, rest);
    }
}

fn declare_parameter<'t>(
    b: &mut Builder<'t>,
    it: Parameter,
    name: Node<'t>,
    declared: Option<TypeId>,
    default: Option<ExprId>,
    rest: bool,
) {
    let Parameter { function, scope, index } = it;
    let origin = Origin::Parameter { function, index, declared, rest };
    let (at, name) = (b.bytes(name), b.symbol(name));
    b.declare(Binding { name, scope, at, origin, path: Vec::new(), default, next: None });
}

/// Gives a lambda the name of the variable that holds it.
pub fn name<'t>(b: &mut Builder<'t>, value: ExprId, target: Node<'t>) {
    if matches!(b.chunk.exprs[value.at()], Expr::Function(_)) && kind(target) == Kind::Identifier {
        let name = b.symbol(target);
        name_as(b, value, name);
    }
}

/// Gives a lambda the name of the property that holds it.
pub fn name_as(b: &mut Builder, value: ExprId, name: Symbol) {
    if let Expr::Function(id) = b.chunk.exprs[value.at()] {
        b.chunk.functions[id.at()].name.get_or_insert(name);
    }
}
