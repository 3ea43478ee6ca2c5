//! What an expression may be, as far as it says something about flags.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::rewrite::Rewrite;
use crate::syntax::ir::{BindingId, CallId, ClassId, ExprId, FunctionId, Step, Symbol, TypeId};
use crate::syntax::{Certainty, KeyFrom, Returns, Via};

/// A file of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FileId(pub u32);

/// Something of a chunk of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct At<T> {
    pub file: FileId,
    pub chunk: u32,
    pub id: T,
}

impl<T> At<T> {
    /// Something else of the same chunk.
    pub fn with<U>(&self, id: U) -> At<U> {
        At { file: self.file, chunk: self.chunk, id }
    }
}

pub(crate) type ExprAt = At<ExprId>;
pub(crate) type FunctionAt = At<FunctionId>;
pub(crate) type ClassAt = At<ClassId>;
pub(crate) type TypeAt = At<TypeId>;
pub(crate) type BindingAt = At<BindingId>;

/// What an expression may be: any of these. Empty when nothing is known to be assigned.
pub(crate) type Values = Rc<[Value]>;

/// One thing that an expression may be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Nobody can tell.
    Unknown,
    /// Something else than all of the below, and known to be.
    Foreign,
    /// null, undefined, None.
    Nothing,
    /// A string that the code says.
    Text(Rc<Known>),
    /// Strings joined: each part one thing.
    Joined(Rc<[Value]>),
    /// What a caller passes.
    Parameter(Rc<Parameter>),
    /// The member of an object or class whose name a caller passes: `FLAGS[name]`.
    Picked(Rc<Value>, Rc<Value>),
    /// A part of such a member: `FLAGS[name].key`.
    Part(Rc<Value>, Step),
    /// One of the above that is not known yet, as a function of strings rewrites it.
    Rewritten(Rc<Value>, Rewrite),
    /// A client, or the SDK's module.
    Client(Certainty),
    /// What `evaluateFlags` gives.
    Snapshot(Certainty),
    /// A function of the SDK.
    Sdk(Sdk),
    /// `evaluateFlags` itself.
    Maker(Certainty),
    /// A map or list of flags.
    Map(Map),
    /// A function, with the object that it is a method of.
    Function(FunctionAt, Option<Rc<Value>>),
    /// A function to which a part of what it takes was passed.
    Partial(FunctionAt, Placing),
    /// A class.
    Class(ClassAt),
    /// An object of a class.
    Instance(ClassAt),
    /// The object of a class that this call makes.
    Made(ClassAt, At<CallId>),
    /// What whoever makes an object of a class gives for a field that the class declares.
    Field(ClassAt, Symbol),
    /// An object literal, dictionary or enum.
    Object(ExprAt),
    /// A list literal.
    List(ExprAt),
    /// The names of an object's properties, as a list.
    Names(ExprAt),
    /// The values of an object's properties, as a list.
    Members(ExprAt),
    /// The pairs of both, as a list.
    Entries(ExprAt),
    /// The elements of something, each with its number.
    Numbered(Rc<Value>),
    /// What a declared type says, and nothing else.
    Shape(TypeAt),
    /// A module of this program.
    Namespace(FileId),
    /// A package of Python without a file of its own, as that file names it.
    Dotted(FileId, Symbol),
    /// Something of a file that exists and was not read so far.
    Unloaded(Arc<Path>),
    /// A vendor's or test tool's.
    Vendor,
    /// What a flag of Vercel's Flags SDK asks by, with what it gives, if that was said.
    Adapter(Option<Returns>),
    /// A part of OpenFeature, which asks whichever vendor's provider is set.
    OpenFeature(OpenFeature),
    /// What `createContext` gives.
    Context(ExprAt),
    /// What a flag is for somebody.
    Flag,
    /// What PostHog answers when it is asked without an SDK, or a part of it that is not the flags.
    Answer,
    /// What `new Map()` gives.
    Cache(ExprAt),
    /// What `useState(initial)` gives, or a `ref(initial)` that is filled later.
    State(ExprAt),
    /// A store whose state this function makes.
    Store(FunctionAt),
    /// A store that is defined by these options, and what a call of it gives.
    Options(ExprAt),
    /// `window` and the like.
    Global,
}

/// Which parameters of a function the arguments of a call are for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placing {
    /// It is called as a method, whose object is its first parameter.
    pub is_bound: bool,
    /// How many were passed before; below zero, how many arguments are not for it.
    pub shift: i32,
}

impl Placing {
    /// Of a call of a function that is a method of this.
    pub fn of(this: &Option<Rc<Value>>) -> Placing {
        Placing { is_bound: this.is_some(), shift: 0 }
    }
}

/// A part of OpenFeature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum OpenFeature {
    /// Its API, from which clients come.
    Api,
    /// Nest's module, which sets providers as well.
    Module,
    /// A function that sets a provider.
    Setter,
    /// A function that gives a client.
    GetClient,
    /// A hook that gives the client of the provider round a component.
    UseClient,
    /// A client.
    Client(Domain),
}

/// The name under which a provider is set and a client asks for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Domain {
    /// None.
    Default,
    /// This.
    Named(Symbol),
    /// Nobody can tell.
    Any,
}

/// A string that the code says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    /// The string.
    pub text: Symbol,
    /// How the place that uses it comes by it.
    pub from: KeyFrom,
    /// Where it is written.
    pub at: ExprAt,
}

/// What a caller passes, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Parameter {
    pub function: FunctionAt,
    pub index: u32,
    pub path: Vec<Step>,
}

/// A function of the SDK.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sdk {
    /// Its name in the SDK.
    pub name: &'static str,
    pub via: Via,
    pub returns: Returns,
    pub certainty: Certainty,
    /// What it gives is a map or list of flags; else it takes a flag's key.
    pub is_map: bool,
    /// See [`Map::by_name`].
    pub by_name: bool,
}

/// A map or list of flags.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Map {
    /// The function of the SDK that gave it.
    pub method: &'static str,
    pub via: Via,
    /// What its members are; of a list of keys that are on [`Returns::Boolean`], of a pair of maps [`Returns::Result`].
    pub returns: Returns,
    pub certainty: Certainty,
    /// Only its name says so: what it is asked for must be plainly a flag's key.
    pub by_name: bool,
}

impl Value {
    /// Whether it says something about flags by itself.
    pub fn is_evidence(&self) -> bool {
        match self {
            Value::Map(map) => !map.by_name,
            _ => {
                matches!(self, Value::Client(_) | Value::Snapshot(_) | Value::Sdk(_) | Value::OpenFeature(_))
            }
        }
    }

    /// The file that must be read to know it.
    pub fn unloaded(&self) -> Option<&Arc<Path>> {
        match self {
            Value::Unloaded(path) => Some(path),
            _ => None,
        }
    }

    /// Whether it leaves open what it is, perhaps but for its name.
    pub fn is_open(&self) -> bool {
        match self {
            Value::Map(map) => map.by_name,
            Value::Parameter(_)
            | Value::Field(..)
            | Value::Part(..)
            | Value::Shape(_)
            | Value::Dotted(..)
            | Value::Unloaded(_) => true,
            _ => self.is_blank(),
        }
    }

    /// The class whose object it is.
    pub fn class(&self) -> Option<ClassAt> {
        match self {
            Value::Instance(class) | Value::Made(class, _) => Some(*class),
            _ => None,
        }
    }

    /// Whether it is not known before somebody says what callers pass.
    pub fn waits(&self) -> bool {
        match self {
            Value::Parameter(_) | Value::Field(..) => true,
            Value::Picked(of, name) => of.waits() || name.waits(),
            Value::Part(of, _) | Value::Rewritten(of, _) => of.waits(),
            Value::Joined(parts) => parts.iter().any(Value::waits),
            _ => false,
        }
    }

    /// Whether it says nothing at all.
    pub fn is_blank(&self) -> bool {
        matches!(self, Value::Unknown | Value::Nothing)
    }
}

/// No value at all.
pub(crate) fn none() -> Values {
    thread_local! { static NONE: Values = Rc::new([]) }
    NONE.with(Rc::clone)
}

/// One value.
pub(crate) fn one(value: Value) -> Values {
    thread_local! {
        static UNKNOWN: Values = Rc::new([Value::Unknown]);
        static FOREIGN: Values = Rc::new([Value::Foreign]);
    }
    match value {
        Value::Unknown => UNKNOWN.with(Rc::clone),
        Value::Foreign => FOREIGN.with(Rc::clone),
        other => Rc::new([other]),
    }
}

/// More than this says no more.
const MOST_VALUES: usize = 64;

/// Collects values, each once.
#[derive(Default)]
pub(crate) struct Union {
    values: Vec<Value>,
    only: Option<Values>,
}

impl Union {
    pub fn add(&mut self, values: Values) {
        if values.is_empty() {
            return;
        }
        if self.values.is_empty() {
            match self.only.take() {
                None => {
                    self.only = Some(values);
                    return;
                }
                Some(first) => self.values.extend(first.iter().cloned()),
            }
        }
        values.iter().for_each(|it| self.push(it.clone()));
    }

    pub fn push(&mut self, value: Value) {
        if let Some(first) = self.only.take() {
            self.values.extend(first.iter().cloned());
        }
        if self.values.len() < MOST_VALUES && !self.values.contains(&value) {
            self.values.push(value);
        }
    }

    /// Whether nothing that says anything was added.
    pub fn is_blank(&self) -> bool {
        let only = self.only.iter().flat_map(|it| it.iter());
        only.chain(&self.values).all(Value::is_blank)
    }

    /// Whether anything was added that is so.
    pub fn has(&self, is_so: impl Fn(&Value) -> bool) -> bool {
        self.only.iter().flat_map(|it| it.iter()).chain(&self.values).any(is_so)
    }

    pub fn is_empty(&self) -> bool {
        self.only.is_none() && self.values.is_empty()
    }

    pub fn done(self) -> Values {
        match self.only {
            Some(only) => only,
            None if self.values.is_empty() => none(),
            None => self.values.into(),
        }
    }
}
