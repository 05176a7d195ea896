//! Follows the folder of plugins: looks, lets [`super::attempt`] try what changed, swaps, watches what was
//! swapped in.
//!
//! One task owns this, and whatever changes a plugin goes through it: the folder, a signal, an operator.
//! Events of the file system are only a hint to look again; what counts is what is there. Any failure keeps
//! the live version, and each attempt leaves a receipt.

mod command;
mod configure;
mod decide;
mod probation;
mod publish;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use frontgate_runtime::receipt::Outcome;
use frontgate_runtime::settings::PluginConfig;
use frontgate_runtime::{Engine, LoadedPlugin, NetworkOverrides, Registry};
use frontgate_telemetry::metrics::METRICS;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{error, info, warn};

pub use self::command::{Answer, Command, Commands};
use self::command::{Request, Waiting};
use self::configure::Configuration;
use self::decide::Revival;
use self::probation::Probations;
use self::publish::Publisher;
use self::watch::Watch;
use super::attempt::{Attempt, Loader};
use super::failure::Failure;
use super::folder::{self, Seen};
pub use super::records::Access;
use super::records::Records;

/// Brings files to life.
pub struct Reload {
    loader: Arc<Loader>,
    registry: Arc<Registry>,
    records: Records,
    /// Files beyond `plugins.names_max`.
    left_out: usize,
    /// Files as they were when they were last acted on.
    acted: BTreeMap<String, Seen>,
    attempts: JoinSet<Finished>,
    /// At most one for each file: a newer file waits for the older one's attempt, so that files that
    /// change faster than they compile still go live now and then.
    running: BTreeMap<String, AbortHandle>,
    /// Files that are tried again although they have not changed: somebody asked for it.
    again: BTreeSet<String>,
    /// Files whose last attempt failed for reasons that may pass.
    troubled: BTreeSet<String>,
    probations: Probations,
    commands: Commands,
    requests: mpsc::Receiver<Request>,
    /// Operators who wait until everything has been tried.
    waiting: Vec<Waiting>,
    publisher: Publisher,
}

/// What a task of its own came to.
enum Finished {
    Tried(Box<Attempt>),
    Revived(Box<Revival>),
    /// A better build of what may still be live.
    Optimised(Box<Result<LoadedPlugin, Failure>>),
    Configured(Box<Configuration>),
}

impl Reload {
    /// Nothing is loaded yet.
    pub fn new(
        engine: &Arc<Engine>,
        registry: &Arc<Registry>,
        config: &Arc<dyn PluginConfig>,
        overrides: NetworkOverrides,
        access: Access,
    ) -> anyhow::Result<Self> {
        let plugins = config.plugins();
        let loader = Loader::new(engine, config, overrides)?;
        let (commands, requests) = Commands::new();
        let records = Records::open(&plugins.records, access, plugins)?;
        registry.set_damaged(records.damaged());
        Ok(Self {
            loader: Arc::new(loader),
            registry: Arc::clone(registry),
            records,
            left_out: 0,
            acted: BTreeMap::new(),
            attempts: JoinSet::new(),
            running: BTreeMap::new(),
            again: BTreeSet::new(),
            troubled: BTreeSet::new(),
            probations: Probations::default(),
            commands,
            requests,
            waiting: Vec::new(),
            publisher: Publisher::new(&plugins.records, access, plugins.receipts_max)?,
        })
    }

    /// Where commands are given.
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// Tries every file that is there now, until all have been tried or enough are live.
    pub async fn load_until(&mut self, enough: impl Fn() -> bool) -> anyhow::Result<()> {
        for (name, seen) in self.look().await? {
            self.attempt(name, seen);
        }
        while let Some(finished) = self.attempts.join_next().await {
            self.conclude_all(finished);
            self.publish().await;
            if enough() {
                break;
            }
        }
        Ok(())
    }

    /// Follows the folder for ever.
    pub async fn watch(mut self) {
        let mut watch = Watch::new(&self.loader.terms().plugins().directory);
        let mut previous = self.acted.clone();
        let mut looked = Instant::now();
        loop {
            watch.follow();
            let terms = self.loader.terms();
            let settle = Duration::from_millis(terms.plugins().settle_ms);
            let rescan = Duration::from_millis(terms.plugins().rescan_interval_ms);
            let restless = match self.look().await {
                Ok(now) => {
                    self.again.retain(|name| now.contains_key(name));
                    let restless = now != self.acted || !self.again.is_empty();
                    if looked.elapsed() >= settle {
                        self.act(&now, &previous);
                        previous = now;
                        looked = Instant::now();
                    }
                    self.publish().await;
                    self.answer(!restless);
                    restless
                }
                Err(error) => {
                    warn!(
                        event = "plugin.folder_unreadable",
                        "failed to read the plugins folder; nothing changes: {error:#}"
                    );
                    self.refuse(&format!("the plugins' folder cannot be read: {error:#}"));
                    false
                }
            };
            let probation = self.probations.ends();
            tokio::select! {
                () = sleep(settle), if restless => {}
                () = watch.changed(), if !restless => {}
                () = sleep(rescan), if !restless => self.try_again(),
                Some(finished) = self.attempts.join_next() => self.conclude_all(finished),
                Some(request) = self.requests.recv() => self.obey(request),
                () = self.probations.decide.notified() => self.decide(),
                () = sleep_until(probation.unwrap_or_else(Instant::now)), if probation.is_some() => self.decide(),
            }
            self.publish().await;
        }
    }

    async fn look(&mut self) -> anyhow::Result<BTreeMap<String, Seen>> {
        METRICS.plugin_folder_looks.inc();
        let terms = self.loader.terms();
        let known: BTreeSet<String> = self.acted.keys().chain(self.records.names()).cloned().collect();
        let marker = self.records.marker();
        let (files, is_looked_at) = tokio::task::spawn_blocking(move || {
            let plugins = terms.plugins();
            let is_known = |name: &str| known.contains(name) || plugins.named.contains_key(name) || terms.is_used(name);
            let files = folder::look(&plugins.directory, plugins.names_max, is_known);
            (files, marker.is_some_and(|(folder, file)| folder.is_gone(&file)))
        })
        .await?;
        if is_looked_at {
            self.end_guard();
        }
        let (files, left_out) = files?;
        self.note_left_out(left_out);
        Ok(files)
    }

    /// The operator has taken the damaged records away: what waited because of them is tried again.
    fn end_guard(&mut self) {
        info!(
            event = "plugin.records_guard_ended",
            "the damaged plugin records were moved away: new files are tried again"
        );
        self.records.lift();
        self.registry.set_damaged(None);
        let receipts = self.registry.receipts();
        let waiting = receipts.values().filter(|receipt| matches!(receipt.outcome, Outcome::Waiting(_)));
        self.again.extend(waiting.map(|receipt| receipt.plugin.clone()));
    }

    fn note_left_out(&mut self, left_out: usize) {
        METRICS.plugin_files_left_out.set(i64::try_from(left_out).unwrap_or(i64::MAX));
        if left_out > 0 && self.left_out == 0 {
            let max = self.loader.terms().plugins().names_max;
            warn!(
                event = "plugin.names_max_reached",
                left_out, "plugin files beyond plugins.names_max = {max} are not loaded: remove files or raise it"
            );
        }
        self.left_out = left_out;
    }

    /// Acts on what looks the same as a moment ago, but different from when it was last acted on.
    fn act(&mut self, now: &BTreeMap<String, Seen>, previous: &BTreeMap<String, Seen>) {
        let names: BTreeSet<&String> = now.keys().chain(self.acted.keys()).collect();
        let stable = |name: &&&String| now.get(**name) == previous.get(**name);
        let changed: Vec<String> = names
            .iter()
            .filter(stable)
            .filter(|name| now.get(**name) != self.acted.get(**name) || self.again.contains(**name))
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
        self.complain_of_overdue();
    }

    /// A version that nobody calls any more is held by nobody, or something is wrong here.
    fn complain_of_overdue(&self) {
        let limit = Duration::from_millis(self.loader.terms().plugins().drain_timeout_ms);
        let Some(before) = std::time::Instant::now().checked_sub(limit) else { return };
        for version in self.registry.overdue(before) {
            let returns = self.probations.old(&version.name).is_some_and(|old| Arc::ptr_eq(&old, &version));
            if !returns {
                let (name, digest) = (&*version.name, version.digest.short());
                warn!(
                    event = "plugin.drain_overdue",
                    plugin = name,
                    digest,
                    "old version of plugin `{name}` still held after plugins.drain_timeout_ms"
                );
            }
        }
    }

    /// Begins to load a file.
    fn attempt(&mut self, name: String, seen: Seen) {
        self.acted.insert(name.clone(), seen.clone());
        self.again.remove(&name);
        let current = self.registry.get(&name).map(|live| live.digest);
        let attempt = Arc::clone(&self.loader).load(name.clone(), seen, current, self.records.of(&name));
        let finished = async { Finished::Tried(Box::new(attempt.await)) };
        self.running.insert(name, self.attempts.spawn(finished));
        self.show();
    }

    /// Ends an attempt, and those that have ended meanwhile: they are written down together.
    fn conclude_all(&mut self, finished: Result<Finished, JoinError>) {
        self.conclude(finished);
        while let Some(finished) = self.attempts.try_join_next() {
            self.conclude(finished);
        }
    }

    /// Ends an attempt, whatever came of it.
    fn conclude(&mut self, finished: Result<Finished, JoinError>) {
        self.running.retain(|_, running| !running.is_finished());
        match finished {
            Ok(Finished::Tried(attempt)) => self.swap(*attempt),
            Ok(Finished::Revived(revival)) => self.revived(*revival),
            Ok(Finished::Optimised(built)) => self.optimised(*built),
            Ok(Finished::Configured(configuration)) => self.configured(*configuration),
            Err(aborted) if aborted.is_cancelled() => {}
            Err(panic) => error!(event = "plugin.load_panicked", "attempt to load a plugin panicked: {panic}"),
        }
        self.show();
    }

    fn show(&self) {
        self.registry.set_loading(self.running.keys().cloned().collect());
        self.registry.set_on_probation(self.probations.names());
    }
}
