//! `[plugins]`: where plugins come from, and what each of them gets.

pub mod limits;
pub mod outbound;
pub mod webhooks;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_settings::Secret;
use frontgate_state::settings::{StateGrant, StateLimits};
use serde::{Deserialize, Deserializer};

pub use self::limits::{LimitOverrides, Limits};
use self::outbound::BoundSecret;
use self::webhooks::WebhookKey;

/// Where plugins come from, and what they may use.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plugins {
    /// The folder that is watched for `.wasm` files.
    pub directory: PathBuf,
    /// Compiled plugins; safe to delete while the gateway is down.
    pub cache: PathBuf,
    /// Of those, how many are kept.
    pub cache_files_max: usize,
    /// The bytes of those together.
    pub cache_bytes_max: u64,
    /// Plugin calls at one time, of all plugins together.
    pub calls_max: u32,
    /// Of those for one tenant.
    pub calls_per_tenant_max: u32,
    /// Calls of the CRM's plugin for other plugins at one time, beside those.
    pub directory_calls_max: u32,
    /// Of those for one tenant.
    pub directory_calls_per_tenant_max: u32,
    /// Of those for one plugin, unless it has a number of its own.
    pub calls_per_plugin_max: u32,
    /// Memory of all running instances together.
    pub memory_bytes_total_max: usize,
    /// Of that for one tenant.
    pub memory_bytes_per_tenant_max: usize,
    /// Threads that work on a plugin's granted folder.
    pub file_threads_per_plugin_max: usize,
    /// Callers that wait for a place among them; further ones are refused at once.
    pub queue_max: u32,
    /// How long a callback waits for a place.
    pub queue_timeout_ms: u64,
    /// What a plugin's own functions may take of a call's stack; interpreters of script languages recurse
    /// deeply.
    pub stack_bytes_max: usize,
    /// The largest `.wasm` file that is taken.
    pub file_bytes_max: u64,
    /// How long reading what a file is may take.
    pub check_timeout_ms: u64,
    /// How long compiling one plugin may take.
    pub compile_timeout_ms: u64,
    /// Address space of the process that reads and compiles a file.
    pub compile_memory_bytes_max: u64,
    /// The largest machine code of one plugin.
    pub code_bytes_max: u64,
    /// With `quick_build`, a file of this size is compiled twice: quickly, to serve soon, and optimised, to take over.
    pub quick_build_bytes_min: u64,
    /// A changed file is read once it has kept size and time for this long.
    pub settle_ms: u64,
    /// The folder is looked through this often even where the system reports no change.
    pub rescan_interval_ms: u64,
    /// When a plugin that fails is left alone.
    pub breaker: Breaker,
    /// Instances that are kept between calls.
    pub warm: Warm,
    /// Authorities that plugins' requests trust beside those that browsers trust, as PEM.
    pub ca_files: Vec<PathBuf>,
    /// Who is asked for the addresses of the hosts that plugins call; nobody stands for the system's own.
    pub nameservers: Vec<SocketAddr>,
    /// Connections that a plugin keeps open for its next requests.
    pub connections_idle_max: usize,
    /// What is remembered of plugins: good versions, decisions, receipts.
    pub records: PathBuf,
    /// Good versions of each plugin that can be gone back to, the live one included.
    pub versions_max: usize,
    /// Bytes of all versions that are kept; the live ones are kept in any case.
    pub versions_bytes_max: u64,
    /// Plugins that are loaded and remembered, by name.
    pub names_max: usize,
    /// CallRecords that are kept.
    pub receipts_max: usize,
    /// No call of a plugin may take longer, so that an old version is gone this long after a swap.
    pub drain_timeout_ms: u64,
    /// Which plugins may be loaded, by digest.
    pub lock: PathBuf,
    /// Whether nothing else is loaded.
    pub locked: bool,
    /// How a new version is watched.
    pub probation: Probation,
    /// What one call may use, unless a plugin has limits of its own.
    pub limits: Limits,
    /// What a plugin may keep, unless it has limits of its own.
    pub state: StateLimits,
    /// Settings of single plugins, by file name without `.wasm`.
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
    /// How long an operator's command may take, most of it the compiler's time.
    pub fn command_timeout(&self) -> Duration {
        Duration::from_millis(self.compile_timeout_ms + self.limits.call_timeout_ms)
    }

    /// Whether a large file of a plugin is compiled quickly first.
    pub fn builds_quickly(&self, plugin: &str) -> bool {
        self.named.get(plugin).is_some_and(|named| named.quick_build)
    }

    /// Limits of reading and compiling files, each with its key and the range in which it can work.
    pub fn build_ranges(&self) -> Vec<(String, u64, u64, u64)> {
        let (day, gib) = (86_400_000, 1 << 30);
        let ranges = [
            // One plugin must fit.
            ("cache_bytes_max", self.cache_bytes_max, self.code_bytes_max, u64::MAX),
            ("check_timeout_ms", self.check_timeout_ms, 1, day),
            ("compile_timeout_ms", self.compile_timeout_ms, 1, day),
            // The program itself needs about as much.
            ("compile_memory_bytes_max", self.compile_memory_bytes_max, 256 << 20, 1_024 * gib),
            ("code_bytes_max", self.code_bytes_max, 1 << 20, 64 * gib),
            ("quick_build_bytes_min", self.quick_build_bytes_min, 0, u64::MAX),
        ];
        ranges.map(|(key, value, least, most)| (format!("plugins.{key}"), value, least, most)).into()
    }

    /// Calls of a plugin at one time.
    pub(crate) fn calls_max_of(&self, plugin: &str) -> u32 {
        self.named.get(plugin).and_then(|named| named.calls_max).unwrap_or(self.calls_per_plugin_max)
    }

    /// What becomes of a plugin's instances after a call.
    pub(crate) fn instances_of(&self, plugin: &str) -> Instances {
        self.named.get(plugin).map(|named| named.instances).unwrap_or_default()
    }
}

/// Secrets of plugins.
impl Plugins {
    /// Every secret with the key that names it.
    pub fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        let mut secrets = Vec::new();
        for (name, plugin) in &mut self.named {
            secrets.extend(plugin.secrets_mut(&format!("plugins.named.{name}")));
        }
        secrets
    }
}

/// What memory is reserved for, at the start.
impl Plugins {
    /// Each of these with the name that stands in the configuration.
    pub fn reserved(&self) -> [(&'static str, usize); 3] {
        [
            ("the largest memory_bytes_max", self.memory_bytes_max()),
            ("the largest table_elements_max", self.table_elements_max()),
            ("plugins.warm.instances_max", self.warm_instances_max() as usize),
        ]
    }

    /// Memory of the most demanding plugin.
    pub fn memory_bytes_max(&self) -> usize {
        let own = self.named.values().filter_map(|named| named.limits.memory_bytes_max);
        own.fold(self.limits.memory_bytes_max, usize::max).next_multiple_of(65_536)
    }

    /// Tables of the most demanding plugin.
    pub(crate) fn table_elements_max(&self) -> usize {
        let own = self.named.values().filter_map(|named| named.limits.table_elements_max);
        own.fold(self.limits.table_elements_max, usize::max)
    }

    /// Instances that are kept between calls: none where no plugin keeps any.
    pub(crate) fn warm_instances_max(&self) -> u32 {
        let warm = self.named.values().any(|named| named.instances == Instances::Warm);
        if warm { self.warm.instances_max } else { 0 }
    }
}

/// When a plugin that crashes or runs out of time is left alone for a while.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Calls in a row that crashed or ran out of time.
    pub failures: u32,
    /// How long it is not asked then. One call tries afterwards.
    pub pause_ms: u64,
    /// Each pause is twice the one before, up to this.
    pub pause_max_ms: u64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 10, pause_ms: 1_000, pause_max_ms: 30_000 }
    }
}

/// What becomes of an instance after a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Instances {
    /// It is dropped: calls share nothing.
    #[default]
    Fresh,
    /// It is kept for the same tenant's next call, within `[plugins.warm]`.
    Warm,
}

/// Instances that are kept between calls.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Warm {
    /// Kept instances of all plugins and tenants together.
    pub instances_max: u32,
    /// Idle ones of one plugin for one tenant.
    pub per_tenant_max: u32,
    /// Calls of one instance.
    pub calls_max: u32,
    /// From its start.
    pub age_max_ms: u64,
    /// Without a call.
    pub idle_max_ms: u64,
    /// One that has grown past this is dropped after the call.
    pub memory_bytes_max: usize,
}

impl Default for Warm {
    fn default() -> Self {
        Self {
            instances_max: 64,
            per_tenant_max: 8,
            calls_max: 1_000,
            age_max_ms: 600_000,
            idle_max_ms: 60_000,
            memory_bytes_max: 32 * 1024 * 1024,
        }
    }
}

/// `[plugins.probation]`: how a new version is watched, and when the one before it comes back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Probation {
    /// Calls that a new version is watched for; 0 for none.
    pub calls: u32,
    /// It is watched for this long at most.
    pub time_ms: u64,
    /// So many of those calls that trap or run out of time take it back, unless as many of the version
    /// before it did lately.
    pub failures: u32,
}

impl Default for Probation {
    fn default() -> Self {
        Self { calls: 20, time_ms: 600_000, failures: 1 }
    }
}

/// What one plugin is granted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Named {
    /// What the plugin reads through `settings` or `wasi:config`; the keys of a table inside are
    /// joined with dots.
    #[serde(deserialize_with = "flat")]
    pub config: BTreeMap<String, String>,
    /// Settings whose values are secrets.
    pub secrets: BTreeMap<String, Secret>,
    /// A folder that the plugin may read, as its `/`.
    pub files: Option<PathBuf>,
    /// Calls of it at one time.
    pub calls_max: Option<u32>,
    /// What becomes of its instances after a call.
    pub instances: Instances,
    /// Whether a large file of it serves in a quick build until the optimised one is there.
    pub quick_build: bool,
    /// Where it may send requests: scheme, host (`*.` stands for all names below) and port.
    pub outbound: Vec<String>,
    /// Networks of the company's own where those hosts may be.
    pub outbound_networks: Vec<String>,
    /// Secrets that the gateway puts into those requests, and the plugin never sees.
    pub bound_secrets: Vec<BoundSecret>,
    /// Keys that the gateway checks webhooks with on the plugin's behalf, and the plugin never sees.
    pub webhook_keys: BTreeMap<String, WebhookKey>,
    /// Whether the plugin may keep something, and how much.
    pub state: StateGrant,
    /// Limits that differ from `[plugins.limits]`.
    pub limits: LimitOverrides,
}

impl Named {
    /// Every secret with the key that names it, below the key of the plugin's table.
    pub fn secrets_mut(&mut self, table: &str) -> Vec<(String, &mut Secret)> {
        let mut secrets = Vec::new();
        for (key, secret) in &mut self.secrets {
            secrets.push((format!("{table}.secrets.{key}"), secret));
        }
        for (index, bound) in self.bound_secrets.iter_mut().enumerate() {
            for (key, secret) in &mut bound.secrets {
                secrets.push((format!("{table}.bound_secrets[{index}].secrets.{key}"), secret));
            }
        }
        for (key, webhook) in &mut self.webhook_keys {
            secrets.extend(webhook.secrets_mut(&format!("{table}.webhook_keys.{key}")));
        }
        secrets
    }
}

/// The configuration, as plugins see it.
pub trait PluginConfig: fmt::Debug + Send + Sync {
    /// `[plugins]`.
    fn plugins(&self) -> &Plugins;

    /// The roles for which tenants name a plugin.
    fn roles_of(&self, plugin: &str) -> Vec<Role>;
}

/// Turns `{ columns = { id = "Id" }, top = 5 }` into `columns.id` and `top`, all as text.
fn flat<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, String>, D::Error> {
    fn walk(key: String, value: toml::Value, out: &mut BTreeMap<String, String>) -> Result<(), String> {
        let text = match value {
            toml::Value::Table(table) => {
                return table.into_iter().try_for_each(|(name, value)| walk(format!("{key}.{name}"), value, out));
            }
            toml::Value::String(text) => text,
            toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => value.to_string(),
            toml::Value::Datetime(time) => time.to_string(),
            toml::Value::Array(_) => {
                return Err(format!("the setting `{key}` is a list; write it as one text"));
            }
        };
        out.insert(key, text);
        Ok(())
    }
    let mut out = BTreeMap::new();
    for (key, value) in toml::Table::deserialize(input)? {
        walk(key, value, &mut out).map_err(serde::de::Error::custom)?;
    }
    Ok(out)
}
