//! The facts of a file: reads and the constants that they get their keys from.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::Linker;
use super::sites::Asked;
use super::value::*;
use crate::flags::FlagKey;
use crate::syntax::evidence::names_flag;
use crate::syntax::ir::{CallId, Expr, ExprId, Origin, PropName, Symbol};
use crate::syntax::{Certainty, Definition, KeyFrom, Read, Returns};
use crate::text::Span;

/// What a file says about flags, and the constants of any file that its reads go through.
#[derive(Debug, Default)]
pub(crate) struct Linked {
    pub reads: Vec<Read>,
    pub definitions: Vec<(FileId, Definition)>,
}

/// What the reads of one file amount to.
struct Report<'l, 'p> {
    linker: &'l mut Linker<'p>,
    file: FileId,
    reads: Vec<Read>,
    defined: HashSet<ExprAt>,
    listed: HashSet<ExprAt>,
    holders: HashMap<(FileId, u32), Rc<Holders>>,
    definitions: Vec<(FileId, Definition)>,
}

/// What holds each expression of a chunk: the name, and the object or class that it is a member of.
#[derive(Default)]
struct Holders {
    names: HashMap<ExprId, Symbol>,
    members: HashMap<ExprId, (Held, Symbol)>,
}

#[derive(Clone, Copy)]
enum Held {
    Object(ExprId),
    Class(u32),
}

impl Linker<'_> {
    /// What a file says about flags.
    pub(crate) fn link(&mut self, file: FileId) -> Linked {
        let mut report = Report {
            file,
            reads: Vec::new(),
            defined: HashSet::new(),
            listed: HashSet::new(),
            holders: HashMap::new(),
            definitions: Vec::new(),
            linker: self,
        };
        for chunk in 0..report.linker.program.module(file).chunks.len() as u32 {
            report.chunk(chunk);
        }
        let Report { mut reads, mut definitions, .. } = report;
        let order =
            |it: &Read| (it.key_span, it.key.clone(), it.method.clone(), it.certainty == Certainty::Inferred);
        reads.sort_by_cached_key(order);
        // The same by two ways: what is certain comes first.
        let place = |it: &Read| (it.key_span, it.key.clone(), it.prefix.clone(), it.method.clone());
        reads.dedup_by_key(|it| place(it));
        definitions.sort_by_key(|it| (it.0, it.1.key_span));
        Linked { reads, definitions }
    }
}

impl Report<'_, '_> {
    fn chunk(&mut self, chunk: u32) {
        let at: At<()> = At { file: self.file, chunk, id: () };
        let it = self.linker.chunk(&at);
        let mut called = HashSet::new();
        for (id, call) in it.calls.iter().enumerate() {
            called.insert(call.callee);
            self.linker.fuel = super::MOST_QUESTIONS;
            let asked = self.linker.asked_by_call(at.with(CallId(id as u32)));
            self.linker.want_who_is_handed_flags(at.with(CallId(id as u32)));
            self.add(asked, at.with(call.expr));
        }
        for (id, expr) in it.exprs.iter().enumerate() {
            let id = ExprId(id as u32);
            self.linker.fuel = super::MOST_QUESTIONS;
            match expr {
                Expr::Index(..) | Expr::In(..) => {
                    let asked = self.linker.asked_by_index(at.with(id));
                    self.add(asked, at.with(id));
                }
                Expr::Member(member) if !called.contains(&id) => {
                    if let Some(map) = self.linker.map_of_member(at.with(id)) {
                        let it = &it.members[*member as usize];
                        let from = if it.quoted { KeyFrom::Literal } else { KeyFrom::PropertyName };
                        let whole = self.span(at.with(id));
                        let key = self.linker.program.module(self.file).span(chunk, &it.at);
                        self.add_named(map, it.name, from, key, whole);
                    }
                }
                _ => {}
            }
        }
        for (id, binding) in it.bindings.iter().enumerate().filter(|it| !it.1.path.is_empty()) {
            let id = crate::syntax::ir::BindingId(id as u32);
            if let Some((map, name)) = self.linker.map_of_binding(at.with(id)) {
                let span = self.linker.program.module(self.file).span(chunk, &binding.at);
                self.add_named(map, name, KeyFrom::PropertyName, span, span);
            }
        }
    }

    fn span(&self, at: ExprAt) -> Span {
        let module = self.linker.program.module(at.file);
        module.span(at.chunk, &module.chunks[at.chunk as usize].chunk.spans[at.id.at()])
    }

    /// A flag that is named by a property.
    fn add_named(&mut self, map: Map, name: Symbol, from: KeyFrom, key_span: Span, call_span: Span) {
        self.reads.push(Read {
            key: Some(FlagKey::from(&*name)),
            prefix: None,
            method: map.method.into(),
            key_span,
            call_span,
            returns: if map.returns == Returns::Result { Returns::Variant } else { map.returns },
            key_from: from,
            via: map.via,
            certainty: map.certainty,
            is_forwarded: false,
        });
    }

    fn add(&mut self, asked: Vec<Asked>, call: ExprAt) {
        for it in asked {
            let read = Read {
                key: None,
                prefix: None,
                method: it.method.into(),
                key_span: self.span(it.key),
                call_span: self.span(call),
                returns: it.returns,
                key_from: KeyFrom::Constant,
                via: it.via,
                certainty: it.certainty,
                is_forwarded: false,
            };
            self.add_keys(&it, read);
        }
    }

    fn add_keys(&mut self, asked: &Asked, read: Read) {
        let known: Vec<_> = asked
            .values
            .iter()
            .filter_map(|it| match it {
                Value::Text(known) => Some(known.clone()),
                _ => None,
            })
            .collect();
        let is_open = |it: &Value| !matches!(it, Value::Text(_) | Value::Nothing | Value::Foreign);
        let open: Vec<&Value> = asked.values.iter().filter(|it| is_open(it)).collect();
        for value in &open {
            if let Value::Unloaded(path) = value {
                self.linker.wanted.insert(path.clone());
            }
        }
        let known: Vec<_> =
            known.into_iter().filter(|it| !asked.by_name || self.is_plainly_key(asked.key, it)).collect();
        if asked.by_name && known.is_empty() && open.is_empty() {
            return;
        }
        if open.is_empty() || open.iter().all(|it| matches!(it, Value::Parameter(_))) {
            for known in &known {
                let key_from = self.key_from(asked.key, known);
                self.reads.push(Read { key: Some(FlagKey::from(&*known.text)), key_from, ..read.clone() });
                self.define(asked.key, known);
            }
        }
        let forwarded = |it: &&Value| is_passed(it);
        let placed = &self.linker.program.module(self.file).chunks[asked.key.chunk as usize];
        let is_half = matches!(placed.chunk.exprs[asked.key.id.at()], Expr::Opaque) && !placed.is_whole();
        if is_half {
            return;
        }
        let is_unsure = asked.by_name && !open.iter().any(forwarded);
        if (!open.is_empty() || known.is_empty()) && !is_unsure {
            let prefix = open.iter().find_map(|it| prefix(it));
            let is_template =
                matches!(self.linker.chunk(&asked.key).exprs[asked.key.id.at()], Expr::Template(_));
            let key_from =
                if prefix.is_some() || is_template { KeyFrom::Template } else { KeyFrom::Constant };
            let is_forwarded = open.iter().any(|it| {
                forwarded(it) || matches!(it, Value::Joined(parts) if parts.iter().any(|it| forwarded(&it)))
            });
            self.reads.push(Read { prefix, key_from, is_forwarded, ..read });
        }
    }

    /// Whether what an object is asked for, of which only the name is known, is a flag's key.
    fn is_plainly_key(&mut self, key: ExprAt, known: &Known) -> bool {
        if known.at == key {
            return false;
        }
        self.name_of(known.at).is_some_and(|it| names_flag(&it))
    }

    fn key_from(&self, key: ExprAt, known: &Known) -> KeyFrom {
        match (&known.from, known.at == key) {
            (KeyFrom::Literal, false) => KeyFrom::Constant,
            (from, _) => *from,
        }
    }

    /// Takes note of the constant that a key comes from, and of those beside it.
    fn define(&mut self, key: ExprAt, known: &Known) {
        if known.at == key {
            return;
        }
        let holders = self.holders(known.at);
        if let Some((held, _)) = holders.members.get(&known.at.id) {
            let held = *held;
            let is_list_of_constants = match held {
                Held::Object(_) => true,
                Held::Class(class) => self.linker.is_enum(known.at.with(crate::syntax::ir::ClassId(class))),
            };
            if is_list_of_constants {
                return self.define_all(known.at, held);
            }
        }
        self.define_one(known.at, known.text);
    }

    fn define_one(&mut self, at: ExprAt, text: Symbol) {
        let Some(name) = self.name_of(at).filter(|_| !self.defined.contains(&at)) else { return };
        self.defined.insert(at);
        let definition =
            Definition { key: FlagKey::from(&*text), name: name.into(), key_span: self.span(at) };
        self.definitions.push((at.file, definition));
    }

    /// Every string of the object or enum that something is a member of, and of those round it.
    fn define_all(&mut self, at: ExprAt, held: Held) {
        let holders = self.holders(at);
        let (mut top, mut hops) = (held, 0);
        while let Held::Object(object) = top
            && let Some((outer, _)) = holders.members.get(&object)
            && hops < 8
        {
            (top, hops) = (*outer, hops + 1);
        }
        let mut stack = vec![top];
        while let Some(held) = stack.pop() {
            let (key, members) = self.members_of(at, held);
            if !self.listed.insert(key) {
                continue;
            }
            for member in members {
                match self.linker.chunk(&at).exprs[member.at()] {
                    Expr::Text(text) => self.define_one(at.with(member), text),
                    Expr::Object(_) => stack.push(Held::Object(member)),
                    _ => {}
                }
            }
        }
    }

    fn members_of(&self, at: ExprAt, held: Held) -> (ExprAt, Vec<ExprId>) {
        let chunk = self.linker.chunk(&at);
        match held {
            Held::Object(object) => {
                let members = match chunk.exprs[object.at()] {
                    Expr::Object(run) | Expr::Enum(run) => {
                        chunk.props_in(run).iter().map(|it| it.value).collect()
                    }
                    _ => Vec::new(),
                };
                (at.with(object), members)
            }
            Held::Class(class) => {
                let members =
                    chunk.classes[class as usize].members.iter().filter_map(|it| it.value).collect();
                (at.with(ExprId(u32::MAX - class)), members)
            }
        }
    }

    /// The name of a constant, qualified inside its container.
    fn name_of(&mut self, at: ExprAt) -> Option<String> {
        let holders = self.holders(at);
        let (mut name, mut id) = (String::new(), at.id);
        for _ in 0..8 {
            let (held, own) = match (holders.members.get(&id), holders.names.get(&id)) {
                (Some((held, own)), _) => (Some(*held), own),
                (None, Some(own)) => (None, own),
                (None, None) => return (!name.is_empty()).then_some(name),
            };
            name = if name.is_empty() { own.to_string() } else { format!("{own}.{name}") };
            match held {
                Some(Held::Object(object)) => id = object,
                Some(Held::Class(class)) => {
                    let class = self.linker.chunk(&at).classes[class as usize].name;
                    return Some(class.map_or(name.clone(), |it| format!("{it}.{name}")));
                }
                None => return Some(name),
            }
        }
        Some(name)
    }

    fn holders(&mut self, at: ExprAt) -> Rc<Holders> {
        if let Some(known) = self.holders.get(&(at.file, at.chunk)) {
            return known.clone();
        }
        let chunk = self.linker.chunk(&at);
        let mut found = Holders::default();
        for it in &chunk.bindings {
            if let (Origin::Value { value: Some(value), .. }, []) = (it.origin, &it.path[..]) {
                let leaves = self.linker.leaves(at.with(value));
                for leaf in leaves {
                    found.names.entry(leaf.id).or_insert(it.name);
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
        let found = Rc::new(found);
        self.holders.insert((at.file, at.chunk), found.clone());
        found
    }
}

/// Whether a key is what a caller passes, or made of it.
fn is_passed(value: &Value) -> bool {
    match value {
        Value::Parameter(_) | Value::Picked(..) => true,
        Value::Rewritten(of, _) => is_passed(of),
        _ => false,
    }
}

/// How a key begins that is not known whole.
fn prefix(value: &Value) -> Option<Box<str>> {
    let Value::Joined(parts) = value else { return None };
    let mut text = String::new();
    for part in parts.iter() {
        match part {
            Value::Text(known) => text.push_str(&known.text),
            Value::Joined(_) => {
                text.push_str(&prefix(part).unwrap_or_default());
                break;
            }
            _ => break,
        }
    }
    (!text.is_empty()).then(|| text.into())
}
