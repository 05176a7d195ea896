//! The store of a plugin that is tested natively: one for each test thread, and every write counts at once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::state::{Entry, StateError};
use crate::testing::time;

/// The gateway's `key_bytes_max` and `value_bytes_max`, unless the operator changed them.
const KEY_BYTES_MAX: usize = 256;
const VALUE_BYTES_MAX: usize = 65_536;

thread_local! {
    static ENTRIES: RefCell<BTreeMap<String, Kept>> = const { RefCell::new(BTreeMap::new()) };
    static GRANTED: Cell<bool> = const { Cell::new(true) };
    static VERSIONS: Cell<u64> = const { Cell::new(0) };
}

#[derive(Clone)]
struct Kept {
    entry: Entry,
    until: Option<SystemTime>,
}

/// Forgets everything, and grants the store or does not. Without a word it is granted.
///
/// ```
/// use frontgate_sdk::state::{self, StateError};
/// use frontgate_sdk::testing;
///
/// testing::state(false);
/// assert_eq!(state::get("turn"), Err(StateError::NotGranted));
/// ```
pub fn state(granted: bool) {
    ENTRIES.with_borrow_mut(BTreeMap::clear);
    GRANTED.set(granted);
}

fn granted() -> Result<(), StateError> {
    if GRANTED.get() { Ok(()) } else { Err(StateError::NotGranted) }
}

pub(crate) fn get(key: &str) -> Result<Option<Entry>, StateError> {
    granted()?;
    let there = |kept: &&Kept| kept.until.is_none_or(|until| until > time());
    Ok(ENTRIES.with_borrow(|all| all.get(key).filter(there).map(|kept| kept.entry.clone())))
}

pub(crate) fn set(key: &str, value: &[u8], seconds: Option<u32>) -> Result<(), StateError> {
    granted()?;
    if key.len() > KEY_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
        return Err(StateError::TooLarge);
    }
    VERSIONS.set(VERSIONS.get() + 1);
    let entry = Entry { value: value.to_vec(), version: VERSIONS.get() };
    let until = seconds.map(|seconds| time() + Duration::from_secs(seconds.into()));
    ENTRIES.with_borrow_mut(|all| all.insert(key.to_owned(), Kept { entry, until }));
    Ok(())
}

pub(crate) fn swap(key: &str, version: Option<u64>, value: &[u8], seconds: Option<u32>) -> Result<bool, StateError> {
    if get(key)?.map(|entry| entry.version) != version {
        return Ok(false);
    }
    set(key, value, seconds)?;
    Ok(true)
}

pub(crate) fn increment(key: &str, by: i64, seconds: Option<u32>) -> Result<i64, StateError> {
    let number = match get(key)? {
        Some(entry) => entry.text().and_then(|digits| digits.parse::<i64>().ok()),
        None => Some(0),
    };
    let sum = number.and_then(|number| number.checked_add(by)).ok_or(StateError::NotANumber)?;
    set(key, sum.to_string().as_bytes(), seconds)?;
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
    use crate::testing;

    #[test]
    fn it_does_what_the_gateway_does() {
        assert_eq!(increment("n", 5, None), Ok(5));
        assert_eq!(increment("n", -7, None), Ok(-2));
        let entry = get("n").expect("an answer").expect("it is there");
        assert_eq!(entry.text(), Some("-2"));
        assert_eq!(swap("n", Some(entry.version + 1), b"x", None), Ok(false));
        assert_eq!(swap("n", None, b"x", None), Ok(false));
        assert_eq!(swap("n", Some(entry.version), b"x", Some(1)), Ok(true));
        assert_eq!(increment("n", 1, None), Err(StateError::NotANumber));
        testing::pass(Duration::from_secs(1));
        assert_eq!(swap("n", None, b"y", None), Ok(true));
        assert_eq!(delete("n"), Ok(()));
        assert_eq!(get("n"), Ok(None));
        assert_eq!(set(&"k".repeat(257), b"", None), Err(StateError::TooLarge));
        assert_eq!(set("n", &[0; 65_537], None), Err(StateError::TooLarge));
        state(false);
        assert_eq!(set("n", b"x", None), Err(StateError::NotGranted));
    }
}
