//! All features by where they stand, a row each with its own track of stages.

use std::fmt::Write as _;

use super::super::{StatusReport, words};
use super::card_anchor;
use super::markup::{apart, command, label, text, unseen};
use crate::analysis::status::{FeatureStatus, Next, Place, Position, TrackStage};

/// Where the rows of a place begin.
pub(super) fn anchor(place: Place) -> &'static str {
    match place {
        Place::Running => "running",
        Place::NotLaunched => "not-launched",
        Place::Everyone => "everyone",
        Place::CleanUp => "to-clean-up",
        Place::Off => "off",
        Place::Gone => "gone",
        Place::Unknown => "unknown",
        Place::NotLoaded => "not-loaded",
    }
}

pub(super) fn board(report: &StatusReport) -> String {
    let features = &report.status.features;
    if features.is_empty() {
        return String::new();
    }
    let mut html =
        String::from("<section class=\"board\" aria-labelledby=\"board\">\n<h2 id=\"board\">Board</h2>\n");
    for (place, title) in words::PLACES {
        let of_place: Vec<&FeatureStatus> = features.iter().filter(|it| it.place == place).collect();
        if of_place.is_empty() {
            continue;
        }
        let (id, title, n) = (anchor(place), text(title), of_place.len());
        let _ = write!(
            html,
            "<h3 id=\"{id}\">{title} <span class=\"count\">{n}</span></h3>\n<ul class=\"rows\">\n"
        );
        for feature in of_place {
            html += &row(feature, &card_anchor(features, feature));
        }
        html += "</ul>\n";
    }
    html + "</section>\n"
}

fn row(feature: &FeatureStatus, card: &str) -> String {
    let key = match feature.title == feature.key.as_str() {
        true => String::new(),
        false => format!(" <code>{}</code>", text(feature.key.as_str())),
    };
    let owner = feature.owner.as_ref().map(|it| format!(" <span class=\"owner\">{}</span>", apart(it)));
    format!(
        "<li>\n<div class=\"name\"><a href=\"#{card}\">{}</a>{key}{}</div>\n<div class=\"stages\">{}</div>\n\
         <div class=\"people\">{}{}</div>\n<div class=\"next\">{}{}</div>\n</li>\n",
        apart(&feature.title),
        owner.unwrap_or_default(),
        stages(feature),
        label("People"),
        text(&words::people(&feature.people)),
        label("Next"),
        next(&feature.next),
    )
}

/// What comes next, with its command.
pub(super) fn next(it: &Next) -> String {
    match &it.command {
        Some(line) => format!("{} {}", text(&it.words), command(line)),
        None => text(&it.words),
    }
}

/// The stage in words, over the track of all stages where there is one.
fn stages(feature: &FeatureStatus) -> String {
    let words = format!("<p class=\"stage\">{}{}</p>", label("Stage"), text(&feature.stage_words()));
    if feature.track.is_empty() {
        return words;
    }
    words + &track(&feature.track)
}

/// Done, current, ahead and stopped differ in mark, weight and word, not by colour alone.
pub(super) fn track(stages: &[TrackStage]) -> String {
    let is_on_its_way = stages.iter().any(|it| it.position == Position::Current);
    let items: String = stages.iter().map(|it| stage(it, is_on_its_way)).collect();
    format!("<ol class=\"track\" aria-label=\"Stages of its plan\">{items}</ol>")
}

fn stage(it: &TrackStage, is_on_its_way: bool) -> String {
    let (class, mark, words) = match it.position {
        _ if it.is_stopped => ("stopped", "■", "stopped here"),
        // Somebody closed it again; once everyone has the feature that is all the same.
        Position::Done if is_on_its_way && it.percent < 100.0 => ("done", "!", "passed, not fully open"),
        Position::Done => ("done", "✓", "done"),
        Position::Current => ("current", "▸", "current stage"),
        Position::Ahead => ("ahead", "", "to come"),
    };
    let mark = match mark {
        "" => String::new(),
        mark => format!("<span class=\"mark\" aria-hidden=\"true\">{mark}</span> "),
    };
    let percent = it.percent;
    format!(
        "<li class=\"{class}\"><svg viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\" \
         focusable=\"false\"><rect class=\"rail\" width=\"100\" height=\"4\"/><rect class=\"open\" width=\"{}\" \
         height=\"4\"/></svg><span class=\"step\">{}</span> <span class=\"percent\">{mark}{percent} %</span>{}</li>",
        percent.clamp(0.0, 100.0),
        apart(&it.name),
        unseen(&format!(", {words}")),
    )
}
