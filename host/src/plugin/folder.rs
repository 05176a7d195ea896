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
        // A file may be gone again by now.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_file() {
            let seen = Seen {
                bytes: metadata.len(),
                modified: metadata.modified()?,
                inode: metadata.ino(),
                path: path.clone(),
            };
            files.insert(name.to_owned(), seen);
        }
    }
    Ok(files)
}
