//! `[store]`: where events and deliveries are stored, for how long, and how much of the store each tenant may use.

use std::path::{Path, PathBuf};

use anyhow::bail;
use frontgate_settings::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

/// The database: events that were acknowledged, deliveries, and state of plugins.
#[derive(Debug, Clone, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-restart" = true))]
pub struct Settings {
    /// Location of the database. `sqlite:` and the path of its file, for one gateway; or
    /// `postgres://USER@HOST/DATABASE`, which any number of gateways share. Several hosts are separated by commas. The
    /// URL must not contain a password.
    #[default = "sqlite:data/frontgate.db"]
    pub url: String,
    /// Password for Postgres.
    pub password: Option<Secret>,
    /// URL for notifications, if `url` leads to a pooler, which does not deliver them. Empty: `url`.
    pub listen_url: String,
    /// Connections to Postgres that write. Writes that wait share a transaction, so more connections are rarely faster.
    /// Reads use further connections, see `readers_max`.
    #[default = 4]
    #[schemars(range(min = 1, max = 256))]
    pub connections_max: usize,
    /// Time limit for connecting to a host of Postgres.
    #[default = 5_000]
    #[schemars(range(min = 1, max = 600_000))]
    pub connect_timeout_ms: u64,
    /// Certificate authorities for Postgres, as PEM files, in addition to those that browsers trust. Connections to
    /// other machines always use TLS.
    pub ca_files: Vec<PathBuf>,
    /// Whether statements are prepared on Postgres. Turn it off behind a pooler that does not support prepared
    /// statements, such as PgBouncer before 1.21.
    #[default = true]
    pub prepared: bool,
    /// Who creates and migrates the tables of Postgres: each gateway that starts, or an operator.
    pub upgrade: Upgrade,
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
    /// Time for which the record of people's actions is kept.
    #[default = 34_560_000_000]
    #[schemars(range(min = 86_400_000, max = 100 * 365 * 86_400_000_u64))]
    pub actions_keep_ms: u64,
}

/// Who migrates the tables of Postgres.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Upgrade {
    /// The first gateway of a new version.
    #[default]
    Auto,
    /// An operator, by `frontgate store upgrade`. Gateways wait until it was run.
    Manual,
}

/// The engine of `store.url`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location<'s> {
    /// A SQLite file.
    Sqlite(&'s Path),
    /// A Postgres server.
    Postgres,
}

impl Settings {
    /// Returns the engine.
    ///
    /// # Errors
    ///
    /// Fails if the URL is not one of a supported database, or if its server cannot be used as written.
    pub fn location(&self) -> anyhow::Result<Location<'_>> {
        if let Some(path) = self.url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return Ok(Location::Sqlite(Path::new(path)));
        }
        if self.url.starts_with("postgres://") || self.url.starts_with("postgresql://") {
            return Ok(Location::Postgres);
        }
        bail!("store.url is not the URL of a supported database; write sqlite:data/frontgate.db, or postgres://...")
    }

    /// Checks the address of a Postgres server.
    ///
    /// # Errors
    ///
    /// Fails with the fault and how to fix it.
    pub fn check_server(&self) -> anyhow::Result<()> {
        match self.location()? {
            Location::Sqlite(_) => Ok(()),
            Location::Postgres => crate::postgres::Server::new(self).map(drop),
        }
    }

    /// Returns whether several gateways may use the database.
    pub fn is_shared(&self) -> bool {
        matches!(self.location(), Ok(Location::Postgres))
    }

    /// Returns the file of the database; `None` on a server.
    pub fn file(&self) -> Option<&Path> {
        match self.location() {
            Ok(Location::Sqlite(path)) => Some(path),
            _ => None,
        }
    }

    /// Makes paths absolute. Relative paths start at `folder`.
    pub fn resolve(&mut self, folder: &Path) {
        if let Ok(Location::Sqlite(path)) = self.location() {
            let path: PathBuf = folder.join(path);
            self.url = format!("sqlite:{}", path.display());
        }
        for file in &mut self.ca_files {
            *file = folder.join(&*file);
        }
    }
}
