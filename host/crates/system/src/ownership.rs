//! Ownership checks for files and folders that the gateway trusts, like sshd's StrictModes.
//!
//! A path is followed component by component from `/`, links included. Each folder on the way must belong to root or
//! this process's user, and no other user may write to it. Checked folders are held open by descriptor, so a later
//! rename has no effect.
//!
//! Exceptions:
//! - a sticky folder such as `/tmp`, if the next component has a trusted owner;
//! - a folder that its group can write to, if every member of the group is root or this user (Debian's umask 002);
//! - everything below the folders listed in `FRONTGATE_TRUSTED_FOLDERS`, except a private folder itself. The list is
//!   in the environment because a user who can write the configuration must not be able to extend it.

mod users;
mod walk;

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, fstat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use self::walk::{Missing, Place};

/// Names the folders whose owners and modes are accepted as they are, separated by colons.
pub const TRUSTED_FOLDERS: &str = "FRONTGATE_TRUSTED_FOLDERS";

/// Access to files that this process writes.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A checked folder, held open.
///
/// Methods use the folder that was checked, even if its path was replaced since. They take names, never paths.
#[derive(Debug)]
pub struct Folder {
    descriptor: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens a folder that belongs to this user and that no other user can write to. Missing folders are created with
    /// mode 0700.
    pub fn private(path: &Path) -> io::Result<Self> {
        Self::open(path, Missing::Create)?.checked()
    }

    /// Opens such a folder; a missing one is an error.
    pub fn private_existing(path: &Path) -> io::Result<Self> {
        Self::open(path, Missing::Fail)?.checked()
    }

    fn checked(self) -> io::Result<Self> {
        walk::check_private(&fstat(&self.descriptor)?, &self.path)?;
        Ok(self)
    }

    /// Opens a folder that others may read but not write to.
    ///
    /// A sticky folder is accepted: its files are checked one by one when they are opened.
    pub fn shared(path: &Path) -> io::Result<Self> {
        Self::open(path, Missing::Fail)
    }

    fn open(path: &Path, missing: Missing) -> io::Result<Self> {
        match walk::descend(path, missing)? {
            Place::Folder { descriptor, path } => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                Ok(Self { descriptor: openat(&descriptor, ".", flags, Mode::empty())?, path })
            }
            Place::File { .. } | Place::Pipe { .. } => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// The folder's path at the time of opening, with links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a private folder in this one; creates it if it is missing.
    pub fn folder(&self, name: &str) -> io::Result<Self> {
        let (descriptor, path) = walk::private_child(&self.descriptor, name, &self.path)?;
        Ok(Self { descriptor, path })
    }

    /// Opens a regular file for reading. Links are rejected, as are files that another user owns or can write to.
    pub fn file(&self, name: &str) -> io::Result<File> {
        walk::open_file(&self.descriptor, name.as_ref(), &self.path.join(name), OFlags::RDONLY)
    }

    /// Whether the name is known to be free; `false` on errors.
    pub fn is_gone(&self, name: &str) -> bool {
        matches!(statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW), Err(Errno::NOENT))
    }

    /// Whether the name exists.
    pub fn has(&self, name: &str) -> bool {
        statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Creates a file with mode 0600, for writing and reading. An existing name is an error.
    pub fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.descriptor, name, flags, PRIVATE)?.into())
    }

    /// Renames a file within the folder, replacing an existing one.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.descriptor, from, &self.descriptor, to)?)
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.descriptor, name, AtFlags::empty())?)
    }

    /// Makes renames and removals of files in the folder durable.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.descriptor)?)
    }

    /// Names of all entries. Names that are not UTF-8 are left out; the gateway creates none.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.descriptor)? {
            match entry?.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        Ok(names)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Opens a trusted file for reading: a configuration, a secret, a plugin. Links are followed, and each folder on the way
/// is checked.
///
/// An inherited pipe (`/dev/fd/3`, `/dev/stdin`) is accepted, since it has no path in the file system.
pub fn open(path: &Path) -> io::Result<File> {
    match walk::descend(path, Missing::Fail)? {
        Place::File { folder, name, path } => walk::open_file(&folder, &name, &path, OFlags::RDONLY),
        Place::Pipe { folder, name } => {
            Ok(openat(&folder, &name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?.into())
        }
        Place::Folder { .. } => Err(io::ErrorKind::IsADirectory.into()),
    }
}

/// Reads a trusted file as text.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Whether an error comes from a failed check. Its message says what is wrong and what to do.
pub fn is_refusal(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<walk::Refusal>())
}

/// The folders listed in [`TRUSTED_FOLDERS`].
pub fn trusted_folders() -> &'static [PathBuf] {
    walk::trusted_folders()
}

#[cfg(test)]
mod tests;
