//! The section `[delivery]` of the configuration: limits and retries of deliveries.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use frontgate_net::ClientOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

/// Deliveries to the platforms: concurrency, timeouts and retries.
#[derive(Debug, Clone, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Concurrent deliveries of one tenant.
    #[default = 16]
    #[schemars(range(min = 1, max = 10_000))]
    pub at_once_max: usize,
    /// Average number of requests per second to a platform for one tenant. Bursts have at most as many requests.
    #[default = 50]
    #[schemars(range(min = 1, max = 100_000))]
    pub requests_per_second_max: u32,
    /// Timeout of a request, from its first byte to the end of the response.
    #[default = 15_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub request_timeout_ms: u64,
    /// Timeout of a connection attempt, including TLS.
    #[default = 5_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub connect_timeout_ms: u64,
    /// PEM files with certificate authorities that are trusted in addition to the public ones.
    pub ca_files: Vec<PathBuf>,
    /// DNS servers for the platforms' hosts, such as `10.0.0.53:53`. Empty: the servers of the system.
    pub nameservers: Vec<SocketAddr>,
    /// Idle connections that are kept open.
    #[default = 8]
    #[schemars(range(min = 0, max = 10_000))]
    pub connections_idle_max: usize,
    /// Maximum size of a response in bytes.
    #[default = 1_048_576]
    #[schemars(range(min = 1_024, max = 1 << 30))]
    pub response_bytes_max: usize,
    /// Initial delay of the exponential backoff between retries. With jitter.
    #[default = 500]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub retry_first_ms: u64,
    /// Maximum delay between retries. At least `retry_first_ms`.
    #[default = 300_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub retry_longest_ms: u64,
    /// Age at which a delivery is given up. It then waits for `frontgate deliveries retry`.
    #[default = 86_400_000]
    #[schemars(range(min = 1, max = 365 * 86_400_000_u64))]
    pub give_up_after_ms: u64,
    /// Number of queries to the platform about the outcome of an unanswered request.
    #[default = 10]
    #[schemars(range(min = 1, max = 1_000))]
    pub unknown_tries_max: u32,
    /// Time for which a failing routing plugin is retried before the next one is asked.
    #[default = 30_000]
    #[schemars(range(min = 0, max = 86_400_000))]
    pub routing_patience_ms: u64,
    /// Timeout of the plugin calls of one delivery.
    #[default = 10_000]
    #[schemars(range(min = 1, max = 86_400_000))]
    pub plugin_timeout_ms: u64,
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
