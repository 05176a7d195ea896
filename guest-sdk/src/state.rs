//! The plugin's key-value store, separate for each tenant. The operator must grant it
//! (`plugins.named.NAME.state = true`).
//!
//! - A call sees its own writes at once. Other calls see them after the call has succeeded, all in one transaction.
//! - If the call returns an error, panics or times out, all its writes are discarded.
//! - [`swap`] and [`increment`] lock the key until the call ends; [`set`] and [`delete`] do not.
//!
//! ```
//! use std::time::Duration;
//!
//! use frontgate_sdk::{Result, state};
//!
//! const DAY: Duration = Duration::from_secs(86_400);
//!
//! /// Returns whether this is the customer's first greeting today.
//! fn is_new(customer_id: &str, today: &str) -> Result<bool> {
//!     let greetings = state::increment(&format!("greeted/{today}/{customer_id}"), 1, DAY)?;
//!     Ok(greetings == 1)
//! }
//!
//! assert!(is_new("c-7", "2026-11-21")?);
//! assert!(!is_new("c-7", "2026-11-21")?);
//!
//! // Compare-and-swap: change the value only if no other call has changed it.
//! state::set("turn", "ana@example.org", None)?;
//! let turn = state::get("turn")?.expect("the key was just set");
//! assert_eq!(turn.text(), Some("ana@example.org"));
//! assert!(state::swap("turn", Some(turn.version), "ben@example.org", None)?);
//! # Ok::<(), frontgate_sdk::Error>(())
//! ```
//!
//! Values are bytes, or any type that serde writes as JSON:
//!
//! ```
//! use std::time::Duration;
//!
//! use frontgate_sdk::{state, testing};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
//! struct Person {
//!     name: String,
//!     visits: u32,
//! }
//!
//! let mora = Person { name: "Mora".to_owned(), visits: 1 };
//! state::set_json("people/7", &mora, Duration::from_secs(600))?;
//! assert_eq!(state::get_json("people/7")?, Some(mora));
//!
//! // `update` retries if another call writes the key in between.
//! let mora = state::update("people/7", None, |person: Option<Person>| {
//!     let person = person.unwrap_or_default();
//!     Person { visits: person.visits + 1, ..person }
//! })?;
//! assert_eq!(mora.visits, 2);
//! # Ok::<(), frontgate_sdk::Error>(())
//! ```

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::bindings::state::{Entry, StateError};
use crate::{Error, Result, host, json};

/// The maximum number of attempts of [`update`].
const UPDATES_MAX: usize = 8;

/// Returns the key's entry, if any.
///
/// ```
/// use frontgate_sdk::state;
///
/// state::set("turn", "ana@example.org", None)?;
/// assert_eq!(state::get("turn")?.unwrap().text(), Some("ana@example.org"));
/// # Ok::<(), state::StateError>(())
/// ```
pub fn get(key: &str) -> Result<Option<Entry>, StateError> {
    host::state::get(key)
}

/// Stores a value for this time to live, or until it is deleted. If several calls set a key, the one that ends last
/// wins.
///
/// ```
/// use std::time::Duration;
///
/// use frontgate_sdk::state;
///
/// state::set("picture", [0xff, 0xd8], None)?;
/// state::set("code", "1234", Duration::from_secs(60))?;
/// # Ok::<(), state::StateError>(())
/// ```
pub fn set(key: &str, value: impl AsRef<[u8]>, ttl: impl Into<Option<Duration>>) -> Result<(), StateError> {
    host::state::set(key, value.as_ref(), seconds(ttl.into()))
}

/// Writes only if the key still has this version, or, with `None`, if the key does not exist (compare-and-swap).
/// Returns whether the value was written. No other call can swap or increment the key until this call ends.
///
/// ```
/// use frontgate_sdk::state;
///
/// assert!(state::swap("lock", None, "mine", None)?);
/// assert!(!state::swap("lock", None, "mine, too", None)?);
/// # Ok::<(), state::StateError>(())
/// ```
pub fn swap(
    key: &str,
    version: Option<u64>,
    value: impl AsRef<[u8]>,
    ttl: impl Into<Option<Duration>>,
) -> Result<bool, StateError> {
    host::state::swap(key, version, value.as_ref(), seconds(ttl.into()))
}

/// Adds to a counter that starts at 0, and returns the sum, which is exact under concurrency. No other call can swap or
/// increment the key until this call ends.
///
/// ```
/// use frontgate_sdk::state;
///
/// assert_eq!((state::increment("n", 2, None)?, state::increment("n", -1, None)?), (2, 1));
/// # Ok::<(), state::StateError>(())
/// ```
pub fn increment(key: &str, delta: i64, ttl: impl Into<Option<Duration>>) -> Result<i64, StateError> {
    host::state::increment(key, delta, seconds(ttl.into()))
}

/// Deletes the key. A missing key is not an error.
///
/// ```
/// use frontgate_sdk::state;
///
/// state::delete("turn")?;
/// assert_eq!(state::get("turn")?, None);
/// # Ok::<(), state::StateError>(())
/// ```
pub fn delete(key: &str) -> Result<(), StateError> {
    host::state::delete(key)
}

/// Reads the key's value as JSON. The error names the key, and contains no value.
///
/// ```
/// use frontgate_sdk::{Error, state};
///
/// state::set("visits", "many", None)?;
/// let problem = "unexpected value of `visits`: expected value at line 1 column 1";
/// assert_eq!(state::get_json::<u32>("visits"), Err(Error::failed(problem)));
/// assert_eq!(state::get_json::<u32>("others"), Ok(None));
/// # Ok::<(), Error>(())
/// ```
pub fn get_json<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    get(key)?.map(|entry| read(key, &entry)).transpose()
}

/// Stores a value as JSON, like [`set`].
///
/// ```
/// use frontgate_sdk::state;
///
/// state::set_json("workers", &["ana@example.org"], None)?;
/// assert_eq!(state::get_json::<Vec<String>>("workers")?.unwrap().len(), 1);
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn set_json<T: Serialize + ?Sized>(key: &str, value: &T, ttl: impl Into<Option<Duration>>) -> Result<()> {
    Ok(set(key, json_of(key, value)?, ttl)?)
}

/// Replaces the key's value with the result of `change`, and returns the new value. Runs `change` again if another
/// call wrote the key in between.
///
/// ```
/// use frontgate_sdk::state;
///
/// let names = state::update("names", None, |names: Option<Vec<String>>| {
///     let mut names = names.unwrap_or_default();
///     names.push("Mora".to_owned());
///     names
/// })?;
/// assert_eq!(names, ["Mora"]);
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn update<T: Serialize + DeserializeOwned>(
    key: &str,
    ttl: impl Into<Option<Duration>>,
    mut change: impl FnMut(Option<T>) -> T,
) -> Result<T> {
    let ttl = ttl.into();
    for _ in 0..UPDATES_MAX {
        let entry = get(key)?;
        let version = entry.as_ref().map(|entry| entry.version);
        let value = change(entry.map(|entry| read(key, &entry)).transpose()?);
        if swap(key, version, json_of(key, &value)?, ttl)? {
            return Ok(value);
        }
    }
    Err(Error::unavailable(format!("too many concurrent writes of `{key}`")))
}

fn read<T: DeserializeOwned>(key: &str, entry: &Entry) -> Result<T> {
    json::read(&entry.value, &format!("unexpected value of `{key}`"))
}

fn json_of<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::failed(format!("failed to write `{key}` as JSON: {error}")))
}

/// Rounds a time to live up to whole seconds.
fn seconds(ttl: Option<Duration>) -> Option<u32> {
    let ttl = ttl?;
    let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
    Some(u32::try_from(seconds).unwrap_or(u32::MAX))
}

impl Entry {
    /// Returns the value as text, if it is UTF-8.
    ///
    /// ```
    /// let entry = frontgate_sdk::state::Entry { value: b"Mora".to_vec(), version: 1 };
    /// assert_eq!(entry.text(), Some("Mora"));
    /// ```
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.value).ok()
    }
}

/// Converts errors for `?` in a role's function: retryable ones to `unavailable`, the others to `failed`.
impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Unavailable => Self::unavailable("the plugin's state is unavailable"),
            StateError::NotGranted => Self::failed("the plugin's state is not granted; set plugins.named.NAME.state"),
            StateError::TooLarge => Self::failed("a key or value of the plugin's state is too large"),
            StateError::Full => Self::failed("the plugin's state is full"),
            StateError::NotANumber => Self::failed("a value of the plugin's state is not a counter, or out of range"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_live_are_rounded_up_to_seconds() {
        let table = [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (u64::MAX, u32::MAX)];
        for (millis, want) in table {
            assert_eq!(seconds(Some(Duration::from_millis(millis))), Some(want), "{millis}");
        }
        assert_eq!(seconds(None), None);
    }
}
