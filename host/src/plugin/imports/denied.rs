//! The capability that no plugin can be granted in this version: `state`. The contract has an error for it.

use crate::bindings::plugin_types;
use crate::bindings::state::{self, Entry, StateError};
use crate::plugin::run::store::CallStore;

impl state::Host for CallStore {
    fn get(&mut self, _: String) -> Result<Option<Entry>, StateError> {
        Err(StateError::NotGranted)
    }

    fn set(&mut self, _: String, _: Vec<u8>, _: Option<u32>) -> Result<(), StateError> {
        Err(StateError::NotGranted)
    }

    fn swap(&mut self, _: String, _: Option<u64>, _: Vec<u8>, _: Option<u32>) -> Result<bool, StateError> {
        Err(StateError::NotGranted)
    }

    fn increment(&mut self, _: String, _: i64, _: Option<u32>) -> Result<i64, StateError> {
        Err(StateError::NotGranted)
    }

    fn delete(&mut self, _: String) -> Result<(), StateError> {
        Err(StateError::NotGranted)
    }
}

impl plugin_types::Host for CallStore {}
