use std::ops::Range;

use super::BriefSnapshot;
use super::findings::cohort_named;
use super::names::{Names, names};
use crate::analysis::Markup;
use crate::analysis::hover::{OfBrief, Page, rendered};
use crate::feature::brief;
use crate::feature::stages;
use crate::flags::{Cohort, FlagKey, Lookup, Named};
use crate::schema::{explain, value_at};

/// What a hover in a brief shows, and over what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BriefHover {
    /// In the markup that was wanted.
    pub text: String,
    /// The bytes that it is about.
    pub span: Range<usize>,
    /// The flag, when its card is shown.
    pub key: Option<FlagKey>,
}

/// What stands at `offset` of a brief: of the key the flag's card, of a cohort who is in it, of a stage how far it is,
/// of everything else what it means.
pub fn brief_hover(snapshot: &BriefSnapshot, offset: usize, markup: Markup) -> Option<BriefHover> {
    named(snapshot, offset, markup).or_else(|| {
        let (text, span) = explain(brief::schema(), snapshot.text(), offset)?;
        let text = match markup {
            Markup::Markdown => text,
            Markup::Plain => text.replace('`', ""),
        };
        Some(BriefHover { text, span, key: None })
    })
}

fn named(snapshot: &BriefSnapshot, offset: usize, markup: Markup) -> Option<BriefHover> {
    let text = snapshot.text();
    let mut place = value_at(text, offset)?;
    // Whoever points at the opening quote means what is behind it.
    if !place.quoted && text[offset..].starts_with(['"', '\'']) {
        place = value_at(text, offset + 1)?;
    }
    let span = match place.quoted {
        true => place.word,
        false => word_around(text, offset),
    };
    let word = text.get(span.clone()).filter(|it| !it.is_empty())?;
    let of = |text: String| Some(BriefHover { text, span: span.clone(), key: None });
    match names(&place.path)? {
        Names::Flag => {
            let key = FlagKey::from(word);
            let silent = is_silent(snapshot, &key);
            let adds = OfBrief { note: None, outlook: snapshot.outlook() };
            let text = rendered(&snapshot.mirror, &key, silent, adds, markup, snapshot.now);
            Some(BriefHover { text, span: span.clone(), key: Some(key) })
        }
        Names::Stage | Names::OwnStage => of(stage_words(snapshot, word, markup)?),
        Names::Cohort => of(cohort_words(cohort(snapshot, word, place.quoted)?, markup)),
        Names::Event | Names::GuardMetric => of(described(&snapshot.catalog()?.events.items, word, markup)?),
        Names::EventProperty => of(described(&snapshot.catalog()?.event_properties.items, word, markup)?),
        Names::PersonProperty => of(described(&snapshot.catalog()?.person_properties.items, word, markup)?),
        Names::Plan
        | Names::Channel
        | Names::Person
        | Names::Domain
        | Names::Variant
        | Names::Period
        | Names::Condition => None,
    }
}

/// A number without quotes.
fn word_around(text: &str, offset: usize) -> Range<usize> {
    let is_word = |it: char| it.is_alphanumeric() || matches!(it, '_' | '-');
    let start = text[..offset].trim_end_matches(is_word).len();
    let rest = &text[offset..];
    start..offset + rest.find(|it| !is_word(it)).unwrap_or(rest.len())
}

pub(super) fn is_silent(snapshot: &BriefSnapshot, key: &FlagKey) -> bool {
    let mut reads = snapshot.index.reads_of(key).peekable();
    reads.peek().is_some() && reads.all(|it| !it.1.is_told())
}

/// How far a stage is, where the flag is there.
fn stage_words(snapshot: &BriefSnapshot, name: &str, markup: Markup) -> Option<String> {
    let key = snapshot.file.key()?;
    let Lookup::Known(flag) = snapshot.environment()?.lookup(key) else { return None };
    let lines = stages(&flag.filters()?);
    let at = lines.iter().position(|it| it.name == name.trim())?;
    let (line, mut page) = (&lines[at], Page::new(markup));
    let now = match (flag.is_evaluated(), line.percent) {
        (false, _) => "the flag is off".to_owned(),
        (true, 0.0) => "not open yet".to_owned(),
        (true, percent) => {
            format!("open to {percent} %{}", if line.current { ", where the rollout is" } else { "" })
        }
    };
    page.title(&line.name, &now);
    page.paragraph(&format!("Stage {} of {} of {}", at + 1, lines.len(), page.escape(key.as_str())));
    if let Some(why) = &line.stopped {
        page.paragraph(&format!("Stopped: {}", page.escape(why)));
    }
    Some(page.finish())
}

fn cohort<'a>(snapshot: &'a BriefSnapshot, word: &str, quoted: bool) -> Option<&'a Cohort> {
    let catalog = snapshot.catalog()?;
    if quoted {
        return cohort_named(catalog, word).flatten();
    }
    let number: u64 = word.parse().ok()?;
    catalog.cohorts.items.iter().find(|it| it.id == number)
}

fn cohort_words(cohort: &Cohort, markup: Markup) -> String {
    let mut page = Page::new(markup);
    page.title(&cohort.name, &cohort.words());
    page.paragraph(&format!("Cohort {}", cohort.id));
    page.finish()
}

fn described(all: &[Named], name: &str, markup: Markup) -> Option<String> {
    let found = all.iter().find(|it| it.name == name && !it.description.trim().is_empty())?;
    let mut page = Page::new(markup);
    page.title(&found.name, "in PostHog");
    page.paragraph(&page.escape(&found.description));
    Some(page.finish())
}
