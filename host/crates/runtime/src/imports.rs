//! Capabilities: the interfaces that plugins import, one file and one host type each.
//!
//! A host type borrows what its interface needs from the data of the store, so that a call pays nothing for an
//! interface that it does not use. None of them knows the store; [`crate::linker`] connects them.

pub(crate) mod attachments;
pub(crate) mod directory;
pub(crate) mod files;
pub(crate) mod http_client;
pub(crate) mod keyvalue;
pub(crate) mod log;
pub(crate) mod random;
pub(crate) mod settings;
pub(crate) mod signatures;
pub(crate) mod state;
pub(crate) mod wasi_http;
