//! What commands print: text and a page for people, JSON for programs, and what CI systems read.

mod archive;
mod baseline;
mod card;
mod codes;
mod findings;
mod follow;
mod frame;
mod github;
mod gitlab;
mod identity;
mod junit;
mod launch;
mod moves;
mod reads;
mod removal;
mod review;
mod sarif;
mod status;

pub use archive::{ArchiveRow, CANNOT_ARCHIVE, archive_row, archive_table};
pub use baseline::{Baseline, NoBaseline};
pub use card::card_json;
pub use findings::{FindingRow, Report, report};
pub use follow::{followed_words, followers_json, followers_text, unfollowed_words};
pub use launch::{label as launch_label, launch_ending, launch_json, launch_plan, launch_whereto};
pub use moves::{move_json, move_lines, run_json, run_lines};
pub use reads::{Listing, listing, reads_text, relative};
pub use removal::{RemovalRow, removal_diff, removal_json};
pub use review::{measured_words, review_json, review_text};
pub use status::{StatusReport, status_html, status_json, status_markdown, status_text};
