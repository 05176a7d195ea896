//! What is different in another configuration, and what of it a running gateway cannot change: sockets
//! that are bound, memory that is reserved, an open database.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use toml::{Table, Value};

use super::Config;

/// What fingerprints mean, for the life of the process.
static FINGERPRINTS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Every key that is written and every secret that was read, each with a fingerprint of its value.
#[derive(Debug, Default)]
pub(super) struct Written(BTreeMap<String, u64>);

impl Written {
    /// What stands in a file.
    pub(super) fn new(text: &str) -> Self {
        let mut written = Self::default();
        // Whoever asks has parsed it before.
        written.table(text.parse().unwrap_or_default(), "");
        written
    }

    fn table(&mut self, table: Table, prefix: &str) {
        for (key, value) in table {
            match value {
                Value::Table(table) => self.table(table, &format!("{prefix}{key}.")),
                value => self.note(format!("{prefix}{key}"), &value.to_string()),
            }
        }
    }

    /// Adds a secret's value.
    pub(super) fn note(&mut self, key: String, value: &str) {
        self.0.insert(key, FINGERPRINTS.hash_one(value));
    }
}

/// Settings that a running gateway cannot change, as they were at its start. Holds no secret, so that a reload can
/// erase those of the first configuration.
#[derive(Debug)]
pub struct Fixed {
    settings: Vec<(&'static str, String)>,
    /// Reserved memory: lower values need no restart.
    reserved: Vec<(&'static str, usize)>,
}

impl Config {
    /// The keys that are different in another configuration, and the secrets.
    pub fn changes(&self, new: &Self) -> Vec<String> {
        let (old, new) = (&self.written.0, &new.written.0);
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).cloned().collect()
    }

    /// Returns the settings that a running gateway cannot change.
    pub fn fixed(&self) -> Fixed {
        macro_rules! settings {
            ($($section:ident$(.$key:ident)*,)+) => {
                vec![$((stringify!($section$(.$key)*), format!("{:?}", self.$section$(.$key)*))),+]
            };
        }
        let settings = settings![
            server.listen,
            server.connections_max,
            server.connections_verified_percent,
            server.connections_per_address_max,
            server.connection_age_ms,
            server.header_timeout_ms,
            server.header_bytes_max,
            server.headers_max,
            server.unverified_body_bytes_max,
            server.write_timeout_ms,
            server.shutdown_delay_ms,
            server.shutdown_grace_ms,
            admin.listen,
            admin.socket,
            log,
            process,
            store,
            plugins.directory,
            plugins.cache,
            plugins.cache_files_max,
            plugins.cache_bytes_max,
            plugins.records,
            plugins.versions_max,
            plugins.versions_bytes_max,
            plugins.names_max,
            plugins.receipts_max,
            plugins.calls_max,
            plugins.directory_calls_max,
            plugins.memory_bytes_total_max,
            plugins.file_threads_per_plugin_max,
            plugins.queue_max,
            plugins.stack_bytes_max,
        ];
        Fixed { settings, reserved: self.plugins.reserved().into_iter().collect() }
    }
}

impl Fixed {
    /// Returns the settings that differ in another configuration and need a restart.
    pub fn changed(&self, new: &Config) -> Vec<&'static str> {
        let new = new.fixed();
        let both = self.settings.iter().zip(&new.settings);
        let changed = both.filter(|(old, new)| old.1 != new.1).map(|(old, _)| old.0);
        let both = self.reserved.iter().zip(&new.reserved);
        changed.chain(both.filter(|(old, new)| new.1 > old.1).map(|(old, _)| old.0)).collect()
    }
}
