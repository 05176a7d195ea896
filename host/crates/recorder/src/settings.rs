//! `[recording]`: records of recent requests.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

/// Records of recent requests for the operators' console, in memory, and their facts in a file.
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
    /// File with facts of requests, so that the console knows them after a restart and finds the conversations of a number;
    /// or `off`. Only facts of failed, slow and stored requests and of a sample are written, without number, name or text.
    #[default(PathBuf::from("data/journal.db"))]
    #[schemars(extend("x-restart" = true))]
    pub journal: PathBuf,
    /// Requests in that file, and addresses. The oldest are deleted.
    #[default = 200_000]
    #[schemars(range(min = 1_000, max = 100_000_000), extend("x-restart" = true))]
    pub journal_rows_max: u64,
    /// Time after which a request in that file is deleted.
    #[default = 259_200_000]
    #[schemars(range(min = 60_000, max = 365 * 86_400_000_u64), extend("x-restart" = true))]
    pub journal_keep_ms: u64,
}

impl Settings {
    /// Returns the file of the journal; `None` if it is off, or nothing is recorded.
    pub fn journal(&self) -> Option<&Path> {
        let is_off = self.journal.as_os_str() == OFF || self.record == RecordDetail::Off;
        (!is_off).then_some(self.journal.as_path())
    }

    /// Makes the path of the journal absolute. Relative paths start at `folder`.
    pub fn resolve(&mut self, folder: &Path) {
        if self.journal.as_os_str() != OFF {
            self.journal = folder.join(&self.journal);
        }
    }
}

/// Replaces the path of a journal that is off.
const OFF: &str = "off";

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
