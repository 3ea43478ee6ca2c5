//! Programs in Python.

use crate::dice::Dice;
use crate::javascript::VARIANTS;
use crate::tree::{Block, Part, Style, Tree, render, statement, value};

/// What a name or a read gives.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Gives {
    Boolean,
    Variant,
    Result,
    Payload,
    /// Nothing that has to do with a flag.
    Plain,
}

struct Name {
    name: String,
    gives: Gives,
}

/// How tightly an expression binds, from the loosest.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Binds {
    Choice,
    Or,
    And,
    Not,
    Compared,
    Closed,
}

type Value = super::tree::Value<Binds>;

struct Writer {
    dice: Dice,
    n: usize,
    /// Names that can be used, by block: what a block assigns, later ones may not have.
    scopes: Vec<Vec<Name>>,
    is_async: bool,
    in_function: bool,
    helpers: Block,
    callable: Vec<String>,
}

/// A program by chance.
pub fn program(dice: Dice) -> Block {
    let mut writer = Writer {
        dice,
        n: 0,
        scopes: vec![Vec::new()],
        is_async: false,
        in_function: false,
        helpers: Block::new(),
        callable: Vec::new(),
    };
    writer.whole()
}

/// The text of a program, with imports of what it uses.
pub fn text(program: &[Tree], style: Style) -> String {
    let body = render(program, style);
    let words: Vec<&str> = body.split(|it: char| !it.is_alphanumeric() && it != '_').collect();
    let used = |names: &[&'static str]| -> Vec<&'static str> {
        names.iter().copied().filter(|it| words.contains(it)).collect()
    };
    let mut lines = Vec::new();
    if words.contains(&"posthog") {
        lines.push("import posthog".to_owned());
    }
    if words.contains(&"Posthog") {
        lines.push("from posthog import Posthog".to_owned());
    }
    let helpers = used(&["log", "note", "ticks", "load", "user"]);
    if !helpers.is_empty() {
        lines.push(format!("from helpers import {}", helpers.join(", ")));
    }
    lines.push(String::new());
    lines.join(style.line_end) + style.line_end + &body
}

impl Writer {
    fn whole(&mut self) -> Block {
        self.is_async = self.dice.percent(20);
        let main = self.function_body(3, 5);
        let head = if self.is_async { "async def main():%" } else { "def main():%" };
        self.is_async = false;
        let top = if self.dice.percent(25) { Some(self.statement(1)) } else { None };
        let mut all: Block = vec![statement("client = Posthog('key')", [])];
        all.append(&mut self.helpers);
        all.extend(top);
        all.push(statement(head, [main.into()]));
        all
    }

    fn number(&mut self) -> usize {
        self.n += 1;
        self.n
    }

    // Names.

    /// A name of its own: a function has one scope.
    fn fresh(&mut self) -> String {
        format!("{}{}", self.dice.one(&["on", "label", "item"]), self.number())
    }

    fn declare(&mut self, name: &str, gives: Gives) {
        let scope = self.scopes.last_mut().unwrap();
        scope.push(Name { name: name.into(), gives });
    }

    fn known(&mut self, gives: Gives) -> Option<String> {
        let all: Vec<String> =
            self.scopes.iter().flatten().filter(|it| it.gives == gives).map(|it| it.name.clone()).collect();
        if all.is_empty() { None } else { Some(all[self.dice.below(all.len())].clone()) }
    }

    // Reads.

    fn key(&mut self) -> &'static str {
        match self.dice.below(20) {
            0..14 => "gone",
            14..16 => "also",
            _ => self.dice.one(&["other", "third", "fourth"]),
        }
    }

    fn read(&mut self, gives: Gives) -> Value {
        let key = self.key();
        let method = match gives {
            Gives::Boolean | Gives::Plain => "feature_enabled",
            Gives::Variant => "get_feature_flag",
            Gives::Payload => "get_feature_flag_payload",
            Gives::Result => "get_feature_flag_result",
        };
        let receiver = self.dice.one(&["posthog", "client"]);
        let arguments = self.dice.one(&[
            "(^, 'u')",
            "(^, user.id)",
            "(\n    ^,\n    'u',\n)",
            "(key=^, distinct_id='u')",
        ]);
        let arguments = arguments.replace('^', &format!("'{key}'"));
        value(Binds::Closed, &format!("{receiver}.{method}{arguments}"), [])
    }

    /// A read, or a name that has it.
    fn asked(&mut self, gives: Gives) -> Value {
        match self.known(gives).filter(|_| self.dice.percent(60)) {
            Some(name) => value(Binds::Closed, &name, []),
            None => self.read(gives),
        }
    }

    fn log(&mut self) -> Value {
        let n = self.number();
        let of = self.dice.one(&["", ", False", ", True", ", None", ", ''", ", 'text'"]);
        value(Binds::Closed, &format!("log({n}{of})"), [])
    }

    /// Something else than flags that a condition may ask.
    fn other(&mut self) -> Value {
        match self.dice.below(8) {
            0..3 => self.log(),
            3 => value(Binds::Compared, "len(user.tags) > 1", []),
            4 => value(Binds::Closed, "user.name", []),
            5 => self.known(Gives::Plain).map_or_else(|| self.log(), |it| value(Binds::Closed, &it, [])),
            6 => value(Binds::Closed, "user.is_staff", []),
            _ => value(Binds::Closed, "user.is_admin", []),
        }
    }

    // Conditions.

    fn condition(&mut self, depth: usize) -> Value {
        if depth == 0 {
            return self.asked_or_other();
        }
        let depth = depth - 1;
        match self.dice.below(20) {
            0..4 => self.asked_or_other(),
            4..7 => {
                let inner = self.condition(depth);
                value(Binds::Not, "not %", [inner.at(Binds::Not)])
            }
            7..10 => {
                let (left, right) = (self.condition(depth), self.condition(depth));
                value(Binds::And, "% and %", [left.at(Binds::And), right.at(Binds::Not)])
            }
            10..12 => {
                let (left, right) = (self.condition(depth), self.condition(depth));
                value(Binds::Or, "% or %", [left.at(Binds::Or), right.at(Binds::And)])
            }
            12..15 => self.comparison(),
            15 => {
                let inner = self.condition(depth);
                value(Binds::Closed, "bool(%)", [inner.any()])
            }
            16 => {
                let parts = [
                    self.condition(depth).at(Binds::Or),
                    self.condition(depth).at(Binds::Or),
                    self.condition(depth).any(),
                ];
                value(Binds::Choice, "% if % else %", parts)
            }
            17 => {
                let result = self.asked(Gives::Result);
                value(Binds::Closed, "%.enabled", [result.at(Binds::Closed)])
            }
            18 => self.per_flag(),
            _ => {
                let (left, right) = (self.condition(depth), self.condition(depth));
                value(Binds::Closed, "(\n    %\n    and %\n)", [left.at(Binds::And), right.at(Binds::Not)])
            }
        }
    }

    fn asked_or_other(&mut self) -> Value {
        match self.dice.below(8) {
            0..4 => self.asked(Gives::Boolean),
            4..6 => self.asked(Gives::Variant),
            _ => self.other(),
        }
    }

    fn comparison(&mut self) -> Value {
        let variant = self.dice.one(&VARIANTS);
        match self.dice.below(9) {
            0..4 => {
                let template = self.dice.one(&["% == '^'", "% != '^'", "'^' == %"]).replace('^', variant);
                value(Binds::Compared, &template, [self.asked(Gives::Variant).at(Binds::Closed)])
            }
            4 => {
                let template = self.dice.one(&["% is True", "% is not True", "% == True", "% is not None"]);
                value(Binds::Compared, template, [self.asked(Gives::Boolean).at(Binds::Closed)])
            }
            5 => {
                let template =
                    self.dice.one(&["% in ('^', 'blue')", "% not in ['^', 'blue']", "% in {'^', True}"]);
                value(
                    Binds::Compared,
                    &template.replace('^', variant),
                    [self.asked(Gives::Variant).at(Binds::Closed)],
                )
            }
            6 => {
                let asked = value(Binds::Or, "% or 'control'", [self.asked(Gives::Variant).at(Binds::And)]);
                value(Binds::Compared, &format!("% == '{variant}'"), [asked.at(Binds::Closed)])
            }
            7 => value(Binds::Closed, "isinstance(%, str)", [self.asked(Gives::Variant).any()]),
            _ => value(
                Binds::Compared,
                &format!("%.variant == '{variant}'"),
                [self.asked(Gives::Result).at(Binds::Closed)],
            ),
        }
    }

    /// A call of a function that only reads a flag.
    fn per_flag(&mut self) -> Value {
        let name = format!("is_new{}", self.number());
        let scopes = std::mem::replace(&mut self.scopes, vec![Vec::new()]);
        let read = if self.dice.percent(30) { self.comparison() } else { self.read(Gives::Boolean) };
        self.scopes = scopes;
        let template = self
            .dice
            .one(&["def ^():\n    return %", "def ^():\n    \"\"\"Whether it is on.\"\"\"\n    return %"]);
        self.helpers.push(statement(&template.replace('^', &name), [read.any()]));
        value(Binds::Closed, &format!("{name}()"), [])
    }

    // Values.

    fn value(&mut self, depth: usize) -> Value {
        if depth == 0 {
            return self.leaf();
        }
        let depth = depth - 1;
        match self.dice.below(24) {
            0..3 => self.leaf(),
            3..7 => {
                let parts = [
                    self.value(depth).at(Binds::Or),
                    self.condition(depth).at(Binds::Or),
                    self.value(depth).any(),
                ];
                match self.dice.below(4) {
                    0 => value(Binds::Closed, "(\n    %\n    if %\n    else %\n)", parts),
                    _ => value(Binds::Choice, "% if % else %", parts),
                }
            }
            7 => {
                let (left, right) = (self.condition(depth), self.value(depth));
                value(Binds::And, "% and %", [left.at(Binds::And), right.at(Binds::Not)])
            }
            8..10 => {
                let (left, right) = (self.condition(depth), self.value(depth));
                value(Binds::Or, "% or %", [left.at(Binds::Or), right.at(Binds::And)])
            }
            10 => self.condition(depth),
            11..13 => {
                // No quotes may stand inside of the braces before 3.12.
                let name = self.known(Gives::Variant).or_else(|| self.known(Gives::Boolean));
                match name {
                    Some(name) => value(Binds::Closed, &format!("f\"a {{{name}}} b {{user.name}}\""), []),
                    None => value(Binds::Closed, "f\"\"\"a {%} b\"\"\"", [self.comparison().any()]),
                }
            }
            13..15 => self.lookup(),
            15 => {
                let parts = [self.leaf().any(), self.condition(depth).at(Binds::Or), self.value(depth).any()];
                value(
                    Binds::Closed,
                    self.dice.one(&["[*([%] if % else []), %]", "(*([%] if % else []), %)"]),
                    parts,
                )
            }
            16..18 => {
                let parts = [self.leaf().any(), self.condition(depth).at(Binds::Or), self.value(depth).any()];
                let template = self.dice.one(&[
                    "{**({'a': %} if % else {}), 'b': %}",
                    "{\n    **({'a': %} if % else {}),\n    'b': %,\n}",
                ]);
                value(Binds::Closed, template, parts)
            }
            18..20 => {
                let name = self.fresh();
                let template = self.dice.one(&[
                    "[^ for ^ in user.tags if %]",
                    "[^ for ^ in user.tags if ^ != 'b' and %]",
                    "[^ for ^ in user.tags if ^ if %]",
                    "list(^ for ^ in user.tags if %)",
                    "{^: 1 for ^ in user.tags if %}",
                ]);
                let condition = self.condition(depth).at(Binds::Not);
                value(Binds::Closed, &template.replace('^', &name), [condition])
            }
            20 => {
                let payload = self.asked(Gives::Payload);
                value(Binds::Closed, "(% or {}).get('limit', 3)", [payload.at(Binds::And)])
            }
            21 => self.call(),
            22 => {
                let parts = [self.condition(depth).any(), self.value(depth).any()];
                value(Binds::Closed, "{'on': %, 'of': [%]}", parts)
            }
            _ => {
                let parts = [
                    self.value(depth).at(Binds::Or),
                    self.condition(depth).at(Binds::Or),
                    self.value(depth).any(),
                ];
                value(Binds::Closed, "(lambda: % if % else %)()", parts)
            }
        }
    }

    fn leaf(&mut self) -> Value {
        match self.dice.below(10) {
            0..4 => self.log(),
            4 => self.asked(Gives::Boolean),
            5 => self.asked(Gives::Variant),
            6 => value(Binds::Closed, &format!("'text {}'", self.number()), []),
            7 => value(Binds::Closed, &self.number().to_string(), []),
            8 => value(Binds::Closed, self.dice.one(&["None", "''", "0", "user.name", "user.plan"]), []),
            _ => self.known(Gives::Plain).map_or_else(|| self.log(), |it| value(Binds::Closed, &it, [])),
        }
    }

    fn lookup(&mut self) -> Value {
        let (first, second) = (self.number(), self.number());
        let table =
            format!("{{'control': {first}, 'test': 'text {second}', 'blue': None, False: 0, True: 1}}");
        let asked = self.asked(Gives::Variant);
        match self.dice.below(3) {
            0 => value(Binds::Closed, &format!("{table}[%]"), [asked.any()]),
            1 => {
                let name = self.table(&table);
                value(Binds::Closed, &format!("{name}.get(%, 'none')"), [asked.any()])
            }
            _ => {
                let name = self.table(&table);
                value(Binds::Closed, &format!("{name}[%]"), [asked.any()])
            }
        }
    }

    fn table(&mut self, table: &str) -> String {
        let name = self.dice.one(&["TABLE_", "_TABLE_"]).to_owned() + &self.number().to_string();
        self.helpers.push(statement(&format!("{name} = {table}"), []));
        name
    }

    /// A call of a function of the file.
    fn call(&mut self) -> Value {
        if !self.callable.is_empty() && self.dice.percent(40) {
            let at = self.dice.below(self.callable.len());
            return value(Binds::Closed, &format!("{}()", self.callable[at]), []);
        }
        let name = format!("{}{}", self.dice.one(&["help", "_help"]), self.number());
        let was = (self.is_async, std::mem::take(&mut self.scopes));
        self.is_async = false;
        let depth = self.dice.below(2);
        let body = self.function_body(depth, 2);
        (self.is_async, self.scopes) = was;
        self.helpers.push(statement(&format!("def {name}():%"), [body.into()]));
        self.callable.push(name.clone());
        value(Binds::Closed, &format!("{name}()"), [])
    }

    // Statements.

    fn function_body(&mut self, depth: usize, most: usize) -> Block {
        let was = std::mem::replace(&mut self.in_function, true);
        let mut body = self.block(depth, most);
        if self.dice.percent(50) {
            body.push(statement("return %", [self.leaf().any()]));
        }
        self.in_function = was;
        body
    }

    fn block(&mut self, depth: usize, most: usize) -> Block {
        self.scopes.push(Vec::new());
        let n = 1 + self.dice.below(most);
        let all = (0..n).map(|_| {
            let it = self.statement(depth);
            self.commented(it)
        });
        let all = all.collect();
        self.scopes.pop();
        all
    }

    fn commented(&mut self, it: Tree) -> Tree {
        let n = self.n;
        match self.dice.below(24) {
            0 => statement(&format!("# note {n}\n%"), [it.into()]),
            1 => statement(&format!("%  # note {n}"), [it.into()]),
            2 => statement(&format!("%\n# note {n}"), [it.into()]),
            3 => statement("%\n", [it.into()]),
            _ => it,
        }
    }

    fn statement(&mut self, depth: usize) -> Tree {
        if depth == 0 {
            return self.simple();
        }
        let inner = depth - 1;
        match self.dice.below(40) {
            0..5 => self.simple(),
            5..13 => self.conditional(inner),
            13..18 => self.binding(),
            18..20 => self.matched(inner),
            20..22 => self.looped(inner),
            22..24 => self.tried(inner),
            24..26 if self.in_function => {
                let parts = [self.condition(1).any(), self.value(1).any()];
                statement(self.dice.one(&["if %: return %", "if %:\n    return %"]), parts)
            }
            26 => self.reassigned(),
            27 => self.walrus(inner),
            28 => statement("if %: %", [self.condition(1).any(), self.simple().into()]),
            29 => statement("assert % or user.name", [self.condition(1).at(Binds::Or)]),
            30 => {
                let read = self.asked(Gives::Boolean);
                statement("try:\n    assert %\nexcept AssertionError:\n    note('not')", [read.any()])
            }
            31 if self.is_async => {
                let n = self.number();
                let template = format!("data{n} = await load({n}) if % else 0\nnote(data{n})");
                statement(&template, [self.condition(1).at(Binds::Or)])
            }
            32 => {
                let parts = [self.condition(1).any(), self.call().any()];
                statement("if %:\n    %", parts)
            }
            33 => self.local_function(inner),
            34 => {
                let parts = [self.log().any(), self.condition(1).any(), self.leaf().any()];
                statement("%; note(%); note(%)", parts)
            }
            35 => self.generator(),
            36 => self.class(),
            _ => self.conditional(inner),
        }
    }

    fn simple(&mut self) -> Tree {
        match self.dice.below(6) {
            0 => statement("%", [self.log().any()]),
            1 => statement("note(%, %)", [self.leaf().any(), self.value(1).any()]),
            _ => statement("note(%)", [self.value(2).any()]),
        }
    }

    fn conditional(&mut self, depth: usize) -> Tree {
        let test = self.condition(2).any();
        let yes = self.block(depth, 2);
        match self.dice.below(9) {
            0..2 => statement("if %:%", [test, yes.into()]),
            2..5 => statement("if %:%\nelse:%", [test, yes.into(), self.block(depth, 2).into()]),
            5..7 => {
                let (second, other) = (self.condition(2).any(), self.block(depth, 2));
                let parts = [test, yes.into(), second, other.into(), self.block(depth, 2).into()];
                statement("if %:%\nelif %:%\nelse:%", parts)
            }
            _ => {
                let (second, other) = (self.condition(2).any(), self.block(depth, 2));
                statement("if %:%\nelif %:%", [test, yes.into(), second, other.into()])
            }
        }
    }

    fn binding(&mut self) -> Tree {
        let name = self.fresh();
        let (made, gives) = match self.dice.below(11) {
            0..3 => (self.read(Gives::Boolean), Gives::Boolean),
            3..6 => (self.read(Gives::Variant), Gives::Variant),
            6 => (self.condition(1), Gives::Plain),
            7 => (self.read(Gives::Payload), Gives::Payload),
            8 => (self.read(Gives::Result), Gives::Result),
            9 => {
                let asked = self.asked(Gives::Variant);
                (value(Binds::Or, "% or 'control'", [asked.at(Binds::And)]), Gives::Variant)
            }
            _ => (self.value(2), Gives::Plain),
        };
        self.declare(&name, gives);
        statement(&format!("{name} = %"), [made.any()])
    }

    fn reassigned(&mut self) -> Tree {
        let name = format!("changed{}", self.number());
        let (first, condition, second) = (self.asked(Gives::Boolean), self.condition(1), self.leaf());
        self.declare(&name, Gives::Plain);
        let template = self.dice.one(&[
            "^ = %\nif %:\n    ^ = %",
            "^ = %\nif %:\n    ^ = %\nnote(^)",
            "^ = None\n^ = %\nnote(^, %, %)",
            "^ = False\ntry:\n    ^ = %\nexcept Exception:\n    note('failed')\nnote(^, %, %)",
            "^ = %\n^ = ^ and %\nnote(^, %)",
        ]);
        statement(&template.replace('^', &name), [first.any(), condition.at(Binds::Not), second.any()])
    }

    fn walrus(&mut self, depth: usize) -> Tree {
        let name = self.fresh();
        let gives = self.dice.one(&[Gives::Boolean, Gives::Variant]);
        let read = self.read(gives);
        self.declare(&name, gives);
        let body = self.block(depth, 2);
        let (template, other) = self.dice.one(&[
            ("if ^ := %:%", false),
            ("if (^ := %):%\nelse:%", true),
            ("if (^ := %) == 'test':%\nnote(^)", false),
        ]);
        let parts = [read.any(), body.into()];
        let other = other.then(|| Part::from(self.block(depth, 1)));
        statement(&template.replace('^', &name), parts.into_iter().chain(other))
    }

    fn matched(&mut self, depth: usize) -> Tree {
        let asked = self.asked(Gives::Variant);
        let mut cases = Vec::new();
        for variant in VARIANTS {
            if self.dice.percent(60) {
                let body = self.block(depth.min(1), 2);
                let template = self.dice.one(&["case '^':%", "case '^' | 'more':%", "case '^':%"]);
                cases.push(statement(&template.replace('^', variant), [body.into()]));
            }
        }
        match self.dice.below(5) {
            0 => cases.push(statement("case True:%", [self.block(0, 1).into()])),
            1 => cases.push(statement("case False | None:%", [self.block(0, 1).into()])),
            _ => {}
        }
        if self.dice.percent(60) || cases.is_empty() {
            let body = self.block(depth.min(1), 2);
            cases.push(statement("case _:%", [body.into()]));
        }
        let holes = "\n    %".repeat(cases.len());
        let parts = std::iter::once(asked.any()).chain(cases.into_iter().map(Part::from));
        statement(&format!("match %:{holes}"), parts)
    }

    fn looped(&mut self, depth: usize) -> Tree {
        let n = self.number();
        let condition = self.condition(1);
        let body = self.block(depth, 2);
        match self.dice.below(5) {
            0 => {
                let leave = self.dice.one(&["continue", "break"]);
                let template =
                    format!("for each{n} in user.tags:\n    if %:\n        {leave}\n    note(each{n})");
                statement(&template, [condition.any()])
            }
            1 => {
                let template = format!("tick{n} = ticks(2)\nwhile tick{n}() and %:%");
                statement(&template, [condition.at(Binds::Not), body.into()])
            }
            2 => {
                let template =
                    format!("tick{n} = ticks(2)\nwhile % and tick{n}():%\nelse:\n    note('else')");
                statement(&template, [condition.at(Binds::And), body.into()])
            }
            3 => {
                let template =
                    format!("for each{n} in [1, 2]:\n    if %:%\n    else:\n        note(each{n})");
                // The level of the body is that of its line.
                statement(&template, [condition.any(), body.into()])
            }
            _ => {
                let template = format!(
                    "for each{n} in user.tags:\n    if %:\n        note(each{n})\n        break\nelse:%"
                );
                statement(&template, [condition.any(), body.into()])
            }
        }
    }

    fn tried(&mut self, depth: usize) -> Tree {
        let name = format!("safe{}", self.number());
        let read = self.read(Gives::Boolean);
        let body = self.block(depth, 1);
        let template = self.dice.one(&[
            ("try:\n    ^ = %\nexcept Exception:%\n    ^ = False", true),
            ("try:\n    ^ = %\nexcept Exception:\n    ^ = False\nelse:%", true),
            ("^ = False\ntry:\n    ^ = %\nexcept Exception:%\nfinally:\n    note('done')", true),
            ("try:\n    if %:%\nexcept Exception as error:\n    note(error)", false),
        ]);
        if template.1 {
            self.declare(&name, Gives::Boolean);
        }
        statement(&template.0.replace('^', &name), [read.any(), body.into()])
    }

    fn local_function(&mut self, depth: usize) -> Tree {
        let name = format!("local{}", self.number());
        let was = std::mem::replace(&mut self.is_async, false);
        let body = self.function_body(depth, 2);
        self.is_async = was;
        let template = self.dice.one(&["def ^():%\nnote(^())", "def ^():%\nif %:\n    note(^())"]);
        let condition = template.contains("if").then(|| self.condition(1).any());
        statement(&template.replace('^', &name), std::iter::once(Part::from(body)).chain(condition))
    }

    fn generator(&mut self) -> Tree {
        let name = format!("made{}", self.number());
        let parts = [self.condition(1).any(), self.leaf().any(), self.leaf().any()];
        let template = self.dice.one(&[
            "def ^():\n    if %:\n        yield %\n    yield %\nnote(list(^()))",
            "def ^():\n    if %:\n        return %\n    yield %\nnote(list(^()))",
        ]);
        statement(&template.replace('^', &name), parts)
    }

    fn class(&mut self) -> Tree {
        let name = format!("Box{}", self.number());
        let parts = [self.read(Gives::Boolean).any(), self.condition(1).any(), self.leaf().any()];
        let template = "class ^:\n    on = %\n\n    def get(self):\n        if self.on and (%):\n            return %\n        return 'rest'\nnote(^().get(), ^.on)";
        statement(&template.replace('^', &name), parts)
    }
}
