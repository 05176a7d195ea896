//! From a file to a plugin that can be called: read once, check, compile, link, try.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ::bytes::Bytes;
use anyhow::anyhow;
use arc_swap::ArcSwap;
use frontgate_contract::Manifest;
use frontgate_contract::digest::Digest;
use frontgate_runtime::settings::PluginConfig;
use frontgate_runtime::{
    Build, Engine, LoadedPlugin, NetworkOverrides, PluginFile, RuntimeConfig, TRIALS_MAX, TrialError, start_once,
};
use frontgate_system::ownership;
use tracing::warn;
use wasmtime::component::Component;

use super::aside::{aside, quietly};
use super::builds::{Builds, Judge, Made, Wanted};
use super::bytes::Source;
use super::failure::Failure;
use super::folder::Seen;
use super::lock::Lock;
use super::records::{self, Record};
use super::turns::{Turns, Urgency};

/// What one attempt came to.
pub(super) struct Attempt {
    pub(super) name: String,
    /// The file as it was when the attempt began.
    pub(super) seen: Seen,
    /// Of the bytes that were read.
    pub(super) digest: Option<Digest>,
    /// Of the same.
    pub(super) manifest: Option<Manifest>,
    /// `None` stands for the very file that is live already.
    pub(super) result: Result<Option<Ready>, Failure>,
    /// The version that answered when the gateway ended, where the file is not usable and nothing is live.
    pub(super) instead: Option<LoadedPlugin>,
    pub(super) took: Duration,
}

/// A version that can go live, and its bytes, which are kept.
pub(super) struct Ready {
    pub(super) live: LoadedPlugin,
    pub(super) wasm: Bytes,
}

/// Loads files.
pub(super) struct Loader {
    engine: Arc<Engine>,
    terms: ArcSwap<RuntimeConfig>,
    overrides: NetworkOverrides,
    builds: Builds,
    /// Files that are read and hashed.
    readers: Arc<Turns>,
    trials: Arc<Turns>,
}

/// Accepts whatever a component wants.
fn anything(_: &Manifest) -> Result<(), Failure> {
    Ok(())
}

impl Loader {
    pub(super) fn new(
        engine: &Arc<Engine>,
        config: &Arc<dyn PluginConfig>,
        overrides: NetworkOverrides,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            builds: Builds::new(engine, config.plugins())?,
            engine: Arc::clone(engine),
            terms: ArcSwap::from_pointee(RuntimeConfig::new(config, &overrides)),
            overrides,
            readers: Turns::new(thread::available_parallelism().map_or(1, usize::from)),
            trials: Turns::new(TRIALS_MAX as usize),
        })
    }

    /// What plugins run under now.
    pub(super) fn terms(&self) -> Arc<RuntimeConfig> {
        self.terms.load_full()
    }

    /// What they would run under.
    pub(super) fn terms_of(&self, config: &Arc<dyn PluginConfig>) -> RuntimeConfig {
        RuntimeConfig::new(config, &self.overrides)
    }

    /// From here on.
    pub(super) fn set_terms(&self, terms: Arc<RuntimeConfig>) {
        self.terms.store(terms);
    }

    /// A version under the terms that count now.
    pub(super) fn current(&self, live: &Arc<LoadedPlugin>) -> anyhow::Result<Arc<LoadedPlugin>> {
        let terms = self.terms();
        if Arc::ptr_eq(&live.config, &terms) {
            return Ok(Arc::clone(live));
        }
        Ok(Arc::new(live.relink(&self.engine, &terms)?))
    }

    /// Whether a version could go on under other terms.
    pub(super) async fn try_under(&self, live: &LoadedPlugin, terms: &Arc<RuntimeConfig>) -> Result<(), Failure> {
        let known = Urgency { known: true, ..Urgency::default() };
        self.try_once(&live.relink(&self.engine, terms).map_err(Failure::Verdict)?, known).await
    }

    /// A version on its own, outside a gateway.
    pub(super) async fn single(&self, name: &str, wasm: Bytes) -> Result<LoadedPlugin, Failure> {
        let source = Source::Held(wasm);
        let digest = self.read(&source, Urgency::default()).await?;
        digest.1?;
        self.bring(name, &source, digest.0, Urgency::default(), &anything).await
    }

    /// One attempt at a file, knowing what answers now and what is remembered of the name.
    pub(super) async fn load(
        self: Arc<Self>,
        name: String,
        seen: Seen,
        current: Option<Digest>,
        record: Record,
    ) -> Attempt {
        let began = Instant::now();
        let (mut digest, manifest) = (None, Mutex::new(None));
        let source = Source::File(seen.clone(), ownership::open);
        let failures = self.builds.failures_of(&name);
        let urgency = Urgency { failures, known: record.live.is_some(), bytes: source.len() };
        let result = async {
            let (read, component) = self.read(&source, urgency).await?;
            digest = Some(read);
            if current == Some(read) {
                return Ok(None);
            }
            if let Some(reason) = record.passed_over(read) {
                return Err(Failure::PassedOver(reason.to_owned()));
            }
            self.allowed(&name, read).await?;
            if let Some(reason) = record.unknown(&name, read) {
                return Err(Failure::Waits(reason));
            }
            component?;
            let judge = |described: &Manifest| {
                *manifest.lock().unwrap_or_else(PoisonError::into_inner) = Some(described.clone());
                let more: Vec<String> = record.wants_more(read, described).iter().map(ToString::to_string).collect();
                if more.is_empty() {
                    return Ok(());
                }
                let (more, short) = (more.join(" and "), read.short());
                Err(Failure::Waits(format!(
                    "it wants {more}, which the version before it did not; to allow it: \
                     frontgate plugin allow {name} {short}"
                )))
            };
            let live = self.bring(&name, &source, read, urgency, &judge).await?;
            let (kept, max) = (source.clone(), self.terms().plugins().file_bytes_max);
            let turn = self.readers.take(urgency).await;
            let held = quietly(move || {
                let _turn = turn;
                kept.hold(max, read)
            });
            let wasm = held.await.map_err(Failure::Passing)??;
            Ok(Some(Ready { live, wasm }))
        }
        .await;
        let refused = matches!(result, Err(Failure::Verdict(_) | Failure::Passing(_)));
        self.builds.note(&name, !refused);
        let instead = match (&result, current, record.live) {
            (Err(_), None, Some(last)) if digest != Some(last) => self.instead(&name, last).await,
            _ => None,
        };
        let manifest = manifest.into_inner().unwrap_or_else(PoisonError::into_inner);
        Attempt { name, seen, digest, manifest, result, instead, took: began.elapsed() }
    }

    /// Hashes a file, and looks at its first bytes: the digest, and whether it may be a component.
    async fn read(&self, source: &Source, urgency: Urgency) -> Result<(Digest, Result<(), Failure>), Failure> {
        let turn = self.readers.take(urgency).await;
        let (source, max) = (source.clone(), self.terms().plugins().file_bytes_max);
        // The work has the turn until it ends, also where its attempt is given up.
        let read = quietly(move || {
            let _turn = turn;
            source.digest(max)
        });
        read.await.map_err(Failure::Passing)?
    }

    /// A version that was live before.
    pub(super) async fn revive(&self, name: &str, digest: Digest) -> Result<LoadedPlugin, Failure> {
        self.allowed(name, digest).await?;
        let folder = self.terms().plugins().records.clone();
        let read = aside(move || records::read_version(&folder, digest)).await;
        let wasm: Bytes = read.map_err(anyhow::Error::from).flatten().map_err(Failure::Passing)?.into();
        // It was compiled before, and nothing would optimise a quick build of it.
        self.rebuild(name, wasm, digest).await
    }

    /// The optimised build of a version that may be loaded.
    async fn rebuild(&self, name: &str, wasm: Bytes, digest: Digest) -> Result<LoadedPlugin, Failure> {
        let (source, terms) = (Source::Held(wasm), self.terms());
        let urgency = Urgency { failures: 0, known: true, bytes: source.len() };
        let accept: &Judge<'_> = &anything;
        let wanted = Wanted { name, source: &source, digest, urgency, plugins: terms.plugins(), accept };
        let made = self.builds.best(&wanted).await?;
        self.ready(name, digest, made, urgency).await
    }

    async fn instead(&self, name: &str, digest: Digest) -> Option<LoadedPlugin> {
        match self.revive(name, digest).await {
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

    /// Refuses what `plugins.lock` does not list, where that counts.
    async fn allowed(&self, name: &str, digest: Digest) -> Result<(), Failure> {
        if !self.terms().plugins().locked {
            return Ok(());
        }
        let path = self.terms().plugins().lock.clone();
        let lock = aside(move || Lock::read(&path)).await.map_err(anyhow::Error::from).flatten();
        match lock.map_err(Failure::Passing)?.refusal(name, digest) {
            // The list may change.
            Some(reason) => Err(Failure::Passing(anyhow!(reason))),
            None => Ok(()),
        }
    }

    /// Compiles, links and tries bytes that may be loaded.
    async fn bring(
        &self,
        name: &str,
        source: &Source,
        digest: Digest,
        urgency: Urgency,
        accept: &Judge<'_>,
    ) -> Result<LoadedPlugin, Failure> {
        let terms = self.terms();
        let wanted = Wanted { name, source, digest, urgency, plugins: terms.plugins(), accept };
        let made = self.builds.soon(&wanted).await?;
        self.ready(name, digest, made, urgency).await
    }

    /// The optimised build of a version that answers in its quick one.
    pub(super) async fn optimise(
        self: Arc<Self>,
        quick: Arc<LoadedPlugin>,
        wasm: Bytes,
    ) -> Result<LoadedPlugin, Failure> {
        let (name, digest) = (Arc::clone(&quick.name), quick.digest);
        // Not longer than it is needed: what is replaced meanwhile shall be gone.
        drop(quick);
        self.rebuild(&name, wasm, digest).await
    }

    /// Links a component, and tries it.
    async fn ready(&self, name: &str, digest: Digest, made: Made, urgency: Urgency) -> Result<LoadedPlugin, Failure> {
        let Made { component, build, manifest } = made;
        let file = PluginFile { name: name.into(), digest, manifest };
        let live = self.link(&component, build, file).map_err(Failure::Verdict)?;
        self.try_once(&live, urgency).await?;
        Ok(live)
    }

    fn link(&self, component: &Component, build: Build, file: PluginFile) -> anyhow::Result<LoadedPlugin> {
        let live = LoadedPlugin::link(&self.engine, component, build, file, &self.terms())?;
        if let Some(reason) = live.not_granted() {
            warn!(
                event = "plugin.capability_not_granted",
                plugin = &*live.name,
                "plugin `{}`: {reason}. JavaScript and Python plugins import every capability: ignore what is unused",
                live.name
            );
        }
        Ok(live)
    }

    /// Starts the plugin once, with all its budgets: what traps here would trap in every call.
    async fn try_once(&self, live: &LoadedPlugin, urgency: Urgency) -> Result<(), Failure> {
        let _turn = self.trials.take(urgency).await;
        start_once(&self.engine, live).await.map_err(|error| match error {
            TrialError::Plugin(error) => Failure::Verdict(error),
            error => Failure::Passing(error.into()),
        })
    }
}
