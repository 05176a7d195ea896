//! Capabilities that no plugin can be granted in this version: `state` and `http-client`. The contract
//! has an error for each.

use crate::bindings::http_client::{self, HttpError, OutboundRequest, OutboundResponse};
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

impl http_client::Host for CallStore {
    fn send(&mut self, _: OutboundRequest) -> Result<OutboundResponse, HttpError> {
        Err(HttpError::Forbidden("no outbound host is granted to this plugin".to_owned()))
    }
}

impl plugin_types::Host for CallStore {}
