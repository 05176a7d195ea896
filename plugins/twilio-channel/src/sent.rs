//! Finds the parts of a message that Twilio already has.

use std::collections::BTreeMap;

use frontgate_sdk::Result;
use frontgate_sdk::channel::{OutboundMessage, SendReceipt, SendStatus};
use serde::Deserialize;

use crate::mark::Mark;
use crate::settings::Channel;
use crate::twilio::{self, Refusal};
use crate::{conversation, parts};

/// The query for the searched messages: fewer messages arrive between two attempts.
const PAGE: &str = "Order=desc&PageSize=50";

/// The parts of a message in a conversation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) conversation: String,
    /// The SIDs (`IM...`) by part number.
    pub(crate) parts: BTreeMap<usize, String>,
}

/// A message of a conversation.
#[derive(Deserialize)]
pub(crate) struct Message {
    pub(crate) sid: String,
    #[serde(default)]
    pub(crate) attributes: String,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Message>,
}

impl Sent {
    /// Creates an empty set of parts.
    pub(crate) fn nothing(conversation: &str) -> Self {
        Self { conversation: conversation.to_owned(), parts: BTreeMap::new() }
    }

    /// Returns the existing parts, from the first of these conversations that has any.
    pub(crate) fn find(channel: &Channel, conversations: &[&str], key: &str) -> Result<Option<Self>, Refusal> {
        for conversation in conversations {
            let page: Page = match twilio::get(&channel.url(&format!("Conversations/{conversation}/Messages?{PAGE}"))) {
                Ok(page) => page,
                Err(refusal) if refusal.is_not_found() => continue,
                Err(refusal) => return Err(refusal),
            };
            let mut sent = Self::nothing(conversation);
            for message in page.messages {
                if let Some(mark) = Mark::of(&message.attributes).filter(|mark| mark.key == key) {
                    // Of several copies, keep the oldest, which was reported first.
                    sent.parts.insert(mark.part, message.sid);
                }
            }
            if !sent.parts.is_empty() {
                return Ok(Some(sent));
            }
        }
        Ok(None)
    }

    /// Returns the receipt, if the first part exists. The first part identifies the message.
    pub(crate) fn receipt(&self) -> Option<SendReceipt> {
        self.parts.get(&1).map(|first| SendReceipt::new(first, &self.conversation))
    }
}

/// Returns the status of a message. A partly sent message is not sent: [`send`](crate::send::send) adds the missing
/// parts.
pub(crate) fn check(channel: &Channel, message: &OutboundMessage) -> Result<SendStatus> {
    // An invalid message was never sent.
    let Ok(parts) = parts::of(message) else { return Ok(SendStatus::NotSent) };
    let known = conversation::named(message);
    let found = match known.as_slice() {
        [] => {
            let made = conversation::existing(channel, message)?;
            let made: Vec<_> = made.iter().map(String::as_str).collect();
            Sent::find(channel, &made, &message.idempotency_key)?
        }
        known => Sent::find(channel, known, &message.idempotency_key)?,
    };
    let whole = found.filter(|sent| sent.parts.len() == parts.len());
    Ok(whole.and_then(|sent| sent.receipt()).map_or(SendStatus::NotSent, SendStatus::Sent))
}
