//! A fair queue for work on files. It limits concurrency and orders files so that bad files do not delay good ones.
//!
//! Names that were live before go first, names whose files failed go last. Among equals, permits go alternately to the
//! file that waits the shortest and to the smallest file, so that a new file does not wait behind a hundred others. A
//! file that has waited for [`PATIENCE`] goes before both.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Waiting time after which a file goes before smaller and newer files.
const PATIENCE: Duration = Duration::from_secs(60);

/// A queue of files that wait for permits.
#[derive(Debug)]
pub(super) struct FairQueue(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    free: usize,
    /// Number of permits granted to waiting files.
    granted: u64,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    priority: Priority,
    sender: oneshot::Sender<Permit>,
}

/// Properties of a file that determine its position in the queue.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Priority {
    /// Number of failed attempts to load this plugin since its last success.
    pub(super) failures: u32,
    /// Whether a plugin with this name was live before.
    pub(super) known: bool,
    /// Size of the file, in bytes.
    pub(super) bytes: u64,
}

/// A permit, returned on drop.
#[derive(Debug)]
pub(super) struct Permit(Option<Arc<FairQueue>>);

impl FairQueue {
    pub(super) fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inner { free: permits, granted: 0, waiting: Vec::new() })))
    }

    /// Waits for a permit.
    pub(super) async fn acquire(self: &Arc<Self>, priority: Priority) -> Permit {
        let receiver = {
            let mut inner = self.0.lock();
            if inner.free > 0 {
                inner.free -= 1;
                return Permit(Some(Arc::clone(self)));
            }
            let (sender, receiver) = oneshot::channel();
            inner.waiting.push(Waiting { since: Instant::now(), priority, sender });
            receiver
        };
        // A sender is removed from the queue only to send a permit, so this cannot fail.
        receiver.await.unwrap_or(Permit(None))
    }

    /// Gives the released permit to the next file.
    fn release(self: &Arc<Self>) {
        loop {
            let next = {
                let mut inner = self.0.lock();
                match next(&inner.waiting, inner.granted, Instant::now()) {
                    Some(index) => {
                        inner.granted += 1;
                        inner.waiting.swap_remove(index)
                    }
                    None => {
                        inner.free += 1;
                        return;
                    }
                }
            };
            match next.sender.send(Permit(Some(Arc::clone(self)))) {
                Ok(()) => return,
                // The waiter was dropped; the permit is still free.
                Err(mut permit) => permit.0 = None,
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            queue.release();
        }
    }
}

/// Number of failures after which a plugin that was live before loses priority.
const KNOWN_FAILURES: u32 = 3;

/// Returns the index of the next file.
fn next(waiting: &[Waiting], granted: u64, now: Instant) -> Option<usize> {
    let newest_first = granted.is_multiple_of(2);
    let key = |waiting: &Waiting| {
        let Priority { failures, known, bytes } = waiting.priority;
        // A plugin that was live before keeps its priority after occasional failures.
        let failures = if known { failures.saturating_sub(KNOWN_FAILURES) } else { failures };
        let waited = now.saturating_duration_since(waiting.since);
        let order = match (waited >= PATIENCE, newest_first) {
            (true, _) => (0, 0, Reverse(waited)),
            (false, true) => (1, waited.as_nanos(), Reverse(Duration::ZERO)),
            (false, false) => (1, bytes.into(), Reverse(waited)),
        };
        (failures, !known, order)
    };
    waiting.iter().enumerate().min_by_key(|(_, waiting)| key(waiting)).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the index of the file that gets an even permit, and of the file that gets an odd permit. Each file has
    /// an age in seconds.
    fn order(waiting: &[(u64, Priority)]) -> [Option<usize>; 2] {
        let now = Instant::now() + Duration::from_secs(1_000);
        let waiting: Vec<Waiting> = waiting
            .iter()
            .map(|(age, priority)| Waiting {
                since: now.checked_sub(Duration::from_secs(*age)).expect("a time"),
                priority: *priority,
                sender: oneshot::channel().0,
            })
            .collect();
        [0, 1].map(|granted| next(&waiting, granted, now))
    }

    fn file(bytes: u64) -> Priority {
        Priority { bytes, ..Priority::default() }
    }

    #[test]
    fn the_newest_and_the_smallest_alternate() {
        assert_eq!(order(&[(9, file(5)), (1, file(7)), (3, file(1))]), [Some(1), Some(2)]);
    }

    #[test]
    fn names_that_failed_wait_behind_the_others() {
        let failed = Priority { failures: 1, ..file(1) };
        assert_eq!(order(&[(1, failed), (9, file(5))]), [Some(1), Some(1)]);
    }

    #[test]
    fn names_that_have_been_live_go_first() {
        let known = Priority { known: true, ..file(9) };
        assert_eq!(order(&[(1, file(1)), (9, known)]), [Some(1), Some(1)]);
    }

    #[test]
    fn a_file_that_waited_long_goes_before_new_and_small_ones() {
        assert_eq!(order(&[(61, file(9)), (1, file(1)), (62, file(9))]), [Some(2), Some(2)]);
    }

    #[test]
    fn a_permit_of_a_dropped_waiter_goes_to_the_next() {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let queue = FairQueue::new(1);
        let acquire = || Box::pin(async { Arc::clone(&queue).acquire(Priority::default()).await });
        let (mut first, mut gone, mut next) = (acquire(), acquire(), acquire());
        let first = first.as_mut().poll(&mut context);
        assert!(first.is_ready());
        assert!(gone.as_mut().poll(&mut context).is_pending());
        assert!(next.as_mut().poll(&mut context).is_pending());
        drop(gone);
        drop(first);
        assert!(next.as_mut().poll(&mut context).is_ready());
    }
}
