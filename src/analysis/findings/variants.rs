//! Variants that code tells apart and that the flag does not have, or the other way round.

use std::collections::HashSet;

use super::{Code, Finding, Verdict, placed};
use crate::analysis::Snapshot;
use crate::analysis::card::most_slips;
use crate::flags::{Environment, Filters, Flag, Lookup};
use crate::syntax::Compared;
use crate::text::Span;

/// What a file compares with variants, held against the variants that the flags have.
pub(super) fn findings(snapshot: &Snapshot, environment: &Environment) -> Vec<(Finding, bool)> {
    let mut all = Vec::new();
    for compared in &snapshot.facts.compared {
        let Lookup::Known(flag) = environment.lookup(&compared.key) else { continue };
        let Some(filters) = flag.filters().filter(|it| it.version < 2 && !flag.archived && !flag.deleted)
        else {
            continue;
        };
        let link = environment.page(format!("feature_flags/{}", flag.id));
        let found = verdicts(flag, &filters, compared).into_iter();
        all.extend(found.map(|(it, span)| placed(snapshot, it, Some(&compared.key), span, link.clone())));
    }
    // A table that is looked up twice says the same twice.
    let mut seen = HashSet::new();
    all.retain(|(it, _)| seen.insert((it.span, it.message.clone())));
    all
}

fn verdicts(flag: &Flag, filters: &Filters, compared: &Compared) -> Vec<(Verdict, Span)> {
    let has = |name: &str| filters.variants().iter().any(|it| it.key == name);
    // What is compared with true and false as texts is not a variant; a holdout's people get a name of their own.
    let is_other = |name: &str| matches!(name, "true" | "false" | "") || name.starts_with("holdout");
    let unknown = compared.variants.iter().filter(|it| !has(&it.0) && !is_other(&it.0));
    let mut found: Vec<_> =
        unknown.map(|(name, span)| (unknown_variant(flag, filters, name), *span)).collect();
    let named = |it: &str| compared.variants.iter().any(|(name, _)| **name == *it);
    let missing: Vec<&str> =
        filters.variants().iter().map(|it| it.key.as_str()).filter(|it| !named(it)).collect();
    if compared.is_open && !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|it| format!("'{it}'")).collect();
        let message = format!("nothing is done here for {} of '{}'", names.join(", "), flag.key);
        let verdict = Verdict::new(Code::MissingVariant, &message)
            .with_help("add the case, or say what else is done: people with this variant get nothing");
        found.push((verdict, compared.span));
    }
    found
}

fn unknown_variant(flag: &Flag, filters: &Filters, name: &str) -> Verdict {
    let names: Vec<&str> = filters.variants().iter().map(|it| it.key.as_str()).collect();
    let near = names.iter().map(|it| (strsim::osa_distance(&it.to_lowercase(), &name.to_lowercase()), *it));
    let similar = near.filter(|it| it.0 <= most_slips(name)).min().map(|it| it.1);
    let help = match (similar, names.as_slice()) {
        (Some(similar), _) => format!("did you mean '{similar}'?"),
        (None, []) => "it has no variants: it is true or false".to_owned(),
        (None, names) => format!("it has {}", names.join(", ")),
    };
    let code = Code::UnknownVariant { similar: similar.map(Into::into) };
    Verdict::new(code, &format!("'{}' has no variant '{name}'", flag.key)).with_help(&help)
}
