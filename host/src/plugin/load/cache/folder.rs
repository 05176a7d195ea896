//! The folder of the cache: a private folder whose files are named, dated and removed by the cache.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rustix::fs::{AtFlags, FileType, statat};

use crate::ownership;

/// A folder that only this user can write to.
#[derive(Debug, Clone)]
pub(super) struct Folder(Arc<ownership::Folder>);

/// A file in it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) modified: SystemTime,
    pub(super) bytes: u64,
}

impl Entry {
    /// How long ago it was used; zero for one from the future.
    pub(super) fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.modified).unwrap_or_default()
    }
}

impl Folder {
    /// Opens the folder, and makes it if need be.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let folder = ownership::Folder::private(path);
        let context = || format!("preparing the folder {} for compiled plugins", path.display());
        Ok(Self(Arc::new(folder.with_context(context)?)))
    }

    /// The names of everything in it; none if it was removed.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.names().unwrap_or_default()
    }

    /// Its regular files.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let names = self.names().into_iter();
        let described = names.filter_map(|name| {
            let found = statat(&*self.0, &*name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            let seconds = u64::try_from(found.st_mtime).unwrap_or_default();
            let modified = SystemTime::UNIX_EPOCH + Duration::new(seconds, u32::try_from(found.st_mtime_nsec).ok()?);
            let bytes = u64::try_from(found.st_size).ok()?;
            (FileType::from_raw_mode(found.st_mode) == FileType::RegularFile).then_some(Entry { name, modified, bytes })
        });
        described.collect()
    }

    /// Opens a file; none if it is not there, no file, a link, or another user's.
    pub(super) fn read(&self, name: &str) -> Option<File> {
        self.0.file(name).ok()
    }

    /// Makes a file that is not there yet.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        self.0.create(name)
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> anyhow::Result<()> {
        self.0.rename(from, to).context("renaming it")
    }

    /// Removes a file; one that cannot be removed is passed over at the next look, too.
    pub(super) fn remove(&self, name: &str) {
        let _ = self.0.remove(name);
    }
}
