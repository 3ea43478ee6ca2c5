use memchr::memmem;

use super::words;

/// Names that a team adds to those of the SDK, in its settings. What is said here needs no other evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Variables and properties that hold a PostHog client.
    pub clients: Vec<Box<str>>,
    /// Functions, methods, hooks and components that take a flag's key: first argument, or `flag` of a component.
    pub wrappers: Vec<Box<str>>,
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
        self.wrappers.iter().any(|it| !it.is_empty() && mentions(it))
    }
}
