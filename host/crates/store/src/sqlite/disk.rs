//! Free space on the database's file system, with two watermarks.
//!
//! Below the first one, imports are rejected; below the second one, also events and state. Progress of stored
//! deliveries is never rejected, since it frees space.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use frontgate_telemetry::metrics::METRICS;
use rustix::fs::statvfs;
use tracing::{info, warn};

use crate::error::Overload;
use crate::origin::Purpose;
use crate::settings::Settings;

/// The interval at which the writer checks the free space.
pub(crate) const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The current level, shared with all writes.
#[derive(Debug, Default)]
pub(crate) struct SpaceLevel(AtomicU8);

/// Level at which no write is rejected.
const ENOUGH: u8 = 0;
/// Level at which imports are rejected.
const LITTLE: u8 = 1;
/// Level at which imports, events and state are rejected.
const NONE: u8 = 2;

impl SpaceLevel {
    /// Returns the limit that rejects a write, if any.
    pub(crate) fn rejection(&self, purpose: Purpose) -> Option<Overload> {
        let level = self.0.load(Ordering::Relaxed);
        match purpose {
            Purpose::Progress => None,
            Purpose::Import { .. } => (level >= LITTLE).then_some(Overload::DiskForImports),
            Purpose::Event | Purpose::State => (level >= NONE).then_some(Overload::DiskForEvents),
        }
    }
}

/// Checks the file system; owned by the writer.
pub(crate) struct SpaceMonitor {
    path: PathBuf,
    imports_min: u64,
    events_min: u64,
    level: Arc<SpaceLevel>,
    /// Whether changes of the level are reported. One file of the gateway is sufficient.
    is_reported: bool,
    checked: Instant,
}

impl SpaceMonitor {
    /// Creates a monitor and checks once.
    pub(crate) fn new(path: &Path, config: &Settings, level: &Arc<SpaceLevel>, is_reported: bool) -> Self {
        let mut monitor = Self {
            path: path.to_owned(),
            imports_min: config.free_bytes_imports_min,
            events_min: config.free_bytes_events_min,
            level: Arc::clone(level),
            is_reported,
            checked: Instant::now(),
        };
        monitor.check();
        monitor
    }

    /// Checks the free space if [`CHECK_INTERVAL`] has passed.
    pub(crate) fn check_if_due(&mut self) {
        if self.checked.elapsed() >= CHECK_INTERVAL {
            self.check();
        }
    }

    fn check(&mut self) {
        self.checked = Instant::now();
        let free = match statvfs(&self.path) {
            Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
            Err(error) => {
                warn!(
                    event = "store.free_space_unknown",
                    "failed to read free disk space of the database's folder: {error}"
                );
                return;
            }
        };
        let level = match free {
            free if free < self.events_min => NONE,
            free if free < self.imports_min => LITTLE,
            _ => ENOUGH,
        };
        let before = self.level.0.swap(level, Ordering::Relaxed);
        if !self.is_reported {
            return;
        }
        METRICS.store_disk_level.set(level.into());
        if before == level {
            return;
        }
        let (limit, rejected) = match level {
            LITTLE => ("store.free_bytes_imports_min", "imports"),
            _ => ("store.free_bytes_events_min", "imports, events and state"),
        };
        if level == ENOUGH {
            info!(
                event = "store.free_space_recovered",
                free, "{free} bytes free for the database: all writes accepted again"
            );
        } else {
            warn!(
                event = "store.free_space_low",
                free, "low disk space: {free} bytes free, below {limit}; {rejected} rejected; free some space"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(imports_min: u64, events_min: u64) -> [bool; 3] {
        let folder = tempfile::tempdir().expect("a folder");
        let config =
            Settings { free_bytes_imports_min: imports_min, free_bytes_events_min: events_min, ..Settings::default() };
        let level = Arc::default();
        SpaceMonitor::new(folder.path(), &config, &level, true);
        [Purpose::Import { channel: 1 }, Purpose::Event, Purpose::Progress]
            .map(|purpose| level.rejection(purpose).is_some())
    }

    #[test]
    fn imports_are_rejected_first_then_events_and_progress_never() {
        assert_eq!(rejected(0, 0), [false, false, false]);
        assert_eq!(rejected(u64::MAX, 0), [true, false, false]);
        assert_eq!(rejected(u64::MAX, u64::MAX), [true, true, false]);
    }
}
