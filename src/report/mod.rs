//! What commands print: text for people, JSON for programs.

mod card;
mod findings;
mod frame;
mod reads;

pub use card::card_json;
pub use findings::{FindingRow, Report, report};
pub use reads::{Listing, listing, reads_text, relative};
