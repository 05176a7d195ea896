//! WebAssembly components as plugins: checked, compiled, called within budgets, replaced while
//! calls go on.
//!
//! This room knows nothing of HTTP and nothing of the platforms' JSON. In reading order: [`live`]
//! is a plugin that can be called, [`call`] is one call, [`reload`] brings files to life.

mod budget;
pub mod cache;
pub mod call;
mod caller;
pub mod compile;
pub mod engine;
mod exports;
mod failure;
mod folder;
mod grants;
mod imports;
pub mod live;
mod load;
mod output;
pub mod registry;
pub mod reload;
mod store;
