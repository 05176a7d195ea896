//! Free space on the database's file system. Imports are refused first, then platform events; progress of
//! what is stored already never is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use frontgate_telemetry::metrics::METRICS;
use rustix::fs::statvfs;
use tracing::{info, warn};

use super::Overload;
use super::queue::Purpose;

/// How often the writer looks at the free space.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What the free space allows, for everybody who wants to write.
#[derive(Debug, Default)]
pub(super) struct Room(AtomicU8);

/// Nothing is refused.
const ENOUGH: u8 = 0;
/// Imports are refused.
const LITTLE: u8 = 1;
/// Events and state, too.
const NONE: u8 = 2;

impl Room {
    /// Why a write is refused, if it is.
    pub(super) fn refusal(&self, purpose: Purpose) -> Option<Overload> {
        let level = self.0.load(Ordering::Relaxed);
        match purpose {
            Purpose::Progress => None,
            Purpose::Import { .. } => (level >= LITTLE).then_some(Overload::DiskForImports),
            Purpose::Event | Purpose::State => (level >= NONE).then_some(Overload::DiskForEvents),
        }
    }
}

/// Looks at the file system; the writer's own.
pub(super) struct Watch {
    path: PathBuf,
    imports_min: u64,
    events_min: u64,
    room: Arc<Room>,
    looked: Instant,
}

impl Watch {
    /// Has looked once.
    pub(super) fn new(path: &Path, config: &crate::Settings, room: &Arc<Room>) -> Self {
        let mut watch = Self {
            path: path.to_owned(),
            imports_min: config.free_bytes_imports_min,
            events_min: config.free_bytes_events_min,
            room: Arc::clone(room),
            looked: Instant::now(),
        };
        watch.look();
        watch
    }

    /// Looks again if the last time is long enough ago.
    pub(super) fn look_in_time(&mut self) {
        if self.looked.elapsed() >= LOOK_INTERVAL {
            self.look();
        }
    }

    fn look(&mut self) {
        self.looked = Instant::now();
        let free = match statvfs(&self.path) {
            Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
            Err(error) => {
                warn!(event = "store.free_space_unknown", "failed to read the free space of the database: {error}");
                return;
            }
        };
        let level = match free {
            free if free < self.events_min => NONE,
            free if free < self.imports_min => LITTLE,
            _ => ENOUGH,
        };
        METRICS.store_disk_level.set(level.into());
        let before = self.room.0.swap(level, Ordering::Relaxed);
        if before == level {
            return;
        }
        let words = match level {
            ENOUGH => "everything is stored again",
            LITTLE => "imports are refused: less than store.free_bytes_imports_min is free",
            _ => "imports, events and state are refused: less than store.free_bytes_events_min is free",
        };
        let (event, text) = ("store.free_space", format!("{free} bytes are free for the database; {words}"));
        if level == ENOUGH { info!(event, free, "{text}") } else { warn!(event, free, "{text}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(imports_min: u64, events_min: u64) -> [bool; 3] {
        let folder = tempfile::tempdir().expect("a folder");
        let config = crate::Settings {
            free_bytes_imports_min: imports_min,
            free_bytes_events_min: events_min,
            ..crate::Settings::default()
        };
        let room = Arc::default();
        Watch::new(folder.path(), &config, &room);
        [Purpose::Import { channel: 1 }, Purpose::Event, Purpose::Progress]
            .map(|purpose| room.refusal(purpose).is_some())
    }

    #[test]
    fn imports_are_refused_first_then_events_and_progress_never() {
        assert_eq!(refused(0, 0), [false, false, false]);
        assert_eq!(refused(u64::MAX, 0), [true, false, false]);
        assert_eq!(refused(u64::MAX, u64::MAX), [true, true, false]);
    }
}
