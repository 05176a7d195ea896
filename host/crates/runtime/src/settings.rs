//! `[plugins]` of the configuration: where plugins come from, and what they may use.

mod lifecycle;
pub mod limits;
mod named;
pub mod outbound;
pub mod webhooks;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_settings::Secret;
use frontgate_state::settings::StateLimits;
use serde::Deserialize;

pub use self::lifecycle::{Breaker, InstanceReuse, Probation, Warm};
pub use self::limits::{LimitOverrides, Limits};
pub use self::named::Named;

/// `[plugins]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plugins {
    /// The folder that is watched for `.wasm` files.
    pub directory: PathBuf,
    /// Compiled plugins; safe to delete while the gateway is down.
    pub cache: PathBuf,
    /// Maximum number of files in the cache.
    pub cache_files_max: usize,
    /// Maximum size of the cache.
    pub cache_bytes_max: u64,
    /// Concurrent calls of all plugins together.
    pub calls_max: u32,
    /// Concurrent calls for one tenant.
    pub calls_per_tenant_max: u32,
    /// Concurrent calls of CRM plugins within other calls (`directory`), beside `calls_max`.
    pub directory_calls_max: u32,
    /// The same for one tenant.
    pub directory_calls_per_tenant_max: u32,
    /// Concurrent calls of one plugin, unless it has a limit of its own.
    pub calls_per_plugin_max: u32,
    /// Memory of all instances together.
    pub memory_bytes_total_max: usize,
    /// Memory of all instances for one tenant.
    pub memory_bytes_per_tenant_max: usize,
    /// Threads that read the granted folder of one plugin.
    pub file_threads_per_plugin_max: usize,
    /// Calls that wait for admission; further calls are rejected at once.
    pub queue_max: u32,
    /// How long a callback waits for admission.
    pub queue_timeout_ms: u64,
    /// Stack for functions of a plugin; interpreters of script languages recurse deeply.
    pub stack_bytes_max: usize,
    /// Largest `.wasm` file.
    pub file_bytes_max: u64,
    /// Timeout for reading the description of a file.
    pub check_timeout_ms: u64,
    /// Timeout for compiling a plugin.
    pub compile_timeout_ms: u64,
    /// Address space of the process that reads and compiles files.
    pub compile_memory_bytes_max: u64,
    /// Largest machine code of a plugin.
    pub code_bytes_max: u64,
    /// With `quick_build`, files of at least this size are compiled twice: quickly, to serve soon, then optimised.
    pub quick_build_bytes_min: u64,
    /// A changed file is read once its size and time have been stable for this long.
    pub settle_ms: u64,
    /// Interval of scans of the folder, for file systems that report no changes.
    pub rescan_interval_ms: u64,
    /// Circuit breaker.
    pub breaker: Breaker,
    /// Instance reuse.
    pub warm: Warm,
    /// PEM files of certificate authorities that requests of plugins trust, beside the built-in ones.
    pub ca_files: Vec<PathBuf>,
    /// Nameservers for hosts that plugins call; the system's own if empty.
    pub nameservers: Vec<SocketAddr>,
    /// Idle connections of one plugin.
    pub connections_idle_max: usize,
    /// Folder of plugin records: versions, decisions, receipts.
    pub records: PathBuf,
    /// Versions of each plugin that are kept for a rollback, including the live one.
    pub versions_max: usize,
    /// Bytes of all kept versions; live ones are kept in any case.
    pub versions_bytes_max: u64,
    /// Maximum number of plugins that are loaded or have records.
    pub names_max: usize,
    /// Receipts that are kept.
    pub receipts_max: usize,
    /// How long calls of a replaced version may take.
    pub drain_timeout_ms: u64,
    /// File with the digests of plugins that may be loaded.
    pub lock: PathBuf,
    /// Whether only plugins in that file are loaded.
    pub locked: bool,
    /// Probation of new versions.
    pub probation: Probation,
    /// Limits of one call, unless a plugin has limits of its own.
    pub limits: Limits,
    /// Limits of key-value state, unless a plugin has limits of its own.
    pub state: StateLimits,
    /// Settings of individual plugins, by file name without `.wasm`.
    pub named: BTreeMap<String, Named>,
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            directory: "plugins".into(),
            cache: "data/compiled".into(),
            cache_files_max: 1_000,
            cache_bytes_max: 4 << 30,
            calls_max: 256,
            calls_per_tenant_max: 128,
            directory_calls_max: 64,
            directory_calls_per_tenant_max: 32,
            calls_per_plugin_max: 128,
            memory_bytes_total_max: 4 * 1024 * 1024 * 1024,
            memory_bytes_per_tenant_max: 2 * 1024 * 1024 * 1024,
            file_threads_per_plugin_max: 8,
            queue_max: 1_024,
            queue_timeout_ms: 1_000,
            stack_bytes_max: 1024 * 1024,
            file_bytes_max: 64 * 1024 * 1024,
            check_timeout_ms: 10_000,
            compile_timeout_ms: 120_000,
            compile_memory_bytes_max: 2 << 30,
            code_bytes_max: 512 << 20,
            quick_build_bytes_min: 2 * 1024 * 1024,
            settle_ms: 100,
            rescan_interval_ms: 30_000,
            breaker: Breaker::default(),
            warm: Warm::default(),
            ca_files: Vec::new(),
            nameservers: Vec::new(),
            connections_idle_max: 8,
            records: "data/plugins".into(),
            versions_max: 5,
            versions_bytes_max: 1024 * 1024 * 1024,
            names_max: 500,
            receipts_max: 1_000,
            drain_timeout_ms: 30_000,
            lock: "plugins.lock".into(),
            locked: false,
            probation: Probation::default(),
            limits: Limits::default(),
            state: StateLimits::default(),
            named: BTreeMap::new(),
        }
    }
}

impl Plugins {
    /// Timeout for an operator's command, which can include compiling.
    pub fn command_timeout(&self) -> Duration {
        Duration::from_millis(self.compile_timeout_ms + self.limits.call_timeout_ms)
    }

    /// Whether large files of a plugin are compiled quickly first.
    pub fn builds_quickly(&self, plugin: &str) -> bool {
        self.named.get(plugin).is_some_and(|named| named.quick_build)
    }

    /// Limits of reading and compiling files: key, value, minimum, maximum.
    pub fn build_ranges(&self) -> Vec<(String, u64, u64, u64)> {
        let (day, gib) = (86_400_000, 1 << 30);
        let ranges = [
            // The code of at least one plugin must fit.
            ("cache_bytes_max", self.cache_bytes_max, self.code_bytes_max, u64::MAX),
            ("check_timeout_ms", self.check_timeout_ms, 1, day),
            ("compile_timeout_ms", self.compile_timeout_ms, 1, day),
            // The minimum is what the program itself needs.
            ("compile_memory_bytes_max", self.compile_memory_bytes_max, 256 << 20, 1_024 * gib),
            ("code_bytes_max", self.code_bytes_max, 1 << 20, 64 * gib),
            ("quick_build_bytes_min", self.quick_build_bytes_min, 0, u64::MAX),
        ];
        ranges.map(|(key, value, least, most)| (format!("plugins.{key}"), value, least, most)).into()
    }

    /// Concurrent calls of a plugin.
    pub(crate) fn calls_max_of(&self, plugin: &str) -> u32 {
        self.named.get(plugin).and_then(|named| named.calls_max).unwrap_or(self.calls_per_plugin_max)
    }

    /// Instance reuse of a plugin.
    pub(crate) fn instances_of(&self, plugin: &str) -> InstanceReuse {
        self.named.get(plugin).map(|named| named.instances).unwrap_or_default()
    }
}

/// Secrets of plugins.
impl Plugins {
    /// Returns every secret with its key.
    pub fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        let mut secrets = Vec::new();
        for (name, plugin) in &mut self.named {
            secrets.extend(plugin.secrets_mut(&format!("plugins.named.{name}")));
        }
        secrets
    }
}

/// Values that determine how much address space is reserved at start.
impl Plugins {
    /// Returns each of them with its key.
    pub fn reserved(&self) -> [(&'static str, usize); 3] {
        [
            ("the largest memory_bytes_max", self.memory_bytes_max()),
            ("the largest table_elements_max", self.table_elements_max()),
            ("plugins.warm.instances_max", self.warm_instances_max() as usize),
        ]
    }

    /// Largest memory limit of all plugins.
    pub fn memory_bytes_max(&self) -> usize {
        let own = self.named.values().filter_map(|named| named.limits.memory_bytes_max);
        own.fold(self.limits.memory_bytes_max, usize::max).next_multiple_of(65_536)
    }

    /// Largest table limit of all plugins.
    pub(crate) fn table_elements_max(&self) -> usize {
        let own = self.named.values().filter_map(|named| named.limits.table_elements_max);
        own.fold(self.limits.table_elements_max, usize::max)
    }

    /// Idle instances of all plugins together; 0 if no plugin reuses instances.
    pub(crate) fn warm_instances_max(&self) -> u32 {
        let warm = self.named.values().any(|named| named.instances == InstanceReuse::Warm);
        if warm { self.warm.instances_max } else { 0 }
    }
}

/// The configuration of plugins. Implemented by the crate that reads the whole configuration.
pub trait PluginConfig: fmt::Debug + Send + Sync {
    /// `[plugins]`.
    fn plugins(&self) -> &Plugins;

    /// Returns the roles for which tenants name a plugin.
    fn roles_of(&self, plugin: &str) -> Vec<Role>;
}
