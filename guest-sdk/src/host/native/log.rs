//! The log: collects lines, and rejects those that contain a secret.

use std::cell::RefCell;

use crate::bindings::log::Level;
use crate::host::native::settings;

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Panics if the line contains one of the test's secrets.
pub(crate) fn write(level: Level, message: &str) {
    let level = match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    if let Some(key) = settings::secret_in(message) {
        panic!("a line of the log contains the secret `{key}`");
    }
    LINES.with_borrow_mut(|lines| lines.push(format!("{level}: {message}")));
}

/// Removes and returns the collected lines.
pub(crate) fn take() -> Vec<String> {
    LINES.take()
}
