//! Which plugins are live, which are being loaded, and how their files last fared. Read by everyone, written by
//! [`frontgate_loader::reload`] alone.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use arc_swap::{ArcSwap, ArcSwapOption};
use frontgate_contract::Manifest;
use frontgate_contract::digest::Digest;
use frontgate_telemetry::metrics::METRICS;
use serde::{Deserialize, Serialize};

use super::live::Live;
pub use super::receipt::{Outcome, Receipt};

/// Receipts of all plugins that are shown together.
const RECENT_MAX: usize = 50;

/// Removed plugins whose last receipt is shown; those of the others are bounded by the files that are there.
const REMOVED_MAX: usize = 100;

/// A version that was live.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// SHA-256 of its file.
    pub digest: Digest,
    /// Since when it answered, the last time; milliseconds since 1970.
    pub time_ms: u64,
    /// What it says of itself.
    #[serde(flatten)]
    pub manifest: Manifest,
}

/// Live plugins and the last receipt of every file, by name.
#[derive(Default)]
pub struct Registry {
    live: ArcSwap<BTreeMap<String, Arc<Live>>>,
    receipts: ArcSwap<BTreeMap<String, Receipt>>,
    recent: ArcSwap<VecDeque<Receipt>>,
    loading: ArcSwap<Vec<String>>,
    probation: ArcSwap<Vec<String>>,
    versions: ArcSwap<BTreeMap<String, Vec<Version>>>,
    damaged: ArcSwapOption<String>,
    generations: Mutex<Vec<Generation>>,
}

/// A version that was made live, for as long as somebody holds it.
struct Generation {
    version: Weak<Live>,
    /// Since when it does not answer any more.
    retired: Option<Instant>,
}

impl Registry {
    /// A live plugin.
    pub fn get(&self, name: &str) -> Option<Arc<Live>> {
        self.live.load().get(name).cloned()
    }

    /// Every live plugin.
    pub fn live(&self) -> Arc<BTreeMap<String, Arc<Live>>> {
        self.live.load_full()
    }

    /// The last receipt of every file.
    pub fn receipts(&self) -> Arc<BTreeMap<String, Receipt>> {
        self.receipts.load_full()
    }

    /// The last receipts of all, the newest first.
    pub fn recent(&self) -> Arc<VecDeque<Receipt>> {
        self.recent.load_full()
    }

    /// Files that are being tried right now.
    pub fn loading(&self) -> Arc<Vec<String>> {
        self.loading.load_full()
    }

    /// Plugins whose newest version is watched.
    pub fn on_probation(&self) -> Arc<Vec<String>> {
        self.probation.load_full()
    }

    /// Versions of every plugin that are kept, the newest first.
    pub fn versions(&self) -> Arc<BTreeMap<String, Vec<Version>>> {
        self.versions.load_full()
    }

    /// Damaged plugin records, while new bytes are refused because of them.
    pub fn damaged(&self) -> Option<Arc<String>> {
        self.damaged.load_full()
    }

    /// Versions that somebody holds: those that are live, those that calls in flight began with, and those
    /// that are gone back to if a newer one fails.
    pub fn generations(&self) -> usize {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.retain(|generation| generation.version.strong_count() > 0);
        generations.len()
    }

    /// Versions that have not answered since `before`, and are held nevertheless.
    pub fn overdue(&self, before: Instant) -> Vec<Arc<Live>> {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let overdue = generations.iter().filter(|generation| generation.retired.is_some_and(|since| since < before));
        overdue.filter_map(|generation| generation.version.upgrade()).collect()
    }

    pub fn set_loading(&self, names: Vec<String>) {
        self.loading.store(Arc::new(names));
    }

    pub fn set_on_probation(&self, names: Vec<String>) {
        self.probation.store(Arc::new(names));
    }

    pub fn set_versions(&self, versions: BTreeMap<String, Vec<Version>>) {
        self.versions.store(Arc::new(versions));
    }

    pub fn set_damaged(&self, file: Option<Arc<str>>) {
        METRICS.plugin_records_damaged.set(file.is_some().into());
        self.damaged.store(file.map(|file| Arc::new(file.to_string())));
    }

    pub fn replace(&self, plugin: Arc<Live>) {
        let mut live = BTreeMap::clone(&self.live.load());
        let old = live.insert(plugin.name.to_string(), Arc::clone(&plugin));
        self.live.store(Arc::new(live));
        self.retire(old.as_ref(), Some(&plugin));
    }

    pub fn remove(&self, name: &str) {
        let mut live = BTreeMap::clone(&self.live.load());
        let old = live.remove(name);
        self.live.store(Arc::new(live));
        self.retire(old.as_ref(), None);
    }

    fn retire(&self, old: Option<&Arc<Live>>, new: Option<&Arc<Live>>) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let is = |generation: &Generation, version: Option<&Arc<Live>>| {
            version.is_some_and(|version| std::ptr::eq(generation.version.as_ptr(), Arc::as_ptr(version)))
        };
        // A version that comes back is not another one.
        generations.retain(|generation| generation.version.strong_count() > 0 && !is(generation, new));
        for generation in generations.iter_mut().filter(|generation| is(generation, old)) {
            generation.retired = Some(Instant::now());
        }
        generations.extend(new.map(|new| Generation { version: Arc::downgrade(new), retired: None }));
    }

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
