//! Runs one plugin without a gateway, inside the gateway's own sandbox and limits.
//!
//! Authors use this crate through `frontgate plugin call`, `test` and `inspect`, and through `frontgate dev`. The crate
//! never serves callbacks and never touches a gateway's database.
//!
//! - [`Project`] contains the settings of `plugin.toml`.
//! - [`Harness`] holds and calls the loaded plugin. A mock server receives the requests that the plugin sends.
//! - [`suite::check`] runs the author's cases (`cases`) and the checks of the contract (`conformance`); [`report`]
//!   formats the results.
//!
//! This crate takes part in no flow of ARCHITECTURE.md: in tests, it replaces the gateway that makes a call.

mod body_text;
pub mod cases;
pub mod check_result;
mod conformance;
mod difference;
mod fixtures;
pub mod harness;
pub mod inspect;
mod invocation;
pub mod invoke;
mod mock_server;
pub mod project;
mod recorded_actions;
pub mod report;
mod reuse;
pub mod suite;
mod temp_dir;
pub mod upstream;
mod wit_json;

pub use self::harness::{Harness, Network};
pub use self::project::Project;
pub use self::temp_dir::temp_dir;
