//! News: what other people change in PostHog while the code that reads it is open.

#![cfg(test)]

mod support;

use flagline::sandbox::{API_KEY, GRACE_KEY};
use serde_json::{Value, json};
use support::{Editor, Posthog, Start};

const APP: &str = "app.ts";

async fn opened(posthog: &Posthog, keys: &[&str], adapt: impl FnOnce(Start) -> Start) -> Editor {
    let mut editor = adapt(Start::new(&[]).signed_in(posthog)).start().await;
    let code: Vec<String> = keys.iter().map(|it| format!("posthog.isFeatureEnabled('{it}')\n")).collect();
    editor.open(APP, &code.concat()).await;
    editor.hover_until(APP, keys[0], "in the last 7 days").await;
    // Findings are the matter of other tests.
    editor.ignore("textDocument/publishDiagnostics");
    editor
}

fn everyone(percentage: u32) -> Value {
    json!({ "filters": { "groups": [{ "properties": [], "rollout_percentage": percentage }] } })
}

async fn refresh(editor: &mut Editor) {
    editor.execute(&json!({ "command": "flagline.refresh" })).await;
}

/// The next pop-up, which is also a line in the log, in three parts: what, when, by whom.
async fn news(editor: &mut Editor) -> (String, String) {
    let told = editor.told().await;
    assert_eq!(editor.logged().await, told);
    let (rest, by) = told.strip_prefix("Flagline: ").unwrap().rsplit_once(", by ").unwrap();
    let (what, when) = rest.rsplit_once(", ").unwrap();
    assert!(when == "just now" || when.ends_with(" ago"), "{told}");
    (what.to_owned(), by.to_owned())
}

#[tokio::test]
async fn a_change_by_somebody_else_is_told_with_what_when_and_who() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, &["quick-offset"], |it| it).await;
    posthog.change(GRACE_KEY, "quick-offset", everyone(75)).await;
    refresh(&mut editor).await;
    let (what, by) = news(&mut editor).await;
    assert_eq!(what, "quick-offset: partial 25 % → partial 75 %");
    assert_eq!(by, "Grace");
    assert!(editor.hover_text(APP, "quick-offset").await.contains("partial 75 %"));
    // Once is enough.
    refresh(&mut editor).await;
    editor.finish().await;
}

#[tokio::test]
async fn the_same_change_again_is_news_again() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, &["quick-offset"], |it| it).await;
    for (active, expected) in
        [(false, "partial 25 % → off"), (true, "off → partial 25 %"), (false, "partial 25 % → off")]
    {
        posthog.change(GRACE_KEY, "quick-offset", json!({ "active": active })).await;
        refresh(&mut editor).await;
        assert_eq!(news(&mut editor).await.0, format!("quick-offset: {expected}"));
    }
    // Three in ten minutes are enough; what follows is in the log.
    posthog.change(GRACE_KEY, "quick-offset", json!({ "active": true })).await;
    refresh(&mut editor).await;
    assert!(editor.logged().await.contains("off → partial 25 %"));
    editor.finish().await;
}

#[tokio::test]
async fn what_happened_while_nobody_asked_is_a_line_in_the_log() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, &["quick-offset", "referral-banner"], |it| it).await;
    posthog.advance_clock(-3600).await;
    posthog.change(GRACE_KEY, "quick-offset", everyone(75)).await;
    posthog.change(GRACE_KEY, "referral-banner", everyone(50)).await;
    refresh(&mut editor).await;
    let line = editor.logged().await;
    assert_eq!(
        line,
        "Flagline: 2 flags that are read here were changed earlier: quick-offset: partial 25 % → partial 75 %, \
         1 h ago, by Grace; referral-banner: partial 10 % → partial 50 %, 1 h ago, by Grace"
    );
    editor.finish().await;
}

#[tokio::test]
async fn own_changes_and_those_that_serve_nobody_else_are_silent() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, &["quick-offset"], |it| it).await;
    posthog.change(API_KEY, "quick-offset", everyone(80)).await;
    refresh(&mut editor).await;
    editor.hover_until(APP, "quick-offset", "partial 80 %").await;
    // A new description is for nobody's code.
    posthog.change(GRACE_KEY, "quick-offset", json!({ "name": "Offset at once" })).await;
    refresh(&mut editor).await;
    editor.hover_until(APP, "quick-offset", "Offset at once").await;
    editor.finish().await;
}

#[tokio::test]
async fn flags_that_are_not_read_here_are_silent() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, &["quick-offset"], |it| it).await;
    posthog.change(GRACE_KEY, "referral-banner", everyone(50)).await;
    posthog.change(API_KEY, "quick-offset", everyone(80)).await;
    refresh(&mut editor).await;
    editor.hover_until(APP, "quick-offset", "partial 80 %").await;
    // By now both are known; and read from now on, it is no news.
    editor.edit(APP, "posthog", "posthog.isFeatureEnabled('referral-banner')\nposthog").await;
    editor.hover_until(APP, "referral-banner", "partial 50 %").await;
    refresh(&mut editor).await;
    editor.hover_until(APP, "referral-banner", "in the last 7 days").await;
    editor.finish().await;
}

#[tokio::test]
async fn news_can_be_switched_off_and_on() {
    let posthog = Posthog::start().await;
    let off = json!({ "notifyChanges": false });
    let mut editor = opened(&posthog, &["quick-offset"], |it| it.options(off)).await;
    posthog.change(GRACE_KEY, "quick-offset", everyone(30)).await;
    refresh(&mut editor).await;
    editor.hover_until(APP, "quick-offset", "partial 30 %").await;
    assert!(editor.client.unread().await.iter().all(|it| it["method"] == "textDocument/publishDiagnostics"));
    editor.configure(json!({ "notifyChanges": true, "lens": false })).await;
    let at = json!({ "textDocument": { "uri": editor.uri(APP) } });
    // Its lenses vanish when the settings count.
    while editor.request("textDocument/codeLens", at.clone()).await != json!([]) {}
    posthog.change(GRACE_KEY, "quick-offset", everyone(35)).await;
    refresh(&mut editor).await;
    assert_eq!(news(&mut editor).await.0, "quick-offset: partial 30 % → partial 35 %");
    editor.finish().await;
}

#[tokio::test]
async fn many_changes_at_once_are_one_message() {
    let posthog = Posthog::start().await;
    let keys = [
        "quick-offset",
        "referral-banner",
        "tree-counter",
        "beta-nav",
        "project-map",
        "team-accounts",
        "dark-mode",
    ];
    let mut editor = opened(&posthog, &keys, |it| it).await;
    for key in keys {
        posthog.change(GRACE_KEY, key, json!({ "active": false })).await;
    }
    refresh(&mut editor).await;
    let told = editor.told().await;
    let expected = "Flagline: 7 flags that are read here were changed: beta-nav, dark-mode, project-map, quick-offset, referral-banner, …";
    assert_eq!(told, expected);
    for _ in keys {
        assert!(editor.logged().await.ends_with(", by Grace"));
    }
    editor.finish().await;
}

#[tokio::test]
async fn a_flag_that_is_archived_deleted_or_made_is_told_too() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, &["quick-offset", "referral-banner"], |it| it).await;
    posthog.change(GRACE_KEY, "quick-offset", json!({ "deleted": true })).await;
    refresh(&mut editor).await;
    let (what, by) = news(&mut editor).await;
    assert_eq!((&*what, &*by), ("quick-offset: partial 25 % → deleted", "Grace"));
    posthog.change(GRACE_KEY, "referral-banner", json!({ "archived": true })).await;
    refresh(&mut editor).await;
    assert_eq!(news(&mut editor).await.0, "referral-banner: partial 10 % → archived");
    editor.finish().await;
}
