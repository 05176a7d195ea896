//! Keeps the live plugins in sync with the plugins folder. The task scans the folder, attempts to load changed files
//! ([`super::attempt`]), activates new versions, and watches them on probation.
//!
//! One task owns [`Reload`]. Every change of a plugin goes through this task, whether it comes from the folder, a
//! signal or an operator. File system events only trigger a scan. After any failure, the live version stays. Each
//! attempt that changes a plugin's status writes a receipt.

mod command;
mod configure;
mod decide;
mod decisions;
mod probation;
mod publish;
mod rollout;
mod task;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use frontgate_rollouts::Rollouts;
use frontgate_runtime::receipt::Outcome;
use frontgate_runtime::settings::PluginConfig;
use frontgate_runtime::{Engine, NetworkOverrides, Registry};
use frontgate_telemetry::metrics::METRICS;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{error, info, warn};

pub use self::command::{Answer, Command, Commands};
use self::command::{Request, Waiting};
use self::probation::Probations;
use self::publish::Publisher;
use self::rollout::Agreement;
use self::task::TaskResult;
use self::watch::Watch;
use super::attempt::Loader;
use super::folder::{self, FileState};
pub use super::records::Access;
use super::records::Records;

/// The state of the task that owns the live plugins.
pub struct Reload {
    loader: Arc<Loader>,
    registry: Arc<Registry>,
    records: Records,
    /// Number of files beyond `plugins.names_max`.
    left_out: usize,
    /// State of each file at its last attempt, by name.
    attempted: BTreeMap<String, FileState>,
    attempts: JoinSet<TaskResult>,
    /// Running attempts, at most one for each name. A changed file waits until the running attempt ends, so that a file
    /// that changes faster than it compiles still goes live from time to time.
    running: BTreeMap<String, AbortHandle>,
    /// Names to attempt again although their files have not changed.
    retry_now: BTreeSet<String>,
    /// Names whose last attempt failed temporarily.
    retry_later: BTreeSet<String>,
    probations: Probations,
    commands: Commands,
    requests: mpsc::Receiver<Request>,
    /// Commands that wait until every file was attempted.
    waiting: Vec<Waiting>,
    publisher: Publisher,
    /// What the replicas agree on; `None` if plugins come from the folder.
    agreement: Option<Agreement>,
}

impl Reload {
    /// Opens the records, unless the replicas agree on versions through `rollouts`. Loads no plugin yet.
    pub fn new(
        engine: &Arc<Engine>,
        registry: &Arc<Registry>,
        config: &Arc<dyn PluginConfig>,
        overrides: NetworkOverrides,
        access: Access,
        rollouts: Option<Arc<Rollouts>>,
    ) -> anyhow::Result<Self> {
        let plugins = config.plugins();
        let loader = Loader::new(engine, config, overrides, rollouts.clone())?;
        let (commands, requests) = Commands::new();
        let (records, publisher) = match &rollouts {
            Some(_) => (Records::in_memory(plugins), Publisher::without_file()),
            None => (
                Records::open(&plugins.records, access, plugins)?,
                Publisher::new(&plugins.records, access, plugins.receipts_max)?,
            ),
        };
        registry.set_damaged(records.damaged());
        Ok(Self {
            loader: Arc::new(loader),
            registry: Arc::clone(registry),
            records,
            left_out: 0,
            attempted: BTreeMap::new(),
            attempts: JoinSet::new(),
            running: BTreeMap::new(),
            retry_now: BTreeSet::new(),
            retry_later: BTreeSet::new(),
            probations: Probations::default(),
            commands,
            requests,
            waiting: Vec::new(),
            publisher,
            agreement: rollouts.map(Agreement::new),
        })
    }

    /// Returns the handle that sends commands to this task.
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// Attempts to load every file in the folder. Returns when all attempts have ended, or when `enough` returns true.
    pub async fn load_until(&mut self, enough: impl Fn() -> bool) -> anyhow::Result<()> {
        self.begin_to_follow().await.context("failed to read the rollouts of plugins")?;
        let files = self.scan().await?;
        if let Some(agreement) = &mut self.agreement {
            agreement.start(&files);
        }
        loop {
            for (name, seen) in &files {
                // A file is an offer only after the agreed version was loaded.
                if !self.attempted.contains_key(name) && !self.is_following(name) && !self.running.contains_key(name) {
                    self.attempt(name.clone(), seen.clone());
                }
            }
            let Some(finished) = self.attempts.join_next().await else { break };
            self.finish_all(finished);
            self.publish().await;
            if enough() {
                break;
            }
        }
        Ok(())
    }

    /// Watches the folder until the task is dropped.
    pub async fn watch(mut self) {
        let mut watch = Watch::new(&self.loader.config().plugins().directory);
        let mut previous = self.attempted.clone();
        let mut scanned = Instant::now();
        loop {
            watch.renew();
            let config = self.loader.config();
            let settle = Duration::from_millis(config.plugins().settle_ms);
            let rescan = Duration::from_millis(config.plugins().rescan_interval_ms);
            let is_pending = match self.scan().await {
                Ok(now) => {
                    self.retry_now.retain(|name| now.contains_key(name));
                    let is_pending = now != self.attempted || !self.retry_now.is_empty();
                    if scanned.elapsed() >= settle {
                        self.attempt_changed(&now, &previous);
                        previous = now;
                        scanned = Instant::now();
                    }
                    self.publish().await;
                    self.answer_waiting(!is_pending);
                    is_pending
                }
                Err(error) => {
                    warn!(
                        event = "plugin.folder_unreadable",
                        "failed to read the plugins folder, loaded plugins stay live: {error:#}"
                    );
                    self.fail_waiting(&format!("failed to read the plugins folder: {error:#}"));
                    false
                }
            };
            let probation = self.probations.ends();
            tokio::select! {
                () = sleep(settle), if is_pending => {}
                () = watch.changed(), if !is_pending => {}
                () = sleep(rescan), if !is_pending => self.retry_failed(),
                Some(finished) = self.attempts.join_next() => self.finish_all(finished),
                Some(request) = self.requests.recv() => self.execute(request),
                () = rollout::changed(&mut self.agreement) => self.follow_all(),
                () = self.probations.decide.notified() => self.end_probations(),
                () = sleep_until(probation.unwrap_or_else(Instant::now)), if probation.is_some() => self.end_probations(),
            }
            self.publish().await;
        }
    }

    async fn scan(&mut self) -> anyhow::Result<BTreeMap<String, FileState>> {
        METRICS.plugin_folder_looks.inc();
        let config = self.loader.config();
        let known: BTreeSet<String> = self.attempted.keys().chain(self.records.names()).cloned().collect();
        let marker = self.records.marker();
        let (files, is_looked_at) = tokio::task::spawn_blocking(move || {
            let plugins = config.plugins();
            let is_known =
                |name: &str| known.contains(name) || plugins.named.contains_key(name) || config.is_used(name);
            let files = folder::scan(&plugins.directory, plugins.names_max, is_known);
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

    /// Attempts waiting files again after the operator moved the damaged records away.
    fn end_guard(&mut self) {
        info!(event = "plugin.records_guard_ended", "corrupt plugin records moved away; loading new files again");
        self.records.end_guard();
        self.registry.set_damaged(None);
        let receipts = self.registry.receipts();
        let waiting = receipts.values().filter(|receipt| matches!(receipt.outcome, Outcome::Waiting(_)));
        self.retry_now.extend(waiting.map(|receipt| receipt.plugin.clone()));
    }

    fn note_left_out(&mut self, left_out: usize) {
        METRICS.plugin_files_left_out.set(i64::try_from(left_out).unwrap_or(i64::MAX));
        if left_out > 0 && self.left_out == 0 {
            let max = self.loader.config().plugins().names_max;
            warn!(
                event = "plugin.names_max_reached",
                left_out,
                "{left_out} plugin files not loaded, plugins.names_max = {max} reached; remove files or raise the limit"
            );
        }
        self.left_out = left_out;
    }

    /// Attempts each file that changed since its last attempt and is unchanged since the previous scan.
    fn attempt_changed(&mut self, now: &BTreeMap<String, FileState>, previous: &BTreeMap<String, FileState>) {
        let names: BTreeSet<&String> = now.keys().chain(self.attempted.keys()).collect();
        let stable = |name: &&&String| now.get(**name) == previous.get(**name);
        let changed: Vec<String> = names
            .iter()
            .filter(stable)
            .filter(|name| now.get(**name) != self.attempted.get(**name) || self.retry_now.contains(**name))
            .filter(|name| !self.running.contains_key(**name) || !now.contains_key(**name))
            .filter(|name| !self.is_following(name))
            .map(|name| (*name).clone())
            .collect();
        for name in changed {
            match now.get(&name) {
                Some(seen) => self.attempt(name, seen.clone()),
                None if self.agreement.is_some() => self.file_removed(&name),
                None => self.remove(&name),
            }
        }
    }

    /// Attempts files again whose last attempt failed temporarily.
    fn retry_failed(&mut self) {
        for name in std::mem::take(&mut self.retry_later) {
            let seen = self.attempted.get(&name).filter(|_| !self.running.contains_key(&name)).cloned();
            if let Some(seen) = seen {
                self.attempt(name, seen);
            }
        }
        if let Some(agreement) = &mut self.agreement {
            agreement.forget_failures(false);
        }
        self.follow_all();
        self.warn_of_overdue();
    }

    /// Warns of replaced versions that are still in memory after `plugins.drain_timeout_ms`.
    fn warn_of_overdue(&self) {
        let limit = Duration::from_millis(self.loader.config().plugins().drain_timeout_ms);
        let Some(before) = std::time::Instant::now().checked_sub(limit) else { return };
        for version in self.registry.overdue(before) {
            let returns = self.probations.old(&version.name).is_some_and(|old| Arc::ptr_eq(&old, &version));
            if !returns {
                let (name, digest) = (&*version.name, version.digest.short());
                warn!(
                    event = "plugin.drain_overdue",
                    plugin = name,
                    digest,
                    "replaced version of plugin `{name}` still has a call in flight after plugins.drain_timeout_ms"
                );
            }
        }
    }

    /// Starts an attempt to load a file.
    fn attempt(&mut self, name: String, seen: FileState) {
        self.attempted.insert(name.clone(), seen.clone());
        self.retry_now.remove(&name);
        let current = self.registry.get(&name).map(|live| live.digest);
        let mut record = self.records.of(&name);
        if self.agreement.as_ref().is_some_and(|agreement| agreement.is_new(&name, &seen)) {
            record.offered.clear();
        }
        let attempt = Arc::clone(&self.loader).load(name.clone(), seen, current, record);
        let finished = async { TaskResult::Loaded(Box::new(attempt.await)) };
        self.running.insert(name, self.attempts.spawn(finished));
        self.publish_status();
    }

    /// Handles the results of this task and of all other ended tasks. The results share one write of the records.
    fn finish_all(&mut self, finished: Result<TaskResult, JoinError>) {
        self.finish(finished);
        while let Some(finished) = self.attempts.try_join_next() {
            self.finish(finished);
        }
    }

    /// Handles the result of a task.
    fn finish(&mut self, finished: Result<TaskResult, JoinError>) {
        let failed = finished.as_ref().err().map(JoinError::id);
        let failed = self.running.iter().find(|(_, running)| failed == Some(running.id()));
        let failed = failed.map(|(name, _)| name.clone());
        self.running.retain(|_, running| !running.is_finished());
        match finished {
            Ok(TaskResult::Loaded(attempt)) => self.apply(*attempt),
            Ok(TaskResult::Restored(restored)) => self.finish_rollback(*restored),
            Ok(TaskResult::Optimized(name, built)) => self.optimized(&name, *built),
            Ok(TaskResult::Configured(configuration)) => self.configured(*configuration),
            Ok(TaskResult::Offered(offer)) => self.offered(*offer),
            Ok(TaskResult::Followed(followed)) => self.followed(*followed),
            Ok(TaskResult::Decided(name)) => self.decided(&name),
            Ok(TaskResult::Requested(requested)) => self.requested(*requested),
            Ok(TaskResult::Commanded(commanded)) => self.commanded(*commanded),
            Err(aborted) if aborted.is_cancelled() => {}
            Err(panic) => {
                let name = failed.as_deref();
                let which = name.map_or_else(|| "a plugin".to_owned(), |name| format!("plugin `{name}`"));
                error!(event = "plugin.load_panicked", plugin = name, "failed to load {which}: panic: {panic}");
            }
        }
        self.follow_all();
        self.publish_status();
    }

    fn publish_status(&self) {
        self.registry.set_loading(self.running.keys().cloned().collect());
        self.registry.set_on_probation(self.probations.names());
    }
}
