use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::analysis::tests::{check_file, environment, fixtures, now};
use crate::analysis::{Markup, Symbol, outline};
use crate::config::file;
use crate::flags::{Channel, Cohort, CohortKind, FlagList, Follower, Listed, MESSAGE_EVENT, Named, marker};
use crate::index;
use crate::syntax::{Language, Names};
use crate::text::Text;

const SETTINGS: &str = "\
[plan.careful]
stage = [{ name = \"internal\", audience = \"everyone\" }, { name = \"beta\", audience = \"everyone\" }]
[[plan.default.stage]]
name = \"everyone\"
audience = \"everyone\"
";
const CODE: &str = "\
posthog.isFeatureEnabled('project-videos')
posthog.isFeatureEnabled('brand-new')
posthog.isFeatureEnabled('has-a-brief')
posthog.isFeatureEnabled('no key for a flag')
";

fn listed<T>(items: Vec<T>) -> Listed<T> {
    Listed { items, is_whole: true, trouble: None }
}

fn catalog() -> Catalog {
    let cohort = |id, name: &str, kind, count| Cohort { id, name: name.into(), kind, count: Some(count) };
    let named =
        |(name, description): (&str, &str)| Named { name: name.into(), description: description.into() };
    let channel = |name: &str| Channel { id: format!("C0{name}"), name: name.into() };
    Catalog {
        cohorts: listed(vec![
            cohort(2, "Beta testers", CohortKind::Static, 40),
            cohort(3, "High \"value\"", CohortKind::Properties, 1),
            cohort(4, "Watched twice", CohortKind::Behavior, 12),
        ]),
        events: listed(
            [("$pageview", ""), ("video watched", "Played to its *end*"), ("offset bought", "")]
                .map(named)
                .into(),
        ),
        event_properties: listed([("kg", "How much CO2")].map(named).into()),
        person_properties: listed([("email", ""), ("plan", "What they pay for")].map(named).into()),
        channels: listed(["releases", "alerts"].map(channel).into()),
        followers: listed(Vec::new()),
    }
}

/// A brief as it stands in an editor, beside one of another feature.
fn snapshot(text: &str, environment: Environment) -> BriefSnapshot {
    let file = |path: &str, text: &str| Arc::new(BriefFile::new(Path::new(path).into(), Text::new(text)));
    let plans = file::read(SETTINGS).unwrap().plan;
    let facts = index::facts(Language::TypeScript, &Text::new(CODE), &Names::default());
    let other = "key = \"has-a-brief\"\nowner = \"grace@offset.example\"\n";
    BriefSnapshot {
        file: file("/app/.flagline/this.toml", text),
        others: vec![file("/app/.flagline/other.toml", other)],
        index: Arc::new(Index::new([(Path::new("/app/a.ts").into(), facts.into())])),
        mirror: Arc::new(Mirror { environments: vec![Arc::new(environment)], revision: 1 }),
        config: Config {
            plans: plans.iter().map(|(name, it)| (name.clone(), it.plan())).collect(),
            ..Config::default()
        }
        .into(),
        now: now(),
    }
}

fn loaded() -> Environment {
    Environment { catalog: Some(catalog().into()), me: Some("ada@offset.example".into()), ..environment() }
}

/// The text with everything that is told under its line.
fn annotated(text: &str) -> String {
    let is_mark = |it: &str| it.strip_prefix('#').is_some_and(|it| it.trim_start().starts_with('^'));
    let bare: String = text.split_inclusive('\n').filter(|it| !is_mark(it)).collect();
    let snapshot = snapshot(&bare, loaded());
    let found = brief_findings(&snapshot);
    let mut result = String::new();
    for (number, line) in bare.split_inclusive('\n').enumerate() {
        result.push_str(line);
        for it in &found {
            let span = snapshot.file.text.span(it.span.clone());
            if span.start.line != number as u32 {
                continue;
            }
            let from = span.start.scalar.max(1) as usize;
            let to = if span.end.line == span.start.line {
                span.end.scalar as usize
            } else {
                line.chars().count()
            };
            let (gap, carets) = (" ".repeat(from - 1), "^".repeat(to.saturating_sub(from).max(1)));
            result.push_str(&format!("#{gap}{carets} {}: {}\n", it.severity.name(), it.message));
        }
    }
    result
}

#[test]
fn what_is_told_stands_under_its_place() {
    let mut n_files = 0;
    for entry in fs::read_dir(fixtures().join("briefs/findings")).unwrap() {
        let path = entry.unwrap().path();
        check_file(&path, &annotated(&fs::read_to_string(&path).unwrap()));
        n_files += 1;
    }
    assert!(n_files >= 3);
}

#[test]
fn nothing_is_told_of_what_is_not_loaded() {
    let text = "key = \"legacy-export\"\n[[stage]]\nname = \"a\"\naudience = { cohort = 99 }\n[[guard]]\nmetric = \"nobody\"\nabove = 1\n[notify]\nslack = \"#nowhere\"\n";
    let told = |environment: Environment| {
        let found = brief_findings(&snapshot(text, environment));
        found.into_iter().map(|it| it.message).collect::<Vec<_>>()
    };
    assert_eq!(told(loaded()).len(), 4, "{:#?}", told(loaded()));
    assert_eq!(told(Environment::default()), Vec::<String>::new());
    // The key may not list it, or the list is too long to be read whole.
    let mut partly = catalog();
    partly.cohorts = Listed::absent("the API key is not allowed to do this: cohort:read");
    partly.events.is_whole = false;
    partly.channels = Listed::absent("PostHog does not have this");
    let only_flag = told(Environment { catalog: Some(partly.into()), ..loaded() });
    assert_eq!(only_flag.len(), 1, "{only_flag:#?}");
    let none_archived = FlagList::new([], now());
    assert!(told(Environment { catalog: None, flags: Some(none_archived), ..loaded() }).is_empty());
    // Of a flagline.toml that was never right, nobody knows the plans.
    let mut unsettled = snapshot("key = \"a\"\nplan = \"careful\"\n", Environment::default());
    let mut config = Config::default();
    config.environments[0].problem = Some("flagline.toml has 1 error".into());
    unsettled.config = config.into();
    let told: Vec<String> = brief_findings(&unsettled).into_iter().map(|it| it.message).collect();
    assert_eq!(told, ["what PostHog has is neither offered nor compared here: flagline.toml has 1 error"]);
}

/// Runs cases of a file: `=== name`, a text with `$0`, `---`, and what comes out for it.
fn check_cases(path: &str, run: impl Fn(&str, usize) -> String) {
    let path = fixtures().join("briefs").join(path);
    let text = fs::read_to_string(&path).unwrap();
    let mut got = String::new();
    let mut n_cases = 0;
    for case in text.split("=== ").skip(1) {
        let (name, rest) = case.split_once('\n').unwrap();
        let marked = rest.split_once("\n---\n").map_or(rest.trim_end(), |it| it.0);
        let offset = marked.find("$0").unwrap_or_else(|| panic!("no $0 in {name}"));
        let result = run(&marked.replacen("$0", "", 1), offset);
        got.push_str(&format!("=== {name}\n{marked}\n---\n{result}\n"));
        n_cases += 1;
    }
    check_file(&path, &got);
    assert!(n_cases > 3);
}

#[test]
fn what_can_be_written() {
    check_cases("completions.txt", |text, offset| {
        let mut lines: Vec<String> = Vec::new();
        for item in brief_completions(&snapshot(text, loaded()), offset) {
            let mut after = text.to_owned();
            after.replace_range(item.replaced.clone(), &item.text);
            let start = after[..item.replaced.start].rfind('\n').map_or(0, |it| it + 1);
            let line = after[start..].lines().next().unwrap_or_default();
            let words = if item.detail.is_empty() { &item.meaning } else { &item.detail };
            lines.push(format!("{}: {line} ({words})\n", item.label));
        }
        lines.concat()
    });
}

#[test]
fn what_stands_there() {
    check_cases("hovers.txt", |text, offset| {
        let hover = brief_hover(&snapshot(text, loaded()), offset, Markup::Markdown);
        hover.map_or("nothing\n".into(), |it| format!("[{}]\n{}\n", &text[it.span], it.text))
    });
    let text = "key = \"project-videos\"\n[[stage]]\nname = \"beta\"\n";
    let at = |needle: &str| text.find(needle).unwrap();
    let plain = |offset| brief_hover(&snapshot(text, loaded()), offset, Markup::Plain).unwrap();
    assert!(!plain(at("ame")).text.contains('`'));
    assert_eq!(plain(at("project")).key, Some("project-videos".into()));
}

#[test]
fn where_it_leads() {
    let text = "key = \"videos\"\nplan = \"careful\"\n[interview]\nstage = \"beta\"\ncalendar = \"https://a.example\"\n";
    let lead = |text: &str, needle: &str| brief_target(&snapshot(text, loaded()), text.find(needle).unwrap());
    assert_eq!(lead(text, "videos"), Some(BriefTarget::Reads("videos".into())));
    let plan =
        |stage: Option<&str>| BriefTarget::Plan { plan: "careful".into(), stage: stage.map(str::to_owned) };
    assert_eq!(lead(text, "careful"), Some(plan(None)));
    assert_eq!(lead(text, "beta"), Some(plan(Some("beta"))));
    assert_eq!(lead(text, "calendar"), None);
    let own = "key = \"a\"\n[interview]\nstage = \"beta\"\n[[stage]]\nname = \"beta\" # here\n";
    let here = own.rfind("\"beta\"").unwrap();
    assert_eq!(lead(own, "beta"), Some(BriefTarget::Here(here..here + 6)));
    let plan_at = |plan: &str, stage: Option<&str>| plan_span(SETTINGS, plan, stage).map(|it| &SETTINGS[it]);
    assert_eq!(plan_at("careful", None), Some("careful"));
    assert_eq!(plan_at("careful", Some("beta")), Some("\"beta\""));
    assert_eq!(plan_at("default", None), Some("default"));
    assert_eq!(plan_at("other", None), None);
}

fn show(symbol: &Symbol, text: &str, depth: usize, result: &mut String) {
    assert!(
        symbol.span.start <= symbol.name_span.start && symbol.name_span.end <= symbol.span.end,
        "{symbol:#?}"
    );
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let (from, to) = (line(symbol.span.start), line(symbol.span.end));
    let detail = if symbol.detail.is_empty() { String::new() } else { format!(" ({})", symbol.detail) };
    let margin = "  ".repeat(depth);
    let name = &text[symbol.name_span.clone()];
    result.push_str(&format!("{margin}{}{detail}: lines {from} to {to}, at {name}\n", symbol.name));
    for child in &symbol.children {
        assert!(symbol.span.start <= child.span.start && child.span.end <= symbol.span.end, "{symbol:#?}");
        show(child, text, depth + 1, result);
    }
}

#[test]
fn what_a_document_consists_of() {
    for entry in fs::read_dir(fixtures().join("briefs/outline")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "toml") {
            let text = fs::read_to_string(&path).unwrap();
            let mut shown = String::new();
            for symbol in outline(&text, !path.ends_with("flagline.toml")) {
                show(&symbol, &text, 0, &mut shown);
            }
            check_file(&path.with_extension("txt"), &shown);
        }
    }
}

#[test]
fn a_lens_says_how_many_follow() {
    let function = |id: &str, whom: &str, key: &str| {
        let events = json!([{ "id": MESSAGE_EVENT, "properties": [{ "key": "flag", "value": [key] }] }]);
        let function = json!({
            "id": id,
            "description": format!("{} It tells {whom}.", marker(key)),
            "enabled": id != "off",
            "template_id": "template-slack",
            "filters": { "events": events },
        });
        Follower::of(&function).unwrap()
    };
    let title = |followers: Vec<Follower>| {
        let catalog = Catalog { followers: listed(followers), ..catalog() };
        let environment = Environment { catalog: Some(catalog.into()), ..environment() };
        let lenses = brief_lenses(&snapshot("key = \"new-checkout\"\n", environment));
        let follow: Vec<String> =
            lenses.into_iter().filter(|it| it.does == Does::Follow).map(|it| it.title).collect();
        follow.concat()
    };
    let one = || function("a", "#releases", "new-checkout");
    let others = [function("b", "#alerts", "other"), function("off", "#alerts", "new-checkout")];
    assert_eq!(title(others.to_vec()), "Follow");
    assert_eq!(title([&[one()], &others[..]].concat()), "1 follower · follow");
    assert_eq!(title(vec![one(), one()]), "1 follower · follow");
    assert_eq!(title(vec![one(), function("c", "#alerts", "new-checkout")]), "2 followers · follow");
    // What is not loaded can be followed, and what is not there or put away cannot.
    let follows = |key: &str| {
        let lenses = brief_lenses(&snapshot(&format!("key = \"{key}\"\n"), environment()));
        lenses.iter().filter(|it| it.does == Does::Follow).map(|it| it.title.clone()).collect::<Vec<_>>()
    };
    assert_eq!(follows("new-checkout"), ["Follow"]);
    assert_eq!((follows("brand-new"), follows("legacy-export")), (Vec::new(), Vec::new()));
}

#[test]
fn no_text_breaks_it() {
    let texts = [
        "key = \"ü\"\n[[stage]]\nname = \"sü\\\"ß\" # é\naudience = { cohort = 'x' }\n[interview]\nstage='",
        "[[[",
        "a = [[1], {b = \"\"\"x\n[c]\n",
        "key = [\n",
        "[[stage]\n[.]\n[]]\n[[stage.gate]]\n",
        "[metric]\nevents = [{ event = \"\", properties = [{ key = \"",
        "\r\n[a]\r\nb=1\r\n",
    ];
    for text in texts {
        let it = snapshot(text, loaded());
        brief_findings(&it);
        let mut shown = String::new();
        outline(text, true).iter().for_each(|it| show(it, text, 0, &mut shown));
        for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
            brief_completions(&it, offset);
            brief_hover(&it, offset, Markup::Markdown);
            brief_target(&it, offset);
        }
    }
}
