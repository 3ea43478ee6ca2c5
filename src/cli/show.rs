use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::Context as _;
use jiff::Timestamp;

use super::{Format, configuration, print, print_json, stored_keys};
use crate::analysis::{self, Markup, State};
use crate::flags::FlagKey;
use crate::posthog::disk;
use crate::posthog::refresh::{self, Wanted};
use crate::report;

pub(super) async fn run(key: &str, format: Format) -> anyhow::Result<ExitCode> {
    let key = FlagKey::from(key);
    let keys = BTreeSet::from([key.clone()]);
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let config = configuration(&directory, stored_keys())?;
    let mirror =
        refresh::once(&config, disk::folder(), &keys, &BTreeSet::new(), Wanted::Exposure).await.mirror;
    let now = Timestamp::now();
    let card = analysis::card(&mirror, &key, now);
    match format {
        Format::Text => print(&format!("{}\n", analysis::render(&card, Markup::Plain, now)))?,
        Format::Json => print_json(&report::card_json(&card))?,
    }
    Ok(ExitCode::from(match card.state {
        State::Known(_) => 0,
        State::Unknown { .. } => 1,
        State::NotLoaded => 2,
    }))
}
