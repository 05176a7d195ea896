//! Output of a plugin (`log`, stdout, stderr) as lines of the gateway's log.
//!
//! Lines beyond the limits are dropped and counted; they never trap.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use frontgate_telemetry::is_invisible;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use tracing::{Level, debug, enabled, error, info, trace, warn};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::usage::Usage;
use crate::caller::Caller;
use crate::settings::Limits;

/// Output of one call.
#[derive(Debug)]
pub(crate) struct Output {
    plugin: Arc<str>,
    caller: Caller,
    left: Mutex<Remaining>,
    usage: Arc<Usage>,
}

/// Lines and bytes that the call may still write.
#[derive(Debug)]
struct Remaining {
    lines: u32,
    bytes: usize,
}

impl Output {
    pub(crate) fn new(plugin: &Arc<str>, caller: &Caller, limits: &Limits, usage: &Arc<Usage>) -> Self {
        Self {
            plugin: Arc::clone(plugin),
            caller: caller.clone(),
            left: Mutex::new(Remaining { lines: limits.output_lines_max, bytes: limits.output_bytes_max }),
            usage: Arc::clone(usage),
        }
    }

    /// Returns the name of the plugin.
    pub(crate) fn plugin(&self) -> &Arc<str> {
        &self.plugin
    }

    /// Returns the tenant and request of the call.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Logs and records a line, cut to the limits. The limits of the log count only lines of its level.
    pub(crate) fn line(&self, level: Level, text: &str) {
        self.caller.records.add_line(&self.plugin, level, text);
        // The level of a tracing event must be a constant, hence the macro. Disabled levels cost nothing.
        macro_rules! log {
            ($level:ident, $event:ident) => {
                if enabled!(target: "plugin", Level::$level)
                    && let Some(text) = self.fitting(text)
                {
                    let (plugin, tenant, request) = self.labels();
                    $event!(target: "plugin", plugin, tenant, request, "{text}");
                }
            };
        }
        match level {
            Level::ERROR => log!(ERROR, error),
            Level::WARN => log!(WARN, warn),
            Level::INFO => log!(INFO, info),
            Level::DEBUG => log!(DEBUG, debug),
            Level::TRACE => log!(TRACE, trace),
        }
    }

    /// Cuts a line to the limits, and removes characters that could forge another line.
    fn fitting(&self, text: &str) -> Option<String> {
        let mut left = self.left.lock();
        if left.lines == 0 || left.bytes == 0 {
            self.drop_line();
            return None;
        }
        let text = &text[..text.floor_char_boundary(left.bytes)];
        left.lines -= 1;
        left.bytes -= text.len();
        Some(text.replace(is_invisible, " "))
    }

    fn labels(&self) -> (&str, &str, &str) {
        (&self.plugin, &self.caller.tenant, &self.caller.request)
    }

    fn drop_line(&self) {
        self.usage.lines_dropped.fetch_add(1, Ordering::Relaxed);
    }

    fn can_take(&self, bytes: usize) -> bool {
        self.left.lock().bytes >= bytes
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let dropped = self.usage.lines_dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            let (plugin, tenant, request) = self.labels();
            warn!(
                target: "plugin",
                event = "plugin.output_dropped",
                plugin,
                tenant,
                request,
                "plugin `{plugin}`: {dropped} output lines dropped, output_lines_max or output_bytes_max reached"
            );
        }
    }
}

/// Standard output or standard error: bytes that become lines.
#[derive(Clone)]
pub(crate) struct Stream {
    pending: Arc<Mutex<Pending>>,
}

struct Pending {
    output: Arc<Output>,
    line: Vec<u8>,
    level: Level,
}

impl Stream {
    pub(crate) fn stdout(output: &Arc<Output>) -> Self {
        Self::new(output, Level::INFO)
    }

    /// Creates standard error, where plugins write panics.
    pub(crate) fn stderr(output: &Arc<Output>) -> Self {
        Self::new(output, Level::WARN)
    }

    fn new(output: &Arc<Output>, level: Level) -> Self {
        let pending = Pending { output: Arc::clone(output), line: Vec::new(), level };
        Self { pending: Arc::new(Mutex::new(pending)) }
    }

    /// Attributes later output to another call.
    pub(crate) fn turn_to(&self, output: &Arc<Output>) {
        let mut pending = self.pending.lock();
        pending.flush();
        pending.output = Arc::clone(output);
    }

    fn take(&self, bytes: &[u8]) {
        let mut pending = self.pending.lock();
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        let last = pieces.next_back().unwrap_or_default();
        for piece in pieces {
            pending.push(piece);
            pending.flush();
        }
        pending.push(last);
    }
}

impl Pending {
    /// Buffers bytes only if they could still be logged.
    fn push(&mut self, piece: &[u8]) {
        let length = self.line.len() + piece.len();
        if self.output.can_take(length) {
            self.line.extend_from_slice(piece);
        } else if !piece.is_empty() {
            self.line.clear();
            self.output.drop_line();
        }
    }

    fn flush(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.output.line(self.level, String::from_utf8_lossy(&line).trim_end());
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.flush();
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
