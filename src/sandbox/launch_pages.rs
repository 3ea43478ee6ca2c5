//! The pages of what a launch makes beside the flag and its dashboard: playlists and surveys, and the lists of those,
//! of alerts and of hog functions on the home page.

use serde_json::Value;

use super::pages::{escape, link, page, table};
use super::playlists::Playlist;
use super::surveys::Survey;
use super::world::World;

/// The lists on the home page; what there is none of is left out.
pub(super) fn lists(world: &World) -> String {
    let playlists = world.playlists.iter().filter(|it| !it.deleted);
    let playlists =
        playlists.map(|it| vec![playlist_link(it), escape(it.kind.as_deref().unwrap_or_default())]);
    let surveys = world.surveys.iter().map(|it| vec![survey_link(it), it.status().to_owned()]);
    let alerts = world.alerts.iter().map(|it| {
        let insight = world.insights.iter().find(|insight| insight.id == it.insight);
        let insight = insight.map_or_else(String::new, |it| link("insights", &it.short_id, &it.name));
        vec![escape(&it.name), insight, if it.enabled { "on" } else { "off" }.to_owned()]
    });
    let functions = world.hog_functions.iter().filter(|it| !it.deleted);
    let functions = functions.map(|it| {
        let on = if it.enabled { "on" } else { "off" };
        vec![escape(&it.name), escape(&it.kind), escape(it.template.id), on.to_owned()]
    });
    [
        list("Recordings", &["Name", "Type"], playlists.collect()),
        list("Surveys", &["Name", "Status"], surveys.collect()),
        list("Alerts", &["Name", "Insight", ""], alerts.collect()),
        list("Hog functions", &["Name", "Type", "Template", ""], functions.collect()),
    ]
    .concat()
}

fn list(title: &str, head: &[&str], rows: Vec<Vec<String>>) -> String {
    match rows.is_empty() {
        true => String::new(),
        false => format!("<h2>{}</h2>{}", escape(title), table(head, rows)),
    }
}

fn playlist_link(playlist: &Playlist) -> String {
    link("replay/playlists", &playlist.short_id, &playlist.name)
}

fn survey_link(survey: &Survey) -> String {
    link("surveys", &survey.id, &survey.name)
}

/// The surveys that are linked to a flag.
pub(super) fn of_flag(world: &World, flag: u64) -> String {
    let linked = world.surveys.iter().filter(|it| it.linked_flag == Some(flag));
    list(
        "Surveys",
        &["Name", "Status"],
        linked.map(|it| vec![survey_link(it), it.status().to_owned()]).collect(),
    )
}

/// A playlist: what it looks for, since there are no recordings.
pub(super) fn playlist(playlist: &Playlist) -> String {
    let body = format!("<p>{}</p>{}", escape(&playlist.description), json("Filters", &playlist.filters));
    page(&playlist.name, &body)
}

/// A survey: whom it asks what.
pub(super) fn survey(world: &World, survey: &Survey) -> String {
    let mut body = format!("<p>{}</p><p>{}</p>", escape(&survey.description), survey.status());
    if let Some(flag) = world.flags.iter().find(|it| Some(it.id) == survey.linked_flag) {
        body += &format!("<p>Flag {}</p>", link("feature_flags", flag.id, &flag.state.key));
    }
    for question in survey.questions.as_array().into_iter().flatten() {
        body += &format!("<p>{}</p>", escape(question["question"].as_str().unwrap_or_default()));
    }
    page(&survey.name, &(body + &json("Conditions", &survey.conditions)))
}

fn json(title: &str, value: &Value) -> String {
    let shown = serde_json::to_string_pretty(value).unwrap_or_default();
    format!("<details open><summary>{}</summary><pre>{}</pre></details>", escape(title), escape(shown))
}
