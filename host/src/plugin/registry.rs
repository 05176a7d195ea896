//! Which plugins are live, which are being loaded, and how their files last fared. Read by everyone, written by
//! [`super::load::reload`] alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;

use super::live::Live;
use super::load::cache::Digest;

/// Live plugins and the last receipt of every file, by name.
#[derive(Default)]
pub struct Registry {
    live: ArcSwap<BTreeMap<String, Arc<Live>>>,
    receipts: ArcSwap<BTreeMap<String, Receipt>>,
    loading: ArcSwap<Vec<String>>,
}

/// How an attempt to bring a file to life ended.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// When it ended.
    pub time: SystemTime,
    /// Which bytes were tried; none for a removed file, or one that could not be read.
    pub digest: Option<Digest>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The file answers now.
    Live,
    /// The file is not usable, and the version before it answers on.
    Kept(String),
    /// The file is not usable, and there was none before it.
    Refused(String),
    /// The file is gone, and so is the plugin.
    Removed,
}

impl Outcome {
    /// One word, for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Kept(_) => "kept",
            Self::Refused(_) => "refused",
            Self::Removed => "removed",
        }
    }

    /// Why a file is not usable.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Kept(reason) | Self::Refused(reason) => Some(reason),
            Self::Live | Self::Removed => None,
        }
    }
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

    /// Files that are being tried right now.
    pub fn loading(&self) -> Arc<Vec<String>> {
        self.loading.load_full()
    }

    pub(super) fn set_loading(&self, names: Vec<String>) {
        self.loading.store(Arc::new(names));
    }

    pub(super) fn replace(&self, plugin: Live) {
        let mut live = BTreeMap::clone(&self.live.load());
        live.insert(plugin.name.to_string(), Arc::new(plugin));
        self.live.store(Arc::new(live));
    }

    pub(super) fn remove(&self, name: &str) {
        let mut live = BTreeMap::clone(&self.live.load());
        live.remove(name);
        self.live.store(Arc::new(live));
    }

    pub(super) fn note(&self, name: &str, receipt: Receipt) {
        let mut receipts = BTreeMap::clone(&self.receipts.load());
        receipts.insert(name.to_owned(), receipt);
        self.receipts.store(Arc::new(receipts));
    }
}
