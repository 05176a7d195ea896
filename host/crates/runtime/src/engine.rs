//! The wasmtime engine of the process, with its linker, memory, threads and capacity for calls.

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

use crate::actions::ActionQueue;
use crate::linker::linker;
use crate::run::admission::Admission;
use crate::run::folder::{FilePools, Folder};
use crate::run::memory::{MemoryPool, POOLS};
use crate::run::store::CallStore;
use crate::settings::Plugins;

/// Interval at which a running plugin can be interrupted. Short enough for the latency of other calls, long enough to
/// cost nearly nothing.
const TICK: Duration = Duration::from_millis(5);

/// Memory that stays resident in each slot of the pool: as much as a small plugin touches. More would cost a `memset`
/// at every call on kernels without `PAGEMAP_SCAN`.
const KEEP_RESIDENT_BYTES: usize = 256 * 1024;

/// Maximum number of core instances of one component; Python components have about thirty.
const CORE_INSTANCES_MAX: u32 = 64;

/// Maximum number of slots that stay prepared for the plugin that used them last. More would keep memory for every old
/// version of a plugin.
const WARM_SLOTS_MAX: u32 = 64;

/// Stack for host functions, in bytes, in addition to the plugin's stack.
const HOST_STACK_BYTES: usize = 1 << 20;

/// Maximum number of concurrent trial starts of new files, in addition to the capacity for calls.
pub const TRIALS_MAX: u32 = 4;

/// Maximum memory image that compiled code keeps for sparse data, which fills less than half of the image.
///
/// Calls map the image. Without a limit, a module with two bytes far apart would have an image of all memory between
/// them. Data beyond the limit is copied when an instance starts.
const SPARSE_IMAGE_BYTES_MAX: u64 = 65_536;

/// Features of adapter modules, which the compiler generates to connect components inside a component.
const OWN_FEATURES: WasmFeatures = WasmFeatures::MULTI_MEMORY;

/// Memory allocation strategy of instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// Slots prepared at start, each with 4 GiB of address space; the fastest strategy.
    Pool,
    /// Slots with less address space, which require bounds checks in machine code.
    SmallPool,
    /// Memory mapped for each call.
    OnDemand,
}

impl Allocation {
    /// Returns the name in `/statusz`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::SmallPool => "small-pool",
            Self::OnDemand => "on-demand",
        }
    }
}

/// Compilation strategy of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// Compiled by Cranelift to fast code; an interpreter of a script language takes half a minute to compile.
    Optimized,
    /// Compiled by Winch in a fraction of the time that Cranelift takes; used until the optimized build is ready.
    Quick,
}

/// State that the calls of all plugins share.
pub struct Engine {
    /// The engine for optimized code.
    pub wasm: wasmtime::Engine,
    linker: Linker<CallStore>,
    /// Engine and linker for quick builds, created when first used: one engine runs one kind of code.
    quick: OnceLock<(wasmtime::Engine, Linker<CallStore>)>,
    stack_bytes_max: usize,
    pub(crate) admission: Admission,
    pub(crate) trials: Arc<Semaphore>,
    /// Permits for instances that are kept between calls.
    pub(crate) kept_places: Arc<Semaphore>,
    /// Memory of all running instances.
    pub(crate) memory: Arc<MemoryPool>,
    /// Threads that read granted folders, per plugin.
    files: FilePools,
    /// Threads for CPU-bound calls, so that the threads of the server stay free.
    pub(crate) plugin_threads: Handle,
    /// Address space of a linear memory, in bytes; `None` for wasmtime's default. Compiled code depends on this value.
    pub memory_reservation: Option<u64>,
    allocation: Allocation,
    pub(crate) services: Services,
    /// Owns `plugin_threads`.
    runtime: Option<Runtime>,
}

/// Services of a gateway; commands that only check plugins have none.
#[derive(Default)]
pub struct Services {
    /// Key-value state of plugins.
    pub buckets: Option<Arc<Buckets>>,
    /// Accepts actions on conversations.
    pub actions: Option<Arc<dyn ActionQueue>>,
}

impl Engine {
    /// Starts the engine. Falls back to slower allocation if the address space for the pool cannot be reserved.
    pub fn new(config: &Plugins, services: Services) -> anyhow::Result<Arc<Self>> {
        let (wasm, allocation) = start(config)?;
        tick(&wasm)?;
        // Relative to the current thread: a plugin thread that starts another one already has a lower priority.
        let niceness = getpriority_process(None).map(|own| own + scheduling::BACKGROUND_NICE);
        let runtime = Builder::new_multi_thread()
            .worker_threads(thread::available_parallelism().map_or(2, usize::from))
            .thread_name("plugin")
            .on_thread_start(move || {
                // On Linux, niceness is per thread.
                if let Err(error) = niceness.map_err(Into::into).and_then(scheduling::lower_priority) {
                    debug!("failed to lower the priority of a plugin thread: {error}");
                }
            })
            .enable_all()
            .build()
            .context("failed to start the plugin threads")?;
        Ok(Arc::new(Self {
            linker: linker(&wasm)?,
            wasm,
            quick: OnceLock::new(),
            stack_bytes_max: config.stack_bytes_max,
            admission: Admission::new(config),
            trials: Arc::new(Semaphore::new(TRIALS_MAX as usize)),
            kept_places: Arc::new(Semaphore::new(config.kept_instances_max() as usize)),
            memory: MemoryPool::new(config.memory_bytes_total_max, POOLS[0]),
            files: FilePools::new(config.file_threads_per_plugin_max),
            plugin_threads: runtime.handle().clone(),
            memory_reservation: reservation(allocation, config),
            allocation,
            services,
            runtime: Some(runtime),
        }))
    }

    /// Returns the wasmtime engine for a kind of code.
    pub fn of(&self, build: Build) -> anyhow::Result<&wasmtime::Engine> {
        if build == Build::Optimized {
            return Ok(&self.wasm);
        }
        if self.quick.get().is_none() {
            // This engine needs no pool: it runs few calls, until the optimized build is ready.
            let settings = serving(self.memory_reservation, self.stack_bytes_max, build);
            let wasm = wasmtime::Engine::new(&settings).map_err(anyhow::Error::from);
            let wasm = wasm.context("failed to start the engine for quick builds")?;
            tick(&wasm)?;
            let linker = linker(&wasm)?;
            // Fails if another thread was faster; that thread's engine is then used.
            let _ = self.quick.set((wasm, linker));
        }
        self.quick.get().map(|(wasm, _)| wasm).context("engine for quick builds missing")
    }

    /// Returns the linker for the engine of a component.
    pub(crate) fn linker_for(&self, component: &Component) -> &Linker<CallStore> {
        match self.quick.get() {
            Some((wasm, linker)) if wasmtime::Engine::same(wasm, component.engine()) => linker,
            _ => &self.linker,
        }
    }

    /// Returns a granted folder of a plugin, read on threads that all versions of the plugin share.
    pub(crate) fn folder(&self, plugin: &Arc<str>, path: &Path) -> anyhow::Result<Folder> {
        Ok(Folder::new(path, &self.files.of(plugin)?))
    }

    /// Returns the threads of low priority, also for other work than calls.
    pub fn background(&self) -> &Handle {
        &self.plugin_threads
    }

    /// Returns the memory allocation strategy of instances.
    pub fn allocation(&self) -> Allocation {
        self.allocation
    }

    /// Returns the number of free permits for calls.
    pub fn places_free(&self) -> usize {
        self.admission.free()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Dropping a runtime would block until its threads end.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Starts the fastest engine for which this process has the address space.
fn start(config: &Plugins) -> anyhow::Result<(wasmtime::Engine, Allocation)> {
    let mut problem = anyhow!("no allocation strategy tried");
    for allocation in [Allocation::Pool, Allocation::SmallPool, Allocation::OnDemand] {
        let mut settings = serving(reservation(allocation, config), config.stack_bytes_max, Build::Optimized);
        if allocation != Allocation::OnDemand {
            settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
        }
        match wasmtime::Engine::new(&settings) {
            Ok(wasm) => {
                if allocation != Allocation::Pool {
                    warn!(
                        event = "runtime.memory_pool_unavailable",
                        "failed to reserve the memory pool, plugin calls are slower (`{}` allocation); raise `ulimit \
                         -v`, or lower plugins.calls_max: {problem:#}",
                        allocation.name()
                    );
                }
                return Ok((wasm, allocation));
            }
            Err(error) => problem = error.into(),
        }
    }
    Err(problem.context("failed to start the WebAssembly engine"))
}

fn reservation(allocation: Allocation, config: &Plugins) -> Option<u64> {
    (allocation != Allocation::Pool).then(|| config.memory_bytes_max() as u64)
}

fn serving(memory_reservation: Option<u64>, stack_bytes_max: usize, build: Build) -> Config {
    let mut settings = settings(memory_reservation, build);
    settings.max_wasm_stack(stack_bytes_max).async_stack_size(stack_bytes_max + HOST_STACK_BYTES);
    settings
}

/// Returns the settings that determine compiled code. The gateway and its compiler process use the same ones.
pub fn settings(memory_reservation: Option<u64>, build: Build) -> Config {
    let mut config = Config::new();
    config
        .strategy(match build {
            Build::Optimized => Strategy::Cranelift,
            Build::Quick => Strategy::Winch,
        })
        .wasm_features(FEATURES.union(OWN_FEATURES).complement(), false)
        .memory_guaranteed_dense_image_size(SPARSE_IMAGE_BYTES_MAX)
        .epoch_interruption(true)
        // Backtraces are unused, and walking a stack that overflowed takes 30 ms without interruption.
        .wasm_backtrace_max_frames(None)
        .native_unwind_info(false);
    if let Some(bytes) = memory_reservation {
        config.memory_reservation(bytes).memory_guard_size(65_536).memory_reservation_for_growth(0);
    }
    config
}

fn pool(config: &Plugins) -> PoolingAllocationConfig {
    let slots = config.calls_max + config.directory_calls_max + TRIALS_MAX + config.kept_instances_max();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_stacks(slots)
        // This limit reserves no memory, so each slot can have the maximum of a component.
        .total_core_instances(slots * CORE_INSTANCES_MAX)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        // This limit reserves address space: one memory per slot, as most components have, and some spare.
        .total_memories(slots + slots / 4)
        .max_memories_per_component(4)
        .total_tables(slots * 4)
        .max_tables_per_component(16)
        .max_memory_size(config.memory_bytes_max())
        .table_elements(config.table_elements_max())
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(64 * 1024)
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(WARM_SLOTS_MAX);
    pool
}

/// Starts the epoch thread, outside all async runtimes, so that a busy runtime cannot delay it. The thread ends with
/// the engine.
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
        .context("failed to start the epoch thread")?;
    Ok(())
}
