//! `[delivery]`: how deliveries reach the platforms.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use frontgate_net::ClientOptions;
use serde::Deserialize;

/// How deliveries reach the platforms.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Deliveries of one tenant that are worked on at one time.
    pub at_once_max: usize,
    /// Requests to a platform for one tenant, on average; a second's worth may come at once.
    pub requests_per_second_max: u32,
    /// From the first byte to the end of the answer.
    pub request_timeout_ms: u64,
    /// Until a connection is open, TLS included.
    pub connect_timeout_ms: u64,
    /// Authorities that are trusted beside those that browsers trust, as PEM.
    pub ca_files: Vec<PathBuf>,
    /// DNS servers for the platforms' hosts; those of the system if empty.
    pub nameservers: Vec<SocketAddr>,
    /// Connections that are kept open for the next request.
    pub connections_idle_max: usize,
    /// Bytes of one answer.
    pub response_bytes_max: usize,
    /// The first pause after a failure. Each further one is twice as long, with some chance in it.
    pub retry_first_ms: u64,
    /// The longest pause.
    pub retry_longest_ms: u64,
    /// After this long a delivery is given up, and waits for the operator.
    pub give_up_after_ms: u64,
    /// How often the platform is asked what became of a request without an answer.
    pub unknown_tries_max: u32,
    /// How long a plugin is asked again who gets a conversation before its turn is skipped.
    pub routing_patience_ms: u64,
    /// How long plugins may take for one delivery.
    pub plugin_timeout_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            at_once_max: 16,
            requests_per_second_max: 50,
            request_timeout_ms: 15_000,
            connect_timeout_ms: 5_000,
            ca_files: Vec::new(),
            nameservers: Vec::new(),
            connections_idle_max: 8,
            response_bytes_max: 1_048_576,
            retry_first_ms: 500,
            retry_longest_ms: 300_000,
            give_up_after_ms: 86_400_000,
            unknown_tries_max: 10,
            routing_patience_ms: 30_000,
            plugin_timeout_ms: 10_000,
        }
    }
}

impl Settings {
    /// Limits of the client that sends deliveries.
    pub fn client(&self) -> ClientOptions {
        ClientOptions {
            ca_files: self.ca_files.clone(),
            nameservers: self.nameservers.clone(),
            connect_timeout: Duration::from_millis(self.connect_timeout_ms),
            request_timeout: Duration::from_millis(self.request_timeout_ms),
            response_bytes_max: self.response_bytes_max,
            connections_idle_max: self.connections_idle_max,
        }
    }
}
