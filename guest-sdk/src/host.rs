//! The gateway's functions: imports of the component in WebAssembly, a simulation in native tests.
//!
//! Both back ends have the same modules with the same functions. The rest of the crate calls `host::state::get` and so
//! on, and needs no `cfg`.

#[cfg(not(target_family = "wasm"))]
pub(crate) mod native;
#[cfg(target_family = "wasm")]
mod wasm;

#[cfg(not(target_family = "wasm"))]
pub(crate) use self::native::{
    actions, attachments, clock, directory, files, http, log, random, settings, signatures, state,
};
#[cfg(target_family = "wasm")]
pub(crate) use self::wasm::{
    actions, attachments, clock, directory, files, http, log, random, settings, signatures, state,
};

/// A file's version, which changes when the file changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileVersion {
    modified: std::time::SystemTime,
    bytes: u64,
    /// The simulated instance that the file belongs to; 0 in WebAssembly.
    instance: u64,
}
