//! The private folder of the cache, with functions that create, list and remove files in it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use frontgate_system::ownership;
use rustix::fs::{AtFlags, FileType, fstat, statat};

/// A folder that only this user can write to. The opened folder stays in use until it is removed, even if another
/// folder gets its name.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: Arc<Path>,
    held: Arc<ArcSwap<ownership::Folder>>,
}

/// A file in the folder.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) modified: SystemTime,
    pub(super) bytes: u64,
}

impl Entry {
    /// Returns the time since the last use, or zero if the last use is in the future.
    pub(super) fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.modified).unwrap_or_default()
    }
}

impl Folder {
    /// Opens or creates the folder.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let folder = ownership::Folder::private(path);
        let context = || format!("failed to open the plugin cache folder {}", path.display());
        Ok(Self { path: path.into(), held: Arc::new(ArcSwap::from_pointee(folder.with_context(context)?)) })
    }

    /// Returns the open folder. If it was removed, creates and opens it again.
    fn held(&self) -> Arc<ownership::Folder> {
        let held = self.held.load_full();
        if fstat(&*held).is_ok_and(|found| found.st_nlink > 0) {
            return held;
        }
        match ownership::Folder::private_existing(&self.path) {
            Ok(anew) => {
                let anew = Arc::new(anew);
                self.held.store(Arc::clone(&anew));
                anew
            }
            Err(_) => held,
        }
    }

    /// Returns the names of all entries, or an empty list if the folder was removed.
    pub(super) fn names(&self) -> Vec<String> {
        self.held().names().unwrap_or_default()
    }

    /// Returns the regular files in the folder.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let (folder, names) = (self.held(), self.names().into_iter());
        let described = names.filter_map(|name| {
            let found = statat(&*folder, &*name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            let seconds = u64::try_from(found.st_mtime).unwrap_or_default();
            let modified = SystemTime::UNIX_EPOCH + Duration::new(seconds, u32::try_from(found.st_mtime_nsec).ok()?);
            let bytes = u64::try_from(found.st_size).ok()?;
            (FileType::from_raw_mode(found.st_mode) == FileType::RegularFile).then_some(Entry { name, modified, bytes })
        });
        described.collect()
    }

    /// Opens a file. Returns `None` if the file is missing, a link, not a regular file, or another user's file.
    pub(super) fn read(&self, name: &str) -> Option<File> {
        self.held().file(name).ok()
    }

    /// Creates a file that does not exist yet.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        self.held().create(name)
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> anyhow::Result<()> {
        self.held().rename(from, to).context("failed to rename the file")
    }

    /// Removes a file. Errors are ignored.
    pub(super) fn remove(&self, name: &str) {
        let _ = self.held().remove(name);
    }
}
