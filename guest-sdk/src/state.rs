//! What the plugin keeps from one call to the next: a small store of its own for each tenant, where the
//! operator granted one (`plugins.named.NAME.state = true`).
//!
//! A call sees its own writes at once. Others see them when the call has succeeded, all together; if it
//! returns an error, panics or runs out of time, nothing was written.
//!
//! ```
//! use std::time::Duration;
//!
//! use frontgate_sdk::{Result, state};
//!
//! const DAY: Duration = Duration::from_secs(86_400);
//!
//! /// Whether a customer is welcomed for the first time today.
//! fn is_new(customer_id: &str, today: &str) -> Result<bool> {
//!     let greetings = state::increment(&format!("greeted/{today}/{customer_id}"), 1, DAY)?;
//!     Ok(greetings == 1)
//! }
//!
//! assert!(is_new("c-7", "2026-11-21")?);
//! assert!(!is_new("c-7", "2026-11-21")?);
//!
//! // Change what is there only if nobody else did so meanwhile.
//! state::set("turn", "ana@example.org", None)?;
//! let turn = state::get("turn")?.expect("it was just set");
//! assert_eq!(turn.text(), Some("ana@example.org"));
//! assert!(state::swap("turn", Some(turn.version), "ben@example.org", None)?);
//! # Ok::<(), frontgate_sdk::Error>(())
//! ```

use std::time::Duration;

pub use crate::bindings::state::{Entry, StateError};
use crate::{Error, Result};

/// What stands under the key, if anything.
pub fn get(key: &str) -> Result<Option<Entry>, StateError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::state::get(key);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::state::get(key);
}

/// Keeps a value, for as long as is said or until it is deleted. Of several calls that set a key, the one
/// that ends last wins.
pub fn set(key: &str, value: impl AsRef<[u8]>, keep: impl Into<Option<Duration>>) -> Result<(), StateError> {
    let (value, seconds) = (value.as_ref(), seconds(keep.into()));
    #[cfg(target_family = "wasm")]
    return crate::bindings::state::set(key, value, seconds);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::state::set(key, value, seconds);
}

/// Writes only if the key's version is still this one, or, without one, if there is no such key; says
/// whether it did. Until this call ends no other can swap or increment the key.
pub fn swap(
    key: &str,
    version: Option<u64>,
    value: impl AsRef<[u8]>,
    keep: impl Into<Option<Duration>>,
) -> Result<bool, StateError> {
    let (value, seconds) = (value.as_ref(), seconds(keep.into()));
    #[cfg(target_family = "wasm")]
    return crate::bindings::state::swap(key, version, value, seconds);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::state::swap(key, version, value, seconds);
}

/// Adds to a counter that starts at 0, and says what it is now: no two calls that succeed are told the
/// same. Until this call ends no other can swap or increment the key.
pub fn increment(key: &str, by: i64, keep: impl Into<Option<Duration>>) -> Result<i64, StateError> {
    let seconds = seconds(keep.into());
    #[cfg(target_family = "wasm")]
    return crate::bindings::state::increment(key, by, seconds);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::state::increment(key, by, seconds);
}

/// Forgets the key; it is no error if there is none.
pub fn delete(key: &str) -> Result<(), StateError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::state::delete(key);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::state::delete(key);
}

/// Whole seconds, and at least as long as was asked for.
fn seconds(keep: Option<Duration>) -> Option<u32> {
    let keep = keep?;
    let seconds = keep.as_secs() + u64::from(keep.subsec_nanos() > 0);
    Some(u32::try_from(seconds).unwrap_or(u32::MAX))
}

impl Entry {
    /// The value, if it is a text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.value).ok()
    }
}

/// Lets `?` end a role's function. What may help to try again is `unavailable`, the rest `failed`.
impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Unavailable => Self::unavailable("the plugin's state: unavailable"),
            StateError::NotGranted => Self::failed("the plugin's state: not granted; set plugins.named.NAME.state"),
            StateError::TooLarge => Self::failed("the plugin's state: a key or a value is too large"),
            StateError::Full => Self::failed("the plugin's state: full"),
            StateError::NotANumber => Self::failed("the plugin's state: this is no counter, or out of range"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_for_part_of_a_second_is_kept_for_a_whole_one() {
        let table = [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (u64::MAX, u32::MAX)];
        for (millis, want) in table {
            assert_eq!(seconds(Some(Duration::from_millis(millis))), Some(want), "{millis}");
        }
        assert_eq!(seconds(None), None);
    }
}
