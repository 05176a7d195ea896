//! A clock that stands still until a test moves it.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

/// Midnight of 1 January 2026.
const BEGINNING: Duration = Duration::from_secs(1_767_225_600);

thread_local! {
    /// Since 1970.
    static NOW: Cell<Duration> = const { Cell::new(BEGINNING) };
}

/// Sets what [`clock`](crate::clock) says.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use frontgate_sdk::{clock, testing};
///
/// testing::now(UNIX_EPOCH + Duration::from_secs(7));
/// assert_eq!(clock::seconds(), 7);
/// ```
pub fn now(time: SystemTime) {
    NOW.set(time.duration_since(SystemTime::UNIX_EPOCH).expect("times begin in 1970"));
}

/// Lets time pass, also for what is kept for a time.
///
/// ```
/// use std::time::Duration;
///
/// use frontgate_sdk::{state, testing};
///
/// state::set("code", "1234", Duration::from_secs(60))?;
/// testing::pass(Duration::from_secs(60));
/// assert_eq!(state::get("code")?, None);
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn pass(time: Duration) {
    NOW.set(NOW.get() + time);
}

pub(crate) fn time() -> SystemTime {
    SystemTime::UNIX_EPOCH + NOW.get()
}

pub(super) fn reset() {
    NOW.set(BEGINNING);
}
