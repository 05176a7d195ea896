//! From a file in the folder to a live plugin: look, read once, check, compile, link, try, swap.
//!
//! One task owns this. Events of the file system are only a hint to look again; what counts is what
//! is there. Any failure keeps the live version and leaves a receipt with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use metrics::counter;
use notify::{RecursiveMode, Watcher};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};
use wasmtime::component::Component;

use super::cache::{Cache, Digest};
use super::call::{self, Caller};
use super::compile;
use super::engine::Engine;
use super::folder::{self, Seen};
use super::live::{File, Grants, Live};
use super::registry::{Outcome, Receipt, Registry};
use crate::config::{Config, Plugins};

/// Compilers at one time: more would take the processors from the callbacks.
const COMPILERS_MAX: usize = 1;

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
}

/// What one attempt came to.
struct Attempt {
    name: String,
    seen: Seen,
    digest: Option<Digest>,
    result: anyhow::Result<Option<Live>>,
}

impl Reload {
    /// Nothing is loaded yet.
    pub fn new(engine: &Arc<Engine>, registry: &Arc<Registry>, config: &Arc<Config>) -> anyhow::Result<Self> {
        let loader = Loader {
            cache: Cache::open(&config.plugins.cache, &engine.wasm)?,
            engine: Arc::clone(engine),
            config: Arc::clone(config),
            compilers: Semaphore::new(COMPILERS_MAX),
        };
        Ok(Self {
            loader: Arc::new(loader),
            registry: Arc::clone(registry),
            acted: BTreeMap::new(),
            attempts: JoinSet::new(),
            running: BTreeMap::new(),
        })
    }

    /// Loads every file that is there now, and waits for all of them.
    pub async fn load_all(&mut self) {
        for (name, seen) in self.look().await.unwrap_or_default() {
            self.attempt(name, seen);
        }
        while let Some(attempt) = self.attempts.join_next().await {
            self.settle(attempt);
        }
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
            let now = match self.look().await {
                Ok(now) => now,
                Err(error) => {
                    warn!("the plugins' folder cannot be read, so nothing changes: {error:#}");
                    sleep(rescan).await;
                    continue;
                }
            };
            let restless = now != self.acted;
            if looked.elapsed() >= settle {
                self.act(&now, &previous);
                previous = now;
                looked = Instant::now();
            }
            let wait = if restless { settle } else { rescan };
            tokio::select! {
                () = sleep(wait) => {}
                () = changed.notified(), if !restless => {}
                Some(attempt) = self.attempts.join_next() => self.settle(attempt),
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

    /// Begins to load a file.
    fn attempt(&mut self, name: String, seen: Seen) {
        self.acted.insert(name.clone(), seen.clone());
        let current = self.registry.get(&name).map(|live| live.digest);
        let attempt = Arc::clone(&self.loader).load(name.clone(), seen, current);
        self.running.insert(name, self.attempts.spawn(attempt));
    }

    fn remove(&mut self, name: &str) {
        self.acted.remove(name);
        if let Some(attempt) = self.running.remove(name) {
            attempt.abort();
        }
        self.registry.remove(name);
        self.note(name, None, Outcome::Removed);
    }

    /// Swaps, or keeps what is live.
    fn settle(&mut self, attempt: Result<Attempt, tokio::task::JoinError>) {
        self.running.retain(|_, running| !running.is_finished());
        let Ok(Attempt { name, seen, digest, result }) = attempt else {
            return;
        };
        if self.acted.get(&name) != Some(&seen) {
            // The file was removed in the meantime.
            return;
        }
        let outcome = match result {
            Ok(None) if self.registry.receipts().get(&name).is_some_and(|last| last.outcome == Outcome::Live) => return,
            // The file that is live came back after one that was not usable.
            Ok(None) => Outcome::Live,
            Ok(Some(live)) => {
                self.registry.replace(live);
                Outcome::Live
            }
            Err(error) if self.registry.get(&name).is_some() => Outcome::Kept(format!("{error:#}")),
            Err(error) => Outcome::Refused(format!("{error:#}")),
        };
        self.note(&name, digest, outcome);
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

/// The steps from bytes to a plugin that can be called.
struct Loader {
    engine: Arc<Engine>,
    config: Arc<Config>,
    cache: Cache,
    compilers: Semaphore,
}

impl Loader {
    fn plugins(&self) -> &Plugins {
        &self.config.plugins
    }

    /// One attempt. `None` stands for the very file that is live already.
    async fn load(self: Arc<Self>, name: String, seen: Seen, current: Option<Digest>) -> Attempt {
        let mut digest = None;
        let result = async {
            let (wasm, read) = self.read(&seen).await?;
            digest = Some(read);
            if current == Some(read) {
                return Ok(None);
            }
            check(&wasm)?;
            let file = File { name: name.as_str().into(), digest: read, bytes: wasm.len() };
            let component = self.component(wasm, read).await?;
            let live = self.link(&component, file)?;
            self.try_once(&live).await?;
            Ok(Some(live))
        }
        .await;
        Attempt { name, seen, digest, result }
    }

    /// The file's bytes and their digest. What is hashed here is what is compiled.
    async fn read(&self, seen: &Seen) -> anyhow::Result<(Vec<u8>, Digest)> {
        let max = self.plugins().file_bytes_max;
        if seen.bytes() > max {
            bail!("it has {} bytes, more than plugins.file_bytes_max = {max}", seen.bytes());
        }
        let path = seen.path.clone();
        let read = tokio::task::spawn_blocking(move || {
            let wasm = std::fs::read(path)?;
            let digest = Digest::of(&wasm);
            std::io::Result::Ok((wasm, digest))
        });
        read.await?.context("reading it")
    }

    async fn component(&self, wasm: Vec<u8>, digest: Digest) -> anyhow::Result<Component> {
        let (cache, engine) = (self.cache.clone(), self.engine.wasm.clone());
        if let Some(component) = tokio::task::spawn_blocking(move || cache.load(&engine, digest)).await? {
            return Ok(component);
        }
        let _compiler = self.compilers.acquire().await?;
        let code = compile::compile(wasm, self.plugins().compile_timeout_ms).await.context("it does not compile")?;
        let (cache, engine) = (self.cache.clone(), self.engine.wasm.clone());
        tokio::task::spawn_blocking(move || cache.store(&engine, digest, &code)).await?
    }

    fn link(&self, component: &Component, file: File) -> anyhow::Result<Live> {
        let named = self.plugins().named.get(&*file.name);
        let limits = match named {
            Some(named) => self.plugins().limits.with(&named.limits),
            None => self.plugins().limits.clone(),
        };
        Live::link(&self.engine, component, file, Grants::new(named), limits)
    }

    /// Starts the plugin once, with all its budgets: what traps here would trap in every call.
    async fn try_once(&self, live: &Live) -> anyhow::Result<()> {
        let _trial = self.engine.trials.acquire().await?;
        let caller = Caller { tenant: "-".into(), request: "trial".into() };
        let mut store = call::store(&self.engine, live, &caller).map_err(anyhow::Error::from)?;
        let cpu = Arc::clone(&store.data().cpu);
        let pre = live.pre.clone();
        let started = call::spread(
            &self.engine,
            cpu,
            Box::pin(async move {
                let instance = pre.instantiate_async(&mut store).await;
                (store, instance)
            }),
        );
        let limit = Duration::from_millis(live.limits.call_timeout_ms);
        let Ok(started) = tokio::time::timeout(limit, started).await else {
            bail!("it does not start within call_timeout_ms = {}", live.limits.call_timeout_ms);
        };
        let (mut store, instance) = started.context("it does not start")?;
        let instance = match instance {
            Ok(instance) => instance,
            Err(error) => bail!("it does not start: {}", error.root_cause()),
        };
        if live.crm.is_some() {
            call::crm::role(live, &mut store, &instance)
                .map_err(anyhow::Error::from)
                .context("its role crm is not that of the contract")?;
        }
        Ok(())
    }
}

/// Refuses what is no component before the compiler sees it.
fn check(wasm: &[u8]) -> anyhow::Result<()> {
    if wasmtime::Engine::detect_precompiled(wasm).is_some() {
        bail!("it is machine code, not WebAssembly; deliver the .wasm that it was made from");
    }
    match wasm {
        [] => bail!("it is empty"),
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            bail!(
                "it is a core module, not a component; build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"
            )
        }
        [b'\0', b'a', b's', b'm', ..] => bail!("it is WebAssembly of an unknown version"),
        _ => bail!("it is not WebAssembly"),
    }
}
