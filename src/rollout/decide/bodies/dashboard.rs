use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::{Found, InsightKind, Slot, Target};
use super::{described, insights, marker};
use crate::feature::TAG;
use crate::feature::brief::{Metric, MetricKind};

/// Columns of a dashboard.
const COLUMNS: u64 = 12;
/// Rows that the text takes, and a graph.
const TEXT_ROWS: u64 = 4;
const GRAPH_ROWS: u64 = 5;

/// The text that stands beside the graphs.
pub(in super::super) struct TileText {
    /// The number of its tile.
    pub id: u64,
    /// Markdown.
    pub body: String,
}

/// The dashboard.
pub(in super::super) fn dashboard(target: &Target) -> Value {
    let brief = &target.brief;
    json!({
        "name": dashboard_name(target),
        "description": described(brief.hypothesis.as_deref().unwrap_or_default(), &brief.key),
        "tags": [TAG, format!("flag:{}", brief.key)],
    })
}

/// Its name, which no other feature has: some servers know no tags.
pub(in super::super) fn dashboard_name(target: &Target) -> String {
    let (title, key) = (target.brief.title(), target.key());
    if title == key { format!("Feature: {key}") } else { format!("Feature: {title} ({key})") }
}

/// The text that is there, found by its marker.
pub(in super::super) fn text_tile(dashboard: &Value, key: &str) -> Option<TileText> {
    let tiles = dashboard["tiles"].as_array()?.iter();
    tiles.filter(|it| it["deleted"] != true).find_map(|it| {
        let body = it["text"]["body"].as_str().filter(|it| it.contains(&marker(key)))?;
        Some(TileText { id: it["id"].as_u64()?, body: body.to_owned() })
    })
}

/// Where everything stands, and the text; `None` while the dashboard is missing.
pub(in super::super) fn layout(target: &Target, found: &Found) -> Option<Value> {
    let dashboard = found.objects.get(&Slot::Dashboard)?;
    let mut tiles = Vec::new();
    let text = text(target, found);
    let place = |x: u64, y: u64, w: u64, h: u64| json!({ "sm": { "x": x, "y": y, "w": w, "h": h } });
    let mut of_text = json!({ "text": { "body": text }, "layouts": place(0, 0, COLUMNS, TEXT_ROWS) });
    if let Some(there) = text_tile(dashboard, target.key()) {
        of_text["id"] = there.id.into();
    }
    tiles.push(of_text);
    for (at, kind) in insights(target).into_iter().enumerate() {
        let Some(id) = found.id(&Slot::Insight(kind)) else { continue };
        let own = |it: &&Value| it["insight"]["id"] == id;
        let Some(tile) = dashboard["tiles"].as_array().into_iter().flatten().find(own) else { continue };
        let (column, row) = (at as u64 % 2, at as u64 / 2);
        let half = COLUMNS / 2;
        tiles.push(json!({
            "id": tile["id"],
            "layouts": place(column * half, TEXT_ROWS + row * GRAPH_ROWS, half, GRAPH_ROWS),
        }));
    }
    Some(json!({ "tiles": tiles }))
}

/// What the feature is for, and where everything about it is.
fn text(target: &Target, found: &Found) -> String {
    let brief = &target.brief;
    let mut text = format!("### {}\n\n", brief.title());
    for part in [&brief.description, &brief.hypothesis].into_iter().flatten() {
        let _ = write!(text, "{}\n\n", part.trim());
    }
    if let Some(metric) = &brief.metric {
        let _ = write!(text, "**Key metric**: {}\n\n", metric_words(metric));
    }
    let stages: Vec<String> =
        target.plan.stages.iter().map(|it| format!("{} ({})", it.name, it.audience)).collect();
    let _ = write!(text, "**Plan**: {}\n\n", stages.join(" → "));
    if let Some(owner) = &brief.owner {
        let _ = write!(text, "**Owner**: {owner}\n\n");
    }
    let _ = write!(text, "{}\n\n{}", links(target, found).join(" · "), marker(&brief.key));
    text
}

/// Whether a text is there as it was written, but for links to what is there only now.
pub(in super::super) fn only_links_more(wanted: &str, there: &str) -> bool {
    fn parts(text: &str) -> Option<(&str, Vec<&str>, &str)> {
        let (before, marker) = text.rsplit_once("\n\n")?;
        let (before, links) = before.rsplit_once("\n\n")?;
        Some((before, links.split(" · ").collect(), marker))
    }
    let (Some(wanted), Some(there)) = (parts(wanted), parts(there)) else { return false };
    (wanted.0, wanted.2) == (there.0, there.2) && there.1.iter().all(|it| wanted.1.contains(it))
}

fn metric_words(metric: &Metric) -> String {
    let target = metric.target.map(|it| format!(", target {it}")).unwrap_or_default();
    let by = metric.by.map(|it| format!(" by {it}")).unwrap_or_default();
    format!("{}{target}{by}", metric.title())
}

fn links(target: &Target, found: &Found) -> Vec<String> {
    let mut links = Vec::new();
    let mut link = |title: &str, path: Option<String>| {
        links.extend(path.map(|it| format!("[{title}]({})", target.page(it))));
    };
    link("Flag", found.flag.as_ref().map(|it| format!("feature_flags/{}", it.id)));
    link(
        "Experiment",
        found.id(&Slot::Experiment).filter(|_| target.is_test()).map(|it| format!("experiments/{it}")),
    );
    for (slot, object) in &found.objects {
        if let (Slot::Playlist(variant), Some(id)) = (slot, object["short_id"].as_str()) {
            let title = variant.as_ref().map_or("Recordings".to_owned(), |it| format!("Recordings of {it}"));
            link(&title, Some(format!("replay/playlists/{id}")));
        }
    }
    let funnel = target.brief.metric.as_ref().is_some_and(|it| it.kind == MetricKind::Funnel);
    let insight = found.text_id(&Slot::Insight(InsightKind::Metric), "short_id").filter(|_| funnel);
    // The page of a funnel has its correlation analysis below the graph.
    link("Correlation analysis of the funnel", insight.map(|it| format!("insights/{it}")));
    link("Interview invitation", found.text_id(&Slot::Survey, "id").map(|it| format!("surveys/{it}")));
    links
}
