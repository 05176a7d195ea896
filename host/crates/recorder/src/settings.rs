//! `[recording]`: records of recent requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

/// Records of recent requests, in memory, for the operators' console.
#[derive(Debug, Clone, PartialEq, Eq, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `full`: facts of each request, and bodies, chosen headers and plugins' lines of a sample. `facts`: no bodies, headers
    /// or lines. `off`: nothing.
    pub record: RecordDetail,
    /// Memory for all records in bytes.
    #[default(64 << 20)]
    #[schemars(range(min = 1 << 20, max = 64_u64 << 30))]
    pub memory_bytes_max: usize,
    /// Time after which a record is removed. Facts of failed, slow and stored requests remain for 24 hours, or this time if
    /// it is longer.
    #[default = 3_600_000]
    #[schemars(range(min = 1_000, max = 604_800_000))]
    pub keep_ms: u64,
    /// Requests per second whose bodies are recorded, for each callback of each tenant. Four times as many in a burst.
    #[default = 50]
    #[schemars(range(min = 0, max = 100_000))]
    pub captures_per_second_max: u32,
    /// Largest part of a body that is recorded, in bytes.
    #[default(64 << 10)]
    #[schemars(range(min = 0, max = 1 << 24))]
    pub capture_bytes_max: usize,
}

/// Content of a record.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecordDetail {
    /// Facts, and the content of a sample.
    #[default]
    Full,
    /// Facts only.
    Facts,
    /// Nothing.
    Off,
}
