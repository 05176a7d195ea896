//! Keeps lines of the log instead of writing them, for commands that show them beside what they belong to.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// What plugins write is logged under this target.
const PLUGIN: &str = "plugin";
/// Target of the log lines that report what a call of a plugin cost.
pub const CALLS: &str = "frontgate_runtime::call";

/// Lines that are kept; plugins have limits of their own.
const LINES_MAX: usize = 100_000;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// What it says.
    pub text: String,
}

impl Line {
    /// What a call cost, if this line says so.
    pub fn receipt(&self) -> Option<&str> {
        self.text.strip_prefix("call ended: ")
    }
}

/// The lines of this process.
#[derive(Debug, Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<(String, Line)>>>);

/// Keeps what plugins write, what the gateway warns of, and, where it runs beside, the receipts of calls.
pub fn capture() -> anyhow::Result<Lines> {
    let lines = Lines::default();
    let wanted = Targets::new()
        .with_target(PLUGIN, LevelFilter::TRACE)
        .with_target(CALLS, LevelFilter::DEBUG)
        .with_default(LevelFilter::WARN);
    let kept = Keep(lines.clone()).with_filter(wanted);
    tracing_subscriber::registry().with(kept).try_init().context("starting the log")?;
    Ok(lines)
}

impl Lines {
    /// Those of one request, and forgets them.
    pub fn take(&self, request: &str) -> Vec<Line> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, left) = std::mem::take(&mut *all).into_iter().partition(|(of, _)| of == request);
        *all = left;
        let taken: Vec<(String, Line)> = taken;
        taken.into_iter().map(|(_, line)| line).collect()
    }

    /// All others, and forgets them.
    pub fn take_rest(&self) -> Vec<Line> {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        all.into_iter().map(|(_, line)| line).collect()
    }
}

struct Keep(Lines);

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut found = Found::default();
        event.record(&mut found);
        let metadata = event.metadata();
        let level = match *metadata.level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let mut all = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < LINES_MAX {
            all.push((found.request, Line { level: level.to_owned(), text: found.text }));
        }
    }
}

/// The fields that matter.
#[derive(Default)]
struct Found {
    request: String,
    text: String,
}

impl Found {
    fn field(&mut self, field: &Field) -> Option<&mut String> {
        match field.name() {
            "request" => Some(&mut self.request),
            "message" => Some(&mut self.text),
            _ => None,
        }
    }
}

impl Visit for Found {
    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(into) = self.field(field) {
            value.clone_into(into);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if let Some(into) = self.field(field) {
            // A text takes whatever is written to it.
            let _ = write!(into, "{value:?}");
        }
    }
}
