//! What Front keeps: channels, contacts, conversations, and what was said.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::body::Bytes;

/// A channel that an admin connected.
#[derive(Debug, Clone)]
pub struct Channel {
    /// `cha_...`
    pub id: String,
    /// The customer-facing address; also an alias of the id in paths.
    pub address: String,
    /// The app's server, which was asked to connect it.
    pub server_url: String,
    /// Where everything after that goes.
    pub webhook_url: String,
    /// What the admin typed as the server's token.
    pub token: Option<String>,
    /// Whether it is there: connected, and not removed since.
    pub is_connected: bool,
    /// What it says of itself; `true` at first.
    pub is_online: bool,
}

/// Somebody who writes, known by handles.
#[derive(Debug, Clone)]
pub struct Contact {
    /// `crd_...`
    pub id: String,
    /// The last name that came with a message.
    pub name: Option<String>,
    /// Numbers, or whatever else the channels call the contact.
    pub handles: Vec<String>,
    /// What joins handles of several channels.
    pub email: Option<String>,
}

/// A conversation of one channel.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// `cnv_...`
    pub id: String,
    /// `cha_...`
    pub channel: String,
    /// All ids of the channel server that lead here; several after a merge, none in a new conversation.
    pub external_ids: Vec<String>,
    /// In the order in which they were sent, or their import accepted.
    pub messages: Vec<Message>,
    /// Archived by a teammate's answer, reopened by a customer's message or a failure.
    pub is_open: bool,
    pub(crate) subject: String,
}

impl Conversation {
    /// The texts in it, oldest first.
    pub fn texts(&self) -> Vec<&str> {
        self.messages.iter().map(|message| message.text.as_str()).collect()
    }

    /// Whom a reply goes to: whoever wrote last, or whom the last message went to.
    pub(crate) fn handles(&self) -> Vec<String> {
        let Some(last) = self.messages.last() else { return Vec::new() };
        let role = if last.is_inbound { "from" } else { "to" };
        let handles = last.recipients.iter().filter(|recipient| recipient.role == role);
        handles.map(|recipient| recipient.handle.clone()).collect()
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageState {
    /// Sent, and not answered yet.
    Sending,
    /// Answered as Front asks.
    Sent,
    /// The teammate was shown that the channel's servers are unresponsive; why.
    Unresponsive(String),
    /// Said to have failed after it was sent; the reason, where one was given.
    Failed(Option<String>),
    /// An import that was accepted, and cannot be read yet.
    Accepted,
    /// An import that is there.
    Imported,
}

/// A message.
#[derive(Debug, Clone)]
pub struct Message {
    /// `msg_...`; autoreplies have one here though not on the wire.
    pub id: String,
    /// What an import is found by before its id is known.
    pub uid: String,
    /// Whether a customer wrote it.
    pub is_inbound: bool,
    /// Whether a rule wrote it.
    pub is_autoreply: bool,
    /// The channel server's id of it.
    pub external_id: Option<String>,
    /// Perhaps HTML.
    pub body: String,
    /// Without HTML.
    pub text: String,
    /// Who wrote it; none for customers, rules and imports.
    pub author: Option<Author>,
    /// From whom, and to whom.
    pub recipients: Vec<Recipient>,
    /// In their order.
    pub attachments: Vec<Attachment>,
    /// What became of it.
    pub state: MessageState,
    /// The external id of the message that it says to answer.
    pub referenced: Option<String>,
    pub(crate) subject: String,
    pub(crate) replied_to: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) created_at: u64,
}

impl Message {
    /// As Front has it on the wire, it is in seconds.
    pub fn created(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.created_at)
    }

    /// Whom it goes to.
    pub fn to(&self) -> Vec<&str> {
        let to = self.recipients.iter().filter(|recipient| recipient.role == "to");
        to.map(|recipient| recipient.handle.as_str()).collect()
    }

    pub(crate) fn is_readable(&self) -> bool {
        self.state != MessageState::Accepted
    }
}

/// A teammate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// `tea_...`
    pub id: String,
    /// Their address.
    pub email: String,
}

/// From whom a message is, or to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The handle, or a teammate's email.
    pub handle: String,
    /// Where it is known.
    pub name: Option<String>,
    /// `from`, `to`, `cc`, `bcc` or `reply-to`.
    pub role: String,
    /// `crd_...`
    pub contact: Option<String>,
}

/// A file of a message.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// `fil_...`
    pub id: String,
    /// Its name.
    pub filename: String,
    /// Its type.
    pub content_type: String,
    /// Its bytes.
    pub size: usize,
    /// Their SHA-256.
    pub digest: String,
    /// Not kept for imports.
    pub(crate) content: Option<Bytes>,
}
