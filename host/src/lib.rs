//! Frontgate: a gateway between customer-messaging platforms and a company's own systems.
//!
//! This package is the program: [`cli`] parses commands, [`service`] runs a gateway from its start to its end,
//! [`console`] serves the operators' pages, [`dev`] builds and reloads a plugin while its author works. Everything
//! else is in `crates/`; ARCHITECTURE.md draws their graph.

pub mod cli;
pub mod console;
pub mod dev;
pub mod service;
