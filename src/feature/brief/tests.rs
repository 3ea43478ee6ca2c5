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
            "6: the plan has no stage \"b\" for the interview; did you mean \"a\"?",
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
fn an_audience_is_somebody_and_not_everyone_by_mistake() {
    let no_operator = problems(
        "[[stage]]\nname = \"a\"\naudience = { properties = [{ key = \"plan\", operator = \"greater\", value = 1 }] }",
    );
    assert!(
        no_operator[0].starts_with("4: expected \"exact\", \"is_not\", ") && no_operator.len() == 1,
        "{no_operator:?}"
    );
    let cases = [
        (
            "{ properties = [] }",
            "without a property these are all people: name one, or say audience = \"everyone\"",
        ),
        (
            "{ cohort = { name = \"Payers\", properties = [] } }",
            "without a property these are all people: name one, or write only the cohort's name for a static one \
             that is empty at first",
        ),
        ("{ cohort = \" \" }", "expected the name of a cohort"),
        (
            "{ cohort = { name = \"\", properties = [{ key = \"a\", value = 1 }] } }",
            "expected the name of a cohort",
        ),
        ("{ properties = [{ key = \"\", value = 1 }] }", "expected the name of a property"),
        (
            "{ properties = [{ key = \"plan\", operator = \"icontain\", value = \"p\" }] }",
            "expected \"exact\", OPERATORS; did you mean \"icontains\"?",
        ),
        ("{ properties = [{ key = \"plan\", value = nan }] }", "expected a number, not nan"),
        ("{ email = \"not an address\" }", "expected an e-mail address, not \"not an address\""),
        ("{ email_domain = \"\" }", "expected a domain like \"example.com\", not \"\""),
        ("{ email_domain = \"@offset.example\" }", ""),
        (
            "{ cohort = 3, email = \"a@b.example\" }",
            "one of email_domain, email, cohort or properties: email and cohort both stand here",
        ),
    ];
    let exact = "expected \"exact\", ";
    for (audience, expect) in cases {
        let told = problems(&format!("[[stage]]\nname = \"a\"\naudience = {audience}")).join(" | ");
        let told = told.strip_prefix("4: ").unwrap_or(&told);
        // Nobody wants to read all of them here.
        let short = match (told.strip_prefix(exact), told.find("; did")) {
            (Some(_), Some(at)) => format!("{exact}OPERATORS{}", &told[at..]),
            _ => told.to_owned(),
        };
        assert_eq!(short, expect, "in {audience}");
    }
}

#[test]
fn a_plan_is_for_people_or_for_groups() {
    let company = "{ properties = [{ key = \"plan\", value = \"pro\", group_type = 0 }] }";
    let told = |audiences: &[&str]| {
        let stage = |it: (usize, &&str)| format!("[[stage]]\nname = \"s{}\"\naudience = {}\n", it.0, it.1);
        problems(&audiences.iter().enumerate().map(stage).collect::<String>()).join(" | ")
    };
    let mixed = "7: a flag is for people or for groups of one type, in all of its stages";
    for other in [
        "{ email_domain = \"offset.example\" }",
        "{ email = \"ada@offset.example\" }",
        "{ cohort = 3 }",
        "{ properties = [{ key = \"plan\", value = \"pro\" }] }",
        "{ properties = [{ key = \"plan\", value = \"pro\", group_type = 1 }] }",
    ] {
        assert_eq!(told(&[company, other]), mixed, "{other}");
        assert_eq!(told(&[other, company]), mixed, "{other}");
    }
    // All groups there are.
    assert_eq!(told(&[company, "\"everyone\""]), "");
}

#[test]
fn what_never_holds_is_told() {
    let stage = |rest: &str| format!("[[stage]]\nname = \"a\"\naudience = \"everyone\"\n{rest}");
    let guard = |rest: &str| format!("[[guard]]\nmetric = \"exceptions\"\n{rest}");
    let metric = |rest: &str| format!("[metric]\nkind = \"funnel\"\nevents = [\"paid\"]\n{rest}");
    let cases = [
        (stage("steps = [0, 100]"), "5: expected a number above 0 and at most 100, not 0"),
        (stage("steps = [nan, 100]"), "5: expected a number, not nan"),
        (stage("gate = { people = 0 }"), "5: expected a whole number of at least 1, not 0"),
        (
            stage("gate = { after = \"0h\" }"),
            "5: expected text like \"30m\", \"6h\", \"2d\" or \"13w\", not \"0h\"",
        ),
        (stage("gate = { max_exceptions = 0 }"), ""),
        (metric("target = nan"), "5: expected a number, not nan"),
        (metric("target = -inf"), "5: expected a number, not -inf"),
        (metric("target = 120"), "5: this is percent of the people, of whom there are 100 at most, not 120"),
        (metric("target = -1"), "5: expected a number of at least 0, not -1"),
        ("[metric]\nkind = \"trend\"\nevents = [\"a\"]\ntarget = 120".into(), ""),
        ("[metric]\nkind = \"trend\"\nevents = [\"\"]".into(), "4: expected the name of an event"),
        (
            "[metric]\nkind = \"trend\"\nevents = [{ event = \" \" }]".into(),
            "4: expected the name of an event",
        ),
        (guard("above = nan"), "4: expected a number, not nan"),
        (guard("below = inf"), "4: expected a number, not inf"),
        (
            guard("above = 200"),
            "4: more than 100 % of the people never is: the guard would stop nothing; for so many times what is \
             usual, add baseline = \"before\"",
        ),
        (guard("above = 200\nbaseline = \"before\""), ""),
        (guard("above = 0"), ""),
        (guard("below = 0"), "4: less than nothing never is: the guard would stop nothing"),
        (guard("below = 101"), "4: less than that always is: the guard would stop everything"),
        (guard("above = 2\nwindows = 0"), "5: expected a whole number from 1 to 100, not 0"),
        (guard("above = 2\npeople = 0"), "5: expected a whole number of at least 1, not 0"),
        (
            guard("above = 2\nwindow = \"0h\""),
            "5: expected text like \"30m\", \"6h\", \"2d\" or \"13w\", not \"0h\"",
        ),
        ("[[guard]]\nmetric = \"\"\nabove = 2".into(), "3: expected the name of an event, or exceptions"),
        ("[notify]\nslack = \"\"".into(), "3: expected the name of a Slack channel"),
    ];
    for (rest, expect) in cases {
        assert_eq!(problems(&rest).join(" | "), expect, "in\n{rest}");
    }
}

#[test]
fn an_interview_is_in_a_stage_of_the_plan() {
    let of = |stage: &str| {
        let it = brief(&format!("[interview]\nstage = \"{stage}\"\ncalendar = \"https://a.example\""));
        it.interview_trouble(&it.plan(&BTreeMap::new(), "ada@offset.example").unwrap())
    };
    assert_eq!(of(" internal"), None);
    let nowhere = "the plan has no stage \"everyon\" for the interview; did you mean \"everyone\"?";
    assert_eq!(of("everyon").as_deref(), Some(nowhere));
    let nowhere = "the plan has no stage \"beta\" for the interview, but internal, everyone";
    assert_eq!(of("beta").as_deref(), Some(nowhere));
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

#[test]
fn an_empty_audience_is_told_what_it_may_be() {
    let told = read("key = \"a\"\n[[stage]]\nname = \"a\"\naudience = {}\n").unwrap_err();
    let told: Vec<&str> = told.iter().map(|it| it.message.as_str()).collect();
    let right = "expected \"everyone\" or a table with email_domain, email, cohort or properties";
    assert_eq!(told, [right]);
}

#[test]
fn a_share_is_a_part_of_a_hundred_and_only_a_trend_counts() {
    let told = |metric: &str| {
        let read = read(&format!("key = \"a\"\n[metric]\nevents = [\"a\"]\n{metric}\n"));
        read.err().unwrap_or_default().into_iter().map(|it| it.message).collect::<Vec<String>>()
    };
    for kind in ["funnel", "retention"] {
        for target in ["300", "-3"] {
            let told = told(&format!("kind = \"{kind}\"\ntarget = {target}"));
            assert!(told.len() == 1 && told[0].ends_with(&format!("not {target}")), "{told:?}");
        }
        assert_eq!(told(&format!("kind = \"{kind}\"\ntarget = 100")), Vec::<String>::new());
        assert_eq!(told(&format!("kind = \"{kind}\"\ncount = \"people\"")), ["count belongs to a trend"]);
    }
    assert_eq!(told("kind = \"trend\"\ntarget = 300\ncount = \"people\""), Vec::<String>::new());
    let no_steps = "key = \"a\"\n[[stage]]\nname = \"a\"\naudience = \"everyone\"\nsteps = []\n";
    assert_eq!(read(no_steps).unwrap_err()[0].message, "steps grow, and the last is 100");
}

#[test]
fn a_release_condition_compares_by_less_than_a_graph() {
    let property = "{ key = \"kg\", operator = \"between\", value = [1, 2] }";
    let stage = format!("[[stage]]\nname = \"a\"\naudience = {{ properties = [{property}] }}\n");
    let told = read(&format!("key = \"a\"\n{stage}")).unwrap_err();
    let told: Vec<&str> = told.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(told, ["only graphs compare by \"between\", no release condition does"]);
    let event = format!("{{ event = \"purchase\", properties = [{property}] }}");
    assert!(read(&format!("key = \"a\"\n[metric]\nkind = \"trend\"\nevents = [{event}]\n")).is_ok());
}
