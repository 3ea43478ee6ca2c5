//! Expressions: reads of flags, and what stands round them.

use crate::generate::{Kind, Writer};
use crate::write::{Code, Language, Level, and, choice, coalesce, compare, indented, not, or};

impl Writer<'_> {
    /// A call that reads a flag; `names` are its method in JavaScript, its hook, and its method in Python.
    fn call(&mut self, names: [&str; 3]) -> Code {
        let key = self.key();
        let [method, hook, python] = names;
        let waits = self.is_async && self.rarely(3);
        if self.language.is_python() {
            let arguments = match self.below(3) {
                2 => format!("key={key}, distinct_id=\"u\""),
                _ => format!("{key}, \"u\""),
            };
            return match waits {
                true => Code::new(format!("await posthog_async.{python}({arguments})"), Level::Unary),
                false => Code::primary(format!("posthog.{python}({arguments})")),
            };
        }
        match self.below(3) {
            _ if waits => Code::new(format!("await posthogServer.{method}({key}, 'u')"), Level::Unary),
            2 => Code::primary(format!("{hook}({key})")),
            _ => Code::primary(format!("posthog.{method}({key})")),
        }
    }

    pub fn read_bool(&mut self) -> Code {
        self.call(["isFeatureEnabled", "useFeatureFlagEnabled", "feature_enabled"])
    }

    pub fn read_variant(&mut self) -> Code {
        self.call(["getFeatureFlag", "useFeatureFlagVariantKey", "get_feature_flag"])
    }

    pub fn read_payload(&mut self) -> Code {
        self.call(["getFeatureFlagPayload", "useFeatureFlagPayload", "get_feature_flag_payload"])
    }

    pub fn read_result(&mut self) -> Code {
        self.call(["getFeatureFlagResult", "useFeatureFlagResult", "get_feature_flag_result"])
    }

    /// A read of a variant, or a variable that holds one.
    fn some_variant(&mut self) -> Code {
        match self.below(2) {
            1 => match self.variable(|it| it.kind == Kind::Variant) {
                Some(it) => Code::primary(it.name),
                None => self.read_variant(),
            },
            _ => self.read_variant(),
        }
    }

    fn some_result(&mut self) -> Code {
        match self.variable(|it| it.kind == Kind::Result) {
            Some(it) => Code::primary(it.name),
            None => self.read_result(),
        }
    }

    fn some_payload(&mut self) -> Code {
        match self.variable(|it| it.kind == Kind::Payload) {
            Some(it) => Code::primary(it.name),
            None => self.read_payload(),
        }
    }

    pub fn variant_name(&mut self) -> Code {
        let name = ["test", "control", "third"][self.below(3)];
        Code::primary(self.quoted(name))
    }

    fn literal(&mut self) -> Code {
        let empty = self.quoted("");
        let text = self.quoted("x");
        Code::primary(match self.below(7) {
            0 => "1".to_owned(),
            1 => self.language.pick("true", "True").into(),
            2 => self.language.pick("false", "False").into(),
            3 => self.language.pick("null", "None").into(),
            4 => empty,
            5 => "0".into(),
            _ if !self.language.is_python() => "undefined".into(),
            _ => text,
        })
    }

    /// A value that says when it is evaluated.
    fn logged(&mut self) -> Code {
        let n = self.number();
        let value = self.literal();
        Code::primary(format!("at({n}, {})", value.text))
    }

    /// True or false, and nothing else.
    pub fn boolean(&mut self, depth: usize) -> Code {
        let language = self.language;
        let end = if depth == 0 { 5 } else { 20 };
        match self.below(end) {
            0 | 3 => self.read_bool(),
            1 => {
                let n = self.number();
                let name = [language.pick("hasPlan", "has_plan"), language.pick("canEdit", "can_edit")];
                Code::primary(format!("{}({n})", name[self.below(2)]))
            }
            2 => {
                let names = [language.pick("isAdmin", "is_admin"), language.pick("isGuest", "is_guest")];
                Code::primary(names[self.below(2)])
            }
            4 => self.comparison(),
            5 => {
                let inner = self.condition(depth - 1);
                not(language, &inner)
            }
            6 | 7 => {
                let (left, right) = (self.boolean(depth - 1), self.boolean(depth - 1));
                and(language, &left, &right)
            }
            8 | 9 => {
                let (left, right) = (self.boolean(depth - 1), self.boolean(depth - 1));
                or(language, &left, &right)
            }
            10 => self.one_of(),
            11 => self.truth(depth),
            12 => self.enabled(),
            13 => self.comparison(),
            14 => self.nothing(depth),
            15 => {
                let (test, yes) = (self.condition(depth - 1), self.boolean(depth - 1));
                let no = self.boolean(depth - 1);
                choice(language, &test, &yes, &no)
            }
            16 => self.called(),
            17 => self.either_true(),
            18 => self.wrapped(),
            _ => match self.variable(|it| it.kind == Kind::Bool) {
                Some(it) => Code::primary(it.name),
                None => self.read_bool(),
            },
        }
    }

    fn comparison(&mut self) -> Code {
        let operators: &[&str] =
            if self.language.is_python() { &["==", "!="] } else { &["===", "!==", "==", "!="] };
        let operator = operators[self.below(operators.len())];
        let (variant, name) = (self.some_variant(), self.variant_name());
        if self.rarely(5) { compare(&name, operator, &variant) } else { compare(&variant, operator, &name) }
    }

    fn one_of(&mut self) -> Code {
        let (variant, one, two) = (self.some_variant(), self.variant_name(), self.variant_name());
        if self.language.is_python() {
            let operator = ["in", "not in"][self.below(2)];
            return compare(&variant, operator, &Code::primary(format!("({}, {})", one.text, two.text)));
        }
        Code::primary(format!("[{}, {}].includes({})", one.text, two.text, variant.within(Level::Function)))
    }

    fn truth(&mut self, depth: usize) -> Code {
        let inner = self.condition(depth - 1);
        let is_called = self.below(2) == 1;
        match self.language {
            Language::Python => Code::primary(format!("bool({})", inner.text)),
            _ if is_called => Code::primary(format!("Boolean({})", inner.text)),
            _ => {
                let once = not(self.language, &inner);
                not(self.language, &once)
            }
        }
    }

    fn enabled(&mut self) -> Code {
        let result = self.some_result();
        let mark = if !self.language.is_python() && self.below(2) == 1 { "?." } else { "." };
        Code::primary(format!("{}{mark}enabled", result.within(Level::Primary)))
    }

    fn nothing(&mut self, depth: usize) -> Code {
        let value = match self.below(3) {
            0 => self.some_variant(),
            1 => self.some_payload(),
            _ => self.value(depth - 1),
        };
        let (operator, what) = if self.language.is_python() {
            (["is", "is not"][self.below(2)], "None")
        } else {
            (["===", "!==", "==", "!="][self.below(4)], ["undefined", "null"][self.below(2)])
        };
        compare(&value, operator, &Code::primary(what))
    }

    /// A call of a function that gives a boolean.
    fn called(&mut self) -> Code {
        let is_async = self.is_async;
        let found = self.variable(|it| matches!(it.kind, Kind::Function(waits) if !waits || is_async));
        match found {
            Some(it) if it.kind == Kind::Function(true) => {
                Code::new(format!("await {}()", it.name), Level::Unary)
            }
            Some(it) => Code::primary(format!("{}()", it.name)),
            None => self.read_bool(),
        }
    }

    fn wrapped(&mut self) -> Code {
        match self.variable(|it| it.kind == Kind::Wrapper) {
            Some(it) => {
                let key = self.key();
                Code::primary(format!("{}({key})", it.name))
            }
            None => self.read_bool(),
        }
    }

    /// `read === true || read === 'true'`
    fn either_true(&mut self) -> Code {
        let variant = self.some_variant();
        let yes = Code::primary(self.language.pick("true", "True"));
        let text = Code::primary(self.quoted("true"));
        let operator = self.language.pick("===", "is");
        let (left, right) =
            (compare(&variant, operator, &yes), compare(&variant, self.language.pick("===", "=="), &text));
        or(self.language, &left, &right)
    }

    /// Something of which only the truth counts.
    pub fn condition(&mut self, depth: usize) -> Code {
        match self.below(3) {
            2 => self.value(depth),
            _ => self.boolean(depth),
        }
    }

    /// Anything that can be shown.
    pub fn value(&mut self, depth: usize) -> Code {
        let language = self.language;
        let end = if depth == 0 { 6 } else { 26 };
        match self.below(end) {
            0 => self.logged(),
            1 => self.read_bool(),
            2 => self.read_variant(),
            3 => self.literal(),
            4 => match self.variable(|it| matches!(it.kind, Kind::Value | Kind::Bool | Kind::Variant)) {
                Some(it) => Code::primary(it.name),
                None => self.logged(),
            },
            5 => self.field(),
            6 | 7 | 8 => {
                let (test, yes) = (self.condition(depth - 1), self.value(depth - 1));
                let no = self.value(depth - 1);
                let code = choice(language, &test, &yes, &no);
                if self.rarely(4) { self.broken_choice(&test, &yes, &no) } else { code }
            }
            9 | 10 => {
                let (left, right) = (self.value(depth - 1), self.value(depth - 1));
                and(language, &left, &right)
            }
            11 | 12 => {
                let (left, right) = (self.value(depth - 1), self.value(depth - 1));
                or(language, &left, &right)
            }
            13 | 14 if !language.is_python() => {
                let (left, right) = (self.value(depth - 1), self.value(depth - 1));
                coalesce(&left, &right)
            }
            13 | 14 | 15 => self.boolean(depth),
            16 => self.template(depth),
            17 => self.object(depth),
            18 => self.list(depth),
            19 => self.lookup(),
            20 => self.or_default(),
            21 => self.called_in_place(depth),
            22 => self.filtered(depth),
            23 => self.words(),
            24 if language == Language::Tsx => self.element(depth),
            24 if language.is_python() => self.walrus(depth),
            24 => self.memo(depth),
            _ => self.limit(),
        }
    }

    /// A choice over several lines.
    fn broken_choice(&mut self, test: &Code, yes: &Code, no: &Code) -> Code {
        let lines = match self.language {
            Language::Python => vec![
                yes.within(Level::Or),
                format!("if {}", test.within(Level::Or)),
                format!("else {}", no.within(Level::Choice)),
            ],
            _ => vec![
                test.within(Level::Coalesce),
                format!("{}? {}", self.tab, yes.within(Level::Function)),
                format!("{}: {}", self.tab, no.within(Level::Function)),
            ],
        };
        match self.language {
            Language::Python => Code::primary(format!("(\n{}\n)", indented(lines, self.tab).join("\n"))),
            _ => Code::new(lines.join("\n"), Level::Choice),
        }
    }

    fn field(&mut self) -> Code {
        let result = self.some_result();
        let mark = if !self.language.is_python() && self.below(2) == 1 { "?." } else { "." };
        let field = ["enabled", "variant"][self.below(2)];
        Code::primary(format!("{}{mark}{field}", result.within(Level::Primary)))
    }

    /// `payload?.limit ?? 10`
    fn limit(&mut self) -> Code {
        let payload = self.some_payload();
        match self.language {
            Language::Python => {
                let limit = Code::primary(format!("{}[\"limit\"]", payload.within(Level::Primary)));
                let default = Code::primary("10");
                choice(self.language, &payload, &limit, &default)
            }
            _ => {
                let limit = Code::primary(format!("{}?.limit", payload.within(Level::Primary)));
                let default = self.logged();
                if self.below(2) == 1 { coalesce(&limit, &default) } else { limit }
            }
        }
    }

    fn template(&mut self, depth: usize) -> Code {
        if self.language.is_python() {
            // Older Pythons know no quote of the string inside of its braces.
            let read = self.value(depth - 1).text.replace('"', "'");
            let is_plain = !read.contains(['\n', '{', '\\']);
            let read = if is_plain { read } else { "1".into() };
            return Code::primary(format!("f\"a {{{read}}} b\""));
        }
        let value = self.value(depth - 1);
        let end = if self.rarely(3) { "\n  b" } else { " b" };
        Code::primary(format!("`a ${{{}}}{end}`", value.text))
    }

    fn object(&mut self, depth: usize) -> Code {
        let value = self.value(depth - 1).within(Level::Function);
        let spread = self.spread(depth, true);
        if self.language.is_python() {
            let read = self.read_bool().text;
            return match self.below(3) {
                0 => Code::primary(format!("{{\"a\": {value}, \"on\": {read}}}")),
                1 => Code::primary(format!("{{\"a\": {value}, **({spread})}}")),
                _ => {
                    Code::primary(format!("{{\n{tab}**({spread}),\n{tab}\"c\": {value},\n}}", tab = self.tab))
                }
            };
        }
        let short = self.variable(|it| matches!(it.kind, Kind::Bool | Kind::Variant | Kind::Value));
        let read = self.read_bool().text;
        match (self.below(4), short) {
            (0, _) => Code::primary(format!("{{ a: {value}, on: {read} }}")),
            (1, _) => Code::primary(format!("{{ a: {value}, ...({spread}) }}")),
            (2, Some(it)) => Code::primary(format!("{{ {}, b: {value} }}", it.name)),
            _ => Code::primary(format!("{{\n{tab}...({spread}),\n{tab}c: {value},\n}}", tab = self.tab)),
        }
    }

    /// What is spread into an object or a list.
    fn spread(&mut self, depth: usize, is_object: bool) -> String {
        let test = self.condition(depth - 1);
        let (one, two) = (self.logged().text, self.logged().text);
        let (some, others) = match (is_object, self.language.is_python()) {
            (true, true) => (format!("{{\"x\": {one}}}"), format!("{{\"y\": {two}, \"z\": 1}}")),
            (true, false) => (format!("{{ x: {one} }}"), format!("{{ y: {two}, z: 1 }}")),
            (false, _) => (format!("[{one}, 3]"), format!("[{two}]")),
        };
        let none = if is_object { "{}" } else { "[]" };
        let kind = self.below(3);
        let (yes, no) = match kind {
            0 => (some, none.to_owned()),
            1 => (none.to_owned(), others),
            _ => (some, others),
        };
        if is_object && kind == 0 && !self.language.is_python() && self.below(2) == 1 {
            return and(self.language, &test, &Code::primary(yes)).text;
        }
        choice(self.language, &test, &Code::primary(yes), &Code::primary(no)).text
    }

    fn list(&mut self, depth: usize) -> Code {
        let (first, last) = (self.value(depth - 1), self.logged().text);
        let first = first.within(Level::Function);
        let spread = self.spread(depth, false);
        let dots = self.language.pick("...", "*");
        Code::primary(match self.below(3) {
            0 => format!("[{first}, {last}]"),
            1 => format!("[{first}, {dots}({spread}), {last}]"),
            _ => format!("[\n{tab}{last},\n{tab}{dots}({spread}),\n]", tab = self.tab),
        })
    }

    /// A table by variant.
    fn lookup(&mut self) -> Code {
        let variant = self.read_variant();
        let values = [self.logged().text, self.literal().text, self.literal().text];
        let is_pure = self.below(2) == 0;
        let first = if is_pure { "'a'" } else { &values[0] };
        if self.language.is_python() {
            let table =
                format!("{{\"test\": {first}, \"control\": {}, True: {}, False: 2}}", values[1], values[2]);
            return Code::primary(format!("{table}[{}]", variant.text));
        }
        let table = format!("{{ test: {first}, control: {}, true: {} }}", values[1], values[2]);
        Code::primary(format!("({table})[{}]", variant.text))
    }

    /// `(read as string) || 'control'`
    fn or_default(&mut self) -> Code {
        let variant = self.some_variant();
        let default = self.variant_name();
        match self.language {
            Language::Python => or(self.language, &variant, &default),
            _ => {
                let typed = Code::primary(format!("({} as string)", variant.within(Level::Sum)));
                or(self.language, &typed, &default)
            }
        }
    }

    fn called_in_place(&mut self, depth: usize) -> Code {
        let is_async = std::mem::replace(&mut self.is_async, false);
        let code = self.function(|it| it.value(depth - 1));
        self.is_async = is_async;
        Code::primary(match self.language {
            Language::Python => format!("(lambda: {})()", code.within(Level::Function)),
            _ if code.text.starts_with('{') => format!("(() => ({}))()", code.text),
            _ => format!("(() => {})()", code.within(Level::Function)),
        })
    }

    fn filtered(&mut self, depth: usize) -> Code {
        let is_async = std::mem::replace(&mut self.is_async, false);
        let test = self.function(|it| {
            it.declare_as("it", Kind::Value, false);
            it.condition(depth - 1)
        });
        self.is_async = is_async;
        if self.language.is_python() {
            let items = ["[it for it in (1, 0, 2) if {}]", "any(it for it in (0, 1) if {})"][self.below(2)];
            return Code::primary(items.replace("{}", &test.within(Level::Or)));
        }
        if self.rarely(3) {
            let (first, read) = (self.logged().text, self.read_bool());
            let then = self.logged();
            return Code::primary(format!(
                "[{first}, {}].filter(Boolean)",
                and(self.language, &read, &then).text
            ));
        }
        let method = ["filter", "some", "map", "find"][self.below(4)];
        match test.text.starts_with('{') {
            true => Code::primary(format!("[1, 0, 2].{method}((it) => ({}))", test.text)),
            false => Code::primary(format!("[1, 0, 2].{method}((it) => {})", test.within(Level::Function))),
        }
    }

    fn words(&mut self) -> Code {
        let variant = self.some_variant();
        match (self.language, self.below(2)) {
            (Language::Python, _) => Code::primary(format!("str({})", variant.text)),
            (_, 0) => Code::primary(format!("String({})", variant.text)),
            _ => Code::new(format!("typeof {}", variant.within(Level::Unary)), Level::Unary),
        }
    }

    fn walrus(&mut self, depth: usize) -> Code {
        if !self.is_in_function() {
            return self.read_variant();
        }
        let read = self.read_variant();
        let name = self.fresh("w");
        let named = Code::primary(format!("({name} := {})", read.text));
        let then = compare(&Code::primary(name.clone()), "!=", &Code::primary("\"test\""));
        let _ = depth;
        let shown = Code::primary(name);
        let test = and(self.language, &named, &then);
        choice(self.language, &test, &shown, &Code::primary("0"))
    }

    fn memo(&mut self, depth: usize) -> Code {
        let is_async = std::mem::replace(&mut self.is_async, false);
        let code = self.function(|it| it.value(depth - 1));
        self.is_async = is_async;
        let dependency = self.variable(|it| matches!(it.kind, Kind::Bool | Kind::Variant));
        let dependency = dependency.map_or("isAdmin".into(), |it| format!("{}, isAdmin", it.name));
        match code.text.starts_with('{') {
            true => Code::primary(format!("useMemo(() => ({}), [{dependency}])", code.text)),
            false => {
                Code::primary(format!("useMemo(() => {}, [{dependency}])", code.within(Level::Function)))
            }
        }
    }
}
