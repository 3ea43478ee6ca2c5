use memchr::memmem;

use super::{Returns, words};

/// Names that a team adds to those of the SDK, in its settings. What is said here needs no other evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Variables and properties that hold a PostHog client.
    pub clients: Vec<Box<str>>,
    /// Functions, methods, hooks, components and decorators that take a flag's key.
    pub wrappers: Vec<Wrapper>,
}

/// A function that takes a flag's key, of which nothing else is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wrapper {
    /// What it is called by.
    pub name: Box<str>,
    /// What it is imported from; a package also stands for the modules in it.
    pub module: Option<Box<str>>,
    /// The argument, field or attribute that is the key. Without one and without a position: `key`, `flag`,
    /// `flag_key` or `flagKey`, or the first argument.
    pub key: Option<Box<str>>,
    /// The position of the key among the arguments, from 0.
    pub argument: Option<u32>,
    /// What it gives; of an unknown one a variant.
    pub returns: Option<Returns>,
}

impl Wrapper {
    /// A function of this name.
    pub fn named(name: &str) -> Wrapper {
        Wrapper { name: name.into(), ..Wrapper::default() }
    }
}

impl Names {
    /// Whether a variable or property of this name is a client.
    pub(crate) fn is_client(&self, name: &str) -> bool {
        self.clients.iter().any(|it| **it == *name)
    }

    /// Whether a text mentions a wrapper.
    pub(super) fn mentions_wrapper(&self, text: &[u8]) -> bool {
        let mentions = |name: &str| {
            memmem::find_iter(text, name).any(|at| words::word_around(text, at) == (at..at + name.len()))
        };
        self.wrappers.iter().any(|it| !it.name.is_empty() && mentions(&it.name))
    }
}
