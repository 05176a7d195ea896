//! Watches the folder that the source's plugin reads: a changed file starts a run at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use frontgate_customers::TenantCustomers;
use notify::{EventKind, RecursiveMode, Watcher as _};
use tracing::warn;

/// A watched folder. Without one, runs at intervals find changes.
#[derive(Default)]
pub(crate) struct WatchedFolder {
    path: Option<PathBuf>,
    watcher: Option<notify::RecommendedWatcher>,
}

impl WatchedFolder {
    /// Watches another folder, or none.
    pub(crate) fn set(&mut self, path: Option<&Path>, customers: &Arc<TenantCustomers>) {
        if self.path.as_deref() == path {
            return;
        }
        self.path = path.map(Path::to_owned);
        self.watcher = path.and_then(|path| watch(path, customers));
    }
}

fn watch(path: &Path, customers: &Arc<TenantCustomers>) -> Option<notify::RecommendedWatcher> {
    let triggered = Arc::clone(customers);
    let changed = move |event: notify::Result<notify::Event>| {
        // Reading a file is an event, too.
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
            triggered.trigger(false);
        }
    };
    let watcher = notify::recommended_watcher(changed).and_then(|mut watcher| {
        watcher.watch(path, RecursiveMode::Recursive)?;
        Ok(watcher)
    });
    watcher
        .inspect_err(|error| {
            warn!(
                event = "customers.folder_not_watched",
                tenant = &**customers.tenant(),
                "failed to watch the folder of the customers' plugin, changes are found at intervals: {error}"
            );
        })
        .ok()
}
