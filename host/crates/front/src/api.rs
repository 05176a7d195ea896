//! Calls to Front's Channel API, as descriptions: which method, which path, which body. Who makes them
//! adds the host and a fresh token, and streams the files.

mod fields;
mod messages;
mod response;

pub use self::fields::Field;
pub use self::messages::{Contact, Content, Writer, inbound, outbound};
pub use self::response::{Budget, Fate, RETRY_AFTER_MS_MAX, Response, Scope};

use serde::Serialize;

use super::ids::segment;

/// What Front takes as one upload: the whole request, with the form around the files. Front says
/// 25 MB; that it takes files of 24 MB whole means that it counts in binary.
pub const UPLOAD_BYTES_MAX: u64 = 25 * 1024 * 1024;

/// Characters of a reason that a teammate gets to see.
pub const REASON_CHARS_MAX: usize = 500;

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Of HTTP.
    pub method: Method,
    /// Escaped, with its first slash.
    pub path: String,
    /// What to send with it.
    pub body: Body,
}

/// How Front is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Changes part of what there is.
    Patch,
    /// Adds.
    Post,
    /// Sets.
    Put,
}

impl Method {
    /// As it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// What a call sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    None,
    /// `application/json`.
    Json(Vec<u8>),
    /// `multipart/form-data`: these fields, and then the files, the first as [`file_field`] 0.
    Form(Vec<Field>),
}

/// How a channel stands, as Front shows it to admins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelStatus {
    /// It works.
    Ok,
    /// It does not: an admin has to look after it.
    Offline,
}

#[derive(Serialize)]
struct Status<'a, S> {
    status: S,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Says that a message which was answered with success is not delivered after all. Front marks it,
/// shows the reason, and opens its conversation again. Both ids are ours. Success is 204.
pub fn failed(channel_id: &str, conversation_id: &str, message_id: &str, reason: &str) -> Call {
    let path = format!(
        "/channels/{}/conversations/{}/messages/{}/status",
        segment(channel_id),
        segment(conversation_id),
        segment(message_id)
    );
    let reason: String = reason.trim().chars().take(REASON_CHARS_MAX).collect();
    let reason = (!reason.is_empty()).then_some(reason.as_str());
    Call { method: Method::Put, path, body: json(&Status { status: "failed", reason }) }
}

/// Says how a channel stands. Success is 204.
pub fn channel_status(channel_id: &str, status: ChannelStatus) -> Call {
    let path = format!("/channels/{}", segment(channel_id));
    Call { method: Method::Patch, path, body: json(&Status { status, reason: None }) }
}

/// Fetches a file of a message by Front's ids, where the message names no address for it. Success is
/// 200 with the bytes, or a redirect to storage that must not be shown the token.
pub fn download(message_id: &str, attachment_id: &str) -> Call {
    let path = format!("/messages/{}/download/{}", segment(message_id), segment(attachment_id));
    Call { method: Method::Get, path, body: Body::None }
}

/// The form's name for a file, counted from 0. `attachments[]` and the bare word are in use as well;
/// with the number, their order cannot be lost.
pub fn file_field(at: usize) -> String {
    format!("attachments[{at}]")
}

fn json<T: Serialize>(value: &T) -> Body {
    Body::Json(serde_json::to_vec(value).expect("texts, numbers and lists of them"))
}

#[cfg(test)]
mod tests;
