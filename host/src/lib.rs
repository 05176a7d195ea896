//! The program `frontgate`: a gateway between customer-messaging platforms and a company's own systems.
//!
//! - [`cli`] parses and runs commands.
//! - `service` runs a gateway from startup to drain, and applies new configurations to it.
//! - `admin_pages` serves `/livez`, `/readyz`, `/statusz` and `/metrics`.
//! - `console` serves the operators' pages for a browser.
//! - `setup` compares the configuration at platforms with the need, for commands and the console.
//! - `simulate` runs a gateway between simulated platforms (cargo feature `simulator`).
//! - `dev` rebuilds and reloads a plugin while its author works (cargo feature `authoring`).
//!
//! All other code is in the crates in `crates/`; ARCHITECTURE.md shows their graph. This package only connects them,
//! and contains no logic of a platform, a plugin or the queue.

mod admin_pages;
pub mod cli;
mod console;
#[cfg(feature = "authoring")]
mod dev;
mod service;
mod setup;
#[cfg(feature = "simulator")]
mod simulate;
