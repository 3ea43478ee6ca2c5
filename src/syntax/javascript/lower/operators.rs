//! Operators and assignments.

use super::super::super::field::Field;
use super::super::super::ir::{Expr, ExprId};
use super::{Kind, Lower, Part};

/// An operator, what is on its right, and the whole expression up to there.
struct Step<'t> {
    operator: Kind,
    right: Option<Part<'t>>,
    whole: Part<'t>,
}

/// A sum or alternatives, while they are collected.
struct Terms<'t> {
    operator: Kind,
    values: Vec<ExprId>,
    whole: Part<'t>,
}

impl<'t> Lower<'_, 't> {
    /// Lowers from the left. A sum may have thousands of terms, so nothing calls itself here.
    pub fn binary(&mut self, part: Part<'t>) -> ExprId {
        let (first, steps) = self.spine(part);
        let mut value = first.map(|it| self.expression(it)).unwrap_or_else(|| self.opaque(part));
        let mut terms: Option<Terms<'t>> = None;
        for Step { operator, right, whole } in steps.into_iter().rev() {
            if let Some(done) = terms.take_if(|it| it.operator != operator) {
                value = self.joined(done);
            }
            let right = right.map(|it| self.expression(it)).unwrap_or_else(|| self.opaque(whole));
            match operator {
                Kind::Plus | Kind::Or => {
                    let terms = terms.get_or_insert_with(|| Terms { operator, values: Vec::new(), whole });
                    if terms.values.is_empty() {
                        self.add_term(terms, value);
                    }
                    self.add_term(terms, right);
                    terms.whole = whole;
                }
                Kind::And => value = right,
                Kind::In => value = self.add(Expr::In(value, right), whole.node),
                Kind::EqualTo | Kind::Identical | Kind::NotEqualTo | Kind::NotIdentical => {
                    self.compared(value, right);
                    value = self.plain(whole);
                }
                _ => value = self.plain(whole),
            }
        }
        terms.map_or(value, |it| self.joined(it))
    }

    /// `a === 'x'`; what is compared with a number or a calculation has to do with no variant.
    fn compared(&mut self, left: ExprId, right: ExprId) {
        let is_fixed = |it: ExprId| matches!(self.chunk.exprs[it.at()], Expr::Text(_));
        let may_be = |it: ExprId| {
            matches!(self.chunk.exprs[it.at()], Expr::Text(_) | Expr::Name(..) | Expr::Member(_))
        };
        if is_fixed(left) {
            self.compare(right, &[left], false);
        } else if may_be(right) {
            self.compare(left, &[right], false);
        }
    }

    /// The leftmost operand, and the operators from the outermost. `??` is an `||`.
    fn spine(&mut self, part: Part<'t>) -> (Option<Part<'t>>, Vec<Step<'t>>) {
        let mut steps = Vec::new();
        let mut at = part;
        loop {
            let parts = self.parts(at.node);
            let operator = match parts.get(Field::Operator).map(|it| it.kind) {
                Some(Kind::Nullish) => Kind::Or,
                it => it.unwrap_or(Kind::Other),
            };
            steps.push(Step { operator, right: parts.get(Field::Right), whole: at });
            let left = parts.get(Field::Left);
            self.done(parts);
            match left {
                Some(left) if left.kind == Kind::Binary => at = left,
                left => return (left, steps),
            }
        }
    }

    /// A sum in a sum is part of it.
    fn add_term(&mut self, terms: &mut Terms, value: ExprId) {
        match self.chunk.exprs[value.at()] {
            Expr::Template(run) if terms.operator == Kind::Plus => {
                terms.values.extend_from_slice(self.chunk.exprs_in(run));
            }
            _ => terms.values.push(value),
        }
    }

    fn joined(&mut self, terms: Terms<'t>) -> ExprId {
        let run = self.list(&terms.values);
        let expr = if terms.operator == Kind::Plus { Expr::Template(run) } else { Expr::Either(run) };
        self.add(expr, terms.whole.node)
    }

    /// `a ? b : c ? d : e`, which may go on for long.
    pub fn ternary(&mut self, part: Part<'t>) -> ExprId {
        let mut branches = Vec::new();
        let mut rest = Some(part);
        while let Some(at) = rest.filter(|it| it.kind == Kind::Ternary) {
            let parts = self.parts(at.node);
            if let Some(condition) = parts.get(Field::Condition) {
                self.expression(condition);
            }
            branches.extend(parts.get(Field::Consequence).map(|it| self.expression(it)));
            rest = parts.get(Field::Alternative);
            self.done(parts);
        }
        branches.extend(rest.map(|it| self.expression(it)));
        let run = self.list(&branches);
        self.add(Expr::Either(run), part.node)
    }

    /// `!x`, `typeof x`, `void 0`, `delete a.b`.
    pub fn unary(&mut self, part: Part<'t>) -> ExprId {
        let parts = self.parts(part.node);
        let operator = parts.get(Field::Operator).map(|it| it.kind);
        let argument = parts.get(Field::Argument);
        self.done(parts);
        match argument {
            Some(it) if operator == Some(Kind::Delete) => self.forgotten(it),
            Some(it) => {
                self.expression(it);
            }
            None => {}
        }
        match operator {
            Some(Kind::Void) => self.add(Expr::Nothing, part.node),
            _ => self.plain(part),
        }
    }

    /// What is deleted is not read.
    fn forgotten(&mut self, part: Part<'t>) {
        if !matches!(part.kind, Kind::Member | Kind::Subscript) {
            self.expression(part);
            return;
        }
        let parts = self.parts(part.node);
        if let Some(object) = parts.get(Field::Object) {
            self.expression(object);
        }
        if let Some(index) = parts.get(Field::Index).filter(|it| self.literal(*it).is_none()) {
            self.expression(index);
        }
        self.done(parts);
    }

    /// `x++`.
    pub fn update(&mut self, part: Part<'t>) -> ExprId {
        let parts = self.parts(part.node);
        let argument = parts.get(Field::Argument);
        self.done(parts);
        if let Some(it) = argument {
            let value = self.opaque(part);
            self.assign(it, value);
        }
        self.plain(part)
    }

    /// `x = v`, which is v.
    pub fn assignment(&mut self, part: Part<'t>) -> ExprId {
        let parts = self.parts(part.node);
        let (left, right) = (parts.get(Field::Left), parts.get(Field::Right));
        self.done(parts);
        let name = left.and_then(|it| self.assigned_name(it));
        let value = right.map(|it| self.value(it, name)).unwrap_or_else(|| self.opaque(part));
        if let Some(left) = left {
            self.assign(left, value);
        }
        value
    }

    /// `x ??= v` gives v if anything; of `x += v` nothing is known.
    pub fn augmented(&mut self, part: Part<'t>) -> ExprId {
        let parts = self.parts(part.node);
        let operator = parts.get(Field::Operator).map(|it| it.kind);
        let (left, right) = (parts.get(Field::Left), parts.get(Field::Right));
        self.done(parts);
        let name = left.and_then(|it| self.assigned_name(it));
        let right = right.map(|it| self.value(it, name));
        let gives = matches!(operator, Some(Kind::NullishAssign | Kind::OrAssign | Kind::AndAssign));
        let value = right.filter(|_| gives).unwrap_or_else(|| self.opaque(part));
        if let Some(left) = left {
            self.assign(left, value);
        }
        value
    }

    /// `yield x`: x is among what the function gives; what comes back is not known.
    pub fn yields(&mut self, part: Part<'t>) -> ExprId {
        let parts = self.parts(part.node);
        let (value, is_each) = (parts.expression(), parts.has(Kind::Star));
        self.done(parts);
        if let Some(it) = value {
            let mut value = self.expression(it);
            if is_each {
                value = self.add(Expr::Element(value), it.node);
            }
            self.returns.push(value);
        }
        self.opaque(part)
    }
}
