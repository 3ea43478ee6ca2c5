//! What can be removed from the code, with the command that does it.

use std::fmt::Write as _;

use super::super::{StatusReport, words};
use super::markup::{apart, command, text};
use crate::analysis::Related;
use crate::analysis::status::{FeatureStatus, Place};
use crate::report::relative;

/// Places of reads that are named.
const NAMED: usize = 6;

pub(super) fn list(report: &StatusReport) -> String {
    let done: Vec<&FeatureStatus> =
        report.status.features.iter().filter(|it| it.place == Place::CleanUp).collect();
    if done.is_empty() {
        return String::new();
    }
    let items: String = done.iter().map(|it| item(it, report)).collect();
    format!(
        "<section class=\"clean-up\" aria-labelledby=\"clean-up\">\n<h2 id=\"clean-up\">Clean-up list</h2>\n\
         <ul>\n{items}</ul>\n</section>\n"
    )
}

fn item(feature: &FeatureStatus, report: &StatusReport) -> String {
    let mut html = format!("<li>\n<h3>{}</h3>\n", apart(&feature.title));
    if let Some(clean_up) = &feature.clean_up {
        let _ = writeln!(html, "<p>{}</p>", text(&clean_up.message));
        if let Some(line) = &clean_up.command {
            let _ = writeln!(html, "<p>{}</p>", command(line));
        }
    }
    if !feature.to_do.is_empty() {
        let open: String = feature.to_do.iter().map(|it| format!("<li>{}</li>", text(it))).collect();
        let _ = writeln!(html, "<p>Before it is lifted:</p>\n<ul class=\"to-do\">{open}</ul>");
    }
    html + &reads(&feature.reads, report) + "</li>\n"
}

/// Where code reads a flag.
pub(super) fn reads(reads: &[Related], report: &StatusReport) -> String {
    if reads.is_empty() {
        return "<p class=\"reads\">No code here reads it.</p>\n".to_owned();
    }
    let place = |it: &Related| {
        let path = relative(&it.path, report.directory);
        let (line, column) = (it.span.start.line + 1, it.span.start.scalar + 1);
        format!("<code>{}:{line}:{column}</code>", text(&path))
    };
    let mut places: Vec<String> = reads.iter().take(NAMED).map(place).collect();
    if reads.len() > NAMED {
        places.push(format!("and {} more", reads.len() - NAMED));
    }
    format!("<p class=\"reads\">{}: {}</p>\n", words::reads(reads.len()), places.join(", "))
}
