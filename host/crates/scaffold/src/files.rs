//! Writing what was made: into a new place, or over what the same command made before.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Files by their paths below a folder.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Writes into a folder that is not there yet, or empty.
pub(super) fn write_new(folder: &Path, files: &Files) -> anyhow::Result<()> {
    match fs::read_dir(folder).map(|entries| entries.count()) {
        Ok(0) => {}
        Ok(_) => bail!("{} is there already, and not empty; nothing was written", folder.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("reading {}", folder.display())),
    }
    files.iter().try_for_each(|(path, bytes)| write(&folder.join(path), bytes))
}

/// Writes what says something else than before: a file that stays as it is wakes nobody who watches it.
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
    written().with_context(|| format!("writing {}", path.display()))
}
