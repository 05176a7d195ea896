//! Collects the records of a request's calls, and the lines that its plugins log.

use std::sync::Arc;

use frontgate_telemetry::capture;
use frontgate_telemetry::is_invisible;
use parking_lot::Mutex;
use tracing::Level;

use super::CallRecord;
use crate::dry_run::DryRun;

/// Lines of one request that are collected.
const LINES_MAX: usize = 20;
/// Bytes of these lines together.
const LINES_BYTES_MAX: usize = 4 << 10;

/// The records of a request's calls, kept only if something reads them.
#[derive(Debug, Clone, Default)]
pub struct CallRecords(Option<Arc<Records>>);

#[derive(Debug, Default)]
struct Records {
    calls: Mutex<Vec<CallRecord>>,
    /// `None` if lines are not collected.
    lines: Option<Mutex<OutputLines>>,
    /// `None` if the calls may change something.
    dry_run: Option<Arc<DryRun>>,
}

/// Lines that the plugins of a request logged, also those below the level of the log.
#[derive(Debug, Default)]
pub struct OutputLines {
    /// The first lines.
    pub lines: Vec<OutputLine>,
    /// Lines that were not collected.
    pub dropped: u32,
    bytes: usize,
}

/// One line that a plugin logged.
#[derive(Debug)]
pub struct OutputLine {
    /// Name of the plugin.
    pub plugin: Arc<str>,
    /// Level of the line.
    pub level: Level,
    /// Text, without characters that could forge another line.
    pub text: String,
}

impl CallRecords {
    /// Creates a list that keeps records only if the log level is `debug`.
    pub fn kept_at_debug() -> Self {
        Self(is_debug().then(Arc::default))
    }

    /// Creates a list that keeps records.
    pub fn kept() -> Self {
        Self(Some(Arc::default()))
    }

    /// Creates a list that keeps records and lines.
    pub fn kept_with_lines() -> Self {
        Self(Some(Arc::new(Records { lines: Some(Mutex::default()), ..Records::default() })))
    }

    /// Creates a list for calls that change nothing. Keeps records and lines.
    pub fn of_dry_run(dry_run: &Arc<DryRun>) -> Self {
        let dry_run = Some(Arc::clone(dry_run));
        Self(Some(Arc::new(Records { lines: Some(Mutex::default()), dry_run, ..Records::default() })))
    }

    /// Returns whether the calls change nothing.
    pub fn is_dry(&self) -> bool {
        self.dry_run().is_some()
    }

    /// Returns the dry run to which the calls belong, if any.
    pub(crate) fn dry_run(&self) -> Option<&Arc<DryRun>> {
        self.0.as_ref()?.dry_run.as_ref()
    }

    /// Returns all records so far for a line of the log, separated by semicolons; `None` without records, or if the
    /// level is not `debug`.
    pub fn text_at_debug(&self) -> Option<String> {
        let all = if is_debug() { self.all() } else { Vec::new() };
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Returns all records so far.
    pub fn all(&self) -> Vec<CallRecord> {
        self.0.as_ref().map(|records| records.calls.lock().clone()).unwrap_or_default()
    }

    /// Removes and returns all records so far.
    pub fn take(&self) -> Vec<CallRecord> {
        self.0.as_ref().map(|records| std::mem::take(&mut *records.calls.lock())).unwrap_or_default()
    }

    /// Removes and returns all lines so far.
    pub fn take_lines(&self) -> OutputLines {
        let lines = self.0.as_ref().and_then(|records| records.lines.as_ref());
        lines.map(|lines| std::mem::take(&mut *lines.lock())).unwrap_or_default()
    }

    pub(crate) fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn add(&self, record: CallRecord) {
        if let Some(records) = &self.0 {
            records.calls.lock().push(record);
        }
    }

    /// Adds a line, cut to the limits, if lines are collected.
    pub(crate) fn add_line(&self, plugin: &Arc<str>, level: Level, text: &str) {
        let Some(lines) = self.0.as_ref().and_then(|records| records.lines.as_ref()) else { return };
        let mut lines = lines.lock();
        let left = LINES_BYTES_MAX.saturating_sub(lines.bytes);
        if left == 0 || lines.lines.len() >= LINES_MAX {
            lines.dropped = lines.dropped.saturating_add(1);
            return;
        }
        let text = &text[..text.floor_char_boundary(left)];
        lines.bytes += text.len();
        lines.lines.push(OutputLine { plugin: Arc::clone(plugin), level, text: text.replace(is_invisible, " ") });
    }
}

fn is_debug() -> bool {
    tracing::enabled!(target: capture::CALLS, Level::DEBUG)
}
