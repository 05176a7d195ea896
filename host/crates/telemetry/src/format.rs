//! Formats an event as one line of text or JSON.
//!
//! The formatters of `tracing-subscriber` are not used: they call `core::fmt` for each field, which took a quarter of
//! the instructions of a short callback.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::escape::{Escaped, push_escaped};
use super::lines::Lines;

/// Capacity in bytes above which the buffer of a thread is freed after a line.
const BUFFER_BYTES_MAX: usize = 16 * 1024;

thread_local! {
    /// Buffer for the line of this thread.
    static BUFFER: Cell<String> = const { Cell::new(String::new()) };
}

/// Style of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Text,
    /// Text with colours, for a terminal.
    Coloured,
    Json,
}

/// Writes each event as a line.
pub(super) struct LineLayer {
    pub(super) lines: Lines,
    pub(super) style: Style,
}

impl<S: Subscriber> Layer<S> for LineLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Taken rather than borrowed, since a field may log while it is formatted. At its end, a thread has no buffer.
        let mut line = BUFFER.try_with(Cell::take).unwrap_or_default();
        self.style.write(&mut line, SystemTime::now(), event);
        self.lines.push(line.as_bytes());
        if line.capacity() <= BUFFER_BYTES_MAX {
            line.clear();
            let _ = BUFFER.try_with(|buffer| buffer.set(line));
        }
    }
}

impl Style {
    fn write(self, line: &mut String, now: SystemTime, event: &Event<'_>) {
        let time = humantime::format_rfc3339_micros(now);
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Text => write!(line, "{time} {} {target}:", padded(level)),
            Self::Coloured => {
                let (level, colour) = (padded(level), colour(level));
                write!(line, "\x1b[2m{time}\x1b[0m \x1b[{colour}m{level}\x1b[0m \x1b[2m{target}:\x1b[0m")
            }
            Self::Json => write!(line, "{{\"timestamp\":\"{time}\",\"level\":\"{level}\""),
        };
        event.record(&mut Fields { line, style: self });
        if self == Self::Json {
            line.push_str(",\"target\":\"");
            push_escaped(line, target, true);
            line.push_str("\"}");
        }
        line.push('\n');
    }
}

/// Returns the name of a level, right-aligned.
fn padded(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => " WARN",
        Level::INFO => " INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
    }
}

/// Returns the number of a level's colour on a terminal.
fn colour(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

/// Appends the fields of an event to a line.
struct Fields<'l> {
    line: &'l mut String,
    style: Style,
}

impl Fields<'_> {
    /// Appends a field's name. In text, the message has none.
    fn name(&mut self, field: &Field) {
        let (line, name) = (&mut *self.line, field.name());
        match self.style {
            Style::Json => {
                line.push_str(",\"");
                line.push_str(name);
                line.push_str("\":");
            }
            _ if is_message(field) => line.push(' '),
            Style::Text => {
                line.push(' ');
                line.push_str(name);
                line.push('=');
            }
            Style::Coloured => {
                line.push_str(" \x1b[3m");
                line.push_str(name);
                line.push_str("\x1b[0m\x1b[2m=\x1b[0m");
            }
        }
    }

    /// Appends a value that looks the same in text and JSON.
    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        self.name(field);
        let _ = write!(self.line, "{value}");
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        let quoted = self.style == Style::Json || !is_message(field);
        if quoted {
            self.line.push('"');
        }
        push_escaped(self.line, value, quoted);
        if quoted {
            self.line.push('"');
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.plain(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.plain(field, value);
        } else {
            // JSON has no such numbers.
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.name(field);
        let quoted = self.style == Style::Json;
        if quoted {
            self.line.push('"');
        }
        let _ = write!(Escaped { line: self.line, quoted }, "{value:?}");
        if quoted {
            self.line.push('"');
        }
    }
}

fn is_message(field: &Field) -> bool {
    field.name() == "message"
}

#[cfg(test)]
mod tests;
