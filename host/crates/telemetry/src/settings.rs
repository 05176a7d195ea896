//! `[log]`: what goes to the log, and how.

use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What goes to the log, and how.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// For people or for machines.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`, or directives such as
    /// `info,frontgate::plugin=debug`. None stands for `info`.
    pub level: Option<String>,
    /// Lines that wait for a reader that is slow or hangs. Further ones are dropped and counted.
    pub buffer_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { format: LogFormat::default(), level: None, buffer_bytes_max: 16 * 1024 * 1024 }
    }
}

impl Settings {
    /// What is logged, or why the level is not understood.
    pub fn filter(&self) -> Result<EnvFilter, String> {
        let level = self.level.as_deref().unwrap_or("info");
        // A single word that is no level would be taken for the name of a module, and silence all others.
        if !level.contains(['=', ':', ',']) && level.parse::<LevelFilter>().is_err() {
            return Err(format!("`{level}` is no level"));
        }
        // What that library warns of is what a plugin does, as often as it likes.
        EnvFilter::try_new(format!("wasmtime_wasi_http=error,{level}")).map_err(|error| error.to_string())
    }
}

/// How a log line looks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One line of text, with colours on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
