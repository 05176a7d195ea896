//! The section `[replica]` of the configuration: how gateways on one database recognize and replace each other.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

/// Gateways that share a database on Postgres. Without effect with SQLite.
#[derive(Debug, Clone, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-restart" = true))]
pub struct Settings {
    /// Name in the log, in `/statusz` and in `frontgate replicas`. Empty: the name of the host.
    pub name: String,
    /// Interval at which the gateway shows the others that it is alive.
    #[default = 1_000]
    #[schemars(range(min = 50, max = 60_000))]
    pub beat_ms: u64,
    /// Silence after which others take over a gateway's tenants. At least 3 times `beat_ms`.
    #[default = 4_000]
    #[schemars(range(min = 150, max = 600_000))]
    pub suspect_ms: u64,
    /// Silence after which others declare a gateway ended and release its deliveries. At least 3 times `suspect_ms`.
    #[default = 15_000]
    #[schemars(range(min = 450, max = 3_600_000))]
    pub lease_ms: u64,
    /// Time for which deliveries in progress delay the handover of a tenant.
    #[default = 5_000]
    #[schemars(range(min = 0, max = 600_000))]
    pub handover_ms: u64,
}

impl Settings {
    /// Returns the name, or that of the host.
    pub(crate) fn name(&self) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }

    pub(crate) fn beat(&self) -> Duration {
        Duration::from_millis(self.beat_ms)
    }

    pub(crate) fn suspect(&self) -> Duration {
        Duration::from_millis(self.suspect_ms)
    }

    pub(crate) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    /// Returns the time after a beat for which this replica may act. Others wait longer before they declare it ended.
    pub(crate) fn trust(&self) -> Duration {
        self.lease().saturating_sub(self.beat() * 2)
    }
}
