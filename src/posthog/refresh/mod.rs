//! The one task that owns the mirror: what is asked of PostHog, when, and what happens when it does not answer.

mod budget;
mod compare;
#[cfg(test)]
mod day;
mod due;
mod failure;
mod load;
mod share;
mod site;
mod written;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};

use self::due::{GATHER, Moment, Next, Part, Work};
use self::site::Site;
use crate::config::{self, Config};
use crate::flags::{Environment, Flag, FlagKey, Follower, Mirror};

/// What the rest of the program may tell the refresh task. None of it waits for an answer.
#[derive(Debug, Clone)]
pub enum Ask {
    /// These keys are read in the workspace now.
    Keys(BTreeSet<FlagKey>),
    /// These keys have a brief in the workspace now.
    Briefs(BTreeSet<FlagKey>),
    /// Somebody typed.
    Active,
    /// Somebody looks at this flag.
    Hover(FlagKey),
    /// Somebody writes a brief, and chooses from what the project at this host has; the number is the one that the
    /// settings name.
    Catalog(Arc<str>, Option<u64>),
    /// Somebody wants everything anew.
    Everything,
    /// This flag of a project was just written.
    Written {
        /// Where.
        host: Arc<str>,
        /// The project's number.
        project: u64,
        /// As it is now.
        flag: Arc<Flag>,
    },
    /// These follow a flag of a project now.
    Followed {
        /// Where.
        host: Arc<str>,
        /// The project's number.
        project: u64,
        /// The flag's key and number.
        flag: (FlagKey, Option<u64>),
        /// All of them.
        followers: Vec<Follower>,
    },
    /// The settings are these now.
    Configure(Vec<config::Environment>),
    /// Somebody signed out of this host: what is known of it is forgotten, on disk too.
    Forget(Arc<str>),
}

/// The way to the refresh task. Cheap to clone; the task ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct Handle {
    asks: mpsc::UnboundedSender<Ask>,
    mirror: watch::Receiver<Arc<Mirror>>,
    end: Arc<Notify>,
}

impl Handle {
    /// Tells the task; never waits.
    pub fn ask(&self, ask: Ask) {
        // Fails only when the program is about to end.
        drop(self.asks.send(ask));
    }

    /// The mirror as it is now.
    pub fn mirror(&self) -> Arc<Mirror> {
        self.mirror.borrow().clone()
    }

    /// Ends the task, whatever it waits for, and returns when it has saved what was unsaved, or after `patience`.
    pub async fn finish(&self, patience: Duration) {
        self.end.notify_one();
        let mut mirror = self.mirror.clone();
        let ended = async { while mirror.changed().await.is_ok() {} };
        if tokio::time::timeout(patience, ended).await.is_err() {
            tracing::warn!("the mirror was not saved in time");
        }
    }

    /// Is told of every publication.
    pub fn watch(&self) -> watch::Receiver<Arc<Mirror>> {
        self.mirror.clone()
    }
}

/// Starts the task. `folder` is where mirrors lie on disk; `None` keeps nothing.
pub fn spawn(environments: &[config::Environment], folder: Option<PathBuf>) -> Handle {
    let sites: Vec<Site> = distinct(environments).map(|it| Site::new(it, folder.clone()).shared()).collect();
    let (publisher, mirror) = watch::channel(Arc::new(mirror_of(&sites, 0)));
    let (asks, receiver) = mpsc::unbounded_channel();
    let task = Task {
        sites,
        folder,
        keys: BTreeSet::new(),
        briefs: BTreeSet::new(),
        asks: receiver,
        publisher,
        revision: 0,
    };
    let end = Arc::new(Notify::new());
    let ending = end.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = ending.notified() => {}
            () = task.run() => {}
        }
    });
    Handle { asks, mirror, end }
}

/// What a command wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The flags, and since when they serve what they serve.
    Flags,
    /// Who meets them too, unless that is known as of a few minutes ago.
    Findings,
    /// Who meets them now.
    Exposure,
}

/// What a command got to know.
#[derive(Debug)]
pub struct Loaded {
    /// What is known, be it from an earlier run.
    pub mirror: Arc<Mirror>,
    /// Whether a server does not accept its key: waiting does not help, a person must do something.
    pub refused: bool,
}

/// The mirror on disk, as it is; nothing is asked.
pub fn stored(config: &Config, folder: Option<PathBuf>) -> Loaded {
    let mut sites: Vec<Site> = config.environments.iter().map(|it| Site::new(it, folder.clone())).collect();
    for site in &mut sites {
        // Whether PostHog could be asked does not matter here.
        site.known.trouble = None;
        site.take_only_project();
        site.load_from_disk();
    }
    Loaded { mirror: mirror_of(&sites, 1).into(), refused: false }
}

/// Loads what there is to know about some keys, once, for a command that prints and exits; of those that have a brief
/// also how their rollout gets on.
pub async fn once(
    config: &Config,
    folder: Option<PathBuf>,
    keys: &BTreeSet<FlagKey>,
    briefs: &BTreeSet<FlagKey>,
    wanted: Wanted,
) -> Loaded {
    let mut sites: Vec<Site> = config.environments.iter().map(|it| Site::new(it, folder.clone())).collect();
    for site in &mut sites {
        site.load_from_disk();
        site.want(keys.clone());
        site.want_briefs(briefs.clone());
        // All keys are there: nothing is gathered any more.
        while let Next::Now(work) = site.next(Moment::now().after(GATHER)) {
            // Exposure is due last, when everything else is there.
            let is_wanted = match wanted {
                Wanted::Flags => false,
                Wanted::Findings => {
                    site.situation(Moment::now()).old_exposure(Moment::now()).next().is_some()
                }
                Wanted::Exposure => true,
            };
            // How experiments go is shown where exposure is.
            let is_extra = match work {
                Work::Evidence => wanted == Wanted::Flags,
                Work::Exposure => !is_wanted,
                Work::Result(_) => wanted != Wanted::Exposure,
                _ => false,
            };
            if is_extra {
                break;
            }
            site.work(work).await;
        }
        site.save().await;
    }
    Loaded { mirror: mirror_of(&sites, 1).into(), refused: sites.iter().any(|it| it.refused) }
}

/// Loads all flags of an environment anew, and then what there is to know about those that `choose` names, activity
/// left out: for a command that wants to know who asks for what, also of flags that no code reads.
pub async fn calls(
    environment: &config::Environment,
    folder: Option<PathBuf>,
    asked: &BTreeSet<FlagKey>,
    choose: impl FnOnce(&Environment) -> BTreeSet<FlagKey>,
) -> Mirror {
    let mut site = Site::new(environment, folder);
    site.load_from_disk();
    site.want(asked.clone());
    // Short lists do not tell when flags were called.
    site.times.doubt = true;
    site.leave_alone(Part::History);
    site.leave_alone(Part::Results);
    let next = |site: &Site| match site.next(Moment::now().after(GATHER)) {
        Next::Now(work) => Some(work),
        Next::At(_) | Next::Never => None,
    };
    while let Some(work) = next(&site).filter(|it| it.part().is_none()) {
        site.work(work).await;
    }
    let chosen = choose(&site.known);
    site.want(chosen);
    while let Some(work) = next(&site) {
        site.work(work).await;
    }
    site.save().await;
    mirror_of(&[site], 1)
}

/// Roots often share an environment.
fn distinct(environments: &[config::Environment]) -> impl Iterator<Item = &config::Environment> {
    let same =
        |a: &config::Environment, b: &config::Environment| (&a.host, a.project) == (&b.host, b.project);
    let first = move |(at, it): &(usize, &config::Environment)| {
        !environments[..*at].iter().any(|other| same(it, other))
    };
    environments.iter().enumerate().filter(first).map(|it| it.1)
}

struct Task {
    /// Before the publisher, so that they are dropped, and with that saved, when its receivers see the end.
    sites: Vec<Site>,
    folder: Option<PathBuf>,
    keys: BTreeSet<FlagKey>,
    briefs: BTreeSet<FlagKey>,
    asks: mpsc::UnboundedReceiver<Ask>,
    publisher: watch::Sender<Arc<Mirror>>,
    revision: u64,
}

impl Task {
    async fn run(mut self) {
        for site in &mut self.sites {
            site.load_from_disk();
        }
        self.publish();
        loop {
            // Whatever was said meanwhile counts before the next request goes out.
            while let Ok(ask) = self.asks.try_recv() {
                self.heed(ask);
            }
            let now = Moment::now();
            let next =
                self.sites.iter().map(|it| it.next(now)).enumerate().min_by_key(|(_, it)| it.when(now));
            match next {
                Some((at, Next::Now(work))) => {
                    let site = &mut self.sites[at];
                    let has_news = site.work(work).await;
                    // At the start an answer a flag comes in; the disk gets them together, and before they show.
                    if !matches!(site.next(Moment::now()), Next::Now(_)) {
                        site.save().await;
                    }
                    if has_news {
                        self.publish();
                    }
                }
                Some((_, Next::At(time))) => tokio::select! {
                    ask = self.asks.recv() => match ask {
                        Some(ask) => self.heed(ask),
                        None => return,
                    },
                    () = tokio::time::sleep_until(time) => {}
                },
                Some((_, Next::Never)) | None => match self.asks.recv().await {
                    Some(ask) => self.heed(ask),
                    None => return,
                },
            }
        }
    }

    fn heed(&mut self, ask: Ask) {
        match &ask {
            Ask::Configure(environments) => return self.configure(environments),
            Ask::Keys(keys) => self.keys.clone_from(keys),
            Ask::Briefs(keys) => self.briefs.clone_from(keys),
            _ => {}
        }
        let news = self.sites.iter_mut().map(|it| it.heed(&ask)).fold(false, |a, b| a | b);
        if news {
            self.publish();
        }
    }

    /// Keeps what is known of places that stay, and begins with those that are new.
    fn configure(&mut self, environments: &[config::Environment]) {
        let mut old = std::mem::take(&mut self.sites);
        for environment in distinct(environments) {
            let site = match old.iter().position(|it| environment.is_at(&it.known)) {
                Some(at) => old.swap_remove(at).configured(environment),
                None => {
                    let mut site = Site::new(environment, self.folder.clone()).shared();
                    site.load_from_disk();
                    site.want(self.keys.clone());
                    site.want_briefs(self.briefs.clone());
                    site
                }
            };
            self.sites.push(site);
        }
        self.publish();
    }

    fn publish(&mut self) {
        self.revision += 1;
        self.publisher.send_replace(Arc::new(mirror_of(&self.sites, self.revision)));
    }
}

fn mirror_of(sites: &[Site], revision: u64) -> Mirror {
    Mirror { environments: sites.iter().map(|it| Arc::new(it.known.clone())).collect(), revision }
}
