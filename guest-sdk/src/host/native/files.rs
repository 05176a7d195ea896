//! The granted folder: the real file system, until [`set`] replaces it with simulated files.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::SystemTime;
use std::{fs, io};

use crate::host::FileVersion;
use crate::host::native::settings;

thread_local! {
    static FOLDER: RefCell<Option<BTreeMap<String, String>>> = const { RefCell::new(None) };
}

/// Replaces the folder's content. Later calls run in a new instance.
pub(crate) fn set(files: BTreeMap<String, String>) {
    FOLDER.set(Some(files));
    settings::next_instance();
}

pub(crate) fn read(path: &str) -> io::Result<String> {
    simulated(path).unwrap_or_else(|| fs::read_to_string(path))
}

pub(crate) fn version(path: &str) -> Option<FileVersion> {
    let instance = settings::instance();
    if let Some(text) = simulated(path) {
        let bytes = u64::try_from(text.ok()?.len()).ok()?;
        return Some(FileVersion { modified: SystemTime::UNIX_EPOCH, bytes, instance });
    }
    let found = fs::metadata(path).ok()?;
    Some(FileVersion { modified: found.modified().ok()?, bytes: found.len(), instance })
}

/// Returns a file's simulated content, or `None` if the folder is not simulated.
fn simulated(path: &str) -> Option<io::Result<String>> {
    FOLDER.with_borrow(|folder| {
        let found = folder.as_ref()?.get(path).cloned();
        Some(found.ok_or_else(|| io::ErrorKind::NotFound.into()))
    })
}

pub(super) fn reset() {
    FOLDER.take();
}
