//! A call of a plugin: where it runs, what it may use, what it holds and has used.
//!
//! In reading order: [`call`] is the trip of a call; `admission` and `breaker` let it begin, `store` arms
//! its budgets, `spread` finds it threads, `warm` keeps instances, `receipt` says what it came to.

mod admission;
pub(super) mod breaker;
pub(super) mod budget;
pub mod call;
mod caller;
pub mod engine;
pub(super) mod folder;
mod held;
pub(super) mod output;
pub mod receipt;
pub mod spread;
pub mod store;
pub(super) mod warm;
