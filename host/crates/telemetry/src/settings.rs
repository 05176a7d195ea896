//! `[log]`: level, format and buffer of the log.

use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// `[log]` of the configuration.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Text or JSON.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`, or directives such as
    /// `info,frontgate_runtime=debug`. The default is `info`.
    pub level: Option<String>,
    /// Bytes of lines that wait for a slow or hanging reader. Further lines are dropped and counted.
    pub buffer_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { format: LogFormat::default(), level: None, buffer_bytes_max: 16 * 1024 * 1024 }
    }
}

impl Settings {
    /// The filter of log lines, or why the level is invalid.
    pub fn filter(&self) -> Result<EnvFilter, String> {
        let level = self.level.as_deref().unwrap_or("info");
        // The filter would take an unknown word as the name of a module, and disable all others.
        if !level.contains(['=', ':', ',']) && level.parse::<LevelFilter>().is_err() {
            return Err(format!("unknown level `{level}`"));
        }
        // Plugins cause warnings of that library as often as they like.
        EnvFilter::try_new(format!("wasmtime_wasi_http=error,{level}")).map_err(|error| error.to_string())
    }
}

/// The format of a log line.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One line of text, with colours on a terminal.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}
