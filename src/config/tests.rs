use secrecy::ExposeSecret;
use serde_json::json;

use super::*;
use crate::feature::Audience;

fn check(variables: &[(&str, &str)], settings: Value) -> (Config, Vec<String>) {
    check_file(variables, "", settings)
}

fn check_file(variables: &[(&str, &str)], text: &str, settings: Value) -> (Config, Vec<String>) {
    let variable = |name: &str| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
    let file = file::read(text);
    let why = file.as_ref().err().map(|it| file::summary(text, it)).unwrap_or_default();
    let file = file.as_ref().map_err(|_| why.as_str());
    load(variable, &Inputs { file: Some(file), settings: Some(&settings), ..Inputs::default() })
}

fn key(environment: &Environment) -> Option<&str> {
    environment.key.as_ref().map(|it| it.expose_secret())
}

#[test]
fn a_key_without_a_host_is_for_us_cloud() {
    let (config, problems) = check(&[("FLAGLINE_API_KEY", "phx_1")], json!(null));
    assert!(problems.is_empty());
    let environment = &config.environments[0];
    assert_eq!((&*environment.host, key(environment)), (US_CLOUD, Some("phx_1")));
    assert!(!format!("{config:?}").contains("phx_1"), "Debug must not print a key");
}

#[test]
fn neither_settings_nor_a_file_can_send_the_key_elsewhere() {
    let variables = [("FLAGLINE_API_KEY", "phx_1"), ("FLAGLINE_HOST", "eu.posthog.com/")];
    let (config, problems) = check(&variables, json!({ "host": "https://evil.example" }));
    assert_eq!(&*config.environments[0].host, "https://eu.posthog.com");
    assert!(problems[0].contains("not sent to https://evil.example"), "{problems:?}");
    let (config, problems) = check(&variables, json!({ "host": "https://eu.i.posthog.com", "project": "7" }));
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(config.environments[0].project, Some(7));

    let evil = "[[environment]]\nhost = \"https://evil.example\"\nproject = 3\n";
    let (config, _) = check_file(&[("FLAGLINE_API_KEY", "phx_1")], evil, json!(null));
    assert_eq!((&*config.environments[0].host, key(&config.environments[0])), ("https://evil.example", None));
    let (config, _) = check_file(&variables, evil, json!(null));
    let environment = &config.environments[0];
    assert_eq!((&*environment.host, key(environment)), ("https://eu.posthog.com", Some("phx_1")));
    assert_eq!(environment.project, None, "the file's number is of another host");

    let (config, problems) =
        check(&[("FLAGLINE_API_KEY", "phx_1"), ("FLAGLINE_HOST", "http://ph.example")], json!(null));
    assert!(config.environments[0].key.is_none() && problems[0].contains("must be https"), "{problems:?}");
}

#[test]
fn a_key_that_was_signed_in_with_goes_to_its_own_host_alone() {
    let keys = Keys::from([("https://eu.posthog.com".into(), "phx_eu".into())]);
    let file = file::read(
        "[[environment]]\nhost = \"eu.posthog.com\"\n[[environment]]\nname = \"dev\"\nhost = \"x.example\"\n",
    );
    let file = file.as_ref().map_err(|_| "wrong");
    let (config, problems) =
        load(|_| None, &Inputs { file: Some(file), keys: Some(&keys), ..Inputs::default() });
    assert!(problems.is_empty());
    assert_eq!(config.environments.iter().map(key).collect::<Vec<_>>(), [Some("phx_eu"), None]);
}

#[test]
fn where_nothing_names_a_host_the_only_one_that_is_signed_in_is_meant() {
    let host = |hosts: &[&str], variables: &[(&str, &str)], text: &str, settings: Value| {
        let keys: Keys = hosts.iter().map(|it| ((*it).into(), "phx_1".into())).collect();
        let variable = |name: &str| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
        let file = file::read(text).unwrap();
        let inputs = Inputs {
            file: Some(Ok(&file)),
            settings: Some(&settings),
            keys: Some(&keys),
            ..Inputs::default()
        };
        let environment = load(variable, &inputs).0.environments.swap_remove(0);
        (environment.host.to_string(), environment.project)
    };
    let (eu, own) = ("https://eu.posthog.com", "https://ph.example");
    assert_eq!(host(&[eu], &[], "stale_days = 3", json!({ "project": 7 })), (eu.into(), Some(7)));
    for (hosts, variables, text, settings) in [
        (&[][..], &[][..], "", json!(null)),
        (&[eu, own], &[], "", json!(null)),
        (&[eu], &[], "[[environment]]", json!(null)),
        (&[eu], &[], "", json!({ "host": US_CLOUD })),
        (&[eu], &[("FLAGLINE_HOST", US_CLOUD)], "", json!(null)),
        (&[eu], &[("FLAGLINE_API_KEY", "phx_2")], "", json!(null)),
    ] {
        assert_eq!(host(hosts, variables, text, settings).0, US_CLOUD, "{hosts:?} {variables:?} {text}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let (_, problems) = check(
        &[("FLAGLINE_PROJECT", "acme"), ("FLAGLINE_API_KEY", "phc_1")],
        json!({ "staleDay": 3, "diagnostics": "all", "apiKey": "x", "staleDays": 0, "host": 3 }),
    );
    assert_eq!(problems.len(), 7, "{problems:#?}");
    assert!(problems.iter().any(|it| it.contains("did you mean staleDays?")));
    assert!(problems.iter().any(|it| it.contains("phx_...")));
    assert!(problems.iter().any(|it| it.contains("a whole number from 1 to 3650")));
}

#[test]
fn settings_go_before_the_file_and_variables_before_both() {
    let text = "stale_days = 10\n[[environment]]\nproject = 1\n";
    let (config, _) = check_file(&[], text, json!({ "staleDays": 20, "project": 2 }));
    assert_eq!((config.stale_days, config.environments[0].project), (20, Some(2)));
    let (config, _) = check_file(&[("FLAGLINE_PROJECT", "3")], text, json!({ "project": 2 }));
    assert_eq!((config.stale_days, config.environments[0].project), (10, Some(3)));
    let (config, _) =
        check_file(&[], "", json!({ "project": null, "host": "", "path": "/x", "readOnly": true }));
    assert!(config.environments[0].project.is_none() && config.read_only);
}

#[test]
fn a_whole_file() {
    let text = r#"
exclude = ["generated/"]
client_names = ["analytics"]
wrapper_names = ["useFlag"]
stale_days = 14

[[wrapper]]
name = "is_on"
module = "acme.toggles"
argument = 1
returns = "boolean"

[[environment]]
name = "dev"
host = "http://localhost:8010"

[[environment]]
name = "production"
host = "eu.posthog.com"
project = 7
primary = true

[severity]
unknown-flag = "error"
disabled-flag = "off"

[plan.default]
stage = [
  { name = "internal", audience = { email_domain = "offset.example" } },
  { name = "beta", audience = { cohort = 12 }, steps = [10, 100] },
  { name = "pro", audience = { properties = [{ key = "plan", value = "pro" }] } },
  { name = "everyone", audience = "everyone", steps = [5, 25, 100] },
]
"#;
    let (config, problems) = check_file(&[], text, json!(null));
    assert!(problems.is_empty(), "{problems:?}");
    let names: Vec<&str> = config.environments.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["production", "dev"], "the primary comes first");
    assert_eq!(config.severities.of(Rule::UnknownFlag), Some(Severity::Error));
    assert_eq!(
        (config.severities.of(Rule::StaleFlag), config.severities.of(Rule::DisabledFlag)),
        (Some(Severity::Warning), None)
    );
    let wrappers: Vec<_> = config.names.wrappers.iter().map(|it| (&*it.name, it.argument)).collect();
    assert_eq!(
        (config.names.clients.len(), &wrappers[..]),
        (1, &[("is_on", Some(1)), ("useFlag", None)][..])
    );
    let plan = &config.plans["default"];
    assert_eq!(plan.stages[0].audience, Audience::EmailDomain("offset.example".into()));
    assert_eq!(
        (plan.stages[1].steps.as_slice(), plan.stages[2].steps.as_slice()),
        (&[10.0, 100.0][..], &[100.0][..])
    );
    let conditions = plan.conditions(&|_| None).unwrap();
    assert_eq!(
        conditions[1]["properties"],
        json!([{ "key": "id", "type": "cohort", "operator": "in", "value": 12 }])
    );
    assert_eq!(
        conditions[2]["properties"],
        json!([{ "key": "plan", "type": "person", "operator": "exact", "value": "pro" }])
    );
}

#[test]
fn a_folder_that_is_not_trusted_does_not_say_which_posthog_is_asked() {
    let text =
        "stale_days = 3\n[[environment]]\nname = \"dev\"\nhost = \"https://evil.example\"\nproject = 3\n";
    let file = file::read(text).unwrap();
    let posthog_json =
        PostHogJson { project: Some(4), client_names: vec!["x".into()], ..PostHogJson::default() };
    let both = |settings: Value, file: &File| {
        let posthog_json = posthog_json.clone();
        load(
            |_| None,
            &Inputs { file: Some(Ok(file)), posthog_json, settings: Some(&settings), ..Inputs::default() },
        )
        .0
    };
    for file in [&file, &File { stale_days: Some(3), ..File::default() }] {
        let config = both(json!({ "readOnly": true }), file);
        let environment = &config.environments[0];
        assert_eq!((&*environment.host, environment.project), (US_CLOUD, None));
        assert!(config.environments.len() == 1 && !environment.declared);
        // How code is read is harmless.
        assert_eq!((config.stale_days, config.names.clients.len()), (3, 1));
        // What the user says counts.
        let config = both(json!({ "readOnly": true, "host": "eu.posthog.com", "project": 7 }), file);
        let environment = &config.environments[0];
        assert_eq!((&*environment.host, environment.project), ("https://eu.posthog.com", Some(7)));
    }
    let config = both(json!({ "readOnly": false }), &file);
    assert_eq!(&*config.environments[0].host, "https://evil.example");
}

#[test]
fn a_project_is_known_by_the_setting_that_names_it() {
    let from = |variables: &[(&str, &str)], text: &str, settings: Value| {
        let (config, _) = check_file(variables, text, settings);
        (config.environments[0].project_from, config.environments[0].declared)
    };
    let text = "[[environment]]\nproject = 1\n";
    assert_eq!(from(&[], text, json!(null)), (Some("flagline.toml"), true));
    assert_eq!(from(&[], text, json!({ "project": 2 })), (Some("the editor's settings"), true));
    assert_eq!(from(&[("FLAGLINE_PROJECT", "3")], text, json!({ "project": 2 })).0, Some("FLAGLINE_PROJECT"));
    assert_eq!(from(&[], "stale_days = 3", json!({ "host": "eu.posthog.com" })), (None, false));
    assert_eq!(from(&[], "stale_days = 0", json!(null)), (None, true), "somebody wanted to set something");
    assert_eq!(from(&[("FLAGLINE_HOST", "eu.posthog.com")], text, json!(null)).0, None);
}

/// Every problem of `text`, as `what it points at: message`.
fn problems(text: &str) -> Vec<String> {
    let problems = file::read(text).expect_err(text);
    problems.iter().map(|it| format!("{}: {}", &text[it.span.clone()], it.message)).collect()
}

#[test]
fn everything_wrong_in_a_file_is_told_at_its_place() {
    let text = r#"stale_day = 3
stale_days = "30"
exclude = ["ok/", 3]
[severity]
unknown-flag = "eror"
stale-flags = "off"
[[environment]]
host = "http://ph.example"
project = "1"
[[environment]]
primary = 1
"#;
    assert_eq!(
        problems(text),
        [
            "stale_day: no such key: stale_day; did you mean stale_days?",
            "\"30\": expected a whole number from 1 to 3650, not text",
            "3: expected text, not a number",
            "\"eror\": expected \"error\", \"warning\", \"information\", \"hint\" or \"off\"; did you mean \"error\"?",
            "stale-flags: no such key: stale-flags; did you mean stale-flag?",
            "\"http://ph.example\": ph.example must be https: a key is sent there",
            "\"1\": expected a whole number, not text",
            "[[environment]]: two environments have this name",
            "1: expected true or false, not a number",
        ]
        .map(str::to_owned)
    );
}

#[test]
fn a_list_of_tables_has_two_brackets() {
    let problems = problems("[wrapper]\nname = \"useFlag\"\n");
    assert!(problems[0].ends_with("expected a list of tables: their headers have two brackets, [[...]]"));
}

#[test]
fn what_no_schema_can_say_is_told_too() {
    let text = r#"exclude = ["[z-a]"]
wrapper_names = ["flags.isOn(key)", "$isOn", ""]
[[environment]]
host = "http://ph.example"
[[environment]]
primary = true
[[environment]]
name = "dev"
primary = true
[plan.slow]
stage = [{ name = "beta", audience = "everyone", steps = [50, 20] }]
[plan.none]
stage = []
"#;
    let problems = problems(text);
    assert_eq!(problems.len(), 8, "{problems:#?}");
    for (at, words) in [
        "is no pattern",
        "not the name of one thing: write \"isOn\"",
        "not the name of one thing",
        "must be https",
        "two environments have this name",
        "another is already",
        "[50, 20]: steps grow",
        "has no stage",
    ]
    .iter()
    .enumerate()
    {
        assert!(problems[at].contains(words), "{words}: {problems:#?}");
    }
}

#[test]
fn a_plan_that_is_wrong_says_what_is_possible() {
    let wrong = |stage: &str| problems(&format!("[plan.default]\nstage = [{stage}]\n"));
    assert_eq!(
        wrong(r#"{ name = "a", audience = "everybody" }"#),
        [r#""everybody": expected "everyone" or a table; did you mean "everyone"?"#]
    );
    assert_eq!(
        wrong(r#"{ name = "a", audience = { cohorts = 1 } }"#),
        ["cohorts: no such key: cohorts; did you mean cohort?"]
    );
    let missing = wrong(r#"{ audience = { email = "a@b.example" } }"#);
    assert!(missing[0].ends_with("name is missing"), "{missing:?}");
}

#[test]
fn a_wrong_value_hides_nothing_that_is_wrong_elsewhere() {
    let text = r#"stale_days = "30"
exclude = ["[z-a]", 3]
[[environment]]
host = "http://ph.example"
[[environment]]
name = 7
primary = true
[[environment]]
primary = true
[plan.slow]
stage = [{ name = "", audience = "nobody", steps = [50, 20] }, { name = "b", audience = "everyone", steps = ["x"] }]
[plan.none]
stage = []
"#;
    let problems = problems(text).join("\n");
    for words in [
        "\"30\": expected a whole number",
        "\"[z-a]\": this is no pattern",
        "3: expected text",
        "\"http://ph.example\": ph.example must be https",
        "7: expected text",
        "true: one environment is primary",
        "two environments have this name",
        "\"\": a stage is called by a word or two",
        "\"nobody\": expected",
        "[50, 20]: steps grow",
        "\"x\": expected a number",
        "plan none has no stage",
    ] {
        assert!(problems.contains(words), "no {words} in\n{problems}");
    }
    // Of a text that breaks off, only what stands there is told.
    let broken = "stale_days = \n[[environment]]\nhost = \"http://ph.example\"\n";
    let problems = self::problems(broken);
    assert!(problems.iter().any(|it| it.contains("must be https")), "{problems:#?}");
}

#[test]
fn of_very_many_problems_the_first_are_told_and_the_rest_is_counted() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for n in 0..20_000 {
        let _ = writeln!(text, "no_such_key_{n} = {n}");
    }
    let begun = std::time::Instant::now();
    let problems = file::read(&text).unwrap_err();
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    assert_eq!(problems.len(), file::MOST_PROBLEMS + 1);
    assert_eq!(problems.last().unwrap().message, "and 19900 more");
    let summary = file::summary(&text, &problems);
    assert!(
        summary.starts_with("flagline.toml has more than 100 errors, the first in line 1: "),
        "{summary}"
    );
}

#[test]
fn broken_toml_is_told_whole() {
    let found = problems("stale_days = \nexclude = [\nclient_names = 3\n");
    assert!(found.len() >= 2, "{found:#?}");
    for text in ["[", "=", "\u{0}", "a = \"", "[[environment]]\nname = 1\nname = 2", "é = 'ü"] {
        assert!(file::read(text).is_err(), "{text:?}");
    }
}

#[test]
fn while_the_file_is_wrong_nothing_is_asked() {
    let (config, _) = check_file(&[("FLAGLINE_API_KEY", "phx_1")], "stale_days = 0", json!(null));
    assert_eq!(
        config.environments[0].problem.as_deref(),
        Some("flagline.toml has 1 error in line 1: expected a whole number from 1 to 3650, not 0")
    );
}
