//! Calls of plugins: limits, capabilities, pooling.
//!
//! [`LoadedPlugin`] is a plugin that can be called, [`run::call::Call`] makes one call of it within its limits, and
//! [`registry::Registry`] names the plugins that are live. Knows no HTTP status and no platform's JSON. See "The trip
//! of a callback" in ARCHITECTURE.md.

pub mod error;
mod exports;
pub mod fetch;
pub mod files;
#[doc(hidden)]
pub mod fuzzing;
mod grants;
mod health;
mod imports;
mod loaded_plugin;
pub mod outbound;
pub mod receipt;
pub mod registry;
pub mod run;
pub mod settings;
pub mod terms;

pub use self::loaded_plugin::{LoadedPlugin, PluginFile};
