//! Hints of the system that the folder has changed. They are never more than a hint to look.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{RecursiveMode, Watcher};
use tokio::sync::Notify;
use tracing::warn;

/// Watches one folder.
pub(super) struct Watch {
    folder: PathBuf,
    changed: Arc<Notify>,
    /// The folder that is watched, which may not be the one that has its name by now.
    inode: Option<(u64, u64)>,
    watcher: Option<notify::RecommendedWatcher>,
}

impl Watch {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), changed: Arc::default(), inode: None, watcher: None }
    }

    /// The system says that something may have changed.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Makes sure that the folder which has the name now is the one that is watched: another may have been
    /// mounted or moved there.
    pub(super) fn follow(&mut self) {
        let inode = fs::metadata(&self.folder).ok().map(|metadata| (metadata.dev(), metadata.ino()));
        if inode.is_none() || inode == self.inode {
            return;
        }
        self.inode = inode;
        let hint = Arc::clone(&self.changed);
        // Looking at the folder is an event, too, and must not lead to the next look.
        let changes = move |event: notify::Result<notify::Event>| {
            if !event.is_ok_and(|event| event.kind.is_access()) {
                hint.notify_one();
            }
        };
        let watcher = notify::recommended_watcher(changes).and_then(|mut watcher| {
            watcher.watch(&self.folder, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        self.watcher = watcher
            .map_err(|error| {
                warn!(event = "plugin.watch_failed", "failed to watch the plugins folder; rescanning only: {error}")
            })
            .ok();
    }
}
