//! Finds the differences between two configurations, including those that a running gateway cannot apply.
//!
//! Changes of bound sockets, reserved memory or the open database need a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use toml::{Table, Value};

use super::Config;
use super::schema::settings;

/// Hash function of fingerprints: random, but constant during the life of the process.
static HASH: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Every key of the file and of secrets, with a hash of its value.
#[derive(Debug, Default)]
pub(super) struct Fingerprint(BTreeMap<String, u64>);

impl Fingerprint {
    /// Hashes the keys of a file that was parsed before.
    pub(super) fn new(text: &str) -> Self {
        let mut fingerprint = Self::default();
        fingerprint.table(text.parse().unwrap_or_default(), "");
        fingerprint
    }

    fn table(&mut self, table: Table, prefix: &str) {
        for (key, value) in table {
            match value {
                Value::Table(table) => self.table(table, &format!("{prefix}{key}.")),
                value => self.add(format!("{prefix}{key}"), &value.to_string()),
            }
        }
    }

    /// Adds a key and the hash of its value. For a secret, replaces the hash of its source.
    pub(super) fn add(&mut self, key: String, value: &str) {
        self.0.insert(key, HASH.hash_one(value));
    }
}

/// Startup values of the settings that a running gateway cannot change.
///
/// Contains no secret, so that a reload can erase the secrets of the first configuration.
#[derive(Debug)]
pub struct Fixed {
    settings: BTreeMap<String, String>,
    /// Sizes of reserved memory, by key; lower values need no restart.
    reserved: Vec<(&'static str, usize)>,
}

impl Config {
    /// Returns the keys, including those of secrets, whose values differ in another configuration.
    pub fn changes(&self, new: &Self) -> Vec<String> {
        let (old, new) = (&self.fingerprint.0, &new.fingerprint.0);
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).cloned().collect()
    }

    /// Returns the settings that a running gateway cannot change.
    pub fn fixed(&self) -> Fixed {
        let fixed = settings(&self.values).into_iter().filter(|setting| setting.restart);
        Fixed {
            settings: fixed.map(|setting| (setting.key, setting.value.to_string())).collect(),
            reserved: self.plugins.reserved().into_iter().collect(),
        }
    }
}

impl Fixed {
    /// Returns the settings that differ in another configuration and need a restart.
    pub fn changed(&self, new: &Config) -> Vec<String> {
        let new = new.fixed();
        let keys: BTreeSet<&String> = self.settings.keys().chain(new.settings.keys()).collect();
        let changed = keys.into_iter().filter(|key| self.settings.get(*key) != new.settings.get(*key)).cloned();
        let both = self.reserved.iter().zip(&new.reserved);
        changed.chain(both.filter(|(old, new)| new.1 > old.1).map(|(old, _)| old.0.to_owned())).collect()
    }
}
