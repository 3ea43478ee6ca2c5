use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The key of a flag. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlagKey(Arc<str>);

impl FlagKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether PostHog would take this key for a new flag: 1 to 400 of `a-z A-Z 0-9 _ -` (posthog-api 2.1).
    pub fn is_valid(&self) -> bool {
        (1..=400).contains(&self.0.len())
            && self.0.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'-')
    }
}

impl From<&str> for FlagKey {
    fn from(key: &str) -> FlagKey {
        FlagKey(key.into())
    }
}

impl Borrow<str> for FlagKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FlagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FlagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
