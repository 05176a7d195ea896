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
    /// What the platforms were given, letter for letter: signatures are checked against it. `None`
    /// stands for plain HTTP at `listen`.
    pub public_url: Option<PublicUrl>,
    /// Open connections. For a further one, a connection that has sent no verified request is closed.
    pub connections_max: usize,
    /// The part of them, in percent, that is kept for connections which have sent a verified request.
    pub connections_verified_percent: u8,
    /// Open connections from one IPv4 address, or from one IPv6 network (/64).
    pub connections_per_address_max: usize,
    /// A connection is closed after this long, between two requests if it can be.
    pub connection_age_ms: u64,
    /// From the first wait for a request to the end of its header.
    pub header_timeout_ms: u64,
    /// Request line and header together.
    pub header_bytes_max: usize,
    /// Header fields of one request.
    pub headers_max: usize,
    /// From the end of the header to the end of the body.
    pub body_timeout_ms: u64,
    /// Body of one request.
    pub body_bytes_max: usize,
    /// Memory for the bodies of all requests that are not verified yet.
    pub unverified_body_bytes_max: usize,
    /// Signed text up to this size is tried against likely mistakes when a signature does not
    /// match; larger requests are refused without the explanation.
    pub explain_bytes_max: usize,
    /// As many refusals are explained in a second; anybody can cause one.
    pub explanations_per_second_max: u32,
    /// As many refusals of unverified requests get a log line in a second; all of them are counted.
    pub refusal_lines_per_second_max: u32,
    /// How long an answer may wait for a caller that reads nothing.
    pub write_timeout_ms: u64,
    /// How long requests are still accepted after a signal, so that a load balancer sees
    /// `/readyz` turn 503 first.
    pub shutdown_delay_ms: u64,
    /// How long accepted requests may take to finish after that.
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
    /// Of so many connections, those that may have sent no verified request. At least one: every connection begins
    /// so.
    pub fn unverified_connections_max(&self, connections_max: usize) -> usize {
        let kept = connections_max * usize::from(self.connections_verified_percent.min(100)) / 100;
        (connections_max - kept).max(1)
    }
}

/// The address that platforms call. Its `Debug` output never contains the user and password that may be part of it.
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
    /// Names under which it is called beside its addresses and `localhost`, without a port. Pages in a browser could
    /// read it under any other name.
    pub hosts: Vec<String>,
    /// A Unix socket for commands that change something, open to this user alone.
    pub socket: PathBuf,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 8081).into(), hosts: Vec::new(), socket: "data/run/frontgate.sock".into() }
    }
}
