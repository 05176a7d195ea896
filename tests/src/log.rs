//! The gateway's log, line by line as it is written.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use serde_json::Value;

/// Far more than anything takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(180);

/// Lines of the log that a failure shows.
const SHOWN_MAX: usize = 60;

/// Lines that were written so far.
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

    /// Waits for a line that has this text in its message.
    pub fn wait_for(&self, words: &str) -> Value {
        self.wait_for_more(words, 1)
    }

    /// Waits until so many lines have this text in their message, and gives the last of them.
    pub fn wait_for_more(&self, words: &str, count: usize) -> Value {
        self.wait_for_nth(words, count, |message| message.contains(words))
    }

    /// Waits for a line whose message begins so and has this text.
    pub(crate) fn wait_for_of(&self, start: &str, words: &str) -> Value {
        let matches = |message: &str| message.starts_with(start) && message.contains(words);
        self.wait_for_nth(&format!("{start}…{words}"), 1, matches)
    }

    fn wait_for_nth(&self, words: &str, count: usize, matches: impl Fn(&str) -> bool) -> Value {
        let (lines, changed) = &*self.shared;
        let matching = |line: &&Value| matches(text(line));
        // Each line is looked at once: with all of them again for each new one, a busy log outruns its reader.
        let (mut looked, mut found) = (0, 0);
        let missing = |lines: &mut Lines| {
            found += lines.all[looked..].iter().filter(matching).count();
            looked = lines.all.len();
            !lines.ended && found < count
        };
        let mut lines = lines.lock();
        changed.wait_while_for(&mut lines, missing, PATIENCE);
        match lines.all.iter().filter(matching).nth(count - 1) {
            Some(line) => line.clone(),
            None => {
                let last = &lines.all[lines.all.len().saturating_sub(SHOWN_MAX)..];
                panic!("no {count} lines with `{words}` in the log, which ends so:\n{}", joined(last))
            }
        }
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        joined(&self.shared.0.lock().all)
    }
}

fn text(line: &Value) -> &str {
    line["message"].as_str().or(line.as_str()).unwrap_or_default()
}

fn joined(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
