//! The previous process of the same data folder: while this process holds the folder's lock, that one has ended.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The lock of the data folder, and the file with the row of its process.
pub(crate) struct Predecessor {
    path: PathBuf,
    /// Held until the process ends.
    lock: Option<File>,
}

impl Predecessor {
    /// Takes the lock of a folder if it is free. Otherwise nothing is known about other processes.
    pub(crate) fn new(folder: &Path) -> Self {
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        let file = fs::create_dir_all(folder).and_then(|()| options.open(folder.join("replica.lock")));
        let lock = file.ok().filter(|file| flock(file, FlockOperation::NonBlockingLockExclusive).is_ok());
        Self { path: folder.join("replica"), lock }
    }

    /// Returns the row of the previous process in this database.
    pub(crate) fn id(&self, url: &str) -> Option<i64> {
        self.lock.as_ref()?;
        let text = fs::read_to_string(&self.path).ok()?;
        let (known, id) = text.trim_end().rsplit_once(' ')?;
        (known == url).then(|| id.parse().ok())?
    }

    /// Stores the row of this process.
    pub(crate) fn replace(&self, url: &str, id: i64) {
        if self.lock.is_some() {
            let unfinished = self.path.with_extension("unfinished");
            let written =
                fs::write(&unfinished, format!("{url} {id}\n")).and_then(|()| fs::rename(&unfinished, &self.path));
            if let Err(error) = written {
                tracing::warn!(
                    event = "replica.id_not_stored",
                    "failed to write {}: {error}; after a crash, other replicas wait for replica.lease_ms",
                    self.path.display()
                );
            }
        }
    }
}
