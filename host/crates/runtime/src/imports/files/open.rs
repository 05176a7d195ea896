//! Opens a path in a granted folder if it is a regular file or a folder.

use std::fs::File as StdFile;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat2};
use rustix::io::Errno;
use wasmtime_wasi::p2::bindings::filesystem::types::{self, ErrorCode};

/// Maximum number of retries of a lookup that races with renames.
const LOOKUP_RETRIES_MAX: usize = 8;

/// Options for opening a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenRequest {
    follows: bool,
    folder: bool,
}

/// The result of opening a path.
pub(super) enum Opened {
    Folder(StdFile),
    File(StdFile),
    /// A pipe, a socket or a device, which was not opened.
    Special,
}

impl OpenRequest {
    pub(super) fn new(
        path_flags: types::PathFlags,
        open_flags: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> Result<Self, ErrorCode> {
        use types::{DescriptorFlags, OpenFlags};
        let syncs = DescriptorFlags::FILE_INTEGRITY_SYNC
            | DescriptorFlags::DATA_INTEGRITY_SYNC
            | DescriptorFlags::REQUESTED_WRITE_SYNC;
        if flags.intersects(syncs) {
            return Err(ErrorCode::Unsupported);
        }
        let folder = open_flags.contains(OpenFlags::DIRECTORY);
        if folder && open_flags.intersects(OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE) {
            return Err(ErrorCode::Invalid);
        }
        let writes = flags.contains(DescriptorFlags::WRITE);
        if writes || open_flags.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE) {
            return Err(ErrorCode::NotPermitted);
        }
        Ok(Self { follows: path_flags.contains(types::PathFlags::SYMLINK_FOLLOW), folder })
    }

    /// Checks the type with `O_PATH` first, since opening a device can have an effect, then opens the same inode.
    pub(super) fn open(self, dir: &StdFile, path: &str) -> Result<Opened, Errno> {
        let mut flags = OFlags::CLOEXEC;
        flags.set(OFlags::NOFOLLOW, !self.follows);
        flags.set(OFlags::DIRECTORY, self.folder);
        let found = fstat(look_up(dir, path, flags | OFlags::PATH)?)?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile | FileType::Directory => {}
            FileType::Symlink => return Err(Errno::LOOP),
            _ => return Ok(Opened::Special),
        }
        // With `NONBLOCK`, a pipe that has replaced the file does not block.
        let opened = look_up(dir, path, flags | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        let there = fstat(&opened)?;
        let identity = |stat: &Stat| (stat.st_dev, stat.st_ino, FileType::from_raw_mode(stat.st_mode));
        if identity(&there) != identity(&found) {
            return Err(Errno::AGAIN);
        }
        let is_folder = FileType::from_raw_mode(there.st_mode) == FileType::Directory;
        Ok(if is_folder { Opened::Folder(opened.into()) } else { Opened::File(opened.into()) })
    }
}

/// Resolves a path within a folder. Links that lead out of it are rejected.
fn look_up(dir: &StdFile, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let below = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let mut tries = 0;
    loop {
        match openat2(dir, path, flags, Mode::empty(), below) {
            // A rename on the path makes the kernel ask for a retry.
            Err(Errno::AGAIN | Errno::INTR) if tries < LOOKUP_RETRIES_MAX => tries += 1,
            Err(Errno::XDEV) => return Err(Errno::PERM),
            // A seccomp filter that does not know `openat2` returns EPERM.
            Err(Errno::PERM) => return Err(Errno::NOSYS),
            opened => return opened,
        }
    }
}

/// Counts the entries of a folder, up to `most + 1`.
pub(super) fn count(dir: &StdFile, most: usize) -> Result<usize, Errno> {
    let entries = rustix::fs::Dir::read_from(dir)?;
    let mut count = 0;
    for entry in entries.take(most + 3) {
        count += usize::from(!matches!(entry?.file_name().to_bytes(), b"." | b".."));
    }
    Ok(count)
}
