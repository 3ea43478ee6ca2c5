//! What commands print: text for people, JSON for programs.

mod card;
mod reads;

pub use card::card_json;
pub use reads::{Listing, listing, reads_text, relative};
