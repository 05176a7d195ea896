//! Calls of plugins in attempts of deliveries, in memory, bounded by bytes and age.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::record::PluginCall;

/// Share of the memory of all records that attempts use: one sixteenth.
pub(crate) const SHARE: usize = 16;
/// Calls of one attempt that are kept. Every call is counted.
const CALLS_MAX: usize = 50;
/// Estimate of the memory of an attempt without its calls.
const ATTEMPT_BYTES: usize = size_of::<Attempt>() + 64;

/// One attempt of a delivery that called plugins. Contains no personal data.
#[derive(Debug)]
pub struct Attempt {
    /// Id of the delivery.
    pub delivery: i64,
    /// Number of the attempt, from 1.
    pub number: u32,
    /// Unix time in milliseconds at which it ended.
    pub at_ms: u64,
    /// Calls of plugins, in the order in which they ended.
    pub calls: Vec<PluginCall>,
    /// Calls that are not in `calls`, because there were too many.
    pub calls_dropped: usize,
}

/// Limits of all attempts together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) bytes_max: usize,
    /// Attempts that ended before this time are removed.
    pub(crate) from_ms: u64,
}

/// Recent attempts, in the order in which they ended.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    attempts: VecDeque<Arc<Attempt>>,
    bytes: usize,
}

impl Attempts {
    pub(crate) fn add(&self, mut attempt: Attempt, bounds: Bounds) {
        attempt.calls_dropped = attempt.calls.len().saturating_sub(CALLS_MAX);
        attempt.calls.truncate(CALLS_MAX);
        attempt.calls.shrink_to_fit();
        let mut ring = self.0.lock();
        ring.bytes += attempt.bytes();
        ring.attempts.push_back(Arc::new(attempt));
        ring.shrink(bounds);
    }

    /// Returns the attempts of a delivery, the oldest first.
    pub(crate) fn of(&self, delivery: i64) -> Vec<Arc<Attempt>> {
        self.0.lock().attempts.iter().filter(|attempt| attempt.delivery == delivery).cloned().collect()
    }

    pub(crate) fn expire(&self, bounds: Bounds) {
        self.0.lock().shrink(bounds);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.lock().bytes
    }
}

impl Ring {
    fn shrink(&mut self, bounds: Bounds) {
        let (bytes, Bounds { bytes_max, from_ms }) = (&mut self.bytes, bounds);
        while let Some(gone) = self.attempts.pop_front_if(|first| *bytes > bytes_max || first.at_ms < from_ms) {
            *bytes -= gone.bytes();
        }
    }
}

impl Attempt {
    fn bytes(&self) -> usize {
        let calls = self.calls.capacity() * size_of::<PluginCall>();
        ATTEMPT_BYTES + calls + self.calls.iter().map(PluginCall::heap_bytes).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNBOUNDED: Bounds = Bounds { bytes_max: usize::MAX, from_ms: 0 };

    fn attempt(delivery: i64, calls: usize, at_ms: u64) -> Attempt {
        let call = PluginCall {
            plugin: "directory".into(),
            function: "routing.choose-worker".into(),
            outcome: "answered",
            limit: None,
            digest: [0; 32],
            queue_us: 1,
            cost: None,
        };
        Attempt { delivery, number: 1, at_ms, calls: vec![call; calls], calls_dropped: 0 }
    }

    #[test]
    fn the_oldest_attempts_are_removed_beyond_the_memory() {
        let (attempts, bounds) = (Attempts::default(), Bounds { bytes_max: 10_000, ..UNBOUNDED });
        (0..1_000).for_each(|delivery| attempts.add(attempt(delivery, 2, 0), bounds));
        assert!(attempts.bytes() <= 10_000 && attempts.bytes() > 9_000, "{}", attempts.bytes());
        assert_eq!((attempts.of(0).len(), attempts.of(999).len()), (0, 1));
    }

    #[test]
    fn old_attempts_are_removed() {
        let attempts = Attempts::default();
        (0..3).for_each(|at_ms| attempts.add(attempt(1, 1, at_ms), UNBOUNDED));
        attempts.expire(Bounds { from_ms: 2, ..UNBOUNDED });
        assert_eq!(attempts.of(1).len(), 1);
        attempts.expire(Bounds { bytes_max: 0, ..UNBOUNDED });
        assert_eq!((attempts.of(1).len(), attempts.bytes()), (0, 0));
    }

    #[test]
    fn the_calls_of_one_attempt_are_bounded() {
        let attempts = Attempts::default();
        attempts.add(attempt(1, CALLS_MAX + 3, 0), UNBOUNDED);
        let found = attempts.of(1);
        assert_eq!((found[0].calls.len(), found[0].calls_dropped), (CALLS_MAX, 3));
    }
}
