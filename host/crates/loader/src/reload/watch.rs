//! File system notifications that the plugins folder may have changed. They only trigger a scan.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{RecursiveMode, Watcher};
use tokio::sync::Notify;
use tracing::warn;

/// A watch on the plugins folder.
pub(super) struct Watch {
    folder: PathBuf,
    changed: Arc<Notify>,
    /// Device and inode of the watched folder; another folder may have its name by now.
    inode: Option<(u64, u64)>,
    watcher: Option<notify::RecommendedWatcher>,
}

impl Watch {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), changed: Arc::default(), inode: None, watcher: None }
    }

    /// Waits for a notification.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Watches the folder at the path again if another folder was mounted or moved there.
    pub(super) fn renew(&mut self) {
        let inode = fs::metadata(&self.folder).ok().map(|metadata| (metadata.dev(), metadata.ino()));
        if inode.is_none() || inode == self.inode {
            return;
        }
        self.inode = inode;
        let hint = Arc::clone(&self.changed);
        // A scan also causes an event, which must not trigger another scan.
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
