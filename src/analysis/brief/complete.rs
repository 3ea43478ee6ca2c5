use std::collections::BTreeSet;

use super::BriefSnapshot;
use super::names::{Names, names};
use crate::analysis::markup::plain;
use crate::feature::brief;
use crate::flags::{Catalog, CohortKind, Listed, Lookup, Named};
use crate::schema::{Item, ItemKind, ValuePlace, complete, value_at};

/// What can be written at `offset` of a brief, broken or not: keys and values of the schema, and what the project and
/// the workspace have.
pub fn brief_completions(snapshot: &BriefSnapshot, offset: usize) -> Vec<Item> {
    let text = snapshot.text();
    let mut items = complete(brief::schema(), text, offset);
    let Some(mut place) = value_at(text, offset) else { return items };
    let Some(names) = names(&place.path) else { return items };
    let is_open = place.quoted && !text[place.word.end..].starts_with(['"', '\'']);
    if is_open {
        // Without its second quote a text seems to go on to the end of the line.
        place.word.end = offset.max(place.word.start);
    }
    for choice in choices(snapshot, names) {
        let Some(written) = written(text, &place, is_open, &choice.name) else { continue };
        items.push(Item {
            label: plain(&choice.name),
            text: written,
            replaced: place.word.clone(),
            kind: ItemKind::Value,
            detail: choice.detail,
            meaning: choice.meaning,
        });
    }
    items
}

/// Something that a value can name.
struct Choice {
    name: String,
    detail: String,
    meaning: String,
}

fn choice(name: &str, detail: &str) -> Choice {
    Choice { name: name.to_owned(), detail: detail.to_owned(), meaning: String::new() }
}

fn choices(snapshot: &BriefSnapshot, names: Names) -> Vec<Choice> {
    let nothing = Catalog::default();
    let catalog = snapshot.catalog().unwrap_or(&nothing);
    let described = |list: &Listed<Named>, detail: &str| -> Vec<Choice> {
        let of = |it: &Named| Choice { meaning: plain(&it.description), ..choice(&it.name, detail) };
        list.items.iter().map(of).collect()
    };
    match names {
        Names::Flag => unwritten_keys(snapshot),
        Names::Plan => plans(snapshot),
        Names::Stage => {
            let followed = snapshot.followed(&snapshot.node());
            followed.iter().flat_map(|it| &it.stages).map(|it| choice(it, "stage")).collect()
        }
        Names::OwnStage => Vec::new(),
        Names::Cohort => {
            // PostHog would refuse the others.
            let usable = catalog.cohorts.items.iter().filter(|it| it.kind != CohortKind::Behavior);
            usable.map(|it| choice(&it.name, &it.words())).collect()
        }
        Names::Event => described(&catalog.events, "event"),
        Names::GuardMetric => {
            let exceptions = Choice {
                meaning: "The share of the people who meet the feature to whom an exception happens.".into(),
                ..choice("exceptions", "exceptions")
            };
            std::iter::once(exceptions).chain(described(&catalog.events, "event")).collect()
        }
        Names::EventProperty => described(&catalog.event_properties, "property of events"),
        Names::PersonProperty => described(&catalog.person_properties, "property of people"),
        Names::Channel => catalog
            .channels
            .items
            .iter()
            .map(|it| choice(&format!("#{}", it.name), "Slack channel"))
            .collect(),
        Names::Person => people(snapshot),
    }
}

/// Keys that code reads, and that have neither a flag nor a brief.
fn unwritten_keys(snapshot: &BriefSnapshot) -> Vec<Choice> {
    let environment = snapshot.environment();
    let has_flag = |key: &_| environment.is_some_and(|it| matches!(it.lookup(key), Lookup::Known(_)));
    let has_brief = |key: &_| snapshot.others.iter().any(|it| it.key() == Some(key));
    let keys = snapshot.index.keys().into_iter();
    let open = keys.filter(|it| it.is_valid() && !has_flag(it) && !has_brief(it));
    open.map(|it| choice(it.as_str(), "read in code, without a flag")).collect()
}

fn plans(snapshot: &BriefSnapshot) -> Vec<Choice> {
    let words = |plan: &crate::feature::Plan| {
        plan.stages.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(" → ")
    };
    snapshot.config.plans.iter().map(|(name, plan)| choice(name, &words(plan))).collect()
}

/// Whose key it is, and who answers for other features.
fn people(snapshot: &BriefSnapshot) -> Vec<Choice> {
    let me = snapshot.environment().and_then(|it| it.me.as_deref()).filter(|it| !it.is_empty());
    let owners = snapshot.others.iter().filter_map(|it| it.brief.as_ref().ok()?.owner.as_deref());
    let others: BTreeSet<&str> = owners.filter(|it| Some(*it) != me).collect();
    let me = me.map(|it| choice(it, "you"));
    me.into_iter().chain(others.into_iter().map(|it| choice(it, "owner of another brief"))).collect()
}

/// A name as it is written at a place, with the second quote where it `is_open`; `None` where it cannot be.
fn written(text: &str, place: &ValuePlace, is_open: bool, name: &str) -> Option<String> {
    // What JSON escapes, TOML escapes in the same way, but for this character.
    let quoted = serde_json::to_string(name).ok()?.replace('\u{7f}', "\\u007f");
    if !place.quoted {
        return Some(quoted);
    }
    let (inner, quote) = match text[..place.word.start].chars().next_back() {
        Some('\'') if name.contains('\'') || name.contains(char::is_control) => return None,
        Some('\'') => (name, "'"),
        _ => (quoted.strip_prefix('"')?.strip_suffix('"')?, "\""),
    };
    Some(format!("{inner}{}", if is_open { quote } else { "" }))
}
