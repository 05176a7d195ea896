//! The time, in a form that tests control: in native tests the clock stands still at midnight of 1 January 2026 (UTC)
//! until [`testing::now`](crate::testing::now) or [`testing::pass`](crate::testing::pass) moves it.
//!
//! ```
//! use std::time::Duration;
//!
//! use frontgate_sdk::{clock, testing};
//!
//! let before = clock::now();
//! testing::pass(Duration::from_secs(60));
//! assert_eq!(clock::now().duration_since(before)?, Duration::from_secs(60));
//! assert_eq!(clock::seconds(), 1_767_225_660);
//! # Ok::<(), std::time::SystemTimeError>(())
//! ```

use std::time::SystemTime;

use crate::host;

/// Returns the time of the gateway's machine.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use frontgate_sdk::{clock, testing};
///
/// testing::now(UNIX_EPOCH + Duration::from_secs(86_400));
/// assert_eq!(clock::now(), UNIX_EPOCH + Duration::from_secs(86_400));
/// ```
pub fn now() -> SystemTime {
    host::clock::now()
}

/// Returns the time in whole seconds since 1970, as the contract writes times.
///
/// ```
/// assert_eq!(frontgate_sdk::clock::seconds(), 1_767_225_600);
/// ```
pub fn seconds() -> u64 {
    now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
