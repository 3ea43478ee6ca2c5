//! Keys that a function makes of what it is given: `name.replace("_", "-")`, `key.toLowerCase()`.

use std::rc::Rc;

use super::Linker;
use super::value::*;
use crate::syntax::ir::{Call, CallId, Expr, ExprId, Symbol};
use crate::syntax::{KeyFrom, Language};

/// What a pure function of strings does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rewrite {
    Lower,
    Upper,
    Trim,
    ReplaceAll(Symbol, Symbol),
    ReplaceFirst(Symbol, Symbol),
    WithoutPrefix(Symbol),
    WithoutSuffix(Symbol),
}

impl Rewrite {
    fn of(self, text: &str) -> String {
        match self {
            Rewrite::Lower => text.to_lowercase(),
            Rewrite::Upper => text.to_uppercase(),
            Rewrite::Trim => text.trim().to_owned(),
            Rewrite::ReplaceAll(from, to) => text.replace(&*from, &to),
            Rewrite::ReplaceFirst(from, to) => text.replacen(&*from, &to, 1),
            Rewrite::WithoutPrefix(it) => text.strip_prefix(&*it).unwrap_or(text).to_owned(),
            Rewrite::WithoutSuffix(it) => text.strip_suffix(&*it).unwrap_or(text).to_owned(),
        }
    }
}

impl Linker<'_> {
    /// What a method of a string makes of it; nothing of other methods, and of what is no string.
    pub(super) fn rewritten(&mut self, at: At<CallId>, call: &Call, name: &str) -> Option<Values> {
        let chunk = self.chunk(&at);
        let Expr::Member(member) = chunk.exprs[call.callee.at()] else { return None };
        let how = self.rewrite(at, call, name)?;
        let object = self.eval(at.with(chunk.members[member as usize].object));
        let may_be_key = |it: &Value| {
            matches!(
                it,
                Value::Text(_)
                    | Value::Joined(_)
                    | Value::Parameter(_)
                    | Value::Field(..)
                    | Value::Picked(..)
                    | Value::Part(..)
                    | Value::Rewritten(..)
            )
        };
        if !object.iter().any(may_be_key) {
            return None;
        }
        Some(object.iter().map(|it| rewrite(it, how, at.with(call.expr))).collect())
    }

    fn rewrite(&mut self, at: At<CallId>, call: &Call, name: &str) -> Option<Rewrite> {
        let args = self.chunk(&at).args_in(call.args);
        let is_plain = args.iter().all(|it| it.name.is_none() && !it.spread);
        let is_python = self.language(at.file) == Language::Python;
        let mut text = |index: usize| {
            let arg: ExprId = args.get(index)?.value;
            match &*self.eval(at.with(arg)) {
                [Value::Text(known)] => Some(known.text),
                _ => None,
            }
        };
        match (name, args.len()) {
            _ if !is_plain => None,
            ("toLowerCase" | "lower", 0) => Some(Rewrite::Lower),
            ("toUpperCase" | "upper", 0) => Some(Rewrite::Upper),
            ("trim" | "strip", 0) => Some(Rewrite::Trim),
            ("removeprefix", 1) => Some(Rewrite::WithoutPrefix(text(0)?)),
            ("removesuffix", 1) => Some(Rewrite::WithoutSuffix(text(0)?)),
            ("replace" | "replaceAll", 2) => {
                let (from, to) = (text(0)?, text(1)?);
                match (is_python, name) {
                    (true, _) => Some(Rewrite::ReplaceAll(from, to)),
                    // `$&` stands for what is replaced.
                    _ if to.contains('$') => None,
                    (_, "replaceAll") => Some(Rewrite::ReplaceAll(from, to)),
                    _ => Some(Rewrite::ReplaceFirst(from, to)),
                }
            }
            _ => None,
        }
    }
}

/// What becomes of one thing. What is not known yet waits for its caller.
pub(super) fn rewrite(value: &Value, how: Rewrite, at: ExprAt) -> Value {
    match value {
        Value::Text(known) => {
            let text = Symbol::from(&how.of(&known.text));
            Value::Text(Rc::new(Known { text, from: KeyFrom::Template, at }))
        }
        Value::Joined(_)
        | Value::Parameter(_)
        | Value::Field(..)
        | Value::Picked(..)
        | Value::Part(..)
        | Value::Rewritten(..) => Value::Rewritten(Rc::new(value.clone()), how),
        other => other.clone(),
    }
}
