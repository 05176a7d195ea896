//! Sets up the log and the metrics, once for the process.

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

/// Bytes of a text from outside that stands inside a log line of ours.
const BRIEF_BYTES_MAX: usize = 1024;

/// Sends log lines to standard error, through a thread of their own: a reader that hangs stops
/// nobody. What is returned writes the last lines when it is dropped.
pub fn log(config: &Settings) -> anyhow::Result<Guard> {
    let filter = config.filter().map_err(anyhow::Error::msg).context("log.level")?;
    let coloured = config.format == LogFormat::Text && std::io::stderr().is_terminal();
    let (writer, guard) = lines::start(std::io::stderr(), config.buffer_bytes_max, coloured)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let started = match config.format {
        LogFormat::Text => lines.with_ansi(coloured).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("starting the log: {error}"))?;
    Ok(guard)
}

/// A text from outside as part of a log line: without line breaks, and not too long.
pub fn brief(text: &str) -> String {
    let end = text.floor_char_boundary(BRIEF_BYTES_MAX);
    let cut = if end < text.len() { "…" } else { "" };
    text[..end].replace(is_invisible, " ") + cut
}
