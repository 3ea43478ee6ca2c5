//! Statements and declarations.

use crate::generate::{Kind, Writer};
use crate::write::{Code, Language, Level, and, choice};

type Lines = Vec<String>;

impl Writer<'_> {
    pub fn statements(&mut self, depth: usize, n: usize) -> Lines {
        let mut lines = Vec::new();
        for _ in 0..n {
            if self.rarely(8) {
                let comment = ["// what comes next", "/* what\n   comes next */"][self.below(2)];
                lines.push(self.language.pick(comment, "# what comes next").to_owned());
            }
            let mut statement = self.statement(depth);
            if self.rarely(12)
                && let Some(last) = statement.last_mut().filter(|it| !it.contains('`'))
            {
                last.push_str(self.language.pick(" // why", "  # why"));
            }
            lines.extend(statement);
            if self.rarely(8) {
                lines.push(String::new());
            }
        }
        lines
    }

    /// Statements of a block of their own.
    fn inner(&mut self, depth: usize) -> Lines {
        let n = self.below(3) + usize::from(!self.rarely(10));
        self.scope(|it| it.statements(depth.saturating_sub(1), n))
    }

    /// A line of an expression: nothing of it may join the line before.
    fn expression(&self, text: &str) -> String {
        let joins = self.semicolon.is_empty() && text.starts_with(['(', '[', '`', '+', '-', '/', '<']);
        let first = if joins && !self.language.is_python() { ";" } else { "" };
        if text.starts_with('{') && !self.language.is_python() {
            // Braces would be a block.
            return format!("void {text}{}", self.end());
        }
        format!("{first}{text}{}", self.end())
    }

    fn end(&self) -> &'static str {
        if self.language.is_python() { "" } else { self.semicolon }
    }

    fn log_line(&mut self) -> String {
        let text = self.log().text;
        self.expression(&text)
    }

    fn show(&mut self, value: &Code) -> String {
        let n = self.number();
        let end = self.end();
        format!("log({n}, {}){end}", value.within(Level::Function))
    }

    fn statement(&mut self, depth: usize) -> Lines {
        let end = if depth == 0 { 6 } else { 30 };
        match self.below(end) {
            0 => vec![self.log_line()],
            1 => {
                let value = self.value(depth.min(2));
                vec![self.show(&value)]
            }
            2 => self.binding(depth),
            3 => self.conditional_log(),
            4 => self.assignment(depth),
            5 => self.shown_variable(),
            6..=9 => self.if_statement(depth),
            10 | 11 => self.early_exit(depth),
            12 | 13 => self.switch(depth),
            14 => self.for_loop(depth),
            15 => self.while_loop(depth),
            16 => self.tried(depth),
            17 => self.inner_function(depth),
            18 => self.bare_block(depth),
            19 => self.destructured(),
            20 => self.several(),
            21 => self.late(depth),
            22 => self.hoisted(depth),
            23 => self.asserted(depth),
            24 => self.assigned_in_branches(depth),
            25 => self.assigned_again(depth),
            26 => self.two_declarators(),
            27 => self.class(depth),
            _ => self.binding(depth),
        }
    }

    /// A variable, mostly of a read.
    fn binding(&mut self, depth: usize) -> Lines {
        // What is assigned twice stays assigned twice, whichever value was known first.
        self.has_second = false;
        let lines = self.bound(depth);
        self.has_second = true;
        lines
    }

    fn bound(&mut self, depth: usize) -> Lines {
        let (kind, value) = match self.below(8) {
            0 | 1 => (Kind::Bool, self.read_bool()),
            2 | 3 => (Kind::Variant, self.read_variant()),
            4 => (Kind::Result, self.read_result()),
            5 => (Kind::Payload, self.read_payload()),
            6 => (Kind::Bool, self.boolean(depth.min(2))),
            _ => (Kind::Value, self.value(depth.min(2))),
        };
        let keyword = ["const", "const", "let"][self.below(3)];
        let is_writable = keyword == "let" && matches!(kind, Kind::Bool | Kind::Variant | Kind::Value);
        let name = self.declare(kind, is_writable || self.language.is_python());
        let value = value.within(Level::Function);
        let mut lines = vec![match self.language {
            Language::Python => format!("{name} = {value}"),
            _ => format!("{keyword} {name} = {value}{}", self.end()),
        }];
        if kind == Kind::Result {
            // A result that nobody looks into cannot be written down.
            let field = Code::primary(format!("{name}.{}", ["enabled", "variant"][self.below(2)]));
            lines.push(self.show(&field));
        }
        lines
    }

    /// `read && log(1)`, `read ? log(1) : log(2)`
    fn conditional_log(&mut self) -> Lines {
        let test = self.condition(1);
        let (yes, no) = (self.log(), self.log());
        let code = match self.below(2) {
            0 => and(self.language, &test, &yes),
            _ => choice(self.language, &test, &yes, &no),
        };
        vec![self.expression(&code.text)]
    }

    fn shown_variable(&mut self) -> Lines {
        let found = self.variable(|it| matches!(it.kind, Kind::Bool | Kind::Variant | Kind::Value));
        match found {
            Some(it) => {
                let value = Code::primary(it.name);
                vec![self.show(&value)]
            }
            None => vec![self.log_line()],
        }
    }

    fn assignment(&mut self, depth: usize) -> Lines {
        let found =
            self.variable(|it| it.is_writable && matches!(it.kind, Kind::Bool | Kind::Variant | Kind::Value));
        let Some(variable) = found.filter(|it| !self.language.is_python() || self.is_own(&it.name)) else {
            return vec![self.log_line()];
        };
        self.has_second = false;
        let value = match variable.kind {
            Kind::Bool => self.boolean(depth.min(1)),
            Kind::Variant => self.read_variant(),
            _ => self.value(depth.min(2)),
        };
        self.has_second = true;
        vec![self.expression(&format!("{} = {}", variable.name, value.within(Level::Function)))]
    }

    fn if_statement(&mut self, depth: usize) -> Lines {
        let test = self.condition(2);
        if self.language.is_python() {
            return self.python_if(&test, depth);
        }
        match self.below(8) {
            6 => {
                let (yes, no) = (self.log_line(), self.log_line());
                vec![format!("if ({}) {yes}", test.text), format!("else {no}")]
            }
            7 => {
                let yes = self.log_line();
                vec![format!("if ({})", test.text), format!("{}{yes}", self.tab)]
            }
            _ => self.braces_if(&test, depth),
        }
    }

    fn braces_if(&mut self, test: &Code, depth: usize) -> Lines {
        let mut lines = vec![format!("if ({}) {{", test.text)];
        let body = self.inner(depth);
        lines.extend(self.block(body));
        let is_together = !self.rarely(5);
        let go_on = |lines: &mut Lines, head: String, body: Lines, this: &Self| {
            match is_together {
                true => *lines.last_mut().unwrap() = format!("}} {head} {{"),
                false => lines.push(format!("{head} {{")),
            }
            lines.extend(this.block(body));
        };
        for _ in 0..self.below(3).saturating_sub(1) + usize::from(self.rarely(4)) {
            let test = self.condition(1);
            let body = self.inner(depth);
            go_on(&mut lines, format!("else if ({})", test.text), body, self);
        }
        if self.below(2) == 1 {
            let body = self.inner(depth);
            go_on(&mut lines, "else".into(), body, self);
        }
        lines
    }

    fn python_if(&mut self, test: &Code, depth: usize) -> Lines {
        if self.rarely(8) {
            let yes = self.log_line();
            return vec![format!("if {}: {yes}", test.text)];
        }
        let head = match self.rarely(6) {
            true => format!("if (\n{}{}\n):", self.tab, test.text.replace('\n', &format!("\n{}", self.tab))),
            false => format!("if {}:", test.text),
        };
        let mut lines = vec![head];
        let body = self.inner(depth);
        lines.extend(self.block(body));
        for _ in 0..self.below(3).saturating_sub(1) + usize::from(self.rarely(4)) {
            let test = self.condition(1);
            lines.push(format!("elif {}:", test.text));
            let body = self.inner(depth);
            lines.extend(self.block(body));
        }
        if self.below(2) == 1 {
            lines.push("else:".into());
            let body = self.inner(depth);
            lines.extend(self.block(body));
        }
        lines
    }

    fn exit(&mut self, depth: usize) -> String {
        let value = self.value(depth.min(1));
        let n = self.number();
        let end = self.end();
        match self.below(4) {
            1 if self.n_loops > 0 => format!("continue{end}"),
            2 if self.n_loops > 0 => format!("break{end}"),
            3 => match self.language {
                Language::Python => format!("raise Exception({n})"),
                _ => format!("throw new Error('{n}'){end}"),
            },
            _ if value.text.starts_with('\n') => format!("return{end}"),
            _ => format!("return {}{end}", value.within(Level::Function)),
        }
    }

    fn early_exit(&mut self, depth: usize) -> Lines {
        if !self.is_in_function() {
            return vec![self.log_line()];
        }
        let test = self.condition(1);
        let mut body = if self.rarely(3) { self.inner(depth) } else { Vec::new() };
        body.push(self.exit(depth));
        let is_short = body.len() == 1 && self.rarely(3);
        let mut lines = match self.language {
            Language::Python => vec![format!("if {}:", test.text)],
            _ if is_short => return vec![format!("if ({}) {}", test.text, body[0])],
            _ => vec![format!("if ({}) {{", test.text)],
        };
        lines.extend(self.block(body));
        lines
    }

    fn switch(&mut self, depth: usize) -> Lines {
        let subject = match self.variable(|it| it.kind == Kind::Variant) {
            Some(it) => Code::primary(it.name),
            None => self.read_variant(),
        };
        let n = 1 + self.below(3);
        let has_default = self.below(3) > 0;
        match self.language {
            Language::Python => self.match_statement(&subject, n, has_default, depth),
            _ => self.switch_statement(&subject, n, has_default, depth),
        }
    }

    fn switch_statement(&mut self, subject: &Code, n: usize, has_default: bool, depth: usize) -> Lines {
        let mut lines = vec![format!("switch ({}) {{", subject.text)];
        let names = ["'test'", "'control'", "false", "true"];
        let from = self.below(names.len());
        let end = self.end();
        // The body of a `switch` is one block; what its cases declare has blocks of its own.
        for at in 0..n + usize::from(has_default) {
            let label = if at == n { "default".into() } else { format!("case {}", names[(from + at) % 4]) };
            if at < n && self.rarely(6) {
                lines.push(format!("{}{label}:", self.tab));
                continue;
            }
            let has_braces = self.below(2) == 1;
            let mut body = if has_braces { self.inner(depth) } else { vec![self.log_line()] };
            match self.below(6) {
                4 => {}
                5 if self.is_in_function() => {
                    let value = self.value(0).within(Level::Function);
                    body.push(format!("return {value}{end}"));
                }
                _ => body.push(format!("break{end}")),
            }
            let open = if has_braces { " {" } else { "" };
            let mut case = vec![format!("{label}:{open}")];
            let mut body = self.block(body);
            if !has_braces {
                body.pop();
            }
            case.extend(body);
            lines.extend(crate::write::indented(case, self.tab));
        }
        lines.push("}".into());
        lines
    }

    fn match_statement(&mut self, subject: &Code, n: usize, has_default: bool, depth: usize) -> Lines {
        let mut lines = vec![format!("match {}:", subject.text)];
        let names = ["\"test\"", "\"control\"", "False", "True", "\"test\" | \"third\""];
        let from = self.below(names.len());
        for at in 0..n + usize::from(has_default) {
            let label = if at == n { "_" } else { names[(from + at) % names.len()] };
            let body = self.inner(depth);
            let mut case = vec![format!("case {label}:")];
            case.extend(self.block(body));
            lines.extend(crate::write::indented(case, self.tab));
        }
        lines
    }

    fn for_loop(&mut self, depth: usize) -> Lines {
        let n = self.number();
        let name = self.fresh("item");
        self.n_loops += 1;
        let body = self.scope(|it| {
            it.declare_as(&name, Kind::Value, false);
            it.inner(depth)
        });
        self.n_loops -= 1;
        let mut lines = vec![match self.language {
            Language::Python => format!("for {name} in at({n}, (0, 1, 2)):"),
            _ => format!("for (const {name} of at({n}, [0, 1, 2])) {{"),
        }];
        lines.extend(self.block(body));
        lines
    }

    /// A loop that its condition ends, or `break`.
    fn while_loop(&mut self, depth: usize) -> Lines {
        let name = self.fresh("n");
        let test = self.condition(1);
        self.n_loops += 1;
        let mut body = self.inner(depth);
        self.n_loops -= 1;
        let counts = Code::new(format!("{name} < 3"), Level::Comparison);
        let language = self.language;
        let test = match self.below(3) {
            0 => and(language, &counts, &test),
            1 => and(language, &test, &counts),
            _ => {
                let end = self.end();
                match language {
                    Language::Python => body.push("break".into()),
                    _ => body.push(format!("break{end}")),
                }
                test
            }
        };
        let end = self.end();
        if language.is_python() {
            // However its body goes on, it ends.
            let counting = [format!("{name} += 1"), format!("if {name} > 4: break")];
            body.splice(0..0, counting);
            let mut lines = vec![format!("{name} = 0"), format!("while {}:", test.text)];
            lines.extend(self.block(body));
            if self.rarely(5) {
                let log = self.log_line();
                lines.extend(["else:".into(), format!("{}{log}", self.tab)]);
            }
            return lines;
        }
        body.insert(0, format!("if ({name}++ > 4) break{end}"));
        let mut lines = vec![format!("let {name} = 0{end}")];
        let kind = self.below(3);
        lines.push(match kind {
            0 => format!("while ({}) {{", test.text),
            1 => format!("for (; {}; log({})) {{", test.text, self.number()),
            _ => "do {".into(),
        });
        lines.extend(self.block(body));
        if kind == 2 {
            *lines.last_mut().unwrap() = format!("}} while ({}){end}", test.text);
        }
        lines
    }

    fn tried(&mut self, depth: usize) -> Lines {
        let end = self.end();
        let name = self.fresh("tried");
        let read = self.read_bool().within(Level::Function);
        let is_python = self.language.is_python();
        let (mut lines, body, handler) = match self.below(3) {
            0 => {
                let first =
                    if is_python { format!("{name} = False") } else { format!("let {name} = false{end}") };
                let handler = vec![format!("{name} = {}{end}", self.language.pick("false", "False"))];
                (vec![first], vec![format!("{name} = {read}{end}")], handler)
            }
            1 if is_python => (Vec::new(), vec![format!("{name} = {read}")], vec![format!("{name} = False")]),
            _ => (Vec::new(), self.inner(depth), self.inner(depth)),
        };
        let declares = !lines.is_empty() || body.iter().any(|it| it.starts_with(&format!("{name} =")));
        lines.push(self.language.pick("try {", "try:").into());
        lines.extend(self.block(body));
        let catch = [self.language.pick("catch {", "except Exception:"), "catch (e) {"];
        let catch = if is_python { catch[0] } else { catch[self.below(2)] };
        self.follow(&mut lines, catch, handler);
        if self.rarely(5) {
            let body = vec![self.log_line()];
            self.follow(&mut lines, self.language.pick("finally {", "finally:"), body);
        }
        if declares {
            self.declare_as(&name, Kind::Bool, false);
        }
        lines
    }

    /// A block that goes on where another ends.
    fn follow(&self, lines: &mut Lines, head: &str, body: Lines) {
        match self.language {
            Language::Python => lines.push(head.into()),
            _ => *lines.last_mut().unwrap() = format!("}} {head}"),
        }
        lines.extend(self.block(body));
    }

    /// A function for one flag, or one that does more.
    pub fn inner_function(&mut self, depth: usize) -> Lines {
        let is_async = self.below(3) == 2;
        let before = std::mem::replace(&mut self.is_async, is_async);
        let (body, is_plain) = self.function(|it| match it.below(3) {
            0 | 1 => (vec![it.returned_read()], true),
            _ => {
                let mut body = it.statements(depth.saturating_sub(1).min(1), 2);
                let value = it.boolean(1);
                body.push(format!("return {}{}", value.within(Level::Function), it.end()));
                (body, false)
            }
        });
        self.is_async = before;
        let form = self.below(3);
        let name = self.declare(Kind::Function(is_async), false);
        let wait = if is_async { "async " } else { "" };
        if self.language.is_python() {
            let mut lines = vec![format!("{wait}def {name}():")];
            if self.rarely(4) {
                lines.push(format!("{}\"\"\"Whether it is on.\"\"\"", self.tab));
            }
            lines.extend(self.block(body));
            return lines;
        }
        let end = self.end();
        let value = body.last().and_then(|it| it.strip_prefix("return ")).map(|it| it.trim_end_matches(';'));
        let mut lines = match (form, value) {
            (1, Some(value)) if is_plain && !value.starts_with('{') => {
                return vec![format!("const {name} = {wait}() => {value}{end}")];
            }
            (2, _) => vec![format!("const {name} = {wait}() => {{")],
            _ => vec![format!("{wait}function {name}() {{")],
        };
        lines.extend(self.block(body));
        if form == 2 {
            lines.last_mut().unwrap().push_str(end);
        }
        lines
    }

    fn returned_read(&mut self) -> String {
        let value = match self.below(3) {
            0 => self.read_bool(),
            1 => self.boolean(1),
            _ => {
                let (read, name) = (self.read_variant(), self.variant_name());
                crate::write::compare(&read, self.language.pick("===", "=="), &name)
            }
        };
        format!("return {}{}", value.within(Level::Function), self.end())
    }

    fn bare_block(&mut self, depth: usize) -> Lines {
        let body = self.inner(depth);
        let mut lines = vec![self.language.pick("{", "if is_admin:").to_owned()];
        lines.extend(self.block(body));
        lines
    }

    /// `const { enabled, variant } = read`
    fn destructured(&mut self) -> Lines {
        let result = self.read_result().within(Level::Function);
        let end = self.end();
        if self.language.is_python() {
            let (one, two) = (self.declare(Kind::Bool, false), self.fresh("pair"));
            let read = self.read_bool().within(Level::Function);
            let n = self.number();
            self.declare_as(&two, Kind::Value, false);
            return vec![format!("{one}, {two} = {read}, at({n}, 1)")];
        }
        let enabled = self.declare(Kind::Bool, false);
        match self.below(2) {
            0 => vec![format!("const {{ enabled: {enabled} }} = {result}{end}")],
            _ => {
                let variant = self.fresh("variant");
                self.declare_as(&variant, Kind::Variant, false);
                vec![format!("const {{ enabled: {enabled}, variant: {variant} }} = {result}{end}")]
            }
        }
    }

    /// `const [a, on] = await Promise.all([..., read])`
    fn several(&mut self) -> Lines {
        if self.language.is_python() {
            let (one, two) = (self.read_bool(), self.read_variant());
            let list = format!("[{}, {}]", one.within(Level::Choice), two.within(Level::Choice));
            let value = Code::primary(list);
            return vec![self.show(&value)];
        }
        if !self.is_async {
            return vec![self.log_line()];
        }
        let (key, end) = (self.key(), self.end());
        let (one, two) = (self.number(), self.number());
        let (first, on, last) = (self.fresh("first"), self.declare(Kind::Bool, false), self.fresh("last"));
        for name in [&first, &last] {
            self.declare_as(name, Kind::Value, false);
        }
        vec![format!(
            "const [{first}, {on}, {last}] = await Promise.all([at({one}, 1), posthogServer.isFeatureEnabled({key}), at({two}, 2)]){end}"
        )]
    }

    /// `await read.then(on => ...)`
    fn late(&mut self, depth: usize) -> Lines {
        if self.language.is_python() || !self.is_async {
            return self.if_statement(depth);
        }
        let key = self.key();
        let before = std::mem::replace(&mut self.is_async, false);
        let (name, body) = self.function(|it| {
            let name = it.declare(Kind::Bool, false);
            // A parameter and the names of the body are declared in one block.
            let n = 1 + it.below(2);
            (name, it.statements(depth - 1, n))
        });
        self.is_async = before;
        let mut lines = vec![format!("await posthogServer.isFeatureEnabled({key}).then(({name}) => {{")];
        lines.extend(self.block(body));
        *lines.last_mut().unwrap() = format!("}}){}", self.end());
        lines
    }

    /// A `var` in a block, seen after it; a function, called before it.
    fn hoisted(&mut self, depth: usize) -> Lines {
        if self.language.is_python() {
            return self.if_statement(depth);
        }
        let end = self.end();
        let test = self.condition(1);
        if self.below(2) == 0 {
            let name = self.fresh("late");
            let value = self.value(1).within(Level::Function);
            let n = self.number();
            return vec![
                format!("if ({}) {{", test.text),
                format!("{}var {name} = {value}{end}", self.tab),
                "}".into(),
                format!("log({n}, {name}){end}"),
            ];
        }
        if !self.is_in_function() {
            return vec![self.log_line()];
        }
        let name = self.fresh("helper");
        let inner = self.log_line();
        let exit = self.exit(0);
        vec![
            format!("if ({}) {{", test.text),
            format!("{}{name}(){end}", self.tab),
            format!("{}{exit}", self.tab),
            "}".into(),
            format!("{name}(){end}"),
            format!("function {name}() {{"),
            format!("{}{inner}", self.tab),
            "}".into(),
        ]
    }

    fn asserted(&mut self, depth: usize) -> Lines {
        let test = self.condition(1);
        match self.language {
            Language::Python => {
                let n = self.number();
                vec![format!("assert {}, at({n}, 'no')", test.text)]
            }
            _ => {
                let before = std::mem::replace(&mut self.is_async, false);
                let body = self.function(|it| it.inner(depth));
                self.is_async = before;
                let found = self.variable(|it| matches!(it.kind, Kind::Bool | Kind::Variant));
                let name = found.map_or("isAdmin".into(), |it| it.name);
                let mut lines = vec!["useEffect(() => {".to_owned()];
                lines.extend(self.block(body));
                *lines.last_mut().unwrap() = format!("}}, [{name}, isGuest]){}", self.end());
                lines
            }
        }
    }

    /// A variable that each branch gives a value.
    fn assigned_in_branches(&mut self, depth: usize) -> Lines {
        let test = self.condition(1);
        let (yes, no) = (self.value(depth.min(1)), self.value(depth.min(1)));
        let end = self.end();
        let name = self.declare(Kind::Value, true);
        let (yes, no) = (yes.within(Level::Function), no.within(Level::Function));
        let tab = self.tab;
        if self.language.is_python() {
            return vec![
                format!("if {}:", test.text),
                format!("{tab}{name} = {yes}"),
                "else:".into(),
                format!("{tab}{name} = {no}"),
            ];
        }
        vec![
            format!("let {name}{end}"),
            format!("if ({}) {{", test.text),
            format!("{tab}{name} = {yes}{end}"),
            "} else {".into(),
            format!("{tab}{name} = {no}{end}"),
            "}".into(),
        ]
    }

    /// `let on = false`, something, `on = read`
    fn assigned_again(&mut self, depth: usize) -> Lines {
        self.has_second = false;
        let value = self.boolean(depth.min(1)).within(Level::Function);
        let between = if self.below(2) == 0 { Vec::new() } else { vec![self.log_line()] };
        let read = self.read_bool().within(Level::Function);
        self.has_second = true;
        let end = self.end();
        let name = self.declare(Kind::Bool, true);
        let keyword = self.language.pick("let ", "");
        let mut lines = vec![format!("{keyword}{name} = {value}{end}")];
        lines.extend(between);
        lines.push(format!("{name} = {read}{end}"));
        lines
    }

    fn two_declarators(&mut self) -> Lines {
        let (one, two) = (self.read_bool(), self.value(1));
        let (first, second) = (self.declare(Kind::Bool, false), self.fresh("other"));
        self.declare_as(&second, Kind::Value, false);
        let (one, two) = (one.within(Level::Function), two.within(Level::Function));
        vec![match self.language {
            Language::Python => format!("{first} = {one}; {second} = {two}"),
            _ => format!("const {first} = {one}, {second} = {two}{}", self.end()),
        }]
    }

    fn class(&mut self, depth: usize) -> Lines {
        let before = std::mem::replace(&mut self.is_async, false);
        let read = self.read_bool().within(Level::Function);
        let body = self.function(|it| {
            let n = 1 + it.below(2);
            it.statements(depth.saturating_sub(1), n)
        });
        self.is_async = before;
        let name = self.fresh("View");
        let (tab, end, n) = (self.tab, self.end(), self.number());
        if self.language.is_python() {
            let mut lines = vec![format!("class {name}:"), format!("{tab}on = {read}"), String::new()];
            let mut method = vec!["def go(self):".to_owned()];
            method.extend(self.block(body));
            lines.extend(crate::write::indented(method, tab));
            lines.push(format!("log({n}, {name}.on, {name}().go())"));
            return lines;
        }
        let mut lines = vec![format!("class {name} {{"), format!("{tab}on = {read}{end}"), String::new()];
        let mut method = vec!["go() {".to_owned()];
        method.extend(self.block(body));
        lines.extend(crate::write::indented(method, tab));
        lines.push("}".into());
        lines.push(format!("log({n}, new {name}().on, new {name}().go()){end}"));
        lines
    }

    /// A declaration of the module.
    pub fn module_item(&mut self) -> Lines {
        let mut lines = match self.below(6) {
            0 => self.inner_function(1),
            1 => self.wrapper(),
            2 if self.language == Language::Tsx => self.component(),
            2 | 3 => self.binding(1),
            4 => self.inner_function(2),
            _ => self.statements(1, 1),
        };
        lines.push(String::new());
        lines
    }

    fn wrapper(&mut self) -> Lines {
        let name = self.declare(Kind::Wrapper, false);
        let (tab, end, n) = (self.tab, self.end(), self.number());
        let form = self.below(3);
        if self.language.is_python() {
            let read = "posthog.feature_enabled(key, \"u\")";
            let mut lines = vec![format!("def {name}(key):")];
            lines.extend(match form {
                0 => vec![format!("{tab}return {read}")],
                1 => vec![format!("{tab}on = {read}"), format!("{tab}return not on")],
                _ => vec![format!("{tab}log({n})"), format!("{tab}return {read}")],
            });
            return lines;
        }
        let read = "posthog.isFeatureEnabled(key)";
        let mut lines = vec![format!("function {name}(key: string) {{")];
        lines.extend(match form {
            0 => vec![format!("{tab}return {read} ?? false{end}")],
            1 => vec![format!("{tab}const on = {read}{end}"), format!("{tab}return !on{end}")],
            _ => vec![format!("{tab}log({n}){end}"), format!("{tab}return {read}{end}")],
        });
        lines.push("}".into());
        lines
    }

    fn component(&mut self) -> Lines {
        let name = self.declare(Kind::Component, false);
        let (tab, end) = (self.tab, self.end());
        let (yes, default) = [("children", " = null"), ("<>{children}</>", "")][self.below(2)];
        vec![
            format!("function {name}({{ flag, children, fallback{default} }}) {{"),
            format!("{tab}const on = useFeatureFlagEnabled(flag){end}"),
            format!("{tab}return on ? {yes} : fallback{end}"),
            "}".into(),
        ]
    }
}
