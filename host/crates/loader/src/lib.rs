//! Turns a file in the plugins folder into a live plugin: scan, compile, trial, activation, rollback.
//!
//! [`reload::Reload`] is the task that owns the folder and the registry, [`single`] loads one file outside a gateway,
//! and [`compiler_child`] is the confined process that parses and compiles. The gateway's own process never parses a
//! component. See "Flow of a reload" in ARCHITECTURE.md.

mod attempt;
mod blocking;
mod builds;
mod bytes;
pub mod cache;
pub mod compiler_child;
mod compiler_process;
mod failure;
mod fair_queue;
mod folder;
pub mod lock;
mod policy;
pub mod records;
pub mod reload;
mod report;
pub mod single;

pub use self::compiler_process::confinement;
