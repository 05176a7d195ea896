//! HTTP in, HTTP out: sockets, routes, signatures, status codes.
//!
//! [`server::Server`] accepts connections within [`connections`]' limits, [`gateway::Gateway`] answers each request, and
//! [`error::Error`] holds every reason for a refusal with its status and stable code. Knows no database tables and
//! parses no component. See "The trip of a callback" in ARCHITECTURE.md.

pub mod body;
pub mod connections;
pub mod error;
pub mod gateway;
pub mod routes;
pub mod server;
pub mod settings;
