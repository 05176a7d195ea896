//! The plugin's state. A gateway that does not grant it, or has no space left, only costs knowledge.

use std::time::Duration;

use frontgate_sdk::state::{self, StateError};
use frontgate_sdk::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a value, if it is known.
pub(crate) fn recall<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    let entry = tolerated(state::get(key))?.flatten();
    Ok(entry.and_then(|entry| serde_json::from_slice(&entry.value).ok()))
}

/// Keeps a value for some time.
pub(crate) fn remember<T: Serialize>(key: &str, value: &T, time: Duration) -> Result<()> {
    let value = serde_json::to_vec(value).map_err(Error::failed)?;
    tolerated(state::set(key, value, time)).map(|_| ())
}

fn tolerated<T>(result: Result<T, StateError>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(StateError::Unavailable) => Err(StateError::Unavailable.into()),
        Err(_) => Ok(None),
    }
}
