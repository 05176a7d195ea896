//! Writes the log from a thread of its own, several lines at a time: waking a thread for each line
//! costs more than the line, and a reader that hangs stops nobody.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use tracing::warn;
use tracing_subscriber::fmt::MakeWriter;

use super::metrics::METRICS;
use super::one_line::one_line;

/// How long a line waits for others.
const PAUSE: Duration = Duration::from_millis(5);

/// How long the end of the process waits for a reader of the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Where lines are handed over.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    buffer_bytes_max: usize,
    /// Whether lines have colours.
    coloured: bool,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped: u64,
    /// No more lines come.
    closed: bool,
    /// All lines are written.
    ended: bool,
}

/// Writes the last lines when it is dropped.
pub struct Guard(Arc<Shared>);

/// Starts the thread. Lines that find `buffer_bytes_max` waiting are dropped and counted.
pub(super) fn start(
    out: impl Write + Send + 'static,
    buffer_bytes_max: usize,
    coloured: bool,
) -> anyhow::Result<(Lines, Guard)> {
    let shared = Arc::new(Shared { waiting: Mutex::default(), changed: Condvar::new(), buffer_bytes_max, coloured });
    let writing = Arc::clone(&shared);
    let thread = thread::Builder::new().name("log".to_owned()).spawn(move || writing.write_all(out));
    thread.context("starting the thread of the log")?;
    Ok((Lines(Arc::clone(&shared)), Guard(shared)))
}

impl Shared {
    /// Nothing panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all(&self, mut out: impl Write) {
        let mut lines = Vec::new();
        loop {
            let (dropped, closed) = self.take(&mut lines);
            // There is nobody to tell.
            let _ = out.write_all(&lines);
            lines.clear();
            if closed {
                break;
            }
            if dropped > 0 {
                METRICS.log_dropped.inc_by(dropped);
                warn!(dropped, "log lines were dropped: nobody read them in time; see log.buffer_bytes_max");
            }
            thread::sleep(PAUSE);
        }
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Waits for lines; says how many were dropped, and whether these are the last.
    fn take(&self, lines: &mut Vec<u8>) -> (u64, bool) {
        let nothing = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.closed;
        let waiting = self.changed.wait_while(self.lock(), nothing);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        mem::swap(lines, &mut waiting.bytes);
        (mem::take(&mut waiting.dropped), waiting.closed)
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.lock();
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
        self.0.lock().closed = true;
        self.0.changed.notify_all();
        drop(self.0.changed.wait_timeout_while(self.0.lock(), LAST_LINES, |waiting| !waiting.ended));
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(&one_line(line, self.0.coloured));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'l> MakeWriter<'l> for Lines {
    type Writer = &'l Lines;

    fn make_writer(&'l self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests;
