//! `[store]`: where events and deliveries are stored, for how long, and how much of the store each tenant may use.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

/// The database: events that were acknowledged, deliveries, and state of plugins.
#[derive(Debug, PartialEq, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-restart" = true))]
pub struct Settings {
    /// Location of the database: `sqlite:` and the path of its file. Only one gateway may use the file at a time.
    #[default = "sqlite:data/frontgate.db"]
    pub url: String,
    /// Writes that may wait for the disk. Callbacks whose write finds the queue full get 503.
    #[default = 1_024]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub queue_max: usize,
    /// Writes of one tenant that may wait. Imports and plugin state use at most half of them.
    #[default = 256]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub queue_per_tenant_max: usize,
    /// Memory in bytes that waiting writes of one tenant may use. Imports and plugin state use at most half of it.
    #[default(32 << 20)]
    #[schemars(range(min = 1, max = 64_u64 << 30))]
    pub queue_bytes_per_tenant_max: usize,
    /// Imports of one channel that may wait for the disk.
    #[default = 64]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub queue_per_channel_max: usize,
    /// Concurrent reads. Further reads wait, at most for `timeout_ms`.
    #[default = 8]
    #[schemars(range(min = 1, max = 256))]
    pub readers_max: usize,
    /// Concurrent reads of one tenant.
    #[default = 4]
    #[schemars(range(min = 1, max = 256))]
    pub readers_per_tenant_max: usize,
    /// Deliveries of one tenant that are open or were given up. Further events get 503. Imports use at most half.
    #[default = 100_000]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub waiting_per_tenant_max: u64,
    /// Bytes of the events of those deliveries. Imports use at most half.
    #[default(1 << 30)]
    #[schemars(range(min = 1, max = 1_u64 << 50))]
    pub waiting_bytes_per_tenant_max: u64,
    /// Bytes of finished deliveries of one tenant. Beyond this size, the oldest are deleted early.
    #[default(1 << 30)]
    #[schemars(range(min = 0, max = 1_u64 << 50))]
    pub deliveries_keep_bytes_per_tenant_max: u64,
    /// Bytes of the records that detect repeated events of one tenant. Further events get 503.
    #[default(1 << 30)]
    #[schemars(range(min = 1, max = 1_u64 << 50))]
    pub events_bytes_per_tenant_max: u64,
    /// Free bytes on the database's file system below which imports get 503. At least `free_bytes_events_min`; 0
    /// turns the check off.
    #[default(512 << 20)]
    #[schemars(range(min = 0, max = 1_u64 << 50))]
    pub free_bytes_imports_min: u64,
    /// Free bytes below which events of the platforms and plugin state are rejected too. 0 turns the check off.
    #[default(128 << 20)]
    #[schemars(range(min = 0, max = 1_u64 << 50))]
    pub free_bytes_events_min: u64,
    /// Time that a callback waits for its write or its reads.
    #[default = 2_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub timeout_ms: u64,
    /// Time for which a repeated event is detected.
    #[default = 259_200_000]
    #[schemars(range(min = 1, max = 365 * 86_400_000_u64))]
    pub events_keep_ms: u64,
    /// Time for which a finished delivery is kept. A delivery that was given up stays until the operator decides.
    #[default = 259_200_000]
    #[schemars(range(min = 1, max = 365 * 86_400_000_u64))]
    pub deliveries_keep_ms: u64,
    /// Time for which a channel's message is kept, to detect repeated messages, echoes and late failures.
    #[default = 2_592_000_000]
    #[schemars(range(min = 1, max = 10 * 365 * 86_400_000_u64))]
    pub messages_keep_ms: u64,
    /// Time after its last message for which a channel's conversation keeps all its names.
    #[default = 31_536_000_000]
    #[schemars(range(min = 1, max = 100 * 365 * 86_400_000_u64))]
    pub conversations_keep_ms: u64,
}

impl Settings {
    /// Returns the path of the database file, or `None` if the URL is not one of SQLite.
    pub fn path(&self) -> Option<&Path> {
        self.url.strip_prefix("sqlite:").filter(|path| !path.is_empty()).map(Path::new)
    }

    /// Makes the path of the database absolute. Relative paths start at `folder`.
    pub fn resolve(&mut self, folder: &Path) {
        if let Some(path) = self.path() {
            let path: PathBuf = folder.join(path);
            self.url = format!("sqlite:{}", path.display());
        }
    }
}
