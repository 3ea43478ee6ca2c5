use std::collections::BTreeSet;

use super::BriefSnapshot;
use super::names::{Names, names};
use crate::analysis::markup::plain;
use crate::feature::brief;
use crate::feature::is_of_graphs;
use crate::flags::{Catalog, CohortKind, Filters, Listed, Lookup, Named};
use crate::schema::{Item, ItemKind, Node, ValuePlace, complete, value_at};

/// What can be written at `offset` of a brief, broken or not: keys and values of the schema, and what the project and
/// the workspace have.
pub fn brief_completions(snapshot: &BriefSnapshot, offset: usize) -> Vec<Item> {
    let text = snapshot.text();
    let mut items = complete(brief::schema(), text, offset);
    let Some(mut place) = value_at(text, offset) else { return items };
    let Some(names) = names(&place.path) else { return items };
    if names == Names::Condition {
        items.retain(|it| !is_of_graphs(&it.label));
    }
    let is_open = place.quoted && !text[place.word.end..].starts_with(['"', '\'']);
    if is_open {
        // Without its second quote a text seems to go on to the end of the line.
        place.word.end = offset.max(place.word.start);
    }
    for choice in choices(snapshot, names, &text[place.word.clone()]) {
        let Some(written) = written(text, &place, is_open, &choice.name) else { continue };
        if items.iter().any(|it| it.text == written) {
            continue;
        }
        items.push(Item {
            label: plain(&choice.name),
            text: written,
            replaced: place.word.clone(),
            kind: ItemKind::Value,
            detail: choice.detail,
            meaning: choice.meaning,
            snippet: None,
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

/// What can be named; `typed` is what stands there already.
fn choices(snapshot: &BriefSnapshot, names: Names, typed: &str) -> Vec<Choice> {
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
        Names::Domain => {
            let domain = |it: &Choice| it.name.split_once('@').map(|it| it.1.to_owned());
            let domains: BTreeSet<String> = people(snapshot).iter().filter_map(domain).collect();
            domains.iter().map(|it| choice(it, "of the owner of a brief, or yours")).collect()
        }
        Names::Variant => variants(snapshot, typed),
        Names::Period => PERIODS.iter().map(|(name, words)| choice(name, words)).collect(),
        // The schema has them all.
        Names::Condition => Vec::new(),
    }
}

/// Times to begin with.
const PERIODS: [(&str, &str); 6] = [
    ("1h", "one hour"),
    ("6h", "six hours"),
    ("1d", "one day"),
    ("2d", "two days"),
    ("1w", "one week"),
    ("2w", "two weeks"),
];

/// Variants that the brief does not have yet: those of its flag, and those that it gets where nothing is written.
fn variants(snapshot: &BriefSnapshot, typed: &str) -> Vec<Choice> {
    let node = snapshot.node();
    let entries = node.get("variant").map(Node::elements).unwrap_or_default();
    let mut known: BTreeSet<&str> =
        entries.iter().filter_map(|it| it.get("key")?.as_str()).filter(|it| *it != typed).collect();
    let lookup = snapshot.file.key().and_then(|key| Some(snapshot.environment()?.lookup(key)));
    let filters = match lookup {
        Some(Lookup::Known(flag)) => flag.filters().unwrap_or_default(),
        _ => Filters::default(),
    };
    let of_flag = filters.variants().iter().map(|it| (it.key.as_str(), "variant of the flag"));
    let usual = ["control", "test"].map(|it| (it, "variant"));
    of_flag.chain(usual).filter(|it| known.insert(it.0)).map(|(name, words)| choice(name, words)).collect()
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
