//! Writes the log in batches from a separate thread. A hanging reader therefore blocks no caller, and one wakeup writes
//! many lines.
//!
//! `tracing-appender` is not used: it limits its queue by lines rather than bytes, and writes each line separately.

use std::io::Write;
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::{Condvar, Mutex};
use tracing::warn;

use super::metrics::METRICS;

/// Time during which lines are collected for a batch.
const BATCH_INTERVAL: Duration = Duration::from_millis(5);

/// Maximum time that the process waits at its end for the last lines to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The queue of log lines.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    buffer_bytes_max: usize,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped: u64,
    /// Whether the guard was dropped, so that these are the last lines.
    closed: bool,
    /// Whether all lines were written.
    ended: bool,
}

/// A guard of the log. On drop, it waits up to a second until the last lines are written.
pub struct Guard(Arc<Shared>);

/// Starts the log thread. When more than `buffer_bytes_max` bytes wait, further lines are dropped and counted.
pub(super) fn start(out: impl Write + Send + 'static, buffer_bytes_max: usize) -> anyhow::Result<(Lines, Guard)> {
    let shared = Arc::new(Shared { waiting: Mutex::default(), changed: Condvar::new(), buffer_bytes_max });
    let writing = Arc::clone(&shared);
    let thread = thread::Builder::new().name("log".to_owned()).spawn(move || writing.write_all(out));
    thread.context("failed to start the log thread")?;
    Ok((Lines(Arc::clone(&shared)), Guard(shared)))
}

impl Shared {
    fn write_all(&self, mut out: impl Write) {
        let mut lines = Vec::new();
        loop {
            let (dropped, closed) = self.take(&mut lines);
            // A failed write to the log cannot be logged.
            let _ = out.write_all(&lines);
            lines.clear();
            if closed {
                break;
            }
            if dropped > 0 {
                METRICS.log_dropped.inc_by(dropped);
                warn!(
                    event = "log.lines_dropped",
                    dropped, "log lines dropped: reader too slow; see log.buffer_bytes_max"
                );
            }
            thread::sleep(BATCH_INTERVAL);
        }
        self.waiting.lock().ended = true;
        self.changed.notify_all();
    }

    /// Waits for lines. Returns the number of dropped lines, and whether these are the last lines.
    fn take(&self, lines: &mut Vec<u8>) -> (u64, bool) {
        let mut waiting = self.waiting.lock();
        self.changed.wait_while(&mut waiting, |waiting| waiting.bytes.is_empty() && !waiting.closed);
        mem::swap(lines, &mut waiting.bytes);
        (mem::take(&mut waiting.dropped), waiting.closed)
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.waiting.lock();
        if waiting.bytes.len() + line.len() > self.buffer_bytes_max {
            waiting.dropped += 1;
            return;
        }
        let first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if first {
            self.changed.notify_all();
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting.lock();
        waiting.closed = true;
        self.0.changed.notify_all();
        self.0.changed.wait_while_for(&mut waiting, |waiting| !waiting.ended, LAST_LINES);
    }
}

impl Lines {
    /// Queues a line, unless the buffer is full.
    pub(super) fn push(&self, line: &[u8]) {
        self.0.push(line);
    }
}

#[cfg(test)]
mod tests;
