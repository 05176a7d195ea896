//! Follows the folder of plugins: looks, lets [`super::load`] try what changed, swaps.
//!
//! One task owns this. Events of the file system are only a hint to look again; what counts is what
//! is there. Any failure keeps the live version and leaves a receipt with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use metrics::counter;
use notify::{RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use super::attempt::{Attempt, Loader};
use super::cache::Digest;
use super::folder::{self, Seen};
use crate::config::{Config, Role};
use crate::plugin::live::Live;
use crate::plugin::registry::{Outcome, Receipt, Registry};
use crate::plugin::run::engine::Engine;

/// Brings files to life.
pub struct Reload {
    loader: Arc<Loader>,
    registry: Arc<Registry>,
    /// Files as they were when they were last acted on.
    acted: BTreeMap<String, Seen>,
    attempts: JoinSet<Attempt>,
    /// At most one for each file: a newer file waits for the older one's attempt, so that files that
    /// change faster than they compile still go live now and then.
    running: BTreeMap<String, AbortHandle>,
    /// Files whose last attempt failed for reasons that may pass.
    troubled: BTreeSet<String>,
}

impl Reload {
    /// Nothing is loaded yet.
    pub fn new(engine: &Arc<Engine>, registry: &Arc<Registry>, config: &Arc<Config>) -> anyhow::Result<Self> {
        let loader = Loader::new(engine, config)?;
        Ok(Self {
            loader: Arc::new(loader),
            registry: Arc::clone(registry),
            acted: BTreeMap::new(),
            attempts: JoinSet::new(),
            running: BTreeMap::new(),
            troubled: BTreeSet::new(),
        })
    }

    /// Tries every file that is there now, until all have been tried or enough are live.
    pub async fn load_until(&mut self, enough: impl Fn() -> bool) -> anyhow::Result<()> {
        for (name, seen) in self.look().await? {
            self.attempt(name, seen);
        }
        while let Some(attempt) = self.attempts.join_next().await {
            self.conclude(attempt);
            if enough() {
                break;
            }
        }
        Ok(())
    }

    /// Follows the folder for ever.
    pub async fn watch(mut self) {
        let changed = Arc::new(Notify::new());
        let _watcher = self.watcher(&changed);
        let settle = Duration::from_millis(self.loader.plugins().settle_ms);
        let rescan = Duration::from_millis(self.loader.plugins().rescan_interval_ms);
        let mut previous = self.acted.clone();
        let mut looked = Instant::now();
        loop {
            let restless = match self.look().await {
                Ok(now) => {
                    let restless = now != self.acted;
                    if looked.elapsed() >= settle {
                        self.act(&now, &previous);
                        previous = now;
                        looked = Instant::now();
                    }
                    restless
                }
                Err(error) => {
                    warn!("the plugins' folder cannot be read, so nothing changes: {error:#}");
                    false
                }
            };
            tokio::select! {
                () = sleep(settle), if restless => {}
                () = changed.notified(), if !restless => {}
                () = sleep(rescan), if !restless => self.try_again(),
                Some(attempt) = self.attempts.join_next() => self.conclude(attempt),
            }
        }
    }

    async fn look(&self) -> anyhow::Result<BTreeMap<String, Seen>> {
        counter!("frontgate_plugin_folder_looks_total").increment(1);
        let directory = self.loader.plugins().directory.clone();
        Ok(tokio::task::spawn_blocking(move || folder::look(&directory)).await??)
    }

    fn watcher(&self, changed: &Arc<Notify>) -> Option<notify::RecommendedWatcher> {
        let hint = Arc::clone(changed);
        // Looking at the folder is an event, too, and must not lead to the next look.
        let changes = move |event: notify::Result<notify::Event>| {
            if !event.is_ok_and(|event| event.kind.is_access()) {
                hint.notify_one();
            }
        };
        let mut watcher = notify::recommended_watcher(changes)
            .map_err(|error| warn!("changes of plugins are seen by looking only: {error}"))
            .ok()?;
        watcher
            .watch(&self.loader.plugins().directory, RecursiveMode::NonRecursive)
            .map_err(|error| warn!("changes of plugins are seen by looking only: {error}"))
            .ok()?;
        Some(watcher)
    }

    /// Acts on what looks the same as a moment ago, but different from when it was last acted on.
    fn act(&mut self, now: &BTreeMap<String, Seen>, previous: &BTreeMap<String, Seen>) {
        let names: BTreeSet<&String> = now.keys().chain(self.acted.keys()).collect();
        let stable = |name: &&&String| now.get(**name) == previous.get(**name);
        let changed: Vec<String> = names
            .iter()
            .filter(stable)
            .filter(|name| now.get(**name) != self.acted.get(**name))
            .filter(|name| !self.running.contains_key(**name) || !now.contains_key(**name))
            .map(|name| (*name).clone())
            .collect();
        for name in changed {
            match now.get(&name) {
                Some(seen) => self.attempt(name, seen.clone()),
                None => self.remove(&name),
            }
        }
    }

    /// Tries files once more that failed for reasons that may have passed.
    fn try_again(&mut self) {
        for name in std::mem::take(&mut self.troubled) {
            let seen = self.acted.get(&name).filter(|_| !self.running.contains_key(&name)).cloned();
            if let Some(seen) = seen {
                self.attempt(name, seen);
            }
        }
    }

    /// Begins to load a file.
    fn attempt(&mut self, name: String, seen: Seen) {
        self.acted.insert(name.clone(), seen.clone());
        let current = self.registry.get(&name).map(|live| live.digest);
        let attempt = Arc::clone(&self.loader).load(name.clone(), seen, current);
        self.running.insert(name, self.attempts.spawn(attempt));
        self.show_loading();
    }

    fn remove(&mut self, name: &str) {
        self.acted.remove(name);
        if let Some(attempt) = self.running.remove(name) {
            attempt.abort();
        }
        self.registry.remove(name);
        self.note(name, None, Outcome::Removed);
        self.show_loading();
    }

    fn show_loading(&self) {
        self.registry.set_loading(self.running.keys().cloned().collect());
    }

    /// Ends an attempt, whatever came of it.
    fn conclude(&mut self, attempt: Result<Attempt, JoinError>) {
        self.running.retain(|_, running| !running.is_finished());
        self.swap(attempt);
        self.show_loading();
    }

    /// Swaps, or keeps what is live.
    fn swap(&mut self, attempt: Result<Attempt, JoinError>) {
        let Attempt { name, seen, digest, result } = match attempt {
            Ok(attempt) => attempt,
            Err(aborted) if aborted.is_cancelled() => return,
            Err(panic) => {
                error!("an attempt to load a plugin panicked: {panic}");
                return;
            }
        };
        if self.acted.get(&name) != Some(&seen) {
            // The file was removed in the meantime.
            return;
        }
        let last = self.registry.receipts().get(&name).cloned();
        let outcome = match result {
            Ok(None) if last.as_ref().is_some_and(|last| last.outcome == Outcome::Live) => return,
            // The file that is live came back after one that was not usable.
            Ok(None) => Outcome::Live,
            Ok(Some(live)) => match self.lost(&live) {
                Some(role) => Outcome::Kept(format!("it does not answer the role {role}, which a tenant relies on")),
                None => {
                    self.registry.replace(live);
                    Outcome::Live
                }
            },
            Err(failure) => {
                if failure.may_pass() {
                    self.troubled.insert(name.clone());
                }
                let reason = failure.to_string();
                if last.is_some_and(|last| last.digest == digest && last.outcome.reason() == Some(&reason)) {
                    return;
                }
                match self.registry.get(&name) {
                    Some(_) => Outcome::Kept(reason),
                    None => Outcome::Refused(reason),
                }
            }
        };
        self.note(&name, digest, outcome);
    }

    /// A role that would be lost: the live version answers it, and some tenant names the plugin for it.
    fn lost(&self, new: &Live) -> Option<Role> {
        let old = self.registry.get(&new.name)?;
        let lost = old.roles().into_iter().filter(|role| !new.roles().contains(role));
        lost.into_iter().find(|role| self.loader.is_named(&new.name, *role))
    }

    fn note(&self, name: &str, digest: Option<Digest>, outcome: Outcome) {
        counter!("frontgate_plugin_reloads_total", "outcome" => outcome.name()).increment(1);
        let receipt = Receipt { time: SystemTime::now(), digest, outcome: outcome.clone() };
        self.registry.note(name, receipt);
        let digest = digest.map(|digest| digest.short()).unwrap_or_default();
        match &outcome {
            Outcome::Live => info!(plugin = name, digest, "plugin `{name}` is live"),
            Outcome::Removed => warn!(plugin = name, "plugin `{name}` is gone: its file was removed"),
            Outcome::Kept(reason) => {
                warn!(plugin = name, digest, "kept plugin `{name}` as it was; the new file is not usable: {reason}");
            }
            Outcome::Refused(reason) => warn!(plugin = name, digest, "plugin `{name}` is not usable: {reason}"),
        }
    }
}
