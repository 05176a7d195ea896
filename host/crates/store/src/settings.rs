//! `[store]`: where events and deliveries are kept, and for how long.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where events and deliveries are kept.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `sqlite:` and a path.
    pub url: String,
    /// Writes that wait for the disk; further ones are refused.
    pub queue_max: usize,
    /// Of those, for one tenant. Imports and state take half of it at most.
    pub queue_per_tenant_max: usize,
    /// Bytes of what one tenant's writes keep in memory while they wait, in the same way.
    pub queue_bytes_per_tenant_max: usize,
    /// Imports of one channel that wait for the disk.
    pub queue_per_channel_max: usize,
    /// Reads at one time; further ones wait.
    pub readers_max: usize,
    /// Of those, for one tenant.
    pub readers_per_tenant_max: usize,
    /// Deliveries of one tenant that are not made yet, or were given up. Imports take half of it at most.
    pub waiting_per_tenant_max: u64,
    /// Bytes of what they tell, in the same way.
    pub waiting_bytes_per_tenant_max: u64,
    /// Bytes of deliveries of one tenant that have come to their end; the oldest go first.
    pub deliveries_keep_bytes_per_tenant_max: u64,
    /// Bytes of what is remembered of one tenant's events.
    pub events_bytes_per_tenant_max: u64,
    /// Free space on the database's file system below which imports are refused; 0: never.
    pub free_bytes_imports_min: u64,
    /// Below which events and plugins' state are refused as well; 0: never.
    pub free_bytes_events_min: u64,
    /// How long a callback waits for its write, or for what it reads.
    pub timeout_ms: u64,
    /// How long a repeated event is recognised.
    pub events_keep_ms: u64,
    /// How long a delivery that has come to its end can be looked at.
    pub deliveries_keep_ms: u64,
    /// How long a channel's message is known: so long a repeated one, an echo and a late failure are
    /// recognised.
    pub messages_keep_ms: u64,
    /// How long a channel's conversation in which nothing happens is known by all its names.
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
    /// The database's file, if the URL names one.
    pub fn path(&self) -> Option<&Path> {
        self.url.strip_prefix("sqlite:").filter(|path| !path.is_empty()).map(Path::new)
    }

    /// Makes the path of the database absolute: relative ones start at `folder`.
    pub fn resolve(&mut self, folder: &Path) {
        if let Some(path) = self.path() {
            let path: PathBuf = folder.join(path);
            self.url = format!("sqlite:{}", path.display());
        }
    }
}
