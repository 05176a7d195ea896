//! A started instance with its store and the functions that were looked up in it.

use wasmtime::Store;
use wasmtime::component::Instance;

use super::store::CallStore;
use crate::exports::Functions;

/// A started instance.
pub(crate) struct LiveInstance {
    pub(crate) store: Store<CallStore>,
    pub(crate) instance: Instance,
    /// A lookup compares the types of all functions of a role, so its result is kept with the instance.
    pub(crate) functions: Functions,
}

impl LiveInstance {
    pub(crate) fn new(store: Store<CallStore>, instance: Instance) -> Box<Self> {
        Box::new(Self { store, instance, functions: Functions::default() })
    }
}
