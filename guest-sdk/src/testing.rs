//! Simulates the gateway in native tests, for plain `cargo test` without a gateway or WebAssembly.
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
//!     let response = http::get(&format!("{crm}/people/{id}")).send()?;
//!     if let Some(time) = response.retry_after() {
//!         warn!("the CRM asks for a pause of {} s", time.as_secs());
//!     }
//!     let person: serde_json::Value = response.success()?.json()?;
//!     state::set_json(&format!("names/{id}"), &person["name"], None)?;
//!     Ok(person["name"].to_string())
//! }
//!
//! // A test.
//! testing::settings([("crm", "https://crm.example.com")]);
//! let crm = testing::serve([
//!     expect(http::get("https://crm.example.com/people/7")).status(429).header("retry-after", "5"),
//!     expect(http::get("https://crm.example.com/people/7")).json(&json!({ "name": "Mora" })),
//! ]);
//! assert!(name(7).is_err());
//! assert_eq!(testing::logged(), ["warn: the CRM asks for a pause of 5 s"]);
//! assert_eq!(name(7)?, "\"Mora\"");
//! assert_eq!(name(7)?, "Mora", "the name is stored");
//! # Ok::<(), frontgate_sdk::Error>(())
//! ```
//!
//! | module | configured by | default |
//! |---|---|---|
//! | [`settings`](mod@crate::settings) | [`settings()`], [`secrets`] | no settings |
//! | [`http`](crate::http) | [`serve`], [`answers`], [`answer_with`]; read with [`requests`] | no host is granted |
//! | [`state`](mod@crate::state) | [`state()`] | an empty store |
//! | [`directory`](crate::directory) | [`customers`] | no customers |
//! | [`files`](mod@crate::files) | [`folder`] | the real file system |
//! | [`attachments`](crate::attachments) | [`files`] | no attachments |
//! | [`clock`](crate::clock) | [`now`], [`pass`] | midnight of 1 January 2026 (UTC) |
//! | [`signatures`](mod@crate::signatures) | [`signatures()`] | no key is bound |
//! | [`actions`](mod@crate::actions) | read with [`actions()`] | actions are granted |
//! | [`log`](crate::log) | read with [`logged`] | |
//!
//! # Threads
//!
//! The simulated gateway is kept in thread-locals:
//!
//! - Each `#[test]` runs in a thread of its own, so that tests do not see each other. No setup or cleanup is needed.
//! - A thread that a test starts has a gateway of its own, in its initial state.
//! - Tests that share a thread, as some test harnesses run them, call [`reset`] first.
#![cfg(not(target_family = "wasm"))]

mod http;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

pub use self::http::{Exchange, Server, answer_with, answers, expect, requests, serve};
pub use crate::host::native::signatures::Check;

use crate::Customer;
use crate::host::native::{self, clock, directory, log};

/// Restores the initial state: no settings, entries, log lines or customers.
///
/// ```
/// use frontgate_sdk::{settings, testing};
///
/// testing::settings([("crm", "https://crm.example.com")]);
/// testing::reset();
/// assert_eq!(settings::get("crm"), None);
/// ```
pub fn reset() {
    native::reset();
    http::reset();
}

/// Replaces all settings. Later calls run in a new instance, as after an operator's change.
///
/// ```
/// use frontgate_sdk::{settings, testing};
///
/// testing::settings([("customers", "customers.csv")]);
/// assert_eq!(settings::get("customers").as_deref(), Some("customers.csv"));
/// ```
pub fn settings<K: Into<String>, V: Into<String>>(settings: impl IntoIterator<Item = (K, V)>) {
    native::settings::set(pairs(settings));
}

/// Replaces all `secrets`, which are settings that must stay secret: a log line that contains one fails the test.
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
/// warn!("the CRM rejected the token {}", "made-up");
/// ```
pub fn secrets<K: Into<String>, V: Into<String>>(secrets: impl IntoIterator<Item = (K, V)>) {
    native::settings::set_secrets(pairs(secrets));
}

fn pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}

/// Replaces the customers in the tenant's CRM. A worker sees their own customers and those without an owner.
///
/// ```
/// use frontgate_sdk::{Customer, directory, testing};
///
/// testing::customers([Customer::new("7", "Mora Lind").sms("+12025550107")]);
/// assert_eq!(directory::get_customer("ana@example.org", "7")?.display_name, "Mora Lind");
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn customers(customers: impl IntoIterator<Item = Customer>) {
    directory::set(customers.into_iter().collect());
}

/// Replaces the attachments of the message that is being sent, by id.
///
/// ```
/// use frontgate_sdk::{attachments, testing};
///
/// testing::files([("fil_1", "a small text")]);
/// assert_eq!(attachments::read("fil_1", 1024)?, b"a small text");
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn files<I: Into<String>, B: Into<Vec<u8>>>(files: impl IntoIterator<Item = (I, B)>) {
    native::attachments::set(files.into_iter().map(|(id, bytes)| (id.into(), bytes.into())).collect());
}

/// Replaces the content of the granted folder, for [`files`](mod@crate::files). Without a call of this function, paths
/// lead to the real file system, so that a test can write a file and use its whole path.
///
/// ```
/// use frontgate_sdk::{files, testing};
///
/// testing::folder([("words.txt", "one\ntwo")]);
/// assert_eq!(files::read("words.txt")?.lines().count(), 2);
/// assert!(files::read("others.txt").is_err());
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn folder<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) {
    native::files::set(pairs(files));
}

/// Sets the time of [`clock`](crate::clock).
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use frontgate_sdk::{clock, testing};
///
/// testing::now(UNIX_EPOCH + Duration::from_secs(7));
/// assert_eq!(clock::seconds(), 7);
/// ```
pub fn now(time: SystemTime) {
    clock::set(time);
}

/// Advances the clock. Entries of [`state`](mod@crate::state) expire accordingly.
///
/// ```
/// use std::time::Duration;
///
/// use frontgate_sdk::{state, testing};
///
/// state::set("code", "1234", Duration::from_secs(60))?;
/// testing::pass(Duration::from_secs(60));
/// assert_eq!(state::get("code")?, None);
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn pass(time: Duration) {
    clock::advance(time);
}

/// Returns the actions that were accepted since the last call of this function, with the SIDs of their conversations.
///
/// ```
/// use frontgate_sdk::actions::{self, Action};
/// use frontgate_sdk::testing;
///
/// actions::transfer("CH0123456789abcdef0123456789abcdef", "ana@example.org", "ben@example.org")?;
/// let transfer = Action::Transfer("ana@example.org".to_owned(), "ben@example.org".to_owned());
/// assert_eq!(testing::actions(), [("CH0123456789abcdef0123456789abcdef".to_owned(), transfer)]);
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn actions() -> Vec<(String, crate::actions::Action)> {
    native::actions::take()
}

/// Sets the verifier of webhook signatures. Without one, no key is bound.
///
/// ```
/// use frontgate_sdk::{Error, signatures, testing};
///
/// let check = || signatures::hmac_sha256("pigeons", "Hello", "5bdc");
/// assert!(matches!(check(), Err(Error::Unavailable(_))));
/// testing::signatures(|check| check.signature == "5bdc");
/// assert_eq!(check(), Ok(true));
/// ```
pub fn signatures(is_valid: impl Fn(&Check<'_>) -> bool + 'static) {
    native::signatures::set(is_valid);
}

/// Deletes all entries of the store, and grants or denies it. Initially it is granted.
///
/// ```
/// use frontgate_sdk::state::{self, StateError};
/// use frontgate_sdk::testing;
///
/// testing::state(false);
/// assert_eq!(state::get("turn"), Err(StateError::NotGranted));
/// ```
pub fn state(is_granted: bool) {
    native::state::reset(is_granted);
}

/// Removes and returns the log lines, each prefixed with its level.
///
/// ```
/// use frontgate_sdk::{info, testing};
///
/// info!("{} customers", 59);
/// assert_eq!(testing::logged(), ["info: 59 customers"]);
/// assert!(testing::logged().is_empty());
/// ```
pub fn logged() -> Vec<String> {
    log::take()
}
