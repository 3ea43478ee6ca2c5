//! What one file says about flags: plain data, small enough to keep for every file, without text or tree.

use std::sync::Arc;

use super::Remarks;
use crate::flags::FlagKey;
use crate::text::Span;

/// The facts of one file. Reads and definitions are sorted by place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Places that evaluate a flag.
    pub reads: Vec<Read>,
    /// Constants, enum members and registry properties that hold a key.
    pub definitions: Vec<Definition>,
    /// Places that tell the variants of a flag apart.
    pub compared: Vec<Compared>,
    /// What comments say to Flagline, and secrets.
    pub remarks: Arc<Remarks>,
}

impl FileFacts {
    /// Whether the file says nothing.
    pub fn is_empty(&self) -> bool {
        self.reads.is_empty() && self.definitions.is_empty() && self.remarks.is_empty()
    }
}

/// A place in source code that evaluates a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The flag's key; `None` when the code decides at run time.
    pub key: Option<FlagKey>,
    /// How a dynamic key begins, when the code says so.
    pub prefix: Option<Box<str>>,
    /// The SDK's name of the method, hook or component, as written in the SDK (`isFeatureEnabled`).
    pub method: Box<str>,
    /// The expression that yields this key, quotes included; each branch of a ternary is a read of its own.
    pub key_span: Span,
    /// The whole call or element.
    pub call_span: Span,
    /// What the read gives.
    pub returns: Returns,
    /// Where the key comes from.
    pub key_from: KeyFrom,
    /// How the flag is reached.
    pub via: Via,
    /// Whether the receiver is known to be PostHog or only named like it.
    pub certainty: Certainty,
    /// The key is what the callers of this function pass: their calls are the reads that count.
    pub is_forwarded: bool,
}

impl Read {
    /// Whether PostHog is told of it: it is not of a payload's.
    pub fn is_told(&self) -> bool {
        self.returns != Returns::Payload
    }
}

/// What a read gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returns {
    /// true, false or not loaded.
    Boolean,
    /// The variant's key, or a boolean.
    Variant,
    /// The JSON payload.
    Payload,
    /// An object of key, enabled, variant and payload.
    Result,
}

/// Where the key of a read comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFrom {
    /// A string at the read.
    Literal,
    /// A constant.
    Constant,
    /// An enum member.
    Enum,
    /// The name of a property (`flags.x`) or a destructured name.
    PropertyName,
    /// A template or f-string.
    Template,
}

/// How a read reaches the flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// A method or function of the SDK.
    Call,
    /// A React, Vue or Nuxt hook.
    Hook,
    /// A component.
    Component,
    /// The object that `evaluateFlags` gives.
    Snapshot,
    /// An index into a map of flags.
    Map,
    /// A parameter of a callback.
    Callback,
    /// A function of the workspace round one of the above.
    Wrapper,
}

/// A place that compares what a flag serves with names of variants: `=== 'x'`, `switch`, `match`, a lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The flag's key.
    pub key: FlagKey,
    /// What is compared.
    pub span: Span,
    /// The names with their places, quotes included.
    pub variants: Vec<(Box<str>, Span)>,
    /// The names are cases, and nothing is done where none of them fits.
    pub is_open: bool,
}

/// How sure it is that a read belongs to PostHog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// The name needs no further evidence, or the receiver resolves to a PostHog client.
    Certain,
    /// The receiver is plainly named like a PostHog client, and nothing speaks against it.
    Inferred,
}

/// A constant, enum member or registry property that holds a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The key it holds.
    pub key: FlagKey,
    /// Its name, qualified inside its container (`FLAGS.NEW_NAV`).
    pub name: Box<str>,
    /// The expression that yields the key, quotes included.
    pub key_span: Span,
}
