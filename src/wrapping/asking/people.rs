//! Whom a flag is asked for on a server: the name in scope that is plainly a distinct id.

use super::Place;
use crate::removal::Kind;
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

/// The expression of the distinct id that is in scope at a place.
pub(super) fn distinct_id(file: &File, place: &Place) -> Option<String> {
    let in_scope = |name: &&(&str, &str)| {
        let binding = file.scopes.visible(name.0, place.at);
        binding.is_some_and(|it| it.kind != Kind::Import && place.has(it, place.at))
    };
    let (name, rest) = IDS.iter().find(in_scope)?;
    // As the file says it elsewhere.
    let said = format!("{name}.distinct_id");
    let rest = if *name == "user" && file.text.contains(&said) { ".distinct_id" } else { rest };
    Some(format!("{name}{rest}"))
}
