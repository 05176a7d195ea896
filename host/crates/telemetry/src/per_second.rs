//! Counts events of the current second against a limit.

use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// A limit for each second, which begins with the first event.
#[derive(Debug, Default)]
pub struct PerSecond {
    /// When the current second began.
    began: Option<Instant>,
    taken: u32,
}

impl PerSecond {
    /// No event yet.
    pub(crate) const fn new() -> Self {
        Self { began: None, taken: 0 }
    }

    /// Takes one of so many events in a second; `false` if there are none left.
    pub fn take(&mut self, now: Instant, max: u32) -> bool {
        if self.began.is_none_or(|began| now.duration_since(began) >= SECOND) {
            (self.began, self.taken) = (Some(now), 0);
        }
        let is_left = self.taken < max;
        self.taken += u32::from(is_left);
        is_left
    }
}
