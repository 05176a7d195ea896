//! A rate limit per second.

use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// A counter of events in the current second. A second starts with its first event.
#[derive(Debug, Default)]
pub struct PerSecond {
    /// Start of the current second.
    began: Option<Instant>,
    taken: u32,
}

impl PerSecond {
    /// Creates a counter without events.
    pub(crate) const fn new() -> Self {
        Self { began: None, taken: 0 }
    }

    /// Counts an event if fewer than `max` were counted in this second. Returns `false` if the limit is reached.
    pub fn take(&mut self, now: Instant, max: u32) -> bool {
        if self.began.is_none_or(|began| now.duration_since(began) >= SECOND) {
            (self.began, self.taken) = (Some(now), 0);
        }
        let is_left = self.taken < max;
        self.taken += u32::from(is_left);
        is_left
    }
}
