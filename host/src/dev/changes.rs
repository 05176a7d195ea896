//! Detects changed files of a project. Notifications of the system only trigger a scan; modification times and sizes
//! decide.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use frontgate_plugin_test::project::Project;
use notify::{RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Polling interval if no notification arrives.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Time without changes that ends a round of saves; some editors write several files.
const SETTLE: Duration = Duration::from_millis(100);
/// Maximum number of watched files.
const FILES_MAX: usize = 10_000;
/// Names of folders with build output.
const GENERATED: [&str; 5] = ["target", "node_modules", "gen", "build", "__pycache__"];

/// Kind of files that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Files that the build reads.
    Sources,
    /// Only cases.
    Cases,
}

/// Watches the files of one project.
pub(super) struct Changes {
    cases: PathBuf,
    roots: Vec<PathBuf>,
    seen: BTreeMap<PathBuf, (SystemTime, u64)>,
    hint: Arc<Notify>,
    _watcher: Option<notify::RecommendedWatcher>,
}

impl Changes {
    pub(super) fn watch(project: &Project) -> Self {
        let folder = &project.folder;
        let mut roots: Vec<PathBuf> = match project.watch.is_empty() {
            true => fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect(),
            false => project.watch.iter().map(|path| folder.join(path)).collect(),
        };
        roots.retain(|path| is_source(path));
        for more in ["cases", frontgate_plugin_test::project::FILE] {
            roots.push(folder.join(more));
        }
        let hint: Arc<Notify> = Arc::default();
        let notified = Arc::clone(&hint);
        let on_event = move |event: notify::Result<notify::Event>| {
            if !event.is_ok_and(|event| event.kind.is_access()) {
                notified.notify_one();
            }
        };
        // Without a watcher, polling still detects changes, but more slowly.
        let watcher = notify::recommended_watcher(on_event).ok().map(|mut watcher| {
            for root in &roots {
                // Watch the file's folder, because editors replace files.
                let (root, mode) = match root.is_dir() {
                    true => (root.as_path(), RecursiveMode::Recursive),
                    false => (root.parent().unwrap_or(root), RecursiveMode::NonRecursive),
                };
                let _ = watcher.watch(root, mode);
            }
            watcher
        });
        let mut changes = Self { cases: folder.join("cases"), roots, seen: BTreeMap::new(), hint, _watcher: watcher };
        changes.seen = changes.scan();
        changes
    }

    /// Waits until files have changed and then stay unchanged for a moment.
    pub(super) async fn next(&mut self) -> Kind {
        loop {
            let _ = timeout(POLL_INTERVAL, self.hint.notified()).await;
            let mut now = self.scan();
            if now == self.seen {
                continue;
            }
            loop {
                sleep(SETTLE).await;
                let later = self.scan();
                if later == now {
                    break;
                }
                now = later;
            }
            let before = std::mem::replace(&mut self.seen, now);
            let all = before.keys().chain(self.seen.keys());
            let mut changed = all.filter(|path| before.get(*path) != self.seen.get(*path));
            return if changed.all(|path| path.starts_with(&self.cases)) { Kind::Cases } else { Kind::Sources };
        }
    }

    fn scan(&self) -> BTreeMap<PathBuf, (SystemTime, u64)> {
        let mut found = BTreeMap::new();
        let mut paths = self.roots.clone();
        while let (Some(path), true) = (paths.pop(), found.len() < FILES_MAX) {
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if metadata.is_dir() {
                let entries = fs::read_dir(&path).into_iter().flatten().flatten();
                paths.extend(entries.map(|entry| entry.path()).filter(|path| is_source(path)));
            } else if let Ok(time) = metadata.modified() {
                found.insert(path, (time, metadata.len()));
            }
        }
        found
    }
}

/// Returns whether a path is a source, not build output.
fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && !GENERATED.contains(&&*name) && !name.ends_with(".wasm") && !name.ends_with(".o")
}
