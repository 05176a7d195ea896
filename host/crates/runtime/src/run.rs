//! The environment of a call: admission, limits, instances, usage.
//!
//! In reading order: `admission` and `breaker` decide whether a call may start, `store` arms its limits, `offload`
//! chooses its threads, `kept_instances` reuses instances, `recorder` records its outcome.

pub(crate) mod admission;
pub(crate) mod breaker;
pub(crate) mod folder;
pub(crate) mod host_context;
mod host_memory;
pub(crate) mod kept_instances;
pub(crate) mod live_instance;
pub(crate) mod memory;
pub(crate) mod meters;
pub(crate) mod offload;
pub(crate) mod output;
pub(crate) mod recorder;
pub(crate) mod store;
pub(crate) mod usage;
