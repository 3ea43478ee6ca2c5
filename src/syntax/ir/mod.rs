//! What a file says, in one form for every language: names, values, calls, functions and classes, without the
//! text and without the tree. A language lowers its tree to this; following names from file to file knows no
//! language at all.
//!
//! A module is made of chunks: a statement of the top level, or a long body of a function. A chunk says where
//! things are relative to its own start, so that one that an edit did not touch is used again as it is.

mod build;
#[cfg(test)]
mod show;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ustr::{Ustr, UstrMap};

use super::{Language, LeftOut, Remarks};
use crate::text::Text;

pub(crate) use build::{Builder, Rules, lower};

/// A name or a string, compared as a number.
pub type Symbol = Ustr;

/// Declares an index into one of a chunk's lists.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index.
            pub fn at(self) -> usize { self.0 as usize }
        }
    )*};
}

ids! {
    /// An expression of a chunk.
    ExprId,
    /// A scope of a chunk.
    ScopeId,
    /// A binding of a chunk.
    BindingId,
    /// A function of a chunk.
    FunctionId,
    /// A class of a chunk.
    ClassId,
    /// A declared type of a chunk.
    TypeId,
    /// A call of a chunk.
    CallId,
}

impl ScopeId {
    /// The outermost scope of a chunk: of the module, or of the body that the chunk is.
    pub const ROOT: ScopeId = ScopeId(0);
}

/// A stretch of bytes, from the start of the chunk.
pub type Bytes = Range<u32>;

/// A run of elements in one of a chunk's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run {
    /// The first.
    pub start: u32,
    /// How many.
    pub len: u32,
}

impl Run {
    /// As a range of indices.
    pub fn range(self) -> Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }
}

/// An expression, without what does not change its value: parentheses, `await`, `!`, `as T`, `Object.freeze()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expr {
    /// A string whose content the code says.
    Text(Symbol),
    /// A template, an f-string, a sum of strings, `%` or `.format`: its parts from the left, in [`Chunk::exprs_in`].
    /// What cannot be told is a part that is [`Expr::Opaque`].
    Template(Run),
    /// A name, looked up from a scope.
    Name(Symbol, ScopeId),
    /// `object.name`, `object['name']`, by [`Chunk::members`].
    Member(u32),
    /// `object[index]`.
    Index(ExprId, ExprId),
    /// A call, `new`, or a JSX element.
    Call(CallId),
    /// A function, arrow function, lambda.
    Function(FunctionId),
    /// A class expression.
    Class(ClassId),
    /// An object literal, dictionary, or the members of an enum: [`Chunk::props_in`].
    Object(Run),
    /// An enum's members, likewise.
    Enum(Run),
    /// An array, tuple, set or list literal: [`Chunk::exprs_in`].
    List(Run),
    /// Any of these: a conditional, `||`, `??`, `or`; of `a && b` and `a and b` only `b`: [`Chunk::exprs_in`].
    Either(Run),
    /// `this` or `super`.
    This(ScopeId),
    /// The module that `require('m')`, `await import('m')` loads.
    Module(Symbol),
    /// `key in object`.
    In(ExprId, ExprId),
    /// What a loop's variable holds while it goes over this.
    Element(ExprId),
    /// null, undefined, None: says nothing when something else is assigned as well.
    Nothing,
    /// A number, a comparison, a regular expression: never a client, a flag's key or a map of flags.
    Plain,
    /// Anything else. What it contains is lowered all the same.
    Opaque,
}

/// `object.name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What it is a member of.
    pub object: ExprId,
    /// Its name.
    pub name: Symbol,
    /// The name in the text, quotes included.
    pub at: Bytes,
    /// Written `object['name']`.
    pub quoted: bool,
}

/// A call, a construction or an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which of these.
    pub kind: CallKind,
    /// What is called. Of an element its name: `<a.B>` is the member `B` of `a`; `<div>` is not lowered as a call.
    pub callee: ExprId,
    /// Its arguments, or the element's attributes: [`Chunk::args_in`].
    pub args: Run,
    /// The whole expression; of an element up to its end tag.
    pub expr: ExprId,
    /// The innermost scope round it.
    pub scope: ScopeId,
}

/// What a [`Call`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// `f(x)`, also a tagged template.
    Call,
    /// `new F(x)`.
    New,
    /// `<F x={y} />`.
    Element,
}

/// `a === 'x'`, `a in ('x', 'y')`, `switch (a) { case 'x': ... }`, `match a: case 'x': ...`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// What is compared. Of `a === b` it may also be the other one.
    pub subject: ExprId,
    /// What with: [`Chunk::exprs_in`].
    pub values: Run,
    /// Nothing is done where no value fits, though every value is a case of its own.
    pub is_open: bool,
}

/// An argument of a call or an attribute of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arg {
    /// `name=value` in Python, `name={value}` in JSX.
    pub name: Option<Symbol>,
    /// Its value; of an attribute without one [`Expr::Plain`].
    pub value: ExprId,
    /// `...value`, `*value`, `**value`: where the others stand is not known.
    pub spread: bool,
}

/// A property of an object literal, dictionary or enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prop {
    /// Its name.
    pub name: PropName,
    /// Its value; of an enum's member without one [`Expr::Plain`]. Methods are functions.
    pub value: ExprId,
    /// The name in the text, quotes included.
    pub at: Bytes,
}

/// The name of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropName {
    /// As written, without quotes.
    Fixed(Symbol),
    /// `[expr]: value`; in Python every key that is no string.
    Computed(ExprId),
    /// `...value`, `**value`.
    Spread,
}

impl PropName {
    /// The name as written.
    pub fn fixed(&self) -> Option<Symbol> {
        match self {
            PropName::Fixed(name) => Some(*name),
            _ => None,
        }
    }
}

/// A scope and what is declared in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The scope round it in this chunk. The root of a body is inside the function, whose chunk is another.
    pub parent: Option<ScopeId>,
    /// What it belongs to.
    pub kind: ScopeKind,
    /// What is declared, by name: the first binding; others of the same name follow by [`Binding::next`].
    pub names: Vec<(Symbol, BindingId)>,
    /// Interfaces and type aliases, which may share a name with a value.
    pub types: Vec<(Symbol, TypeId)>,
}

/// What a scope belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeKind {
    /// The whole file. Every chunk of the top level has one; together they are the module's.
    Module,
    /// The parameters of a function, and in Python its names.
    Function(FunctionId),
    /// The body of a function that is a chunk of its own.
    Body,
    /// A class. Python does not see it from inside the class's functions.
    Class(ClassId),
    /// A block, a loop, a comprehension.
    Block,
}

/// A declared name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The name.
    pub name: Symbol,
    /// Where it is declared.
    pub scope: ScopeId,
    /// The name in the text. Of `{ 'new-nav': on }` and `{ isOn: on }` the name of the property.
    pub at: Bytes,
    /// What declares it.
    pub origin: Origin,
    /// The way from the declared value to this name: `{ a: [, b] }` binds `b` by `.a`, `[1]`.
    pub path: Vec<Step>,
    /// The value that a pattern gives where there is none: `{ key = 'a' }`.
    pub default: Option<ExprId>,
    /// A further declaration of the same name in the same scope, as Python has them.
    pub next: Option<BindingId>,
}

/// What declares a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An import.
    Import {
        /// As written.
        module: Symbol,
        /// The name in the module: `default`; `*` for the module itself.
        name: Symbol,
    },
    /// A variable.
    Value {
        /// What it begins as.
        value: Option<ExprId>,
        /// Its declared type.
        declared: Option<TypeId>,
        /// `const`: nothing else can be assigned.
        constant: bool,
    },
    /// A parameter.
    Parameter {
        /// Of which function.
        function: FunctionId,
        /// Which one, from 0; `self` and `cls` count.
        index: u32,
        /// Its declared type.
        declared: Option<TypeId>,
        /// `*args`, `**kwargs`, `...rest`.
        rest: bool,
    },
    /// A function.
    Function(FunctionId),
    /// A class.
    Class(ClassId),
    /// A caught error, an augmented assignment and the like.
    Other,
}

/// One step into a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A property.
    Property(Symbol),
    /// An element.
    Index(u32),
    /// The rest of it.
    Rest,
}

/// A function, method, arrow function or lambda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name, or that of the variable or property that holds it.
    pub name: Option<Symbol>,
    /// The scope of its parameters; its bindings say their order.
    pub scope: ScopeId,
    /// The class whose method it is.
    pub class: Option<ClassId>,
    /// `@staticmethod`, or in JavaScript everything but Python's methods: there is no `self` among the parameters.
    pub has_self: bool,
    /// A getter or `@property`: to name it is to call it.
    pub is_getter: bool,
    /// What it returns and yields, in [`Chunk::exprs_in`]; of a body that is a chunk of its own see [`Chunk::returns`].
    pub returns: Run,
    /// Its declared result.
    pub declared: Option<TypeId>,
    /// Its decorators, in [`Chunk::exprs_in`].
    pub decorators: Run,
    /// Where its body is, if that is a chunk of its own: which of [`Chunk::nested`].
    pub nested: Option<u32>,
}

/// A class, or in Python perhaps an enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name.
    pub name: Option<Symbol>,
    /// What it is derived from, in [`Chunk::exprs_in`].
    pub bases: Run,
    /// `implements I`: its objects may stand in for others.
    pub implements: bool,
    /// The scope of its body.
    pub scope: ScopeId,
    /// What is declared in its body. What methods assign to `this.x` is in [`Chunk::assignments`].
    pub members: Vec<ClassMember>,
}

/// A member that a class's body declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassMember {
    /// Its name, without `#`.
    pub name: Symbol,
    /// The name in the text.
    pub at: Bytes,
    /// Its value, a method's function. Of `constructor(private client: C)` the parameter.
    pub value: Option<ExprId>,
    /// Its declared type.
    pub declared: Option<TypeId>,
}

/// A declared type, as far as it says something about keys, clients and maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `Name<args>`, `a.Name`; arguments in [`Chunk::types_in`]. The expression looks the name up as a value does.
    Name(ExprId, Run),
    /// `'a'`, `Literal["a"]`.
    Text(Symbol, Bytes),
    /// `A | B`, `Optional[A]`, `A & B`: [`Chunk::types_in`].
    Either(Run),
    /// An interface or an object type: its members. What an interface extends is a member of name `..`.
    Object(Vec<(Symbol, TypeId)>),
    /// `keyof typeof X`.
    Keys(ExprId),
    /// `typeof X`.
    Of(ExprId),
    /// `(typeof X)[keyof typeof X]`, `(typeof LIST)[number]`: the values of X.
    Values(ExprId),
    /// `A[]`, `list[A]`, `Record<K, A>`: what it holds.
    Holding(TypeId),
    /// `(...) => A`.
    Function(TypeId),
    /// Anything else.
    Other,
}

/// Something that is assigned to what is declared elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// To what.
    pub target: Target,
    /// What.
    pub value: ExprId,
}

/// What is assigned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `name = value`, where this scope does not declare the name by it.
    Name(Symbol, ScopeId),
    /// `object.name = value`, `object['name'] = value`; such a member is no [`Expr::Member`], since nothing is read.
    Member(ExprId, Symbol),
    /// `object[index] = value`, where the index is no string.
    Element(ExprId),
}

/// What a module gives to others. Python's module gives all its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// `export const name`, `export { local as name }`, `export default ...`, `exports.name = ...`.
    Name {
        /// What others call it.
        name: Symbol,
        /// What it is.
        value: ExprId,
    },
    /// `export { of as name } from 'module'`; `of` is `*` in `export * as name`.
    From {
        /// What others call it.
        name: Symbol,
        /// Whose it is.
        module: Symbol,
        /// What it is called there.
        of: Symbol,
    },
    /// `export * from 'module'`, `from module import *`.
    All {
        /// Whose.
        module: Symbol,
    },
    /// `module.exports = value`, `export = value`.
    Whole {
        /// What.
        value: ExprId,
    },
}

/// A part of the code that does not run just once when what is round it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Where.
    pub at: Bytes,
    /// The statement that it is part of, by number.
    pub statement: u32,
    /// How it runs.
    pub kind: BranchKind,
    /// Some branch of the statement is always gone through.
    pub is_total: bool,
    /// Where it goes at its end.
    pub end: End,
}

/// Where a [`Branch`] goes at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// On, behind its statement.
    On,
    /// Out of the loop round it, or to its next turn.
    OutOfLoop,
    /// Out of the function.
    Out,
}

/// How a [`Branch`] runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BranchKind {
    /// Instead of the others of its statement.
    Way,
    /// Again and again.
    Loop,
    /// Perhaps not to its end, and then another one.
    Attempt,
}

/// A body that is a chunk of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nested {
    /// Whose body.
    pub function: FunctionId,
    /// Where.
    pub at: Bytes,
}

/// A statement of the top level or the body of a function. See the module's documentation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Every expression.
    pub exprs: Vec<Expr>,
    /// Where each expression is.
    pub spans: Vec<Bytes>,
    /// Lists of expressions.
    pub lists: Vec<ExprId>,
    /// Members by number.
    pub members: Vec<Member>,
    /// Calls by number, in the order of their text.
    pub calls: Vec<Call>,
    /// Arguments of all calls.
    pub args: Vec<Arg>,
    /// Properties of all objects.
    pub props: Vec<Prop>,
    /// Scopes; the first is the outermost.
    pub scopes: Vec<Scope>,
    /// Bindings of all scopes.
    pub bindings: Vec<Binding>,
    /// Functions.
    pub functions: Vec<Function>,
    /// Classes.
    pub classes: Vec<Class>,
    /// Declared types.
    pub types: Vec<Type>,
    /// Lists of types.
    pub type_lists: Vec<TypeId>,
    /// Assignments to what is declared elsewhere.
    pub assignments: Vec<Assignment>,
    /// Types that assignments declare, by the number of the assignment: `self.client: Client = make()`.
    pub assigned_types: Vec<(u32, TypeId)>,
    /// What is compared with fixed values.
    pub comparisons: Vec<Comparison>,
    /// Parts that do not run just once, round what gives names their values.
    pub branches: Vec<Branch>,
    /// What the module gives to others.
    pub exports: Vec<Export>,
    /// What a body returns and yields, if the chunk is one.
    pub returns: Vec<ExprId>,
    /// Long bodies.
    pub nested: Vec<Nested>,
    /// Of each call, the last part of what is called: `c` of `a.b.c()`.
    pub call_names: Vec<Option<Symbol>>,
    /// Arguments by expression: in which call, and which one. Sorted.
    pub passed: Vec<(ExprId, CallId, u32)>,
    /// Of each function, the expression that it is, if it is one.
    pub function_exprs: Vec<Option<ExprId>>,
}

impl Chunk {
    /// The expressions of a run.
    pub fn exprs_in(&self, run: Run) -> &[ExprId] {
        &self.lists[run.range()]
    }

    /// The arguments of a run.
    pub fn args_in(&self, run: Run) -> &[Arg] {
        &self.args[run.range()]
    }

    /// The properties of a run.
    pub fn props_in(&self, run: Run) -> &[Prop] {
        &self.props[run.range()]
    }

    /// The types of a run.
    pub fn types_in(&self, run: Run) -> &[TypeId] {
        &self.type_lists[run.range()]
    }
}

/// A chunk and where it is in a file.
#[derive(Debug, Clone)]
pub struct Placed {
    /// What it says.
    pub chunk: Arc<Chunk>,
    /// Where it begins, in bytes.
    pub start: u32,
    /// Of a body: the chunk and the function that it belongs to.
    pub parent: Option<(u32, FunctionId)>,
    /// Of each of its [`Chunk::nested`], which chunk it is.
    pub nested: Vec<u32>,
    /// How long it is, in bytes.
    len: u32,
    /// The number of its node's kind; nothing when an error stands in it, whose tree depends on what is round it.
    kind: Option<u16>,
}

impl Placed {
    /// Where it is in the file, in bytes.
    pub fn bytes(&self) -> Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }

    /// Whether it was parsed without an error.
    pub fn is_whole(&self) -> bool {
        self.kind.is_some()
    }
}

/// A whole file.
#[derive(Debug)]
pub struct Module {
    /// Its language.
    pub language: Language,
    /// Its text, for the places of what is found.
    pub text: Text,
    /// Its chunks; a body comes after the chunk that it belongs to.
    pub chunks: Vec<Placed>,
    /// What was not parsed.
    pub left_out: LeftOut,
    names: OnceLock<UstrMap<Vec<(u32, BindingId)>>>,
    types: OnceLock<UstrMap<(u32, TypeId)>>,
    assigned: OnceLock<AllAssigned>,
    remarks: OnceLock<Arc<Remarks>>,
}

/// An assignment to what is declared elsewhere, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assigned<T> {
    /// In which chunk.
    pub chunk: u32,
    /// To a name, seen from this scope, or to a member of this object.
    pub to: T,
    /// What.
    pub value: ExprId,
}

#[derive(Debug, Default)]
struct AllAssigned {
    names: UstrMap<Vec<Assigned<ScopeId>>>,
    members: UstrMap<Vec<Assigned<ExprId>>>,
}

impl Module {
    /// Of these chunks.
    fn new(language: Language, text: Text, chunks: Vec<Placed>) -> Module {
        Module {
            language,
            text,
            chunks,
            left_out: LeftOut::default(),
            names: OnceLock::new(),
            types: OnceLock::new(),
            assigned: OnceLock::new(),
            remarks: OnceLock::new(),
        }
    }

    /// What its comments say to Flagline, and secrets in it.
    pub fn remarks(&self) -> &Arc<Remarks> {
        self.remarks.get_or_init(|| Arc::new(Remarks::of(&self.text)))
    }

    /// What is assigned to names like this one.
    pub fn assigned(&self, name: Symbol) -> &[Assigned<ScopeId>] {
        self.all_assigned().names.get(&name).map_or(&[], Vec::as_slice)
    }

    /// What is assigned to members of this name.
    pub fn assigned_to_member(&self, name: Symbol) -> &[Assigned<ExprId>] {
        self.all_assigned().members.get(&name).map_or(&[], Vec::as_slice)
    }

    fn all_assigned(&self) -> &AllAssigned {
        self.assigned.get_or_init(|| {
            let mut all = AllAssigned::default();
            for (at, placed) in self.chunks.iter().enumerate() {
                for &Assignment { target, value } in &placed.chunk.assignments {
                    let chunk = at as u32;
                    match target {
                        Target::Name(name, to) => {
                            all.names.entry(name).or_default().push(Assigned { chunk, to, value });
                        }
                        Target::Member(to, name) => {
                            all.members.entry(name).or_default().push(Assigned { chunk, to, value });
                        }
                        Target::Element(_) => {}
                    }
                }
            }
            all
        })
    }

    /// The alias or interface of this name at the top level, and its chunk.
    pub fn declared_type(&self, name: Symbol) -> Option<(u32, TypeId)> {
        let types = self.types.get_or_init(|| {
            let mut types = UstrMap::default();
            for (at, placed) in self.chunks.iter().enumerate().filter(|it| it.1.parent.is_none()) {
                let Some(root) = placed.chunk.scopes.first() else { continue };
                for (name, id) in &root.types {
                    types.entry(*name).or_insert((at as u32, *id));
                }
            }
            types
        });
        types.get(&name).copied()
    }

    /// The bindings of a name that is declared at the top level, in order, with their chunks.
    pub fn declared(&self, name: Symbol) -> &[(u32, BindingId)] {
        let names = self.names.get_or_init(|| {
            let mut names: UstrMap<Vec<(u32, BindingId)>> = UstrMap::default();
            for (at, placed) in self.chunks.iter().enumerate().filter(|it| it.1.parent.is_none()) {
                let Some(root) = placed.chunk.scopes.first() else { continue };
                for (name, binding) in &root.names {
                    names.entry(*name).or_default().push((at as u32, *binding));
                }
            }
            names
        });
        names.get(&name).map_or(&[], Vec::as_slice)
    }

    /// The places of a stretch of a chunk.
    pub fn span(&self, chunk: u32, bytes: &Bytes) -> crate::text::Span {
        let start = self.chunks[chunk as usize].start;
        self.text.span((start + bytes.start) as usize..(start + bytes.end) as usize)
    }
}
