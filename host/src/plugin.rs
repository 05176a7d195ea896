//! WebAssembly components as plugins: checked, compiled, called within budgets, replaced while
//! calls go on.
//!
//! This room knows nothing of HTTP servers and nothing of the platforms' JSON. In reading order:
//! [`live`] is a plugin that can be called, [`run`] is how a call is made, [`load`] brings files to life.

mod exports;
mod grants;
mod imports;
pub mod live;
pub mod load;
pub mod outbound;
pub mod registry;
pub mod run;
