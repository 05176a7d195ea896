//! Machine code for a component: from the cache, or compiled; a large one quickly first, so that it can
//! serve while it is optimised.

use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use bytes::Bytes;
use tokio::sync::Semaphore;
use tracing::{info, warn};
use wasmtime::component::Component;

use super::aside::aside;
use super::cache::{Cache, Digest};
use super::compile::compile;
use super::failure::Failure;
use crate::config::Plugins;
use crate::plugin::run::engine::{Build, Engine};

/// Optimising compilers at one time: more would take the processors from the callbacks. A quick one may
/// run beside it.
const COMPILERS_MAX: usize = 1;

/// Makes and keeps machine code.
pub(super) struct Builds {
    engine: Arc<Engine>,
    optimised: Cache,
    quick: OnceLock<Cache>,
    compilers: [Semaphore; 2],
}

impl Builds {
    pub(super) fn new(engine: &Arc<Engine>, plugins: &Plugins) -> anyhow::Result<Self> {
        Ok(Self {
            optimised: Cache::open(&plugins.cache, plugins.cache_files_max, &engine.wasm)?,
            engine: Arc::clone(engine),
            quick: OnceLock::new(),
            compilers: [Semaphore::new(COMPILERS_MAX), Semaphore::new(COMPILERS_MAX)],
        })
    }

    /// The best code that can be had soon.
    pub(super) async fn soon(&self, name: &str, wasm: &Bytes, digest: Digest, plugins: &Plugins) -> Made {
        if let Some(component) = self.cached(Build::Optimised, digest, plugins).await? {
            return Ok((component, Build::Optimised));
        }
        if wasm.len() as u64 >= plugins.quick_build_bytes_min {
            match self.make(name, wasm.clone(), digest, Build::Quick, plugins).await {
                Ok(component) => return Ok((component, Build::Quick)),
                // It knows less of WebAssembly than the other one.
                Err(error) => warn!(plugin = name, "no quick build of plugin `{name}`: {error}"),
            }
        }
        self.best(name, wasm.clone(), digest, plugins).await.map(|component| (component, Build::Optimised))
    }

    /// Optimised code, however long it takes.
    pub(super) async fn best(
        &self,
        name: &str,
        wasm: Bytes,
        digest: Digest,
        plugins: &Plugins,
    ) -> Result<Component, Failure> {
        self.make(name, wasm, digest, Build::Optimised, plugins).await
    }

    async fn make(
        &self,
        name: &str,
        wasm: Bytes,
        digest: Digest,
        build: Build,
        plugins: &Plugins,
    ) -> Result<Component, Failure> {
        let turn = self.compilers[usize::from(build == Build::Quick)].acquire();
        let _compiler = turn.await.map_err(|error| Failure::Passing(error.into()))?;
        // It may have been compiled in the meantime, under another name.
        if let Some(component) = self.cached(build, digest, plugins).await? {
            return Ok(component);
        }
        let how = if build == Build::Quick { " quickly" } else { "" };
        info!(plugin = name, "compiling plugin `{name}`{how}");
        let code = compile(wasm, build, self.engine.memory_reservation, plugins.compile_timeout_ms).await?;
        let stored = self.with_cache(build, plugins, move |cache, engine| cache.store(engine, digest, &code)).await;
        stored.map_err(Failure::Passing)
    }

    async fn cached(&self, build: Build, digest: Digest, plugins: &Plugins) -> Result<Option<Component>, Failure> {
        let found = self.with_cache(build, plugins, move |cache, engine| cache.load(engine, digest)).await;
        found.map_err(Failure::Verdict)
    }

    async fn with_cache<T: Send + 'static>(
        &self,
        build: Build,
        plugins: &Plugins,
        work: impl FnOnce(&Cache, &wasmtime::Engine) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let wasm = self.engine.of(build)?.clone();
        let cache = match build {
            Build::Optimised => &self.optimised,
            Build::Quick => {
                if self.quick.get().is_none() {
                    let _ = self.quick.set(Cache::open(&plugins.cache, plugins.cache_files_max, &wasm)?);
                }
                self.quick.get().context("the cache for quick builds is gone")?
            }
        };
        let cache = cache.clone();
        aside(move || work(&cache, &wasm)).await?
    }
}

/// Code, and of which kind it is.
type Made = Result<(Component, Build), Failure>;
