//! `flagline.clean`: removes a flag from all files of the workspace, by one edit that the client applies.

use jiff::Timestamp;
use tower_lsp::lsp_types::{MessageType, Url};

use super::commands::{apply_edit, config_of};
use super::convert;
use super::feature::{brief_near, config_of_brief};
use super::session::Session;
use crate::analysis;
use crate::config::Config;
use crate::feature::Value;
use crate::flags::FlagKey;
use crate::posthog::Error;
use crate::removal::{FileChange, Removal, Request, World as _, plan};
use crate::rollout;
use crate::text::Text;
use crate::workspace::CodeWorld;

/// Removes a flag and says what came of it. `keep` is `on`, `off` or a variant.
pub(super) async fn run(session: &Session, key: &str, keep: Option<&str>, uri: Option<&Url>) {
    let key = FlagKey::from(key);
    let mirror = session.workspace.mirror_of(&config_of(session, uri));
    let kept = match analysis::keep(&mirror, &key, keep.map(Value::from)) {
        Ok(keep) => keep.kept,
        Err(why) => {
            return session.answer(MessageType::WARNING, &format!("'{key}' is not removed: {why}")).await;
        }
    };
    let world = session.workspace.code_world();
    let value = kept.value.clone();
    // It reads files, which takes its time.
    let planned = tokio::task::spawn_blocking({
        let key = key.clone();
        move || {
            let request =
                Request { key: key.as_str(), kept, whole: false, within: Vec::new(), partly: false };
            let removal = plan(&world, &request);
            (world, removal)
        }
    });
    let Ok((world, removal)) = planned.await else { return };
    if let Some((path, refusal)) = removal.refusals.first() {
        let at = place(&world, path, refusal.range.start);
        let more = removal.refusals.len() - 1;
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        let message = format!("'{key}' is not removed, nothing was changed: {at}: {}{more}", refusal.reason);
        return session.answer(MessageType::WARNING, &message).await;
    }
    if removal.files.is_empty() {
        return session.answer(MessageType::INFO, &format!("nothing reads '{key}'")).await;
    }
    let label = format!("Remove flag '{key}' (keep {value})");
    let edit = {
        let files = removal.files.iter().filter_map(|(path, change)| {
            let (uri, version) = session.workspace.address_of(path)?;
            let text = Text::new(world.text(path)?.1.to_string());
            Some((uri, version, text, change.clone()))
        });
        convert::removal_edit(&label, &files.collect::<Vec<_>>(), &session.caps)
    };
    if apply_edit(session, label, edit).await {
        let message = outcome(&world, &key, &value, &removal);
        let brief =
            bury_brief(session, &key, &value, uri).await.map(|it| format!(" {it}")).unwrap_or_default();
        session.answer(MessageType::INFO, &(message + &brief)).await;
    }
}

/// Deletes the brief of a flag that was removed, once its outcome stands in PostHog. Returns what came of it.
async fn bury_brief(session: &Session, key: &FlagKey, keep: &Value, uri: Option<&Url>) -> Option<String> {
    let found = match brief_near(session, key, uri) {
        Ok(found) => found?,
        Err(why) => return Some(format!("Its brief stays: {why}")),
    };
    if let Err(why) = write_down(&config_of_brief(session, &found, uri), &found.brief.epitaph(keep)).await {
        return Some(format!("Its brief stays: the outcome could not be written to PostHog ({why})"));
    }
    let (address, version) = session.workspace.address_of(&found.path)?;
    let text = session.workspace.settings_text(&found.path).unwrap_or_else(|| Text::new(""));
    let label = format!("Delete the brief of '{key}'");
    let edit = convert::removal_edit(&label, &[(address, version, text, FileChange::Deleted)], &session.caps);
    let is_gone = apply_edit(session, label, edit).await;
    is_gone.then(|| "Its brief is deleted, and the outcome stands on the project's graphs.".to_owned())
}

async fn write_down(config: &Config, epitaph: &str) -> Result<(), Error> {
    let not_possible = |why: &str| Error::Settings(why.into());
    let environment = config.environments.first().ok_or_else(|| not_possible("no environment is set"))?;
    if config.read_only {
        return Err(not_possible("this workspace is not trusted, so nothing is written to PostHog"));
    }
    rollout::retire(environment, epitaph, Timestamp::now()).await
}

fn place(world: &CodeWorld, path: &std::path::Path, at: usize) -> String {
    let text = Text::new(world.text(path).map(|it| it.1.to_string()).unwrap_or_default());
    let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{name}:{}", text.point(at).line + 1)
}

/// What was done, and where to look.
fn outcome(world: &CodeWorld, key: &FlagKey, value: &Value, removal: &Removal) -> String {
    let n = removal.files.len();
    let files = if n == 1 { "1 file".to_owned() } else { format!("{n} files") };
    let places: Vec<String> =
        removal.leftovers.iter().map(|(path, it)| place(world, path, it.range.start)).collect();
    let look = match places.len() {
        0 => String::new(),
        1..4 => format!("; look at {}", places.join(", ")),
        n => format!("; look at {} and {} other places", places[..3].join(", "), n - 3),
    };
    format!(
        "'{key}' (keep {value}) is removed from {files}{look}. Save them, run the tests, deploy, then: flagline archive {key}"
    )
}
