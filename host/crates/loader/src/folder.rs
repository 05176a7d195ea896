//! Scans the plugins folder.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use frontgate_system::ownership::Folder;

/// The state of a file. Comparing two states detects a change without reading the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileState {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    modified: (i64, i64),
    /// Device and inode: differ for another file with the same name, size and time.
    inode: (u64, u64),
    /// Status change time (ctime): also detects changed permissions, and files written with an older modification time.
    changed: (i64, i64),
}

/// The kind of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A regular file of this size.
    File { bytes: u64 },
    /// An entry that cannot be a plugin.
    Other(&'static str),
    /// An entry whose metadata cannot be read, such as a circular link.
    Unreadable(String),
}

/// Returns the `.wasm` files by name without extension, and the number of files omitted beyond `max`. Known names are
/// never omitted. Links are followed; hidden files are not plugins. Fails if other users can write to the folder.
pub(super) fn scan(
    folder: &Path,
    max: usize,
    is_known: impl Fn(&str) -> bool,
) -> io::Result<(BTreeMap<String, FileState>, usize)> {
    Folder::shared(folder)?;
    let mut paths = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| !stem.starts_with('.'));
        let (Some(name), true) = (stem, path.extension().is_some_and(|ending| ending == "wasm")) else {
            continue;
        };
        let name = name.to_owned();
        paths.insert((!is_known(&name), name), path);
    }
    // Known names are always included, even if the limit was lowered.
    let max = max.max(paths.keys().filter(|(is_new, _)| !is_new).count());
    let left_out = paths.len().saturating_sub(max);
    let mut files = BTreeMap::new();
    for ((_, name), path) in paths.into_iter().take(max) {
        match fs::metadata(&path) {
            // The file was deleted meanwhile, or is a broken link.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // The entry may exist, so it is listed as unreadable. The error does not affect other entries.
            Err(error) => {
                let kind = Kind::Unreadable(error.to_string());
                files.insert(name, FileState { path, kind, modified: (0, 0), inode: (0, 0), changed: (0, 0) });
            }
            Ok(metadata) => {
                files.insert(name, seen(path, &metadata));
            }
        }
    }
    Ok((files, left_out))
}

impl FileState {
    /// Reads the state of one file, which may be outside the plugins folder.
    pub(super) fn of(path: &Path) -> Self {
        match fs::metadata(path) {
            Ok(metadata) => seen(path.to_owned(), &metadata),
            Err(error) => {
                let kind = Kind::Unreadable(error.to_string());
                Self { path: path.to_owned(), kind, modified: (0, 0), inode: (0, 0), changed: (0, 0) }
            }
        }
    }
}

fn seen(path: PathBuf, metadata: &fs::Metadata) -> FileState {
    let kind = metadata.file_type();
    let kind = if kind.is_file() {
        Kind::File { bytes: metadata.len() }
    } else if kind.is_dir() {
        Kind::Other("a folder")
    } else if kind.is_fifo() {
        Kind::Other("a pipe")
    } else {
        Kind::Other("a device or a socket")
    };
    let changes = matches!(kind, Kind::File { .. });
    // The times of a folder change with its files; only its kind matters.
    let times = |time: (i64, i64)| if changes { time } else { (0, 0) };
    FileState {
        modified: times((metadata.mtime(), metadata.mtime_nsec())),
        inode: (metadata.dev(), metadata.ino()),
        changed: times((metadata.ctime(), metadata.ctime_nsec())),
        path,
        kind,
    }
}
