//! How this file and those nearby ask for flags.

use std::collections::BTreeMap;
use std::path::Path;

use super::Place;
use super::template::Template;
use crate::index::is_test;
use crate::syntax::Language;
use crate::wrapping::Request;
use crate::wrapping::file::File;

/// Of so many files nearby the texts are read.
const MOST_FILES: usize = 12;

/// The ways in which this file asks, the most frequent first; of those the nearest.
pub(super) fn own(file: &File, request: &Request, place: &Place) -> Vec<Template> {
    let mut reads: Vec<_> = request.facts.reads.iter().collect();
    reads.sort_by_key(|it| (it.call_span.start.offset as usize).abs_diff(place.at));
    ranked(reads.into_iter().filter_map(|it| Template::of(file, it, false)))
}

/// The ways in which files nearby ask, the most frequent first.
pub(super) fn nearby(file: &File, request: &Request) -> Vec<Template> {
    let is_python = |path: &Path| Language::from_path(path) == Some(Language::Python);
    let files = request.index.files().filter(|(path, facts)| {
        ***path != *request.path
            && is_python(path) == file.is_python()
            && !is_test(path)
            && facts.reads.iter().any(|it| !it.is_forwarded)
    });
    let mut files: Vec<_> = files.collect();
    let shared = |it: &Path| it.iter().zip(request.path.iter()).take_while(|(a, b)| a == b).count();
    files.sort_by_key(|(path, _)| std::cmp::Reverse(shared(path)));
    let mut found = Vec::new();
    for (path, facts) in files.into_iter().take(MOST_FILES) {
        let Some((text, language)) = (request.text_of)(path).zip(Language::from_path(path)) else { continue };
        let tree = language.parse(&text, None);
        let other = File::new(language, &text, &tree);
        let templates = facts.reads.iter().filter_map(|it| Template::of(&other, it, true));
        found.extend(templates.filter_map(|it| it.for_file(path, request.path)));
    }
    ranked(found.into_iter())
}

/// The first of each way of asking, the most frequent way first.
fn ranked(templates: impl Iterator<Item = Template>) -> Vec<Template> {
    let mut ways: BTreeMap<String, (usize, usize, Vec<Template>)> = BTreeMap::new();
    for (n, template) in templates.enumerate() {
        let way = ways.entry(template.asks()).or_insert_with(|| (0, n, Vec::new()));
        way.0 += 1;
        way.2.push(template);
    }
    let mut ways: Vec<_> = ways.into_values().collect();
    ways.sort_by_key(|(count, first, _)| (std::cmp::Reverse(*count), *first));
    ways.into_iter().flat_map(|it| it.2).collect()
}
