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
mod escape;
mod format;
mod lines;
pub mod metrics;
mod per_second;
mod refusals;
mod settings;

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use self::escape::is_invisible;
use self::format::{LineLayer, Style};
pub use self::lines::Guard;
pub use self::per_second::PerSecond;
pub use self::refusals::REFUSALS;
pub use self::settings::{LogFormat, Settings};

/// Maximum length of an external text in a log line, in bytes.
const BRIEF_BYTES_MAX: usize = 1024;

/// Starts the log on standard error. A separate thread writes the lines, so a hanging reader blocks no other thread.
/// The returned guard writes the last lines when it is dropped.
pub fn log(config: &Settings) -> anyhow::Result<Guard> {
    let filter = config.filter().map_err(anyhow::Error::msg).context("log.level")?;
    let style = match config.format {
        LogFormat::Json => Style::Json,
        LogFormat::Text if std::io::stderr().is_terminal() => Style::Coloured,
        LogFormat::Text => Style::Text,
    };
    let (lines, guard) = lines::start(std::io::stderr(), config.buffer_bytes_max)?;
    let log = tracing_subscriber::registry().with(LineLayer { lines, style }).with(filter);
    log.try_init().context("failed to start the log")?;
    Ok(guard)
}

/// Shortens an external text for a log line, and replaces line breaks and other invisible characters.
pub fn brief(text: &str) -> String {
    let end = text.floor_char_boundary(BRIEF_BYTES_MAX);
    let cut = if end < text.len() { "…" } else { "" };
    text[..end].replace(is_invisible, " ") + cut
}
