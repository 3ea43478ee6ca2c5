//! The facts of a file: reads and the constants that they get their keys from.

use std::collections::HashSet;
use std::ops::Range;

use rustc_hash::FxHashSet;
use ustr::UstrSet;

use super::Linker;
use super::constants::{Constants, Defined, Held, registry};
use super::sites::Asked;
use super::value::*;
use crate::flags::FlagKey;
use crate::syntax::evidence::names_flag;
use crate::syntax::ir::{CallId, ClassId, Expr, ExprId, Symbol};
use crate::syntax::{Certainty, Compared, KeyFrom, Read, Returns, Via};
use crate::text::Span;

/// What a file says about flags, and the constants of any file that its reads go through.
#[derive(Debug, Default)]
pub(crate) struct Linked {
    pub reads: Vec<Read>,
    pub compared: Vec<Compared>,
    pub defined: Vec<Defined>,
    /// Names of objects and enums that hold keys.
    pub registries: UstrSet,
}

/// What the reads of one file amount to.
struct Report<'l, 'p> {
    linker: &'l mut Linker<'p>,
    file: FileId,
    reads: Vec<Read>,
    compared: Vec<Compared>,
    defined: Vec<Defined>,
    is_defined: FxHashSet<Defined>,
    registries: UstrSet,
    constants: Constants,
}

impl Linker<'_> {
    /// What a file says about flags.
    pub(crate) fn link(&mut self, file: FileId) -> Linked {
        self.link_chunks(file, 0..self.program.module(file).chunks.len() as u32)
    }

    /// What some chunks of a file say about flags.
    pub(crate) fn link_chunks(&mut self, file: FileId, chunks: Range<u32>) -> Linked {
        self.begin_file();
        let mut report = Report {
            file,
            reads: Vec::new(),
            compared: Vec::new(),
            defined: Vec::new(),
            is_defined: FxHashSet::default(),
            registries: UstrSet::default(),
            constants: Constants::default(),
            linker: self,
        };
        chunks.for_each(|it| report.chunk(it));
        let Report { mut reads, compared, defined, registries, .. } = report;
        sort(&mut reads);
        // The same by two ways: what is certain comes first.
        let place = |it: &Read| (it.key_span, it.key.clone(), it.prefix.clone(), it.method.clone());
        reads.dedup_by_key(|it| place(it));
        once_through_wrappers(&mut reads);
        Linked { reads, compared, defined, registries }
    }
}

impl Report<'_, '_> {
    fn chunk(&mut self, chunk: u32) {
        let at: At<()> = At { file: self.file, chunk, id: () };
        let it = self.linker.chunk(&at);
        let mut called = HashSet::new();
        for (id, call) in it.calls.iter().enumerate() {
            called.insert(call.callee);
            self.linker.begin_site();
            let asked = self.linker.asked_by_call(at.with(CallId(id as u32)));
            self.linker.want_who_is_handed_flags(at.with(CallId(id as u32)));
            self.add(asked, at.with(call.expr));
        }
        for (id, expr) in it.exprs.iter().enumerate() {
            let id = ExprId(id as u32);
            self.linker.begin_site();
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
        self.compared.extend(self.linker.compared(at));
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
        // `flag if user else None`, `item.flag ?? ''`
        let is_none = |it: &Value| match it {
            Value::Text(known) => known.text.is_empty(),
            other => matches!(other, Value::Nothing),
        };
        if !asked.values.is_empty() && asked.values.iter().all(is_none) {
            return;
        }
        let known: Vec<_> = asked
            .values
            .iter()
            .filter_map(|it| match it {
                Value::Text(known) if !known.text.is_empty() => Some(known.clone()),
                _ => None,
            })
            .collect();
        let is_open = |it: &Value| !matches!(it, Value::Text(_) | Value::Nothing | Value::Foreign);
        let open: Vec<&Value> = asked.values.iter().filter(|it| is_open(it)).collect();
        for value in &open {
            let parts = if let Value::Joined(parts) = value { parts } else { std::slice::from_ref(*value) };
            self.linker.wanted.extend(parts.iter().filter_map(Value::unloaded).cloned());
        }
        let known: Vec<_> =
            known.into_iter().filter(|it| !asked.by_name || self.is_plainly_key(asked.key, it)).collect();
        if asked.by_name && known.is_empty() && open.is_empty() {
            return;
        }
        if open.is_empty() || open.iter().all(|it| matches!(it, Value::Parameter(_) | Value::Field(..))) {
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
        let name = self.constants.name_of(&self.linker.program, known.at);
        name.is_some_and(|it| names_flag(&it))
    }

    fn key_from(&self, key: ExprAt, known: &Known) -> KeyFrom {
        match (&known.from, known.at == key) {
            (KeyFrom::Literal, false) => KeyFrom::Constant,
            (from, _) => *from,
        }
    }

    /// Takes note of the constant that a key comes from, and of those beside it.
    fn define(&mut self, key: ExprAt, known: &Known) {
        // What a call completes to a key is nowhere written as one.
        let is_written =
            matches!(self.linker.chunk(&known.at).exprs[known.at.id.at()], Expr::Text(_) | Expr::Template(_));
        if known.at == key || !is_written || known.from == KeyFrom::PropertyName {
            return;
        }
        let defined = self.defined_by(known);
        if self.is_defined.insert(defined) {
            self.defined.push(defined);
            let name = self.constants.name_of(&self.linker.program, known.at);
            self.registries.extend(name.as_deref().and_then(registry));
        }
    }

    fn defined_by(&mut self, known: &Known) -> Defined {
        let at = known.at;
        let holders = self.constants.holders(&self.linker.program, at);
        let Some(&(held, name)) = holders.members.get(&at.id) else {
            return Defined::One(at, known.text);
        };
        let is_list_of_constants = match held {
            Held::Object(_) => true,
            Held::Class(class) => self.linker.is_enum(at.with(ClassId(class))),
        };
        if !is_list_of_constants {
            return Defined::One(at, known.text);
        }
        let field = Some(name).filter(|it| is_field(it));
        self.constants.all_round(&self.linker.program, at, held, field)
    }
}

/// Brings reads into the order of the text; of those at one place the certain ones come first.
pub(crate) fn sort(reads: &mut [Read]) {
    let order =
        |it: &Read| (it.key_span, it.key.clone(), it.method.clone(), it.certainty == Certainty::Inferred);
    reads.sort_by_cached_key(order);
}

/// Leaves one read where a function asks for the same flag in several ways: what is certain, then by its name.
fn once_through_wrappers(reads: &mut Vec<Read>) {
    let rank = |it: &Read| (it.certainty == Certainty::Inferred, it.method.clone());
    let is_same = |a: &Read, b: &Read| (a.key_span, &a.key, &a.prefix) == (b.key_span, &b.key, &b.prefix);
    reads.dedup_by(|it, kept| {
        let are_one = it.via == Via::Wrapper && kept.via == Via::Wrapper && is_same(it, kept);
        if are_one && rank(it) < rank(kept) {
            std::mem::swap(it, kept);
        }
        are_one
    });
}

/// Whether a property is the one of a record that holds a flag's key, beside others that hold other things:
/// `{ label: 'Reports', flag: 'reports-page' }`.
fn is_field(name: &str) -> bool {
    const FIELDS: [&str; 8] = [
        "flag",
        "flagkey",
        "flagname",
        "featureflag",
        "featureflagkey",
        "featurekey",
        "experimentkey",
        "key",
    ];
    FIELDS.contains(&&*name.to_ascii_lowercase().replace('_', ""))
}

/// Whether a key is what a caller passes, or made of it.
fn is_passed(value: &Value) -> bool {
    match value {
        Value::Parameter(_) | Value::Field(..) | Value::Picked(..) | Value::Part(..) => true,
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
