//! The parts of the benchmark, one file each.

pub(crate) mod beside;
pub(crate) mod call;
pub(crate) mod callback;
pub(crate) mod console;
pub(crate) mod cost;
pub(crate) mod languages;
pub(crate) mod memory;
pub(crate) mod overload;
pub(crate) mod reload;
pub(crate) mod shipped;
pub(crate) mod start;
pub(crate) mod store;
pub(crate) mod sync;
pub(crate) mod tenants;

use std::time::Duration;

/// Number and length of measurements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Number of rounds; each measures everything once.
    pub(crate) rounds: u32,
    /// Duration of one measurement of one server.
    pub(crate) time: Duration,
}

/// Duration of the warm-up before measurements, in which Node compiles hot code.
const WARM_UP: Duration = Duration::from_secs(3);

/// Number of connections that keeps a server busy.
const CONNECTIONS: u32 = 16;
