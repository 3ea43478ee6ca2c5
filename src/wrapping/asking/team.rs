//! The functions of the team that `flagline.toml` describes, where nobody calls them nearby.

use super::{Ask, Asking, Place, constants, declare, finished};
use crate::syntax::{Returns, Wrapper};
use crate::wrapping::Request;
use crate::wrapping::edits::Edits;
use crate::wrapping::file::File;
use crate::wrapping::functions::is_hook_name;
use crate::wrapping::imports::{self, Import};

/// Asks a function that only takes the key: of others it is not known what else they are given.
pub(super) fn ask(file: &File, request: &Request, place: &Place) -> Option<Ask> {
    // On servers there is somebody to ask for.
    if file.is_python() || place.server.is_some() {
        return None;
    }
    let wanted = if request.variant.is_some() { Returns::Variant } else { Returns::Boolean };
    let fits = |it: &&Wrapper| it.returns == Some(wanted) && is_callable(it, place);
    let wrapper = request.names.wrappers.iter().find(fits)?;
    let mut edits = Edits::default();
    let import = Import::named(wrapper.module.as_deref()?, &wrapper.name);
    let local = imports::ensure(file, &import, &mut edits)?;
    let at = place.component.map_or(Some(place.at), |it| declare::place(file, it))?;
    let quote = if place.component.is_some() { file.style.quote } else { place.quote };
    let key = constants::key(file, request, at, quote);
    let call = match &wrapper.key {
        Some(name) => format!("{local}({{ {name}: {key} }})"),
        None => format!("{local}({key})"),
    };
    Some(finished(file, request, place, Asking { call, is_awaited: false, asks: local }, edits))
}

/// Whether it can be called at a place with nothing but the key: a hook in a component, another function elsewhere.
fn is_callable(wrapper: &Wrapper, place: &Place) -> bool {
    let is_name =
        |it: &str| !it.is_empty() && it.chars().all(|it| it.is_alphanumeric() || matches!(it, '_' | '$'));
    let module = wrapper.module.as_deref().unwrap_or_default();
    // A relative module means another file in each folder.
    is_name(&wrapper.name)
        && wrapper.name.starts_with(char::is_lowercase)
        && wrapper.key.as_deref().is_none_or(is_name)
        && wrapper.argument.is_none_or(|it| it == 0)
        && !module.is_empty()
        && !module.starts_with('.')
        && is_hook_name(&wrapper.name) == place.component.is_some()
}
