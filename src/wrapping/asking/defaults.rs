//! How a flag is asked for where no read shows it.

use super::{Ask, Asking, Place, constants, finished, habits, people};
use crate::removal::{Binding, Kind};
use crate::syntax::evidence::named_like_client;
use crate::wrapping::Request;
use crate::wrapping::edits::Edits;
use crate::wrapping::file::File;
use crate::wrapping::imports::{self, Import};
use crate::wrapping::server::Server;

/// Of so many files the imports are looked at.
const MOST_FILES: usize = 40;

/// Asks in the SDK's own way; an error says what is missing. `why_not` is why the habits of the code do not fit here.
pub(super) fn ask(
    file: &File,
    request: &Request,
    place: &Place,
    why_not: Option<String>,
) -> Result<Ask, String> {
    if file.is_python() {
        return python(file, request, place);
    }
    match place.component {
        Some(component) => hook(file, request, place, component),
        None => client(file, request, place, why_not),
    }
}

fn hook(file: &File, request: &Request, place: &Place, component: tree_sitter::Node) -> Result<Ask, String> {
    let (module, on, variant) = react(file, request);
    let name = if request.variant.is_some() { variant } else { on };
    let mut edits = Edits::default();
    let import = Import::named(module, name);
    let local = imports::ensure(file, &import, &mut edits).ok_or("there is no place for an import")?;
    let at = super::declare::place(file, component).unwrap_or(place.at);
    let key = constants::key(file, request, at, file.style.quote);
    let asking = Asking { call: format!("{local}({key})"), is_awaited: false, asks: name.to_owned() };
    Ok(finished(file, request, place, asking, edits))
}

/// A package of hooks: its name, the hook that says whether a flag is on, and the one that says which variant it has.
type Hooks = (&'static str, &'static str, &'static str);

/// The first is the one that every version has.
const HOOKS: [Hooks; 3] = [
    ("posthog-js/react", "useFeatureFlagEnabled", "useFeatureFlagVariantKey"),
    ("@posthog/react", "useFeatureFlagEnabled", "useFeatureFlagVariantKey"),
    ("posthog-react-native", "useFeatureFlag", "useFeatureFlag"),
];

/// The package of the hooks that this file imports, or those nearby.
fn react(file: &File, request: &Request) -> Hooks {
    let named_in = |text: &str| {
        let is_named =
            |it: &&Hooks| ['\'', '"'].iter().any(|quote| text.contains(&format!("{}{quote}", it.0)));
        HOOKS.iter().find(is_named).copied()
    };
    let of_others = || {
        let mut files =
            request.index.files().filter_map(|(path, _)| (request.text_of)(path)).take(MOST_FILES);
        files.find_map(|it| named_in(&it))
    };
    named_in(file.text).or_else(of_others).unwrap_or(HOOKS[0])
}

fn client(file: &File, request: &Request, place: &Place, why_not: Option<String>) -> Result<Ask, String> {
    if let Some(why) = why_not {
        return Err(why);
    }
    if let Some(server) = place.server {
        return on_server(file, request, place, server);
    }
    if place.is_asked_once(file) {
        return Err(super::ASKED_ONCE.into());
    }
    let mut edits = Edits::default();
    let receiver = receiver(file, place)
        .or_else(|| imports::ensure(file, &Import::default("posthog-js", "posthog"), &mut edits))
        .ok_or("there is no place for an import")?;
    let method = if request.variant.is_some() { "getFeatureFlag" } else { "isFeatureEnabled" };
    let key = constants::key(file, request, place.at, place.quote);
    let asks = format!("{receiver}.{method}");
    Ok(finished(
        file,
        request,
        place,
        Asking { call: format!("{asks}({key})"), is_awaited: false, asks },
        edits,
    ))
}

/// Asks a client of the server for somebody in scope; where there is none, an error says what to do.
fn on_server(file: &File, request: &Request, place: &Place, server: Server) -> Result<Ask, String> {
    let known =
        receiver(file, place).filter(|it| !imports::imported(file, it).is_some_and(|it| it.is_of_browser()));
    let asked = known.zip(people::distinct_id(file, place)).filter(|_| place.can_wait(file));
    let Some((receiver, id)) = asked else {
        return Err(match server {
            Server::AsyncComponent => {
                "an async component runs on the server, where a client of posthog-node and a distinct id are \
                 needed; ask for a flag there once, and this can be done as that is"
            }
            Server::NextComponent => {
                "this component runs on the server, where hooks do not work; give its file 'use client', or ask for \
                 a flag there once, and this can be done as that is"
            }
            Server::Code => {
                "on a server a distinct id is needed; ask for a flag in this function once, and this can be \
                 done as that is"
            }
        }
        .into());
    };
    let method = if request.variant.is_some() { "getFeatureFlag" } else { "isFeatureEnabled" };
    let key = constants::key(file, request, place.at, place.quote);
    let asks = format!("{receiver}.{method}");
    let asking = Asking { call: format!("{asks}({key}, {id})"), is_awaited: true, asks };
    Ok(finished(file, request, place, asking, Edits::default()))
}

/// The client that has a name here.
fn receiver(file: &File, place: &Place) -> Option<String> {
    let clients = file.scopes.bindings.iter().filter(|it| {
        let is_client = named_like_client(&file.text[it.name.clone()])
            || is_default_of_sdk(file, it)
            || is_made(file, it);
        is_client && is_value(file, it) && place.has(it, place.at)
    });
    let visible = clients.filter(|it| {
        let here = file.scopes.visible(&file.text[it.name.clone()], place.at);
        here.is_some_and(|here| here.name == it.name)
    });
    // The innermost is declared last.
    visible.max_by_key(|it| it.name.start).map(|it| file.text[it.name.clone()].to_owned())
}

/// `import ph from 'posthog-js'`
fn is_default_of_sdk(file: &File, binding: &Binding) -> bool {
    let import = (binding.kind == Kind::Import)
        .then(|| imports::imported(file, &file.text[binding.name.clone()]))
        .flatten();
    import.is_some_and(|it| {
        it.is_default() && (it.module == "posthog-js" || it.module.starts_with("posthog-js/"))
    })
}

/// `analytics = Posthog(...)`, `const analytics = new PostHog(...)`: a client, whatever it is called.
fn is_made(file: &File, binding: &Binding) -> bool {
    let declaration = &file.text[binding.declaration.clone()];
    let value = declaration.split_once('=').map_or("", |it| it.1.trim_start());
    let callee = value.strip_prefix("new ").unwrap_or(value).split('(').next().unwrap_or_default();
    matches!(binding.kind, Kind::Constant | Kind::Variable)
        && value.len() > callee.len()
        && matches!(callee.rsplit('.').next().map(str::trim), Some("Posthog" | "PostHog"))
}

/// Whether a name begins as those of classes do: `PostHog`, `Posthog`, not `POSTHOG`.
fn is_of_class(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
}

/// Whether a name is that of a client and not of its class, its provider or its settings.
fn is_value(file: &File, binding: &Binding) -> bool {
    let name = &file.text[binding.name.clone()];
    let is_plain = |it: &str| {
        let it = it.trim_matches(['_', '$']).to_ascii_lowercase().replace('_', "");
        matches!(
            &*it,
            "posthog" | "posthogclient" | "posthoganalytics" | "posthoginstance" | "posthogjs" | "ph"
        )
    };
    // `posthog: string` is none.
    let declaration = &file.text[binding.declaration.clone()];
    let is_other = binding.kind == Kind::Parameter
        && declaration.split_once(':').is_some_and(|(_, it)| !it.to_ascii_lowercase().contains("posthog"));
    match binding.kind {
        _ if is_other => false,
        _ if is_made(file, binding) => true,
        Kind::Import | Kind::Constant | Kind::Variable | Kind::Parameter => {
            (is_plain(name) && !is_of_class(name)) || is_default_of_sdk(file, binding)
        }
        _ => false,
    }
}

fn python(file: &File, request: &Request, place: &Place) -> Result<Ask, String> {
    let mut edits = Edits::default();
    let id = people::distinct_id(file, place).ok_or(
        "a distinct id is needed to ask for a flag, and nothing in scope is named like one (distinct_id, user_id, \
         user, request)",
    )?;
    let of_others = || {
        let nearby = habits::nearby(file, request);
        nearby.into_iter().find_map(|it| it.client().cloned())
    };
    let receiver = receiver(file, place)
        .or_else(|| {
            let import = of_others().unwrap_or_else(|| Import::whole("posthog"));
            imports::ensure(file, &import, &mut edits)
        })
        .ok_or("there is no place for an import")?;
    let method = if request.variant.is_some() { "get_feature_flag" } else { "feature_enabled" };
    let key = constants::key(file, request, place.at, place.quote);
    let asks = format!("{receiver}.{method}");
    let call = format!("{asks}({key}, {id})");
    Ok(finished(file, request, place, Asking { call, is_awaited: false, asks }, edits))
}
