//! Ownership checks for files and folders that the gateway trusts, like sshd's StrictModes.
//!
//! A path is followed component by component from `/`, including links. Each folder on the path must belong to root or
//! this process's user, and no other user may be able to write to the folder. Checked folders are held open by
//! descriptor, so a later rename has no effect.
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

/// Environment variable with the folders whose owners and modes are not checked, separated by colons.
pub const TRUSTED_FOLDERS: &str = "FRONTGATE_TRUSTED_FOLDERS";

/// Mode of files that this process creates.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A checked folder, held open.
///
/// Methods use the checked folder, even if another folder has its path by now. They take names, never paths.
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

    /// Opens an existing folder that belongs to this user and that no other user can write to.
    pub fn private_existing(path: &Path) -> io::Result<Self> {
        Self::open(path, Missing::Fail)?.checked()
    }

    fn checked(self) -> io::Result<Self> {
        walk::check_private(&fstat(&self.descriptor)?, &self.path)?;
        Ok(self)
    }

    /// Opens a folder that other users can read but not write to.
    ///
    /// A sticky folder is accepted: each file is checked when it is opened.
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

    /// Returns the folder's path at the time of opening, with links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a private folder in this folder, and creates it if it is missing.
    pub fn folder(&self, name: &str) -> io::Result<Self> {
        let (descriptor, path) = walk::private_child(&self.descriptor, name, &self.path)?;
        Ok(Self { descriptor, path })
    }

    /// Opens a regular file for reading. Rejects links, and files that another user owns or can write to.
    pub fn file(&self, name: &str) -> io::Result<File> {
        walk::open_file(&self.descriptor, name.as_ref(), &self.path.join(name), OFlags::RDONLY)
    }

    /// Returns whether no entry has this name. Returns `false` if that cannot be determined.
    pub fn is_gone(&self, name: &str) -> bool {
        matches!(statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW), Err(Errno::NOENT))
    }

    /// Returns whether an entry with this name exists.
    pub fn has(&self, name: &str) -> bool {
        statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Creates a file with mode 0600, for reading and writing. Fails if the name exists.
    pub fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.descriptor, name, flags, PRIVATE)?.into())
    }

    /// Renames a file within the folder. Replaces an existing file with the new name.
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

    /// Returns the names of all entries. Omits names that are not UTF-8, which the gateway never creates.
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

/// Opens a trusted file for reading, such as a configuration, a secret or a plugin. Links are followed, and each folder
/// on the path is checked.
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

/// Returns whether an error comes from a failed check. The error message states the problem and the remedy.
pub fn is_refusal(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<walk::Refusal>())
}

/// Returns the folders listed in [`TRUSTED_FOLDERS`].
pub fn trusted_folders() -> &'static [PathBuf] {
    walk::trusted_folders()
}

#[cfg(test)]
mod tests;
