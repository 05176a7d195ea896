//! Decodes Front's requests to a channel.
//!
//! Every field of a payload may be missing or have an unexpected type. Only fields that are used are read, and a field
//! is required only if a request cannot be answered without it.

mod attachments;
mod management;
mod message;
mod people;
mod shape;

use serde_json::Value;

pub use self::attachments::{ATTACHMENTS_MAX, Attachment, FILENAME_CHARS_MAX};
pub use self::management::{Authorization, Delete, Imported, ListAddresses};
pub use self::message::{CONVERSATION_IDS_MAX, Kind, Message};
pub use self::people::{Author, AuthorKind, Party, RECIPIENTS_MAX, Recipient};
use super::signature::{Content, Verified};

/// Maximum characters of an unknown type that are kept.
const TYPE_CHARS_MAX: usize = 64;

/// A decoded request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The request.
    pub request: ChannelRequest,
    /// The whole body, with unknown fields, to be stored; null without a body.
    pub raw: Value,
}

/// A request of Front.
#[derive(Debug, Clone, PartialEq)]
pub enum ChannelRequest {
    /// `authorization`: an admin connects a channel.
    Authorization(Authorization),
    /// `list_addresses`: lists the accounts of the provider that can be connected.
    ListAddresses(ListAddresses),
    /// `message` or `message_autoreply`: a message to send.
    Message(Box<Message>),
    /// `message_imported`: Front has imported a message.
    Imported(Imported),
    /// `delete`: the channel is removed.
    Delete(Delete),
    /// An unknown type: its name, in one short line.
    Unknown(String),
}

impl ChannelRequest {
    /// Returns Front's name of the type.
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

/// The reason why a signed request is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The body is not JSON. The error has only the position, since the content may be private.
    #[error("the body is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
    },
    /// A required field is missing.
    #[error("the body has no {0}")]
    Missing(&'static str),
    /// The message has more items than a plugin may get; leaving some out would lose them silently.
    #[error("the message has more than {max} {what}")]
    TooMany {
        /// Name of the items.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// A DELETE of another type than `delete`.
    #[error("a DELETE whose type is not delete")]
    NotDelete,
}

/// Decodes a verified request.
pub fn decode(request: &Verified<'_>) -> Result<Decoded, Unreadable> {
    match request.content() {
        Content::AddressOnly => Ok(Decoded { request: ChannelRequest::Delete(Delete::default()), raw: Value::Null }),
        Content::Body(body) if request.is_delete() => deletion(body),
        Content::Body(body) => decode_stored(body),
    }
}

/// Decodes the body of a POST that was verified before it was stored.
pub fn decode_stored(body: &[u8]) -> Result<Decoded, Unreadable> {
    let raw: Value = serde_json::from_slice(body)
        .map_err(|error| Unreadable::NotJson { line: error.line(), column: error.column() })?;
    let name = raw.get("type").and_then(Value::as_str).ok_or(Unreadable::Missing("type"))?;
    let request = match name {
        "authorization" => ChannelRequest::Authorization(Authorization::read(&raw)?),
        "list_addresses" => ChannelRequest::ListAddresses(ListAddresses::read(&raw)),
        "message" => ChannelRequest::Message(Box::new(Message::read(&raw, Kind::Message)?)),
        "message_autoreply" => ChannelRequest::Message(Box::new(Message::read(&raw, Kind::Autoreply)?)),
        "message_imported" => ChannelRequest::Imported(Imported::read(&raw)),
        "delete" => ChannelRequest::Delete(Delete::read(&raw)),
        other => ChannelRequest::Unknown(shape::line(other, TYPE_CHARS_MAX)),
    };
    Ok(Decoded { request, raw })
}

/// Decodes a DELETE. The body may be missing or have no type, but must not have another type.
fn deletion(body: &[u8]) -> Result<Decoded, Unreadable> {
    let raw: Value = serde_json::from_slice(body).unwrap_or_default();
    match raw.get("type").and_then(Value::as_str) {
        None | Some("delete") => Ok(Decoded { request: ChannelRequest::Delete(Delete::read(&raw)), raw }),
        Some(_) => Err(Unreadable::NotDelete),
    }
}

#[cfg(test)]
mod tests;
