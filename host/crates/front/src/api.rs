//! Describes calls to Front's Channel API by method, path and body. The caller adds the host and a fresh token, and
//! streams the files.

mod calls;
mod channels;
mod fields;
mod messages;
mod response;
mod templates;

pub use self::calls::{
    CallStatus, Direction, InitialStatus, Line, NewCall, RecordingKind, SpeakerType, StatusChange, add_recording,
    add_summary, add_transcript, create_call, update_call,
};
pub use self::channels::{Credentials, NewChannel, create_channel};
pub use self::fields::Field;
pub use self::messages::{Contact, Content, Writer, inbound, outbound};
pub use self::response::{Budget, Fate, Response, Scope};
pub use self::templates::{Template, TemplateStatus, Variable, VariableKind, patch_template, put_template};

use serde::Serialize;

use super::ids::segment;

/// Maximum bytes of one upload: the whole request, including the form around the files. Front documents 25 MB; since
/// files of 24 MB are accepted, Front means binary megabytes.
pub const UPLOAD_BYTES_MAX: u64 = 25 * 1024 * 1024;

/// Maximum characters of a reason, which a teammate sees.
pub(crate) const REASON_CHARS_MAX: usize = 500;

/// One call to Front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// HTTP method.
    pub method: Method,
    /// Escaped path, with its leading slash.
    pub path: String,
    /// The body.
    pub body: Body,
}

/// The HTTP method of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads an object.
    Get,
    /// Changes part of an object.
    Patch,
    /// Creates an object.
    Post,
    /// Sets a value.
    Put,
}

impl Method {
    /// Returns the name of the method.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// The body of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// No body.
    None,
    /// `application/json`.
    Json(Vec<u8>),
    /// `multipart/form-data`: these fields, and then the files, the first as [`file_field`] 0.
    Form(Vec<Field>),
}

/// Status of a channel, which Front shows to admins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelStatus {
    /// The channel works.
    Ok,
    /// The channel does not work: an admin must act.
    Offline,
}

#[derive(Serialize)]
struct Status<'a, S> {
    status: S,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Reports that an accepted message could not be delivered. Front marks the message, shows the reason, and reopens the
/// conversation. The gateway assigned both ids. Success is 204.
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

/// Sets the status of a channel. Success is 204.
pub fn channel_status(channel_id: &str, status: ChannelStatus) -> Call {
    let path = format!("/channels/{}", segment(channel_id));
    Call { method: Method::Patch, path, body: json(&Status { status, reason: None }) }
}

/// Downloads a file of a message by Front's ids, for a file without a URL. Success is 200 with the bytes, or a redirect
/// to storage, which must not get the token.
pub fn download(message_id: &str, attachment_id: &str) -> Call {
    let path = format!("/messages/{}/download/{}", segment(message_id), segment(attachment_id));
    Call { method: Method::Get, path, body: Body::None }
}

/// Returns the name of the field of the file at a position, counted from 0. Front accepts `attachments[]` and
/// `attachments` as well; the number keeps the order.
pub fn file_field(at: usize) -> String {
    format!("attachments[{at}]")
}

fn json<T: Serialize>(value: &T) -> Body {
    Body::Json(serde_json::to_vec(value).expect("texts, numbers and lists of them"))
}

#[cfg(test)]
mod tests;
