//! The one wasmtime engine of the process, its linker, and the threads and places that calls run on.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use frontgate_contract::FEATURES;
use frontgate_state::Buckets;
use frontgate_system::scheduling;
use rustix::process::getpriority_process;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;
use tracing::{debug, warn};
use wasmparser::WasmFeatures;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy};

use super::admission::Queue;
use super::budget::{POOLS, Pool};
use super::folder::{FilePools, Folder};
use super::store::CallStore;
use crate::imports;
use crate::settings::Plugins;

/// How often a running plugin can be interrupted. Short enough that others hardly notice, long
/// enough to cost nothing.
const TICK: Duration = Duration::from_millis(5);

/// Kept resident in each place of the pool: what a small plugin touches. More costs a `memset` at
/// every call on kernels without `PAGEMAP_SCAN`.
const KEEP_RESIDENT_BYTES: usize = 256 * 1024;

/// Python's components have about thirty.
const CORE_INSTANCES_MAX: u32 = 64;

/// Places that stay prepared for the plugin they last held. More would keep memory for every version
/// that a plugin ever had.
const WARM_PLACES_MAX: u32 = 64;

/// What the gateway's own functions need on a plugin's stack.
const HOST_STACK_BYTES: usize = 1 << 20;

/// Places beside those of callbacks, for trial runs of new files.
pub const TRIALS_MAX: u32 = 4;

/// The image of a memory is kept in the compiled code, and mapped by each call, where the data fills at least half of
/// it or the image is no larger than this. A module with two bytes far apart would otherwise have an image of
/// everything between them; such data is copied when an instance starts.
const SPARSE_IMAGE_BYTES_MAX: u64 = 65_536;

/// What the compiler makes itself to connect two components inside one: modules with the memories of both.
const OWN_FEATURES: WasmFeatures = WasmFeatures::MULTI_MEMORY;

/// What the threads of plugins that compute for long give way by: callbacks that take a moment go first.
const BUSY_NICE: i32 = 10;

/// How instances get their memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// Places prepared at start, each with 4 GiB of address space; the fast way.
    Pool,
    /// The same with less address space, and some more machine code.
    SmallPool,
    /// Mapped for each call.
    OnDemand,
}

impl Allocation {
    /// As in `/statusz`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::SmallPool => "small-pool",
            Self::OnDemand => "on-demand",
        }
    }
}

/// How a component was compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// By Cranelift: fast code, which takes half a minute for an interpreter of a script language.
    Optimised,
    /// By Winch, in a fraction of that: for as long as the optimised build takes.
    Quick,
}

/// Where plugins run.
pub struct Engine {
    pub wasm: wasmtime::Engine,
    linker: Linker<CallStore>,
    /// The two kinds of code cannot share an engine; this one is made when it is needed first.
    quick: OnceLock<(wasmtime::Engine, Linker<CallStore>)>,
    stack_bytes_max: usize,
    pub(crate) places: Arc<Semaphore>,
    /// For calls of the CRM's plugin from within other calls.
    pub(crate) directory_places: Arc<Semaphore>,
    pub trials: Arc<Semaphore>,
    /// For instances that are kept between calls.
    pub(crate) warm_places: Arc<Semaphore>,
    /// Memory of all running instances.
    pub(super) memory: Arc<Pool>,
    /// Threads for files, of each plugin that was granted some.
    files: FilePools,
    /// Callers that wait for one of the places.
    pub(super) queue: Queue,
    pub(crate) busy_threads: Handle,
    /// Address space of a memory; none stands for wasmtime's own choice. Compiled code depends on it.
    pub memory_reservation: Option<u64>,
    allocation: Allocation,
    /// What plugins keep; none where they are only checked.
    pub(crate) state: Option<Arc<Buckets>>,
    /// Threads for calls that compute for longer than a tick, so that the server's stay free.
    runtime: Option<Runtime>,
}

impl Engine {
    /// Builds the engine, and falls back to slower memory where the pool cannot be reserved.
    pub fn new(config: &Plugins, state: Option<Arc<Buckets>>) -> anyhow::Result<Arc<Self>> {
        let (wasm, allocation) = start(config)?;
        tick(&wasm)?;
        // Counted from here: what starts a further thread may be one of them, and has given way already.
        let below = getpriority_process(None).map(|own| own + BUSY_NICE);
        let runtime = Builder::new_multi_thread()
            .worker_threads(thread::available_parallelism().map_or(2, usize::from))
            .thread_name("plugin")
            .on_thread_start(move || {
                // Of this thread alone, as Linux has it.
                if let Err(error) = below.map_err(Into::into).and_then(scheduling::lower_priority) {
                    debug!("plugins that compute for long have the server's priority: {error}");
                }
            })
            .enable_all()
            .build()
            .context("starting the plugins' threads")?;
        Ok(Arc::new(Self {
            linker: imports::linker(&wasm)?,
            wasm,
            quick: OnceLock::new(),
            stack_bytes_max: config.stack_bytes_max,
            places: Arc::new(Semaphore::new(config.calls_max as usize)),
            directory_places: Arc::new(Semaphore::new(config.directory_calls_max as usize)),
            trials: Arc::new(Semaphore::new(TRIALS_MAX as usize)),
            warm_places: Arc::new(Semaphore::new(config.warm_instances_max() as usize)),
            memory: Pool::new(config.memory_bytes_total_max, POOLS[0]),
            files: FilePools::new(config.file_threads_per_plugin_max),
            queue: Queue::new(config.queue_max),
            busy_threads: runtime.handle().clone(),
            memory_reservation: reservation(allocation, config),
            allocation,
            state,
            runtime: Some(runtime),
        }))
    }

    /// The engine for code of this kind.
    pub fn of(&self, build: Build) -> anyhow::Result<&wasmtime::Engine> {
        if build == Build::Optimised {
            return Ok(&self.wasm);
        }
        if self.quick.get().is_none() {
            // Few calls run here, and not for long: it reserves no pool.
            let settings = serving(self.memory_reservation, self.stack_bytes_max, build);
            let wasm = wasmtime::Engine::new(&settings).map_err(anyhow::Error::from);
            let wasm = wasm.context("starting the engine for quick builds")?;
            tick(&wasm)?;
            let linker = imports::linker(&wasm)?;
            // Another thread may have been faster.
            let _ = self.quick.set((wasm, linker));
        }
        self.quick.get().map(|(wasm, _)| wasm).context("the engine for quick builds is gone")
    }

    /// What a component is linked with.
    pub(crate) fn linker_for(&self, component: &Component) -> &Linker<CallStore> {
        match self.quick.get() {
            Some((wasm, linker)) if wasmtime::Engine::same(wasm, component.engine()) => linker,
            _ => &self.linker,
        }
    }

    /// A plugin's granted folder, on the threads that all its versions share.
    pub(crate) fn folder(&self, plugin: &Arc<str>, path: &Path) -> anyhow::Result<Folder> {
        Ok(Folder::new(path, &self.files.of(plugin)?))
    }

    /// How instances get their memory.
    pub fn allocation(&self) -> Allocation {
        self.allocation
    }

    /// Places that are free right now.
    pub fn places_free(&self) -> usize {
        self.places.available_permits()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Dropping a runtime waits for its threads, which async code must not do.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The fastest engine that this process has the address space for.
fn start(config: &Plugins) -> anyhow::Result<(wasmtime::Engine, Allocation)> {
    let mut problem = anyhow!("no way to get memory was tried");
    for allocation in [Allocation::Pool, Allocation::SmallPool, Allocation::OnDemand] {
        let mut settings = serving(reservation(allocation, config), config.stack_bytes_max, Build::Optimised);
        if allocation != Allocation::OnDemand {
            settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
        }
        match wasmtime::Engine::new(&settings) {
            Ok(wasm) => {
                if allocation != Allocation::Pool {
                    warn!(
                        "plugins run slower than they could, for want of address space ({}); lower plugins.calls_max or lift the limit: {problem:#}",
                        allocation.name()
                    );
                }
                return Ok((wasm, allocation));
            }
            Err(error) => problem = error.into(),
        }
    }
    Err(problem.context("starting the WebAssembly engine"))
}

fn reservation(allocation: Allocation, config: &Plugins) -> Option<u64> {
    (allocation != Allocation::Pool).then(|| config.memory_bytes_max() as u64)
}

fn serving(memory_reservation: Option<u64>, stack_bytes_max: usize, build: Build) -> Config {
    let mut settings = settings(memory_reservation, build);
    settings.max_wasm_stack(stack_bytes_max).async_stack_size(stack_bytes_max + HOST_STACK_BYTES);
    settings
}

/// Settings that decide what compiled code looks like; the same in the gateway and in the process
/// that compiles for it.
pub fn settings(memory_reservation: Option<u64>, build: Build) -> Config {
    let mut config = Config::new();
    config
        .strategy(match build {
            Build::Optimised => Strategy::Cranelift,
            Build::Quick => Strategy::Winch,
        })
        .wasm_features(FEATURES.union(OWN_FEATURES).complement(), false)
        .memory_guaranteed_dense_image_size(SPARSE_IMAGE_BYTES_MAX)
        .epoch_interruption(true)
        // Nobody reads it, and walking a stack that overflowed takes 30 ms that nothing interrupts.
        .wasm_backtrace_max_frames(None)
        .native_unwind_info(false);
    if let Some(bytes) = memory_reservation {
        config.memory_reservation(bytes).memory_guard_size(65_536).memory_reservation_for_growth(0);
    }
    config
}

fn pool(config: &Plugins) -> PoolingAllocationConfig {
    let places = config.calls_max + config.directory_calls_max + TRIALS_MAX + config.warm_instances_max();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(places)
        .total_stacks(places)
        // Only counted, so every place can have as many as a component may hold.
        .total_core_instances(places * CORE_INSTANCES_MAX)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        // Address space, so nearly every place has the one memory that nearly every component has.
        .total_memories(places + places / 4)
        .max_memories_per_component(4)
        .total_tables(places * 4)
        .max_tables_per_component(16)
        .max_memory_size(config.memory_bytes_max())
        .table_elements(config.table_elements_max())
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(64 * 1024)
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(WARM_PLACES_MAX);
    pool
}

/// One thread for the whole process, outside every runtime: a busy runtime cannot stop it. It ends
/// with the engine.
fn tick(engine: &wasmtime::Engine) -> anyhow::Result<()> {
    let engine = engine.weak();
    thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            loop {
                thread::sleep(TICK);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        })
        .context("starting the epoch thread")?;
    Ok(())
}
