//! From a file in the folder to a plugin that is live, and everything that can go wrong on the way.

mod aside;
mod attempt;
mod builds;
mod bytes;
pub mod cache;
pub mod child;
mod compile;
pub mod digest;
mod failure;
mod folder;
pub mod lock;
pub mod records;
pub mod reload;
mod report;
pub(crate) mod single;
mod turns;

pub use self::compile::confinement;
