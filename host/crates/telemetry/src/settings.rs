//! `[log]`: content and format of the log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The log, which is written to standard error.
#[derive(Debug, PartialEq, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-restart" = true))]
pub struct Settings {
    /// Format of log lines: text for people or JSON for machines.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`, or directives such as `info,frontgate_runtime=debug`. Default:
    /// `info`.
    pub level: Option<String>,
    /// Memory in bytes for lines that wait for a slow reader. Further lines are dropped and counted.
    #[default(16 << 20)]
    #[schemars(range(min = 65_536, max = 1 << 30))]
    pub buffer_bytes_max: usize,
}

impl Settings {
    /// Returns the filter for `level`, or the reason why it is invalid.
    pub fn filter(&self) -> Result<EnvFilter, String> {
        let level = self.level.as_deref().unwrap_or("info");
        // A single word that is not a level would be parsed as the name of a module, and silence all others.
        if !level.contains(['=', ':', ',']) && level.parse::<LevelFilter>().is_err() {
            return Err(format!("`{level}` is not a log level"));
        }
        // Plugins cause the warnings of that library, at any rate.
        EnvFilter::try_new(format!("wasmtime_wasi_http=error,{level}")).map_err(|error| error.to_string())
    }
}

/// Format of a log line.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line of text, with colours on a terminal.
    #[default]
    Text,
    /// A JSON object on one line.
    Json,
}
