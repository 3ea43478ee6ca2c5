//! Whom a flag is asked for on a server: the name in scope that is plainly a distinct id.

use super::Place;
use crate::removal::{Binding, Kind};
use crate::wrapping::file::File;

/// Names and what of them is the id, the best first.
const IDS: [(&str, &str); 7] = [
    ("distinct_id", ""),
    ("distinctId", ""),
    ("user_id", ""),
    ("userId", ""),
    ("current_user", ".id"),
    ("user", ".id"),
    ("request", ".user.id"),
];

/// Types of ids.
const PLAIN: [&str; 10] =
    ["str", "int", "UUID", "uuid", "string", "number", "Optional", "None", "null", "undefined"];

/// Frameworks whose requests have no user of their own.
const WITHOUT_USERS: [&str; 6] = ["fastapi", "starlette", "flask", "aiohttp", "sanic", "litestar"];

/// The expression of the distinct id that is in scope at a place.
pub(super) fn distinct_id(file: &File, place: &Place) -> Option<String> {
    let in_scope = |it: &(&'static str, &'static str)| {
        let binding = file.scopes.visible(it.0, place.at)?;
        let is_there = binding.kind != Kind::Import && place.has(binding, place.at);
        let is_known = it.0 != "request" || has_user(file, binding);
        (is_there && is_known).then_some((it.0, it.1, binding))
    };
    let (name, rest, binding) = IDS.iter().find_map(in_scope)?;
    // As the file says it elsewhere.
    let said = format!("{name}.distinct_id");
    let rest = match name {
        _ if is_plain(annotation(file, binding)) => "",
        "user" if file.text.contains(&said) => ".distinct_id",
        _ => rest,
    };
    Some(format!("{name}{rest}"))
}

/// Whether a request knows its user, as those of Django do.
fn has_user(file: &File, binding: &Binding) -> bool {
    let of_type = annotation(file, binding);
    let is_django = of_type.is_empty() || of_type.contains("HttpRequest") || file.has_word("rest_framework");
    file.is_python() && is_django && !WITHOUT_USERS.iter().any(|it| file.has_word(it))
}

/// The type that a name is said to have.
fn annotation<'a>(file: &File<'a>, binding: &Binding) -> &'a str {
    let rest = file.text.get(binding.name.end..binding.declaration.end).unwrap_or_default();
    let of_type = rest.trim_start_matches('?').trim_start().strip_prefix(':').unwrap_or_default();
    of_type.split('=').next().unwrap_or_default().trim()
}

/// Whether a type is that of an id and not of somebody who has one.
fn is_plain(of_type: &str) -> bool {
    let mut words = of_type.split(|it: char| !it.is_alphanumeric() && it != '_').filter(|it| !it.is_empty());
    !of_type.is_empty() && words.all(|it| PLAIN.contains(&it))
}
