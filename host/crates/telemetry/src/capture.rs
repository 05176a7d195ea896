//! Captures log lines in memory, for commands that show them next to the call that caused them.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::Mutex;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// The target of log lines that plugins write.
const PLUGIN: &str = "plugin";
/// The target of log lines that report the cost of a call.
pub const CALLS: &str = "frontgate_runtime::call";
/// Prefix of a line that reports the cost of a call.
pub const CALL_ENDED: &str = "call ended: ";

/// Maximum number of captured lines. Plugins also have separate limits.
const LINES_MAX: usize = 100_000;

/// One log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// The message.
    pub text: String,
}

impl Line {
    /// Returns the cost of a call, if this line is a receipt.
    pub fn receipt(&self) -> Option<&str> {
        self.text.strip_prefix(CALL_ENDED)
    }
}

/// The captured lines of this process, each with the id of its request.
#[derive(Debug, Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<(String, Line)>>>);

/// Starts to capture log lines of plugins, warnings of the gateway, and receipts of calls.
pub fn capture() -> anyhow::Result<Lines> {
    let lines = Lines::default();
    let wanted = Targets::new()
        .with_target(PLUGIN, LevelFilter::TRACE)
        .with_target(CALLS, LevelFilter::DEBUG)
        .with_default(LevelFilter::WARN);
    let kept = Keep(lines.clone()).with_filter(wanted);
    tracing_subscriber::registry().with(kept).try_init().context("failed to start the log")?;
    Ok(lines)
}

impl Lines {
    /// Removes and returns the lines of one request.
    pub fn take(&self, request: &str) -> Vec<Line> {
        let mut all = self.0.lock();
        let (taken, left) = std::mem::take(&mut *all).into_iter().partition(|(of, _)| of == request);
        *all = left;
        let taken: Vec<(String, Line)> = taken;
        taken.into_iter().map(|(_, line)| line).collect()
    }

    /// Removes and returns all lines.
    pub fn take_rest(&self) -> Vec<Line> {
        let all = std::mem::take(&mut *self.0.lock());
        all.into_iter().map(|(_, line)| line).collect()
    }
}

struct Keep(Lines);

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut found = Fields::default();
        event.record(&mut found);
        let metadata = event.metadata();
        let level = match *metadata.level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let mut all = self.0.0.lock();
        if all.len() < LINES_MAX {
            all.push((found.request, Line { level: level.to_owned(), text: found.text }));
        }
    }
}

/// The captured fields of an event.
#[derive(Default)]
struct Fields {
    request: String,
    text: String,
}

impl Fields {
    fn field(&mut self, field: &Field) -> Option<&mut String> {
        match field.name() {
            "request" => Some(&mut self.request),
            "message" => Some(&mut self.text),
            _ => None,
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(into) = self.field(field) {
            value.clone_into(into);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if let Some(into) = self.field(field) {
            // Writing to a string cannot fail.
            let _ = write!(into, "{value:?}");
        }
    }
}
