//! A call of a plugin: where it runs, what it may use, what it holds and has used.
//!
//! In reading order: [`call`] is the trip of a call; `admission` and `breaker` let it begin, `store` arms
//! its budgets, `spread` finds it threads, `warm` keeps instances, `receipt` says what it came to.

mod admission;
pub(super) mod breaker;
pub mod call;
pub mod call_record;
mod caller;
pub mod engine;
pub(super) mod folder;
mod host_memory;
pub mod offload;
pub(super) mod output;
pub mod store;
pub(super) mod usage;
pub(super) mod warm;
