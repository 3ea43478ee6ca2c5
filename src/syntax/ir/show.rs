//! Chunks as text, for tests to read.

use std::fmt::Write as _;

use super::*;

impl Module {
    /// Every binding, assignment, call of the top, export and type of every chunk, one a line.
    pub fn show(&self) -> String {
        let mut out = String::new();
        for placed in &self.chunks {
            let it = &*placed.chunk;
            if let Some((chunk, function)) = placed.parent {
                let name = self.chunks[chunk as usize].chunk.functions[function.at()].name;
                let returns: Vec<_> = it.returns.iter().map(|id| it.show(*id)).collect();
                let name = name.map_or("?", |it| it.as_str());
                let _ = writeln!(out, "body of {name} -> {}", returns.join(" | "));
            }
            it.show_all(&mut out);
        }
        out
    }
}

impl Chunk {
    fn show_all(&self, out: &mut String) {
        for binding in &self.bindings {
            let path: String = binding.path.iter().map(show_step).collect();
            let default = binding.default.map(|it| format!(" default {}", self.show(it))).unwrap_or_default();
            let origin = self.show_origin(&binding.origin);
            let _ =
                writeln!(out, "{}{} = {origin}{path}{default}", ".".repeat(binding.scope.at()), binding.name);
        }
        for scope in &self.scopes {
            for (name, it) in &scope.types {
                let _ = writeln!(out, "type {name} = {}", self.show_type(*it));
            }
        }
        for class in &self.classes {
            let bases: Vec<_> = self.exprs_in(class.bases).iter().map(|it| self.show(*it)).collect();
            let _ = writeln!(out, "class {}({})", class.name.map_or("?", |it| it.as_str()), bases.join(", "));
            for it in &class.members {
                let value = it.value.map(|it| self.show(it)).unwrap_or_default();
                let declared = it.declared.map(|it| format!(": {}", self.show_type(it))).unwrap_or_default();
                let _ = writeln!(out, "  {}{declared} = {value}", it.name);
            }
        }
        for (at, it) in self.assignments.iter().enumerate() {
            let target = match it.target {
                Target::Name(name, _) => name.to_string(),
                Target::Member(object, name) => format!("{}.{name}", self.show(object)),
                Target::Element(object) => format!("{}[]", self.show(object)),
            };
            let declared = self.assigned_types.iter().find(|it| it.0 as usize == at);
            let declared = declared.map(|it| format!(": {}", self.show_type(it.1))).unwrap_or_default();
            let _ = writeln!(out, "assign {target}{declared} = {}", self.show(it.value));
        }
        for it in &self.calls {
            let _ = writeln!(out, "call {}", self.show(it.expr));
        }
        for (at, it) in self.exprs.iter().enumerate() {
            if matches!(it, Expr::Index(..) | Expr::In(..)) {
                let _ = writeln!(out, "index {}", self.show(ExprId(at as u32)));
            }
        }
        for it in &self.exports {
            let _ = match it {
                Export::Name { name, value } => writeln!(out, "export {name} = {}", self.show(*value)),
                Export::From { name, module, of } => writeln!(out, "export {name} = {of} from {module}"),
                Export::All { module } => writeln!(out, "export * from {module}"),
                Export::Whole { value } => writeln!(out, "export = {}", self.show(*value)),
            };
        }
    }

    fn show_origin(&self, it: &Origin) -> String {
        match it {
            Origin::Import { module, name } => format!("import {name} from {module}"),
            Origin::Value { value, declared, constant } => {
                let kind = if *constant { "const " } else { "" };
                let declared = declared.map(|it| format!(": {}", self.show_type(it))).unwrap_or_default();
                format!("{kind}{}{declared}", value.map_or("-".into(), |it| self.show(it)))
            }
            Origin::Parameter { function, index, declared, rest } => {
                let name = self.functions[function.at()].name.map_or("?", |it| it.as_str());
                let declared = declared.map(|it| format!(": {}", self.show_type(it))).unwrap_or_default();
                format!("{}param {index} of {name}{declared}", if *rest { "rest " } else { "" })
            }
            Origin::Function(it) => self.show_function(*it),
            Origin::Class(it) => {
                format!("class {}", self.classes[it.at()].name.map_or("?", |it| it.as_str()))
            }
            Origin::Other => "other".into(),
        }
    }

    fn show_function(&self, id: FunctionId) -> String {
        let it = &self.functions[id.at()];
        let returns: Vec<_> = self.exprs_in(it.returns).iter().map(|it| self.show(*it)).collect();
        let declared = it.declared.map(|it| format!(": {}", self.show_type(it))).unwrap_or_default();
        let nested = if it.nested.is_some() { " long" } else { "" };
        let own = if it.has_self { " self" } else { "" };
        let kind = if it.is_getter { "get" } else { "fn" };
        let decorators: String =
            self.exprs_in(it.decorators).iter().map(|it| format!("@{} ", self.show(*it))).collect();
        format!("{decorators}{kind}{own}{nested}{declared} -> {}", returns.join(" | "))
    }

    fn show_type(&self, id: TypeId) -> String {
        let list = |run: Run, by: &str| {
            self.types_in(run).iter().map(|it| self.show_type(*it)).collect::<Vec<_>>().join(by)
        };
        match &self.types[id.at()] {
            Type::Name(name, args) if args.len == 0 => self.show(*name),
            Type::Name(name, args) => format!("{}<{}>", self.show(*name), list(*args, ", ")),
            Type::Text(it, _) => format!("'{it}'"),
            Type::Either(run) => list(*run, " | "),
            Type::Object(all) => {
                let all: Vec<_> =
                    all.iter().map(|it| format!("{}: {}", it.0, self.show_type(it.1))).collect();
                format!("{{{}}}", all.join(", "))
            }
            Type::Keys(it) => format!("keyof {}", self.show(*it)),
            Type::Of(it) => format!("typeof {}", self.show(*it)),
            Type::Values(it) => format!("valueof {}", self.show(*it)),
            Type::Holding(it) => format!("{}[]", self.show_type(*it)),
            Type::Function(it) => format!("() => {}", self.show_type(*it)),
            Type::Other => "?".into(),
        }
    }

    /// An expression as text.
    pub fn show(&self, id: ExprId) -> String {
        let list = |run: Run, by: &str| {
            self.exprs_in(run).iter().map(|it| self.show(*it)).collect::<Vec<_>>().join(by)
        };
        match self.exprs[id.at()] {
            Expr::Text(it) => format!("'{it}'"),
            Expr::Template(run) => format!("`{}`", list(run, "+")),
            Expr::Name(it, _) => it.to_string(),
            Expr::Member(at) => {
                let it = &self.members[at as usize];
                let dot = if it.quoted { "['" } else { "." };
                format!("{}{dot}{}{}", self.show(it.object), it.name, if it.quoted { "']" } else { "" })
            }
            Expr::Index(object, index) => format!("{}[{}]", self.show(object), self.show(index)),
            Expr::Call(it) => self.show_call(&self.calls[it.at()]),
            Expr::Function(it) => self.show_function(it),
            Expr::Class(it) => format!("class {}", self.classes[it.at()].name.map_or("?", |it| it.as_str())),
            Expr::Object(run) => format!("{{{}}}", self.show_props(run)),
            Expr::Enum(run) => format!("enum {{{}}}", self.show_props(run)),
            Expr::List(run) => format!("[{}]", list(run, ", ")),
            Expr::Either(run) => format!("({})", list(run, " | ")),
            Expr::This(_) => "this".into(),
            Expr::Module(it) => format!("module {it}"),
            Expr::In(key, object) => format!("{} in {}", self.show(key), self.show(object)),
            Expr::Element(it) => format!("each {}", self.show(it)),
            Expr::Nothing => "null".into(),
            Expr::Plain => "plain".into(),
            Expr::Opaque => "?".into(),
        }
    }

    fn show_call(&self, it: &Call) -> String {
        let args: Vec<_> = self
            .args_in(it.args)
            .iter()
            .map(|arg| {
                let name = arg.name.map(|it| format!("{it}=")).unwrap_or_default();
                format!("{}{name}{}", if arg.spread { "..." } else { "" }, self.show(arg.value))
            })
            .collect();
        let callee = self.show(it.callee);
        match it.kind {
            CallKind::Call => format!("{callee}({})", args.join(", ")),
            CallKind::New => format!("new {callee}({})", args.join(", ")),
            CallKind::Element => format!("<{callee} {}>", args.join(" ")),
        }
    }

    fn show_props(&self, run: Run) -> String {
        let props = self.props_in(run).iter().map(|it| match it.name {
            PropName::Fixed(name) => format!("{name}: {}", self.show(it.value)),
            PropName::Computed(name) => format!("[{}]: {}", self.show(name), self.show(it.value)),
            PropName::Spread => format!("...{}", self.show(it.value)),
        });
        props.collect::<Vec<_>>().join(", ")
    }
}

fn show_step(it: &Step) -> String {
    match it {
        Step::Property(name) => format!(".{name}"),
        Step::Index(at) => format!("[{at}]"),
        Step::Rest => "...".into(),
    }
}
