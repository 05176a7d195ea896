//! The HTTP side of the gateway: sockets, routes, signatures and status codes.
//!
//! [`server::Server`] accepts connections within the limits of `connections`, [`Gateway`] answers each request, and
//! `error::Error` holds every reason for a rejection with its status and stable code. The crate does not access
//! database tables or parse components. See "Flow of a callback" in ARCHITECTURE.md.

mod connections;
mod error;
mod gateway;
mod headers;
mod request_body;
pub mod routes;
pub mod server;
pub mod settings;

pub use self::connections::Connection;
pub use self::gateway::{Gateway, NotAsked, Question, Reply, SIMULATED};
