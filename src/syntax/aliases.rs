//! What else a file calls the SDK's words and their results.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::scan::{Found, Scan};
use super::scope::{BindingId, ScopeId};
use super::words::Table;

/// Names that hold a map or list of flags.
pub(super) type Maps = HashMap<BindingId, Found>;

/// Local names of calls, as in `{ isFeatureEnabled: isOn }` and `feature_enabled as enabled`, and of maps.
#[derive(Default)]
pub(super) struct Aliases<'t> {
    /// Names to look for, with their scopes.
    pub found: HashSet<(&'t str, ScopeId)>,
    pub maps: Maps,
}

impl<'t> Aliases<'t> {
    /// Takes note of a name, unless it is one of the SDK's words: those are found anyway.
    pub fn add(&mut self, scan: &Scan<'t>, table: &Table, name: Option<Node<'t>>, scope: ScopeId) {
        if let Some(name) = name.filter(|it| it.kind() == "identifier")
            && table.call(scan.of(name)).is_none()
        {
            self.found.insert((scan.of(name), scope));
        }
    }
}
