//! Whether the disk still has space for the gateway's files.

use std::path::{Path, PathBuf};

use frontgate_config::Config;
use frontgate_console_pages::pages::{Attention, Level};
use frontgate_console_pages::words;

use super::attention::item;

/// A file of the gateway, the space of its disk, and the space below which something is refused.
pub(super) struct Disk {
    file: PathBuf,
    /// Id of the file system.
    id: u64,
    left: u64,
    size: u64,
    imports_min: u64,
    events_min: u64,
}

/// Reads the space of the disks of the database and of the journal. The system answers from memory for local disks, and may
/// block for others.
pub(super) fn read(config: &Config) -> Vec<Disk> {
    let files = [config.store.file(), config.recording.journal()];
    let mut disks: Vec<Disk> = files.into_iter().flatten().filter_map(|file| space(file, config)).collect();
    // Usually both files are on the same disk.
    disks.dedup_by_key(|disk| (disk.id, disk.size));
    disks
}

fn space(file: &Path, config: &Config) -> Option<Disk> {
    let found = rustix::fs::statvfs(file.parent()?).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Some(Disk {
        file: file.to_owned(),
        id: found.f_fsid,
        left: bytes(found.f_bavail),
        size: bytes(found.f_blocks),
        imports_min: config.store.free_bytes_imports_min,
        events_min: config.store.free_bytes_events_min,
    })
}

/// Returns an item for each disk that is almost full.
pub(super) fn items(disks: &[Disk]) -> Vec<Attention> {
    disks.iter().filter_map(Disk::item).collect()
}

impl Disk {
    fn item(&self) -> Option<Attention> {
        let (left, size) = (words::bytes(self.left), words::bytes(self.size));
        let what = format!("The disk of {} is almost full: {left} of {size} are left.", self.file.display());
        let (refused, least) = if self.left < self.events_min {
            ("events, messages and state are refused", self.events_min)
        } else if self.left < self.imports_min {
            ("messages of providers are refused", self.imports_min)
        } else {
            return None;
        };
        let least = words::bytes(least);
        let why = format!("Below {least}, {refused}: senders get 503, and repeat. Delete other files, or enlarge it.");
        Some(item(Level::Bad, what, why, "/deliveries", "Deliveries"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(left: u64) -> Option<String> {
        let (file, size) = ("data/frontgate.db".into(), 1 << 30);
        let disk = Disk { file, id: 1, left, size, imports_min: 512, events_min: 128 };
        disk.item().map(|item| item.why)
    }

    #[test]
    fn an_almost_full_disk_is_described_by_what_is_refused() {
        assert_eq!(why(512), None);
        assert!(why(511).is_some_and(|why| why.contains("messages of providers")));
        assert!(why(127).is_some_and(|why| why.contains("events, messages and state")));
    }
}
