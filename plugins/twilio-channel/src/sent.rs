//! What Twilio has of a message already.

use std::collections::BTreeMap;

use frontgate_sdk::Result;
use frontgate_sdk::channel::{Fate, OutboundMessage, Receipt};
use serde::Deserialize;

use crate::mark::Mark;
use crate::settings::Channel;
use crate::twilio::{self, Refusal};
use crate::{conversation, parts};

/// How far back is looked. Between two attempts at a message, so many others do not come.
const PAGE: &str = "Order=desc&PageSize=50";

/// The parts of a message that are in a conversation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) conversation: String,
    /// `IM...` by the part's number.
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
    /// Nothing yet.
    pub(crate) fn nothing(conversation: &str) -> Self {
        Self { conversation: conversation.to_owned(), parts: BTreeMap::new() }
    }

    /// What is there, in the first of these conversations that has any of it.
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
                    // The oldest counts, should there be two: it is what was told first.
                    sent.parts.insert(mark.part, message.sid);
                }
            }
            if !sent.parts.is_empty() {
                return Ok(Some(sent));
            }
        }
        Ok(None)
    }

    /// The message is known by its first part.
    pub(crate) fn receipt(&self) -> Option<Receipt> {
        self.parts.get(&1).map(|first| Receipt::new(first, &self.conversation))
    }
}

/// What became of a message. One that is there in part counts as not sent: [`send`](crate::send::send) adds the
/// parts that are missing.
pub(crate) fn fate(channel: &Channel, message: &OutboundMessage) -> Result<Fate> {
    // What cannot be sent was not.
    let Ok(parts) = parts::of(message) else { return Ok(Fate::NotSent) };
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
    Ok(whole.and_then(|sent| sent.receipt()).map_or(Fate::NotSent, Fate::Sent))
}
