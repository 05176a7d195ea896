//! WhatsApp's window: for 24 hours after a customer's message, any message can be sent; otherwise only templates.

use std::time::{SystemTime, UNIX_EPOCH};

use frontgate_sdk::{Error, Result};
use serde::Deserialize;

use crate::number::Kind;
use crate::settings::Channel;
use crate::time;
use crate::twilio::{self, Refusal};

/// The length of the window, in seconds.
const WINDOW: u64 = 24 * 60 * 60;

/// The query for the newest messages.
const PAGE: &str = "Order=desc&PageSize=50";

/// The maximum number of pages. A conversation with more messages after the customer's last one is left to Twilio.
const PAGES_MAX: usize = 10;

/// Read by teammates.
const CLOSED: &str = "The customer has not written for 24 hours, so WhatsApp accepts only approved templates until they \
                      write again. Send one of the channel's templates, with its text unchanged.";

#[derive(Deserialize)]
struct Page {
    messages: Vec<Written>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    next_page_url: Option<String>,
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    date_created: Option<String>,
}

/// Returns whether messages of this channel depend on the window.
pub(crate) fn applies(channel: &Channel) -> bool {
    Kind::of(&channel.number) == Kind::Whatsapp
}

/// Returns the error for a message outside the window.
pub(crate) fn closed() -> Error {
    Error::invalid(CLOSED)
}

/// Returns whether a time, as Twilio writes it, is within the window. An unknown time is.
pub(crate) fn includes(written: Option<&str>) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    written.and_then(time::seconds).is_none_or(|at| at.saturating_add(WINDOW) > now)
}

/// Returns whether a customer wrote in this conversation within the window.
pub(crate) fn is_open(channel: &Channel, conversation: &str) -> Result<bool, Refusal> {
    let mut next = Some(channel.url(&format!("Conversations/{conversation}/Messages?{PAGE}")));
    for _ in 0..PAGES_MAX {
        let Some(url) = next else { return Ok(false) };
        let page: Page = match twilio::get(&url) {
            Ok(page) => page,
            Err(refusal) if refusal.is_not_found() => return Ok(false),
            Err(refusal) => return Err(refusal),
        };
        for message in page.messages {
            if !includes(message.date_created.as_deref()) {
                return Ok(false);
            }
            if message.author.is_some_and(|author| author != channel.number && Kind::of(&author) == Kind::Whatsapp) {
                return Ok(true);
            }
        }
        next = page.meta.next_page_url;
    }
    Ok(true)
}
