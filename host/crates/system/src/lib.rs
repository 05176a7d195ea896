//! Linux features that the standard library lacks.
//!
//! This crate depends on no other crate of the gateway, and takes part in no flow of a callback.
//!
//! - [`account`] names accounts of the machine.
//! - [`ownership`] checks which users can change a file or folder; [`ownership::Folder`] is a checked folder.
//! - [`sandbox`] confines the process that parses and compiles components; see [`sandbox::Sandbox`].
//! - [`scheduling`] sets the priority and the time slice of threads.
//! - [`sockets`] takes over listening sockets of systemd.
//! - [`process`] keeps secrets out of the process's environment and core dumps.

pub mod account;
pub mod ownership;
pub mod process;
pub mod sandbox;
pub mod scheduling;
pub mod sockets;
