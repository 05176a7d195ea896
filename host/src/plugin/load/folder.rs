//! The folder of plugins, as it looks at one moment.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) path: PathBuf,
    bytes: u64,
    modified: SystemTime,
    /// Another file under the same name has another inode, even at the same size and time.
    inode: u64,
    /// Also tells of new permissions, and of files that were written with an older time.
    changed: (i64, i64),
}

impl Seen {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Every `.wasm` file, by its name without the ending. Links are followed; hidden files are not
/// plugins.
pub(super) fn look(folder: &Path) -> io::Result<BTreeMap<String, Seen>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| !stem.starts_with('.'));
        let (Some(name), true) = (stem, path.extension().is_some_and(|ending| ending == "wasm")) else {
            continue;
        };
        let metadata = match fs::metadata(&path) {
            // It is gone again by now. Any other error says nothing about whether it is there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        if metadata.is_file() {
            let seen = Seen {
                bytes: metadata.len(),
                modified: metadata.modified()?,
                inode: metadata.ino(),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
                path: path.clone(),
            };
            files.insert(name.to_owned(), seen);
        }
    }
    Ok(files)
}
