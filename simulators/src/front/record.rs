//! Records of requests to Front and of requests to the channel server.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::front::fault::{Action, Call};

/// The token of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// The request has no token.
    Missing,
    /// The token was rejected for this reason.
    Wrong(String),
    /// The token belongs to a channel.
    Channel {
        /// `cha_...`, the token's `sub`.
        channel: String,
        /// The id of the token.
        jti: String,
    },
    /// The token is the company's API token.
    Api,
}

/// A file in a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// `attachments`, `attachments[]` or `attachments[0]`.
    pub field: String,
    /// The file name.
    pub filename: String,
    /// The media type.
    pub content_type: String,
    /// The size in bytes.
    pub size: usize,
    /// The SHA-256 of the bytes, in hexadecimal digits.
    pub digest: String,
}

/// A request to the API or the storage, and its outcome.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Time since the start of the simulator.
    pub at: Duration,
    /// The number of the connection.
    pub connection: u64,
    /// `GET`, `POST`, `PUT`, `PATCH`, ...
    pub method: String,
    /// The path as sent, percent-encoded, without the query.
    pub path: String,
    /// The requested operation.
    pub call: Call,
    /// The id of the channel in the path.
    pub channel: Option<String>,
    /// The authorization of the request.
    pub authorization: Authorization,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// The number of bytes read from the body.
    pub size: usize,
    /// The fields of the JSON or the form. Null if they were not read.
    pub body: Value,
    /// The files of a form.
    pub files: Vec<File>,
    /// The fault that hit the request.
    pub fault: Option<Action>,
    /// The status of the response. `None` if the connection was closed or the caller disconnected.
    pub status: Option<u16>,
    /// The JSON of the response, or null.
    pub answer: Value,
    /// Whether the request took effect, regardless of the response.
    pub acted: bool,
}

impl Recorded {
    /// Returns `metadata.external_id` of the body.
    pub fn external_id(&self) -> Option<&str> {
        self.body["metadata"]["external_id"].as_str()
    }

    /// Returns the id of the token.
    pub fn jti(&self) -> Option<&str> {
        match &self.authorization {
            Authorization::Channel { jti, .. } => Some(jti),
            Authorization::Missing | Authorization::Wrong(_) | Authorization::Api => None,
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

/// A request to the channel server.
#[derive(Debug, Clone)]
pub struct Fired {
    /// The time of sending, since the start of the simulator.
    pub at: Duration,
    /// The `type` in the body, also if the body was not sent.
    pub kind: String,
    /// `POST` or `DELETE`.
    pub method: &'static str,
    /// The URL.
    pub url: String,
    /// The channel.
    pub channel: Option<String>,
    /// `msg_...` of the message, also if the body does not contain it.
    pub message: Option<String>,
    /// The exact text of the body. `None` without a body.
    pub body: Option<String>,
    /// `X-Front-Request-Timestamp`.
    pub timestamp: String,
    /// `X-Front-Signature`.
    pub signature: String,
    /// The token that the admin typed, without the prefix `Bearer`.
    pub token: Option<String>,
    /// The status of the response. `None` if no answer arrived in time.
    pub status: Option<u16>,
    /// The body of the response.
    pub answer: String,
    /// The time until the response or the timeout.
    pub elapsed: Duration,
    /// Whether the connection failed or ended without a response.
    pub unreachable: bool,
    /// Whether the deadline passed before the response arrived.
    pub late: bool,
    /// The reason for which Front rejects the response. `None` if Front accepts it.
    pub error: Option<String>,
}

impl Fired {
    /// Returns the body as JSON.
    pub fn json(&self) -> Value {
        self.body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
    }

    /// Returns the response as JSON, or null.
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

/// The reason for which a channel was not connected or addresses were not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the response. `None` if no answer arrived in time.
    pub status: Option<u16>,
    /// The server's `message`, or the problem of its response.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        write!(formatter, "refused with {status}: {}", self.message)
    }
}

/// An id of the channel server that occurred for two messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// `cha_...`
    pub channel: String,
    /// The id.
    pub external_id: String,
    /// `msg_...` of the first message with this id.
    pub first: String,
    /// `msg_...` of the second message. `None` if the import was dropped.
    pub second: Option<String>,
}
