//! Imports messages into Front: from customers, and from agents who wrote outside Front.

use serde::Serialize;

use super::{Body, Call, Method, fields, json};
use crate::html::Html;
use crate::ids::segment;

/// A person on the provider's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Contact<'a> {
    /// Text that identifies the person. Front treats a phone number without `+` as American.
    pub handle: &'a str,
    /// The displayed name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// Lets Front find the contact of other channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
}

/// An agent who wrote outside Front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Writer<'a> {
    /// The displayed name.
    pub name: Option<&'a str>,
    /// `tea_...`, if the agent is a teammate.
    pub author_id: Option<&'a str>,
}

/// The content of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content<'a> {
    /// The gateway's id of the message, at most [`crate::ids::CHARS_MAX`] long.
    pub external_id: &'a str,
    /// The gateway's id of the conversation, with the same limit; it alone decides where Front files the message.
    pub external_conversation_id: &'a str,
    /// The gateway's id of the message that this one answers.
    pub referenced_message_external_id: Option<&'a str>,
    /// The subject.
    pub subject: Option<&'a str>,
    /// The body; a blank body is replaced by a word.
    pub body: &'a Html,
    /// Time of writing, in seconds since 1970.
    pub delivered_at: Option<u64>,
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<Contact<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a [Contact<'a>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    body: &'a str,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<u64>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    external_id: &'a str,
    external_conversation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    referenced_message_external_id: Option<&'a str>,
}

impl<'a> Message<'a> {
    fn new(content: &Content<'a>, files: usize) -> Self {
        Self {
            sender: None,
            to: None,
            sender_name: None,
            author_id: None,
            subject: content.subject,
            body: content.body.filled(files > 0),
            metadata: Metadata {
                external_id: content.external_id,
                external_conversation_id: content.external_conversation_id,
                referenced_message_external_id: content.referenced_message_external_id,
            },
            delivered_at: content.delivered_at,
        }
    }

    /// Returns a call with JSON, or with a form if the message has files. Success is 202.
    fn call(&self, channel_id: &str, kind: &str, files: usize) -> Call {
        let body = match files {
            0 => json(self),
            _ => Body::Form(fields::of(&serde_json::to_value(self).expect("texts, numbers and lists of them"))),
        };
        Call { method: Method::Post, path: format!("/channels/{}/{kind}", segment(channel_id)), body }
    }
}

/// Imports a message of a customer, with `files` files.
pub fn inbound(channel_id: &str, sender: Contact<'_>, content: &Content<'_>, files: usize) -> Call {
    let message = Message { sender: Some(sender), ..Message::new(content, files) };
    message.call(channel_id, "inbound_messages", files)
}

/// Imports a message of an agent to these customers, with `files` files.
pub fn outbound(channel_id: &str, to: &[Contact<'_>], by: Writer<'_>, content: &Content<'_>, files: usize) -> Call {
    let content = Message::new(content, files);
    let message = Message { to: Some(to), sender_name: by.name, author_id: by.author_id, ..content };
    message.call(channel_id, "outbound_messages", files)
}
