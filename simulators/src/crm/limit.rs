//! The rate limit: requests per window.

use std::time::{Duration, Instant};

/// A fixed window, which begins with the first request in it.
#[derive(Debug)]
pub(crate) struct Limit {
    requests: u32,
    window: Duration,
    began: Option<Instant>,
    taken: u32,
}

impl Default for Limit {
    fn default() -> Self {
        Self { requests: 6_000, window: Duration::from_secs(60), began: None, taken: 0 }
    }
}

impl Limit {
    pub(crate) fn set(&mut self, requests: u32, window: Duration) {
        *self = Self { requests, window, began: None, taken: 0 };
    }

    /// Counts a request. Above the limit, returns the number of seconds until the next window as the error.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), u64> {
        let began = *self.began.get_or_insert(now);
        let left = (began + self.window).saturating_duration_since(now);
        if left.is_zero() {
            (self.began, self.taken) = (Some(now), 0);
        }
        if self.taken >= self.requests {
            return Err(left.as_secs() + u64::from(left.subsec_nanos() > 0));
        }
        self.taken += 1;
        Ok(())
    }
}
