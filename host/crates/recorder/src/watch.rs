//! Wakes readers that wait for the next record. Costs one relaxed load while no reader waits.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Readers that wait.
#[derive(Default)]
pub(crate) struct Watchers {
    count: AtomicUsize,
    all: Mutex<Vec<Arc<Watcher>>>,
}

struct Watcher {
    is_armed: AtomicBool,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Watchers {
    pub(crate) fn add(self: &Arc<Self>, wake: Box<dyn Fn() + Send + Sync>) -> Watch {
        let watcher = Arc::new(Watcher { is_armed: AtomicBool::new(false), wake });
        self.all.lock().push(Arc::clone(&watcher));
        self.count.fetch_add(1, Ordering::SeqCst);
        Watch { watchers: Arc::clone(self), watcher }
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Wakes each reader that is armed. Called after a record was stored.
    pub(crate) fn wake(&self) {
        // A reader arms itself before it locks the rings to read, and this load follows the lock with which the record
        // was stored. If the reader missed the record, the load therefore sees its count.
        if self.count() == 0 {
            return;
        }
        for watcher in self.all.lock().iter() {
            if watcher.is_armed.swap(false, Ordering::SeqCst) {
                (watcher.wake)();
            }
        }
    }
}

impl fmt::Debug for Watchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watchers({})", self.count())
    }
}

/// Registration of a reader that waits for records, until it is dropped.
///
/// A reader loops: [`arm`](Self::arm), then [`Recorder::after`](crate::Recorder::after), and if that found nothing, wait
/// until the callback was called. A record between the two wakes the reader, so none is missed.
pub struct Watch {
    watchers: Arc<Watchers>,
    watcher: Arc<Watcher>,
}

impl Watch {
    /// Requests one call of the callback, at the next record.
    pub fn arm(&self) {
        self.watcher.is_armed.store(true, Ordering::SeqCst);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch(armed: {})", self.watcher.is_armed.load(Ordering::Relaxed))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watchers.count.fetch_sub(1, Ordering::SeqCst);
        self.watchers.all.lock().retain(|watcher| !Arc::ptr_eq(watcher, &self.watcher));
    }
}
