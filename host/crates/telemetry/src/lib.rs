//! Log and metrics of the process.
//!
//! It never decides what is logged or counted: every crate uses `tracing` and metrics itself. It takes part in every
//! trip of ARCHITECTURE.md only as the place where lines and numbers go.
//!
//! - [`log`] starts the log as [`Settings`] say; its [`Guard`] writes the last lines. [`capture`] keeps lines in memory
//!   instead, for commands of authors.
//! - [`metrics`] starts the metrics.
//! - [`REFUSALS`] and [`PerSecond`] bound the log lines that unverified requests can cause.

pub mod capture;
mod lines;
mod one_line;
mod per_second;
mod refusals;
mod settings;

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

pub use self::lines::Guard;
pub use self::one_line::is_invisible;
pub use self::per_second::PerSecond;
pub use self::refusals::REFUSALS;
pub use self::settings::{LogFormat, Settings};

/// Bytes of an external text inside a log line.
const BRIEF_BYTES_MAX: usize = 1024;

/// How often samples are sorted.
const UPKEEP: Duration = Duration::from_secs(5);

/// Bounds of the latency histogram, in seconds, up to the platforms' own deadlines.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 3.0, 6.0];

/// The same for what plugins do, which is often done within microseconds.
const PLUGIN_SECONDS: [f64; 12] =
    [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0];

/// Bounds of a call's memory, in bytes.
const BYTES: [f64; 7] = [262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0, 33_554_432.0, 67_108_864.0, 268_435_456.0];

/// Bounds of what is counted in a call.
const COUNTS: [f64; 7] = [0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0];

/// Starts the log on standard error. A thread of its own writes the lines, so a hanging reader blocks no other thread.
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

/// Sorts new samples into their buckets for ever; left alone they would pile up until somebody
/// reads the metrics.
pub async fn keep_up(metrics: PrometheusHandle) {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tick.tick().await;
        metrics.run_upkeep();
    }
}

/// Starts counting. What is returned writes the numbers as Prometheus text.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Prefix("frontgate_plugin_".to_owned()), &PLUGIN_SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Full("frontgate_plugin_memory_bytes".to_owned()), &BYTES)?
        .set_buckets_for_metric(Matcher::Full("frontgate_plugin_host_calls".to_owned()), &COUNTS)?
        .install_recorder()
        .context("starting the metrics")
}

/// Shortens an external text for a log line, and replaces line breaks and other invisible characters.
pub fn brief(text: &str) -> String {
    let end = text.floor_char_boundary(BRIEF_BYTES_MAX);
    let cut = if end < text.len() { "…" } else { "" };
    text[..end].replace(is_invisible, " ") + cut
}
