//! From a file in the folder to a plugin that is live, and everything that can go wrong on the way.

mod attempt;
mod builds;
pub mod cache;
pub mod compile;
mod failure;
mod folder;
pub mod reload;
