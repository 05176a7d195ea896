//! HTTP requests of plugins to the hosts that the operator granted.
//!
//! Both interfaces, `http-client` and `wasi:http`, share one policy. However a request names its host, the gateway
//! checks the address of every new connection before it sends anything.
//!
//! Modules in reading order: `destination` is the host that a request names, `policy` decides by the grants, `network`
//! resolves addresses, `egress` connects for one plugin, `requests` limits the requests of one call, `in_flight` sends
//! one request. For a host with a bound secret, `guard` checks request and response, `secret_scan` searches the
//! response for the secret, and `oauth` gets the access token if the secret is one. `held` keeps requests of a simulation
//! from changing anything.

pub(crate) mod body;
pub(crate) mod destination;
pub(crate) mod egress;
pub(crate) mod failure;
mod guard;
pub(crate) mod held;
mod in_flight;
pub(crate) mod network;
mod oauth;
pub(crate) mod outgoing;
mod policy;
pub(crate) mod requests;
mod response_body;
mod secret_scan;
pub(crate) mod side_effects;
