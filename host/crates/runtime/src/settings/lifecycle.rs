//! Settings for the lifecycle of instances and versions: circuit breaker, instance reuse, probation.

use serde::Deserialize;

/// `[plugins.breaker]`: when the circuit breaker opens, and for how long.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Consecutive traps and timeouts that open the breaker.
    pub failures: u32,
    /// How long calls are rejected before one call probes.
    pub pause_ms: u64,
    /// Each further pause is twice as long, up to this.
    pub pause_max_ms: u64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 10, pause_ms: 1_000, pause_max_ms: 30_000 }
    }
}

/// Instance reuse of a plugin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceReuse {
    /// Each call has a new instance: calls share nothing.
    #[default]
    Fresh,
    /// Instances are kept for later calls of the same tenant, within `[plugins.warm]`.
    Warm,
}

/// `[plugins.warm]`: limits of instance reuse.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Warm {
    /// Idle instances of all plugins and tenants together.
    pub instances_max: u32,
    /// Idle instances of one plugin for one tenant.
    pub per_tenant_max: u32,
    /// Calls of one instance.
    pub calls_max: u32,
    /// Maximum age of an instance.
    pub age_max_ms: u64,
    /// How long an instance stays idle.
    pub idle_max_ms: u64,
    /// An instance with more memory is dropped after its call.
    pub memory_bytes_max: usize,
}

impl Default for Warm {
    fn default() -> Self {
        Self {
            instances_max: 64,
            per_tenant_max: 8,
            calls_max: 1_000,
            age_max_ms: 600_000,
            idle_max_ms: 60_000,
            memory_bytes_max: 32 * 1024 * 1024,
        }
    }
}

/// `[plugins.probation]`: when a new version is rolled back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Probation {
    /// Number of calls on probation; 0 for no probation.
    pub calls: u32,
    /// Maximum duration of the probation.
    pub time_ms: u64,
    /// Traps and timeouts that roll the version back, unless recent calls of the previous version had as many.
    pub failures: u32,
}

impl Default for Probation {
    fn default() -> Self {
        Self { calls: 20, time_ms: 600_000, failures: 1 }
    }
}
