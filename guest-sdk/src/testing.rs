//! Stands in for the gateway when a plugin is tested natively, with plain `cargo test`. Each test
//! thread has its own settings and log.
//!
//! ```
//! use frontgate_sdk::{settings, testing};
//!
//! testing::settings([("customers", "customers.csv")]);
//! assert_eq!(settings::get("customers").as_deref(), Some("customers.csv"));
//! ```
#![cfg(not(target_family = "wasm"))]

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::log::Level;

thread_local! {
    static SETTINGS: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
    static LOGGED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static UUIDS: RefCell<u64> = const { RefCell::new(0) };
}

/// Sets what the operator would have written, in place of what was set before.
pub fn settings<K: Into<String>, V: Into<String>>(settings: impl IntoIterator<Item = (K, V)>) {
    let settings = settings.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    SETTINGS.with(|all| all.replace(settings));
}

/// Takes the lines that were logged, each with its level in front.
pub fn logged() -> Vec<String> {
    LOGGED.with(RefCell::take)
}

pub(crate) fn get(key: &str) -> Option<String> {
    SETTINGS.with_borrow(|all| all.get(key).cloned())
}

pub(crate) fn all() -> Vec<(String, String)> {
    SETTINGS.with_borrow(|all| all.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
}

pub(crate) fn note(level: Level, message: &str) {
    let level = match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    LOGGED.with_borrow_mut(|lines| lines.push(format!("{level}: {message}")));
}

pub(crate) fn uuid() -> String {
    let number = UUIDS.with_borrow_mut(|next| {
        *next += 1;
        *next
    });
    format!("00000000-0000-4000-8000-{number:012x}")
}
