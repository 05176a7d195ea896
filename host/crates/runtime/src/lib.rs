//! Runs plugins: one call at a time, within its limits, with the capabilities that the operator granted.
//!
//! - [`LoadedPlugin`] is a plugin that is ready for calls.
//! - [`Call`] makes one call of a plugin: admission, an instance, a function of the contract, commit.
//! - [`Registry`] contains the plugins that are live.
//!
//! The crate does not depend on HTTP statuses, on a platform's JSON or on a tenant's configuration. See step 5 of "Flow
//! of a callback", and "Flow of a plugin's request", in ARCHITECTURE.md.

pub mod actions;
mod call;
mod call_record;
mod caller;
pub mod dry_run;
mod engine;
mod error;
mod exports;
mod fetch;
pub mod files;
#[doc(hidden)]
pub mod fuzzing;
mod grants;
mod health;
mod imports;
mod linker;
mod loaded_plugin;
mod outbound;
pub mod receipt;
pub mod registry;
mod run;
mod runtime_config;
pub mod settings;
mod trial;

pub use self::call::{Call, Function};
pub use self::call_record::{CallRecord, CallRecords, Cost, OutputLine, OutputLines};
pub use self::caller::{Caller, TenantShare};
pub use self::engine::{Allocation, Build, Engine, Services, TRIALS_MAX, settings as engine_settings};
pub use self::error::CallError;
pub use self::fetch::fetch;
pub use self::grants::Grants;
pub use self::health::Health;
pub use self::imports::directory::{Directory, Lookup, OuterCall};
pub use self::loaded_plugin::{LoadedPlugin, PluginFile};
pub use self::outbound::held::{HeldRequest, HeldRequests};
pub use self::outbound::network::{AddressOverride, NetworkOverrides};
pub use self::outbound::side_effects::{Effect, SideEffects};
pub use self::registry::Registry;
pub use self::run::admission::Deadlines;
pub use self::run::store::CallStore;
pub use self::runtime_config::RuntimeConfig;
pub use self::trial::{TrialError, start_once};
