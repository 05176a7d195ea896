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
//!
//! Values are bytes, or anything that serde can write as JSON:
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
//! // Nothing that another call writes meanwhile is lost.
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
use crate::{Error, Result, json};

/// How often [`update`] tries before it leaves the key to others.
const UPDATES_MAX: usize = 8;

/// What stands under the key, if anything.
///
/// ```
/// use frontgate_sdk::state;
///
/// state::set("turn", "ana@example.org", None)?;
/// assert_eq!(state::get("turn")?.unwrap().text(), Some("ana@example.org"));
/// # Ok::<(), state::StateError>(())
/// ```
pub fn get(key: &str) -> Result<Option<Entry>, StateError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::state::get(key);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::state::get(key);
}

/// Keeps a value, for as long as is said or until it is deleted. Of several calls that set a key, the one
/// that ends last wins.
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
pub fn set(key: &str, value: impl AsRef<[u8]>, keep: impl Into<Option<Duration>>) -> Result<(), StateError> {
    let (value, seconds) = (value.as_ref(), seconds(keep.into()));
    #[cfg(target_family = "wasm")]
    return crate::bindings::state::set(key, value, seconds);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::state::set(key, value, seconds);
}

/// Writes only if the key's version is still this one, or, without one, if there is no such key; says
/// whether it did. Until this call ends no other can swap or increment the key.
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
///
/// ```
/// use frontgate_sdk::state;
///
/// assert_eq!((state::increment("n", 2, None)?, state::increment("n", -1, None)?), (2, 1));
/// # Ok::<(), state::StateError>(())
/// ```
pub fn increment(key: &str, by: i64, keep: impl Into<Option<Duration>>) -> Result<i64, StateError> {
    let seconds = seconds(keep.into());
    #[cfg(target_family = "wasm")]
    return crate::bindings::state::increment(key, by, seconds);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::state::increment(key, by, seconds);
}

/// Forgets the key; it is no error if there is none.
///
/// ```
/// use frontgate_sdk::state;
///
/// state::delete("turn")?;
/// assert_eq!(state::get("turn")?, None);
/// # Ok::<(), state::StateError>(())
/// ```
pub fn delete(key: &str) -> Result<(), StateError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::state::delete(key);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::state::delete(key);
}

/// What stands under the key, read as JSON. The error names the key, and not what stands there.
///
/// ```
/// use frontgate_sdk::{Error, state};
///
/// state::set("visits", "many", None)?;
/// let problem = "what is kept under `visits` is not what was expected: expected value at line 1 column 1";
/// assert_eq!(state::get_json::<u32>("visits"), Err(Error::failed(problem)));
/// assert_eq!(state::get_json::<u32>("others"), Ok(None));
/// # Ok::<(), Error>(())
/// ```
pub fn get_json<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    get(key)?.map(|entry| read(key, &entry)).transpose()
}

/// Keeps a value as JSON, as [`set`] keeps bytes.
///
/// ```
/// use frontgate_sdk::state;
///
/// state::set_json("workers", &["ana@example.org"], None)?;
/// assert_eq!(state::get_json::<Vec<String>>("workers")?.unwrap().len(), 1);
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn set_json<T: Serialize + ?Sized>(key: &str, value: &T, keep: impl Into<Option<Duration>>) -> Result<()> {
    Ok(set(key, written(key, value)?, keep)?)
}

/// Makes another value of what stands under the key, and gives it: `change` is asked again if somebody else wrote
/// meanwhile.
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
    keep: impl Into<Option<Duration>>,
    mut change: impl FnMut(Option<T>) -> T,
) -> Result<T> {
    let keep = keep.into();
    for _ in 0..UPDATES_MAX {
        let entry = get(key)?;
        let version = entry.as_ref().map(|entry| entry.version);
        let value = change(entry.map(|entry| read(key, &entry)).transpose()?);
        if swap(key, version, written(key, &value)?, keep)? {
            return Ok(value);
        }
    }
    Err(Error::unavailable(format!("others write `{key}` all the time")))
}

fn read<T: DeserializeOwned>(key: &str, entry: &Entry) -> Result<T> {
    json::read(&entry.value, &format!("what is kept under `{key}` is not what was expected"))
}

fn written<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::failed(format!("`{key}` cannot be written as JSON: {error}")))
}

/// Whole seconds, and at least as long as was asked for.
fn seconds(keep: Option<Duration>) -> Option<u32> {
    let keep = keep?;
    let seconds = keep.as_secs() + u64::from(keep.subsec_nanos() > 0);
    Some(u32::try_from(seconds).unwrap_or(u32::MAX))
}

impl Entry {
    /// The value, if it is a text.
    ///
    /// ```
    /// let entry = frontgate_sdk::state::Entry { value: b"Mora".to_vec(), version: 1 };
    /// assert_eq!(entry.text(), Some("Mora"));
    /// ```
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
