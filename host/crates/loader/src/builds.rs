//! Provides a component's machine code, from the cache or from a child process that compiles it.
//!
//! Small files get a first attempt with low limits of time and memory; a few attempts run at once. Large files, and
//! files that exceed these limits, are compiled one at a time. A slow file therefore delays only other slow files.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::anyhow;
use frontgate_contract::digest::Digest;
use frontgate_contract::{Description, Manifest};
use frontgate_runtime::settings::Plugins;
use frontgate_runtime::{Build, Engine};
use parking_lot::Mutex;
use tracing::{info, warn};
use wasmtime::component::Component;

use super::blocking::{run_blocking, run_low_priority};
use super::bytes::{self, Source};
use super::cache::{Cache, Cached};
use super::compiler_process::{Accept, FirstTry, Run, RunError, Times};
use super::failure::Failure;
use super::fair_queue::{FairQueue, Priority};
use super::report::Compile;

/// Maximum number of concurrent first attempts. Each is a process with one low-priority thread.
const FIRST_TRIES_MAX: usize = 2;
/// Maximum number of concurrent processes with the full limits: more would take CPU time from callbacks.
const FULL_TRIES_MAX: usize = 1;
/// Maximum number of concurrent quick builds, in addition to the processes above.
const QUICK_BUILDS_MAX: usize = 1;

/// Time limits of a first attempt. A plugin in Rust or C needs a fraction of the CPU time. The elapsed time is longer,
/// because the process may wait for a processor.
const FIRST_TRY: FirstTry = FirstTry { cpu_seconds: 2, wall: Duration::from_secs(10) };
/// Maximum address space of a first attempt, in bytes.
const FIRST_TRY_MEMORY_BYTES_MAX: u64 = 512 << 20;
/// Maximum size in bytes of a file that gets a first attempt. Larger files would exceed its time limit.
const FIRST_TRY_BYTES_MAX: u64 = 1_500_000;

/// Number of compiler crashes on the same bytes that make the failure permanent. A single crash may be temporary.
const DEATHS_MAX: u32 = 2;
/// Maximum number of entries in a map of failure counts. At the limit, the map is cleared.
const COUNTED_MAX: usize = 10_000;

/// Compiles components and caches their machine code.
pub(super) struct Builds {
    engine: Arc<Engine>,
    optimized: Cache,
    quick: OnceLock<Cache>,
    first_tries: Arc<FairQueue>,
    full_tries: Arc<FairQueue>,
    quick_builds: Arc<FairQueue>,
    /// Number of crashed compiler processes, by digest of the bytes.
    deaths: Mutex<HashMap<Digest, u32>>,
    /// Number of failed attempts to load a plugin since its last success, by plugin name.
    failures: Mutex<HashMap<String, u32>>,
}

/// The input of one build: bytes, plugin, and priority.
pub(super) struct BuildRequest<'w> {
    pub(super) name: &'w str,
    pub(super) source: &'w Source,
    pub(super) digest: Digest,
    pub(super) priority: Priority,
    pub(super) plugins: &'w Plugins,
    /// Accepts or rejects a component after it was described.
    pub(super) accept: &'w ManifestCheck<'w>,
}

/// Accepts or rejects a component after it was described.
pub(super) type ManifestCheck<'j> = dyn Fn(&Manifest) -> Result<(), Failure> + Send + Sync + 'j;

/// The result of a build: code, kind of build, and manifest.
pub(super) struct Built {
    pub(super) component: Component,
    pub(super) build: Build,
    pub(super) manifest: Manifest,
}

impl Builds {
    pub(super) fn new(engine: &Arc<Engine>, plugins: &Plugins) -> anyhow::Result<Self> {
        Ok(Self {
            optimized: Cache::open(plugins, &engine.wasm)?,
            engine: Arc::clone(engine),
            quick: OnceLock::new(),
            first_tries: FairQueue::new(FIRST_TRIES_MAX),
            full_tries: FairQueue::new(FULL_TRIES_MAX),
            quick_builds: FairQueue::new(QUICK_BUILDS_MAX),
            deaths: Mutex::default(),
            failures: Mutex::default(),
        })
    }

    /// Returns the number of failed attempts to load this plugin since its last success.
    pub(super) fn failures_of(&self, name: &str) -> u32 {
        *self.failures.lock().get(name).unwrap_or(&0)
    }

    /// Records the result of an attempt to load this plugin: counts a failure, or resets the count.
    pub(super) fn note(&self, name: &str, went_well: bool) {
        let mut failures = self.failures.lock();
        if went_well {
            failures.remove(name);
        } else {
            count(&mut failures, name.to_owned());
        }
    }

    /// Returns the build that is available soonest: cached, quick, or optimized.
    pub(super) async fn first_available(&self, request: &BuildRequest<'_>) -> Result<Built, Failure> {
        if let Some(built) = self.cached(Build::Optimized, request).await? {
            return Ok(built);
        }
        let plugins = request.plugins;
        let large = request.source.len() >= plugins.quick_build_bytes_min;
        if large && plugins.builds_quickly(request.name) {
            match self.make(request, Build::Quick).await {
                Ok(built) => return Ok(built),
                // The quick compiler supports fewer WebAssembly features than the optimizing compiler.
                Err(RunError::NotCompiled(said)) => {
                    let name = request.name;
                    warn!(
                        event = "plugin.quick_build_failed",
                        plugin = name,
                        "quick build of plugin `{name}` failed, making the optimized build: {said}"
                    );
                }
                Err(ended) => return Err(self.failure_of(request.digest, ended)),
            }
        }
        self.optimized_build(request).await
    }

    /// Returns the optimized build. Waits while it is compiled with the full limits.
    pub(super) async fn optimized_build(&self, request: &BuildRequest<'_>) -> Result<Built, Failure> {
        self.make(request, Build::Optimized).await.map_err(|ended| self.failure_of(request.digest, ended))
    }

    async fn make(&self, request: &BuildRequest<'_>, build: Build) -> Result<Built, RunError> {
        if build == Build::Quick {
            return self.try_once(request, build, &self.quick_builds, None).await;
        }
        if request.source.len() <= FIRST_TRY_BYTES_MAX {
            let first = self.try_once(request, build, &self.first_tries, Some(FIRST_TRY)).await;
            match first {
                Err(RunError::FirstTryTimeout) => {
                    let name = request.name;
                    info!(
                        event = "plugin.first_try_ended",
                        plugin = name,
                        "plugin `{name}` is slow to compile; queued again with the full limits, behind others"
                    );
                }
                // The cause may be the memory limit of the first attempt, so an attempt with the full limits follows.
                Err(RunError::Crashed(_)) => drop(self.count_death(request.digest)),
                first => return first,
            }
        }
        let built = self.try_once(request, build, &self.full_tries, None).await;
        if built.is_ok() {
            self.deaths.lock().remove(&request.digest);
        }
        built
    }

    /// Runs the compiler once, after waiting for a permit.
    async fn try_once(
        &self,
        request: &BuildRequest<'_>,
        build: Build,
        queue: &Arc<FairQueue>,
        first_try: Option<FirstTry>,
    ) -> Result<Built, RunError> {
        let BuildRequest { name, source, digest, priority, plugins, accept } = *request;
        let permit = queue.acquire(priority).await;
        // The same bytes may have been compiled under another name while this build waited.
        if let Some(built) = self.cached(build, request).await.map_err(RunError::Rejected)? {
            return Ok(built);
        }
        let (source, bytes_max) = (source.clone(), plugins.file_bytes_max);
        // The closure holds the permit until it ends, even if the attempt is aborted.
        let sealed = run_low_priority(move || (source.seal(bytes_max), permit)).await.map_err(RunError::Failed)?;
        let (sealed, _permit) = sealed;
        let sealed = sealed.map_err(RunError::Rejected)?;
        if sealed.digest != digest {
            return Err(RunError::Rejected(bytes::changed()));
        }
        let begun = self.with_cache(build, |cache, _| cache.begin()).await.map_err(RunError::Failed)?;
        let output = begun.output().map_err(|error| RunError::Failed(error.into()))?;
        let kind = if build == Build::Quick { "quick" } else { "optimized" };
        info!(event = "plugin.compiling", plugin = name, "compiling plugin `{name}` ({kind} build)");
        let compile = Compile { quick: build == Build::Quick, memory_reservation: self.engine.memory_reservation };
        let memory_bytes_max = match first_try {
            Some(_) => FIRST_TRY_MEMORY_BYTES_MAX.min(plugins.compile_memory_bytes_max),
            None => plugins.compile_memory_bytes_max,
        };
        let times = Times {
            check: Duration::from_millis(plugins.check_timeout_ms),
            compile: Duration::from_millis(plugins.compile_timeout_ms),
            first_try,
        };
        let run = Run {
            name,
            sealed: &sealed,
            compile: Some((compile, output)),
            times,
            memory_bytes_max,
            code_bytes_max: plugins.code_bytes_max,
        };
        let fits = |description: &Description| match &description.incompatibility {
            Some(incompatibility) => Err(Failure::Permanent(anyhow!(incompatibility.clone()))),
            None => accept(&description.manifest),
        };
        let fits: &Accept<'_> = &fits;
        let Description { manifest, .. } = run.run(fits).await?;
        let finish = move |cache: &Cache, engine: &wasmtime::Engine| cache.finish(engine, digest, begun, manifest);
        let Cached { component, manifest } = self.with_cache(build, finish).await.map_err(RunError::Failed)?;
        Ok(Built { component, build, manifest })
    }

    /// Converts the error of a compiler run into a failure of the file.
    fn failure_of(&self, digest: Digest, ended: RunError) -> Failure {
        match ended {
            RunError::Rejected(failure) => failure,
            RunError::NotCompiled(said) => Failure::Permanent(anyhow!("it does not compile: {said}")),
            // Only a first attempt returns this error, and an attempt with the full limits follows it.
            RunError::FirstTryTimeout => Failure::Temporary(anyhow!("compilation timed out")),
            RunError::Failed(error) => Failure::Temporary(error),
            RunError::Crashed(how) => {
                let error = anyhow!("it does not compile: {how}");
                if self.count_death(digest) < DEATHS_MAX {
                    Failure::Temporary(error)
                } else {
                    Failure::Permanent(error)
                }
            }
        }
    }

    /// Counts a compiler crash on these bytes, and returns the total.
    fn count_death(&self, digest: Digest) -> u32 {
        count(&mut self.deaths.lock(), digest)
    }

    async fn cached(&self, build: Build, request: &BuildRequest<'_>) -> Result<Option<Built>, Failure> {
        let digest = request.digest;
        let found = self.with_cache(build, move |cache, engine| cache.load(engine, digest)).await;
        let Some(Cached { component, manifest }) = found.map_err(Failure::Permanent)? else { return Ok(None) };
        (request.accept)(&manifest)?;
        Ok(Some(Built { component, build, manifest }))
    }

    async fn with_cache<T: Send + 'static>(
        &self,
        build: Build,
        work: impl FnOnce(&Cache, &wasmtime::Engine) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let wasm = self.engine.of(build)?.clone();
        let cache = match build {
            Build::Optimized => &self.optimized,
            Build::Quick => self.quick.get_or_init(|| self.optimized.of(&wasm)),
        };
        let cache = cache.clone();
        run_blocking(move || work(&cache, &wasm)).await?
    }
}

/// Increments a count and returns it.
fn count<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: K) -> u32 {
    if counts.len() >= COUNTED_MAX && !counts.contains_key(&key) {
        counts.clear();
    }
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
    *count
}
