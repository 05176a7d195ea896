//! HTTP requests of plugins to the hosts that the operator granted.
//!
//! One policy for both interfaces, `http-client` and `wasi:http`: however a request names its host, the gateway checks
//! the address on every new connection before it sends anything.
//!
//! In reading order: a `destination` is what a request names, the `policy` what was granted, the `network` resolves
//! addresses, the `egress` of a plugin connects, `requests` are those of one call, `in_flight` is one of them. At a host
//! with a bound secret, `guard` checks request and response, and `secret_scan` searches the response for the secret.

pub(crate) mod body;
pub(crate) mod destination;
pub(crate) mod egress;
pub(crate) mod failure;
mod guard;
mod in_flight;
pub(crate) mod network;
mod policy;
pub(crate) mod requests;
mod response_body;
mod secret_scan;
pub(crate) mod side_effects;
