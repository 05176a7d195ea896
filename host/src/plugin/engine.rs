//! The one wasmtime engine of the process, its linker, and the threads and places that calls run on.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;
use tracing::warn;
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::imports;
use super::store::CallStore;
use crate::config::Plugins;

/// How often a running plugin can be interrupted. Short enough that others hardly notice, long
/// enough to cost nothing.
const TICK: Duration = Duration::from_millis(5);

/// Kept resident in each place of the pool: what a small plugin touches. More costs a `memset` at
/// every call on kernels without `PAGEMAP_SCAN`.
const KEEP_RESIDENT_BYTES: usize = 256 * 1024;

/// Places beside those of callbacks, for trial runs of new files.
const TRIALS_MAX: u32 = 4;

/// How instances get their memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// Places prepared at start; the fast way.
    Pool,
    /// Mapped for each call, where address space is limited.
    OnDemand,
}

/// Where plugins run.
pub struct Engine {
    pub(super) wasm: wasmtime::Engine,
    pub(super) linker: Linker<CallStore>,
    pub(super) places: Arc<Semaphore>,
    pub(super) trials: Arc<Semaphore>,
    pub(super) busy_threads: Handle,
    allocation: Allocation,
    /// Threads for calls that compute for longer than a tick, so that the server's stay free.
    runtime: Option<Runtime>,
}

impl Engine {
    /// Builds the engine, and falls back to slower memory where the pool cannot be reserved.
    pub fn new(config: &Plugins) -> anyhow::Result<Arc<Self>> {
        let (wasm, allocation) = match wasmtime::Engine::new(&settings(Some(&pool(config)))) {
            Ok(wasm) => (wasm, Allocation::Pool),
            Err(error) => {
                warn!(
                    "plugins run without a memory pool, which is slower; lower plugins.calls_max or lift the limit on address space: {error:#}"
                );
                let wasm = wasmtime::Engine::new(&settings(None)).map_err(anyhow::Error::from);
                (wasm.context("starting the WebAssembly engine")?, Allocation::OnDemand)
            }
        };
        tick(&wasm)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(thread::available_parallelism().map_or(2, usize::from))
            .thread_name("plugin")
            .enable_all()
            .build()
            .context("starting the plugins' threads")?;
        Ok(Arc::new(Self {
            linker: imports::linker(&wasm)?,
            wasm,
            places: Arc::new(Semaphore::new(config.calls_max as usize)),
            trials: Arc::new(Semaphore::new(TRIALS_MAX as usize)),
            busy_threads: runtime.handle().clone(),
            allocation,
            runtime: Some(runtime),
        }))
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

/// Settings that decide what compiled code looks like; the same in the gateway and in the process
/// that compiles for it.
pub(super) fn settings(pool: Option<&PoolingAllocationConfig>) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20))
        .native_unwind_info(false)
        .max_wasm_stack(512 * 1024)
        .async_stack_size(1024 * 1024);
    if let Some(pool) = pool {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool.clone()));
    }
    config
}

fn pool(config: &Plugins) -> PoolingAllocationConfig {
    let places = config.calls_max + TRIALS_MAX;
    let memory_bytes_max = config
        .named
        .values()
        .filter_map(|named| named.limits.memory_bytes_max)
        .fold(config.limits.memory_bytes_max, usize::max);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(places)
        .total_stacks(places)
        // A component holds several core instances, and nearly always one memory and two tables.
        .total_core_instances(places * 8)
        .total_memories(places + places / 4)
        .total_tables(places * 3)
        .max_memory_size(memory_bytes_max)
        .table_elements(config.limits.table_elements_max)
        .max_core_instances_per_component(64)
        .max_memories_per_component(8)
        .max_tables_per_component(16)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(64 * 1024)
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(places);
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
