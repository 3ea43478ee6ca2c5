//! Declared types. Those that stand where nothing is declared, such as `x as T`, say nothing and are not lowered.

use super::super::super::field::Field;
use super::super::super::ir::{ExprId, Member, PropName, Run, Symbol, Type, TypeId};
use super::{Kind, Lower, Part, Parts};

impl<'t> Lower<'_, 't> {
    /// The type that a variable, parameter or field declares.
    pub fn annotation(&mut self, parts: &Parts<'t>) -> Option<TypeId> {
        let it = parts.get(Field::Type)?;
        Some(self.type_of(it))
    }

    /// The type that a function declares to return.
    pub fn returned_type(&mut self, parts: &Parts<'t>) -> Option<TypeId> {
        let it = parts.get(Field::ReturnType)?;
        Some(self.type_of(it))
    }

    /// `type Name = ...`
    pub fn type_alias(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        let (name, value) = (parts.get(Field::Name), parts.get(Field::Value));
        self.done(parts);
        if let (Some(name), Some(value)) = (name, value) {
            let it = self.type_of(value);
            let name = self.symbol(name.node);
            self.declare_type(name, it);
        }
    }

    /// `interface Name extends Base { ... }`
    pub fn interface(&mut self, part: Part<'t>) {
        let parts = self.parts(part.node);
        let (name, body) = (parts.get(Field::Name), parts.get(Field::Body));
        let mut members = Vec::new();
        if let Some(clause) = parts.first(Kind::ExtendsType) {
            let bases = self.parts(clause.node);
            members.extend(bases.of(Field::Type).map(|it| (Symbol::from(".."), self.type_of(it))));
            self.done(bases);
        }
        self.done(parts);
        if let Some(body) = body {
            self.type_members(body, &mut members);
        }
        if let Some(name) = name {
            let it = self.add_type(Type::Object(members));
            let name = self.symbol(name.node);
            self.declare_type(name, it);
        }
    }

    /// Lowers a type.
    pub fn type_of(&mut self, part: Part<'t>) -> TypeId {
        self.deeper(|it| it.nested_type(part)).unwrap_or_else(|| self.add_type(Type::Other))
    }

    fn nested_type(&mut self, part: Part<'t>) -> TypeId {
        let it = match part.kind {
            Kind::TypeIdentifier | Kind::NestedType => Type::Name(self.type_name(part), Run::default()),
            Kind::GenericType => self.generic(part),
            Kind::LiteralType => self.literal_type(part),
            Kind::UnionType | Kind::IntersectionType => self.union(part),
            Kind::ObjectType => self.object_type(part),
            Kind::ArrayType => self.first_type(part).map_or(Type::Other, Type::Holding),
            Kind::TupleType => self.tuple(part),
            Kind::KeyofType => self.keyof(part),
            Kind::LookupType => self.lookup(part),
            Kind::TypeQuery => Type::Of(self.only(part)),
            Kind::FunctionType => self.function_type(part),
            Kind::TypeAnnotation
            | Kind::ReadonlyType
            | Kind::OptionalType
            | Kind::ParenthesizedType
            | Kind::FlowMaybeType
            | Kind::RestType => match self.first_type(part) {
                Some(inner) => return inner,
                None => Type::Other,
            },
            _ => Type::Other,
        };
        self.add_type(it)
    }

    fn first_type(&mut self, part: Part<'t>) -> Option<TypeId> {
        let parts = self.parts(part.node);
        let inner = parts.all.iter().find(|it| it.kind.is_type()).map(|it| self.type_of(*it));
        self.done(parts);
        inner
    }

    /// `Name`, `a.b.Name`, as an expression.
    fn type_name(&mut self, part: Part<'t>) -> ExprId {
        if !matches!(part.kind, Kind::NestedType | Kind::NestedIdentifier | Kind::Member) {
            return self.name(part);
        }
        let parts = self.parts(part.node);
        let object = parts.get(Field::Module).or_else(|| parts.get(Field::Object));
        let name = parts.get(Field::Name).or_else(|| parts.get(Field::Property));
        self.done(parts);
        let (Some(object), Some(name)) = (object, name) else { return self.opaque(part) };
        let object = self.deeper(|it| it.type_name(object)).unwrap_or_else(|| self.opaque(object));
        let at = self.bytes(name.node);
        let name = self.symbol(name.node);
        self.add_member(Member { object, name, at, quoted: false }, part.node)
    }

    /// The lists and maps of the language hold things; other names are looked up.
    fn generic(&mut self, part: Part<'t>) -> Type {
        let parts = self.parts(part.node);
        let name = parts.get(Field::Name);
        let mut args = Vec::new();
        if let Some(list) = parts.get(Field::TypeArguments) {
            let list = self.parts(list.node);
            args.extend(list.all.iter().filter(|it| it.kind.is_type()).map(|it| self.type_of(*it)));
            self.done(list);
        }
        self.done(parts);
        let Some(name) = name else { return Type::Other };
        let held = match self.of(name) {
            "Array" | "ReadonlyArray" | "Set" | "ReadonlySet" => args.first(),
            "Record" | "Map" | "ReadonlyMap" => args.get(1),
            _ => None,
        };
        match held {
            Some(held) => Type::Holding(*held),
            None => Type::Name(self.type_name(name), self.types(&args)),
        }
    }

    fn literal_type(&mut self, part: Part<'t>) -> Type {
        let parts = self.parts(part.node);
        let string = parts.first(Kind::String);
        self.done(parts);
        match string.and_then(|it| Some((self.literal(it)?, self.bytes(it.node)))) {
            Some((text, at)) => Type::Text(Symbol::from(&text), at),
            None => Type::Other,
        }
    }

    /// `A | B | C`, which stands on its left side and may be long.
    fn union(&mut self, part: Part<'t>) -> Type {
        let mut types = Vec::new();
        let mut rest = Some(part);
        while let Some(at) = rest.take() {
            let parts = self.parts(at.node);
            for it in parts.all.iter().filter(|it| it.kind.is_type()).rev() {
                if it.kind == part.kind && rest.is_none() {
                    rest = Some(*it);
                } else {
                    types.push(self.type_of(*it));
                }
            }
            self.done(parts);
        }
        types.reverse();
        Type::Either(self.types(&types))
    }

    fn tuple(&mut self, part: Part<'t>) -> Type {
        let parts = self.parts(part.node);
        let mut types = Vec::with_capacity(parts.all.len());
        for it in &parts.all {
            match it.kind {
                // `[name: A]`
                Kind::RequiredParameter | Kind::OptionalParameter => {
                    let parts = self.parts(it.node);
                    types.extend(self.annotation(&parts));
                    self.done(parts);
                }
                kind if kind.is_type() => types.push(self.type_of(*it)),
                _ => {}
            }
        }
        self.done(parts);
        let run = self.types(&types);
        Type::Holding(self.add_type(Type::Either(run)))
    }

    fn function_type(&mut self, part: Part<'t>) -> Type {
        let parts = self.parts(part.node);
        let returned = self.returned_type(&parts);
        self.done(parts);
        returned.map_or(Type::Other, Type::Function)
    }

    /// An object type that has nothing but an index holds things.
    fn object_type(&mut self, part: Part<'t>) -> Type {
        let mut members = Vec::new();
        match self.type_members(part, &mut members) {
            Some(held) if members.is_empty() => Type::Holding(held),
            _ => Type::Object(members),
        }
    }

    /// Collects members; answers what `[key: K]: T` and `[K in Keys]: T` hold.
    fn type_members(&mut self, part: Part<'t>, members: &mut Vec<(Symbol, TypeId)>) -> Option<TypeId> {
        let parts = self.parts(part.node);
        let mut held = None;
        for it in &parts.all {
            let inner = self.parts(it.node);
            match it.kind {
                Kind::PropertySignature => members.extend(self.type_member(&inner, false)),
                Kind::MethodSignature => members.extend(self.type_member(&inner, true)),
                Kind::IndexSignature => held = self.annotation(&inner),
                _ => {}
            }
            self.done(inner);
        }
        self.done(parts);
        held
    }

    fn type_member(&mut self, parts: &Parts<'t>, is_method: bool) -> Option<(Symbol, TypeId)> {
        let key = parts.get(Field::Name)?;
        let it = match is_method {
            true => {
                let returned = self.returned_type(parts);
                let returned = returned.unwrap_or_else(|| self.add_type(Type::Other));
                self.add_type(Type::Function(returned))
            }
            false => self.annotation(parts).unwrap_or_else(|| self.add_type(Type::Other)),
        };
        match self.property_key(key)? {
            (PropName::Fixed(name), _) => Some((name, it)),
            _ => None,
        }
    }

    /// `keyof typeof X`
    fn keyof(&mut self, part: Part<'t>) -> Type {
        match self.first_type(part).map(|it| self.chunk.types[it.at()].clone()) {
            Some(Type::Of(it)) => Type::Keys(it),
            _ => Type::Other,
        }
    }

    /// `(typeof X)[keyof typeof X]` and `(typeof X)[number]` are what X holds; `(typeof X)['a']` is a member of it.
    fn lookup(&mut self, part: Part<'t>) -> Type {
        let parts = self.parts(part.node);
        let mut all = parts.all.iter().copied().filter(|it| it.kind.is_type());
        let (object, index) = (all.next(), all.next());
        self.done(parts);
        let (Some(object), Some(index)) = (object, index) else { return Type::Other };
        let is_number = index.kind == Kind::PredefinedType && self.of(index) == "number";
        let (object, index) = (self.type_of(object), self.type_of(index));
        match (&self.chunk.types[object.at()], &self.chunk.types[index.at()]) {
            (Type::Of(object), Type::Keys(_)) => Type::Values(*object),
            (Type::Of(object), _) if is_number => Type::Values(*object),
            (Type::Of(object), Type::Text(name, at)) => {
                let member = Member { object: *object, name: *name, at: at.clone(), quoted: true };
                Type::Of(self.add_member(member, part.node))
            }
            (Type::Holding(held), _) => self.chunk.types[held.at()].clone(),
            _ => Type::Other,
        }
    }

    /// `import name = a.b`
    pub fn import_alias(&mut self, part: Part<'t>) -> Option<(Part<'t>, ExprId)> {
        let parts = self.parts(part.node);
        let mut names = parts
            .all
            .iter()
            .copied()
            .filter(|it| matches!(it.kind, Kind::Identifier | Kind::NestedIdentifier));
        let (name, target) = (names.next(), names.next());
        self.done(parts);
        let (name, target) = (name?, target?);
        Some((name, self.type_name(target)))
    }
}
