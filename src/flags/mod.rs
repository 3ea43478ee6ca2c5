//! Flags as plain data.

mod key;

pub use key::FlagKey;
