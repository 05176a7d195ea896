//! The folder of plugins, as it looks at one moment.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use frontgate_system::ownership::Folder;

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    modified: (i64, i64),
    /// Another file under the same name has another inode, even at the same size and time.
    inode: (u64, u64),
    /// Also tells of new permissions, and of files that were written with an older time.
    changed: (i64, i64),
}

/// What stands under a plugin's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file, of this size.
    File { bytes: u64 },
    /// Something that holds no plugin.
    Other(&'static str),
    /// It is there, and the system does not say what it is: a link in a circle, a disk that fails.
    Hidden(String),
}

/// Everything that is called `.wasm`, by its name without the ending, and how many files were left out because there
/// are more than `max`: names that are known are never left out. Links are followed; hidden files are not plugins.
/// A folder that other users can write to is an error: nothing in it is looked at.
pub(super) fn look(
    folder: &Path,
    max: usize,
    is_known: impl Fn(&str) -> bool,
) -> io::Result<(BTreeMap<String, Seen>, usize)> {
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
    // What is known stays, also where the limit has become smaller.
    let max = max.max(paths.keys().filter(|(is_new, _)| !is_new).count());
    let left_out = paths.len().saturating_sub(max);
    let mut files = BTreeMap::new();
    for ((_, name), path) in paths.into_iter().take(max) {
        match fs::metadata(&path) {
            // It is gone again by now, or a link to nothing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // This says nothing about whether it is there, and nothing about the others.
            Err(error) => {
                let kind = Kind::Hidden(error.to_string());
                files.insert(name, Seen { path, kind, modified: (0, 0), inode: (0, 0), changed: (0, 0) });
            }
            Ok(metadata) => {
                files.insert(name, seen(path, &metadata));
            }
        }
    }
    Ok((files, left_out))
}

impl Seen {
    /// One file, wherever it is.
    pub(super) fn of(path: &Path) -> Self {
        match fs::metadata(path) {
            Ok(metadata) => seen(path.to_owned(), &metadata),
            Err(error) => {
                let kind = Kind::Hidden(error.to_string());
                Self { path: path.to_owned(), kind, modified: (0, 0), inode: (0, 0), changed: (0, 0) }
            }
        }
    }
}

fn seen(path: PathBuf, metadata: &fs::Metadata) -> Seen {
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
    // A folder changes with every file in it, and stays a folder.
    let times = |time: (i64, i64)| if changes { time } else { (0, 0) };
    Seen {
        modified: times((metadata.mtime(), metadata.mtime_nsec())),
        inode: (metadata.dev(), metadata.ino()),
        changed: times((metadata.ctime(), metadata.ctime_nsec())),
        path,
        kind,
    }
}
