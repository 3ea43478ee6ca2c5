//! What a framework hands from a function of the server to the page in the same file.

use super::Linker;
use super::value::*;
use crate::syntax::ir::{Export, Symbol};

impl Linker<'_> {
    /// The properties of a page of Next: `getServerSideProps` gives them as `props`.
    pub(super) fn page_props(&mut self, page: FunctionAt) -> Values {
        let Some(source) = self.given_by_file(page.file, &["getServerSideProps", "getStaticProps"]) else {
            return none();
        };
        let default = self.exported(page.file, Symbol::from("default"));
        if !default.iter().any(|it| matches!(it, Value::Function(function, _) if *function == page)) {
            return none();
        }
        let given = self.given_by_functions(&source);
        self.own_member(&given, Symbol::from("props"))
    }

    /// What `useLoaderData()` gives: what the `loader` of its file does.
    pub(super) fn loaded_for_page(&mut self, file: FileId) -> Option<Values> {
        let loader = self.given_by_file(file, &["loader", "clientLoader"])?;
        let given = self.given_by_functions(&loader);
        let says_anything = given.iter().any(|it| !it.is_blank() && !matches!(it, Value::Foreign));
        says_anything.then_some(given)
    }

    /// What a file exports by one of these names, if it does.
    fn given_by_file(&mut self, file: FileId, names: &[&str]) -> Option<Values> {
        let wanted: Vec<Symbol> = names.iter().map(|it| Symbol::from(it)).collect();
        let name = self.program.exports(file, &wanted).find_map(|it| match it.id {
            Export::Name { name, .. } if wanted.contains(name) => Some(*name),
            _ => None,
        })?;
        Some(self.exported(file, name))
    }

    /// What functions give that somebody calls for us.
    pub(super) fn given_by_functions(&mut self, functions: &Values) -> Values {
        let mut union = Union::default();
        for value in functions.iter() {
            if let Value::Function(function, _) = value {
                union.add(self.returned(*function));
            }
        }
        union.done()
    }
}
