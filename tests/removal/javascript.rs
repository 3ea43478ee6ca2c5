//! Programs in JavaScript, TypeScript and TSX.

use crate::dice::Dice;
use crate::tree::{Block, END, Kind, Part, Style, Tree, render, statement, tree, value};

/// The variants that a flag may have.
pub const VARIANTS: [&str; 3] = ["test", "control", "blue"];

#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    pub types: bool,
    pub jsx: bool,
}

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
    Coalesce,
    Or,
    And,
    Equal,
    As,
    Unary,
    Closed,
}

type Value = super::tree::Value<Binds>;

struct Writer {
    dice: Dice,
    dialect: Dialect,
    n: usize,
    /// Names that can be used, by block.
    scopes: Vec<Vec<Name>>,
    is_async: bool,
    in_function: bool,
    /// What stands before the main function.
    helpers: Block,
    /// Functions that take nothing.
    callable: Vec<String>,
}

/// A program by chance.
pub fn program(dice: Dice, dialect: Dialect) -> Block {
    let mut writer = Writer {
        dice,
        dialect,
        n: 0,
        scopes: vec![Vec::new()],
        is_async: false,
        in_function: false,
        helpers: Block::new(),
        callable: Vec::new(),
    };
    writer.whole()
}

/// Where what the programs use comes from.
const MODULES: [(&str, &[&str]); 6] = [
    ("posthog-js", &["posthog"]),
    ("posthog-js/react", &["useFeatureFlagEnabled", "useFeatureFlagVariantKey", "useFeatureFlagPayload"]),
    ("posthog-node", &["PostHog"]),
    ("react", &["useEffect", "useMemo", "useCallback", "useState", "Fragment"]),
    ("./trace", &["log", "note", "ticks", "load", "render"]),
    ("./trace", &["user"]),
];

/// The text of a program, with imports of what it uses.
pub fn text(program: &[Tree], style: Style) -> String {
    let body = render(program, style);
    let words: Vec<&str> = body.split(|it: char| !it.is_alphanumeric() && it != '_').collect();
    let end = if style.semicolons { ";" } else { "" };
    let mut lines = String::new();
    for (module, names) in MODULES {
        let used: Vec<&str> = names.iter().copied().filter(|it| words.contains(it)).collect();
        match used[..] {
            [] => {}
            ["posthog"] => lines += &format!("import posthog from '{module}'{end}{}", style.line_end),
            _ => lines += &format!("import {{ {} }} from '{module}'{end}{}", used.join(", "), style.line_end),
        }
    }
    format!("{lines}{}{body}", style.line_end)
}

impl Writer {
    fn whole(&mut self) -> Block {
        let mut top = Block::new();
        if self.dice.percent(30) {
            self.is_async = true;
        }
        let main = self.function_body(3, 5);
        let head =
            if self.is_async { "export async function main() {%}" } else { "export function main() {%}" };
        self.is_async = false;
        if self.dice.percent(25) {
            top.push(self.statement(1));
        }
        let mut all: Block = vec![statement("const client = new PostHog('key')¦", [])];
        all.append(&mut self.helpers);
        all.append(&mut top);
        all.push(statement(head, [main.into()]));
        all
    }

    fn number(&mut self) -> usize {
        self.n += 1;
        self.n
    }

    // Names.

    /// A name that means nothing here; the same ones mean something else in other blocks.
    fn fresh(&mut self) -> String {
        let name = self.dice.one(&["on", "label", "item", "first", "rest", "shown"]);
        let is_taken = self.scopes.iter().flatten().any(|it| it.name == name);
        if is_taken { format!("{name}{}", self.number()) } else { name.to_owned() }
    }

    fn declare(&mut self, name: &str, gives: Gives) {
        let scope = self.scopes.last_mut().unwrap();
        scope.push(Name { name: name.into(), gives });
    }

    fn known(&mut self, gives: Gives) -> Option<String> {
        let mut all: Vec<&Name> = Vec::new();
        for it in self.scopes.iter().flatten().rev() {
            if !all.iter().any(|other| other.name == it.name) {
                all.push(it);
            }
        }
        let all: Vec<String> = all.iter().filter(|it| it.gives == gives).map(|it| it.name.clone()).collect();
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
        self.read_of(gives, key)
    }

    fn read_of(&mut self, gives: Gives, key: &str) -> Value {
        let methods = match gives {
            Gives::Boolean | Gives::Plain => ["isFeatureEnabled", "useFeatureFlagEnabled"],
            Gives::Variant => ["getFeatureFlag", "useFeatureFlagVariantKey"],
            Gives::Payload => ["getFeatureFlagPayload", "useFeatureFlagPayload"],
            Gives::Result => ["getFeatureFlagResult", ""],
        };
        match self.dice.below(4) {
            0 if !methods[1].is_empty() => value(Binds::Closed, &format!("{}('{key}')", methods[1]), []),
            1 if self.is_async => {
                value(Binds::Unary, &format!("await client.{}('{key}', 'u')", methods[0]), [])
            }
            _ => value(Binds::Closed, &format!("posthog.{}('{key}')", methods[0]), []),
        }
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
        let of = self.dice.one(&["", ", false", ", true", ", null", ", ''", ", 'text'"]);
        value(Binds::Closed, &format!("log({n}{of})"), [])
    }

    /// Something else than flags that a condition may ask.
    fn other(&mut self) -> Value {
        match self.dice.below(8) {
            0..3 => self.log(),
            3 => value(Binds::Equal, "user.tags.length > 1", []),
            4 => value(Binds::Closed, "user.name", []),
            5 => self.known(Gives::Plain).map_or_else(|| self.log(), |it| value(Binds::Closed, &it, [])),
            6 => value(Binds::Closed, "user.isStaff", []),
            _ => value(Binds::Closed, "user.isAdmin", []),
        }
    }

    fn variant(&mut self) -> &'static str {
        self.dice.one(&VARIANTS)
    }

    // Conditions.

    fn condition(&mut self, depth: usize) -> Value {
        if depth == 0 {
            return self.asked_or_other();
        }
        let depth = depth - 1;
        match self.dice.below(22) {
            0..4 => self.asked_or_other(),
            4..6 => {
                let inner = self.condition(depth);
                value(Binds::Unary, "!%", [inner.at(Binds::Unary)])
            }
            6 => {
                let inner = self.condition(depth);
                value(Binds::Unary, "!!%", [inner.at(Binds::Unary)])
            }
            7..10 => {
                let (left, right) = (self.condition(depth), self.condition(depth));
                value(Binds::And, "% && %", [left.at(Binds::And), right.at(Binds::Equal)])
            }
            10..12 => {
                let (left, right) = (self.condition(depth), self.condition(depth));
                value(Binds::Or, "% || %", [left.at(Binds::Or), right.at(Binds::And)])
            }
            12..16 => self.comparison(depth),
            16 => {
                let inner = self.condition(depth);
                value(Binds::Closed, "Boolean(%)", [inner.any()])
            }
            17 => {
                let inner = self.asked(Gives::Boolean);
                value(Binds::Coalesce, "% ?? false", [inner.at(Binds::Equal)])
            }
            18 => {
                let (test, yes, no) = (self.condition(depth), self.condition(depth), self.condition(depth));
                self.choice(test, yes, no)
            }
            19 => {
                let result = self.asked(Gives::Result);
                let dot = self.dice.one(&["%.enabled", "%?.enabled"]);
                value(Binds::Closed, dot, [result.at(Binds::Closed)])
            }
            20 => self.per_flag(),
            _ => {
                let (left, right) = (self.condition(depth), self.condition(depth));
                value(Binds::And, "% &&\n  %", [left.at(Binds::And), right.at(Binds::Equal)])
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

    fn choice(&mut self, test: Value, yes: Value, no: Value) -> Value {
        let template = self.dice.one(&["% ? % : %", "% ? % : %", "% ? % : %", "%\n  ? %\n  : %"]);
        let parts = [test.at(Binds::Coalesce), yes.at(Binds::Choice), no.at(Binds::Choice)];
        value(Binds::Choice, template, parts)
    }

    fn comparison(&mut self, depth: usize) -> Value {
        let variant = self.variant();
        match self.dice.below(12) {
            0..5 => {
                let asked = self.asked(Gives::Variant);
                let template =
                    self.dice.one(&["% === '^'", "% !== '^'", "% == '^'", "% != '^'", "'^' === %"]);
                value(Binds::Equal, &template.replace('^', variant), [asked.at(Binds::As)])
            }
            5 => {
                let asked = self.asked(Gives::Boolean);
                value(
                    Binds::Equal,
                    self.dice.one(&["% === true", "% !== false", "% === false", "% !== undefined"]),
                    [asked.at(Binds::As)],
                )
            }
            6 => {
                let first = self.asked(Gives::Variant);
                let again = Value { tree: first.tree.clone(), binds: first.binds };
                value(Binds::Or, "% === true || % === 'true'", [first.at(Binds::As), again.at(Binds::As)])
            }
            7 => {
                let asked = self.asked(Gives::Variant);
                let template = format!("['{variant}', 'blue'].includes(%)");
                let template =
                    if self.dialect.types { template.replace("(%)", "(% as string)") } else { template };
                value(Binds::Closed, &template, [asked.at(Binds::As)])
            }
            8 => {
                let asked = self.asked(Gives::Variant);
                value(
                    Binds::Equal,
                    &format!("typeof % === '{}'", self.dice.one(&["string", "boolean"])),
                    [asked.at(Binds::Unary)],
                )
            }
            9 => {
                let asked = self.asked(Gives::Variant);
                let cast = if self.dialect.types { "(% as string)" } else { "%" };
                let asked = value(Binds::Closed, cast, [asked.at(Binds::As)]);
                value(Binds::Equal, &format!("(% || 'control') === '{variant}'"), [asked.at(Binds::And)])
            }
            10 => {
                let result = self.asked(Gives::Result);
                value(Binds::Equal, &format!("%?.variant === '{variant}'"), [result.at(Binds::Closed)])
            }
            _ => {
                let (left, right) = (self.condition(depth.min(1)), self.asked(Gives::Boolean));
                value(Binds::Equal, "% === %", [left.at(Binds::As), right.at(Binds::As)])
            }
        }
    }

    /// A call of a function that only reads a flag.
    fn per_flag(&mut self) -> Value {
        let name = format!("isNew{}", self.number());
        let was_async = std::mem::replace(&mut self.is_async, false);
        let scopes = std::mem::take(&mut self.scopes);
        self.scopes.push(Vec::new());
        let read = match self.dice.below(3) {
            0 => self.comparison(0),
            _ => self.read(Gives::Boolean),
        };
        self.scopes = scopes;
        self.is_async = was_async;
        let template = self.dice.one(&[
            "function ^() {\n  return %¦\n}",
            "const ^ = () => %¦",
            "const ^ = () => {\n  return %¦\n}¦",
            "const ^ = function () {\n  return %¦\n}¦",
        ]);
        self.helpers.push(statement(&template.replace('^', &name), [read.at(Binds::Choice)]));
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
                let (test, yes, no) = (self.condition(depth), self.value(depth), self.value(depth));
                self.choice(test, yes, no)
            }
            7 => {
                let (left, right) = (self.condition(depth), self.value(depth));
                value(Binds::And, "% && %", [left.at(Binds::And), right.at(Binds::Equal)])
            }
            8 => {
                let (left, right) = (self.condition(depth), self.value(depth));
                value(Binds::Or, "% || %", [left.at(Binds::Or), right.at(Binds::And)])
            }
            9 => {
                let (left, right) = (self.asked(Gives::Variant), self.value(depth));
                value(Binds::Coalesce, "% ?? %", [left.at(Binds::Equal), right.at(Binds::Equal)])
            }
            10 => self.condition(depth),
            11..13 => {
                let (asked, other) = (self.asked(Gives::Variant), self.value(depth));
                value(Binds::Closed, "`a ${%} b ${%}`", [asked.any(), other.any()])
            }
            13..15 => self.lookup(),
            15 => {
                let parts =
                    [self.condition(depth).at(Binds::Coalesce), self.value(depth).any(), self.leaf().any()];
                value(Binds::Closed, "[...(% ? [%] : []), %]", parts)
            }
            16 => {
                let parts =
                    [self.condition(depth).at(Binds::Coalesce), self.leaf().any(), self.value(depth).any()];
                let template = self.dice.one(&[
                    "{ ...(% ? { a: % } : {}), b: % }",
                    "{ b: 1, ...(% ? { a: % } : { c: % }) }",
                    "{\n  ...(% ? { a: % } : {}),\n  b: %,\n}",
                ]);
                value(Binds::Closed, template, parts)
            }
            17 => {
                let parts =
                    [self.condition(depth).at(Binds::And), self.leaf().any(), self.value(depth).any()];
                value(Binds::Closed, "{ ...(% && { a: % }), b: % }", parts)
            }
            18 => {
                let parts = [
                    self.condition(depth).at(Binds::And),
                    self.leaf().at(Binds::Equal),
                    self.value(depth).any(),
                ];
                value(Binds::Closed, "[% && %, %].filter(Boolean)", parts)
            }
            19 => {
                let payload = self.asked(Gives::Payload);
                let limit = value(Binds::Closed, "%?.limit", [payload.at(Binds::Closed)]);
                value(Binds::Coalesce, "% ?? 3", [limit.any()])
            }
            20 => self.call(),
            21 => {
                let (name, parts) = (self.fresh(), [self.sync(|it| it.condition(depth)).any()]);
                value(
                    Binds::Closed,
                    &format!("user.tags.filter(({name}) => % && {name} !== 'b')").replace("% &&", "(%) &&"),
                    parts,
                )
            }
            22 => {
                let parts = [self.condition(depth).any(), self.value(depth).any()];
                value(Binds::Closed, "{ on: %, of: [%] }", parts)
            }
            _ => {
                let choice = self.sync(|it| {
                    let (test, yes, no) = (it.condition(depth), it.value(depth), it.value(depth));
                    it.choice(test, yes, no)
                });
                value(Binds::Closed, "(() => %)()", [choice.at(Binds::Choice)])
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
            8 => value(
                Binds::Closed,
                self.dice.one(&["null", "undefined", "''", "0", "user.name", "user.plan"]),
                [],
            ),
            _ => self.known(Gives::Plain).map_or_else(|| self.log(), |it| value(Binds::Closed, &it, [])),
        }
    }

    fn lookup(&mut self) -> Value {
        let asked = self.asked(Gives::Variant);
        let cast = if self.dialect.types { "% as string" } else { "%" };
        let index = value(Binds::As, cast, [asked.at(Binds::As)]);
        let (first, second) = (self.number(), self.number());
        let table = format!("{{ control: {first}, test: 'text {second}', blue: null }}");
        match self.dice.below(3) {
            0 => value(Binds::Closed, &format!("({table})[%]"), [index.any()]),
            1 => {
                let index = value(Binds::Or, "% || 'control'", [index.at(Binds::And)]);
                let name = self.table(&table);
                value(Binds::Closed, &format!("{name}[%]"), [index.any()])
            }
            _ => {
                let name = self.table(&table);
                value(Binds::Closed, &format!("{name}[%]"), [index.any()])
            }
        }
    }

    fn table(&mut self, table: &str) -> String {
        let name = format!("TABLE_{}", self.number());
        let cast = if self.dialect.types { " as const" } else { "" };
        self.helpers.push(statement(&format!("const {name} = {table}{cast}{END}"), []));
        name
    }

    /// A call of a function of the file.
    fn call(&mut self) -> Value {
        if !self.callable.is_empty() && self.dice.percent(40) {
            let at = self.dice.below(self.callable.len());
            return value(Binds::Closed, &format!("{}()", self.callable[at]), []);
        }
        let name = format!("help{}", self.number());
        let was = (self.is_async, std::mem::take(&mut self.scopes));
        self.is_async = false;
        let depth = self.dice.below(2);
        let body = self.function_body(depth, 2);
        (self.is_async, self.scopes) = was;
        self.helpers.push(statement(&format!("function {name}() {{%}}"), [body.into()]));
        self.callable.push(name.clone());
        value(Binds::Closed, &format!("{name}()"), [])
    }

    // Statements.

    /// Inside of a function that cannot await.
    fn sync<T>(&mut self, write: impl FnOnce(&mut Writer) -> T) -> T {
        let was = std::mem::replace(&mut self.is_async, false);
        let written = write(self);
        self.is_async = was;
        written
    }

    fn function_body(&mut self, depth: usize, most: usize) -> Block {
        let was = std::mem::replace(&mut self.in_function, true);
        let mut body = self.block(depth, most);
        if self.dice.percent(50) {
            body.push(statement("return %¦", [self.leaf().any()]));
        }
        self.in_function = was;
        body
    }

    fn block(&mut self, depth: usize, most: usize) -> Block {
        self.scopes.push(Vec::new());
        let n = 1 + self.dice.below(most);
        let mut all = Block::new();
        if depth > 0 && self.dice.percent(8) {
            all.extend(self.shadow());
        }
        for _ in 0..n {
            let it = self.statement(depth);
            all.push(self.commented(it));
        }
        self.scopes.pop();
        all
    }

    /// Another meaning for a name of outside.
    fn shadow(&mut self) -> Option<Tree> {
        let name = self.known(Gives::Boolean).or_else(|| self.known(Gives::Plain))?;
        let value = self.log();
        self.declare(&name, Gives::Plain);
        Some(statement(&format!("const {name} = %¦"), [value.any()]))
    }

    fn commented(&mut self, it: Tree) -> Tree {
        let n = self.n;
        match self.dice.below(24) {
            0 => statement(&format!("// note {n}\n%"), [it.into()]),
            1 => statement(&format!("% // note {n}"), [it.into()]),
            2 => statement(&format!("/* note {n} */\n%"), [it.into()]),
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
            18..20 => self.switch(inner),
            20..22 => self.looped(inner),
            22 => self.tried(inner),
            23..25 if self.in_function => {
                let condition = self.condition(1);
                let value = self.value(1);
                let template = self.dice.one(&["if (%) return %¦", "if (%) {\n  return %¦\n}"]);
                statement(template, [condition.any(), value.any()])
            }
            25 if self.in_function => statement("if (%) return¦", [self.condition(1).any()]),
            26 => self.reassigned(),
            27 => self.hoisted(inner),
            28 => {
                let (name, condition) = (self.fresh(), self.sync(|it| it.condition(1)));
                statement(
                    &format!("user.tags.forEach(({name}) => {{\n  if (%) note({name})¦\n}})¦"),
                    [condition.any()],
                )
            }
            29 => self.hook(),
            30 if self.is_async => self.awaited(),
            31..34 if self.dialect.jsx => self.rendered(),
            34 => {
                let call = self.call();
                let condition = self.condition(1);
                statement("if (%) %¦", [condition.any(), call.any()])
            }
            35 => self.local_function(inner),
            36 => statement("{%}", [self.block(inner, 2).into()]),
            37 => {
                let (left, right) = (self.condition(1), self.log());
                statement("% && %¦", [left.at(Binds::And), right.at(Binds::Equal)])
            }
            _ => self.conditional(inner),
        }
    }

    fn simple(&mut self) -> Tree {
        match self.dice.below(6) {
            0 => statement("%¦", [self.log().any()]),
            1 => statement("note(%, %)¦", [self.leaf().any(), self.value(1).any()]),
            _ => statement("note(%)¦", [self.value(2).any()]),
        }
    }

    fn conditional(&mut self, depth: usize) -> Tree {
        let test = self.condition(2).any();
        let yes = self.block(depth, 2);
        match self.dice.below(9) {
            0..2 => statement("if (%) {%}", [test, yes.into()]),
            2..5 => statement("if (%) {%} else {%}", [test, yes.into(), self.block(depth, 2).into()]),
            5..7 => {
                let (second, other) = (self.condition(2).any(), self.block(depth, 2));
                let third = self.block(depth, 2);
                let parts = [test, yes.into(), second, other.into(), third.into()];
                statement("if (%) {%} else if (%) {%} else {%}", parts)
            }
            7 => {
                let parts = [test, self.simple().into(), self.simple().into()];
                statement(
                    self.dice
                        .one(&["if (%) % else %", "if (%)\n  %\nelse\n  %"])
                        .replace(") % else", ") {\n  %\n} else")
                        .as_str(),
                    parts,
                )
            }
            _ => {
                let (second, other) = (self.condition(2).any(), self.block(depth, 2));
                statement("if (%) {%} else if (%) {%}", [test, yes.into(), second, other.into()])
            }
        }
    }

    fn binding(&mut self) -> Tree {
        let name = self.fresh();
        let keyword = self.dice.one(&["const", "const", "let", "var"]);
        let (made, gives) = match self.dice.below(12) {
            0..3 => (self.read(Gives::Boolean), Gives::Boolean),
            3..6 => (self.read(Gives::Variant), Gives::Variant),
            6 => (self.condition(1), Gives::Plain),
            7 => (self.read(Gives::Payload), Gives::Payload),
            8 => (self.read(Gives::Result), Gives::Result),
            9 => return self.destructured(),
            10 => {
                let asked = self.asked(Gives::Variant);
                let cast = if self.dialect.types { "(% as string)" } else { "%" };
                let asked = value(Binds::Closed, cast, [asked.at(Binds::As)]);
                (value(Binds::Or, "% || 'control'", [asked.at(Binds::And)]), Gives::Variant)
            }
            _ => (self.value(2), Gives::Plain),
        };
        // A `var` of a block is seen in the whole function; its name must be one of its own.
        let name = if keyword == "var" { format!("{name}_{}", self.number()) } else { name };
        self.declare(&name, gives);
        statement(&format!("{keyword} {name} = %¦"), [made.at(Binds::Choice)])
    }

    fn destructured(&mut self) -> Tree {
        let result = self.read(Gives::Result);
        let (enabled, variant) = (self.fresh(), format!("variant{}", self.number()));
        self.declare(&enabled, Gives::Boolean);
        self.declare(&variant, Gives::Variant);
        let template = format!("const {{ enabled: {enabled}, variant: {variant} }} = %¦");
        statement(&template, [result.at(Binds::Choice)])
    }

    fn reassigned(&mut self) -> Tree {
        let name = format!("changed{}", self.number());
        let (first, condition, second) = (self.asked(Gives::Boolean), self.condition(1), self.leaf());
        self.declare(&name, Gives::Plain);
        let template = self.dice.one(&[
            "let ^ = %¦\nif (%) ^ = %¦",
            "let ^ = %¦\nif (%) {\n  ^ = %¦\n}\nnote(^)¦",
            "let ^¦\n^ = %¦\nnote(^, %, %)¦",
            "let ^ = false¦\ntry {\n  ^ = %¦\n} catch {\n  note('failed')¦\n}\nnote(^, %, %)¦",
        ]);
        statement(&template.replace('^', &name), [first.any(), condition.any(), second.any()])
    }

    fn hoisted(&mut self, depth: usize) -> Tree {
        let name = format!("seen{}", self.number());
        let condition = self.condition(1);
        let value = self.leaf();
        let other = self.block(depth, 1);
        let template = self.dice.one(&[
            "if (%) {\n  var ^ = %¦\n} else {%}\nnote(^)¦",
            "if (%) {\n  var ^ = %¦\n  note(^)¦\n} else {%}",
        ]);
        statement(&template.replace('^', &name), [condition.any(), value.any(), other.into()])
    }

    fn switch(&mut self, depth: usize) -> Tree {
        let asked = self.asked(Gives::Variant);
        let mut cases = Vec::new();
        for variant in VARIANTS {
            if self.dice.percent(70) {
                let body = self.block(depth.min(1), 2);
                let end = match self.dice.below(8) {
                    0 => "",
                    1..3 if self.in_function => "\n  return¦",
                    _ => "\n  break¦",
                };
                let template = self.dice.one(&["case '^':%", "case '^': {%}", "case 'more':\ncase '^':%"]);
                let template = match template.ends_with('}') {
                    true => template.replace("{%}", &format!("{{%{}\n}}", end)),
                    false => template.to_owned() + end,
                };
                cases.push(self.case(&template.replace('^', variant), body));
            }
        }
        if self.dice.percent(60) {
            let body = self.block(depth.min(1), 2);
            cases.push(self.case("default:%", body));
        }
        let holes = "\n%".repeat(cases.len());
        let parts = std::iter::once(asked.any()).chain(cases.into_iter().map(Part::from));
        statement(&format!("switch (%) {{{holes}\n}}"), parts)
    }

    /// Declarations of a case are seen in the others: braces round the body keep them apart.
    fn case(&mut self, template: &str, body: Block) -> Tree {
        let body = match template.contains("{%") {
            true => body,
            false => vec![statement("{%}", [body.into()])],
        };
        statement(template, [body.into()])
    }

    fn looped(&mut self, depth: usize) -> Tree {
        let n = self.number();
        let condition = self.condition(1);
        let body = self.block(depth, 2);
        match self.dice.below(6) {
            0 => {
                let leave = self.dice.one(&["continue", "break"]);
                let template = format!(
                    "for (const each{n} of user.tags) {{\n  if (%) {leave}¦\n  note(each{n})¦\n  {{%}}\n}}"
                );
                statement(&template, [condition.any(), body.into()])
            }
            1 => {
                let template = format!("const tick{n} = ticks(2)¦\nwhile (tick{n}() && %) {{%}}");
                statement(&template, [condition.at(Binds::Equal), body.into()])
            }
            2 => {
                let template = format!("const tick{n} = ticks(2)¦\nwhile (% && tick{n}()) {{%}}");
                statement(&template, [condition.at(Binds::Equal), body.into()])
            }
            3 => {
                let template = format!("const tick{n} = ticks(1)¦\ndo {{%}} while (% && tick{n}())¦");
                statement(&template, [body.into(), condition.at(Binds::Equal)])
            }
            4 => {
                let template = format!("for (let i{n} = 0; i{n} < 2 && %; i{n}++) {{%}}");
                statement(&template, [condition.at(Binds::Equal), body.into()])
            }
            _ => {
                let template =
                    format!("for (const each{n} of [1, 2]) {{\n  if (%) {{%}}\n  else note(each{n})¦\n}}");
                statement(&template, [condition.any(), body.into()])
            }
        }
    }

    fn tried(&mut self, depth: usize) -> Tree {
        let name = format!("safe{}", self.number());
        let read = self.read(Gives::Boolean);
        let body = self.block(depth, 1);
        let tree = match self.dice.below(4) {
            0 => {
                let template = "try {\n  if (%) {%}\n} catch (error) {\n  note(error)¦\n}";
                return statement(template, [read.any(), body.into()]);
            }
            1 => statement(
                &format!("let {name} = false¦\ntry {{\n  {name} = %¦\n}} catch {{%}}"),
                [read.any(), body.into()],
            ),
            2 => statement(
                &format!(
                    "let {name}¦\ntry {{\n  {name} = %¦\n}} catch (error) {{%}} finally {{\n  note('done')¦\n}}"
                ),
                [read.any(), body.into()],
            ),
            _ => {
                let template = format!("try {{\n  const {name} = %¦\n  note({name})¦\n}} catch {{%}}");
                return statement(&template, [read.any(), body.into()]);
            }
        };
        self.declare(&name, Gives::Boolean);
        tree
    }

    fn hook(&mut self) -> Tree {
        let name = self.known(Gives::Boolean).or_else(|| self.known(Gives::Variant));
        let Some(name) = name else { return self.binding() };
        let made = format!("made{}", self.number());
        let condition = self.sync(|it| it.condition(1));
        let template = self.dice.one(&[
            "useEffect(() => {\n  if (^) note(%)¦\n}, [^, user.id])¦",
            "const & = useMemo(() => (^ ? % : 'none'), [^])¦\nnote(&)¦",
            "const & = useCallback(() => {\n  note(^, %)¦\n}, [user, ^])¦\n&()¦",
            "const [&] = useState(^)¦\nnote(&, %)¦",
        ]);
        let template = template.replace('^', &name).replace('&', &made);
        statement(&template, [condition.at(Binds::Coalesce)])
    }

    fn awaited(&mut self) -> Tree {
        let (name, n) = (self.fresh(), self.number());
        let key = self.key();
        match self.dice.below(4) {
            0 | 1 => {
                let template = format!(
                    "const [{name}, data{n}] = await Promise.all([client.isFeatureEnabled('{key}', 'u'), load({n})])¦\nnote(data{n})¦"
                );
                self.declare(&name, Gives::Boolean);
                statement(&template, [])
            }
            2 => {
                let template = format!(
                    "await client.getFeatureFlag('{key}', 'u').then(({name}) => {{\n  note({name})¦\n}})¦"
                );
                statement(&template, [])
            }
            _ => {
                let template = format!("const data{n} = % ? await load({n}) : 0¦\nnote(data{n})¦");
                let condition = self.condition(1);
                statement(&template, [condition.at(Binds::Coalesce)])
            }
        }
    }

    fn local_function(&mut self, depth: usize) -> Tree {
        let name = format!("local{}", self.number());
        let body = self.sync(|it| it.function_body(depth, 2));
        let template = self.dice.one(&[
            "function ^() {%}\nnote(^())¦",
            "const ^ = () => {%}¦\nnote(^())¦",
            "note(^())¦\nfunction ^() {%}",
        ]);
        statement(&template.replace('^', &name), [body.into()])
    }

    // JSX.

    fn rendered(&mut self) -> Tree {
        if self.dice.percent(30) {
            let component = self.component();
            return statement(&format!("render(<{component} title=\"a\" />)¦"), []);
        }
        let element = self.element(2);
        statement("render(%)¦", [element.any()])
    }

    fn component(&mut self) -> String {
        let name = format!("Panel{}", self.number());
        let was = (self.is_async, std::mem::take(&mut self.scopes), self.in_function);
        (self.is_async, self.in_function) = (false, true);
        self.scopes.push(Vec::new());
        let hook = self.dice.one(&["useFeatureFlagEnabled", "useFeatureFlagVariantKey"]);
        let key = self.key();
        let on = self.fresh();
        self.declare(&on, if hook.ends_with("Enabled") { Gives::Boolean } else { Gives::Variant });
        let (early, element) = (self.condition(1), self.element(2));
        let types = if self.dialect.types { ": { title: string }" } else { "" };
        let template = self.dice.one(&[
            "const ^ = @¦\nif (%) return null¦\nreturn %¦",
            "const ^ = @¦\nif (%) {\n  return (\n    %\n  )¦\n}\nreturn null¦",
            "const ^ = @¦\nreturn % ? % : null¦",
        ]);
        let template = template.replace('^', &on).replace('@', &format!("{hook}('{key}')"));
        let test = if template.contains("?") { early.at(Binds::Coalesce) } else { early.any() };
        let body = statement(&template, [test, element.any()]);
        (self.is_async, self.scopes, self.in_function) = was;
        let head = format!("function {name}({{ title }}{types}) {{\n  note(title)¦%}}");
        self.helpers.push(statement(&head, [vec![body].into()]));
        name
    }

    fn element(&mut self, depth: usize) -> Value {
        if depth == 0 {
            return match self.dice.below(3) {
                0 => value(Binds::Closed, "<i />", []),
                1 => value(Binds::Closed, &format!("<b>text {}</b>", self.number()), []),
                _ => value(Binds::Closed, "<i a={%} />", [self.leaf().any()]),
            };
        }
        let depth = depth - 1;
        let n = 1 + self.dice.below(3);
        let attributes = self.attributes();
        let children: Vec<Part> = (0..n).map(|_| self.child(depth).into()).collect();
        let (open, close) = match self.dice.below(6) {
            0 => ("<>", "</>"),
            1 => ("<Fragment>", "</Fragment>"),
            _ => ("<div%>", "</div>"),
        };
        let holes = if self.dice.percent(40) {
            "%".repeat(n)
        } else {
            format!("\n  {}\n", vec!["%"; n].join("\n  "))
        };
        let attributes = open.contains('%').then_some(attributes.into());
        let parts = attributes.into_iter().chain(children);
        value(Binds::Closed, &format!("{open}{holes}{close}"), parts)
    }

    fn attributes(&mut self) -> Tree {
        match self.dice.below(8) {
            0 => tree(Kind::Child, " on={%}", [self.condition(1).any()]),
            1 => {
                let (test, yes, no) = (self.condition(1), self.leaf(), self.leaf());
                tree(Kind::Child, " title={%}", [self.choice(test, yes, no).any()])
            }
            2 => {
                let parts = [self.condition(1).at(Binds::And), self.leaf().any()];
                tree(Kind::Child, " {...(% && { a: % })}", parts)
            }
            3 => tree(Kind::Child, " hidden", []),
            _ => tree(Kind::Child, "", []),
        }
    }

    fn child(&mut self, depth: usize) -> Tree {
        let braces = |it: Value| tree(Kind::Child, "{%}", [it.any()]);
        match self.dice.below(14) {
            0 => tree(Kind::Child, &format!("text {}", self.number()), []),
            1..4 => {
                let (test, element) = (self.condition(1), self.element(depth));
                braces(value(Binds::And, "% && %", [test.at(Binds::And), element.at(Binds::Equal)]))
            }
            4..6 => {
                let (test, yes) = (self.condition(1), self.element(depth));
                let no = value(Binds::Closed, self.dice.one(&["null", "undefined", "''"]), []);
                braces(self.choice(test, yes, no))
            }
            6..9 => {
                let (test, yes, no) = (self.condition(1), self.element(depth), self.element(depth));
                let parts = [test.at(Binds::Coalesce), yes.any(), no.any()];
                let template = self.dice.one(&["% ? % : %", "% ? (\n  %\n) : (\n  %\n)"]);
                braces(value(Binds::Choice, template, parts))
            }
            9 => {
                let (test, yes, no) = (self.condition(1), self.text(), self.text());
                braces(self.choice(test, yes, no))
            }
            10 => braces(self.asked(Gives::Variant)),
            11 => braces(self.asked(Gives::Boolean)),
            12 => {
                let element = self.element(depth);
                tree(Kind::Child, "%", [element.any()])
            }
            _ => {
                let component = self.component();
                tree(Kind::Child, &format!("<{component} title=\"b\" />"), [])
            }
        }
    }

    fn text(&mut self) -> Value {
        value(Binds::Closed, &format!("'text {}'", self.number()), [])
    }
}
