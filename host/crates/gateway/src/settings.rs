//! `[server]` and `[admin]`: the listeners of platforms and operators.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::PathBuf;

use serde::Deserialize;

/// The public listener, which Twilio and Front call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port.
    pub listen: SocketAddr,
    /// The URL that the platforms were given, letter for letter: signatures are checked against it. `None` means plain
    /// HTTP at `listen`.
    pub public_url: Option<PublicUrl>,
    /// Open connections. At the limit, an unverified connection is evicted for a new one.
    pub connections_max: usize,
    /// The part of them, in percent, that is reserved for connections with a verified request.
    pub connections_verified_percent: u8,
    /// Open connections from one IPv4 address, or from one IPv6 network (/64).
    pub connections_per_address_max: usize,
    /// Age at which a connection is closed, between two requests if possible.
    pub connection_age_ms: u64,
    /// Time until the header of a request has arrived.
    pub header_timeout_ms: u64,
    /// Request line and header together.
    pub header_bytes_max: usize,
    /// Header fields of one request.
    pub headers_max: usize,
    /// Time from the end of the header to the end of the body.
    pub body_timeout_ms: u64,
    /// Body of one request.
    pub body_bytes_max: usize,
    /// Memory for the bodies of all unverified requests.
    pub unverified_body_bytes_max: usize,
    /// Size up to which a wrong signature is explained; larger requests are rejected without an explanation.
    pub explain_bytes_max: usize,
    /// Explanations of wrong signatures per second; every caller can cause one.
    pub explanations_per_second_max: u32,
    /// Log lines per second about rejected unverified requests; the metrics count all of them.
    pub refusal_lines_per_second_max: u32,
    /// Time that a response waits for a caller that does not read.
    pub write_timeout_ms: u64,
    /// Time that requests are still accepted after a stop signal, so that a load balancer sees `/readyz` turn 503.
    pub shutdown_delay_ms: u64,
    /// Time for accepted requests to finish after that.
    pub shutdown_grace_ms: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
            public_url: None,
            connections_max: 4096,
            connections_verified_percent: 50,
            connections_per_address_max: 1024,
            connection_age_ms: 300_000,
            header_timeout_ms: 5_000,
            header_bytes_max: 16 * 1024,
            headers_max: 64,
            body_timeout_ms: 3_000,
            body_bytes_max: 256 * 1024,
            unverified_body_bytes_max: 8 << 20,
            explain_bytes_max: 16 * 1024,
            explanations_per_second_max: 5,
            refusal_lines_per_second_max: 20,
            write_timeout_ms: 10_000,
            shutdown_delay_ms: 0,
            shutdown_grace_ms: 25_000,
        }
    }
}

impl Server {
    /// The number of unverified connections among `connections_max`. At least one, since every connection starts
    /// unverified.
    pub(crate) fn unverified_connections_max(&self, connections_max: usize) -> usize {
        let reserved = connections_max * usize::from(self.connections_verified_percent.min(100)) / 100;
        (connections_max - reserved).max(1)
    }
}

/// The URL that platforms call. Its `Debug` output never contains the user and password that may be part of it.
#[derive(Clone, Deserialize)]
pub struct PublicUrl(String);

impl Deref for PublicUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicUrl")
    }
}

/// The operators' listener: health, status, metrics.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Address and port. Keep it off the internet.
    pub listen: SocketAddr,
    /// Host names of the listener beside its addresses and `localhost`, without a port. Requests under other names are
    /// rejected, so that pages in a browser cannot read it (DNS rebinding).
    pub hosts: Vec<String>,
    /// Unix socket for commands that change something, open to the gateway's user only.
    pub socket: PathBuf,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 8081).into(), hosts: Vec::new(), socket: "data/run/frontgate.sock".into() }
    }
}
