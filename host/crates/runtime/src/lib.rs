//! Calls of plugins: limits, capabilities, pooling.
//!
//! [`LoadedPlugin`] is a plugin that can be called, [`Call`] makes one call of it within its limits, and [`Registry`]
//! names the plugins that are live. Knows no HTTP status and no platform's JSON. See "The trip of a callback" in
//! ARCHITECTURE.md.

mod error;
mod exports;
mod fetch;
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
mod runtime_config;
pub mod settings;

pub use self::error::CallError;
pub use self::fetch::fetch;
pub use self::loaded_plugin::{LoadedPlugin, PluginFile};
pub use self::outbound::network::{NetworkOverrides, Redirect};
pub use self::outbound::side_effects::{Effect, SideEffects};
pub use self::registry::Registry;
pub use self::run::call::by_name::Function;
pub use self::run::call::{Call, CallRecords, Caller, Deadlines, Directory, TenantShare};
pub use self::run::call_record::CallRecord;
pub use self::run::engine::{self, Allocation, Build, Engine, TRIALS_MAX};
pub use self::runtime_config::RuntimeConfig;
