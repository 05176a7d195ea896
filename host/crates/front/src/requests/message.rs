//! A message to send: written by a teammate, or an automatic answer of a rule.

use std::borrow::Cow;

use serde_json::Value;

use super::people::{self, Author, Party, Recipient};
use super::{Attachment, Unreadable, attachments, shape};
use crate::{digest, text};

/// Maximum number of the gateway's ids of one conversation. Each merge adds the ids of the merged conversation.
pub const CONVERSATION_IDS_MAX: usize = 100;

/// The origin of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Written by a teammate, a macro, or a program through Front's API.
    Message,
    /// An automatic answer of a rule, without an id or an author.
    Autoreply,
}

impl Kind {
    /// Returns Front's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Autoreply => "message_autoreply",
        }
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The origin of the message.
    pub kind: Kind,
    /// Front's id, `msg_...`.
    pub id: Option<String>,
    /// Front's `message_uid`.
    pub uid: Option<String>,
    /// Front's id of the conversation, `cnv_...`.
    pub front_conversation_id: Option<String>,
    /// `msg_...` of the message that this one answers.
    pub replied_to: Option<String>,
    /// The `In-Reply-To` header: the gateway's id of a message, or in legacy channels of the conversation.
    pub in_reply_to: Option<String>,
    /// The gateway's ids of the conversation: several after a merge, empty if a teammate started the conversation.
    pub conversation_ids: Vec<String>,
    /// The recipients of the message, without duplicates.
    pub to: Vec<Party>,
    /// All recipients, in every role.
    pub recipients: Vec<Recipient>,
    /// The author, if known.
    pub author: Option<Author>,
    /// The subject, if not blank.
    pub subject: Option<String>,
    /// Plain text: Front's own, or else the text of the body. Empty if the message has only files.
    pub text: String,
    /// HTML: Front's body, or the text as HTML if the body is missing or plain text, as from the basic composer. Empty
    /// if the message has only files.
    pub html: String,
    /// Files to download.
    pub attachments: Vec<Attachment>,
    /// Time of writing, in milliseconds since 1970.
    pub created_ms: Option<u64>,
    /// Identity of the message within its channel.
    identity: String,
}

impl Message {
    pub(super) fn read(raw: &Value, kind: Kind) -> Result<Self, Unreadable> {
        let payload = raw.get("payload").unwrap_or(&Value::Null);
        let recipients = people::recipients(payload)?;
        let attachments = attachments::read(payload)?;
        let (text, html) = bodies(payload, !attachments.is_empty());
        let id = shape::word(payload, "/id");
        let replied_to = shape::linked(payload, "/_links/related/message_replied_to");
        Ok(Self {
            identity: identity(kind, id.as_deref(), replied_to.as_deref(), &text, payload),
            kind,
            id,
            uid: shape::word(payload, "/message_uid"),
            front_conversation_id: shape::linked(payload, "/_links/related/conversation"),
            replied_to,
            in_reply_to: shape::word(payload, "/metadata/headers/in_reply_to"),
            conversation_ids: conversation_ids(raw),
            to: people::addressees(&recipients),
            recipients,
            author: people::author(payload, kind),
            subject: shape::word(payload, "/subject"),
            text,
            html,
            attachments,
            created_ms: created_ms(payload),
        })
    }

    /// Returns the key, 64 hexadecimal digits, by which the message is sent only once even if Front repeats it.
    ///
    /// The digest covers the channel and
    /// - Front's id of the message,
    /// - for an autoreply, the message that it answers and the text,
    /// - if those are missing, the whole payload.
    pub fn idempotency_key(&self, channel_id: &str) -> String {
        digest::of([channel_id.as_bytes(), self.identity.as_bytes()])
    }
}

fn identity(kind: Kind, id: Option<&str>, replied_to: Option<&str>, text: &str, payload: &Value) -> String {
    let of = |parts: [&str; 3]| {
        let [by, one, other] = parts.map(str::as_bytes);
        digest::of([kind.name().as_bytes(), by, one, other])
    };
    match (kind, id, replied_to) {
        (_, Some(id), _) => of(["id", id, ""]),
        (Kind::Autoreply, None, Some(replied_to)) => of(["answer", replied_to, text]),
        _ => of(["payload", &payload.to_string(), ""]),
    }
}

/// Returns text and HTML. The word that Front adds to a message with only files is removed.
fn bodies(payload: &Value, has_files: bool) -> (String, String) {
    let said = |pointer| shape::text(payload, pointer).filter(|text| !text.trim().is_empty());
    let (text, body) = (said("/text"), said("/body"));
    let plain = match (&text, &body) {
        (Some(text), _) => Cow::Borrowed(text.as_ref()),
        (None, Some(body)) => text::plain(body),
        (None, None) => Cow::Borrowed(""),
    };
    if has_files && plain.trim() == text::FILES_ONLY {
        return (String::new(), String::new());
    }
    // The basic composer's body is the plain text itself.
    let html = match body.as_ref().filter(|body| body.trim() != plain.trim()) {
        Some(body) => body.to_string(),
        None => text::html(&plain),
    };
    (plain.into_owned(), html)
}

/// Returns the gateway's ids of a conversation: first the array of ids, then the older single id.
pub(super) fn conversation_ids(raw: &Value) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for pointer in ["/metadata/external_conversation_ids", "/metadata/external_conversation_id"] {
        for id in shape::list(raw, pointer).iter().filter_map(|value| shape::word(value, "")) {
            if ids.len() < CONVERSATION_IDS_MAX && !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    ids
}

/// Returns the time in milliseconds; Front sends seconds with a fraction.
fn created_ms(payload: &Value) -> Option<u64> {
    let seconds = shape::number(payload, "/created_at")?;
    Some((seconds * 1_000.0).round() as u64)
}
