//! Time since the machine was started, which also passes while it is suspended.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A point in time of this machine. `std::time::Instant` would stand still during a suspension.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Boottime(Duration);

impl Boottime {
    pub(crate) fn now() -> Self {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        Self(Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default()))
    }

    pub(crate) fn plus(self, time: Duration) -> Self {
        Self(self.0 + time)
    }

    /// Returns the time that has passed since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// The clock of the database, from the last time that it reported.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DatabaseClock {
    reported_ms: i64,
    at: Boottime,
}

impl DatabaseClock {
    /// Records a time that the database has just reported.
    pub(crate) fn set(&mut self, now_ms: i64) {
        (self.reported_ms, self.at) = (now_ms, Boottime::now());
    }

    /// Returns the current time in milliseconds since 1970.
    pub(crate) fn now_ms(self) -> i64 {
        let passed = Boottime::now().since(self.at).as_millis();
        self.reported_ms.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
    }
}
