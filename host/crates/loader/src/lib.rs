//! From a file in the folder to a live plugin: scan, compile, trial, activation, rollback.
//!
//! [`reload::Reload`] is the task that owns the folder and the registry, [`single`] loads one file outside a gateway,
//! and [`child`] is the confined process that parses and compiles. Parses no component in the gateway's own process.
//! See "The trip of a reload" in ARCHITECTURE.md.

mod attempt;
mod blocking;
mod builds;
mod bytes;
pub mod cache;
pub mod child;
mod compile;
mod failure;
mod fair_queue;
mod folder;
pub mod lock;
mod policy;
pub mod records;
pub mod reload;
mod report;
pub mod single;

pub use self::compile::confinement;
