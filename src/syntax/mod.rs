//! One file: its language, its tree, and the facts that are read from it.

pub mod facts;

pub use facts::{Certainty, Definition, FileFacts, KeyFrom, Read, Returns, Via};
