//! `flagline create`: what is written, and what is refused.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
mod terminal;

use std::fs;
use std::path::Path;

use flagline::feature::brief::{Brief, MetricKind, Release};
use posthog::Posthog;
use terminal::{flagline, run, signed_in, tree};

async fn create(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = flagline(folder);
    command.arg("create").args(arguments);
    run(command).await
}

#[tokio::test]
async fn what_is_said_stands_in_the_brief_of_the_repository() {
    let (posthog, folder) = (Posthog::start().await, tree(&[("web/app.ts", "")]));
    fs::create_dir(folder.path().join(".git")).unwrap();
    let mut command = signed_in(&folder.path().join("web"), &posthog);
    let metric = ["--metric", "funnel", "--event", "video watched", "--event", "offset bought"];
    command
        .args(["create", "Videos of offsetting projects", "--hypothesis", "Who sees it comes back"])
        .args(metric);
    let (code, stdout, stderr) = run(command).await;
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    assert!(stdout.ends_with("then: flagline launch videos-of-offsetting-projects\n"), "{stdout}");
    let text =
        fs::read_to_string(folder.path().join(".flagline/videos-of-offsetting-projects.toml")).unwrap();
    let brief = Brief::parse(&text).unwrap();
    assert_eq!((brief.title(), brief.release), ("Videos of offsetting projects", Release::AutoRollout));
    assert_eq!(brief.owner.as_deref(), Some("ada@offset.example"));
    let metric = brief.metric.unwrap();
    assert_eq!((metric.kind, metric.events.len()), (MetricKind::Funnel, 2));
    assert_eq!(posthog.requests("POST /api/projects/:id/feature_flags/").await, 0, "nothing is made yet");
}

#[tokio::test]
async fn what_is_there_stays_and_what_is_no_key_is_refused() {
    let folder = tree(&[(".flagline/mine.toml", "key = \"videos\" # mine\n")]);
    let (code, _, stderr) = create(folder.path(), &["Videos"]).await;
    assert_eq!(code, 1);
    assert!(stderr.contains("'videos' has a brief already") && stderr.contains("mine.toml"), "{stderr}");
    for (arguments, words) in [
        (&["Videos", "--key", "a b"][..], "a key has letters, digits, - and _"),
        (&[], "say what the feature is called"),
        (&["Videos", "--event", "x"], "--metric"),
        (&[""], "say what the feature is called"),
        (&["🎁🎁", "--yes"], "\"🎁🎁\" makes no key: --key names one"),
        (&["A", "--release", "ab-test", "--yes"], "an A/B test needs a metric that decides it: --metric"),
        (&["A", "--metric", "funnel"], "--event NAME, for each of them"),
        (&["A", "--metric", "trend"], "a trend is of one event: --event NAME"),
        (&["A", "--metric", "trend", "--event", "a", "--event", "b"], "a trend is of one event"),
        (&["A", "--metric", "trend", "--event", ""], "an event has a name"),
        (&["Tours", "--owner", "ada@"], "an e-mail address, like ada@example.com, and not \"ada@\""),
    ] {
        let (code, _, stderr) = create(folder.path(), arguments).await;
        assert_eq!(code, 2, "{arguments:?}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
    let left: Vec<_> = fs::read_dir(folder.path().join(".flagline")).unwrap().collect();
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn a_flag_that_is_there_is_told() {
    let (posthog, folder) = (Posthog::start().await, tree(&[]));
    for (name, is_there) in [("New checkout", true), ("Quite new", false)] {
        let mut command = signed_in(folder.path(), &posthog);
        command.args(["create", name]);
        let (code, stdout, _) = run(command).await;
        assert_eq!(
            (code, stdout.contains("PostHog has a flag 'new-checkout' already")),
            (0, is_there),
            "{stdout}"
        );
    }
}

/// Signed out there is nobody to answer for it, and the rest is written.
#[tokio::test]
async fn nobody_needs_to_be_signed_in() {
    let folder = tree(&[]);
    let (code, _, stderr) = create(folder.path(), &["Äpfel & Öl"]).await;
    assert_eq!(code, 0, "{stderr}");
    let text = fs::read_to_string(folder.path().join(".flagline/aepfel-oel.toml")).unwrap();
    let brief = Brief::parse(&text).unwrap();
    assert_eq!((brief.name.as_str(), brief.owner), ("Äpfel & Öl", None));
}
