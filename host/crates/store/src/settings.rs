//! The section `[store]` of the configuration: the database, its limits, and retention.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The database, its limits, and retention.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `sqlite:` followed by the path of the file.
    pub url: String,
    /// Maximum of queued writes; further ones are rejected.
    pub queue_max: usize,
    /// Maximum of one tenant's queued writes; imports and state may use half of it.
    pub queue_per_tenant_max: usize,
    /// Maximum bytes in memory of one tenant's queued writes; imports and state may use half of it.
    pub queue_bytes_per_tenant_max: usize,
    /// Maximum of one channel's queued imports.
    pub queue_per_channel_max: usize,
    /// Maximum of concurrent reads; further ones wait.
    pub readers_max: usize,
    /// Maximum of one tenant's concurrent reads.
    pub readers_per_tenant_max: usize,
    /// Maximum of one tenant's open and dead deliveries; imports may use half of it.
    pub waiting_per_tenant_max: u64,
    /// Maximum bytes of the payloads of these deliveries; imports may use half of it.
    pub waiting_bytes_per_tenant_max: u64,
    /// Maximum bytes of one tenant's ended deliveries; the oldest are deleted first.
    pub deliveries_keep_bytes_per_tenant_max: u64,
    /// Maximum bytes of one tenant's stored events.
    pub events_bytes_per_tenant_max: u64,
    /// Free bytes on the file system below which imports are rejected; 0 disables the limit.
    pub free_bytes_imports_min: u64,
    /// Free bytes below which events and state are rejected as well; 0 disables the limit.
    pub free_bytes_events_min: u64,
    /// Timeout of a callback's write or read.
    pub timeout_ms: u64,
    /// How long a repeated event is recognized.
    pub events_keep_ms: u64,
    /// How long an ended delivery is kept.
    pub deliveries_keep_ms: u64,
    /// How long a channel's message is kept, so that a repetition, an echo and a late failure are recognized.
    pub messages_keep_ms: u64,
    /// How long a channel's conversation without messages is kept with all its names.
    pub conversations_keep_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: "sqlite:data/frontgate.db".to_owned(),
            queue_max: 1_024,
            queue_per_tenant_max: 256,
            queue_bytes_per_tenant_max: 32 * 1024 * 1024,
            queue_per_channel_max: 64,
            readers_max: 8,
            readers_per_tenant_max: 4,
            waiting_per_tenant_max: 100_000,
            waiting_bytes_per_tenant_max: 1024 * 1024 * 1024,
            deliveries_keep_bytes_per_tenant_max: 1024 * 1024 * 1024,
            events_bytes_per_tenant_max: 1024 * 1024 * 1024,
            free_bytes_imports_min: 512 * 1024 * 1024,
            free_bytes_events_min: 128 * 1024 * 1024,
            timeout_ms: 2_000,
            events_keep_ms: 259_200_000,
            deliveries_keep_ms: 259_200_000,
            messages_keep_ms: 2_592_000_000,
            conversations_keep_ms: 31_536_000_000,
        }
    }
}

impl Settings {
    /// Returns the path of the file, if the URL has one.
    pub fn path(&self) -> Option<&Path> {
        self.url.strip_prefix("sqlite:").filter(|path| !path.is_empty()).map(Path::new)
    }

    /// Resolves a relative path of the file against `folder`.
    pub fn resolve(&mut self, folder: &Path) {
        if let Some(path) = self.path() {
            let path: PathBuf = folder.join(path);
            self.url = format!("sqlite:{}", path.display());
        }
    }
}
