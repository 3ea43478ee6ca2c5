//! Plain pages, so that links to flags and dashboards lead somewhere. No script; everything is escaped, since
//! names come from whoever wrote the flag.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use serde_json::Value;

use super::dashboards::{Content, Dashboard};
use super::events::FLAG_CALLED;
use super::experiments::Experiment;
use super::flag::Flag;
use super::insights::Insight;
use super::launch_pages;
use super::panel;
use super::reply::{Problem, Reply, Request, Result};
use super::server::Inner;
use super::targeting::{Filters, Property, text};
use super::world::World;
use super::{API_KEY, PROJECT_ID, PROJECT_TOKEN};

/// Answers a browser.
pub(super) fn route(inner: &Inner, request: &Request, segments: &[&str]) -> Result {
    let world = &inner.world;
    let own = PROJECT_ID.to_string();
    let rest = match segments {
        [] => return Ok(Reply::html(home(inner, request))),
        ["project", project, rest @ ..] if *project == own => rest,
        _ => return Err(Problem::missing("Project not found.")),
    };
    let id = |it: &str| it.parse::<u64>().map_err(|_| Problem::not_found());
    let page = match rest {
        [] | ["feature_flags" | "dashboard" | "insights" | "experiments" | "surveys" | "replay"] => {
            home(inner, request)
        }
        ["feature_flags", it] => {
            let id = id(it)?;
            flag(world, world.flags.iter().find(|it| it.id == id).ok_or_else(Problem::not_found)?)
        }
        ["dashboard", it] => {
            let id = id(it)?;
            let found = world.dashboards.iter().find(|it| it.id == id && !it.deleted);
            dashboard(world, found.ok_or_else(Problem::not_found)?)
        }
        ["insights", it] => {
            let found = world.insights.iter().find(|insight| insight.short_id == *it && !insight.deleted);
            insight(world, found.ok_or_else(Problem::not_found)?)
        }
        // Its flag's page says all there is.
        ["early_access_features", it] => {
            let found = world.flags.iter().find(|flag| {
                let features = super::early_access::of_flag(world, flag.id, &flag.state.key);
                features.iter().any(|feature| feature["id"] == **it)
            });
            flag(world, found.ok_or_else(Problem::not_found)?)
        }
        ["experiments", it] => {
            let id = id(it)?;
            let found = world.experiments.iter().find(|it| it.id == id && !it.deleted);
            experiment(world, found.ok_or_else(Problem::not_found)?)
        }
        ["replay", "playlists", it] => {
            let found = world.playlists.iter().find(|list| list.short_id == *it && !list.deleted);
            launch_pages::playlist(found.ok_or_else(Problem::not_found)?)
        }
        ["surveys", it] => {
            let found = world.surveys.iter().find(|survey| survey.id == *it);
            launch_pages::survey(world, found.ok_or_else(Problem::not_found)?)
        }
        _ => return Err(Problem::not_found()),
    };
    Ok(Reply::html(page))
}

/// What a proxy shows in place of the API.
pub(super) fn login() -> String {
    page("Log in", "<form><label>E-mail <input name=\"email\"></label> <button>Log in</button></form>")
}

/// Text as HTML shows it.
pub(super) fn escape(text: impl Display) -> String {
    let mut out = String::new();
    for c in text.to_string().chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

const STYLE: &str = ":root{color-scheme:light dark;--text:#1d1f27;--soft:#5f6370;--back:#fff;--card:#f6f6f3;\
--line:#dcdcd6;--link:#1d4aff;--main:#1d4aff;--on-main:#fff}\
@media(prefers-color-scheme:dark){:root{--text:#e6e6e6;--soft:#a0a5b1;--back:#16181d;--card:#1f232b;\
--line:#363b46;--link:#8ab4ff;--main:#8ab4ff;--on-main:#10131a}}\
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:var(--text);\
background:var(--back)}a{color:var(--link)}h2{margin:2rem 0 .5rem}\
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}\
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}\
code{background:var(--card);padding:.1rem .3rem;border-radius:3px}svg{width:100%;height:auto}\
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem 1.25rem;\
margin:1rem 0}section h2{margin:0 0 .5rem;font-size:1.15rem}section p{margin:0 0 .75rem}\
section table{margin:0 0 .75rem}section td{vertical-align:middle}section code{background:var(--back)}\
form{margin:0}.row{display:flex;flex-wrap:wrap;gap:.5rem}.grow{flex:1}\
.fields{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.75rem;align-items:end;\
margin-top:1rem}@media(min-width:40rem){.wide{grid-column:span 2}}section td:last-child{text-align:right}\
label{font-size:.85rem;color:var(--soft)}\
input,select,button{font:inherit;font-size:1rem;color:var(--text);background:var(--back);\
border:1px solid var(--line);border-radius:6px;padding:.35rem .6rem}\
label input,label select{display:block;width:100%;box-sizing:border-box;height:2.3rem}\
button{cursor:pointer}button:hover{border-color:var(--link)}\
button.main{background:var(--main);color:var(--on-main);border-color:var(--main);height:2.3rem}";

pub(super) fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title} · Flagline sandbox</title><style>{STYLE}</style>\
         <p><a href=\"/\">Flagline sandbox</a></p><h1>{title}</h1>{body}</html>\n"
    )
}

/// A table; cells are HTML already.
pub(super) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = String::from("<table><tr>");
    for it in head {
        let _ = write!(out, "<th>{}</th>", escape(it));
    }
    out.push_str("</tr>");
    for row in rows {
        let cells: String = row.iter().map(|it| format!("<td>{it}</td>")).collect();
        let _ = write!(out, "<tr>{cells}</tr>");
    }
    out + "</table>"
}

/// A link inside the sandbox.
pub(super) fn link(kind: &str, id: impl Display, name: &str) -> String {
    let name = if name.is_empty() { "(no name)" } else { name };
    format!("<a href=\"/project/{PROJECT_ID}/{kind}/{}\">{}</a>", escape(id), escape(name))
}

pub(super) fn minute(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

fn home(inner: &Inner, request: &Request) -> String {
    let world = &inner.world;
    let mut body = format!(
        "<p>A PostHog project that exists on this machine only. Nothing here is real, and it is gone when the \
         sandbox stops.</p><table><tr><th>URL</th><td><code>{}</code></td></tr><tr><th>Personal API key</th>\
         <td><code>{API_KEY}</code></td></tr><tr><th>Project</th><td>{} (id {PROJECT_ID}, token \
         <code>{PROJECT_TOKEN}</code>)</td></tr><tr><th>Events</th><td>{}</td></tr></table>{}",
        escape(&request.base),
        escape(world.project.get("name").map(text).unwrap_or_default()),
        world.events.len(),
        panel::render(inner),
    );
    let flags = world.living_flags().map(|it| {
        let called = it.last_called_at(world).map_or_else(|| "never".to_owned(), minute);
        let key = link("feature_flags", it.id, &it.state.key);
        vec![key, escape(&it.state.name), escape(served(it)), it.status(world).to_owned(), called]
    });
    body += "<h2>Flags</h2>";
    body += &table(&["Key", "Name", "Serves", "Status", "Last called"], flags);
    let boards = world.dashboards.iter().filter(|it| !it.deleted);
    body += "<h2>Dashboards</h2>";
    body += &table(
        &["Name", "Description"],
        boards.map(|it| vec![link("dashboard", it.id, &it.name), escape(&it.description)]),
    );
    let experiments = world.experiments.iter().filter(|it| !it.deleted);
    body += "<h2>Experiments</h2>";
    body += &table(
        &["Name", "Status"],
        experiments.map(|it| vec![link("experiments", it.id, &it.name), escape(it.status())]),
    );
    body += &launch_pages::lists(world);
    page("Sandbox", &body)
}

/// What a flag does, in a few words.
fn served(flag: &Flag) -> String {
    let filters = Filters::read(&flag.state.filters);
    if flag.state.archived {
        "archived".into()
    } else if !flag.state.active {
        "off".into()
    } else if filters.full() {
        "everyone".into()
    } else {
        let parts = filters.groups.iter().filter(|it| it.percentage() > 0.0).map(|it| {
            let whom = it.description.as_deref().filter(|it| !it.is_empty());
            let whom = whom.map_or_else(|| who(&it.properties), str::to_owned);
            format!("{whom} {} %", it.percentage())
        });
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() { "nobody".into() } else { parts.join(", ") }
    }
}

/// The properties of a condition, in words.
fn who(properties: &[Property]) -> String {
    if properties.is_empty() {
        return "everyone".into();
    }
    let one = |it: &Property| {
        let operator = it.operator.as_deref().unwrap_or("exact");
        let kind = if it.kind.as_deref() == Some("cohort") { "cohort".to_owned() } else { it.name() };
        format!("{kind} {operator} {}", text(&it.value))
    };
    properties.iter().map(one).collect::<Vec<_>>().join(" and ")
}

fn flag(world: &World, flag: &Flag) -> String {
    let state = &flag.state;
    let status = flag.status(world);
    let mut body = format!(
        "<p>{}</p><p>{status}, {}, version {}, created {} by {}</p>",
        escape(&state.name),
        if state.active { "enabled" } else { "disabled" },
        state.version,
        minute(flag.created_at),
        escape(world.user(flag.created_by).map_or("nobody", |it| it.first_name)),
    );
    let filters = Filters::read(&state.filters);
    let cohort = |it: &Property| {
        let id = it.value.as_u64();
        world.cohorts.iter().find(|it| Some(it.id) == id).map(|it| it.name.clone())
    };
    let conditions = filters.groups.iter().enumerate().map(|(at, it)| {
        let names: Vec<String> = it.properties.iter().filter_map(cohort).collect();
        let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        vec![
            (at + 1).to_string(),
            escape(it.description.as_deref().unwrap_or_default()),
            escape(who(&it.properties) + &names),
            format!("{} %", it.percentage()),
            escape(it.variant.as_deref().unwrap_or_default()),
        ]
    });
    body += "<h2>Release conditions</h2>";
    body += &table(&["", "Description", "Who", "Rollout", "Variant"], conditions);
    if !filters.variants().is_empty() {
        body += "<h2>Variants</h2>";
        body += &table(
            &["Key", "Share"],
            filters.variants().iter().map(|it| vec![escape(&it.key), format!("{} %", it.rollout_percentage)]),
        );
    }
    body += "<h2>Exposure, 7 days</h2>";
    body += &exposure(world, state.called_as());
    if !state.analytics_dashboards.is_empty() {
        let linked =
            world.dashboards.iter().filter(|it| state.analytics_dashboards.contains(&it.id) && !it.deleted);
        let items: String =
            linked.map(|it| format!("<li>{}</li>", link("dashboard", it.id, &it.name))).collect();
        let _ = write!(body, "<h2>Dashboards</h2><ul>{items}</ul>");
    }
    let experiments = world.experiments.iter().filter(|it| it.flag == flag.id && !it.deleted);
    let experiments: String =
        experiments.map(|it| format!("<li>{}</li>", link("experiments", it.id, &it.name))).collect();
    if !experiments.is_empty() {
        let _ = write!(body, "<h2>Experiments</h2><ul>{experiments}</ul>");
    }
    let features = super::early_access::of_flag(world, flag.id, &flag.state.key);
    for it in &features {
        let (name, stage) = (it["name"].as_str(), it["stage"].as_str());
        let (name, stage) = (escape(name.unwrap_or_default()), escape(stage.unwrap_or_default()));
        let _ = write!(body, "<h2>Early access feature</h2><p>{name}: {stage}</p>");
    }
    body += &launch_pages::of_flag(world, flag.id);
    body += "<h2>History</h2>";
    body += &table(
        &["When", "Who", "What", "Changes"],
        flag.activity.iter().rev().map(|it| {
            let changes = it.changes.iter().flatten().filter(|it| it["field"] != "version");
            let change = |it: &Value| {
                format!(
                    "{}: <code>{}</code> to <code>{}</code>",
                    escape(text(&it["field"])),
                    short(&it["before"]),
                    short(&it["after"])
                )
            };
            let who = world.user(it.by).map_or("nobody", |it| it.first_name);
            vec![
                minute(it.at),
                escape(who),
                escape(it.activity),
                changes.map(change).collect::<Vec<_>>().join("<br>"),
            ]
        }),
    );
    page(&state.key, &body)
}

/// A value, cut when it is long.
fn short(value: &Value) -> String {
    let percentages = value.get("groups").and_then(Value::as_array).map(|groups| {
        let one = |it: &Value| it.get("rollout_percentage").map_or("100".into(), text) + " %";
        groups.iter().map(one).collect::<Vec<_>>().join(", ")
    });
    let shown = percentages.unwrap_or_else(|| text(value));
    match shown.char_indices().nth(80) {
        Some((at, _)) => escape(&shown[..at]) + "…",
        None => escape(shown),
    }
}

/// People and calls by response.
fn exposure(world: &World, key: &str) -> String {
    let since = super::clock::add(world.now(), jiff::SignedDuration::from_hours(-24 * 7));
    let mut by_response: BTreeMap<String, (u64, std::collections::HashSet<&str>)> = BTreeMap::new();
    for event in world.events.iter().rev().take_while(|it| it.timestamp >= since) {
        let called = event.properties.get("$feature_flag").and_then(Value::as_str);
        if &*event.event == FLAG_CALLED && called == Some(key) {
            let response = event.properties.get("$feature_flag_response").map_or("(none)".into(), text);
            let (calls, people) = by_response.entry(response).or_default();
            *calls += 1;
            people.insert(&event.person_id);
        }
    }
    if by_response.is_empty() {
        return "<p>Nobody: no code asked for this flag.</p>".into();
    }
    table(
        &["Response", "People", "Calls"],
        by_response.into_iter().map(|(response, (calls, people))| {
            vec![escape(response), people.len().to_string(), calls.to_string()]
        }),
    )
}

fn dashboard(world: &World, dashboard: &Dashboard) -> String {
    let mut body = format!("<p>{}</p>", escape(&dashboard.description));
    for tile in dashboard.tiles.iter().filter(|it| !it.deleted) {
        match &tile.content {
            Content::Text(text) => {
                let _ = write!(body, "<p>{}</p>", escape(text));
            }
            Content::Insight(id) => {
                if let Some(it) = world.insights.iter().find(|it| it.id == *id && !it.deleted) {
                    let _ = write!(
                        body,
                        "<h2>{}</h2>{}",
                        link("insights", &it.short_id, &it.name),
                        graph(world, it)
                    );
                }
            }
        }
    }
    let linked = world.living_flags().filter(|it| it.state.analytics_dashboards.contains(&dashboard.id));
    let flags: String =
        linked.map(|it| format!("<li>{}</li>", link("feature_flags", it.id, &it.state.key))).collect();
    if !flags.is_empty() {
        let _ = write!(body, "<h2>Flags</h2><ul>{flags}</ul>");
    }
    page(&dashboard.name, &body)
}

fn insight(world: &World, insight: &Insight) -> String {
    let query = serde_json::to_string_pretty(&insight.query).unwrap_or_default();
    let body = format!(
        "<p>{}</p>{}<details><summary>Query</summary><pre>{}</pre></details>",
        escape(&insight.description),
        graph(world, insight),
        escape(query)
    );
    page(&insight.name, &body)
}

fn experiment(world: &World, experiment: &Experiment) -> String {
    let date = |it: Option<jiff::Timestamp>| it.map_or_else(|| "not yet".to_owned(), minute);
    let mut body = format!(
        "<p>{}</p><p>{}, started {}, ended {}</p>",
        escape(&experiment.description),
        experiment.status(),
        date(experiment.start),
        date(experiment.end)
    );
    if let Some(flag) = world.flags.iter().find(|it| it.id == experiment.flag) {
        let _ = write!(
            body,
            "<p>Flag {}</p><h2>Exposure, 7 days</h2>",
            link("feature_flags", flag.id, &flag.state.key)
        );
        body += &exposure(world, flag.state.called_as());
    }
    page(&experiment.name, &body)
}

/// An insight's answer: lines for a trend, a table for a query.
fn graph(world: &World, insight: &Insight) -> String {
    let answer = match insight.answer(world) {
        Ok(it) => it,
        Err(problem) => return format!("<p>{}</p>", escape(problem.detail)),
    };
    let results = answer["results"].as_array().map_or(&[][..], Vec::as_slice);
    if results.iter().any(Value::is_array) || answer["columns"].is_array() {
        let names: Vec<String> = answer["columns"].as_array().into_iter().flatten().map(text).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let cells = |row: &Value| row.as_array().into_iter().flatten().map(|it| escape(text(it))).collect();
        return table(&names, results.iter().take(50).map(cells));
    }
    lines(results)
}

/// Lines of a trend, with a table of their sums.
fn lines(results: &[Value]) -> String {
    const COLORS: [&str; 6] = ["#1d4aff", "#f54e00", "#42827e", "#b64b02", "#621da6", "#747474"];
    let series: Vec<Vec<f64>> = results
        .iter()
        .map(|it| it["data"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect())
        .collect();
    let top = series.iter().flatten().copied().fold(1.0, f64::max);
    let mut svg =
        String::from("<svg viewBox=\"0 0 600 160\" role=\"img\"><path d=\"M0 150H600\" stroke=\"#999\"/>");
    for (at, data) in series.iter().enumerate() {
        let step = 600.0 / (data.len().max(2) - 1) as f64;
        let point =
            |(at, it): (usize, &f64)| format!("{:.1},{:.1}", at as f64 * step, 150.0 - 140.0 * it / top);
        let points: Vec<String> = data.iter().enumerate().map(point).collect();
        let color = COLORS[at % COLORS.len()];
        let _ = write!(
            svg,
            "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" points=\"{}\"/>",
            points.join(" ")
        );
    }
    svg += "</svg>";
    let rows = results.iter().enumerate().map(|(at, it)| {
        let color = COLORS[at % COLORS.len()];
        let label = format!("<span style=\"color:{color}\">■</span> {}", escape(text(&it["label"])));
        let last = it["data"].as_array().and_then(|it| it.last()).map(text).unwrap_or_default();
        vec![label, escape(text(&it["count"])), escape(last)]
    });
    svg + &table(&["Series", "Sum", "Last"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_escaped() {
        assert_eq!(escape("<b a='1' b=\"2\">&"), "&lt;b a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;");
        assert!(page("<script>", "").contains("<title>&lt;script&gt;"));
        assert_eq!(short(&Value::from("x".repeat(200))).chars().count(), 81);
    }
}
