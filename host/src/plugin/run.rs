//! A call of a plugin: where it runs, what it may use, what it holds and has used.

pub(super) mod budget;
pub mod call;
mod caller;
pub mod engine;
pub(super) mod output;
pub(super) mod store;
