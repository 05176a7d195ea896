//! What Front asks of a channel: the JSON of a request becomes a typed question.
//!
//! Every field of a payload may be missing, or be of another type than expected: what is asked for is
//! taken where it is, and nothing else is looked at. Only what a question cannot be answered without is
//! demanded.

mod attachments;
mod management;
mod message;
mod people;
mod shape;

use serde_json::Value;

pub use self::attachments::{ATTACHMENTS_MAX, Attachment, FILENAME_CHARS_MAX};
pub use self::management::{Authorization, Delete, Imported, ListAddresses};
pub use self::message::{CONVERSATION_IDS_MAX, Kind, Message};
pub use self::people::{Author, Party, RECIPIENTS_MAX, Recipient};
use super::signature::{Content, Verified};

/// Letters of a type that nobody knows, as it is logged.
const TYPE_CHARS_MAX: usize = 64;

/// A request, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// What is asked.
    pub question: Question,
    /// The whole body with all that nobody here knows, to be kept; null where there was none.
    pub raw: Value,
}

/// What Front asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// `authorization`: an admin connects a channel.
    Authorization(Authorization),
    /// `list_addresses`: which accounts of the provider could be connected.
    ListAddresses(ListAddresses),
    /// `message` or `message_autoreply`: something to send.
    Message(Box<Message>),
    /// `message_imported`: what we told Front is now a message of its own.
    Imported(Imported),
    /// `delete`: the channel is removed.
    Delete(Delete),
    /// A type that nobody here knows: its name, in one short line.
    Unknown(String),
}

impl Question {
    /// The type as Front writes it.
    pub fn name(&self) -> &str {
        match self {
            Self::Authorization(_) => "authorization",
            Self::ListAddresses(_) => "list_addresses",
            Self::Message(message) => message.kind.name(),
            Self::Imported(_) => "message_imported",
            Self::Delete(_) => "delete",
            Self::Unknown(name) => name,
        }
    }
}

/// Why a request that Front signed cannot be worked with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Where the JSON ends to be one. Never what stands there.
    #[error("the body is no JSON (line {line}, column {column})")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// A field without which the question has no answer.
    #[error("the body has no {0}")]
    Missing(&'static str),
    /// More than we hand to a plugin, and leaving some out would be silent.
    #[error("the message has more than {max} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// Nothing but `delete` comes as a DELETE.
    #[error("a DELETE whose type is not delete")]
    NotDelete,
}

/// Reads what Front signed.
pub fn decode(request: &Verified<'_>) -> Result<Decoded, Unreadable> {
    match request.content() {
        Content::AddressOnly => Ok(Decoded { question: Question::Delete(Delete::default()), raw: Value::Null }),
        Content::Body(body) if request.is_delete() => deletion(body),
        Content::Body(body) => decode_kept(body),
    }
}

/// Reads the body of a POST that was verified before it was kept.
pub fn decode_kept(body: &[u8]) -> Result<Decoded, Unreadable> {
    let raw: Value = serde_json::from_slice(body)
        .map_err(|error| Unreadable::NotJson { line: error.line(), column: error.column() })?;
    let name = raw.get("type").and_then(Value::as_str).ok_or(Unreadable::Missing("type"))?;
    let question = match name {
        "authorization" => Question::Authorization(Authorization::read(&raw)?),
        "list_addresses" => Question::ListAddresses(ListAddresses::read(&raw)),
        "message" => Question::Message(Box::new(Message::read(&raw, Kind::Message)?)),
        "message_autoreply" => Question::Message(Box::new(Message::read(&raw, Kind::Autoreply)?)),
        "message_imported" => Question::Imported(Imported::read(&raw)),
        "delete" => Question::Delete(Delete::read(&raw)),
        other => Question::Unknown(shape::line(other, TYPE_CHARS_MAX)),
    };
    Ok(Decoded { question, raw })
}

/// The method says it all: the body may be missing or say nothing, but not something else.
fn deletion(body: &[u8]) -> Result<Decoded, Unreadable> {
    let raw: Value = serde_json::from_slice(body).unwrap_or_default();
    match raw.get("type").and_then(Value::as_str) {
        None | Some("delete") => Ok(Decoded { question: Question::Delete(Delete::read(&raw)), raw }),
        Some(_) => Err(Unreadable::NotDelete),
    }
}

#[cfg(test)]
mod tests;
