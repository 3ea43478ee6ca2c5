//! Letting a person choose one of many: a list of the client's own, or else a question with a few answers.

use serde::{Deserialize, Serialize};
use tower_lsp::lsp_types::MessageType;
use tower_lsp::lsp_types::request::Request;

use super::session::Session;
use crate::analysis::plain;

/// A question with more answers than that is no question any more.
const MOST: usize = 8;

/// Asks the client for one of the items, by its place; `null` = none.
enum Pick {}

impl Request for Pick {
    type Params = Choices;
    type Result = Option<usize>;
    const METHOD: &'static str = "flagline/pick";
}

#[derive(Debug, Serialize, Deserialize)]
struct Choices {
    title: String,
    items: Vec<Item>,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) label: String,
    /// What there is to know of it, possibly nothing.
    pub(super) description: String,
}

/// The place of the item that somebody chose. `more` says, to clients that show few of them, where the others are.
pub(super) async fn pick(session: &Session, title: &str, items: Vec<Item>, more: &str) -> Option<usize> {
    let items: Vec<Item> = items
        .into_iter()
        .map(|it| Item { label: plain(&it.label), description: plain(&it.description) })
        .collect();
    if session.caps.pick {
        let n_items = items.len();
        let choices = Choices { title: plain(title), items };
        let chosen = session.client.send_request::<Pick>(choices).await.ok().flatten();
        return chosen.filter(|it| *it < n_items);
    }
    let more = if items.len() > MOST { format!(" {more}") } else { String::new() };
    let choices: Vec<&str> = items.iter().take(MOST).map(|it| &*it.label).collect();
    let chosen = session.ask(MessageType::INFO, &format!("{title}{more}"), &choices).await?;
    items.iter().position(|it| it.label == chosen)
}
