//! Reads attributes of a file on the caller's thread if the kernel has them in memory.
//!
//! A plugin that keeps what it made from a file asks for the file's version in each call. Another thread would need
//! longer to wake than the kernel to answer.

use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, StatFs, fstat, openat2};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorStat, DescriptorType, MetadataHashValue, PathFlags};

/// Types of file systems that ask no other machine or process (`statfs(2)`): ext2 to ext4, XFS, Btrfs, F2FS, ZFS, tmpfs,
/// and overlayfs, which containers use.
const LOCAL: [u32; 7] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x2fc1_2fc1, 0x0102_1994, 0x794c_7630];

/// The difference between the halves of wasmtime's `metadata_hash`.
const UPPER: u64 = 4_614_256_656_552_045_848;

/// Returns whether attributes of files on this file system can be read without waiting for anything but a disk.
pub(crate) fn is_local(system: &StatFs) -> bool {
    LOCAL.iter().any(|local| i64::from(*local) == system.f_type)
}

/// Returns the attributes of a regular file or folder; `None` if the kernel would have to read the disk, or for anything
/// unusual.
pub(super) fn in_memory(dir: &File, path_flags: PathFlags, path: &str) -> Option<DescriptorStat> {
    let stat = found(dir, path_flags, path)?;
    Some(DescriptorStat {
        type_: kind(&stat)?,
        link_count: stat.st_nlink,
        size: u64::try_from(stat.st_size).ok()?,
        data_access_timestamp: time(stat.st_atime, stat.st_atime_nsec),
        data_modification_timestamp: time(stat.st_mtime, stat.st_mtime_nsec),
        status_change_timestamp: time(stat.st_ctime, stat.st_ctime_nsec),
    })
}

/// Returns the identity of a file, which a plugin's standard library asks for together with the attributes. Has the same
/// value as wasmtime's `metadata_hash` of the open file.
pub(super) fn identity_in_memory(dir: &File, path_flags: PathFlags, path: &str) -> Option<MetadataHashValue> {
    let stat = found(dir, path_flags, path)?;
    kind(&stat)?;
    let mut hasher = DefaultHasher::new();
    (stat.st_dev, stat.st_ino).hash(&mut hasher);
    let lower = hasher.finish();
    Some(MetadataHashValue { lower, upper: lower ^ UPPER })
}

fn found(dir: &File, path_flags: PathFlags, path: &str) -> Option<Stat> {
    let mut flags = OFlags::CLOEXEC | OFlags::PATH;
    flags.set(OFlags::NOFOLLOW, !path_flags.contains(PathFlags::SYMLINK_FOLLOW));
    // A folder inside can be on another file system.
    let below = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let found = openat2(dir, path, flags, Mode::empty(), below | ResolveFlags::CACHED).ok()?;
    fstat(found).ok()
}

fn kind(stat: &Stat) -> Option<DescriptorType> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Some(DescriptorType::RegularFile),
        FileType::Directory => Some(DescriptorType::Directory),
        _ => None,
    }
}

/// Returns `None` for a time before 1970.
fn time(seconds: i64, nanoseconds: u64) -> Option<Datetime> {
    Some(Datetime { seconds: u64::try_from(seconds).ok()?, nanoseconds: u32::try_from(nanoseconds).ok()? })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use tempfile::TempDir;
    use wasmtime::component::ResourceTable;
    use wasmtime_wasi::filesystem::WasiFilesystemView as _;
    use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;
    use wasmtime_wasi::p2::bindings::filesystem::types::HostDescriptor as _;
    use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

    use super::*;

    fn folder() -> (TempDir, File) {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("file"), "text").expect("a file");
        let open = File::open(folder.path()).expect("a folder");
        (folder, open)
    }

    #[test]
    fn attributes_in_memory_are_those_of_the_file() {
        let (folder, dir) = folder();
        let found = in_memory(&dir, PathFlags::SYMLINK_FOLLOW, "file").expect("attributes");
        let there = fs::metadata(folder.path().join("file")).expect("attributes");
        let modified = found.data_modification_timestamp.expect("a time");
        assert_eq!((found.size, modified.seconds), (4, u64::try_from(there.mtime()).expect("after 1970")));
        fs::write(folder.path().join("file"), "longer text").expect("a file");
        assert_eq!(in_memory(&dir, PathFlags::SYMLINK_FOLLOW, "file").expect("attributes").size, 11);
    }

    #[tokio::test]
    async fn the_identity_in_memory_is_that_of_wasmtime() {
        struct Plugin(WasiCtx, ResourceTable);
        impl WasiView for Plugin {
            fn ctx(&mut self) -> WasiCtxView<'_> {
                WasiCtxView { ctx: &mut self.0, table: &mut self.1 }
            }
        }
        let (folder, dir) = folder();
        let mut builder = WasiCtx::builder();
        builder.preopened_dir(folder.path(), "/", FsPerms::ReadOnly).expect("a folder");
        let mut plugin = Plugin(builder.build(), ResourceTable::new());
        let mut files = plugin.filesystem();
        let (granted, _) = files.get_directories().expect("folders").remove(0);
        let follow = PathFlags::SYMLINK_FOLLOW;
        let known = files.metadata_hash_at(granted, follow, "file".to_owned()).await.expect("an identity");
        let found = identity_in_memory(&dir, follow, "file").expect("an identity");
        assert_eq!((found.lower, found.upper), (known.lower, known.upper));
    }

    #[test]
    fn a_path_out_of_the_folder_has_none() {
        let (folder, dir) = folder();
        symlink("/etc/passwd", folder.path().join("out")).expect("a link");
        for path in ["out", "/etc/passwd", "../x", "missing"] {
            assert!(in_memory(&dir, PathFlags::SYMLINK_FOLLOW, path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_link_has_those_of_its_file_only_if_it_is_followed() {
        let (folder, dir) = folder();
        symlink("file", folder.path().join("link")).expect("a link");
        assert_eq!(in_memory(&dir, PathFlags::SYMLINK_FOLLOW, "link").map(|found| found.size), Some(4));
        assert!(in_memory(&dir, PathFlags::empty(), "link").is_none());
    }
}
