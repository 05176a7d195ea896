//! Requests that the console's simulator is about to send: each has a mark that is announced before and used once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Marks that are announced at one time. The oldest is forgotten beyond it.
const ANNOUNCED_MAX: usize = 100;

/// Marks of simulated requests that have not arrived.
#[derive(Debug, Default)]
pub(crate) struct Announced {
    /// Number of marks, so that a request without one costs a single load.
    count: AtomicUsize,
    marks: Mutex<BTreeSet<String>>,
}

impl Announced {
    /// Announces a request. Marks sort by the time of their announcement.
    pub(crate) fn add(&self, mark: String) {
        let mut marks = self.marks.lock();
        marks.insert(mark);
        while marks.len() > ANNOUNCED_MAX {
            marks.pop_first();
        }
        self.count.store(marks.len(), Ordering::Relaxed);
    }

    /// Returns whether any request is announced.
    pub(crate) fn is_any(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Uses a mark. Returns whether it was announced.
    pub(crate) fn take(&self, mark: &str) -> bool {
        let mut marks = self.marks.lock();
        let was_announced = marks.remove(mark);
        self.count.store(marks.len(), Ordering::Relaxed);
        was_announced
    }
}
