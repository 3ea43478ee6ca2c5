//! A feature from brief to review: what is sent, what happens when somebody is killed at any point, and what is refused.

#![cfg(test)]

mod bench;
mod docs;
mod editor;
mod interleaved;
mod killed;
mod moved;
mod owed;
#[path = "../support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
mod recorded;
mod refused;
mod renamed;
mod story;
#[path = "../support/terminal.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod terminal;
mod town;
