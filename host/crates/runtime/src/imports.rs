//! Capabilities: the interfaces that plugins import, one file and one host type each.
//!
//! A host type borrows from the data of the store only what its interface needs, so that unused interfaces cost
//! nothing. Host types do not know the store; [`crate::linker`] connects them to it.

pub(crate) mod actions;
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
