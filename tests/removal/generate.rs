//! Random programs that read flags everywhere a program can. What they do is seen in their trace: each operand, each
//! statement and each branch logs a number of its own.
//!
//! A program is a list of numbers that choose, out of what is possible at each place; so every list is a program, and
//! fewer or smaller numbers are a simpler one. Programs never use a name that does not exist, or that a block declares
//! only later.

use std::collections::BTreeSet;

use flagline::feature::Value;
use flagline::removal::Kept;
use serde_json::json;

use crate::check::Flags;
use crate::write::{Code, Language, indented};

/// What chooses a program.
pub type Choices = Vec<u16>;

/// A program, and what its flags are taken to serve.
pub struct Program {
    pub text: String,
    pub flags: Flags,
}

/// What a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    /// A variant, or a boolean.
    Variant,
    Result,
    Payload,
    Value,
    /// A function without parameters that gives a boolean; `true` where it must be awaited.
    Function(bool),
    /// A function that takes the key of a flag.
    Wrapper,
    /// A component that shows its children or what it falls back to.
    Component,
}

#[derive(Debug, Clone)]
pub struct Variable {
    pub name: String,
    pub kind: Kind,
    pub is_writable: bool,
}

/// A block.
#[derive(Default)]
struct Scope {
    variables: Vec<Variable>,
    /// Names of scopes further out that were used here: a declaration would change what they mean.
    used: BTreeSet<String>,
    /// Begins a function.
    is_function: bool,
    /// Everything declared in a function, its blocks included: Python's functions have no blocks.
    locals: BTreeSet<String>,
}

/// Writes a program down.
pub struct Writer<'a> {
    choices: std::slice::Iter<'a, u16>,
    pub language: Language,
    scopes: Vec<Scope>,
    n_logs: usize,
    n_names: usize,
    pub tab: &'static str,
    pub semicolon: &'static str,
    pub is_async: bool,
    /// Whether the second flag may be read here.
    pub has_second: bool,
    /// How many loops are round a statement in its function.
    pub n_loops: usize,
}

/// Writes the program that numbers choose.
pub fn program(choices: &Choices, language: Language) -> Program {
    let mut writer = Writer {
        choices: choices.iter(),
        language,
        scopes: vec![Scope { is_function: true, ..Scope::default() }],
        n_logs: 0,
        n_names: 0,
        tab: "  ",
        semicolon: ";",
        is_async: false,
        has_second: true,
        n_loops: 0,
    };
    let flags = writer.flags();
    writer.tab = match (language, writer.below(4)) {
        (Language::Python, 3) => "\t",
        (Language::Python, _) => "    ",
        (_, 3) => "\t",
        _ => "  ",
    };
    if !language.is_python() && writer.below(5) == 4 {
        writer.semicolon = "";
    }
    let line_break = if writer.below(8) == 7 { "\r\n" } else { "\n" };
    let lines = writer.module();
    Program { text: lines.join("\n").replace('\n', line_break) + line_break, flags }
}

impl Writer<'_> {
    /// A number below another; 0 once there are no more choices.
    pub fn below(&mut self, end: usize) -> usize {
        self.choices.next().map_or(0, |it| *it as usize % end)
    }

    /// One in so many times.
    pub fn rarely(&mut self, one_in: usize) -> bool {
        self.below(one_in) == one_in - 1
    }

    pub fn number(&mut self) -> usize {
        self.n_logs += 1;
        self.n_logs
    }

    fn flags(&mut self) -> Flags {
        Flags { flag: self.kept(), second: self.kept() }
    }

    fn kept(&mut self) -> Kept {
        let value = match self.below(4) {
            0 => Value::On,
            1 => Value::Off,
            2 => Value::Variant("test".into()),
            _ => Value::Variant("control".into()),
        };
        let payload = match self.below(3) {
            0 => json!(null),
            1 => json!({ "limit": 5, "text": "it" }),
            _ => json!({ "limit": 0, "is_new": true }),
        };
        Kept { value, payload: Some(payload) }
    }

    fn module(&mut self) -> Vec<String> {
        let mut lines = self.imports();
        for _ in 0..self.below(4) {
            lines.extend(self.module_item());
        }
        self.is_async = self.below(2) == 1;
        let head = match (self.language, self.is_async) {
            (Language::Python, true) => "async def main():",
            (Language::Python, false) => "def main():",
            (_, true) => "export async function main() {",
            (_, false) => "export function main() {",
        };
        let n = 1 + self.below(6);
        let body = self.function(|it| it.statements(3, n));
        lines.push(head.into());
        lines.extend(self.block(body));
        lines
    }

    fn imports(&mut self) -> Vec<String> {
        if !self.rarely(3) {
            return Vec::new();
        }
        let end = self.semicolon;
        match self.language {
            Language::Python => vec!["import posthog".into(), String::new()],
            _ => vec![
                format!("import posthog from 'posthog-js'{end}"),
                format!(
                    "import {{ useFeatureFlagEnabled, useFeatureFlagVariantKey }} from 'posthog-js/react'{end}"
                ),
                String::new(),
            ],
        }
    }

    /// A block with its braces: what opens it stands above.
    pub fn block(&self, body: Vec<String>) -> Vec<String> {
        let mut lines = indented(body, self.tab);
        match self.language {
            Language::Python if lines.is_empty() => lines.push(format!("{}pass", self.tab)),
            Language::Python => {}
            _ => lines.push("}".into()),
        }
        lines
    }

    /// What is made in a function of its own.
    pub fn function<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> T {
        let n_loops = std::mem::replace(&mut self.n_loops, 0);
        self.scopes.push(Scope { is_function: true, ..Scope::default() });
        let made = make(self);
        self.scopes.pop();
        self.n_loops = n_loops;
        made
    }

    /// What is made in a block of its own.
    pub fn scope<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(Scope::default());
        let made = make(self);
        self.scopes.pop();
        made
    }

    pub fn is_in_function(&self) -> bool {
        self.scopes.iter().filter(|it| it.is_function).count() > 1
    }

    /// Declares a variable in the innermost block: often by a name that another block has, too.
    pub fn declare(&mut self, kind: Kind, is_writable: bool) -> String {
        let pool: &[&str] = match (kind, self.language.is_python()) {
            (Kind::Function(_), false) => &["isOn", "canGo"],
            (Kind::Function(_), true) => &["is_on", "can_go"],
            (Kind::Bool, false) => &["on", "isNew", "hasIt"],
            (Kind::Bool, true) => &["on", "is_new", "has_it"],
            (Kind::Wrapper, false) => &["useFlag"],
            (Kind::Wrapper, true) => &["flag_on"],
            (Kind::Component, _) => &["Gate", "Show"],
            _ => &["a", "b", "c"],
        };
        let name = pool[self.below(pool.len())].to_owned();
        let name = if self.may_declare(&name) { name } else { self.fresh(&name) };
        self.declare_as(&name, kind, is_writable);
        name
    }

    /// A name that nothing else has.
    pub fn fresh(&mut self, name: &str) -> String {
        self.n_names += 1;
        format!("{name}{}", self.n_names)
    }

    pub fn declare_as(&mut self, name: &str, kind: Kind, is_writable: bool) {
        let function = self.scopes.iter_mut().rfind(|it| it.is_function).unwrap();
        function.locals.insert(name.into());
        let scope = self.scopes.last_mut().unwrap();
        scope.variables.retain(|it| it.name != name);
        scope.variables.push(Variable { name: name.into(), kind, is_writable });
    }

    fn may_declare(&self, name: &str) -> bool {
        let innermost = self.scopes.last().unwrap();
        if !self.language.is_python() {
            return !innermost.used.contains(name) && innermost.variables.iter().all(|it| it.name != name);
        }
        let from = self.scopes.iter().rposition(|it| it.is_function).unwrap();
        // A module's names are assigned once, as everywhere in good code.
        from > 0 && self.scopes[from..].iter().all(|it| !it.used.contains(name))
    }

    /// A variable of a kind that can be used here, noted as used.
    pub fn variable(&mut self, wanted: impl Fn(&Variable) -> bool) -> Option<Variable> {
        let mut seen = BTreeSet::new();
        let mut found: Vec<(usize, Variable)> = Vec::new();
        for (at, scope) in self.scopes.iter().enumerate().rev() {
            for it in scope.variables.iter().rev().filter(|it| !seen.contains(&it.name)) {
                if wanted(it) && self.is_plain(at, &it.name) {
                    found.push((at, it.clone()));
                }
            }
            seen.extend(scope.variables.iter().map(|it| it.name.clone()));
        }
        if found.is_empty() {
            return None;
        }
        let chosen = self.below(found.len());
        let (at, variable) = found.swap_remove(chosen);
        for scope in &mut self.scopes[at + 1..] {
            scope.used.insert(variable.name.clone());
        }
        Some(variable)
    }

    /// Whether a name of a scope means the same from here: no function between has one like it in another block.
    fn is_plain(&self, declared: usize, name: &str) -> bool {
        let function = self.scopes[..=declared].iter().rposition(|it| it.is_function).unwrap();
        let between = &self.scopes[function + 1..];
        between.iter().all(|it| !it.is_function || !it.locals.contains(name))
    }

    /// Whether an assignment here would be to a variable of the same function.
    pub fn is_own(&self, name: &str) -> bool {
        let from = self.scopes.iter().rposition(|it| it.is_function).unwrap();
        self.scopes[from..].iter().any(|it| it.variables.iter().any(|it| it.name == name))
    }

    /// The key of a flag: mostly of the one that is removed.
    pub fn key(&mut self) -> String {
        let key = ["flag", "flag", "flag", "flag", "second", "other"][self.below(6)];
        let key = if self.has_second || key != "second" { key } else { "flag" };
        self.quoted(key)
    }

    pub fn quoted(&self, text: &str) -> String {
        if self.language.is_python() { format!("\"{text}\"") } else { format!("'{text}'") }
    }

    pub fn log(&mut self) -> Code {
        let n = self.number();
        Code::primary(format!("log({n})"))
    }
}
