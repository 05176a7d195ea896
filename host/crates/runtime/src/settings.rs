//! `[plugins]`: where plugins come from, and what each of them may use.

pub mod limits;
mod named;
pub mod oauth;
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
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

pub use self::limits::{LimitOverrides, Limits};
pub use self::named::{Instances, Named};

/// Plugins: their files, compilation, concurrency, memory and versions.
#[derive(Debug, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Plugins {
    /// Whether this gateway runs what lies in `directory`, or what all gateways on one Postgres have agreed on: each new file
    /// is then offered to all of them. Default: `store` with Postgres, `folder` with SQLite.
    #[schemars(extend("x-restart" = true))]
    pub source: Option<PluginSource>,
    /// Folder that is watched for `.wasm` files. The name of a plugin is its file name without `.wasm`.
    #[default(PathBuf::from("plugins"))]
    #[schemars(extend("x-restart" = true))]
    pub directory: PathBuf,
    /// Folder of the compiled plugins. It may be deleted while the gateway is stopped.
    #[default(PathBuf::from("data/compiled"))]
    #[schemars(extend("x-restart" = true))]
    pub cache: PathBuf,
    /// Files in `cache`. Beyond this number, the least recently used are deleted. With fewer than there are plugins, each
    /// start compiles some of them again.
    #[default = 1_000]
    #[schemars(range(min = 1, max = 1_000_000), extend("x-restart" = true))]
    pub cache_files_max: usize,
    /// Size of `cache` in bytes. At least `code_bytes_max`.
    #[default(4 << 30)]
    #[schemars(extend("x-restart" = true))]
    pub cache_bytes_max: u64,
    /// Concurrent plugin calls.
    // Each place reserves gigabytes of address space.
    #[default = 256]
    #[schemars(range(min = 1, max = 4_096), extend("x-restart" = true))]
    pub calls_max: u32,
    /// Concurrent calls of one tenant.
    #[default = 128]
    #[schemars(range(min = 1, max = 4_096))]
    pub calls_per_tenant_max: u32,
    /// Concurrent calls of the tenants' CRMs through `directory`, in addition to `calls_max`.
    #[default = 64]
    #[schemars(range(min = 1, max = 4_096), extend("x-restart" = true))]
    pub directory_calls_max: u32,
    /// Concurrent `directory` calls of one tenant.
    #[default = 32]
    #[schemars(range(min = 1, max = 4_096))]
    pub directory_calls_per_tenant_max: u32,
    /// Concurrent calls of one plugin, unless it has a `calls_max` of its own.
    #[default = 128]
    #[schemars(range(min = 1, max = 4_096))]
    pub calls_per_plugin_max: u32,
    /// Memory in bytes of all running instances. Calls that need more get 503. At least the largest `memory_bytes_max`.
    #[default(4 << 30)]
    #[schemars(range(min = 1, max = 1_u64 << 50), extend("x-restart" = true))]
    pub memory_bytes_total_max: usize,
    /// Memory in bytes of one tenant's running instances. At least the largest `memory_bytes_max`.
    #[default(2 << 30)]
    #[schemars(range(min = 1, max = 1_u64 << 50))]
    pub memory_bytes_per_tenant_max: usize,
    /// Threads for one plugin's granted folder. A drive that hangs blocks no other plugin.
    #[default = 8]
    #[schemars(range(min = 1, max = 256), extend("x-restart" = true))]
    pub file_threads_per_plugin_max: usize,
    /// Callbacks that may wait for a call to start. Further ones are rejected at once.
    #[default = 1_024]
    #[schemars(range(min = 0, max = 1_000_000), extend("x-restart" = true))]
    pub queue_max: u32,
    /// Time that a callback waits for a call to start.
    #[default = 1_000]
    #[schemars(range(min = 0, max = 86_400_000))]
    pub queue_timeout_ms: u64,
    /// Stack of one call in bytes. Interpreters of script languages recurse deeply.
    #[default(1 << 20)]
    #[schemars(range(min = 65_536, max = 64 << 20), extend("x-restart" = true))]
    pub stack_bytes_max: usize,
    /// Maximum size of a `.wasm` file in bytes.
    #[default(64 << 20)]
    #[schemars(range(min = 1, max = 4_u64 << 30))]
    pub file_bytes_max: u64,
    /// Timeout of the sandboxed process that inspects a file.
    #[default = 10_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub check_timeout_ms: u64,
    /// Timeout of the sandboxed process that compiles a file.
    #[default = 120_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub compile_timeout_ms: u64,
    /// Maximum address space in bytes of a compiler process. Up to three of them run concurrently.
    // The program itself needs about as much as the minimum.
    #[default(2 << 30)]
    #[schemars(range(min = 256 << 20, max = 1_024_u64 << 30))]
    pub compile_memory_bytes_max: u64,
    /// Maximum size of the machine code of one plugin in bytes.
    #[default(512 << 20)]
    #[schemars(range(min = 1 << 20, max = 64_u64 << 30))]
    pub code_bytes_max: u64,
    /// Size in bytes from which a file of a plugin with `quick_build` is compiled twice: first by a fast compiler, so that it
    /// serves within seconds, then by the optimizing one.
    #[default(2 << 20)]
    pub quick_build_bytes_min: u64,
    /// Time for which a changed file must keep its size and modification time before it is read.
    #[default = 100]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub settle_ms: u64,
    /// Interval of folder scans, for file systems that report no changes.
    #[default = 30_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub rescan_interval_ms: u64,
    /// Circuit breaker: a plugin that keeps crashing or timing out is paused. One call then tries again.
    pub breaker: Breaker,
    /// Lifetime of the instances of all plugins that do not set it themselves.
    #[schemars(extend("x-restart" = "when raised"))]
    pub instances: Instances,
    /// Instances that are kept between calls.
    pub reuse: Reuse,
    /// PEM files with certificate authorities that plugins' requests trust in addition to the public ones.
    pub ca_files: Vec<PathBuf>,
    /// DNS servers for the hosts that plugins call, such as `10.0.0.53:53`. Empty: `/etc/hosts` and `/etc/resolv.conf`.
    pub nameservers: Vec<SocketAddr>,
    /// Idle connections that are kept open for one plugin.
    #[default = 8]
    #[schemars(range(min = 0, max = 1_000))]
    pub connections_idle_max: usize,
    /// Folder of the plugin records: good versions, decisions and receipts.
    #[default(PathBuf::from("data/plugins"))]
    #[schemars(extend("x-restart" = true))]
    pub records: PathBuf,
    /// Good versions of each plugin that are kept for `frontgate plugin rollback`, including the active one.
    #[default = 5]
    #[schemars(range(min = 2, max = 1_000), extend("x-restart" = true))]
    pub versions_max: usize,
    /// Size of all kept versions in bytes. Beyond it, the oldest inactive ones are deleted.
    #[default(1 << 30)]
    #[schemars(range(min = 1, max = 1_024_u64 << 30), extend("x-restart" = true))]
    pub versions_bytes_max: u64,
    /// Number of plugin names. Files beyond it are not loaded; known and configured names take precedence.
    #[default = 500]
    #[schemars(range(min = 1, max = 10_000), extend("x-restart" = true))]
    pub names_max: usize,
    /// Receipts of all plugins that are kept for `frontgate plugin history`.
    #[default = 1_000]
    #[schemars(range(min = 1, max = 1_000_000), extend("x-restart" = true))]
    pub receipts_max: usize,
    /// Maximum of every `call_timeout_ms`: an old version is unloaded at most this long after its replacement.
    #[default = 30_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub drain_timeout_ms: u64,
    /// File with the digests of allowed plugins, which `frontgate plugin lock` writes.
    #[default(PathBuf::from("plugins.lock"))]
    pub lock: PathBuf,
    /// Whether only plugins in `lock` are loaded.
    pub locked: bool,
    /// Observation of new versions: if the first calls of one fail, the previous version is restored.
    pub probation: Probation,
    /// Limits of one call. A plugin can have limits of its own.
    pub limits: Limits,
    /// State that a plugin may store for each tenant, where `state = true` grants it.
    pub state: StateLimits,
    /// Settings of single plugins, by name.
    pub named: BTreeMap<String, Named>,
}

impl Plugins {
    /// Returns the timeout of an operator's command, which mostly waits for the compiler.
    pub fn command_timeout(&self) -> Duration {
        Duration::from_millis(self.compile_timeout_ms + self.limits.call_timeout_ms)
    }

    /// Whether a large file of a plugin is compiled by the fast compiler first.
    pub fn builds_quickly(&self, plugin: &str) -> bool {
        self.named.get(plugin).is_some_and(|named| named.quick_build)
    }

    /// Returns the number of concurrent calls of a plugin.
    pub(crate) fn calls_max_of(&self, plugin: &str) -> u32 {
        self.named.get(plugin).and_then(|named| named.calls_max).unwrap_or(self.calls_per_plugin_max)
    }

    /// Returns the lifetime of a plugin's instances.
    pub(crate) fn instances_of(&self, plugin: &str) -> Instances {
        self.named.get(plugin).and_then(|named| named.instances).unwrap_or(self.instances)
    }
}

impl Plugins {
    /// Returns every secret of plugins with its key in the configuration.
    pub fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        let mut secrets = Vec::new();
        for (name, plugin) in &mut self.named {
            secrets.extend(plugin.secrets_mut(&format!("plugins.named.{name}")));
        }
        secrets
    }
}

/// Sizes of the memory that is reserved at the start.
impl Plugins {
    /// Returns each size with its name. Raising one needs a restart.
    pub fn reserved(&self) -> [(&'static str, usize); 3] {
        [
            ("the largest memory_bytes_max", self.memory_bytes_max()),
            ("the largest table_elements_max", self.table_elements_max()),
            ("plugins.reuse.instances_max", self.kept_instances_max() as usize),
        ]
    }

    /// Returns the largest `memory_bytes_max` in whole pages.
    pub fn memory_bytes_max(&self) -> usize {
        let own = self.named.values().filter_map(|named| named.limits.memory_bytes_max);
        own.fold(self.limits.memory_bytes_max, usize::max).next_multiple_of(65_536)
    }

    /// Returns the largest `table_elements_max`.
    pub(crate) fn table_elements_max(&self) -> usize {
        let own = self.named.values().filter_map(|named| named.limits.table_elements_max);
        own.fold(self.limits.table_elements_max, usize::max)
    }

    /// Returns the number of kept instances: 0 if no plugin keeps any.
    pub(crate) fn kept_instances_max(&self) -> u32 {
        let own = self.named.values().filter_map(|named| named.instances);
        let is_reused = own.chain([self.instances]).any(|instances| instances != Instances::Fresh);
        if is_reused { self.reuse.instances_max } else { 0 }
    }
}

/// Circuit breaker: a plugin that keeps crashing or timing out is not called for a while. One call then tries again.
#[derive(Debug, Clone, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Consecutive calls that crash or time out before the breaker opens.
    #[default = 10]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub failures: u32,
    /// Duration of the first pause.
    #[default = 1_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub pause_ms: u64,
    /// Maximum duration of a pause. Each pause is twice as long as the one before. At least `pause_ms`.
    #[default = 30_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub pause_max_ms: u64,
}

/// Instances that are kept between calls.
#[derive(Debug, Clone, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reuse {
    /// Kept instances of all plugins and tenants. One tenant has at most 16 of them.
    #[default = 64]
    #[schemars(range(min = 1, max = 4_096), extend("x-restart" = "when raised"))]
    pub instances_max: u32,
    /// Calls of one instance.
    #[default = 1_000]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub calls_max: u32,
}

/// Observation of a new version: if its first calls fail, the previous version is restored.
#[derive(Debug, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Probation {
    /// Observed calls of a new version. 0 turns the observation off.
    #[default = 20]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub calls: u32,
    /// Maximum duration of the observation.
    #[default = 600_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub time_ms: u64,
    /// Observed calls that must trap or time out to restore the previous version, unless as many of its own last 64 calls
    /// did.
    #[default = 1]
    #[schemars(range(min = 1, max = 64))]
    pub failures: u32,
}

/// Where the plugins come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PluginSource {
    /// The folder alone.
    Folder,
    /// The database, which the folder only adds to.
    Store,
}

/// The configuration as the runtime sees it.
pub trait PluginConfig: fmt::Debug + Send + Sync {
    /// `[plugins]`.
    fn plugins(&self) -> &Plugins;

    /// Returns the roles for which tenants name a plugin.
    fn roles_of(&self, plugin: &str) -> Vec<Role>;
}
