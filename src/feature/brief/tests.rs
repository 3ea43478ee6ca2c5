use std::collections::BTreeMap;

use super::*;
use crate::feature::Value;

fn brief(rest: &str) -> Brief {
    Brief::parse(&format!("key = \"videos\"\n{rest}")).unwrap()
}

/// Problems as `line: message`.
fn problems(rest: &str) -> Vec<String> {
    let text = format!("key = \"videos\"\n{rest}");
    let told = read(&text).err().unwrap_or_default();
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    told.iter().map(|it| format!("{}: {}", line(it.span.start), it.message)).collect()
}

#[test]
fn key_and_name_are_enough() {
    let it = brief("name = \"Videos of offsetting projects\"");
    assert_eq!(it.title(), "Videos of offsetting projects");
    assert_eq!(it.release, Release::AutoRollout);
    assert_eq!(it.review_after().to_string(), "90d");
    assert_eq!(it, Brief::new(&"videos".into(), "Videos of offsetting projects"));
    let plan = it.plan(&BTreeMap::new(), "ada@offset.example").unwrap();
    assert_eq!(plan.stages.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["internal", "everyone"]);
    assert_eq!(plan.stages[0].gate.to_string(), "5 people, a person's go");
}

#[test]
fn everything_that_a_brief_can_say() {
    let text = r##"
name = "Videos of offsetting projects"
description = "A video on each project's page"
owner = "ada@offset.example"
hypothesis = "Who sees what they pay for comes back"
plan = "careful"
review_after = "13w"
before_lifting = [{ what = "Legal has agreed", done = true }, { what = "Captions" }]

[metric]
kind = "retention"
events = ["$pageview"]
target = 30
by = 2027-02-28

[[secondary]]
name = "Offsets"
kind = "funnel"
events = ["video watched", { event = "offset bought", properties = [{ key = "kg", operator = "gt", value = 100 }] }]

[[guard]]
metric = "exceptions"
above = 2
window = "30m"
baseline = "before"
then = "off"

[notify]
slack = "#releases"
webhook = "deploys"
people = ["grace@offset.example"]

[interview]
people = 2
event = "video watched"
calendar = "https://cal.example/ada"

[early_access]
"##;
    let it = brief(text);
    assert_eq!(it.metric.as_ref().unwrap().by.unwrap().to_string(), "2027-02-28");
    assert_eq!(it.secondary[0].events[1].properties()[0]["type"], "event");
    assert_eq!(it.open_todos().map(|it| it.what.as_str()).collect::<Vec<_>>(), ["Captions"]);
    assert_eq!(it.interview.as_ref().unwrap().people(), 2);
    assert!(it.plan(&BTreeMap::new(), "").unwrap_err().contains("no plan 'careful'"));
}

#[test]
fn what_no_schema_can_say_is_told_where_it_stands() {
    let cases = [
        ("keyy = 1", "2: no such key: keyy; did you mean key?"),
        ("owner = \"ada\"", "2: expected an e-mail address, not \"ada\""),
        ("review_after = \"soon\"", "2: expected text like \"30m\", \"6h\", \"2d\" or \"13w\", not \"soon\""),
        ("[metric]\nkind = \"trend\"", "2: a trend is of one event: events = [\"...\"]"),
        ("[metric]\nkind = \"retention\"\nby = \"2027-02-31\"", "4: there is no such day"),
        ("release = \"ab-test\"", "2: an A/B test needs a metric that decides it"),
        (
            "[[variant]]\nkey = \"control\"\npercent = 100",
            "2: variants belong to an A/B test: release = \"ab-test\"",
        ),
        ("[[guard]]\nmetric = \"exceptions\"", "2: a guard needs a threshold: above or below"),
        (
            "[[guard]]\nmetric = \"exceptions\"\nabove = 1\nbaseline = \"control\"",
            "5: only an A/B test has a control; compare with \"before\"",
        ),
        ("[interview]\ncalendar = \"cal\"", "3: expected the address of a page (https://...), not \"cal\""),
        (
            "plan = \"a\"\n[[stage]]\nname = \"a\"\naudience = \"everyone\"",
            "2: the brief has stages of its own, so that it follows no other plan",
        ),
        (
            "[[stage]]\nname = \"a\"\naudience = \"everyone\"\n[interview]\nstage = \"b\"\ncalendar = \"https://a.example\"",
            "6: the plan has no stage \"b\"",
        ),
        (
            "[[stage]]\nname = \"a\"\naudience = \"everyone\"\n[[stage]]\nname = \"a\"\naudience = \"everyone\"",
            "6: two stages have this name",
        ),
        (
            "[[stage]]\nname = \"a\"\naudience = \"everyone\"\nsteps = [50, 20]",
            "5: steps grow, and the last is 100",
        ),
        (
            "release = \"ab-test\"\n[metric]\nkind = \"retention\"\n[[variant]]\nkey = \"a\"\npercent = 40\n[[variant]]\nkey = \"b\"\npercent = 50",
            "5: one variant must have the key \"control\" | 5: the percentages of the variants make 90, not 100",
        ),
        (
            "[notify]\nwebhook = \"https://hooks.example/secret\"",
            "3: expected a name, not an address: addresses of webhooks are secrets and stand in the variable FLAGLINE_WEBHOOK_<NAME>",
        ),
    ];
    for (rest, expect) in cases {
        assert_eq!(problems(rest).join(" | "), expect, "in\n{rest}");
    }
    assert!(Brief::parse("name = \"a\"").unwrap_err().contains("key is missing"));
    assert!(Brief::parse("key = \"a b\"").unwrap_err().contains("expected text like \"new-checkout\""));
    assert!(Brief::parse("key = \"a").unwrap_err().starts_with("line 1"));
}

#[test]
fn what_is_left_of_a_brief() {
    let epitaph = |rest: &str| brief(rest).epitaph(&Value::On);
    assert_eq!(
        epitaph(
            "name = \"Videos\"\nowner = \"ada@offset.example\"\n[outcome]\nverdict = \"nailed\"\nmeasured = \"41 % came back\""
        ),
        "Videos: nailed, 41 % came back. The flag 'videos' is removed from the code, which keeps on."
    );
    assert_eq!(
        epitaph(""),
        "videos: no outcome was written down. The flag 'videos' is removed from the code, which keeps on."
    );
    assert!(brief("").is_of(&"videos".into()) && !brief("").is_of(&"video".into()));
}

#[test]
fn long_keys_have_short_file_names() {
    assert_eq!(file_name(&"new-checkout".into()), "new-checkout.toml");
    let long = |end: &str| file_name(&format!("{}{end}", "a".repeat(390)).as_str().into());
    assert!(long("b").len() <= 105 && long("b") != long("c"), "{}", long("b"));
}
