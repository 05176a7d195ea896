//! The log and the metrics of the process.
//!
//! This crate never decides which events are logged or counted: every crate uses `tracing` and metrics directly. In the
//! flows of ARCHITECTURE.md, this crate only receives log lines and numbers.
//!
//! - [`log`] starts the log with the given [`Settings`]; the returned [`Guard`] writes the last lines. [`capture`]
//!   keeps lines in memory instead, for authors' commands.
//! - [`metrics::METRICS`] holds the metrics of the process.
//! - [`REFUSALS`] and [`PerSecond`] limit the log lines that unverified requests can cause.

pub mod capture;
mod lines;
pub mod metrics;
mod one_line;
mod per_second;
mod refusals;
mod settings;

use std::io::IsTerminal as _;

use anyhow::Context as _;

pub use self::lines::Guard;
pub use self::one_line::is_invisible;
pub use self::per_second::PerSecond;
pub use self::refusals::REFUSALS;
pub use self::settings::{LogFormat, Settings};

/// Maximum length of an external text in a log line, in bytes.
const BRIEF_BYTES_MAX: usize = 1024;

/// Starts the log on standard error. A separate thread writes the lines, so a hanging reader blocks no other thread.
/// The returned guard writes the last lines when it is dropped.
pub fn log(config: &Settings) -> anyhow::Result<Guard> {
    let filter = config.filter().map_err(anyhow::Error::msg).context("log.level")?;
    let coloured = config.format == LogFormat::Text && std::io::stderr().is_terminal();
    let (writer, guard) = lines::start(std::io::stderr(), config.buffer_bytes_max, coloured)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let started = match config.format {
        LogFormat::Text => lines.with_ansi(coloured).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("failed to start the log: {error}"))?;
    Ok(guard)
}

/// Shortens an external text for a log line, and replaces line breaks and other invisible characters.
pub fn brief(text: &str) -> String {
    let end = text.floor_char_boundary(BRIEF_BYTES_MAX);
    let cut = if end < text.len() { "…" } else { "" };
    text[..end].replace(is_invisible, " ") + cut
}
