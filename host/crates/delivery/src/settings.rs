//! The section `[delivery]` of the configuration: limits and retries of deliveries.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use frontgate_net::ClientOptions;
use serde::Deserialize;

/// Limits and retries of deliveries.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Deliveries of one tenant and kind in progress at the same time.
    pub at_once_max: usize,
    /// Average requests to Twilio per second for one tenant, with a burst of one second.
    pub requests_per_second_max: u32,
    /// Timeout of a request, until the end of the answer.
    pub request_timeout_ms: u64,
    /// Timeout of a connection, including TLS.
    pub connect_timeout_ms: u64,
    /// PEM files of certificate authorities that are trusted in addition to the public ones.
    pub ca_files: Vec<PathBuf>,
    /// DNS servers for the platforms' hosts; empty for those of the system.
    pub nameservers: Vec<SocketAddr>,
    /// Idle connections that are kept open.
    pub connections_idle_max: usize,
    /// Maximum bytes of one answer.
    pub response_bytes_max: usize,
    /// The first pause after a failure; each further one doubles, with jitter.
    pub retry_first_ms: u64,
    /// The longest pause.
    pub retry_longest_ms: u64,
    /// Time after which a delivery is given up and waits for an operator.
    pub give_up_after_ms: u64,
    /// Times that the platform is asked about the outcome of a request without an answer.
    pub unknown_tries_max: u32,
    /// Time for which a failing routing plugin is retried before the next one is asked.
    pub routing_patience_ms: u64,
    /// Timeout of the plugin calls of one delivery.
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
    /// Options of the HTTP client that sends deliveries.
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
