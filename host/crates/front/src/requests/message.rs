//! A message to send: written by a teammate, or an automatic answer of a rule.

use std::borrow::Cow;

use serde_json::Value;

use super::people::{self, Author, Party, Recipient};
use super::{Attachment, Unreadable, attachments, shape};
use crate::{digest, text};

/// Limit of our ids of one conversation. It has one, and one more for each conversation that was merged into it.
pub const CONVERSATION_IDS_MAX: usize = 100;

/// The origin of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A teammate, a macro, or a program through Front's API.
    Message,
    /// An automatic answer of a rule. Front gives it neither an id nor an author.
    Autoreply,
}

impl Kind {
    /// Front's name of the type.
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
    /// Its origin.
    pub kind: Kind,
    /// `msg_...`.
    pub id: Option<String>,
    /// Front's `message_uid`.
    pub uid: Option<String>,
    /// `cnv_...`.
    pub front_conversation_id: Option<String>,
    /// `msg_...` of the message that this one answers.
    pub replied_to: Option<String>,
    /// The `In-Reply-To` header. Legacy channels had our id of the conversation in it.
    pub in_reply_to: Option<String>,
    /// Our ids of the conversation, those of the array first: several after a merge, none if a teammate started it.
    pub conversation_ids: Vec<String>,
    /// The recipients to send it to, each once.
    pub to: Vec<Party>,
    /// All recipients, in every role.
    pub recipients: Vec<Recipient>,
    /// The author.
    pub author: Option<Author>,
    /// The subject, if not blank.
    pub subject: Option<String>,
    /// Plain text: Front's own, or else the text of the body. Empty for files only.
    pub text: String,
    /// HTML: Front's body, or else the text as HTML, also if the basic composer sent plain text as the body. Empty for
    /// files only.
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
            author: people::author(payload),
            subject: shape::word(payload, "/subject"),
            text,
            html,
            attachments,
            created_ms: created_ms(payload),
        })
    }

    /// The key under which the message is sent once, however often Front sends it: 64 hexadecimal digits.
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

/// Returns text and HTML. For a message with files only, Front adds a word of its own, which is removed.
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

/// Our ids of a conversation: those of the array, then the older single one.
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

/// Front sends seconds with a fraction.
fn created_ms(payload: &Value) -> Option<u64> {
    let seconds = shape::number(payload, "/created_at")?;
    Some((seconds * 1_000.0).round() as u64)
}
