//! WhatsApp's window: for 24 hours after a customer's message, any message can be sent; otherwise only templates.

use std::time::Duration;

use frontgate_sdk::{Error, Result, clock};

use crate::memory;

/// The length of the window, in seconds.
const WINDOW: u64 = 24 * 60 * 60;

/// The length of the window after a message from an advertisement, in seconds. [?] Meta documents it as the time of free
/// messages; the plugin rejects nothing within it.
const WINDOW_OF_ADVERTISEMENT: u64 = 72 * 60 * 60;

/// The time for which a customer is remembered. Afterwards, Meta decides.
const REMEMBERED: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Read by teammates.
const CLOSED: &str = "The customer has not written for 24 hours, so WhatsApp accepts only approved templates until they \
                      write again. Send one of the channel's templates, with its text unchanged.";

fn key(number: &str, customer: &str) -> String {
    format!("window/{number}/{customer}")
}

/// Remembers that a customer wrote at a time, in seconds since 1970.
pub(crate) fn opened(number: &str, customer: &str, at: u64, is_from_advertisement: bool) -> Result<()> {
    let length = if is_from_advertisement { WINDOW_OF_ADVERTISEMENT } else { WINDOW };
    let (key, until) = (key(number, customer), at.saturating_add(length));
    // A repeated webhook can be older than the last one.
    if memory::recall::<u64>(&key)?.is_some_and(|known| known >= until) {
        return Ok(());
    }
    memory::remember(&key, &until, REMEMBERED)
}

/// Fails if the window is known to be closed.
pub(crate) fn check(number: &str, customer: &str) -> Result<()> {
    match memory::recall::<u64>(&key(number, customer))? {
        Some(until) if until <= clock::seconds() => Err(Error::invalid(CLOSED)),
        _ => Ok(()),
    }
}
