//! A clock that stands still until a test moves it.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

/// Midnight of 1 January 2026 (UTC).
const START: Duration = Duration::from_secs(1_767_225_600);

thread_local! {
    /// The simulated time since 1970.
    static NOW: Cell<Duration> = const { Cell::new(START) };
}

pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + NOW.get()
}

pub(crate) fn set(time: SystemTime) {
    NOW.set(time.duration_since(SystemTime::UNIX_EPOCH).expect("times start in 1970"));
}

pub(crate) fn advance(time: Duration) {
    NOW.set(NOW.get() + time);
}

pub(super) fn reset() {
    NOW.set(START);
}
