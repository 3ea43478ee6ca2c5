//! `flagline.review`: shows what came of a feature, asks for a word on it, and writes that down.

use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use tower_lsp::lsp_types::{MessageType, Url};

use super::commands::{apply_edit, open_file};
use super::convert;
use super::feature::brief_to_write;
use super::launch::begin;
use super::session::Session;
use crate::config::Config;
use crate::feature::brief::{Outcome, Verdict, file_name, outcome_edit};
use crate::flags::FlagKey;
use crate::posthog::{disk, replace_private};
use crate::removal::{Edit, FileChange};
use crate::report::{measured_words, review_text};
use crate::rollout::review::{Reviewed, note_outcome};
use crate::workspace::FoundBrief;

/// A feature to review, and the document that decides whose it is.
#[derive(Deserialize)]
pub(super) struct ToReview {
    key: String,
    uri: Option<Url>,
}

const SHOW: &str = "Show Numbers";
const VERDICTS: [(&str, Verdict); 3] =
    [("Nailed", Verdict::Nailed), ("Scraped", Verdict::Scraped), ("Failed", Verdict::Failed)];

/// Reviews a feature and says what came of it.
pub(super) async fn run(session: &Session, wanted: ToReview) {
    let key = FlagKey::from(wanted.key.as_str());
    if let Err(why) = review(session, &key, wanted.uri.as_ref()).await {
        session.answer(MessageType::ERROR, &format!("'{key}' is not reviewed: {why}")).await;
    }
}

async fn review(session: &Session, key: &FlagKey, uri: Option<&Url>) -> Result<(), String> {
    let (config, FoundBrief { path, brief }) = brief_to_write(session, key, uri)?;
    let progress = begin(session, &format!("Reviewing '{key}'")).await;
    let reviewed = Reviewed::load(&config, brief, Timestamp::now()).await;
    if let Some(progress) = progress {
        progress.end(None).await;
    }
    let reviewed = reviewed.map_err(|it| it.to_string())?;
    show(session, &reviewed).await?;
    loop {
        let Some(chosen) = ask(session, &reviewed).await else { return Ok(()) };
        if chosen == SHOW {
            show(session, &reviewed).await?;
            continue;
        }
        let Some((_, verdict)) = VERDICTS.into_iter().find(|it| it.0 == chosen) else { return Ok(()) };
        let outcome = Outcome { verdict, measured: measured_words(&reviewed) };
        return record(session, &config, &reviewed, &path, &outcome).await;
    }
}

/// The whole review as a file that the editor can show.
async fn show(session: &Session, reviewed: &Reviewed) -> Result<(), String> {
    let folder = disk::folder().ok_or("there is no cache folder to write the review to")?;
    // Signing out deletes what lies there.
    let name = format!("review-{}", file_name(&reviewed.brief.flag()));
    let path = disk::pages(&folder).join(name).with_extension("txt");
    let text = review_text(reviewed);
    replace_private(&path, text.as_bytes()).map_err(|it| format!("the review cannot be written: {it}"))?;
    if !open_file(session, &path).await {
        session.answer(MessageType::INFO, &format!("the review is in {}", path.display())).await;
    }
    Ok(())
}

/// Asks for a word; what stands in the brief already is said, and choosing a word puts it in that place.
async fn ask(session: &Session, reviewed: &Reviewed) -> Option<String> {
    let key = &reviewed.brief.key;
    let measured = measured_words(reviewed).map(|it| format!(" {it}.")).unwrap_or_default();
    let early = if reviewed.is_due() { "" } else { " It is not due yet; these are the numbers so far." };
    let question = match &reviewed.brief.outcome {
        Some(outcome) => format!(" Its brief says: {outcome}. Is it something else now?"),
        None => " What came of it?".to_owned(),
    };
    let question = format!("'{key}':{measured}{early}{question}");
    let choices: Vec<&str> = VERDICTS.into_iter().map(|it| it.0).chain([SHOW]).collect();
    session.ask(MessageType::INFO, &question, &choices).await
}

/// The brief first: what stands there is what the team sees, and a note can be written again.
async fn record(
    session: &Session,
    config: &Config,
    reviewed: &Reviewed,
    path: &Path,
    outcome: &Outcome,
) -> Result<(), String> {
    let key = &reviewed.brief.key;
    if !write(session, path, key, outcome).await? {
        return Ok(());
    }
    let environment = config.environments.first().ok_or("no environment is set")?;
    let project = &reviewed.project.name;
    match note_outcome(environment, &reviewed.brief, outcome, reviewed.now).await {
        Ok(_) => {
            let message =
                format!("'{key}': {outcome}. It stands in its brief, and on the graphs of {project}.");
            session.answer(MessageType::INFO, &message).await;
        }
        Err(why) => {
            let message = format!(
                "'{key}': {outcome}. It stands in its brief, and not on the graphs of {project}: {why}; review it again then"
            );
            session.answer(MessageType::WARNING, &message).await;
        }
    }
    Ok(())
}

/// Has the client change the brief, which may be open and unsaved. Whether it did; why not is told.
async fn write(session: &Session, path: &Path, key: &str, outcome: &Outcome) -> Result<bool, String> {
    let workspace = &session.workspace;
    let text = workspace.settings_text(path).ok_or("its brief cannot be read")?;
    let (range, with) = outcome_edit(text.as_str(), outcome)?;
    if range.is_empty() && with.is_empty() {
        return Ok(true);
    }
    let (address, version) = workspace.address_of(path).ok_or("its brief cannot be changed")?;
    let change = FileChange::Edited(vec![Edit { range, text: with }]);
    let label = format!("Outcome of '{key}'");
    let edit = convert::removal_edit(&label, &[(address, version, text, change)], &session.caps);
    Ok(apply_edit(session, label, edit).await)
}
