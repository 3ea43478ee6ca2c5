//! How the flag is asked for: by a variable that is there, as this file does, as the files nearby do, or by default.

mod constants;
mod declare;
mod defaults;
mod habits;
mod people;
mod reuse;
mod team;
mod template;

use std::ops::Range;

use tree_sitter::Node;

use self::template::Template;
use super::Request;
use super::edits::Edits;
use super::file::{File, ancestors};
use super::selection::Target;
use super::server::{self, Server};
use super::style::literal;
use super::{functions, imports, names};
use crate::removal::{Binding, Kind, Refusal};
use crate::syntax::Returns;

/// The condition and what it needs.
pub(super) struct Ask {
    /// The condition as it is written.
    pub(super) condition: String,
    /// What asks for the flag, for a person.
    pub(super) asks: String,
    /// Imports and declarations that it needs.
    pub(super) edits: Edits,
}

/// Where the flag is asked for.
pub(super) struct Place<'t> {
    /// Where the wrapped code begins.
    pub(super) at: usize,
    /// The wrapped code.
    pub(super) range: Range<usize>,
    /// The first node that is wrapped, else what the place is in.
    pub(super) node: Node<'t>,
    /// What the wrapped code stands in.
    pub(super) around: Node<'t>,
    /// The component or hook round it.
    pub(super) component: Option<Node<'t>>,
    /// The function round it.
    pub(super) function: Option<Node<'t>>,
    /// The quote of strings that are written there.
    pub(super) quote: char,
    /// Whether it runs on a server, and why.
    pub(super) server: Option<Server>,
}

impl<'t> Place<'t> {
    fn of(file: &File<'t>, request: &Request, target: &Target<'t>) -> Place<'t> {
        let around = target.around().unwrap_or(file.tree.root_node());
        let node = target.first_code().unwrap_or(around);
        let component = functions::component(file, node);
        let server = server::server(file, request, node, component);
        Place {
            at: target.range(file).start,
            range: target.range(file),
            node,
            around,
            component: component.filter(|_| server.is_none()),
            function: functions::around(around),
            quote: quote_at(file, node),
            server,
        }
    }

    /// Whether a name has its value here, and not from what is wrapped or from what is being declared.
    fn has(&self, binding: &Binding, at: usize) -> bool {
        let is_wrapped = self.range.start <= binding.name.start && binding.name.end <= self.range.end;
        let is_own = binding.declaration.start <= self.at && self.at < binding.declaration.end;
        let is_ready = match binding.kind {
            Kind::Import | Kind::Function | Kind::Class => true,
            Kind::Parameter => binding.name.end <= at,
            // A function runs when its module is ready.
            _ => binding.declaration.end <= at || binding.scope == 0 && self.function.is_some(),
        };
        !is_wrapped && is_ready && (!is_own || binding.kind == Kind::Parameter)
    }

    /// Whether the code runs when its module is loaded, and never again.
    fn is_asked_once(&self, file: &File) -> bool {
        let is_of_instance =
            |it: Node| it.kind() == "public_field_definition" && !file.of_node(it).starts_with("static");
        let is_shown = |it: Node| it.kind().starts_with("jsx_");
        let is_asked = self.function.is_none() && !self.range.is_empty();
        is_asked && !ancestors(self.node).any(|it| is_of_instance(it) || is_shown(it))
    }

    /// Whether `await` may stand here.
    fn can_wait(&self, file: &File) -> bool {
        match self.function {
            Some(it) => functions::is_async(file, it),
            None => !file.is_python() && !imports::is_common_js(file),
        }
    }
}

const ASKED_ONCE: &str =
    "it would be asked once, when the module is loaded, before flags are there; select code in a function";

/// The quote of a string at a node: in a string of Python that is not its own.
pub(super) fn quote_at(file: &File, node: Node) -> char {
    let string = ancestors(node).skip(1).find(|it| it.kind() == "string");
    let delimiter = string
        .filter(|_| file.is_python())
        .and_then(|it| file.of_node(it).chars().find(|it| matches!(it, '"' | '\'')));
    match delimiter {
        Some('"') => '\'',
        Some(_) => '"',
        None => file.style.quote,
    }
}

/// How the flag is asked for at a target.
pub(super) fn ask<'t>(file: &File<'t>, request: &Request, target: &Target<'t>) -> Result<Ask, Refusal> {
    let place = Place::of(file, request, target);
    if let Some((condition, asks)) = reuse::reused(file, request, &place) {
        return Ok(Ask { condition, asks, edits: Edits::default() });
    }
    if matches!(target, Target::Expression(_)) && place.is_asked_once(file) {
        return Err(file.refuse(target.range(file), ASKED_ONCE));
    }
    let mut why_not = None;
    let mut own = habits::own(file, request, &place);
    // A component is shown anew when its hooks say so, whatever it asks besides.
    own.sort_by_key(|it| place.component.is_some() && !it.is_hook());
    for template in own.iter().chain(&habits::nearby(file, request)) {
        match asked_by(file, request, &place, template) {
            Ok(ask) => return Ok(ask),
            Err(why) => why_not = why_not.or(why),
        }
    }
    if let Some(ask) = team::ask(file, request, &place) {
        return Ok(ask);
    }
    defaults::ask(file, request, &place, why_not).map_err(|why| file.refuse(target.range(file), why))
}

/// Asks as another read does, if that can be done here; an error may say what is missing.
fn asked_by(
    file: &File,
    request: &Request,
    place: &Place,
    template: &Template,
) -> Result<Ask, Option<String>> {
    let wanted = if request.variant.is_some() { Returns::Variant } else { Returns::Boolean };
    let template = template.giving(wanted).ok_or(None)?;
    let is_hook = template.is_hook();
    if place.server.is_some() && template.is_of_browser() {
        return Err(None);
    }
    let component = place.component.filter(|_| is_hook);
    if is_hook && component.is_none() {
        return Err(None);
    }
    // In a component a call is no habit of components that only other code has.
    if place.component.is_some() && !is_hook && !template.is_in_component {
        return Err(None);
    }
    let at = match component {
        Some(it) => declare::place(file, it).ok_or(None)?,
        None => place.at,
    };
    template.is_possible(file, place, at)?;
    let mut edits = Edits::default();
    let head = template.imported_head(file, &mut edits).ok_or(None)?;
    let key = constants::key(file, request, at, if is_hook { file.style.quote } else { place.quote });
    let call = format!("{head}{}{key}{}", template.middle, template.tail);
    Ok(finished(
        file,
        request,
        place,
        Asking { call, is_awaited: template.is_awaited, asks: template.asks() },
        edits,
    ))
}

/// A call that asks, ready to be written.
struct Asking {
    call: String,
    is_awaited: bool,
    asks: String,
}

/// The condition of a call; a hook is given a variable.
fn finished(file: &File, request: &Request, place: &Place, asking: Asking, mut edits: Edits) -> Ask {
    let is_hook = asking.asks.rsplit('.').next().is_some_and(functions::is_hook_name);
    let value = match place.component.filter(|_| is_hook) {
        Some(component) => {
            let name = names::variable(request.key, request.variant.is_some());
            let name = file.unused(&name);
            declare::declare(file, component, &format!("const {name} = {}", asking.call), &mut edits);
            declare::depend(file, place.node, component, &name, &mut edits);
            name
        }
        None if asking.is_awaited && request.variant.is_some() => format!("(await {})", asking.call),
        None if asking.is_awaited => format!("await {}", asking.call),
        None => asking.call,
    };
    let quote = if is_hook { file.style.quote } else { place.quote };
    Ask { condition: compared(file, &value, request.variant, quote), asks: asking.asks, edits }
}

/// `value === 'variant'`, or the value itself.
fn compared(file: &File, value: &str, variant: Option<&str>, quote: char) -> String {
    let equals = if file.is_python() { "==" } else { "===" };
    match variant {
        Some(variant) => format!("{value} {equals} {}", literal(quote, variant)),
        None => value.to_owned(),
    }
}
