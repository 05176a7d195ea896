//! Loads one plugin file: reads, checks, compiles and links it, and starts it once as a trial.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ::bytes::Bytes;
use arc_swap::ArcSwap;
use frontgate_contract::Manifest;
use frontgate_contract::digest::Digest;
use frontgate_rollouts::Rollouts;
use frontgate_runtime::settings::PluginConfig;
use frontgate_runtime::{
    Build, Engine, LoadedPlugin, NetworkOverrides, PluginFile, RuntimeConfig, TRIALS_MAX, TrialError, start_once,
};
use frontgate_system::ownership;
use parking_lot::Mutex;
use tracing::warn;
use wasmtime::component::Component;

use super::blocking::{run_blocking, run_low_priority};
use super::builds::{BuildRequest, Builds, Built, ManifestCheck};
use super::bytes::Source;
use super::failure::Failure;
use super::fair_queue::{FairQueue, Priority};
use super::folder::FileState;
use super::lock::Lock;
use super::policy;
use super::records::{self, Record};

/// The result of one attempt to load a file.
pub(super) struct Attempt {
    pub(super) name: String,
    /// State of the file when the attempt began.
    pub(super) seen: FileState,
    /// Digest of the read bytes.
    pub(super) digest: Option<Digest>,
    /// Manifest of the component.
    pub(super) manifest: Option<Manifest>,
    /// The new version, or `None` if these bytes are already live.
    pub(super) result: Result<Option<Candidate>, Failure>,
    /// The last live version, restored if the file is not usable and no version is live.
    pub(super) restored: Option<LoadedPlugin>,
    pub(super) took: Duration,
}

/// A version that passed its trial, with its bytes. The bytes are stored when the version goes live.
pub(super) struct Candidate {
    pub(super) live: LoadedPlugin,
    pub(super) wasm: Bytes,
}

/// Loads plugin files.
pub(super) struct Loader {
    engine: Arc<Engine>,
    config: ArcSwap<RuntimeConfig>,
    overrides: NetworkOverrides,
    /// What the replicas agree on; `None` if plugins come from the folder.
    rollouts: Option<Arc<Rollouts>>,
    builds: Builds,
    /// Limits how many files are read and hashed at the same time.
    readers: Arc<FairQueue>,
    trials: Arc<FairQueue>,
}

/// Accepts every manifest.
fn accept_all(_: &Manifest) -> Result<(), Failure> {
    Ok(())
}

impl Loader {
    pub(super) fn new(
        engine: &Arc<Engine>,
        config: &Arc<dyn PluginConfig>,
        overrides: NetworkOverrides,
        rollouts: Option<Arc<Rollouts>>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            rollouts,
            builds: Builds::new(engine, config.plugins())?,
            engine: Arc::clone(engine),
            config: ArcSwap::from_pointee(RuntimeConfig::new(config, &overrides)),
            overrides,
            readers: FairQueue::new(thread::available_parallelism().map_or(1, usize::from)),
            trials: FairQueue::new(TRIALS_MAX as usize),
        })
    }

    /// Returns the configuration in effect.
    pub(super) fn config(&self) -> Arc<RuntimeConfig> {
        self.config.load_full()
    }

    /// Builds a configuration that is not in effect yet.
    pub(super) fn config_for(&self, config: &Arc<dyn PluginConfig>) -> RuntimeConfig {
        RuntimeConfig::new(config, &self.overrides)
    }

    /// Sets the configuration for versions that are linked from now on.
    pub(super) fn set_config(&self, config: Arc<RuntimeConfig>) {
        self.config.store(config);
    }

    /// Returns the version linked under the configuration in effect. Links it again only if necessary.
    pub(super) fn current(&self, live: &Arc<LoadedPlugin>) -> anyhow::Result<Arc<LoadedPlugin>> {
        let config = self.config();
        if Arc::ptr_eq(&live.config, &config) {
            return Ok(Arc::clone(live));
        }
        Ok(Arc::new(live.relink(&self.engine, &config)?))
    }

    /// Checks that a version can be linked and started under another configuration.
    pub(super) async fn try_under(&self, live: &LoadedPlugin, config: &Arc<RuntimeConfig>) -> Result<(), Failure> {
        let known = Priority { known: true, ..Priority::default() };
        self.try_once(&live.relink(&self.engine, config).map_err(Failure::Permanent)?, known).await
    }

    /// Loads a version outside a gateway, for plugin authors' tools.
    pub(super) async fn single(&self, name: &str, wasm: Bytes) -> Result<LoadedPlugin, Failure> {
        let source = Source::Memory(wasm);
        let digest = self.read(&source, Priority::default()).await?;
        digest.1?;
        self.build(name, &source, digest.0, Priority::default(), &accept_all).await
    }

    /// Attempts to load a file. `current` is the digest of the live version, `record` the plugin's record.
    pub(super) async fn load(
        self: Arc<Self>,
        name: String,
        seen: FileState,
        current: Option<Digest>,
        record: Record,
    ) -> Attempt {
        let began = Instant::now();
        let (mut digest, manifest) = (None, Mutex::new(None));
        let source = Source::File(seen.clone(), ownership::open);
        let failures = self.builds.failures_of(&name);
        let priority = Priority { failures, known: record.live.is_some(), bytes: source.len() };
        let result = async {
            let (read, component) = self.read(&source, priority).await?;
            digest = Some(read);
            if current == Some(read) {
                return Ok(None);
            }
            policy::check_bytes(&name, read, &record, self.lock().await, &self.config().plugins().directory)?;
            component?;
            let check = |described: &Manifest| {
                *manifest.lock() = Some(described.clone());
                policy::check_capabilities(&name, read, &record, described)
            };
            let live = self.build(&name, &source, read, priority, &check).await?;
            let (kept, max) = (source.clone(), self.config().plugins().file_bytes_max);
            let permit = self.readers.acquire(priority).await;
            let held = run_low_priority(move || {
                let _permit = permit;
                kept.read_all(max, read)
            });
            let wasm = held.await.map_err(Failure::Temporary)??;
            Ok(Some(Candidate { live, wasm }))
        }
        .await;
        let refused = matches!(result, Err(Failure::Permanent(_) | Failure::Temporary(_)));
        self.builds.note(&name, !refused);
        let restored = match (&result, current, record.live) {
            // What the replicas agree on is loaded without a file.
            (Err(_), None, Some(last)) if digest != Some(last) && self.rollouts.is_none() => {
                self.restore_last(&name, last).await
            }
            _ => None,
        };
        let manifest = manifest.into_inner();
        Attempt { name, seen, digest, manifest, result, restored, took: began.elapsed() }
    }

    /// Hashes a file. Returns the digest and the result of checking that its first bytes start a component.
    async fn read(&self, source: &Source, priority: Priority) -> Result<(Digest, Result<(), Failure>), Failure> {
        let permit = self.readers.acquire(priority).await;
        let (source, max) = (source.clone(), self.config().plugins().file_bytes_max);
        // The closure holds the permit until it ends, even if the attempt is aborted.
        let read = run_low_priority(move || {
            let _permit = permit;
            source.digest(max)
        });
        read.await.map_err(Failure::Temporary)?
    }

    /// Loads a stored version: from the records folder, or from the database.
    pub(super) async fn restore(&self, name: &str, digest: Digest) -> Result<LoadedPlugin, Failure> {
        policy::check_lock(name, digest, self.lock().await, &self.config().plugins().directory)?;
        let wasm = match &self.rollouts {
            Some(rollouts) => rollouts.bytes(digest).await,
            None => {
                let folder = self.config().plugins().records.clone();
                let read = run_blocking(move || records::read_version(&folder, digest)).await;
                read.map_err(anyhow::Error::from).flatten().map(Bytes::from)
            }
        };
        let wasm = wasm.map_err(Failure::Temporary)?;
        // A restored version must be optimized now: no later step replaces a quick build.
        self.rebuild(name, wasm, digest).await
    }

    /// Makes the optimized build of a version, links it and starts it once.
    async fn rebuild(&self, name: &str, wasm: Bytes, digest: Digest) -> Result<LoadedPlugin, Failure> {
        let (source, config) = (Source::Memory(wasm), self.config());
        let priority = Priority { failures: 0, known: true, bytes: source.len() };
        let accept: &ManifestCheck<'_> = &accept_all;
        let request = BuildRequest { name, source: &source, digest, priority, plugins: config.plugins(), accept };
        let built = self.builds.optimized_build(&request).await?;
        self.link_and_try(name, digest, built, priority).await
    }

    async fn restore_last(&self, name: &str, digest: Digest) -> Option<LoadedPlugin> {
        match self.restore(name, digest).await {
            Ok(live) => Some(live),
            Err(error) => {
                warn!(
                    event = "plugin.revival_failed",
                    plugin = name,
                    "failed to restore the last version of plugin `{name}`: {error}"
                );
                None
            }
        }
    }

    /// Reads `plugins.lock`. Returns `None` unless `plugins.locked` is set.
    async fn lock(&self) -> anyhow::Result<Option<Lock>> {
        if !self.config().plugins().locked {
            return Ok(None);
        }
        let path = self.config().plugins().lock.clone();
        run_blocking(move || Lock::read(&path)).await.map_err(anyhow::Error::from).flatten().map(Some)
    }

    /// Makes the first available build of a version, links it and starts it once.
    async fn build(
        &self,
        name: &str,
        source: &Source,
        digest: Digest,
        priority: Priority,
        accept: &ManifestCheck<'_>,
    ) -> Result<LoadedPlugin, Failure> {
        let config = self.config();
        let request = BuildRequest { name, source, digest, priority, plugins: config.plugins(), accept };
        let built = self.builds.first_available(&request).await?;
        self.link_and_try(name, digest, built, priority).await
    }

    /// Loads the optimized build of a version whose quick build is live. Also returns the plugin's name.
    pub(super) async fn optimize(
        self: Arc<Self>,
        quick: Arc<LoadedPlugin>,
        wasm: Bytes,
    ) -> (Arc<str>, Result<LoadedPlugin, Failure>) {
        let (name, digest) = (Arc::clone(&quick.name), quick.digest);
        // This task must not keep the quick build in memory if a newer version replaces it.
        drop(quick);
        let built = self.rebuild(&name, wasm, digest).await;
        (name, built)
    }

    /// Links a component and starts it once.
    async fn link_and_try(
        &self,
        name: &str,
        digest: Digest,
        built: Built,
        priority: Priority,
    ) -> Result<LoadedPlugin, Failure> {
        let Built { component, build, manifest } = built;
        let file = PluginFile { name: name.into(), digest, manifest };
        let live = self.link(&component, build, file).map_err(Failure::Permanent)?;
        self.try_once(&live, priority).await?;
        Ok(live)
    }

    fn link(&self, component: &Component, build: Build, file: PluginFile) -> anyhow::Result<LoadedPlugin> {
        let live = LoadedPlugin::link(&self.engine, component, build, file, &self.config())?;
        if let Some(reason) = live.not_granted() {
            warn!(
                event = "plugin.capability_not_granted",
                plugin = &*live.name,
                "plugin `{}`: {reason}; grant the keys in parentheses, or ignore capabilities that the plugin does not \
                 use (JavaScript and Python plugins import all)",
                live.name
            );
        }
        Ok(live)
    }

    /// Starts the plugin once, with all limits active: a plugin that traps at start would trap in every call.
    async fn try_once(&self, live: &LoadedPlugin, priority: Priority) -> Result<(), Failure> {
        let _permit = self.trials.acquire(priority).await;
        start_once(&self.engine, live).await.map_err(|error| match error {
            TrialError::Plugin(error) => Failure::Permanent(error),
            error => Failure::Temporary(error.into()),
        })
    }
}
