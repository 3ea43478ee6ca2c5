//! `flagline init`: what it finds, what it asks, what it writes.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
mod terminal;

use std::fs;
use std::path::Path;

use flagline::config::file;
use posthog::Posthog;
use terminal::{flagline, run, signed_in, tree};

const APP: (&str, &str) =
    ("src/posthog.ts", "posthog.init('phc_sandbox', { api_host: 'https://eu.i.posthog.com' })\n");

/// Exit code, stdout, stderr of `flagline init` with these answers.
async fn init(folder: &Path, posthog: &Posthog, answers: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut command = signed_in(folder, posthog);
    command.env_remove("FLAGLINE_PROJECT").arg("init").args(arguments).write_stdin(answers);
    run(command).await
}

fn written(folder: &Path) -> file::File {
    let text = fs::read_to_string(folder.join("flagline.toml")).unwrap();
    file::read(&text).unwrap_or_else(|it| panic!("{it:?} in\n{text}"))
}

#[tokio::test]
async fn the_project_is_found_by_its_token_and_the_audiences_are_asked() {
    let posthog = Posthog::start().await;
    let folder = tree(&[APP]);
    let answers = "offset.example\nBeta testers\nltv < 500\n9999\nltv >= 500\n";
    let (code, stdout, stderr) = init(folder.path(), &posthog, answers, &[]).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("project 1 \"Offset\": its token is in 1 of the files here"), "{stderr}");
    assert!(stderr.contains("there is no cohort 9999"), "a wrong answer is asked again: {stderr}");
    assert!(stdout.contains("[plan.default]"), "{stdout}");
    let file = written(folder.path());
    let environment = &file.environment[0];
    assert_eq!((environment.host.as_deref(), environment.project), (Some(posthog.url()), Some(1)));
    let stages: Vec<&str> = file.plan["default"].stage.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(stages, ["internal", "beta", "low-value", "high-value", "everyone"]);
    assert!(!stdout.contains("phx_") && !stderr.contains("phx_"));

    // The file counts from now on.
    let mut show = signed_in(folder.path(), &posthog);
    show.env_remove("FLAGLINE_PROJECT").args(["show", "new-checkout"]);
    assert_eq!(run(show).await.0, 0);
}

#[tokio::test]
async fn with_nobody_to_ask_the_defaults_count() {
    let posthog = Posthog::start().await;
    for (answers, arguments) in [("", &["--yes"][..]), ("", &[])] {
        let folder = tree(&[APP]);
        let (code, _, stderr) = init(folder.path(), &posthog, answers, arguments).await;
        assert_eq!(code, 0, "{stderr}");
        let file = written(folder.path());
        let stages: Vec<&str> = file.plan["default"].stage.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(stages, ["internal", "everyone"]);
    }
}

#[tokio::test]
async fn a_file_that_is_there_stays() {
    let posthog = Posthog::start().await;
    let folder = tree(&[APP, ("flagline.toml", "stale_days = 7\n")]);
    let (code, _, stderr) = init(folder.path(), &posthog, "", &["--yes"]).await;
    assert_eq!(code, 1);
    assert!(stderr.contains("there is a flagline.toml already"), "{stderr}");
    assert_eq!(fs::read_to_string(folder.path().join("flagline.toml")).unwrap(), "stale_days = 7\n");
}

#[tokio::test]
async fn without_a_key_it_says_where_the_code_speaks_to() {
    let folder = tree(&[APP]);
    let mut command = flagline(folder.path());
    command.args(["init", "--yes"]);
    let (code, _, stderr) = run(command).await;
    assert_eq!(code, 2);
    assert!(stderr.contains("not signed in to https://us.posthog.com"), "{stderr}");
    assert!(stderr.contains("the code here speaks to https://eu.posthog.com"), "{stderr}");
    assert!(!folder.path().join("flagline.toml").exists());
}

#[tokio::test]
async fn tokens_of_other_projects_only_decide_nothing_that_nobody_chose() {
    let posthog = Posthog::start().await;
    let one = ("a.ts", "posthog.init('phc_somebody_else')\n");
    let folder = tree(&[one]);
    let (code, _, stderr) = init(folder.path(), &posthog, "", &["--yes"]).await;
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("the project token in the code belongs to a project that"), "{stderr}");
    assert!(stderr.contains("set FLAGLINE_PROJECT: 1 Offset"), "{stderr}");
    assert!(!folder.path().join("flagline.toml").exists());
    // Whoever sets the variable has chosen.
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["init", "--yes"]);
    let (code, _, stderr) = run(command).await;
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(written(folder.path()).environment[0].project, Some(1));
    // So has who is asked; a mistyped answer is asked again, and a name will do.
    let folder = tree(&[one, ("b.ts", "posthog.init('phc_somebody_again')\n")]);
    let (code, _, stderr) = init(folder.path(), &posthog, "\n7\nofset\noffset\n", &[]).await;
    assert_eq!(code, 0, "{stderr}");
    for words in [
        "the 2 project tokens in the code belong to projects",
        "say which project by its number or name",
        "7 is none of 1 Offset",
        "ofset is none of 1 Offset",
    ] {
        assert!(stderr.contains(words), "no {words} in {stderr}");
    }
    assert!(stderr.contains("Which project (1 Offset)? "), "there is no default: {stderr}");
}

#[tokio::test]
async fn the_only_project_is_not_asked_for() {
    let posthog = Posthog::start().await;
    let folder = tree(&[("a.ts", "1\n")]);
    let (code, _, stderr) = init(folder.path(), &posthog, "-\n\n\n\n", &[]).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(!stderr.contains("Which project"), "{stderr}");
    assert_eq!(written(folder.path()).environment[0].project, Some(1));
}
