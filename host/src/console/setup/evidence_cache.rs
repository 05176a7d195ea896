//! What the recorded requests prove, kept between two visits of a page: a visit reads only the records since the last one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use frontgate_recorder::{Filter, Recorder};
use parking_lot::Mutex;
use tokio::task::spawn_blocking;

use super::evidence::Evidence;

/// Time after which all records are read again, because old ones were deleted.
const WHOLE_INTERVAL: Duration = Duration::from_secs(60);

/// New records that are read at once.
const NEW_MAX: usize = 1_000;

/// The evidence by now.
#[derive(Default)]
pub(in crate::console) struct EvidenceCache(Arc<Mutex<Option<Known>>>);

struct Known {
    evidence: Arc<Evidence>,
    /// Number of the last record in it.
    last: u64,
    read_at: Instant,
}

impl EvidenceCache {
    /// Returns what all records prove.
    pub(super) async fn get(&self, recorder: &Arc<Recorder>) -> Arc<Evidence> {
        let (known, recorder) = (Arc::clone(&self.0), Arc::clone(recorder));
        // Reading all records takes milliseconds of processor time.
        let read = spawn_blocking(move || {
            let mut known = known.lock();
            let current = known.take().filter(|known| known.read_at.elapsed() < WHOLE_INTERVAL);
            let current =
                current.and_then(|known| known.continued(&recorder)).unwrap_or_else(|| Known::read(&recorder));
            let evidence = Arc::clone(&current.evidence);
            *known = Some(current);
            evidence
        });
        read.await.unwrap_or_default()
    }
}

impl Known {
    fn read(recorder: &Recorder) -> Self {
        // Records that are added meanwhile are read twice otherwise, and their refusals counted twice.
        let last = recorder.last();
        Self { evidence: Arc::new(Evidence::read(recorder, last)), last, read_at: Instant::now() }
    }

    /// Adds the records since the last one; `None` if some are gone already, or too many are new.
    fn continued(mut self, recorder: &Recorder) -> Option<Self> {
        let page = recorder.after(self.last, &Filter::default(), NEW_MAX);
        if page.skipped > 0 || page.is_after_restart || page.records.len() >= NEW_MAX {
            return None;
        }
        if !page.records.is_empty() {
            let evidence = Arc::make_mut(&mut self.evidence);
            page.records.iter().for_each(|record| evidence.add_newer(&record.facts));
        }
        self.last = page.next;
        Some(self)
    }
}
