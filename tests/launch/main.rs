//! `flagline launch`: what it sends, what it does when it is killed at any point, and what is refused.

#![cfg(test)]

mod bench;
mod killed;
#[path = "../support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
mod recorded;
mod refused;
#[path = "../support/terminal.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod terminal;
