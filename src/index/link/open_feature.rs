//! OpenFeature: who answers what its clients, hooks and decorators ask.
//!
//! A provider is set once, anywhere; the reads elsewhere do not say whose they are. They are PostHog's where a
//! provider of PostHog's is set and none of another vendor's under the same domain.

use super::Linker;
use super::eval::sdk;
use super::sites::named;
use super::value::*;
use super::wrappers::is_test;
use crate::syntax::ir::{Call, CallId, Expr, PropName, Symbol};
use crate::syntax::open_feature::{self, SETTERS};
use crate::syntax::{Certainty, Via};

/// A provider that is set somewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Provider {
    domain: Domain,
    vendor: Vendor,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Vendor {
    PostHog(Certainty),
    Other,
}

impl Linker<'_> {
    /// Words of files that may ask PostHog by way of OpenFeature; none when it does not lead there.
    pub(crate) fn open_feature_words(&self) -> impl Iterator<Item = Symbol> {
        let leads_there = self.providers.iter().any(|it| matches!(it.vendor, Vendor::PostHog(_)));
        open_feature::words().filter(move |_| leads_there).map(Symbol::from)
    }

    /// Finds the providers that are set, before anything else is asked.
    pub(super) fn find_providers(&mut self) {
        let mut found = Vec::new();
        for name in SETTERS.map(Symbol::from) {
            for file in self.program.files_that_call(name) {
                // What a test sets says nothing of the program.
                if is_test(&self.program.file(file).path) {
                    continue;
                }
                self.program.calls_of(file, name).for_each(|it| self.set_by(it, &mut found));
            }
        }
        // So far every answer took it that there are none.
        if !found.is_empty() {
            self.answers.clear();
            self.provisional.clear();
        }
        self.providers = found.into();
    }

    /// The providers that a call sets, if it sets any.
    fn set_by(&mut self, at: At<CallId>, found: &mut Vec<Provider>) {
        self.begin_site();
        let chunk = self.chunk(&at);
        let call = &chunk.calls[at.id.at()];
        if !self.eval(at.with(call.callee)).contains(&Value::OpenFeature(OpenFeature::Setter)) {
            return;
        }
        let args = chunk.args_in(call.args);
        let mut positional = args.iter().filter(|it| it.name.is_none()).map(|it| it.value);
        let Some(first) = positional.next().or_else(|| named(args, "provider")) else { return };
        let second = positional.next().or_else(|| named(args, "domain"));
        if chunk.call_names[at.id.at()].is_some_and(|it| it == "forRoot") {
            let Expr::Object(run) = chunk.exprs[first.at()] else { return };
            let options: Vec<_> = chunk.props_in(run).iter().map(|it| (it.name, at.with(it.value))).collect();
            return options.into_iter().for_each(|(name, value)| self.set_by_option(name, value, found));
        }
        // The domain stands before the provider in JavaScript and behind it in Python.
        let (first, second) = (at.with(first), second.map(|it| at.with(it)));
        let (provider, domain) = match (self.vendor_of(first), second) {
            (None, Some(second)) if self.vendor_of(second).is_some() => (second, self.domain(first)),
            (_, Some(second)) if self.language(at.file) == crate::syntax::Language::Python => {
                (first, self.domain(second))
            }
            _ => (first, Domain::Default),
        };
        found.extend(self.vendor_of(provider).map(|vendor| Provider { domain, vendor }));
    }

    /// `OpenFeatureModule.forRoot({ defaultProvider: ..., providers: { domain: ... } })`
    fn set_by_option(&mut self, name: PropName, value: ExprAt, found: &mut Vec<Provider>) {
        let PropName::Fixed(name) = name else { return };
        match &*name {
            "defaultProvider" | "provider" => {
                let domain = Domain::Default;
                found.extend(self.vendor_of(value).map(|vendor| Provider { domain, vendor }));
            }
            "providers" | "domainBoundProviders" => {
                let chunk = self.chunk(&value);
                let Expr::Object(run) = chunk.exprs[value.id.at()] else { return };
                for prop in chunk.props_in(run) {
                    let domain = match prop.name {
                        PropName::Fixed(name) => Domain::Named(name),
                        _ => Domain::Any,
                    };
                    let vendor = self.vendor_of(value.with(prop.value));
                    found.extend(vendor.map(|vendor| Provider { domain, vendor }));
                }
            }
            _ => {}
        }
    }

    /// Whose a provider is; nobody's, if it is one that OpenFeature comes with or that cannot be told.
    fn vendor_of(&mut self, provider: ExprAt) -> Option<Vendor> {
        let values = self.eval(provider);
        let vendors: Vec<Vendor> = values.iter().filter_map(|it| self.vendor(it)).collect();
        if vendors.contains(&Vendor::Other) { Some(Vendor::Other) } else { vendors.first().copied() }
    }

    fn vendor(&mut self, provider: &Value) -> Option<Vendor> {
        match provider {
            Value::Client(certainty) => Some(Vendor::PostHog(*certainty)),
            Value::Vendor => Some(Vendor::Other),
            Value::Instance(class) | Value::Made(class, _) => Some(self.vendor_of_class(*class)),
            Value::Object(at) => {
                let chunk = self.chunk(at);
                let Expr::Object(run) = chunk.exprs[at.id.at()] else { return None };
                let asks = chunk.props_in(run).iter().any(|it| self.asks(at.with(it.value)));
                Some(if asks { Vendor::PostHog(Certainty::Certain) } else { Vendor::Other })
            }
            _ => None,
        }
    }

    /// A class of this program is PostHog's where a method asks it for what its caller names.
    fn vendor_of_class(&mut self, class: ClassAt) -> Vendor {
        let chunk = self.chunk(&class);
        let it = &chunk.classes[class.id.at()];
        if it.members.iter().filter_map(|it| it.value).any(|it| self.asks(class.with(it))) {
            return Vendor::PostHog(Certainty::Certain);
        }
        for base in chunk.exprs_in(it.bases) {
            for base in self.eval(class.with(*base)).iter() {
                match base {
                    Value::Client(certainty) => return Vendor::PostHog(*certainty),
                    Value::Class(base) if *base != class => return self.vendor_of_base(*base),
                    _ => {}
                }
            }
        }
        Vendor::Other
    }

    /// The same of what a class of this program is derived from: a question, since classes may go in a circle.
    fn vendor_of_base(&mut self, class: ClassAt) -> Vendor {
        if self.depth >= super::MOST_DEPTH {
            return Vendor::Other;
        }
        self.depth += 1;
        let vendor = self.vendor_of_class(class);
        self.depth -= 1;
        vendor
    }

    fn asks(&mut self, method: ExprAt) -> bool {
        match self.chunk(&method).exprs[method.id.at()] {
            Expr::Function(function) => !self.wraps(method.with(function)).is_empty(),
            _ => false,
        }
    }

    fn domain(&mut self, at: ExprAt) -> Domain {
        let values = self.eval(at);
        match &*values {
            [Value::Text(known)] => Domain::Named(known.text),
            [Value::Nothing] => Domain::Default,
            // The context of the evaluation stands in its place.
            [Value::Object(_)] => Domain::Default,
            _ => Domain::Any,
        }
    }

    /// Whether the options of a decorator name a domain that is not PostHog's.
    pub(super) fn is_of_other_domain(&mut self, domain: ExprAt) -> bool {
        let domain = self.domain(domain);
        self.asks_posthog(domain).is_none()
    }

    /// Whether what asks under a domain asks PostHog, and how sure that is.
    fn asks_posthog(&self, domain: Domain) -> Option<Certainty> {
        let is_own = |it: &&Provider| it.domain == domain || it.domain == Domain::Any;
        let own: Vec<&Provider> = self.providers.iter().filter(is_own).collect();
        let all = match domain {
            Domain::Any => self.providers.iter().collect(),
            // A domain without a provider of its own asks the default one.
            Domain::Named(_) if own.is_empty() => return self.asks_posthog(Domain::Default),
            _ => own,
        };
        if all.iter().any(|it| it.vendor == Vendor::Other) {
            return None;
        }
        let certainty = |it: &Provider| match it.vendor {
            Vendor::PostHog(certainty) => Some(certainty),
            Vendor::Other => None,
        };
        all.into_iter().find_map(certainty)
    }

    fn read_under(&self, domain: Domain, name: Symbol) -> Value {
        match (open_feature::find(&name), self.asks_posthog(domain)) {
            (Some(call), Some(certainty)) => sdk(call, certainty),
            _ => Value::Vendor,
        }
    }

    /// A name of one of its modules; nothing of any other module.
    pub(super) fn imported_from_open_feature(&self, module: Symbol, name: Symbol) -> Option<Value> {
        if open_feature::is_posthog_provider(&module) {
            return Some(Value::Client(Certainty::Certain));
        }
        if !open_feature::is_sdk(&module) {
            return None;
        }
        Some(Value::OpenFeature(match &*name {
            "OpenFeature" | "OpenFeatureAPI" | "api" | "*" => OpenFeature::Api,
            "OpenFeatureModule" => OpenFeature::Module,
            "get_client" => OpenFeature::GetClient,
            "useOpenFeatureClient" => OpenFeature::UseClient,
            "Client" | "OpenFeatureClient" => OpenFeature::Client(Domain::Any),
            _ if SETTERS.contains(&&*name) => OpenFeature::Setter,
            _ => return Some(self.of_its_module(name)),
        }))
    }

    fn of_its_module(&self, name: Symbol) -> Value {
        match open_feature::find(&name).map(|it| it.via) {
            // Decorators ask the default provider, unless they name another.
            Some(Via::Call) => self.read_under(Domain::Default, name),
            // Hooks and components ask the one round them.
            Some(_) => self.read_under(Domain::Any, name),
            None => Value::Unknown,
        }
    }

    pub(super) fn of_open_feature(&self, of: OpenFeature, name: Symbol) -> Value {
        match (of, &*name) {
            (OpenFeature::Api, "OpenFeature" | "api") => Value::OpenFeature(of),
            (OpenFeature::Api, "getClient" | "get_client") => Value::OpenFeature(OpenFeature::GetClient),
            (OpenFeature::Module, "forRoot") => Value::OpenFeature(OpenFeature::Setter),
            (OpenFeature::Api, _) if SETTERS.contains(&&*name) => Value::OpenFeature(OpenFeature::Setter),
            // The whole of its module by a name: `import * as sdk`.
            (OpenFeature::Api, _) => self.of_its_module(name),
            (OpenFeature::Client(domain), _) => self.read_under(domain, name),
            _ => Value::Vendor,
        }
    }

    /// What a call of a part of it gives.
    pub(super) fn given_by_open_feature(&mut self, at: At<CallId>, call: &Call, of: OpenFeature) -> Value {
        let domain = match of {
            OpenFeature::GetClient => {
                let args = self.chunk(&at).args_in(call.args);
                let first = args.first().map(|it| if it.spread { None } else { Some(at.with(it.value)) });
                match first {
                    None => Domain::Default,
                    Some(None) => Domain::Any,
                    Some(Some(domain)) => self.domain(domain),
                }
            }
            OpenFeature::UseClient => Domain::Any,
            // `new OpenFeatureClient(...)`
            OpenFeature::Client(domain) => domain,
            _ => return Value::Unknown,
        };
        Value::OpenFeature(OpenFeature::Client(domain))
    }
}
