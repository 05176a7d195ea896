//! A fair queue for work on files: limited concurrency, in an order in which bad files do not delay good ones.
//!
//! Names that were live before go first, names whose files failed go last. Among equals, turns alternate between the
//! newest file, so that a new file does not wait behind a hundred, and the smallest. A file that has waited for
//! [`PATIENCE`] goes before both.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Wait after which a file goes before smaller and newer ones.
const PATIENCE: Duration = Duration::from_secs(60);

/// Free places and waiting files.
#[derive(Debug)]
pub(super) struct Turns(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    free: usize,
    /// Number of turns given to waiting files.
    given: u64,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    urgency: Urgency,
    tell: oneshot::Sender<Turn>,
}

/// The facts that decide about the order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Urgency {
    /// Failed attempts at this name since the last success.
    pub(super) failures: u32,
    /// Whether the name has been live before.
    pub(super) known: bool,
    /// Size of the file.
    pub(super) bytes: u64,
}

/// A place, freed on drop.
#[derive(Debug)]
pub(super) struct Turn(Option<Arc<Turns>>);

impl Turns {
    pub(super) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inner { free: places, given: 0, waiting: Vec::new() })))
    }

    /// Waits for a turn.
    pub(super) async fn take(self: &Arc<Self>, urgency: Urgency) -> Turn {
        let told = {
            let mut inner = self.0.lock();
            if inner.free > 0 {
                inner.free -= 1;
                return Turn(Some(Arc::clone(self)));
            }
            let (tell, told) = oneshot::channel();
            inner.waiting.push(Waiting { since: Instant::now(), urgency, tell });
            told
        };
        // The sender lives until it is used.
        told.await.unwrap_or(Turn(None))
    }

    /// Gives a free place to the next file.
    fn give(self: &Arc<Self>) {
        loop {
            let next = {
                let mut inner = self.0.lock();
                match next(&inner.waiting, inner.given, Instant::now()) {
                    Some(index) => {
                        inner.given += 1;
                        inner.waiting.swap_remove(index)
                    }
                    None => {
                        inner.free += 1;
                        return;
                    }
                }
            };
            match next.tell.send(Turn(Some(Arc::clone(self)))) {
                Ok(()) => return,
                // The waiter was dropped; the place is still free.
                Err(mut turn) => turn.0 = None,
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.give();
        }
    }
}

/// Tolerated failures of a name that was live before.
const KNOWN_FAILURES: u32 = 3;

/// Returns the index of the next file.
fn next(waiting: &[Waiting], given: u64, now: Instant) -> Option<usize> {
    let newest_first = given.is_multiple_of(2);
    let key = |waiting: &Waiting| {
        let Urgency { failures, known, bytes } = waiting.urgency;
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

    /// Who waits, each with an age in seconds; the index of who is next on an even and on an odd turn.
    fn order(waiting: &[(u64, Urgency)]) -> [Option<usize>; 2] {
        let now = Instant::now() + Duration::from_secs(1_000);
        let waiting: Vec<Waiting> = waiting
            .iter()
            .map(|(age, urgency)| Waiting {
                since: now.checked_sub(Duration::from_secs(*age)).expect("a time"),
                urgency: *urgency,
                tell: oneshot::channel().0,
            })
            .collect();
        [0, 1].map(|given| next(&waiting, given, now))
    }

    fn file(bytes: u64) -> Urgency {
        Urgency { bytes, ..Urgency::default() }
    }

    #[test]
    fn the_newest_and_the_smallest_alternate() {
        assert_eq!(order(&[(9, file(5)), (1, file(7)), (3, file(1))]), [Some(1), Some(2)]);
    }

    #[test]
    fn names_that_failed_wait_behind_the_others() {
        let failed = Urgency { failures: 1, ..file(1) };
        assert_eq!(order(&[(1, failed), (9, file(5))]), [Some(1), Some(1)]);
    }

    #[test]
    fn names_that_have_been_live_go_first() {
        let known = Urgency { known: true, ..file(9) };
        assert_eq!(order(&[(1, file(1)), (9, known)]), [Some(1), Some(1)]);
    }

    #[test]
    fn what_has_waited_long_goes_before_what_is_new_or_small() {
        assert_eq!(order(&[(61, file(9)), (1, file(1)), (62, file(9))]), [Some(2), Some(2)]);
    }

    #[test]
    fn a_place_that_nobody_takes_any_more_goes_to_the_next() {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let turns = Turns::new(1);
        let take = || Box::pin(async { Arc::clone(&turns).take(Urgency::default()).await });
        let (mut first, mut gone, mut next) = (take(), take(), take());
        let first = first.as_mut().poll(&mut context);
        assert!(first.is_ready());
        assert!(gone.as_mut().poll(&mut context).is_pending());
        assert!(next.as_mut().poll(&mut context).is_pending());
        drop(gone);
        drop(first);
        assert!(next.as_mut().poll(&mut context).is_ready());
    }
}
