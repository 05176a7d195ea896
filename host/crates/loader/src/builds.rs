//! Machine code of a component: from the cache, or compiled by a child process.
//!
//! Small files get a first attempt with short limits of time and memory, a few at once. Large files, and files that
//! need more, are compiled one at a time afterwards. A slow file therefore delays slow files only.

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

use super::aside::{aside, quietly};
use super::bytes::{self, Source};
use super::cache::{Cache, Kept};
use super::compile::{Accept, Ended, FirstTry, Run, Times};
use super::failure::Failure;
use super::report::Compile;
use super::turns::{Turns, Urgency};

/// First attempts at once. Each is a process with one thread of low priority.
const FIRST_TRIES_MAX: usize = 2;
/// Processes with the full limits at once: more would take CPU time from callbacks.
const FULL_TRIES_MAX: usize = 1;
/// Quick builds at once, in addition to these.
const QUICK_BUILDS_MAX: usize = 1;

/// Time limit of a first attempt. A plugin in Rust or C needs a fraction of it in CPU time; the rest covers waits for a
/// processor.
const FIRST_TRY: FirstTry = FirstTry { cpu_seconds: 2, wall: Duration::from_secs(10) };
/// Address space of a first attempt.
const FIRST_TRY_MEMORY_BYTES_MAX: u64 = 512 << 20;
/// Larger files get no first attempt: they would exceed its time.
const FIRST_TRY_BYTES_MAX: u64 = 1_500_000;

/// Compiler processes that may die without a report on the same bytes: the cause of the first may have been temporary.
const DEATHS_MAX: u32 = 2;
/// Entries of the counts of failures. At the limit, all entries are removed.
const REMEMBERED_MAX: usize = 10_000;

/// Compiles components and caches their machine code.
pub(super) struct Builds {
    engine: Arc<Engine>,
    optimised: Cache,
    quick: OnceLock<Cache>,
    first_tries: Arc<Turns>,
    full_tries: Arc<Turns>,
    quick_builds: Arc<Turns>,
    /// Compiler processes that died, by digest of the bytes.
    deaths: Mutex<HashMap<Digest, u32>>,
    /// Failed attempts since the last success, by name.
    failures: Mutex<HashMap<String, u32>>,
}

/// One build: the bytes, the plugin, and its urgency.
pub(super) struct Wanted<'w> {
    pub(super) name: &'w str,
    pub(super) source: &'w Source,
    pub(super) digest: Digest,
    pub(super) urgency: Urgency,
    pub(super) plugins: &'w Plugins,
    /// Accepts or rejects a component after it was described.
    pub(super) accept: &'w Judge<'w>,
}

/// Accepts or rejects a component after it was described.
pub(super) type Judge<'j> = dyn Fn(&Manifest) -> Result<(), Failure> + Send + Sync + 'j;

/// The result of a build: code, kind of build, and manifest.
pub(super) struct Made {
    pub(super) component: Component,
    pub(super) build: Build,
    pub(super) manifest: Manifest,
}

impl Builds {
    pub(super) fn new(engine: &Arc<Engine>, plugins: &Plugins) -> anyhow::Result<Self> {
        Ok(Self {
            optimised: Cache::open(plugins, &engine.wasm)?,
            engine: Arc::clone(engine),
            quick: OnceLock::new(),
            first_tries: Turns::new(FIRST_TRIES_MAX),
            full_tries: Turns::new(FULL_TRIES_MAX),
            quick_builds: Turns::new(QUICK_BUILDS_MAX),
            deaths: Mutex::default(),
            failures: Mutex::default(),
        })
    }

    /// Failed attempts at this name since the last success.
    pub(super) fn failures_of(&self, name: &str) -> u32 {
        *self.failures.lock().get(name).unwrap_or(&0)
    }

    /// Counts the result of an attempt at a file of this name.
    pub(super) fn note(&self, name: &str, went_well: bool) {
        let mut failures = self.failures.lock();
        if went_well {
            failures.remove(name);
        } else {
            count(&mut failures, name.to_owned());
        }
    }

    /// Returns the build that is available soonest: cached, quick, or optimized.
    pub(super) async fn soon(&self, wanted: &Wanted<'_>) -> Result<Made, Failure> {
        if let Some(made) = self.cached(Build::Optimised, wanted).await? {
            return Ok(made);
        }
        let plugins = wanted.plugins;
        let large = wanted.source.len() >= plugins.quick_build_bytes_min;
        if large && plugins.builds_quickly(wanted.name) {
            match self.make(wanted, Build::Quick).await {
                Ok(made) => return Ok(made),
                // The quick compiler supports less of WebAssembly than the optimizing one.
                Err(Ended::NotCompiled(said)) => {
                    let name = wanted.name;
                    warn!(
                        event = "plugin.quick_build_failed",
                        plugin = name,
                        "no quick build of plugin `{name}`: {said}"
                    );
                }
                Err(ended) => return Err(self.verdict(wanted.digest, ended)),
            }
        }
        self.best(wanted).await
    }

    /// Returns the optimized build, and waits for it within the full limits.
    pub(super) async fn best(&self, wanted: &Wanted<'_>) -> Result<Made, Failure> {
        self.make(wanted, Build::Optimised).await.map_err(|ended| self.verdict(wanted.digest, ended))
    }

    async fn make(&self, wanted: &Wanted<'_>, build: Build) -> Result<Made, Ended> {
        if build == Build::Quick {
            return self.try_once(wanted, build, &self.quick_builds, None).await;
        }
        if wanted.source.len() <= FIRST_TRY_BYTES_MAX {
            let first = self.try_once(wanted, build, &self.first_tries, Some(FIRST_TRY)).await;
            match first {
                Err(Ended::Slow) => {
                    let name = wanted.name;
                    info!(
                        event = "plugin.first_try_ended",
                        plugin = name,
                        "plugin `{name}` is slow to compile; queued again with the full limits, behind others"
                    );
                }
                // The cause may have been the memory limit of the first attempt, so the full limits decide.
                Err(Ended::Died(_)) => drop(self.dies_of(wanted.digest)),
                first => return first,
            }
        }
        let made = self.try_once(wanted, build, &self.full_tries, None).await;
        if made.is_ok() {
            self.deaths.lock().remove(&wanted.digest);
        }
        made
    }

    /// Runs the compiler once, after waiting for a turn.
    async fn try_once(
        &self,
        wanted: &Wanted<'_>,
        build: Build,
        turns: &Arc<Turns>,
        first_try: Option<FirstTry>,
    ) -> Result<Made, Ended> {
        let Wanted { name, source, digest, urgency, plugins, accept } = *wanted;
        let turn = turns.take(urgency).await;
        // The same bytes may have been compiled meanwhile under another name.
        if let Some(made) = self.cached(build, wanted).await.map_err(Ended::Refused)? {
            return Ok(made);
        }
        let (source, bytes_max) = (source.clone(), plugins.file_bytes_max);
        // The work holds the turn until it ends, even if the attempt is aborted.
        let sealed = quietly(move || (source.seal(bytes_max), turn)).await.map_err(Ended::Failed)?;
        let (sealed, _turn) = sealed;
        let sealed = sealed.map_err(Ended::Refused)?;
        if sealed.digest != digest {
            return Err(Ended::Refused(bytes::changed()));
        }
        let begun = self.with_cache(build, |cache, _| cache.begin()).await.map_err(Ended::Failed)?;
        let output = begun.output().map_err(|error| Ended::Failed(error.into()))?;
        let how = if build == Build::Quick { " quickly" } else { "" };
        info!(event = "plugin.compiling", plugin = name, "compiling plugin `{name}`{how}");
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
            Some(incompatibility) => Err(Failure::Verdict(anyhow!(incompatibility.clone()))),
            None => accept(&description.manifest),
        };
        let fits: &Accept<'_> = &fits;
        let Description { manifest, .. } = run.run(fits).await?;
        let finish = move |cache: &Cache, engine: &wasmtime::Engine| cache.finish(engine, digest, begun, manifest);
        let Kept { component, manifest } = self.with_cache(build, finish).await.map_err(Ended::Failed)?;
        Ok(Made { component, build, manifest })
    }

    /// Converts the end of a run into a failure of the file.
    fn verdict(&self, digest: Digest, ended: Ended) -> Failure {
        match ended {
            Ended::Refused(failure) => failure,
            Ended::NotCompiled(said) => Failure::Verdict(anyhow!("it does not compile: {said}")),
            // Only a first attempt ends so; one with the full limits follows.
            Ended::Slow => Failure::Passing(anyhow!("compiling it takes long")),
            Ended::Failed(error) => Failure::Passing(error),
            Ended::Died(how) => {
                let error = anyhow!("it does not compile: {how}");
                if self.dies_of(digest) < DEATHS_MAX { Failure::Passing(error) } else { Failure::Verdict(error) }
            }
        }
    }

    /// Counts a compiler process that died on these bytes.
    fn dies_of(&self, digest: Digest) -> u32 {
        count(&mut self.deaths.lock(), digest)
    }

    async fn cached(&self, build: Build, wanted: &Wanted<'_>) -> Result<Option<Made>, Failure> {
        let digest = wanted.digest;
        let found = self.with_cache(build, move |cache, engine| cache.load(engine, digest)).await;
        let Some(Kept { component, manifest }) = found.map_err(Failure::Verdict)? else { return Ok(None) };
        (wanted.accept)(&manifest)?;
        Ok(Some(Made { component, build, manifest }))
    }

    async fn with_cache<T: Send + 'static>(
        &self,
        build: Build,
        work: impl FnOnce(&Cache, &wasmtime::Engine) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let wasm = self.engine.of(build)?.clone();
        let cache = match build {
            Build::Optimised => &self.optimised,
            Build::Quick => self.quick.get_or_init(|| self.optimised.of(&wasm)),
        };
        let cache = cache.clone();
        aside(move || work(&cache, &wasm)).await?
    }
}

/// Increments a count and returns it.
fn count<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: K) -> u32 {
    if counts.len() >= REMEMBERED_MAX && !counts.contains_key(&key) {
        counts.clear();
    }
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
    *count
}
