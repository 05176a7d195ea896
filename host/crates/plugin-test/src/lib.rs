//! Runs one plugin without a gateway, inside the gateway's own sandbox and limits.
//!
//! Authors use it through `frontgate plugin call`, `test` and `inspect`, and through `frontgate dev`. It never serves
//! callbacks and never touches a gateway's database.
//!
//! - [`Project`] is what `plugin.toml` says.
//! - [`Harness`] holds the loaded plugin and calls it. A mock server receives the requests that the plugin sends.
//! - [`suite::check`] runs the author's cases (`cases`) and the checks of the contract (`conformance`); [`report`]
//!   formats the results.
//!
//! In ARCHITECTURE.md this crate takes part in no flow of a callback: it replaces the gateway around a call.

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
pub mod report;
pub mod suite;
mod temp_dir;
pub mod upstream;
mod wit_json;

pub use self::harness::{Harness, Network};
pub use self::project::Project;
pub use self::temp_dir::temp_dir;
