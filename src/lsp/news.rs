//! What is told without being asked: troubles, once, and what other people change; rare and capped.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tower_lsp::lsp_types::MessageType;

use super::publish::Look;
use super::session::Session;
use crate::analysis::{Change, changes};
use crate::config::Config;
use crate::flags::{Access, Environment, FlagKey, Mirror};

/// Pop-ups about changes in [`WINDOW`]; the rest goes to the log.
const MOST_POPUPS: usize = 3;
const WINDOW: Duration = Duration::from_secs(10 * 60);

impl Session {
    /// Every publication of the mirror may change every diagnostic and lens, and may bring news.
    pub(super) async fn watch_mirror(self: Arc<Session>) {
        let mut receiver = self.workspace.refresh.watch();
        let mut before = receiver.borrow_and_update().clone();
        let mut troubles = Troubles::default();
        let mut popups = Popups::default();
        // Something may have been published before anybody listened: what was sent until then says less.
        self.look(Look::Everywhere);
        self.send_status().await;
        self.tell_troubles(&before, &mut troubles).await;
        loop {
            tokio::select! {
                changed = receiver.changed() => if changed.is_err() { return },
                // A trouble that was nobody's matters once a flag is read.
                () = self.looked.notified() => {
                    self.tell_troubles(&before, &mut troubles).await;
                    continue;
                }
            }
            let after = receiver.borrow_and_update().clone();
            self.look(Look::Everywhere);
            self.send_status().await;
            self.tell_troubles(&after, &mut troubles).await;
            self.tell_news(self.news(&before, &after), &mut popups).await;
            before = after;
        }
    }

    /// Pop-ups for what happened a moment ago, a few; the log has everything.
    async fn tell_news(&self, news: Vec<Change>, popups: &mut Popups) {
        let (recent, earlier): (Vec<Change>, Vec<Change>) = news.into_iter().partition(|it| it.is_recent);
        for message in popups.admit(&recent, Instant::now()) {
            // Not by `tell`: on, off and on again within an hour is news each time.
            self.answer(MessageType::INFO, &message).await;
        }
        for change in &recent {
            self.log(&format!("Flagline: {}", change.text)).await;
        }
        if let Some(line) = in_one_line(&earlier) {
            self.log(&format!("Flagline: {line}")).await;
        }
    }

    /// A trouble is told when it begins, and again when it came back after it had gone; but only where somebody
    /// expects flags. An editor opens many folders that have nothing to do with PostHog: there it is a matter of the
    /// status and of the log.
    async fn tell_troubles(&self, mirror: &Mirror, Troubles { told, logged, lacks }: &mut Troubles) {
        let early = |it: &Environment| it.access == Access::SignedOut && self.awaits_key(&it.host);
        let mut current = HashSet::new();
        for environment in mirror.environments.iter().filter(|it| !early(it)) {
            let Some(trouble) = environment.trouble.clone() else { continue };
            let trouble = (environment.host.clone(), trouble);
            if !told.contains(&trouble) && self.is_expected(environment) {
                told.insert(trouble.clone());
                self.tell(MessageType::WARNING, &trouble.1).await;
            } else if !told.contains(&trouble) && logged.insert(trouble.clone()) {
                tracing::info!(host = %trouble.0, trouble = %trouble.1, "not told, since no flag is read here");
            }
            current.insert(trouble);
        }
        self.tell_lacks(mirror, lacks).await;
        told.retain(|it| current.contains(it));
        logged.retain(|it| current.contains(it));
    }

    /// What a key may not do is told once, all of it in one message: the rest goes on, and where it would stand it is
    /// said again.
    async fn tell_lacks(&self, mirror: &Mirror, told: &mut HashSet<String>) {
        for environment in mirror.environments.iter().filter(|it| self.is_expected(it)) {
            if let Some(message) = environment.lacks_told().filter(|it| !told.contains(it)) {
                self.tell(MessageType::WARNING, &message).await;
                told.insert(message);
            }
        }
    }

    /// Whether somebody expects PostHog to be asked there: a settings file is about it, or a flag is read where it
    /// counts.
    fn is_expected(&self, environment: &Environment) -> bool {
        let counts = |config: &Config| config.environments.iter().any(|it| it.is_at(environment));
        let declared =
            |config: &Config| config.environments.iter().any(|it| it.declared && it.is_at(environment));
        self.workspace.configs().iter().any(|it| declared(&it.1))
            || self
                .workspace
                .index()
                .files()
                .any(|(path, facts)| !facts.reads.is_empty() && counts(&self.workspace.config_of(path)))
    }

    fn news(&self, before: &Mirror, after: &Mirror) -> Vec<Change> {
        let mut news = Vec::new();
        for new in &after.environments {
            let same = |it: &&Arc<Environment>| {
                (&it.host, it.configured_project) == (&new.host, new.configured_project)
            };
            let Some(old) = before.environments.iter().find(same) else { continue };
            let found = changes(old, new, &self.read_in(new), Timestamp::now());
            news.extend(found.into_iter().filter(|it| !self.wrote(it.id, it.version)));
        }
        news
    }

    /// The keys that are read where an environment counts and news of it are wanted.
    fn read_in(&self, environment: &Environment) -> BTreeSet<FlagKey> {
        let wanted = |path: &Path| {
            let config = self.workspace.config_of(path);
            config.notify_changes && config.environments.iter().any(|it| it.is_at(environment))
        };
        let index = self.workspace.index();
        let files = index.files().filter(|it| wanted(it.0));
        files.flat_map(|it| &it.1.reads).filter_map(|it| it.key.clone()).collect()
    }
}

/// What stands in the way, by host: told to the user, or only written down.
#[derive(Default)]
struct Troubles {
    told: HashSet<(Arc<str>, Arc<str>)>,
    logged: HashSet<(Arc<str>, Arc<str>)>,
    /// What keys may not do; never told again, even when it was forgotten meanwhile.
    lacks: HashSet<String>,
}

/// What happened while nobody looked.
fn in_one_line(news: &[Change]) -> Option<String> {
    let texts: Vec<&str> = news.iter().map(|it| it.text.as_str()).collect();
    match &texts[..] {
        [] => None,
        [one] => Some(format!("changed earlier: {one}")),
        several => Some(format!(
            "{} flags that are read here were changed earlier: {}",
            several.len(),
            several.join("; ")
        )),
    }
}

/// When pop-ups were shown lately.
#[derive(Default)]
struct Popups(VecDeque<Instant>);

impl Popups {
    /// The messages that may pop up now: a few single ones, or one for many.
    fn admit(&mut self, news: &[Change], now: Instant) -> Vec<String> {
        self.0.retain(|it| now.duration_since(*it) < WINDOW);
        let free = MOST_POPUPS.saturating_sub(self.0.len());
        let messages: Vec<String> = match news.len() {
            0 => Vec::new(),
            n if n <= free => news.iter().map(|it| it.text.clone()).collect(),
            _ if free == 0 => Vec::new(),
            n => {
                let keys: Vec<&str> = news.iter().take(5).map(|it| it.key.as_str()).collect();
                let more = if n > keys.len() { ", …" } else { "" };
                vec![format!("{n} flags that are read here were changed: {}{more}", keys.join(", "))]
            }
        };
        self.0.extend(messages.iter().map(|_| now));
        messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(n: u64) -> Change {
        Change {
            key: format!("flag-{n}").as_str().into(),
            id: n,
            version: None,
            text: format!("flag-{n}: off"),
            is_recent: true,
        }
    }

    #[test]
    fn what_happened_earlier_is_one_line() {
        assert_eq!(in_one_line(&[]), None);
        assert_eq!(in_one_line(&[change(1)]).as_deref(), Some("changed earlier: flag-1: off"));
        assert_eq!(
            in_one_line(&[change(1), change(2)]).as_deref(),
            Some("2 flags that are read here were changed earlier: flag-1: off; flag-2: off")
        );
    }

    #[test]
    fn popups_are_capped_and_many_become_one() {
        let (mut popups, start) = (Popups::default(), Instant::now());
        assert_eq!(popups.admit(&[change(1), change(2)], start), ["flag-1: off", "flag-2: off"]);
        let many: Vec<Change> = (0..7).map(change).collect();
        assert_eq!(
            popups.admit(&many, start),
            ["7 flags that are read here were changed: flag-0, flag-1, flag-2, flag-3, flag-4, …"]
        );
        assert!(popups.admit(&[change(9)], start).is_empty(), "three in ten minutes are enough");
        assert_eq!(popups.admit(&[change(9)], start + WINDOW).len(), 1);
    }
}
