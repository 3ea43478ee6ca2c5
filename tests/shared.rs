//! Several processes with one project: two refresh tasks on one folder, and how often PostHog is asked.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use flagline::config::Environment;
use flagline::flags::FlagKey;
use flagline::posthog::disk;
use flagline::posthog::refresh::{self, Ask, Handle};
use flagline::sandbox::{API_KEY, PROJECT_ID};
use posthog::Posthog;
use tempfile::TempDir;

const LISTS: &str = "GET /api/projects/:id/feature_flags/";
const QUERIES: &str = "POST /api/projects/:id/query/";

fn start(host: &str, key: &str, folder: &Path, keys: &[&str]) -> Handle {
    let environment =
        Environment { key: Some(key.into()), project: Some(PROJECT_ID), ..Environment::new(host.into()) };
    let handle = refresh::spawn(&[environment], Some(folder.to_owned()));
    handle.ask(Ask::Keys(keys.iter().map(|it| FlagKey::from(*it)).collect::<BTreeSet<_>>()));
    handle
}

/// Waits until exposure of these keys is known.
async fn knows(handle: &Handle, keys: &[&str]) {
    let known = || {
        let mirror = handle.mirror();
        let environment = mirror.primary().unwrap();
        environment.flags.is_some()
            && keys.iter().all(|it| environment.exposure.contains_key(&FlagKey::from(*it)))
    };
    for _ in 0..300 {
        if known() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody asked for {keys:?}: {:?}", handle.mirror());
}

fn is_held(folder: &Path, host: &str) -> bool {
    let lock = disk::path(folder, host, PROJECT_ID).with_extension("lock");
    File::open(lock).is_ok_and(|it| matches!(it.try_lock(), Err(TryLockError::WouldBlock)))
}

async fn becomes(what: &str, held: bool, folder: &Path, host: &str) {
    for _ in 0..100 {
        if is_held(folder, host) == held {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_asks_and_the_others_load() {
    let (posthog, folder) = (Posthog::start().await, TempDir::new().unwrap());
    let (host, folder) = (posthog.url(), folder.path());
    let first = start(host, API_KEY, folder, &["new-checkout"]);
    knows(&first, &["new-checkout"]).await;
    becomes("the first one leads", true, folder, host).await;
    let (lists, queries) = (posthog.requests(LISTS).await, posthog.requests(QUERIES).await);

    // The same key costs nothing, another one its own part.
    let second = start(host, API_KEY, folder, &["new-checkout"]);
    knows(&second, &["new-checkout"]).await;
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!((posthog.requests(LISTS).await, posthog.requests(QUERIES).await), (lists, queries));
    second.ask(Ask::Keys(BTreeSet::from(["project-videos".into()])));
    knows(&second, &["project-videos"]).await;
    assert_eq!((posthog.requests(LISTS).await, posthog.requests(QUERIES).await), (lists, queries + 2));

    // What both wrote is there.
    let path = disk::path(folder, host, PROJECT_ID);
    let n_stored = || disk::load(&path, &"".into(), &host.into()).map_or(0, |it| it.exposure.len());
    for _ in 0..50 {
        if n_stored() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(n_stored(), 2);

    // Somebody who wants everything anew gets it, whoever leads.
    second.ask(Ask::Everything);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(posthog.requests(LISTS).await > lists);
    let lists = posthog.requests(LISTS).await;

    // The other one goes on where the first one stopped.
    drop(first);
    tokio::time::sleep(Duration::from_secs(1)).await;
    becomes("the second one leads", true, folder, host).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(posthog.requests(LISTS).await, lists);
    drop(second);
    becomes("nobody leads", false, folder, host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_whose_key_is_refused_does_not_lead() {
    let (posthog, folder) = (Posthog::start().await, TempDir::new().unwrap());
    let (host, folder) = (posthog.url(), folder.path());
    let refused = start(host, "phx_wrong", folder, &["new-checkout"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let second = start(host, API_KEY, folder, &["new-checkout"]);
    knows(&second, &["new-checkout"]).await;
    drop(refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_start_at_once_ask_once() {
    let (posthog, folder) = (Posthog::start().await, TempDir::new().unwrap());
    let keys = ["new-checkout", "project-videos"];
    let both = [(); 2].map(|()| start(posthog.url(), API_KEY, folder.path(), &keys));
    for handle in &both {
        knows(handle, &keys).await;
    }
    assert_eq!((posthog.requests(LISTS).await, posthog.requests(QUERIES).await), (2, 2));
}
