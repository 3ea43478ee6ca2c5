//! What no schema can say about the stages of a plan.

use std::collections::BTreeSet;
use std::ops::Range;

use super::brief::is_address;
use super::plan_entry::is_of_graphs;
use crate::schema::Node;

/// Tells what is wrong with stages, of a brief or of `flagline.toml`.
pub fn check_stages(stages: &[Node], tell: &mut impl FnMut(&Range<usize>, String)) {
    let mut names = BTreeSet::new();
    for stage in stages {
        let name = stage.get("name");
        let misnamed = |it: &str| it.trim().is_empty() || it.contains(" · ");
        if let Some(name) = name.filter(|it| it.as_str().is_some_and(misnamed)) {
            tell(&name.span, "a stage is called by a word or two, without \" · \"".into());
        }
        if let Some(name) = name.filter(|it| it.as_str().is_some_and(|it| !names.insert(it.trim()))) {
            tell(&name.span, "two stages have this name".into());
        }
        if let Some(steps) = stage.get("steps").filter(|it| !are_steps(it)) {
            tell(&steps.span, "steps grow, and the last is 100".into());
        }
        if let Some(audience) = stage.get("audience") {
            check_audience(audience, tell);
        }
    }
    check_units(stages, tell);
}

/// Tells which of some properties have no name.
pub(super) fn check_properties(properties: &[Node], tell: &mut impl FnMut(&Range<usize>, String)) {
    for key in properties.iter().filter_map(|it| it.get("key")).filter(|it| is_blank(it)) {
        tell(&key.span, "expected the name of a property".into());
    }
}

/// The same of people or groups, of whom less can be asked than of events.
fn check_people(properties: &[Node], tell: &mut impl FnMut(&Range<usize>, String)) {
    check_properties(properties, tell);
    for (at, operator) in
        properties.iter().filter_map(|it| it.get("operator")).filter_map(|it| Some((it, it.as_str()?)))
    {
        if is_of_graphs(operator) {
            tell(&at.span, format!("only graphs compare by \"{operator}\", no release condition does"));
        }
    }
}

/// Whether a text says nothing.
pub(super) fn is_blank(node: &Node) -> bool {
    node.as_str().is_some_and(|it| it.trim().is_empty())
}

/// Whether steps are in order. What is no number is told elsewhere.
fn are_steps(node: &Node) -> bool {
    let steps: Option<Vec<f64>> = node.elements().iter().map(Node::as_f64).collect();
    let is_number = |it: &f64| it.is_finite();
    steps
        .filter(|it| it.iter().all(is_number))
        .is_none_or(|it| it.is_sorted_by(|a, b| a < b) && it.last() == Some(&100.0))
}

/// An audience that PostHog would refuse, or take for everyone.
fn check_audience(audience: &Node, tell: &mut impl FnMut(&Range<usize>, String)) {
    if let Some(properties) = audience.get("properties") {
        if properties.is_empty_list() {
            let message = "without a property these are all people: name one, or say audience = \"everyone\"";
            tell(&properties.span, message.into());
        }
        check_people(properties.elements(), tell);
    }
    if let Some((at, domain)) = audience.get("email_domain").and_then(|it| Some((it, it.as_str()?)))
        && !is_address(&format!("somebody@{}", domain.trim_start_matches('@')))
    {
        tell(&at.span, format!("expected a domain like \"example.com\", not \"{domain}\""));
    }
    if let Some((at, address)) = audience.get("email").and_then(|it| Some((it, it.as_str()?)))
        && !is_address(address)
    {
        tell(&at.span, format!("expected an e-mail address, not \"{address}\""));
    }
    let Some(cohort) = audience.get("cohort") else { return };
    if let Some(name) = Some(cohort.get("name").unwrap_or(cohort)).filter(|it| is_blank(it)) {
        tell(&name.span, "expected the name of a cohort".into());
    }
    if let Some(properties) = cohort.get("properties") {
        if properties.is_empty_list() {
            let message = "without a property these are all people: name one, or write only the cohort's name \
                           for a static one that is empty at first";
            tell(&properties.span, message.into());
        }
        check_people(properties.elements(), tell);
        if let Some(of_group) = properties.elements().iter().find_map(|it| it.get("group_type")) {
            tell(&of_group.span, "a cohort is of people, not of groups".into());
        }
    }
}

/// Whom a stage is about, as far as it says so: everyone is all people or all groups, as the other stages are.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    People,
    Groups(u64),
}

/// A flag is for people or for groups of one type, in all of its stages.
fn check_units(stages: &[Node], tell: &mut impl FnMut(&Range<usize>, String)) {
    let units: Vec<(&Node, Unit)> =
        stages.iter().filter_map(|it| it.get("audience")).flat_map(units).collect();
    let Some((_, first)) = units.first() else { return };
    if let Some((at, _)) = units.iter().find(|it| it.1 != *first) {
        tell(&at.span, "a flag is for people or for groups of one type, in all of its stages".into());
    }
}

fn units(audience: &Node) -> Vec<(&Node, Unit)> {
    let of_people = ["email_domain", "email", "cohort"].into_iter().filter_map(|it| audience.get(it));
    let of_property = |it: &Node| match it.get("group_type").map(|it| (it, it.as_f64())) {
        None => Some(Unit::People),
        Some((_, Some(number))) => Some(Unit::Groups(number as u64)),
        // What is no number is told elsewhere.
        Some((_, None)) => None,
    };
    let properties = audience.get("properties").map(Node::elements).unwrap_or_default().iter();
    let of_properties =
        properties.filter_map(|it| Some((it.get("group_type").unwrap_or(it), of_property(it)?)));
    of_people.map(|it| (it, Unit::People)).chain(of_properties).collect()
}
