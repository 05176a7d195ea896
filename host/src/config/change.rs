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

impl Config {
    /// The keys that are different in another configuration, and the secrets.
    pub fn changes(&self, new: &Self) -> Vec<String> {
        let (old, new) = (&self.written.0, &new.written.0);
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).cloned().collect()
    }

    /// The settings of another configuration that would need a restart of what began with this one.
    pub fn fixed_settings_changed(&self, new: &Self) -> Vec<&'static str> {
        let mut changed = Vec::new();
        macro_rules! compare {
            ($($section:ident$(.$key:ident)*,)+) => {
                $(if self.$section$(.$key)* != new.$section$(.$key)* {
                    changed.push(stringify!($section$(.$key)*));
                })+
            };
        }
        compare![
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
            store,
            plugins.directory,
            plugins.cache,
            plugins.cache_files_max,
            plugins.cache_bytes_max,
            plugins.records,
            plugins.versions_max,
            plugins.receipts_max,
            plugins.calls_max,
            plugins.directory_calls_max,
            plugins.memory_bytes_total_max,
            plugins.file_threads_per_plugin_max,
            plugins.queue_max,
            plugins.stack_bytes_max,
        ];
        let both = self.plugins.reserved().into_iter().zip(new.plugins.reserved());
        changed.extend(both.filter(|((_, old), (_, new))| new > old).map(|((name, _), _)| name));
        changed
    }
}
