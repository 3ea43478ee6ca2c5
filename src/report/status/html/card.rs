//! Feature by feature: everything that is known of one.

use std::fmt::Write as _;

use super::super::{StatusReport, words};
use super::markup::{apart, link, moment, text};
use super::{board, card_anchor, clean_up, graphs};
use crate::analysis::Link;
use crate::analysis::status::{Check, FeatureStatus, GateStatus, Holds};
use crate::report::relative;

pub(super) fn cards(report: &StatusReport) -> String {
    let features = &report.status.features;
    if features.is_empty() {
        return String::new();
    }
    let all: String = features.iter().map(|it| card(it, &card_anchor(features, it), report)).collect();
    format!(
        "<section class=\"cards\" aria-labelledby=\"each\">\n<h2 id=\"each\">Feature by feature</h2>\n{all}</section>\n"
    )
}

fn card(feature: &FeatureStatus, anchor: &str, report: &StatusReport) -> String {
    let mut html = format!(
        "<article id=\"{anchor}\" aria-labelledby=\"{anchor}-title\">\n<h3 id=\"{anchor}-title\">{}</h3>\n\
         <p class=\"about\"><code>{}</code> · {}</p>\n",
        apart(&feature.title),
        text(feature.key.as_str()),
        text(words::release(feature.release)),
    );
    if !feature.track.is_empty() {
        html += &board::track(&feature.track);
        html += "\n";
    }
    html += "<dl>\n";
    for (term, said) in facts(feature, report) {
        let _ = writeln!(html, "<div><dt>{term}</dt><dd>{said}</dd></div>");
    }
    html += "</dl>\n";
    html += &graphs::graphs(feature, anchor, report);
    html += &clean_up::reads(&feature.reads, report);
    if !feature.links.is_empty() {
        let links: Vec<String> = feature.links.iter().map(|it: &Link| link(it)).collect();
        let _ = writeln!(html, "<p class=\"links\">In PostHog: {}</p>", links.join(" · "));
    }
    html + "</article>\n"
}

/// Terms with what is said of each, as HTML.
fn facts(feature: &FeatureStatus, report: &StatusReport) -> Vec<(&'static str, String)> {
    let now = report.now;
    let plain = |it: Option<String>| it.map(|it| text(&it));
    let age = &feature.age;
    let since = match (age.constant, age.arrived) {
        (Some((at, true)), _) | (None, Some(at)) => Some(format!("since {}", moment(at, now))),
        (Some((at, false)), _) => Some(format!("at least since {}", moment(at, now))),
        (None, None) => None,
    };
    let stage = text(&feature.stage_words());
    let all = [
        ("Stage", Some(since.map_or_else(|| stage.clone(), |since| format!("{stage}, {since}")))),
        ("Next", Some(board::next(&feature.next))),
        ("Stopped", plain(words::stopped(feature))),
        ("Not as planned", plain(words::drift(feature))),
        ("Gate", feature.gate.as_ref().map(gate)),
        ("Scheduled", scheduled(feature)),
        ("People", Some(text(&words::people_more(&feature.people, now)))),
        ("Metric", plain(feature.metric.as_ref().map(words::metric))),
        ("Before lifting", to_do(feature)),
        ("Outcome", plain(feature.outcome.as_ref().map(words::outcome))),
        ("Owner", feature.owner.as_ref().map(|it| apart(it))),
        ("Flag made", age.created.map(|it| moment(it, now))),
        ("Plan", plain(feature.plan_trouble.clone())),
        (
            "Brief",
            feature
                .brief
                .as_ref()
                .map(|it| format!("<code>{}</code>", text(&relative(it, report.directory)))),
        ),
    ];
    all.into_iter().filter_map(|(term, said)| Some((term, said?))).collect()
}

/// What PostHog will do by itself; what stands against the plan is told apart by a mark and its words.
fn scheduled(feature: &FeatureStatus) -> Option<String> {
    let all = words::coming(feature);
    let is_against = feature.forecast.iter().flat_map(|it| &it.coming).map(|it| it.against.is_some());
    let item = |(it, is_against): (&String, bool)| {
        let mark = if is_against { "<span class=\"mark\" aria-hidden=\"true\">!</span> " } else { "" };
        format!("<li>{mark}{}</li>", text(it))
    };
    let items: String = all.iter().zip(is_against).map(item).collect();
    (!all.is_empty()).then(|| format!("<ul>{items}</ul>"))
}

/// What must be done before the flag can be lifted.
fn to_do(feature: &FeatureStatus) -> Option<String> {
    let all = feature.to_do.len() + feature.n_done;
    let item =
        |it: &String| format!("<li><span class=\"mark\" aria-hidden=\"true\">☐</span> {}</li>", text(it));
    let open: String = feature.to_do.iter().map(item).collect();
    (all > 0).then(|| match feature.to_do.is_empty() {
        true => words::all_done(all),
        false => format!("{} of {all} done, open: <ul>{open}</ul>", feature.n_done),
    })
}

/// What must hold, each with a mark and a word.
fn gate(gate: &GateStatus) -> String {
    let check = |it: &Check| {
        let (mark, word) = match it.holds {
            Holds::Yes => ("✓", "holds"),
            Holds::NotYet => ("○", "not yet"),
            Holds::No => ("✗", "does not hold"),
            Holds::CannotTell => ("?", "cannot tell"),
        };
        let known = it.known.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
        format!(
            "<li><span class=\"mark\" aria-hidden=\"true\">{mark}</span> {}: {word}{}</li>",
            text(&it.what),
            text(&known)
        )
    };
    let checks: String = gate.checks.iter().map(check).collect();
    let go = match gate.automatic {
        true => "<li>the next stage opens by itself</li>",
        false => "<li>a person says go (<code>promote</code>)</li>",
    };
    format!("to leave {}: <ul>{checks}{go}</ul>", apart(&gate.stage))
}
