//! The constants that reads get their keys from: what they are called, and those beside them.

use std::collections::HashMap;
use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::program::{Program, View};
use super::value::*;
use crate::flags::FlagKey;
use crate::syntax::Definition;
use crate::syntax::evidence::names_flag;
use crate::syntax::ir::{Chunk, Expr, ExprId, Origin, PropName, Symbol};

/// Objects in objects, as far as anybody looks.
const MOST_HOPS: usize = 8;

/// A constant that a read gets its key from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Defined {
    /// This one, and what it says.
    One(ExprAt, Symbol),
    /// Every string of an object or enum, and of the objects in it; where its records have a field for the key,
    /// those of this field only.
    All(At<Held>, Option<Symbol>),
}

/// What holds a constant that is a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Held {
    Object(ExprId),
    Class(u32),
}

/// What holds each expression of a chunk: the name, and the object or class that it is a member of.
#[derive(Default)]
pub(super) struct Holders {
    names: HashMap<ExprId, Symbol>,
    pub members: HashMap<ExprId, (Held, Symbol)>,
}

/// What holds the constants of the chunks that somebody asked about.
#[derive(Default)]
pub(super) struct Constants {
    holders: HashMap<At<()>, Rc<Holders>>,
}

impl Defined {
    /// Where it is.
    pub fn file(&self) -> FileId {
        match self {
            Defined::One(at, _) => at.file,
            Defined::All(at, _) => at.file,
        }
    }
}

/// The definitions that constants of a program are, each once.
pub(crate) fn definitions(
    program: &Program,
    defined: impl Iterator<Item = Defined>,
) -> Vec<(FileId, Definition)> {
    let mut found = Vec::new();
    let view = View::new(program);
    let (mut constants, mut listed) = (Constants::default(), FxHashSet::default());
    for it in defined {
        match it {
            Defined::One(at, text) => found.extend(constants.definition(&view, at, text)),
            Defined::All(top, field) => {
                let mut stack = vec![top];
                while let Some(held) = stack.pop().filter(|it| listed.insert((*it, field))) {
                    for (name, member) in members(view.chunk(&held), held.id) {
                        match view.chunk(&held).exprs[member.at()] {
                            Expr::Text(_) if field.is_some_and(|it| name != Some(it)) => {}
                            Expr::Text(text) => {
                                found.extend(constants.definition(&view, held.with(member), text));
                            }
                            Expr::Object(_) => stack.push(held.with(Held::Object(member))),
                            _ => {}
                        }
                    }
                }
            }
        }
    }
    found
}

impl Constants {
    fn definition(&mut self, view: &View, at: ExprAt, text: Symbol) -> Option<(FileId, Definition)> {
        let name = self.name_of(view, at)?.into();
        let key_span = view.module(at.file).span(at.chunk, &view.chunk(&at).spans[at.id.at()]);
        Some((at.file, Definition { key: FlagKey::from(&*text), name, key_span }))
    }

    /// All that is held by what holds a constant, and by the objects round it.
    pub fn all_round(&mut self, view: &View, at: ExprAt, held: Held, field: Option<Symbol>) -> Defined {
        let holders = self.holders(view, at);
        let mut top = held;
        for _ in 0..MOST_HOPS {
            let Held::Object(object) = top else { break };
            let Some((outer, _)) = holders.members.get(&object) else { break };
            top = *outer;
        }
        Defined::All(at.with(top), field)
    }

    /// The name of a constant, qualified inside its container.
    pub fn name_of(&mut self, view: &View, at: ExprAt) -> Option<String> {
        let holders = self.holders(view, at);
        let (mut name, mut id) = (String::new(), at.id);
        for _ in 0..MOST_HOPS {
            let (held, own) = match (holders.members.get(&id), holders.names.get(&id)) {
                (Some((held, own)), _) => (Some(*held), own),
                (None, Some(own)) => (None, own),
                (None, None) => return (!name.is_empty()).then_some(name),
            };
            name = if name.is_empty() { own.to_string() } else { format!("{own}.{name}") };
            match held {
                Some(Held::Object(object)) => id = object,
                Some(Held::Class(class)) => {
                    let class = view.chunk(&at).classes[class as usize].name;
                    return Some(class.map_or(name.clone(), |it| format!("{it}.{name}")));
                }
                None => return Some(name),
            }
        }
        Some(name)
    }

    /// What holds the expressions of a chunk.
    pub fn holders(&mut self, view: &View, at: ExprAt) -> Rc<Holders> {
        let held = self.holders.entry(at.with(()));
        held.or_insert_with(|| Holders::of(view.chunk(&at)).into()).clone()
    }
}

impl Holders {
    fn of(chunk: &Chunk) -> Holders {
        let mut found = Holders::default();
        for it in &chunk.bindings {
            if let (Origin::Value { value: Some(value), .. }, []) = (it.origin, &it.path[..]) {
                for leaf in leaves(chunk, value) {
                    found.names.entry(leaf).or_insert(it.name);
                }
            } else if let Some(default) = it.default {
                found.names.entry(default).or_insert(it.name);
            }
        }
        for (id, expr) in chunk.exprs.iter().enumerate() {
            let (Expr::Object(run) | Expr::Enum(run)) = expr else { continue };
            for prop in chunk.props_in(*run) {
                if let PropName::Fixed(name) = prop.name {
                    found.members.insert(prop.value, (Held::Object(ExprId(id as u32)), name));
                }
            }
        }
        for (id, class) in chunk.classes.iter().enumerate() {
            for member in &class.members {
                if let Some(value) = member.value {
                    found.members.insert(value, (Held::Class(id as u32), member.name));
                }
            }
        }
        found
    }
}

fn members(chunk: &Chunk, held: Held) -> Vec<(Option<Symbol>, ExprId)> {
    match held {
        Held::Object(object) => match chunk.exprs[object.at()] {
            Expr::Object(run) | Expr::Enum(run) => {
                chunk.props_in(run).iter().map(|it| (it.name.fixed(), it.value)).collect()
            }
            _ => Vec::new(),
        },
        Held::Class(class) => {
            let members = &chunk.classes[class as usize].members;
            members.iter().filter_map(|it| Some((Some(it.name), it.value?))).collect()
        }
    }
}

/// The branches of an expression.
pub(super) fn leaves(chunk: &Chunk, expr: ExprId) -> Vec<ExprId> {
    let (mut found, mut stack) = (Vec::new(), vec![expr]);
    while let Some(expr) = stack.pop() {
        match chunk.exprs[expr.at()] {
            Expr::Either(run) if found.len() < 64 => stack.extend(chunk.exprs_in(run).iter().rev()),
            _ => found.push(expr),
        }
    }
    found
}

/// The name of the object or enum that a constant is a member of, if it says that it holds keys.
pub(super) fn registry(name: &str) -> Option<Symbol> {
    let (container, _) = name.split_once('.')?;
    (container.len() > 4 && names_flag(container)).then(|| Symbol::from(container))
}
