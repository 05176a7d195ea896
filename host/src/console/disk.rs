//! Whether the disk still has space for the gateway's files.

use std::path::{Path, PathBuf};

use frontgate_config::Config;
use frontgate_console_pages::pages::{Attention, Level};
use frontgate_console_pages::words;

use super::attention::item;

/// Space below which a person is notified: this many bytes, or this share of the disk.
const LEFT_BYTES_MIN: u64 = 64 << 20;
const LEFT_PERCENT_MIN: u64 = 5;

/// A file of the gateway, and the space of its disk.
pub(super) struct Disk {
    file: PathBuf,
    left: u64,
    size: u64,
}

/// Reads the space of the disks of the database and of the journal. The system answers from memory for local disks, and may
/// block for others.
pub(super) fn read(config: &Config) -> Vec<Disk> {
    let files = [config.store.file(), config.recording.journal()];
    let mut disks: Vec<Disk> = files.into_iter().flatten().filter_map(space).collect();
    // Usually both files are on the same disk.
    disks.dedup_by_key(|disk| (disk.left, disk.size));
    disks
}

fn space(file: &Path) -> Option<Disk> {
    let found = rustix::fs::statvfs(file.parent()?).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Some(Disk { file: file.to_owned(), left: bytes(found.f_bavail), size: bytes(found.f_blocks) })
}

/// Returns an item for each disk that is almost full.
pub(super) fn items(disks: &[Disk]) -> Vec<Attention> {
    disks.iter().filter(|disk| disk.is_almost_full()).map(Disk::item).collect()
}

impl Disk {
    fn is_almost_full(&self) -> bool {
        let least = LEFT_BYTES_MIN.max(self.size / 100 * LEFT_PERCENT_MIN).min(self.size / 4);
        self.left < least
    }

    fn item(&self) -> Attention {
        let (left, size) = (words::bytes(self.left), words::bytes(self.size));
        let what = format!("The disk of {} is almost full: {left} of {size} are left.", self.file.display());
        let why = "Without space, no event and no message can be stored: platforms get an error and repeat the request. \
                   Delete other files, or enlarge the disk.";
        item(Level::Bad, what, why.to_owned(), "/deliveries", "Deliveries")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(left: u64, size: u64) -> Disk {
        Disk { file: "data/frontgate.db".into(), left, size }
    }

    #[test]
    fn a_disk_is_almost_full_below_a_share_and_below_a_size() {
        assert!(disk(4 << 30, 100 << 30).is_almost_full());
        assert!(disk(60 << 20, 500 << 20).is_almost_full());
        assert!(!disk(6 << 30, 100 << 30).is_almost_full());
    }

    #[test]
    fn a_small_disk_with_space_is_not_almost_full() {
        assert!(!disk(30 << 20, 64 << 20).is_almost_full());
    }
}
