//! A message to send: what a teammate wrote, or what a rule answered by itself.

use std::borrow::Cow;

use serde_json::Value;

use super::people::{self, Author, Party, Recipient};
use super::{Attachment, Unreadable, attachments, shape};
use crate::{digest, text};

/// Our ids of one conversation. It has one, and one more for each that was merged into it.
pub const CONVERSATION_IDS_MAX: usize = 100;

/// Who caused a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A teammate, a macro, or a program through Front's own interface.
    Message,
    /// A rule that answers by itself. Front gives it neither an id nor an author.
    Autoreply,
}

impl Kind {
    /// As Front writes it.
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
    /// Who caused it.
    pub kind: Kind,
    /// `msg_...`.
    pub id: Option<String>,
    /// Front's other id of it.
    pub uid: Option<String>,
    /// `cnv_...`.
    pub front_conversation_id: Option<String>,
    /// `msg_...` of the message that this one answers.
    pub replied_to: Option<String>,
    /// The header of that name. Legacy channels had our id of the conversation in it.
    pub in_reply_to: Option<String>,
    /// Our ids of the conversation, the array's first: several after a merge, none where a teammate
    /// began it.
    pub conversation_ids: Vec<String>,
    /// Whom to send it to, each once.
    pub to: Vec<Party>,
    /// Everybody, in every role.
    pub recipients: Vec<Recipient>,
    /// Who wrote it.
    pub author: Option<Author>,
    /// Where it says something.
    pub subject: Option<String>,
    /// As plain text: Front's own, or else the body's. Empty where there are only files.
    pub text: String,
    /// As HTML: Front's body, or else the text as HTML, also where the body of the basic composer is plain text.
    /// Empty where there are only files.
    pub html: String,
    /// To be fetched.
    pub attachments: Vec<Attachment>,
    /// When it was written, in milliseconds since 1970.
    pub created_ms: Option<u64>,
    /// What makes it this message within its channel.
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

    /// The same whenever Front sends this message, however often and whatever else changed: 64
    /// hexadecimal digits of the channel and Front's id of the message; of an autoreply, of the channel,
    /// the message that it answers, and the text. Where those are missing, of the whole payload.
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

/// Text and HTML. Front writes a word of its own where a teammate sends files only: the customer is to
/// get the files without it.
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
    // The basic composer's body is the text itself, and no HTML.
    let html = match body.as_ref().filter(|body| body.trim() != plain.trim()) {
        Some(body) => body.to_string(),
        None => text::html(&plain),
    };
    (plain.into_owned(), html)
}

/// The set of our ids of a conversation: the array's, then the single one that is older.
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

/// Front counts seconds, with milliseconds behind the point.
fn created_ms(payload: &Value) -> Option<u64> {
    let seconds = shape::number(payload, "/created_at")?;
    Some((seconds * 1_000.0).round() as u64)
}
