//! Stands in for the gateway when a plugin is tested natively, with plain `cargo test`. Each test
//! thread has its own of everything.
//!
//! ```
//! use frontgate_sdk::testing::{self, expect};
//! use frontgate_sdk::{Customer, Result, http, settings, state, warn};
//! use serde_json::json;
//!
//! // A plugin.
//! fn name(id: u32) -> Result<String> {
//!     if let Some(name) = state::get_json(&format!("names/{id}"))? {
//!         return Ok(name);
//!     }
//!     let crm = settings::require("crm")?;
//!     let answer = http::get(&format!("{crm}/people/{id}")).send()?;
//!     if let Some(time) = answer.retry_after() {
//!         warn!("the CRM asks for {} s of patience", time.as_secs());
//!     }
//!     let person: serde_json::Value = answer.success()?.json()?;
//!     state::set_json(&format!("names/{id}"), &person["name"], None)?;
//!     Ok(person["name"].to_string())
//! }
//!
//! // And a test of it.
//! testing::settings([("crm", "https://crm.example.com")]);
//! let crm = testing::serve([
//!     expect(http::get("https://crm.example.com/people/7")).status(429).header("retry-after", "5"),
//!     expect(http::get("https://crm.example.com/people/7")).json(&json!({ "name": "Mora" })),
//! ]);
//! assert!(name(7).is_err());
//! assert_eq!(testing::logged(), ["warn: the CRM asks for 5 s of patience"]);
//! assert_eq!(name(7)?, "\"Mora\"");
//! assert_eq!(name(7)?, "Mora", "it is kept");
//! # Ok::<(), frontgate_sdk::Error>(())
//! ```
//!
//! What stands in for what: [`settings()`], [`secrets`], [`customers`] (for [`directory`](crate::directory)),
//! [`serve`] or [`answer_with`] (for [`http`](crate::http)), a store that is empty ([`state()`], for
//! [`state`](mod@crate::state)), [`now`] and [`pass`] (for [`clock`](crate::clock)), [`folder`] and [`files`],
//! [`signatures`] (for [`signatures`](crate::signatures)), [`logged`]. A test that runs in a thread of an earlier one begins with [`reset`].
#![cfg(not(target_family = "wasm"))]

mod clock;
mod files;
pub(crate) mod http;
mod signatures;
pub(crate) mod state;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

pub use self::clock::{now, pass};
pub use self::files::{files, folder};
pub use self::http::{Exchange, Server, answer_with, answers, expect, requests, serve};
pub use self::signatures::{Check, signatures};
pub use self::state::state;
use crate::log::Level;
use crate::{Customer, Error, Result, address};

pub(crate) use self::clock::time;
pub(crate) use self::files::{in_folder, piece};
pub(crate) use self::http::{send, upload};
pub(crate) use self::signatures::verify;

thread_local! {
    static CUSTOMERS: RefCell<Vec<Customer>> = const { RefCell::new(Vec::new()) };
    static INSTANCE: Cell<u64> = const { Cell::new(0) };
    static SETTINGS: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
    static SECRETS: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
    static LOGGED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static RANDOM: Cell<u64> = const { Cell::new(0) };
}

/// Makes everything as it is at the beginning of a test: nothing is set, kept, logged or known.
///
/// ```
/// use frontgate_sdk::{settings, testing};
///
/// testing::settings([("crm", "https://crm.example.com")]);
/// testing::reset();
/// assert_eq!(settings::get("crm"), None);
/// ```
pub fn reset() {
    CUSTOMERS.take();
    SETTINGS.take();
    SECRETS.take();
    LOGGED.take();
    RANDOM.take();
    INSTANCE.set(instance() + 1);
    clock::reset();
    files::reset();
    http::reset();
    signatures::reset();
    state(true);
}

/// Sets what the operator would have written, in place of what was set before. What comes next happens in
/// another instance, as it does when an operator changes something.
///
/// ```
/// use frontgate_sdk::{settings, testing};
///
/// testing::settings([("customers", "customers.csv")]);
/// assert_eq!(settings::get("customers").as_deref(), Some("customers.csv"));
/// ```
pub fn settings<K: Into<String>, V: Into<String>>(settings: impl IntoIterator<Item = (K, V)>) {
    SETTINGS.set(pairs(settings));
    INSTANCE.set(instance() + 1);
}

/// The same for `secrets`, which are settings that nobody shall see: a line of the log that has one in it fails
/// the test.
///
/// ```
/// use frontgate_sdk::{settings, testing};
///
/// testing::secrets([("token", "made-up")]);
/// assert_eq!(settings::get("token").as_deref(), Some("made-up"));
/// ```
///
/// ```should_panic
/// # use frontgate_sdk::{testing, warn};
/// testing::secrets([("token", "made-up")]);
/// warn!("the CRM refused the token {}", "made-up");
/// ```
pub fn secrets<K: Into<String>, V: Into<String>>(secrets: impl IntoIterator<Item = (K, V)>) {
    SECRETS.set(pairs(secrets));
    INSTANCE.set(instance() + 1);
}

fn pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}

pub(crate) fn instance() -> u64 {
    INSTANCE.get()
}

/// Sets whom the tenant's CRM knows, in place of whom it knew before. A worker sees the customers of
/// their own and those of nobody.
///
/// ```
/// use frontgate_sdk::{Customer, directory, testing};
///
/// testing::customers([Customer::new("7", "Mora Lind").sms("+12025550107")]);
/// assert_eq!(directory::get_customer("ana@example.org", "7")?.display_name, "Mora Lind");
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn customers(customers: impl IntoIterator<Item = Customer>) {
    CUSTOMERS.set(customers.into_iter().collect());
}

/// Takes the lines that were logged, each with its level in front.
///
/// ```
/// use frontgate_sdk::{info, testing};
///
/// info!("{} customers", 59);
/// assert_eq!(testing::logged(), ["info: 59 customers"]);
/// assert!(testing::logged().is_empty());
/// ```
pub fn logged() -> Vec<String> {
    LOGGED.take()
}

pub(crate) fn get(key: &str) -> Option<String> {
    let of = |all: &BTreeMap<String, String>| all.get(key).cloned();
    SETTINGS.with_borrow(of).or_else(|| SECRETS.with_borrow(of))
}

pub(crate) fn all() -> Vec<(String, String)> {
    let mut all = SECRETS.with_borrow(Clone::clone);
    all.extend(SETTINGS.with_borrow(Clone::clone));
    all.into_iter().collect()
}

pub(crate) fn get_customer(worker: &str, customer_id: &str) -> Result<Customer> {
    let sees = |customer: &&Customer| customer.worker.as_deref().is_none_or(|owner| owner == worker);
    CUSTOMERS.with_borrow(|all| {
        let found = all.iter().filter(sees).find(|customer| customer.customer_id == customer_id);
        found.cloned().ok_or(Error::NotFound)
    })
}

pub(crate) fn find_customer(address: &str) -> Result<Option<Customer>> {
    let number = address::number(address);
    let has = |customer: &&Customer| {
        let mut channels = customer.channels.iter();
        channels.any(|channel| address::number(&channel.value) == number)
    };
    CUSTOMERS.with_borrow(|all| Ok(all.iter().find(has).cloned()))
}

pub(crate) fn note(level: Level, message: &str) {
    let level = match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    let shown = SECRETS.with_borrow(|all| {
        let mut secrets = all.iter().filter(|(_, value)| !value.is_empty());
        secrets.find(|(_, value)| message.contains(value.as_str())).map(|(key, _)| key.clone())
    });
    if let Some(key) = shown {
        panic!("the secret `{key}` is in a line of the log");
    }
    LOGGED.with_borrow_mut(|lines| lines.push(format!("{level}: {message}")));
}

fn next() -> u64 {
    RANDOM.set(RANDOM.get() + 1);
    RANDOM.get()
}

pub(crate) fn uuid() -> String {
    format!("00000000-0000-4000-8000-{:012x}", next())
}

/// A multiplication spreads the counter over the bits.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    let words = std::iter::repeat_with(|| next().wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    words.flatten().take(count).collect()
}
