//! WebAssembly components as plugins: checked, compiled, called within budgets, replaced while
//! calls go on.
//!
//! This room knows nothing of HTTP servers and nothing of the platforms' JSON. In reading order: [`contract`]
//! is what a file says of itself, [`live`] is a plugin that can be called, [`run`] is how a call is made,
//! [`load`] brings files to life.

pub mod contract;
pub mod error;
mod exports;
pub(crate) mod fetch;
pub(crate) mod files;
#[doc(hidden)]
pub mod fuzzing;
mod grants;
mod health;
mod imports;
pub mod live;
pub mod load;
pub mod outbound;
pub mod receipt;
pub mod registry;
pub mod run;
pub mod settings;
mod terms;
