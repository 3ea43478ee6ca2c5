//! Annotations and aliases of types.

use tree_sitter::Node;

use super::super::super::field::Field;
use super::super::super::ir::{Builder, Expr, ExprId, Symbol, Type, TypeId};
use super::super::nodes::ByField;
use super::expressions::expr;
use super::{Kind, children, errors, first, kind, parts, strings};

mod quoted;

/// Types that say something about their arguments.
#[derive(Clone, Copy)]
enum Form {
    /// Any of the arguments.
    Either,
    /// The first argument itself.
    First,
    /// The last argument itself.
    Last,
    /// Something that holds the first argument.
    Holding,
    /// Something that holds the last argument under keys.
    Map,
    /// A function that returns the last argument.
    Function,
    Tuple,
}

fn form(name: &str) -> Option<Form> {
    Some(match name {
        "Optional" | "Union" => Form::Either,
        "Annotated"
        | "Final"
        | "ClassVar"
        | "InitVar"
        | "Required"
        | "NotRequired"
        | "ReadOnly"
        | "type"
        | "Type"
        | "Awaitable"
        | "ContextManager"
        | "AbstractContextManager"
        | "AsyncContextManager"
        | "AbstractAsyncContextManager" => Form::First,
        "Coroutine" => Form::Last,
        "list" | "List" | "set" | "Set" | "frozenset" | "FrozenSet" | "deque" | "Deque" | "Sequence"
        | "MutableSequence" | "Collection" | "AbstractSet" | "MutableSet" | "Iterable" | "AsyncIterable"
        | "Iterator" | "AsyncIterator" | "Generator" | "AsyncGenerator" => Form::Holding,
        "dict" | "Dict" | "Mapping" | "MutableMapping" | "defaultdict" | "DefaultDict" | "OrderedDict" => {
            Form::Map
        }
        "Callable" => Form::Function,
        "tuple" | "Tuple" => Form::Tuple,
        _ => return None,
    })
}

/// Lowers an annotation.
pub fn lower<'t>(b: &mut Builder<'t>, node: Node<'t>) -> TypeId {
    let known = b.deeper(|b| {
        errors(b, node);
        annotation(b, node)
    });
    known.unwrap_or_else(|| b.add_type(Type::Other))
}

/// What a function is said to return. What a generator yields counts as returned.
pub fn result<'t>(b: &mut Builder<'t>, node: Node<'t>) -> TypeId {
    let declared = lower(b, node);
    let text = b.text(node);
    let name = text.split('[').next().and_then(|it| it.rsplit('.').next()).unwrap_or_default();
    match (name.trim(), &b.chunk.types[declared.at()]) {
        ("Iterator" | "AsyncIterator" | "Generator" | "AsyncGenerator", Type::Holding(it)) => *it,
        _ => declared,
    }
}

fn annotation<'t>(b: &mut Builder<'t>, node: Node<'t>) -> TypeId {
    let it = match kind(node) {
        Kind::Type | Kind::ParenthesizedExpression => {
            return match first(node) {
                Some(inner) => lower(b, inner),
                None => b.add_type(Type::Other),
            };
        }
        Kind::Identifier | Kind::Attribute => return named(b, node),
        Kind::GenericType | Kind::Subscript => return generic(b, node),
        Kind::BinaryOperator if operator(b, node) == "|" => return union(b, node),
        Kind::UnionType => return either(b, &children(node)),
        Kind::String => match strings::content(b, node) {
            Some((text, start)) => return quoted::lower(b, node, text, start),
            None => Type::Other,
        },
        Kind::List => {
            for it in children(node) {
                lower(b, it);
            }
            Type::Other
        }
        Kind::None | Kind::Ellipsis => Type::Other,
        _ => {
            expr(b, node);
            Type::Other
        }
    };
    b.add_type(it)
}

fn operator<'t>(b: &Builder<'t>, node: Node<'t>) -> &'t str {
    node.field(Field::Operator).map_or("", |it| b.text(it))
}

fn named<'t>(b: &mut Builder<'t>, node: Node<'t>) -> TypeId {
    let name = expr(b, node);
    if matches!(last_name(b, name), "Any" | "ClassVar" | "Final" | "TypeAlias") {
        return b.add_type(Type::Other);
    }
    let none = b.types(&[]);
    b.add_type(Type::Name(name, none))
}

/// `A | B | C`, which leans to the left.
fn union<'t>(b: &mut Builder<'t>, node: Node<'t>) -> TypeId {
    let (mut members, mut at) = (Vec::new(), node);
    while kind(at) == Kind::BinaryOperator && operator(b, at) == "|" {
        if at.id() != node.id() {
            errors(b, at);
        }
        members.extend(at.field(Field::Right));
        let Some(left) = at.field(Field::Left) else { break };
        at = left;
    }
    members.push(at);
    members.reverse();
    either(b, &members)
}

/// Any of these; that it may be None as well changes nothing.
fn either<'t>(b: &mut Builder<'t>, members: &[Node<'t>]) -> TypeId {
    let said = members.iter().filter(|it| kind(bare(**it)) != Kind::None);
    let said: Vec<_> = said.map(|it| lower(b, *it)).collect();
    any(b, &said)
}

/// `Name[arguments]`
fn generic<'t>(b: &mut Builder<'t>, node: Node<'t>) -> TypeId {
    let all = children(node);
    let Some((name, mut arguments)) = all.split_first() else { return b.add_type(Type::Other) };
    let inner;
    if let ([list], Kind::GenericType) = (arguments, kind(node)) {
        inner = parts(b, *list);
        arguments = &inner;
    }
    let base = expr(b, *name);
    if last_name(b, base) == "Literal" {
        return literals(b, arguments);
    }
    if let Some(Form::Either) = form(last_name(b, base)) {
        return either(b, arguments);
    }
    let arguments: Vec<_> = arguments.iter().map(|it| lower(b, *it)).collect();
    formed(b, base, &arguments)
}

fn bare(node: Node) -> Node {
    if kind(node) == Kind::Type { first(node).unwrap_or(node) } else { node }
}

/// The name of a type, without where it is from.
fn last_name(b: &Builder, id: ExprId) -> &'static str {
    match b.chunk.exprs[id.at()] {
        Expr::Name(name, _) => name.as_str(),
        Expr::Member(at) => b.chunk.members[at as usize].name.as_str(),
        _ => "",
    }
}

/// A type with its arguments.
fn formed(b: &mut Builder, base: ExprId, arguments: &[TypeId]) -> TypeId {
    let (first, last) = (arguments.first().copied(), arguments.last().copied());
    let it = match (form(last_name(b, base)), first, last) {
        (Some(Form::Either), Some(_), _) => return any(b, arguments),
        (Some(Form::First), Some(it), _) | (Some(Form::Last), _, Some(it)) => return it,
        (Some(Form::Holding), Some(it), _) | (Some(Form::Map), _, Some(it)) => Type::Holding(it),
        (Some(Form::Function), _, Some(it)) => Type::Function(it),
        // `tuple[A]`, `tuple[A, ...]`; what else a tuple holds depends on the place in it.
        (Some(Form::Tuple), Some(it), Some(last))
            if arguments.len() == 1 || arguments.len() == 2 && b.chunk.types[last.at()] == Type::Other =>
        {
            Type::Holding(it)
        }
        (Some(Form::Tuple), Some(_), _) => Type::Other,
        _ => Type::Name(base, b.types(arguments)),
    };
    b.add_type(it)
}

/// `Literal['a', 'b']`
fn literals<'t>(b: &mut Builder<'t>, arguments: &[Node<'t>]) -> TypeId {
    let texts: Vec<_> = arguments.iter().map(|it| literal(b, bare(*it))).collect();
    any(b, &texts)
}

/// Any of these types.
fn any(b: &mut Builder, types: &[TypeId]) -> TypeId {
    if let [only] = types {
        return *only;
    }
    let run = b.types(types);
    b.add_type(Type::Either(run))
}

fn literal<'t>(b: &mut Builder<'t>, node: Node<'t>) -> TypeId {
    match strings::literal(b, node) {
        Some((text, bytes)) => b.add_type(Type::Text(text, bytes)),
        None => lower(b, node),
    }
}

/// The parameters of a generic function or class: `[T: Bound]`.
pub fn parameters<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    let list = children(node).into_iter().find(|it| kind(*it) == Kind::TypeParameter);
    for bound in list.map(|it| parts(b, it)).unwrap_or_default() {
        // `T` itself is declared here and read nowhere.
        if kind(bare(bound)) != Kind::Identifier {
            lower(b, bound);
        }
    }
}

/// `type Name = ...`
pub fn alias<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    let (left, right) = (node.field(Field::Left), node.field(Field::Right));
    let (Some(mut name), Some(right)) = (left, right) else { return };
    while let Some(inner) = first(name) {
        name = inner;
    }
    let name = b.symbol(name);
    let it = lower(b, right);
    b.declare_type(name, it);
}

/// `Name = Literal['a', 'b']`, which is a value as well.
pub fn implicit_alias<'t>(b: &mut Builder<'t>, assignment: Node<'t>, value: Node<'t>) {
    let Some(left) = assignment.field(Field::Left).filter(|it| kind(*it) == Kind::Identifier) else { return };
    let is_said = assignment.field(Field::Type).is_some_and(|it| b.text(it).ends_with("TypeAlias"));
    let looks = is_named_like_type(b.text(left)) && looks_like_type(b, value);
    if !is_said && !looks {
        return;
    }
    let name: Symbol = b.symbol(left);
    let it = lower(b, value);
    b.declare_type(name, it);
}

fn is_named_like_type(name: &str) -> bool {
    name.trim_start_matches('_').starts_with(char::is_uppercase)
}

fn looks_like_type(b: &Builder, value: Node) -> bool {
    match kind(value) {
        Kind::Subscript => {
            let base = value.field(Field::Value).map(|it| &b.source[it.byte_range()]).unwrap_or_default();
            let name = base.rsplit('.').next().unwrap_or_default();
            name == "Literal" || form(name).is_some()
        }
        Kind::BinaryOperator => {
            let bar = value.field(Field::Operator).is_some_and(|it| &b.source[it.byte_range()] == "|");
            let operand = |it: Node| {
                matches!(kind(it), Kind::Identifier | Kind::None | Kind::String)
                    || kind(it) != Kind::Attribute && looks_like_type(b, it)
            };
            bar && value.field(Field::Left).is_some_and(operand)
                && value.field(Field::Right).is_some_and(operand)
        }
        _ => false,
    }
}
