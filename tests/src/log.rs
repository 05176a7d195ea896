//! Reads the gateway's log line by line while it is written, in either of its formats.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use serde_json::Value;

/// The time limit for a line; a test that waits this long fails.
const TIMEOUT: Duration = Duration::from_secs(180);

/// The number of log lines that a failed test prints.
const SHOWN_MAX: usize = 60;

/// The lines written so far.
#[derive(Clone, Default)]
pub struct Log {
    shared: Arc<(Mutex<Lines>, Condvar)>,
}

#[derive(Default)]
struct Lines {
    all: Vec<Value>,
    ended: bool,
}

impl Log {
    pub(crate) fn follow(source: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let writer = log.clone();
        thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                writer.shared.0.lock().all.push(line);
                writer.shared.1.notify_all();
            }
            writer.shared.0.lock().ended = true;
            writer.shared.1.notify_all();
        });
        log
    }

    /// Waits for a line whose `event` field has this value.
    pub fn wait_for_event(&self, event: &str) -> Value {
        self.event(event).wait_for(1)
    }

    /// Returns the number of lines so far whose `event` field has this value.
    pub fn count_events(&self, event: &str) -> usize {
        self.event(event).count()
    }

    /// Selects the lines whose `event` field has this value.
    pub fn event(&self, event: &str) -> Events<'_> {
        Events { log: self, fields: vec![("event".to_owned(), event.to_owned())], reason: None }
    }

    /// Waits for a line whose message contains this text.
    pub fn wait_for(&self, words: &str) -> Value {
        self.wait_for_count(words, 1)
    }

    /// Waits until this many lines contain this text in their message, and returns the last of them.
    pub fn wait_for_count(&self, words: &str, count: usize) -> Value {
        self.wait_for_nth(&format!("`{words}`"), count, |line| text(line).contains(words))
    }

    fn wait_for_nth(&self, what: &str, count: usize, matches: impl Fn(&Value) -> bool) -> Value {
        let (lines, changed) = &*self.shared;
        let matching = |line: &&Value| matches(line);
        // Each line is checked only once. Checking all lines again for each new one could not keep up with a busy log.
        let (mut checked, mut found) = (0, 0);
        let missing = |lines: &mut Lines| {
            found += lines.all[checked..].iter().filter(matching).count();
            checked = lines.all.len();
            !lines.ended && found < count
        };
        let mut lines = lines.lock();
        changed.wait_while_for(&mut lines, missing, TIMEOUT);
        match lines.all.iter().filter(matching).nth(count - 1) {
            Some(line) => line.clone(),
            None => {
                let last = &lines.all[lines.all.len().saturating_sub(SHOWN_MAX)..];
                panic!("fewer than {count} lines with {what} in the log, which ends with:\n{}", joined(last))
            }
        }
    }

    /// Returns all lines so far.
    pub fn text(&self) -> String {
        joined(&self.shared.0.lock().all)
    }
}

/// The lines of one event, narrowed by the values of other fields.
pub struct Events<'l> {
    log: &'l Log,
    fields: Vec<(String, String)>,
    reason: Option<String>,
}

impl Events<'_> {
    /// Keeps only lines in which this field has this value.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Keeps only lines whose message contains this text. Tests use it only if the reason is the fact under test.
    pub fn saying(self, reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..self }
    }

    /// Waits for this many matching lines, and returns the last of them.
    pub fn wait_for(&self, count: usize) -> Value {
        self.log.wait_for_nth(&format!("{:?} {:?}", self.fields, self.reason), count, |line| self.matches(line))
    }

    /// Returns the number of matching lines so far.
    pub fn count(&self) -> usize {
        self.log.shared.0.lock().all.iter().filter(|line| self.matches(line)).count()
    }

    fn matches(&self, line: &Value) -> bool {
        let says = |reason: &String| text(line).contains(reason);
        self.reason.as_ref().is_none_or(says) && self.fields.iter().all(|(name, value)| has_field(line, name, value))
    }
}

/// Returns whether a line has a field with this value. In the JSON format a field is a member of the object; in the
/// text format it is `name="value"` or `name=value` after the message.
fn has_field(line: &Value, name: &str, value: &str) -> bool {
    match line {
        Value::String(line) => text_field(line, name) == Some(value),
        line => match &line[name] {
            Value::String(text) => text == value,
            Value::Null => false,
            other => serde_json::from_str::<Value>(value).is_ok_and(|value| value == *other),
        },
    }
}

/// Returns the value of a field in the text format. The last occurrence is used, since the message before the fields
/// may contain such a text too.
fn text_field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (_, value) = line.rsplit_once(&format!(" {name}="))?;
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split(' ').next(),
    }
}

fn text(line: &Value) -> &str {
    line["message"].as_str().or(line.as_str()).unwrap_or_default()
}

fn joined(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"level":"INFO","message":"plugin `a` is live","event":"plugin.live","plugin":"a","calls":3}
{"level":"INFO","message":"plugin `b` is live","event":"plugin.live","plugin":"b"}
{"level":"WARN","message":"the event plugin.live","event":"plugin.output"}
"#;

    const TEXT: &str = r#"2026-11-21T00:00:00Z  INFO frontgate: plugin `a` is live event="plugin.live" plugin="a" calls=3
2026-11-21T00:00:01Z  INFO frontgate: plugin `b` is live event="plugin.live" plugin="b"
2026-11-21T00:00:02Z  WARN frontgate: a message event="plugin.live" of a plugin event="plugin.output"
"#;

    #[test]
    fn events_are_found_in_both_formats() {
        for source in [JSON, TEXT] {
            let log = Log::follow(source.as_bytes());
            log.wait_for_event("plugin.output");
            assert_eq!(log.count_events("plugin.live"), 2, "{source}");
            assert_eq!(log.count_events("plugin"), 0, "{source}");
        }
    }

    #[test]
    fn events_are_narrowed_by_fields() {
        for source in [JSON, TEXT] {
            let log = Log::follow(source.as_bytes());
            let second = log.event("plugin.live").wait_for(2);
            assert!(second.to_string().contains("`b`"), "{second}");
            assert_eq!(log.event("plugin.live").with("plugin", "a").with("calls", "3").count(), 1, "{source}");
            assert_eq!(log.event("plugin.live").with("plugin", "c").count(), 0, "{source}");
        }
    }

    #[test]
    #[should_panic(expected = "fewer than 3 lines with")]
    fn a_missing_event_fails_at_the_end_of_the_log() {
        Log::follow(JSON.as_bytes()).event("plugin.live").wait_for(3);
    }
}
