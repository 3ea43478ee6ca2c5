//! `flagline archive`: what is refused, what a person decides, what is written, and what goes wrong with it.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
mod terminal;

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use flagline::posthog::account::SCOPES;
use flagline::sandbox::{self, GRACE_KEY, Shape};
use jiff::{SignedDuration, Timestamp};
use posthog::Posthog;
use serde_json::{Value, json};
use tempfile::TempDir;
use terminal::{flagline, run, signed_in, std_flagline, tree};

/// A repository whose code reads one flag, may read those that begin with `beta-`, and once any at all.
fn app() -> TempDir {
    let folder = tree(&[
        ("web/app.ts", "import posthog from 'posthog-js'\nposthog.isFeatureEnabled('new-checkout')\n"),
        ("web/beta.ts", "import posthog from 'posthog-js'\nposthog.getFeatureFlag(`beta-${x}`)\n"),
        ("ios/App.swift", "PostHogSDK.shared.isFeatureEnabled(\"certificate-pdf\")\n"),
        ("web/any.ts", "import posthog from 'posthog-js'\nposthog.getFeatureFlag(any())\n"),
        ("web/keys.ts", "export const KEYS = { OLD: 'old-banner' }\n"),
    ]);
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    folder
}

/// What is said of a read of any flag.
const BLIND: &str = "flagline: web/any.ts:2:24 reads a flag whose key nobody can tell before it runs; what it reads is not known here\n";

/// A PostHog in which nobody asked for `quiet` in the last 20 days, but for `email-digest` an hour ago.
async fn with_quiet(posthog: &Posthog, quiet: &[&str]) {
    posthog.ask("DELETE", "/_sandbox/events/", Value::Null).await;
    let event = |key: &str, hours: i64| {
        json!({
            "event": "$feature_flag_called",
            "distinct_id": "ada@offset.example",
            "timestamp": (Timestamp::now() - SignedDuration::from_hours(hours)).to_string(),
            "properties": { "$feature_flag": key, "$feature_flag_response": true, "$lib": "web" },
        })
    };
    let mut events: Vec<Value> = quiet.iter().map(|it| event(it, 20 * 24)).collect();
    events.push(event("email-digest", 1));
    posthog.control("events", json!({ "events": events })).await;
}

async fn archive(posthog: &Posthog, folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = signed_in(folder, posthog);
    command.arg("archive").args(arguments);
    run(command).await
}

async fn n_writes(posthog: &Posthog) -> u64 {
    posthog.requests("PATCH /api/projects/:id/feature_flags/:id/").await
}

async fn is_archived(posthog: &Posthog, key: &str) -> bool {
    let list = posthog.get("feature_flags/?archived=true&limit=1000").await;
    let found = list["results"].as_array().unwrap().iter().find(|it| it["key"] == key).cloned();
    found.is_some_and(|it| it["archived"] == true && it["active"] == false)
}

fn all_scopes_but(scope: &str) -> Vec<&'static str> {
    SCOPES.iter().map(|it| it.0).filter(|it| *it != scope).chain(["feature_flag:read"]).collect()
}

// What is refused.

#[tokio::test]
async fn what_is_read_or_asked_for_is_refused_with_the_places_and_the_people() {
    let (posthog, folder) = (Posthog::start().await, app());
    // A subfolder is asked in: all of the repository counts.
    std::fs::create_dir(folder.path().join("docs")).unwrap();
    let (code, stdout, _) =
        archive(&posthog, &folder.path().join("docs"), &["new-checkout", "--yes", "--anyway"]).await;
    assert_eq!(code, 1);
    for words in [
        "'new-checkout' is not archived:",
        "the code reads it: ../web/app.ts:2:26\n",
        "it is asked for: 245 people",
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    let (code, stdout, _) = archive(&posthog, folder.path(), &["beta-nav", "email-digest", "--yes"]).await;
    assert_eq!(code, 1);
    let words = "keys that begin like it are decided at run time: web/beta.ts:2:24\n";
    assert!(stdout.contains(words) && stdout.contains(" by posthog-python\n"), "{stdout}");
    // Languages that are not read here are looked through all the same.
    let (_, stdout, _) = archive(&posthog, folder.path(), &["certificate-pdf", "--yes"]).await;
    assert!(
        stdout.contains("its key stands in code that Flagline cannot read: ios/App.swift:1:37\n"),
        "{stdout}"
    );
    assert_eq!(n_writes(&posthog).await, 0);
}

#[tokio::test]
async fn what_else_needs_a_flag_is_named() {
    let (posthog, folder) = (Posthog::start().await, app());
    with_quiet(&posthog, &["pricing-page", "certificate-pdf"]).await;
    let id = posthog.flag("certificate-pdf").await["id"].to_string();
    let property = json!({ "key": id, "type": "flag", "operator": "flag_evaluates_to", "value": true });
    let groups = json!({ "groups": [{ "properties": [property], "rollout_percentage": 100 }] });
    posthog.change(GRACE_KEY, "email-digest", json!({ "filters": groups })).await;
    let (code, stdout, _) =
        archive(&posthog, folder.path(), &["pricing-page", "certificate-pdf", "--yes", "--anyway"]).await;
    assert_eq!(code, 1);
    for words in
        ["the experiment 'Prices by the year' on it is not over", "the flag 'email-digest' depends on it"]
    {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    assert!(!is_archived(&posthog, "pricing-page").await && !is_archived(&posthog, "certificate-pdf").await);
}

#[tokio::test]
async fn an_unknown_key_is_told_with_one_that_looks_like_it() {
    let (posthog, folder) = (Posthog::start().await, app());
    let (code, stdout, _) = archive(&posthog, folder.path(), &["old-baner", "--yes"]).await;
    assert_eq!(
        (code, &*stdout),
        (1, "'old-baner' is unknown:\n  Offset has no such flag; did you mean 'old-banner'?\n")
    );
}

// What is written.

#[tokio::test]
async fn a_quiet_flag_is_archived_and_once_is_enough() {
    let (posthog, folder) = (Posthog::start().await, app());
    with_quiet(&posthog, &["checkout-copy", "old-banner"]).await;
    let arguments = ["checkout-copy", "old-banner", "--yes"];
    let (code, stdout, stderr) = archive(&posthog, folder.path(), &arguments).await;
    assert_eq!((code, &*stderr), (0, BLIND), "{stdout}");
    for words in [
        "'checkout-copy' can be archived: no code here reads it, and nobody has asked for it since ",
        "It serves warm to everyone; archived, it is off for whoever still asks for it.",
        "'checkout-copy' is archived; its page takes it back: http",
        "It is off, and stays so.\n  look: the key still stands at web/keys.ts:1:29\n",
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    assert!(is_archived(&posthog, "checkout-copy").await && is_archived(&posthog, "old-banner").await);
    let (code, stdout, _) = archive(&posthog, folder.path(), &arguments).await;
    assert_eq!((code, n_writes(&posthog).await), (0, 2));
    assert_eq!(stdout.lines().next(), Some("'checkout-copy' is archived already"));
}

#[tokio::test]
async fn somebody_is_asked_first_and_nobody_is_no_answer() {
    let (posthog, folder) = (Posthog::start().await, app());
    with_quiet(&posthog, &["checkout-copy", "old-banner"]).await;
    let ask = async |answer: &'static str| {
        let mut command = signed_in(folder.path(), &posthog);
        command.args(["archive", "checkout-copy", "old-banner"]).write_stdin(answer);
        let (code, _, stderr) = run(command).await;
        (code, stderr)
    };
    let (code, stderr) = ask("").await;
    assert_eq!((code, n_writes(&posthog).await), (1, 0));
    for key in ["checkout-copy", "old-banner"] {
        let words = format!("'{key}' is not archived; nobody was there to be asked, --yes asks nothing\n");
        assert!(stderr.contains(&words), "{stderr}");
    }
    let (code, stderr) = ask("no\n\n").await;
    assert_eq!((code, n_writes(&posthog).await), (1, 0));
    assert!(stderr.contains("'old-banner' is not archived\n"), "{stderr}");
    let (code, stderr) = ask("yes\nno\n").await;
    assert_eq!((code, n_writes(&posthog).await), (1, 1));
    assert!(stderr.contains("Archive 'checkout-copy' in Offset? yes or no [no]"), "{stderr}");
    assert!(is_archived(&posthog, "checkout-copy").await && !is_archived(&posthog, "old-banner").await);
}

#[tokio::test]
async fn where_nobody_can_tell_a_person_may_decide() {
    let (posthog, folder) = (Posthog::start().await, app());
    with_quiet(&posthog, &[]).await;
    let (code, stdout, _) = archive(&posthog, folder.path(), &["dark-mode", "--yes"]).await;
    assert_eq!((code, n_writes(&posthog).await), (1, 0));
    let expected = "\
'dark-mode': a person decides:
  no call of it is known: its code may not be deployed yet, or PostHog is not told of it
  when you know better: flagline archive dark-mode --anyway
";
    assert_eq!(stdout, expected);
    let (code, stdout, _) = archive(&posthog, folder.path(), &["dark-mode", "--yes", "--anyway"]).await;
    assert!(code == 0 && !stdout.contains("when you know better"), "{stdout}");
    assert!(is_archived(&posthog, "dark-mode").await);
}

#[tokio::test]
async fn programs_get_json_and_nothing_else() {
    let (posthog, folder) = (Posthog::start().await, app());
    with_quiet(&posthog, &["old-banner"]).await;
    let arguments = ["old-banner", "new-checkout", "--yes", "--format", "json"];
    let (code, stdout, _) = archive(&posthog, folder.path(), &arguments).await;
    let json: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, 1);
    for (pointer, expected) in [
        ("/quietDays", json!(7)),
        ("/project/name", json!("Offset")),
        ("/flags/0/key", json!("new-checkout")),
        ("/flags/0/place", json!("read")),
        ("/flags/0/archived", json!(false)),
        ("/flags/0/reads/0/path", json!("web/app.ts")),
        ("/flags/0/reads/0/line", json!(2)),
        ("/flags/1/place", json!("ready")),
        ("/flags/1/archived", json!(true)),
        ("/flags/1/trouble", json!(null)),
        ("/flags/1/mentions/0/path", json!("web/keys.ts")),
    ] {
        assert_eq!(json.pointer(pointer), Some(&expected), "{pointer} in {json:#}");
    }
}

// What goes wrong.

#[tokio::test]
async fn a_refused_write_says_what_to_do() {
    for (scope, fault, words) in [
        (Some("feature_flag:write"), json!([]), "give the key the scope feature_flag:write under http"),
        (None, json!([{ "kind": "status", "status": 402, "method": "PATCH" }]), "plan does not include it"),
        (
            None,
            json!([{ "kind": "status", "status": 500, "method": "PATCH" }]),
            "it may be all the same, run it again",
        ),
        (
            None,
            json!([{ "kind": "status", "status": 409, "method": "PATCH" }]),
            "somebody changed it meanwhile: it was off (version 3), and is now off (version 3, 12 days ago by Grace). \
             PostHog says: ",
        ),
    ] {
        let (posthog, folder) = (Posthog::start().await, app());
        with_quiet(&posthog, &["old-banner"]).await;
        if let Some(scope) = scope {
            posthog.scopes(&all_scopes_but(scope)).await;
        }
        posthog.faults(fault).await;
        let (code, _, stderr) = archive(&posthog, folder.path(), &["old-banner", "--yes"]).await;
        assert_eq!(code, 1, "{stderr}");
        assert!(stderr.contains("'old-banner' is not archived") && stderr.contains(words), "{stderr}");
        posthog.faults(json!([])).await;
        assert!(!is_archived(&posthog, "old-banner").await);
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_found_again() {
    let (posthog, folder) = (Posthog::start().await, app());
    with_quiet(&posthog, &["old-banner"]).await;
    posthog.faults(json!([{ "kind": "cut", "method": "PATCH" }])).await;
    let (code, _, stderr) = archive(&posthog, folder.path(), &["old-banner", "--yes"]).await;
    assert!(code == 1 && stderr.contains("it may be all the same, run it again to see"), "{stderr}");
    posthog.faults(json!([])).await;
    let (code, stdout, _) = archive(&posthog, folder.path(), &["old-banner", "--yes"]).await;
    assert_eq!((code, &*stdout), (0, "'old-banner' is archived already\n"));
}

#[tokio::test]
async fn a_change_that_needs_an_approval_says_so() {
    let (posthog, folder) = (Posthog::start().await, app());
    with_quiet(&posthog, &["checkout-copy"]).await;
    posthog.control("approvals", json!({ "actions": ["feature_flag.disable"] })).await;
    let (code, _, stderr) = archive(&posthog, folder.path(), &["checkout-copy", "--yes"]).await;
    assert!(code == 1 && stderr.contains("needs an approval in PostHog"), "{stderr}");
}

#[tokio::test]
async fn a_flag_that_changes_while_somebody_thinks_is_left() {
    let (posthog, folder) = (Posthog::start().await, app());
    with_quiet(&posthog, &["old-banner"]).await;
    let mut command: Command = std_flagline(folder.path());
    command
        .env("FLAGLINE_HOST", posthog.url())
        .env("FLAGLINE_API_KEY", sandbox::API_KEY)
        .env("FLAGLINE_PROJECT", sandbox::PROJECT_ID.to_string())
        .args(["archive", "old-banner"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let (mut said, stderr) = tokio::task::spawn_blocking(move || {
        let mut said = Vec::new();
        while !said.ends_with(b"[no] ") {
            let mut byte = [0];
            stderr.read_exact(&mut byte).unwrap();
            said.push(byte[0]);
        }
        (String::from_utf8(said).unwrap(), stderr)
    })
    .await
    .unwrap();
    posthog.change(GRACE_KEY, "old-banner", json!({ "active": true })).await;
    child.stdin.take().unwrap().write_all(b"yes\n").unwrap();
    let (code, rest) = tokio::task::spawn_blocking(move || {
        let (mut rest, mut stderr) = (String::new(), stderr);
        stderr.read_to_string(&mut rest).unwrap();
        (child.wait().unwrap().code(), rest)
    })
    .await
    .unwrap();
    said.push_str(&rest);
    assert_eq!(code, Some(1));
    let words = "it was off (version 3), and is now everyone (version 4, just now by Grace). Run it again to decide anew";
    assert!(said.contains(words), "{said}");
    assert!(!is_archived(&posthog, "old-banner").await);
}

#[tokio::test]
async fn who_asks_could_not_be_loaded_is_no_silence() {
    let slow = json!([{ "kind": "status", "status": 512, "path_contains": "/query/" }]);
    for (scope, fault, words) in [
        (Some("query:read"), json!([]), "who asks for it could not be loaded: the API key is not allowed"),
        (None, slow, "who asks for it could not be loaded: the query takes PostHog too long"),
    ] {
        let (posthog, folder) = (Posthog::start().await, app());
        with_quiet(&posthog, &["old-banner"]).await;
        if let Some(scope) = scope {
            posthog.scopes(&all_scopes_but(scope)).await;
        }
        posthog.faults(fault).await;
        let (code, stdout, _) = archive(&posthog, folder.path(), &["old-banner", "--yes"]).await;
        assert_eq!((code, n_writes(&posthog).await), (1, 0));
        assert!(stdout.contains(words), "{stdout}");
        let (code, ..) = archive(&posthog, folder.path(), &["old-banner", "--yes", "--anyway"]).await;
        assert!(code == 0 && is_archived(&posthog, "old-banner").await);
    }
}

#[tokio::test]
async fn nothing_is_decided_from_what_was_known_earlier() {
    let (posthog, folder) = (Posthog::start().await, app());
    with_quiet(&posthog, &["old-banner"]).await;
    assert_eq!(archive(&posthog, folder.path(), &[]).await.0, 0);
    let mut command = signed_in(folder.path(), &posthog);
    posthog.stop().await;
    command.args(["archive", "old-banner", "--yes", "--anyway"]);
    let (code, stdout, stderr) = run(command).await;
    assert_eq!((code, &*stdout), (2, ""));
    assert!(
        stderr.contains("nothing was archived, since nobody can say where flags are now: http"),
        "{stderr}"
    );
    assert!(stderr.contains("cannot be reached"), "{stderr}");
    let mut command = flagline(folder.path());
    command.args(["archive", "old-banner"]);
    let (code, stdout, stderr) = run(command).await;
    assert!(code == 2 && stdout.is_empty() && stderr.contains("not signed in to"), "{stderr}");
}

#[tokio::test]
async fn a_server_of_2023_says_what_to_do_instead() {
    let (posthog, folder) = (Posthog::shaped(Shape::December2023).await, app());
    with_quiet(&posthog, &["old-banner"]).await;
    let (code, stdout, _) = archive(&posthog, folder.path(), &["old-banner", "--yes", "--anyway"]).await;
    assert_eq!((code, n_writes(&posthog).await), (1, 0));
    let words =
        "this PostHog cannot archive flags: once nobody asks for one any more, switch it off or delete it";
    assert!(stdout.contains(words), "{stdout}");
    let (code, stdout, stderr) = archive(&posthog, folder.path(), &[]).await;
    assert!(code == 0 && stderr.contains(words), "{stderr}");
    assert!(!stdout.contains("Ready") && !stdout.contains("flagline archive"), "{stdout}");
}

// The list.

#[tokio::test]
async fn without_a_key_it_says_where_each_flag_is() {
    let (posthog, folder) = (Posthog::start().await, app());
    with_quiet(&posthog, &["old-banner", "pricing-page"]).await;
    let (code, stdout, stderr) = archive(&posthog, folder.path(), &[]).await;
    assert_eq!((code, &*stderr), (0, BLIND));
    let line = |start: &str| {
        let found = stdout.lines().find(|it| it.trim_start().starts_with(start));
        found.unwrap_or_else(|| panic!("no {start:?} in {stdout}")).to_owned()
    };
    assert!(line("Offset: ").contains("flags are not read here (flags as of "), "{stdout}");
    assert!(line("old-banner (off): last seen ").ends_with(": flagline archive old-banner"), "{stdout}");
    assert!(line("pricing-page (experiment): ").contains("is not over"), "{stdout}");
    assert!(
        line("email-digest (everyone): ")
            .contains("1 person, 1 call in the last 7 days, last seen 1 h ago by web")
    );
    assert!(line("dark-mode (everyone): ").contains("no call of it is known"));
    // Neither what is read here nor what is put away.
    assert!(!stdout.contains("new-checkout") && !stdout.contains("legacy-export"), "{stdout}");
    let titles: Vec<&str> = stdout.lines().filter(|it| it.ends_with(':') && !it.starts_with(' ')).collect();
    let expected = [
        "Ready to archive, nobody has asked for 7 days or longer:",
        "Nobody can tell, a person decides:",
        "Something else in PostHog needs them:",
        "Still asked for: other repositories read them, or clients still run older code:",
    ];
    assert_eq!(titles, expected);
    let (_, stdout, _) = archive(&posthog, folder.path(), &["--format", "json"]).await;
    let json: Value = serde_json::from_str(&stdout).unwrap();
    let flags = json["flags"].as_array().unwrap();
    let place = |key: &str| flags.iter().find(|it| it["key"] == key).unwrap()["place"].clone();
    let places = ["old-banner", "pricing-page", "email-digest", "dark-mode"].map(place);
    assert_eq!(places, ["ready", "held", "evaluated", "cannot-tell"]);
    // One request a flag would be too many, and what the activity says is not needed.
    assert_eq!(posthog.requests("GET /api/projects/:id/feature_flags/:id/activity/").await, 0);
    assert_eq!(n_writes(&posthog).await, 0);
}

#[tokio::test]
async fn an_option_about_writing_needs_a_key() {
    let folder = app();
    for option in ["--yes", "--anyway"] {
        let mut command = flagline(folder.path());
        command.args(["archive", option]);
        let (code, _, stderr) = run(command).await;
        assert!(code == 2 && stderr.contains("<KEY>..."), "{stderr}");
    }
}
