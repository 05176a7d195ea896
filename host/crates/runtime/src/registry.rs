//! Registry of live plugins, plugins that are being loaded, and receipts of their files.
//!
//! Every task reads it without blocking; only the reload task of `frontgate-loader` writes it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Instant;

use arc_swap::{ArcSwap, ArcSwapOption};
use frontgate_contract::Manifest;
use frontgate_contract::digest::Digest;
use frontgate_telemetry::metrics::METRICS;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::loaded_plugin::LoadedPlugin;
pub use crate::receipt::{Outcome, Receipt};

/// Maximum number of recent receipts.
const RECENT_MAX: usize = 50;

/// Maximum number of removed plugins whose last receipt is kept.
const REMOVED_MAX: usize = 100;

/// A version that was live.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Time at which the version last went live, in milliseconds since 1970.
    pub time_ms: u64,
    /// Declarations of the component.
    #[serde(flatten)]
    pub manifest: Manifest,
}

/// Live plugins and the last receipt of every file, by name.
#[derive(Default)]
pub struct Registry {
    live: ArcSwap<BTreeMap<String, Arc<LoadedPlugin>>>,
    receipts: ArcSwap<BTreeMap<String, Receipt>>,
    recent: ArcSwap<VecDeque<Receipt>>,
    loading: ArcSwap<Vec<String>>,
    probation: ArcSwap<Vec<String>>,
    versions: ArcSwap<BTreeMap<String, Vec<Version>>>,
    damaged: ArcSwapOption<String>,
    generations: Mutex<Vec<Generation>>,
}

/// A version that went live and is still referenced.
struct Generation {
    version: Weak<LoadedPlugin>,
    /// Time at which another version replaced this one.
    retired: Option<Instant>,
}

impl Registry {
    /// Returns a live plugin.
    pub fn get(&self, name: &str) -> Option<Arc<LoadedPlugin>> {
        self.live.load().get(name).cloned()
    }

    /// Returns all live plugins by name.
    pub fn live(&self) -> Arc<BTreeMap<String, Arc<LoadedPlugin>>> {
        self.live.load_full()
    }

    /// Returns the last receipt of every file.
    pub fn receipts(&self) -> Arc<BTreeMap<String, Receipt>> {
        self.receipts.load_full()
    }

    /// Returns the most recent receipts, newest first.
    pub fn recent(&self) -> Arc<VecDeque<Receipt>> {
        self.recent.load_full()
    }

    /// Returns names of files that are being loaded.
    pub fn loading(&self) -> Arc<Vec<String>> {
        self.loading.load_full()
    }

    /// Returns names of plugins on probation.
    pub fn on_probation(&self) -> Arc<Vec<String>> {
        self.probation.load_full()
    }

    /// Returns kept versions of every plugin, newest first.
    pub fn versions(&self) -> Arc<BTreeMap<String, Vec<Version>>> {
        self.versions.load_full()
    }

    /// Returns the path of damaged plugin records. Until the records are repaired, new files are rejected.
    pub fn damaged(&self) -> Option<Arc<String>> {
        self.damaged.load_full()
    }

    /// Counts versions in memory: live ones, those of calls in flight, and those kept for a rollback.
    pub fn generations(&self) -> usize {
        let mut generations = self.generations.lock();
        generations.retain(|generation| generation.version.strong_count() > 0);
        generations.len()
    }

    /// Returns versions that were replaced before a point in time and are still in memory.
    pub fn overdue(&self, before: Instant) -> Vec<Arc<LoadedPlugin>> {
        let generations = self.generations.lock();
        let overdue = generations.iter().filter(|generation| generation.retired.is_some_and(|since| since < before));
        overdue.filter_map(|generation| generation.version.upgrade()).collect()
    }

    /// Sets the names of files that are being loaded.
    pub fn set_loading(&self, names: Vec<String>) {
        self.loading.store(Arc::new(names));
    }

    /// Sets the names of plugins on probation.
    pub fn set_on_probation(&self, names: Vec<String>) {
        self.probation.store(Arc::new(names));
    }

    /// Sets the kept versions of every plugin.
    pub fn set_versions(&self, versions: BTreeMap<String, Vec<Version>>) {
        self.versions.store(Arc::new(versions));
    }

    /// Sets the path of damaged plugin records.
    pub fn set_damaged(&self, file: Option<Arc<str>>) {
        METRICS.plugin_records_damaged.set(file.is_some().into());
        self.damaged.store(file.map(|file| Arc::new(file.to_string())));
    }

    /// Makes a version live in place of the previous one.
    pub fn replace(&self, plugin: Arc<LoadedPlugin>) {
        let mut live = BTreeMap::clone(&self.live.load());
        let old = live.insert(plugin.name.to_string(), Arc::clone(&plugin));
        self.live.store(Arc::new(live));
        self.retire(old.as_ref(), Some(&plugin));
    }

    /// Returns a registry with the live plugins, and with another version of one of them.
    #[must_use]
    pub fn with(&self, candidate: Arc<LoadedPlugin>) -> Self {
        let mut live = BTreeMap::clone(&self.live.load());
        live.insert(candidate.name.to_string(), candidate);
        Self { live: ArcSwap::from_pointee(live), ..Self::default() }
    }

    /// Removes a plugin.
    pub fn remove(&self, name: &str) {
        let mut live = BTreeMap::clone(&self.live.load());
        let old = live.remove(name);
        self.live.store(Arc::new(live));
        self.retire(old.as_ref(), None);
    }

    fn retire(&self, old: Option<&Arc<LoadedPlugin>>, new: Option<&Arc<LoadedPlugin>>) {
        let mut generations = self.generations.lock();
        let is = |generation: &Generation, version: Option<&Arc<LoadedPlugin>>| {
            version.is_some_and(|version| std::ptr::eq(generation.version.as_ptr(), Arc::as_ptr(version)))
        };
        // A version that goes live again is counted once.
        generations.retain(|generation| generation.version.strong_count() > 0 && !is(generation, new));
        for generation in generations.iter_mut().filter(|generation| is(generation, old)) {
            generation.retired = Some(Instant::now());
        }
        generations.extend(new.map(|new| Generation { version: Arc::downgrade(new), retired: None }));
    }

    /// Adds a receipt.
    pub fn note(&self, receipt: Receipt) {
        let mut recent = VecDeque::clone(&self.recent.load());
        recent.push_front(receipt.clone());
        recent.truncate(RECENT_MAX);
        self.recent.store(Arc::new(recent));
        let mut receipts = BTreeMap::clone(&self.receipts.load());
        receipts.insert(receipt.plugin.clone(), receipt);
        let removed = receipts.values().filter(|receipt| receipt.outcome == Outcome::Removed);
        let mut removed: Vec<_> = removed.map(|receipt| (receipt.id.clone(), receipt.plugin.clone())).collect();
        if removed.len() > REMOVED_MAX {
            removed.sort();
            let oldest = removed.iter().take(removed.len() - REMOVED_MAX);
            oldest.for_each(|(_, name)| drop(receipts.remove(name)));
        }
        self.receipts.store(Arc::new(receipts));
    }
}
