//! Follows a path from `/` to a file or folder, and checks each component.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use rustix::fs::{
    FileType, Mode, OFlags, PROC_SUPER_MAGIC, Stat, fgetxattr, fstat, fstatfs, mkdirat, open, openat, readlinkat,
};
use rustix::process::geteuid;

use super::{PRIVATE, TRUSTED_FOLDERS, users};

/// Maximum number of links in a path, as in Linux.
const LINKS_MAX: usize = 40;
/// Mode of created folders.
const PRIVATE_FOLDER: Mode = Mode::RWXU;
const OTHERS_WRITE: Mode = Mode::WGRP.union(Mode::WOTH);
/// Extended attribute of an access control list. A file's mode shows such a list only as group bits.
const ACL: &str = "system.posix_acl_access";

static TRUSTED: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
    let listed = std::env::var_os(TRUSTED_FOLDERS).unwrap_or_default();
    let folders = std::env::split_paths(&listed).filter(|path| path.is_absolute());
    folders.filter_map(|path| path.canonicalize().ok()).collect()
});

pub(super) fn trusted_folders() -> &'static [PathBuf] {
    &TRUSTED
}

/// The handling of missing folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Fail,
    Create,
}

/// The target of a path. Each folder and link on the path was checked, including a folder at the end.
#[derive(Debug)]
pub(super) enum Place {
    /// A folder. The descriptor is `O_PATH`, and can only be used to open entries.
    Folder { descriptor: OwnedFd, path: PathBuf },
    /// An entry other than a folder or link, in a checked folder.
    File { folder: OwnedFd, name: OsString, path: PathBuf },
    /// An inherited pipe.
    Pipe { folder: OwnedFd, name: OsString },
}

/// A failed check.
#[derive(Debug)]
pub(super) struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

fn refuse(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, Refusal(message))
}

/// Follows a path to its target. A relative path starts at the working directory.
pub(super) fn descend(path: &Path, missing: Missing) -> io::Result<Place> {
    let mut ahead = Vec::new();
    push(&mut ahead, &std::path::absolute(path)?);
    let (mut at, mut here) = root()?;
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        let next = match step(&at, &name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && missing == Missing::Create => {
                // Another process may have created the folder meanwhile. It is checked in either case.
                match mkdirat(&at, &name, PRIVATE_FOLDER) {
                    Ok(()) | Err(rustix::io::Errno::EXIST) => step(&at, &name)?,
                    Err(error) => return Err(error.into()),
                }
            }
            next => next?,
        };
        let stat = fstat(&next)?;
        let there = if name == ".." { here.parent().unwrap_or(&here).to_owned() } else { here.join(&name) };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => {
                links += 1;
                if links > LINKS_MAX {
                    return Err(rustix::io::Errno::LOOP.into());
                }
                // In a sticky folder, the owner of a link can replace the link.
                check_owner(&stat, &there, "link")?;
                let target = PathBuf::from(OsString::from_vec(readlinkat(&next, "", Vec::new())?.into_bytes()));
                if ahead.is_empty() && is_pipe(&at, &target) {
                    return Ok(Place::Pipe { folder: at, name });
                }
                if target.is_absolute() {
                    (at, here) = root()?;
                }
                push(&mut ahead, &target);
            }
            FileType::Directory => {
                check_folder(&next, &stat, &there)?;
                (at, here) = (next, there);
            }
            _ if ahead.is_empty() => return Ok(Place::File { folder: at, name, path: there }),
            _ => return Err(io::ErrorKind::NotADirectory.into()),
        }
    }
    Ok(Place::Folder { descriptor: at, path: here })
}

/// Pushes the components of a path in reverse order, so that the first component is popped first.
fn push(ahead: &mut Vec<OsString>, path: &Path) {
    let components = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    let components: Vec<OsString> = components.collect();
    ahead.extend(components.into_iter().rev());
}

fn root() -> io::Result<(OwnedFd, PathBuf)> {
    let descriptor = open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    check_folder(&descriptor, &fstat(&descriptor)?, Path::new("/"))?;
    Ok((descriptor, "/".into()))
}

/// Opens an entry with `O_PATH`, without following links.
fn step(at: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    Ok(openat(at, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?)
}

/// Returns whether a link in `/proc/PID/fd` refers to a pipe, which has no path.
fn is_pipe(folder: &OwnedFd, target: &Path) -> bool {
    target.to_string_lossy().starts_with("pipe:[") && fstatfs(folder).is_ok_and(|fs| fs.f_type == PROC_SUPER_MAGIC)
}

/// Opens a regular file in a checked folder, and checks the file.
pub(super) fn open_file(folder: &impl AsFd, name: &OsStr, path: &Path, flags: OFlags) -> io::Result<File> {
    // Opening a FIFO without NONBLOCK would block.
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, PRIVATE)?;
    let stat = fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::Error::other(format!("{} is not a regular file", path.display())));
    }
    if !is_excused(path) {
        check_owner(&stat, path, "file")?;
        check_mode(&file, &stat, path, "file")?;
    }
    Ok(file.into())
}

/// Opens a private folder in a checked folder, and creates it if it is missing.
pub(super) fn private_child(folder: &OwnedFd, name: &str, at: &Path) -> io::Result<(OwnedFd, PathBuf)> {
    let path = at.join(name);
    match mkdirat(folder, name, PRIVATE_FOLDER) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let descriptor = openat(folder, name, flags, Mode::empty())?;
    check_private(&fstat(&descriptor)?, &path)?;
    Ok((descriptor, path))
}

/// Checks a private folder, even inside a trusted folder: its files are executed, or decide which code is executed.
pub(super) fn check_private(stat: &Stat, path: &Path) -> io::Result<()> {
    let own = geteuid().as_raw();
    if stat.st_uid != own {
        let (shown, owner, own) = (path.display(), users::user(stat.st_uid), users::user(own));
        return Err(refuse(format!(
            "the folder {shown} belongs to another user ({owner}): run `chown {own} {shown}` or name another folder"
        )));
    }
    if writable(stat) {
        return Err(writable_by_others(stat, path, "folder", ", or name another folder"));
    }
    Ok(())
}

fn check_folder(descriptor: &OwnedFd, stat: &Stat, path: &Path) -> io::Result<()> {
    if is_excused(path) {
        return Ok(());
    }
    check_owner(stat, path, "folder")?;
    // In a sticky folder, only the owner of an entry can replace it, and owners are checked.
    if Mode::from_raw_mode(stat.st_mode).contains(Mode::SVTX) {
        return Ok(());
    }
    check_mode(descriptor, stat, path, "folder")
}

fn check_owner(stat: &Stat, path: &Path, what: &str) -> io::Result<()> {
    if is_trusted(stat.st_uid)? || is_excused(path) {
        return Ok(());
    }
    let (shown, owner, own) = (path.display(), users::user(stat.st_uid), users::user(geteuid().as_raw()));
    Err(refuse(format!(
        "the {what} {shown} belongs to another user ({owner}), who can replace it: run `chown {own} {shown}`, or, \
         if that user is trusted, list the folder in {TRUSTED_FOLDERS}"
    )))
}

fn check_mode(descriptor: &OwnedFd, stat: &Stat, path: &Path, what: &str) -> io::Result<()> {
    if !writable(stat) || is_private_group(descriptor, stat)? {
        return Ok(());
    }
    let alternative = format!(", or, if only trusted users can reach it, list the folder in {TRUSTED_FOLDERS}");
    Err(writable_by_others(stat, path, what, &alternative))
}

fn writable_by_others(stat: &Stat, path: &Path, what: &str, alternative: &str) -> io::Error {
    let (shown, mode) = (path.display(), stat.st_mode & 0o7777);
    refuse(format!("others can write to the {what} {shown} (mode {mode:04o}): run `chmod go-w {shown}`{alternative}"))
}

fn writable(stat: &Stat) -> bool {
    Mode::from_raw_mode(stat.st_mode).intersects(OTHERS_WRITE)
}

/// Returns whether every member of the group is trusted, and no access control list adds users.
fn is_private_group(descriptor: &OwnedFd, stat: &Stat) -> io::Result<bool> {
    if Mode::from_raw_mode(stat.st_mode).contains(Mode::WOTH) {
        return Ok(false);
    }
    let Some(members) = users::members(stat.st_gid).filter(|members| !members.is_empty()) else { return Ok(false) };
    for member in members {
        if !is_trusted(member)? {
            return Ok(false);
        }
    }
    Ok(!has_acl(descriptor, stat))
}

/// Returns whether an access control list exists. Returns `true` if the list cannot be read.
fn has_acl(descriptor: &OwnedFd, stat: &Stat) -> bool {
    let found = |descriptor: &OwnedFd| fgetxattr(descriptor, ACL, &mut [0_u8; 0]).map(|bytes| bytes > 0);
    let found = if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        // Attributes cannot be read through an `O_PATH` descriptor.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(descriptor, ".", flags, Mode::empty()).and_then(|folder| found(&folder))
    } else {
        found(descriptor)
    };
    match found {
        Ok(found) => found,
        Err(rustix::io::Errno::NODATA | rustix::io::Errno::OPNOTSUPP) => false,
        Err(_) => true,
    }
}

/// Returns whether a user is root, this process's user, or the owner of `/`, who can replace every file. The owner of
/// `/` does not appear as root in a user namespace that does not map root.
fn is_trusted(uid: u32) -> io::Result<bool> {
    Ok(uid == 0 || uid == geteuid().as_raw() || uid == rustix::fs::stat("/")?.st_uid)
}

fn is_excused(path: &Path) -> bool {
    TRUSTED.iter().any(|trusted| path.starts_with(trusted))
}
