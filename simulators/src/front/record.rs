//! What happened: requests that came, and requests that went to the channel server.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::front::fault::{Action, Call};

/// Whose token a request had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// None.
    Missing,
    /// Some that is not accepted, and why.
    Wrong(String),
    /// That of a channel.
    Channel {
        /// `cha_...`, the token's `sub`.
        channel: String,
        /// The token's own id.
        jti: String,
    },
}

/// A file that came with a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// `attachments`, `attachments[]` or `attachments[0]`.
    pub field: String,
    /// Its name.
    pub filename: String,
    /// Its type.
    pub content_type: String,
    /// Its bytes.
    pub size: usize,
    /// Their SHA-256.
    pub digest: String,
}

/// A request to the API or to the storage, as it came and what became of it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Since the start of the double.
    pub at: Duration,
    /// Which connection it came over; requests of one connection have the same number.
    pub connection: u64,
    /// `GET`, `POST`, `PUT`, `PATCH`, ...
    pub method: String,
    /// As sent, with its percent signs and without its query.
    pub path: String,
    /// What it asks for.
    pub call: Call,
    /// The channel in its path, by its id.
    pub channel: Option<String>,
    /// Whose token it had.
    pub authorization: Authorization,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// Bytes of the body that were read.
    pub size: usize,
    /// The fields, whether they came as JSON or as a form; null where they were not read.
    pub body: Value,
    /// The files of a form.
    pub files: Vec<File>,
    /// The fault that hit it.
    pub fault: Option<Action>,
    /// What was answered; none where the connection was cut, or the caller left before.
    pub status: Option<u16>,
    /// The answer's JSON; null where it had none.
    pub answer: Value,
    /// Whether it was carried out with success, whatever was answered.
    pub acted: bool,
}

impl Recorded {
    /// `metadata.external_id`.
    pub fn external_id(&self) -> Option<&str> {
        self.body["metadata"]["external_id"].as_str()
    }

    /// The id of its token.
    pub fn jti(&self) -> Option<&str> {
        match &self.authorization {
            Authorization::Channel { jti, .. } => Some(jti),
            Authorization::Missing | Authorization::Wrong(_) => None,
        }
    }
}

impl fmt::Display for Recorded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.as_millis();
        let status = self.status.map_or_else(|| "cut".to_owned(), |status| status.to_string());
        write!(formatter, "{at:>6} ms  {} {} {}", self.method, self.path, self.body)?;
        for file in &self.files {
            write!(formatter, " [{} {} {}]", file.filename, file.content_type, file.size)?;
        }
        write!(formatter, " -> {status} {}{}", self.answer, if self.acted { ", acted" } else { "" })?;
        self.fault.as_ref().map_or(Ok(()), |fault| write!(formatter, ", {fault:?}"))
    }
}

/// One request to the channel server.
#[derive(Debug, Clone)]
pub struct Fired {
    /// When it was sent, since the start of the double.
    pub at: Duration,
    /// The `type` in its body, or what the body would have said.
    pub kind: String,
    /// `POST` or `DELETE`.
    pub method: &'static str,
    /// Where it was sent.
    pub url: String,
    /// The channel that it is about.
    pub channel: Option<String>,
    /// `msg_...` of the message that it is about, also where the body does not have it.
    pub message: Option<String>,
    /// The very bytes; none where there was no body.
    pub body: Option<String>,
    /// `X-Front-Request-Timestamp`.
    pub timestamp: String,
    /// `X-Front-Signature`.
    pub signature: String,
    /// The token that the admin typed, without `Bearer`.
    pub token: Option<String>,
    /// None where no answer came in time.
    pub status: Option<u16>,
    /// The answer's body.
    pub answer: String,
    /// Until the answer, or until Front gave up.
    pub elapsed: Duration,
    /// Whether nobody was there, or the connection ended without an answer.
    pub unreachable: bool,
    /// Whether the deadline passed before the answer was there.
    pub late: bool,
    /// Why the answer is not what Front asks for; none where it is.
    pub error: Option<String>,
}

impl Fired {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        self.body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
    }

    /// The answer as JSON, null where it is none.
    pub fn answered(&self) -> Value {
        serde_json::from_str(&self.answer).unwrap_or_default()
    }
}

impl fmt::Display for Fired {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match (self.status, self.late) {
            (Some(status), _) => status.to_string(),
            (None, true) => "late".to_owned(),
            (None, false) => "unreachable".to_owned(),
        };
        let (at, elapsed, body) = (self.at.as_millis(), self.elapsed.as_millis(), self.body.as_deref());
        let answer = &self.answer;
        write!(formatter, "{at:>6} ms  {} {} {}", self.method, self.url, body.unwrap_or("(no body)"))?;
        write!(formatter, " -> {outcome} {answer:?} after {elapsed} ms")?;
        self.error.as_ref().map_or(Ok(()), |error| write!(formatter, ", {error}"))
    }
}

/// Why a channel was not connected, or its addresses not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The answer's; none where there was no answer in time.
    pub status: Option<u16>,
    /// The server's `message`, or what is wrong with its answer.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        write!(formatter, "refused with {status}: {}", self.message)
    }
}

/// An id of the channel server that stands for two messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// `cha_...`
    pub channel: String,
    /// The id that came twice.
    pub external_id: String,
    /// `msg_...` of the message that had it.
    pub first: String,
    /// `msg_...` of the one that was made all the same; none where Front was told to make none.
    pub second: Option<String>,
}
