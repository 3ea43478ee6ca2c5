//! Random programs of several modules: constants that are renamed, passed on and shadowed, functions round functions
//! that take a key somewhere among what else they take, and places that ask. The same program is written in
//! JavaScript and in Python.
//!
//! A program is a list of modules, a module a list of items, an item a few numbers that choose what it is out of
//! what is possible there; so every list of numbers is a program, and fewer or smaller numbers are a simpler one.
//! Only names that exist are used, and a module takes names of later ones alone. In some programs it may take the
//! whole of an earlier one, too; there no module needs another before all are there.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::check::Program;

/// What chooses an item.
type Item = [u8; 8];

/// The modules of a program.
pub type Choices = Vec<Vec<Item>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    JavaScript,
    Python,
}

pub fn choices() -> impl Strategy<Value = Choices> {
    prop::collection::vec(prop::collection::vec(any::<Item>(), 1..8), 1..5)
}

/// Names are few, so that they mean different things in different modules.
const CONSTANTS: [&str; 4] = ["ALPHA_KEY", "BETA_KEY", "GAMMA_KEY", "DELTA_KEY"];
const REGISTRIES: [&str; 2] = ["FLAGS", "NAMES"];
const WRAPPERS: [&str; 4] = ["ask_for", "can_use", "look_up", "has_on"];
const CLASSES: [&str; 3] = ["Gate", "Service", "Client"];
const MEMBERS: [&str; 2] = ["FIRST", "SECOND"];

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Thing {
    Key,
    /// An object of keys; written in brackets where it is used, or with a dot.
    Registry {
        brackets: bool,
    },
    Wrapper(Signature),
}

/// How a function takes a key.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Signature {
    style: Style,
    n_parameters: usize,
    /// Which of them is the key.
    key: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Style {
    Function,
    Closure,
    Lambda,
    /// By name: an object in JavaScript, keywords in Python.
    Named,
    /// A method of this class.
    Method,
}

#[derive(Debug, Clone)]
struct Named {
    name: String,
    thing: Thing,
    /// Two names of one origin are the same thing.
    origin: usize,
    /// Declared in this module.
    is_own: bool,
}

/// A module that is being written.
#[derive(Default)]
struct Module {
    stars: Vec<String>,
    imports: Vec<String>,
    body: Vec<String>,
    /// Names that can be used here.
    scope: Vec<Named>,
    /// Names that others can take, those by stars left out.
    given: Vec<Named>,
    starred: Vec<Named>,
    asks: Vec<String>,
}

impl Module {
    fn has(&self, name: &str) -> bool {
        self.scope.iter().chain(&self.given).any(|it| it.name == name)
    }

    /// What others can take. A name that two stars give for different things is nobody's.
    fn gives(&self) -> Vec<Named> {
        let mut all = self.given.clone();
        for it in self.starred.iter().filter(|it| !self.has(&it.name)) {
            let same: Vec<_> = self.starred.iter().filter(|other| other.name == it.name).collect();
            let is_one = same.iter().all(|other| other.origin == it.origin);
            if is_one && !all.iter().any(|other| other.name == it.name) {
                all.push(it.clone());
            }
        }
        all
    }
}

/// The numbers of an item, one by one.
struct Picks<'a>(std::slice::Iter<'a, u8>);

impl Picks<'_> {
    fn below(&mut self, end: usize) -> usize {
        self.0.next().map_or(0, |it| *it as usize % end)
    }

    fn one<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }
}

/// Writes a program down.
pub fn program(choices: &Choices, language: Language) -> Program {
    let modules = choices.iter().map(|_| Module::default()).collect();
    let mut writer = Writer {
        language,
        modules,
        is_declaring: true,
        has_circles: choices[0].len() % 2 == 1,
        n_keys: 0,
        n_origins: 0,
    };
    for (at, items) in choices.iter().enumerate().rev() {
        items.iter().for_each(|it| writer.declare(at, &mut Picks(it.iter())));
    }
    writer.is_declaring = false;
    for (at, items) in choices.iter().enumerate() {
        items.iter().for_each(|it| writer.ask(at, &mut Picks(it.iter())));
    }
    writer.files()
}

struct Writer {
    language: Language,
    modules: Vec<Module>,
    is_declaring: bool,
    has_circles: bool,
    n_keys: usize,
    n_origins: usize,
}

impl Writer {
    fn declare(&mut self, at: usize, picks: &mut Picks) {
        match picks.below(10) {
            0 => self.constant(at, picks),
            1 => self.registry(at, picks),
            2 | 3 => self.import(at, picks),
            4 => self.star(at, picks),
            5 | 6 => self.wrapper(at, picks),
            7 => self.class(at, picks),
            // See `ask`.
            _ => {}
        }
    }

    fn is_python(&self) -> bool {
        self.language == Language::Python
    }

    fn literal(&mut self) -> String {
        self.n_keys += 1;
        format!("'key-{}'", self.n_keys)
    }

    /// Adds a name that the module declares, if it is still free.
    fn add(&mut self, at: usize, name: &str, thing: Thing) -> bool {
        let module = &mut self.modules[at];
        if module.has(name) {
            return false;
        }
        self.n_origins += 1;
        let named = Named { name: name.into(), thing, origin: self.n_origins, is_own: true };
        module.scope.push(named.clone());
        module.given.push(named);
        true
    }

    fn write(&mut self, at: usize, javascript: String, python: String) {
        let text = if self.is_python() { python } else { javascript };
        self.modules[at].body.push(text);
    }

    fn constant(&mut self, at: usize, picks: &mut Picks) {
        let name = CONSTANTS[picks.below(CONSTANTS.len())];
        let value = self.key(at, picks, &[]);
        if self.add(at, name, Thing::Key) {
            self.write(at, format!("export const {name} = {value}"), format!("{name} = {value}"));
        }
    }

    fn registry(&mut self, at: usize, picks: &mut Picks) {
        let name = REGISTRIES[picks.below(REGISTRIES.len())];
        let brackets = picks.below(2) == 1;
        let values = MEMBERS.map(|member| (member, self.key(at, picks, &[])));
        if !self.add(at, name, Thing::Registry { brackets }) {
            return;
        }
        let list = |make: &dyn Fn(&str, &str) -> String, gap: &str| {
            values.iter().map(|(name, value)| make(name, value)).collect::<Vec<_>>().join(gap)
        };
        let object = list(&|name, value| format!("{name}: {value}"), ", ");
        let python = match brackets {
            true => format!("{name} = {{{}}}", list(&|name, value| format!("'{name}': {value}"), ", ")),
            false => {
                format!("class {name}:\n    {}", list(&|name, value| format!("{name} = {value}"), "\n    "))
            }
        };
        self.write(at, format!("export const {name} = {{ {object} }}"), python);
    }

    /// Takes a name of a later module, under its own name or another; or only passes it on.
    fn import(&mut self, at: usize, picks: &mut Picks) {
        let Some(from) = self.later(at, picks) else { return };
        let Some(named) = picks.one(&self.modules[from].gives()).cloned() else { return };
        let names: &[&str] = match named.thing {
            Thing::Key => &CONSTANTS,
            Thing::Registry { .. } => &REGISTRIES,
            Thing::Wrapper(Signature { style: Style::Method, .. }) => &CLASSES,
            Thing::Wrapper(_) => &WRAPPERS,
        };
        let local = match picks.below(3) {
            0 => names[picks.below(names.len())].to_owned(),
            _ => named.name.clone(),
        };
        let only_passed_on = picks.below(3) == 0;
        if self.modules[at].has(&local) {
            return;
        }
        let name = &named.name;
        let renamed = if *name == local { name.clone() } else { format!("{name} as {local}") };
        let module = self.module(at, from);
        let text = match (self.is_python(), only_passed_on) {
            (true, _) => format!("from {module} import {renamed}"),
            (false, true) => format!("export {{ {renamed} }} from {module}"),
            (false, false) => format!("import {{ {renamed} }} from {module}\nexport {{ {local} }}"),
        };
        let own = Named { name: local, is_own: false, ..named };
        let module = &mut self.modules[at];
        module.imports.push(text);
        module.given.push(own.clone());
        if !only_passed_on {
            module.scope.push(own);
        }
    }

    fn star(&mut self, at: usize, picks: &mut Picks) {
        let Some(from) = self.later(at, picks) else { return };
        let starred = self.modules[from].gives();
        let module = self.module(at, from);
        let text = match self.language {
            Language::JavaScript => format!("export * from {module}"),
            Language::Python => format!("from {module} import *"),
        };
        if !self.modules[at].stars.contains(&text) {
            self.modules[at].stars.push(text);
            self.modules[at].starred.extend(starred);
        }
    }

    fn later(&self, at: usize, picks: &mut Picks) -> Option<usize> {
        let n_later = self.modules.len() - at - 1;
        (n_later > 0).then(|| at + 1 + picks.below(n_later))
    }

    fn wrapper(&mut self, at: usize, picks: &mut Picks) {
        let name = WRAPPERS[picks.below(WRAPPERS.len())];
        let style = [Style::Function, Style::Lambda, Style::Named, Style::Closure][picks.below(4)];
        let n_parameters = 1 + picks.below(3);
        let signature = Signature { style, n_parameters, key: picks.below(n_parameters) };
        let asked = self.asked_by_wrapper(at, picks);
        if !self.add(at, name, Thing::Wrapper(signature)) {
            return;
        }
        let parameters = parameters(signature);
        let (javascript, python) = match style {
            Style::Function => (
                format!("export function {name}({parameters}) {{\n  return {asked}\n}}"),
                format!("def {name}({parameters}):\n    return {asked}"),
            ),
            Style::Closure => (
                format!(
                    "export function {name}({parameters}) {{\n  const inner = () => {asked}\n  return inner()\n}}"
                ),
                format!(
                    "def {name}({parameters}):\n    def inner():\n        return {asked}\n\n    return inner()"
                ),
            ),
            Style::Lambda => (
                format!("export const {name} = ({parameters}) => {asked}"),
                format!("{name} = lambda {parameters}: {asked}"),
            ),
            Style::Named | Style::Method => (
                format!("export const {name} = ({{ {parameters} }}) => {asked}"),
                format!("def {name}(*, {parameters}):\n    return {asked}"),
            ),
        };
        self.write(at, javascript, python);
    }

    /// A class with a method, or one derived from another.
    fn class(&mut self, at: usize, picks: &mut Picks) {
        let name = CLASSES[picks.below(CLASSES.len())];
        let is_class = |it: &&Named| {
            let is_class = matches!(it.thing, Thing::Wrapper(it) if it.style == Style::Method);
            is_class && (it.is_own || !self.has_circles)
        };
        let bases: Vec<Named> = self.modules[at].scope.iter().filter(is_class).cloned().collect();
        if picks.below(3) == 0
            && let Some(base) = picks.one(&bases)
        {
            if self.add(at, name, base.thing) {
                let base = &base.name;
                let javascript = format!("export class {name} extends {base} {{}}");
                self.write(at, javascript, format!("class {name}({base}):\n    pass"));
            }
            return;
        }
        let n_parameters = 1 + picks.below(3);
        let signature = Signature { style: Style::Method, n_parameters, key: picks.below(n_parameters) };
        let asked = self.asked_by_wrapper(at, picks);
        if self.add(at, name, Thing::Wrapper(signature)) {
            let parameters = parameters(signature);
            self.write(
                at,
                format!("export class {name} {{\n  ask({parameters}) {{\n    return {asked}\n  }}\n}}"),
                format!("class {name}:\n    def ask(self, {parameters}):\n        return {asked}"),
            );
        }
    }

    /// What a wrapper does with its key.
    fn asked_by_wrapper(&self, at: usize, picks: &mut Picks) -> String {
        let key = if picks.below(4) == 0 { self.joined("key") } else { "key".into() };
        self.asked(at, picks, &key, &[])
    }

    /// A string with something behind it.
    fn joined(&self, key: &str) -> String {
        if self.is_python() { format!("f\"{{{key}}}-more\"") } else { format!("`${{{key}}}-more`") }
    }

    /// A call that asks for a key: of the SDK, or of a wrapper here or in one of `others`.
    fn asked(&self, at: usize, picks: &mut Picks, key: &str, others: &[usize]) -> String {
        let methods = match self.language {
            Language::JavaScript => ["isFeatureEnabled", "getFeatureFlag"],
            Language::Python => ["feature_enabled", "get_feature_flag"],
        };
        let wrapper = |(name, thing)| match thing {
            Thing::Wrapper(signature) => Some((name, signature)),
            _ => None,
        };
        let wrappers: Vec<(String, Signature)> =
            self.visible(at, others).into_iter().filter_map(wrapper).collect();
        let choice = picks.below(wrappers.len() + 2);
        match wrappers.get(choice.wrapping_sub(2)) {
            Some((name, signature)) => self.call(name, *signature, key, picks.below(2) == 1),
            None if self.is_python() => format!("posthog.{}({key}, 'somebody')", methods[choice % 2]),
            None => format!("posthog.{}({key})", methods[choice % 2]),
        }
    }

    fn call(&self, name: &str, signature: Signature, key: &str, by_name: bool) -> String {
        let Signature { style, n_parameters, key: place } = signature;
        let argument = |at| if at == place { key.to_owned() } else { format!("'no-key-{at}'") };
        let list = |separator: &str| {
            let all = (0..n_parameters)
                .rev()
                .map(|at| format!("{}{separator}{}", parameter(signature, at), argument(at)));
            all.collect::<Vec<_>>().join(", ")
        };
        let in_order = (0..n_parameters).map(argument).collect::<Vec<_>>().join(", ");
        let arguments = match (self.language, style) {
            (Language::JavaScript, Style::Named) => format!("{{ {} }}", list(": ")),
            (Language::Python, Style::Named) => list("="),
            (Language::Python, _) if by_name => list("="),
            _ => in_order,
        };
        match (self.language, style) {
            (Language::JavaScript, Style::Method) => format!("new {name}().ask({arguments})"),
            (Language::Python, Style::Method) => format!("{name}().ask({arguments})"),
            _ => format!("{name}({arguments})"),
        }
    }

    /// Names that can be used in a module, those in the namespaces of others included.
    fn visible(&self, at: usize, others: &[usize]) -> Vec<(String, Thing)> {
        let own = self.modules[at].scope.iter().map(|it| (it.name.clone(), it.thing));
        // A star of Python gives names to its own module, too; before all is declared they may mean something else.
        let stars = self.is_python() && !self.is_declaring;
        let starred =
            self.modules[at].gives().into_iter().filter(|it| stars && !self.modules[at].has(&it.name));
        let own = own.chain(starred.map(|it| (it.name, it.thing)));
        let of_others = others.iter().flat_map(|other| {
            let gives = self.modules[*other].gives();
            gives.into_iter().map(|it| (format!("{}.{}", stem(*other), it.name), it.thing))
        });
        own.chain(of_others).collect()
    }

    /// An expression that is a key.
    fn key(&mut self, at: usize, picks: &mut Picks, others: &[usize]) -> String {
        let mut known = Vec::new();
        let is_early = self.is_declaring && self.has_circles;
        let imported: Vec<&str> =
            self.modules[at].scope.iter().filter(|it| !it.is_own).map(|it| &*it.name).collect();
        for (name, thing) in self.visible(at, others) {
            if is_early && imported.contains(&&*name) {
                continue;
            }
            match thing {
                Thing::Key => known.push(name),
                Thing::Registry { brackets: true } => {
                    known.extend(MEMBERS.iter().map(|it| format!("{name}['{it}']")));
                }
                Thing::Registry { .. } => known.extend(MEMBERS.iter().map(|it| format!("{name}.{it}"))),
                Thing::Wrapper(_) => {}
            }
        }
        let form = picks.below(5);
        let key = match picks.one(&known).filter(|_| form > 0) {
            Some(known) => known.clone(),
            None => self.literal(),
        };
        if form == 4 { self.joined(&key) } else { key }
    }

    /// A function that asks for one key or two.
    fn ask(&mut self, at: usize, picks: &mut Picks) {
        if picks.below(10) < 8 {
            return;
        }
        let (mut others, mut lines) = (Vec::new(), Vec::new());
        if let Some(other) = self.other(at, picks) {
            lines.extend(self.import_whole(at, other));
            others.push(other);
        }
        let form = picks.below(7);
        let shadowed =
            self.modules[at].scope.iter().find(|it| it.thing == Thing::Key).map(|it| it.name.clone());
        if let Some(name) = shadowed.filter(|_| form == 1) {
            let value = self.literal();
            lines.push(if self.is_python() {
                format!("{name} = {value}")
            } else {
                format!("const {name} = {value}")
            });
        }
        let first = self.key(at, picks, &others);
        let second = self.literal();
        let (key, loops) = match (form, self.language) {
            (2, Language::JavaScript) => {
                ("each".into(), Some(format!("for (const each of [{first}, {second}])")))
            }
            (2, Language::Python) => ("each".into(), Some(format!("for each in [{first}, {second}]:"))),
            (3, Language::JavaScript) => {
                (format!("turn ? {first} : {second}"), Some("for (const turn of [true, false])".into()))
            }
            (3, Language::Python) => {
                (format!("{first} if turn else {second}"), Some("for turn in (True, False):".into()))
            }
            (4, Language::JavaScript) => (format!("{{ a: {first}, b: [{second}] }}.b[0]"), None),
            (4, Language::Python) => (format!("{{'a': {first}, 'b': [{second}]}}['b'][0]"), None),
            (5, _) => {
                let pair = if self.is_python() { "one, two" } else { "const [one, two]" };
                lines.push(format!("{pair} = [{first}, {second}]"));
                ("two".into(), None)
            }
            (6, _) => ("key".into(), None),
            _ => (first.clone(), None),
        };
        let asked = self.asked(at, picks, &key, &others);
        let asked = match (form, self.language) {
            (6, Language::JavaScript) => format!(";[{first}, {second}].forEach((key) => {asked})"),
            (6, Language::Python) => format!("[{asked} for key in [{first}, {second}]]"),
            _ => asked,
        };
        lines.push(match loops {
            Some(loops) if self.is_python() => format!("{loops}\n        {asked}"),
            Some(loops) => format!("{loops} {asked}"),
            None => asked,
        });
        let name = format!("run_{at}_{}", self.modules[at].asks.len());
        self.write(
            at,
            format!("export function {name}() {{\n  {}\n}}", lines.join("\n  ")),
            format!("def {name}():\n    {}", lines.join("\n    ")),
        );
        self.modules[at].asks.push(name);
    }

    /// Another module to take as a whole, which may in turn take this one.
    fn other(&self, at: usize, picks: &mut Picks) -> Option<usize> {
        let other = picks.below(self.modules.len() + 2);
        let is_circle = other < at && !self.has_circles;
        (other != at && other < self.modules.len() && !is_circle).then_some(other)
    }

    /// Takes the whole of a module: in Python inside of a function, so that all modules are there.
    fn import_whole(&mut self, at: usize, other: usize) -> Option<String> {
        if self.is_python() {
            return Some(match (at, other) {
                (_, 0) => "import main".into(),
                (0, _) => format!("from app import {}", stem(other)),
                _ => format!("from . import {}", stem(other)),
            });
        }
        let text = format!("import * as {} from {}", stem(other), self.module(at, other));
        if !self.modules[at].imports.contains(&text) {
            self.modules[at].imports.push(text);
        }
        None
    }

    /// How a module names another.
    fn module(&self, from: usize, to: usize) -> String {
        let stem = stem(to);
        match (self.language, from, to) {
            (Language::JavaScript, 0, _) => format!("'./app/{stem}.mjs'"),
            (Language::JavaScript, _, 0) => format!("'../{stem}.mjs'"),
            (Language::JavaScript, _, _) => format!("'./{stem}.mjs'"),
            (Language::Python, 0, _) => format!("app.{stem}"),
            (Language::Python, _, 0) => stem,
            (Language::Python, _, _) => format!(".{stem}"),
        }
    }

    fn files(mut self) -> Program {
        for at in 1..self.modules.len() {
            for ask in self.modules[at].asks.clone() {
                let module = self.module(0, at);
                let text = match self.language {
                    Language::JavaScript => format!("import {{ {ask} }} from {module}"),
                    Language::Python => format!("from {module} import {ask}"),
                };
                self.modules[0].imports.push(text);
            }
        }
        let asks: Vec<String> =
            self.modules.iter().flat_map(|it| &it.asks).map(|it| format!("{it}()")).collect();
        let (extension, sdk) = match self.language {
            Language::JavaScript => ("mjs", "import { posthog } from 'posthog-js'"),
            Language::Python => ("py", "import posthog"),
        };
        let mut files = BTreeMap::new();
        for (at, module) in self.modules.into_iter().enumerate() {
            let folder = if at == 0 { "" } else { "app/" };
            let mut body = module.body;
            if at == 0 {
                body.extend(asks.iter().cloned());
            }
            let body = body.join("\n");
            // A module that does not ask by itself does not speak of the SDK, either.
            let sdk = body.contains("posthog.").then(|| sdk.to_owned());
            let lines: Vec<String> =
                sdk.into_iter().chain(module.stars).chain(module.imports).chain([body]).collect();
            files.insert(format!("{folder}{}.{extension}", stem(at)), lines.join("\n") + "\n");
        }
        files
    }
}

fn stem(module: usize) -> String {
    if module == 0 { "main".into() } else { format!("part{module}") }
}

fn parameter(signature: Signature, at: usize) -> String {
    if at == signature.key { "key".into() } else { format!("other{at}") }
}

fn parameters(signature: Signature) -> String {
    (0..signature.n_parameters).map(|at| parameter(signature, at)).collect::<Vec<_>>().join(", ")
}
