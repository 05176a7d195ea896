//! From a file to a plugin that can be called: read once, check, compile, link, try.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ::bytes::Bytes;
use anyhow::{anyhow, bail};
use arc_swap::ArcSwap;
use tracing::warn;
use wasmtime::component::Component;

use super::aside::aside;
use super::builds::Builds;
use super::bytes;
use super::cache::Digest;
use super::failure::Failure;
use super::folder::Seen;
use super::lock::Lock;
use super::records::{self, Record};
use crate::config::Config;
use crate::ownership;
use crate::plugin::contract::{self, Manifest};
use crate::plugin::live::{File, Live};
use crate::plugin::outbound::network::Around;
use crate::plugin::run::call::{self, Caller, Receipts};
use crate::plugin::run::engine::{Build, Engine};
use crate::plugin::run::spread::spread;
use crate::plugin::run::store;
use crate::plugin::terms::Terms;
use crate::telemetry::brief;

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
    pub(super) instead: Option<Live>,
    pub(super) took: Duration,
}

/// A version that can go live, and its bytes, which are kept.
pub(super) struct Ready {
    pub(super) live: Live,
    pub(super) wasm: Bytes,
}

/// Loads files.
pub(super) struct Loader {
    engine: Arc<Engine>,
    terms: ArcSwap<Terms>,
    around: Around,
    builds: Builds,
}

impl Loader {
    pub(super) fn new(engine: &Arc<Engine>, config: &Arc<Config>, around: Around) -> anyhow::Result<Self> {
        Ok(Self {
            builds: Builds::new(engine, &config.plugins)?,
            engine: Arc::clone(engine),
            terms: ArcSwap::from_pointee(Terms::new(config, &around)),
            around,
        })
    }

    /// What plugins run under now.
    pub(super) fn terms(&self) -> Arc<Terms> {
        self.terms.load_full()
    }

    /// What they would run under.
    pub(super) fn terms_of(&self, config: &Arc<Config>) -> Terms {
        Terms::new(config, &self.around)
    }

    /// From here on.
    pub(super) fn set_terms(&self, terms: Arc<Terms>) {
        self.terms.store(terms);
    }

    /// A version under the terms that count now.
    pub(super) fn current(&self, live: &Arc<Live>) -> anyhow::Result<Arc<Live>> {
        let terms = self.terms();
        if Arc::ptr_eq(&live.terms, &terms) {
            return Ok(Arc::clone(live));
        }
        Ok(Arc::new(live.under(&self.engine, &terms)?))
    }

    /// Whether a version could go on under other terms.
    pub(super) async fn try_under(&self, live: &Live, terms: &Arc<Terms>) -> Result<(), Failure> {
        self.try_once(&live.under(&self.engine, terms).map_err(Failure::Verdict)?).await
    }

    /// A version on its own, outside a gateway.
    pub(super) async fn single(&self, name: &str, wasm: Bytes) -> Result<Live, Failure> {
        let (digest, manifest) = (Digest::of(&wasm), parse(wasm.clone()).await?);
        self.bring(name, wasm, digest, manifest).await
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
        let (mut digest, mut manifest) = (None, None);
        let result = async {
            let (looked, max) = (seen.clone(), self.terms().plugins().file_bytes_max);
            let read = aside(move || bytes::read(&looked, max, ownership::open)).await;
            let (wasm, read) = read.map_err(|error| Failure::Passing(error.into()))??;
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
            let parsed = parse(wasm.clone()).await?;
            manifest = Some(parsed.clone());
            let more: Vec<String> = record.wants_more(read, &parsed).iter().map(ToString::to_string).collect();
            if !more.is_empty() {
                let (more, short) = (more.join(" and "), read.short());
                return Err(Failure::Waits(format!(
                    "it wants {more}, which the version before it did not; to allow it: \
                     frontgate plugin allow {name} {short}"
                )));
            }
            let live = self.bring(&name, wasm.clone(), read, parsed).await?;
            Ok(Some(Ready { live, wasm }))
        }
        .await;
        let instead = match (&result, current, record.live) {
            (Err(_), None, Some(last)) if digest != Some(last) => self.instead(&name, last).await,
            _ => None,
        };
        Attempt { name, seen, digest, manifest, result, instead, took: began.elapsed() }
    }

    /// A version that was live before.
    pub(super) async fn revive(&self, name: &str, digest: Digest) -> Result<Live, Failure> {
        self.allowed(name, digest).await?;
        let folder = self.terms().plugins().records.clone();
        let read = aside(move || records::read_version(&folder, digest)).await;
        let wasm: Bytes = read.map_err(anyhow::Error::from).flatten().map_err(Failure::Passing)?.into();
        let manifest = parse(wasm.clone()).await?;
        // It was compiled before, and nothing would optimise a quick build of it.
        let component = self.builds.best(name, wasm, digest, self.terms().plugins()).await?;
        self.ready(&component, Build::Optimised, File { name: name.into(), digest, manifest }).await
    }

    async fn instead(&self, name: &str, digest: Digest) -> Option<Live> {
        match self.revive(name, digest).await {
            Ok(live) => Some(live),
            Err(error) => {
                warn!(plugin = name, "the version of plugin `{name}` that answered last cannot come back: {error}");
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
    async fn bring(&self, name: &str, wasm: Bytes, digest: Digest, manifest: Manifest) -> Result<Live, Failure> {
        let (component, build) = self.builds.soon(name, &wasm, digest, self.terms().plugins()).await?;
        self.ready(&component, build, File { name: name.into(), digest, manifest }).await
    }

    /// The optimised build of a version that answers in its quick one.
    pub(super) async fn optimise(self: Arc<Self>, quick: Arc<Live>, wasm: Bytes) -> Result<Live, Failure> {
        let component = self.builds.best(&quick.name, wasm, quick.digest, self.terms().plugins()).await?;
        let (name, manifest) = (Arc::clone(&quick.name), quick.manifest.clone());
        let file = File { name, digest: quick.digest, manifest };
        // Not longer than it is needed: what is replaced meanwhile shall be gone.
        drop(quick);
        self.ready(&component, Build::Optimised, file).await
    }

    /// Links a component, and tries it.
    async fn ready(&self, component: &Component, build: Build, file: File) -> Result<Live, Failure> {
        let live = self.link(component, build, file).map_err(Failure::Verdict)?;
        self.try_once(&live).await?;
        Ok(live)
    }

    fn link(&self, component: &Component, build: Build, file: File) -> anyhow::Result<Live> {
        let live = Live::link(&self.engine, component, build, file, &self.terms())?;
        if let Some(reason) = live.not_granted() {
            warn!(
                plugin = &*live.name,
                "plugin `{}`: {reason}; what it does not use needs no grant, and in JavaScript and Python it imports all",
                live.name
            );
        }
        Ok(live)
    }

    /// Starts the plugin once, with all its budgets: what traps here would trap in every call.
    async fn try_once(&self, live: &Live) -> Result<(), Failure> {
        let trial = Arc::clone(&self.engine.trials).acquire_owned().await;
        let caller = Caller { tenant: "-".into(), request: "trial".into(), share: None, receipts: Receipts::default() };
        let until = Instant::now() + Duration::from_millis(live.limits.call_timeout_ms);
        let folder = live.open_folder(until.into()).await.map_err(|error| Failure::Passing(error.into()))?;
        let mut store = store::fresh(live, &caller, None, folder);
        let usage = Arc::clone(&store.data().usage);
        let (pre, exports) = (live.pre.clone(), Arc::clone(&live.exports));
        let start = Box::pin(async move {
            let instance = match pre.instantiate_async(&mut store).await {
                Ok(instance) => instance,
                Err(error) => {
                    let ended = call::ended(&error, store.data().space.refused);
                    bail!("it does not start: {ended}: {}", ended.detail().unwrap_or_default())
                }
            };
            exports.try_all(&mut store, &instance)?;
            // The place is free when the store is gone.
            drop(store);
            drop(trial);
            Ok(())
        });
        let limit = live.limits.call_timeout_ms;
        let heavy = AtomicBool::new(true);
        let started = spread(&self.engine, &usage, &heavy, start);
        match tokio::time::timeout(Duration::from_millis(limit), started).await {
            Ok(Ok(started)) => started.map_err(Failure::Verdict),
            Ok(Err(error)) => Err(Failure::Passing(error.into())),
            Err(_) => Err(Failure::Passing(anyhow!("it does not start within call_timeout_ms = {limit}"))),
        }
    }
}

/// Looks at what a component says of itself.
async fn parse(wasm: Bytes) -> Result<Manifest, Failure> {
    let parsed = aside(move || {
        check(&wasm)?;
        let component = contract::Component::parse(&wasm)?;
        match component.misfit() {
            Some(misfit) => bail!(misfit),
            None => Ok(component.manifest),
        }
    });
    // A parser that panics has met bytes that it should have refused. What it says may quote them.
    let said = |error: anyhow::Error| Failure::Verdict(anyhow!(brief(&format!("{error:#}"))));
    parsed.await.map_err(anyhow::Error::from).flatten().map_err(said)
}

/// Refuses what is no component before anything else looks at it.
pub(super) fn check(wasm: &[u8]) -> anyhow::Result<()> {
    if wasmtime::Engine::detect_precompiled(wasm).is_some() {
        bail!("it is machine code, not WebAssembly; deliver the .wasm that it was made from");
    }
    match wasm {
        [] => bail!("it is empty"),
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            bail!(
                "it is a core module, not a component; build it for wasm32-wasip2, or wrap it with `frontgate plugin componentize`"
            )
        }
        [b'\0', b'a', b's', b'm', ..] => bail!("it is WebAssembly of an unknown version"),
        _ => bail!("it is not WebAssembly"),
    }
}
