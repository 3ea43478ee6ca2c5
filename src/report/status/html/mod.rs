//! The page: one file that loads nothing, runs nothing, and can be read with eyes, ears, keyboard and on paper.

mod board;
mod card;
mod chart;
mod clean_up;
mod graphs;
mod markup;
mod style;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use self::markup::{moment, text};
use super::{StatusReport, words};
use crate::analysis::status::{FeatureStatus, Place};
use crate::report::relative;

/// The whole page.
pub fn status_html(report: &StatusReport) -> String {
    let project = project(report);
    let title = format!("{} · features", text(&project));
    let (style, hash) = (style::STYLE, style::HASH);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; style-src &#39;{hash}&#39;; \
         base-uri &#39;none&#39;; form-action &#39;none&#39;\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n\
         <title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#features\">Skip to the features</a>\n"
    );
    page += &header(report, &project);
    page += "<main id=\"features\">\n";
    page += &notices(report);
    page += &problems(report);
    if report.status.features.is_empty() {
        page += "<p class=\"empty\">No brief lies in <code>.flagline</code>, and no code here reads a flag. A brief is a \
                 file like <code>.flagline/new-checkout.toml</code>; key and name are enough.</p>\n";
    }
    page += &board::board(report);
    page += &clean_up::list(report);
    page += &card::cards(report);
    let _ = write!(
        page,
        "</main>\n<footer>\n<p>Written by <code>flagline status</code> {} at {}. This page loads nothing and runs \
         nothing; it is as old as it says.</p>\n</footer>\n</body>\n</html>\n",
        text(env!("CARGO_PKG_VERSION")),
        moment(report.now, report.now).replace(" (just now)", ""),
    );
    page
}

fn project(report: &StatusReport) -> String {
    let environment = report.environment;
    let project = environment.and_then(|it| it.project.as_ref()).map(|it| it.name.to_string());
    project.or_else(|| environment.map(|it| it.host.to_string())).unwrap_or_else(|| "Features".into())
}

fn header(report: &StatusReport, project: &str) -> String {
    let features = &report.status.features;
    let fetched = match report.environment.and_then(|it| it.flags.as_ref()) {
        Some(list) => format!("Flags as of {}.", moment(list.fetched_at, report.now)),
        None => "What PostHog knows of them is not loaded.".to_owned(),
    };
    let mut html = format!(
        "<header>\n<p class=\"brand\">Flagline</p>\n<h1><bdi>{}</bdi> <span>where features stand</span></h1>\n\
         <p class=\"as-of\">{}. {fetched}</p>\n",
        text(project),
        text(&words::count(features)),
    );
    let counted = |place: Place| features.iter().filter(|it| it.place == place).count();
    let places: Vec<_> = words::PLACES.iter().filter(|it| counted(it.0) > 0).collect();
    if !places.is_empty() {
        html += "<nav aria-label=\"Where features stand\">\n<ul>\n";
        for (place, title) in places {
            let _ = writeln!(
                html,
                "<li><a href=\"#{}\"><b>{}</b> {}</a></li>",
                board::anchor(*place),
                counted(*place),
                text(title)
            );
        }
        html += "</ul>\n</nav>\n";
    }
    html + "</header>\n"
}

/// What stands in the way of newer or fuller data.
fn notices(report: &StatusReport) -> String {
    let mut troubles = words::troubles(report);
    if let Some(series) = report.series.filter(|_| report.environment.is_some_and(|it| it.flags.is_some())) {
        let parts = [&series.exposure_trouble, &series.metric_trouble];
        let mut why: Vec<&String> = parts.into_iter().flatten().collect();
        why.dedup();
        troubles.extend(why.into_iter().map(|it| format!("graphs: {it}")));
    }
    if troubles.is_empty() {
        return String::new();
    }
    let items: String = troubles.iter().map(|it| format!("<li>{}</li>\n", text(&capital(it)))).collect();
    format!("<section class=\"notice\" aria-label=\"What is missing\">\n<ul>\n{items}</ul>\n</section>\n")
}

fn capital(words: &str) -> String {
    let mut all = words.chars();
    all.next().map_or_else(String::new, |it| it.to_uppercase().chain(all).collect())
}

/// Briefs that cannot be used.
fn problems(report: &StatusReport) -> String {
    let problems = &report.status.problems;
    if problems.is_empty() {
        return String::new();
    }
    let item = |it: &crate::analysis::status::BriefTrouble| {
        let path = relative(&it.path, report.directory);
        format!("<li><code>{}</code> {}</li>\n", text(&path), text(&it.message))
    };
    let items: String = problems.iter().map(item).collect();
    format!(
        "<section class=\"notice\" aria-labelledby=\"problems\">\n<h2 id=\"problems\">Briefs that cannot be used</h2>\n\
         <ul>\n{items}</ul>\n</section>\n"
    )
}

/// Where a feature's card stands; keys may hold anything.
fn card_anchor(features: &[FeatureStatus], of: &FeatureStatus) -> String {
    let at = features.iter().position(|it| it.key == of.key).unwrap_or_default();
    format!("feature-{}", at + 1)
}
