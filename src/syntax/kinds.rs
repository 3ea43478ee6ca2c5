//! The kinds of a grammar's nodes as an enum. A node's kind is a number; its name is a string that would be
//! compared with dozens of others for each node of a file.

/// Declares `Kind`, with the names of the kinds in the grammar; after a semicolon those of words and signs, which
/// may be the name of a node as well. A kind that is not listed is `Kind::Other`.
macro_rules! kinds {
    ($($kind:ident $name:literal,)* $(; $($token:ident $text:literal,)*)?) => {
        /// A kind of node.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind { $($kind,)* $($($token,)*)? Other }

        impl Kind {
            /// The kinds of a grammar by number.
            pub fn table(grammar: &tree_sitter::Language) -> Vec<Kind> {
                let named = |id: u16| match (grammar.node_kind_is_named(id), grammar.node_kind_for_id(id)) {
                    $((true, Some($name)) => Kind::$kind,)*
                    $($((false, Some($text)) => Kind::$token,)*)?
                    _ => Kind::Other,
                };
                (0..grammar.node_kind_count() as u16).map(named).collect()
            }
        }
    };
}

pub(super) use kinds;
