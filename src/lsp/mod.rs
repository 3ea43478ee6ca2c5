//! The language server: the protocol in, snapshots and plain structs between, the protocol out.
//!
//! Rules that keep tower-lsp sound: notifications of documents change all state before their first await, and
//! have none; requests take their snapshot first; nobody awaits the client or the network inside a handler;
//! guards never leave a method; nothing but the pump prints to stdout; a panic is caught by the service.

mod account;
mod backend;
mod brief;
mod capabilities;
mod clean;
pub mod client;
mod commands;
mod convert;
mod create;
mod feature;
mod follow;
mod launch;
mod moves;
mod new_feature;
mod news;
mod parent;
mod pick;
mod progress;
mod publish;
mod review;
mod service;
mod session;
mod status;
mod status_page;
mod toml;

pub use service::serve;
