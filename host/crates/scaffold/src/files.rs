//! Writes generated files into a new folder, or overwrites the files of an earlier run.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Contents of files by path, relative to a folder.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Writes files into a folder that is missing or empty.
pub(super) fn write_new(folder: &Path, files: &Files) -> anyhow::Result<()> {
    match fs::read_dir(folder).map(|entries| entries.count()) {
        Ok(0) => {}
        Ok(_) => bail!("folder {} is not empty; nothing was written", folder.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("failed to read {}", folder.display())),
    }
    files.iter().try_for_each(|(path, bytes)| write(&folder.join(path), bytes))
}

/// Writes only changed files, so that unchanged files do not trigger file watchers.
pub(super) fn write_changed(folder: &Path, files: &Files) -> anyhow::Result<()> {
    let changed = files.iter().filter(|(path, bytes)| fs::read(folder.join(path)).ok().as_ref() != Some(*bytes));
    changed.into_iter().try_for_each(|(path, bytes)| write(&folder.join(path), bytes))
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, bytes)?;
        if path.extension().is_some_and(|ending| ending == "sh") {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        }
        std::io::Result::Ok(())
    };
    written().with_context(|| format!("failed to write {}", path.display()))
}
