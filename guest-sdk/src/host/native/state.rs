//! The plugin's store. Every write is committed at once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::bindings::state::{Entry, StateError};
use crate::host::native::clock;

/// The gateway's defaults of `key_bytes_max` and `value_bytes_max`.
const KEY_BYTES_MAX: usize = 256;
const VALUE_BYTES_MAX: usize = 65_536;

thread_local! {
    static ENTRIES: RefCell<BTreeMap<String, Stored>> = const { RefCell::new(BTreeMap::new()) };
    static GRANTED: Cell<bool> = const { Cell::new(true) };
    static VERSIONS: Cell<u64> = const { Cell::new(0) };
}

#[derive(Clone)]
struct Stored {
    entry: Entry,
    expires_at: Option<SystemTime>,
}

/// Deletes all entries, and grants or denies the store.
pub(crate) fn reset(is_granted: bool) {
    ENTRIES.with_borrow_mut(BTreeMap::clear);
    GRANTED.set(is_granted);
}

fn granted() -> Result<(), StateError> {
    if GRANTED.get() { Ok(()) } else { Err(StateError::NotGranted) }
}

pub(crate) fn get(key: &str) -> Result<Option<Entry>, StateError> {
    granted()?;
    let is_fresh = |stored: &&Stored| stored.expires_at.is_none_or(|time| time > clock::now());
    Ok(ENTRIES.with_borrow(|all| all.get(key).filter(is_fresh).map(|stored| stored.entry.clone())))
}

pub(crate) fn set(key: &str, value: &[u8], ttl_seconds: Option<u32>) -> Result<(), StateError> {
    granted()?;
    if key.len() > KEY_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
        return Err(StateError::TooLarge);
    }
    VERSIONS.set(VERSIONS.get() + 1);
    let entry = Entry { value: value.to_vec(), version: VERSIONS.get() };
    let expires_at = ttl_seconds.map(|seconds| clock::now() + Duration::from_secs(seconds.into()));
    ENTRIES.with_borrow_mut(|all| all.insert(key.to_owned(), Stored { entry, expires_at }));
    Ok(())
}

pub(crate) fn swap(
    key: &str,
    version: Option<u64>,
    value: &[u8],
    ttl_seconds: Option<u32>,
) -> Result<bool, StateError> {
    if get(key)?.map(|entry| entry.version) != version {
        return Ok(false);
    }
    set(key, value, ttl_seconds)?;
    Ok(true)
}

pub(crate) fn increment(key: &str, delta: i64, ttl_seconds: Option<u32>) -> Result<i64, StateError> {
    let number = match get(key)? {
        Some(entry) => std::str::from_utf8(&entry.value).ok().and_then(|digits| digits.parse::<i64>().ok()),
        None => Some(0),
    };
    let sum = number.and_then(|number| number.checked_add(delta)).ok_or(StateError::NotANumber)?;
    set(key, sum.to_string().as_bytes(), ttl_seconds)?;
    Ok(sum)
}

pub(crate) fn delete(key: &str) -> Result<(), StateError> {
    granted()?;
    ENTRIES.with_borrow_mut(|all| all.remove(key));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_behaves_like_the_gateways() {
        assert_eq!(increment("n", 5, None), Ok(5));
        assert_eq!(increment("n", -7, None), Ok(-2));
        let entry = get("n").expect("the store answers").expect("the key exists");
        assert_eq!(entry.value, b"-2");
        assert_eq!(swap("n", Some(entry.version + 1), b"x", None), Ok(false));
        assert_eq!(swap("n", None, b"x", None), Ok(false));
        assert_eq!(swap("n", Some(entry.version), b"x", Some(1)), Ok(true));
        assert_eq!(increment("n", 1, None), Err(StateError::NotANumber));
        clock::advance(Duration::from_secs(1));
        assert_eq!(swap("n", None, b"y", None), Ok(true));
        assert_eq!(delete("n"), Ok(()));
        assert_eq!(get("n"), Ok(None));
        assert_eq!(set(&"k".repeat(257), b"", None), Err(StateError::TooLarge));
        assert_eq!(set("n", &[0; 65_537], None), Err(StateError::TooLarge));
        reset(false);
        assert_eq!(set("n", b"x", None), Err(StateError::NotGranted));
    }
}
