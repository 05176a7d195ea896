//! Faults that hit requests to Meta.

use std::time::Duration;

use crate::common::fault::{self, Kind};
use crate::common::reply::Reply;
use crate::whatsapp::problem;

/// An operation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Any operation, in a [`Fault`].
    Any,
    /// `GET /{version}/{account}/phone_numbers`
    Numbers,
    /// `GET /{version}/{account}/message_templates`
    Templates,
    /// `GET /{version}/{id}`: a number or a file
    Get,
    /// `POST /{version}/{number}/messages`
    Send,
    /// `POST /{version}/{number}/media`
    Upload,
    /// `GET` of a file's bytes
    Download,
    /// An unknown operation.
    Unknown,
}

impl Kind for Call {
    const ANY: Self = Self::Any;

    const NAMED: &'static [(&'static str, Self)] = &[
        ("any", Self::Any),
        ("numbers", Self::Numbers),
        ("templates", Self::Templates),
        ("get", Self::Get),
        ("send", Self::Send),
        ("upload", Self::Upload),
        ("download", Self::Download),
    ];
}

/// The path of files' bytes.
pub(super) const DOWNLOADS: &str = "whatsapp_business";

impl Call {
    pub(crate) fn of(method: &str, path: &str) -> Self {
        let segments: Vec<_> = path.trim_matches('/').split('/').collect();
        match (method, segments.as_slice()) {
            ("GET", [DOWNLOADS, "attachments"]) => Self::Download,
            ("GET", [_, _, "phone_numbers"]) => Self::Numbers,
            ("GET", [_, _, "message_templates"]) => Self::Templates,
            ("GET", [_, _]) => Self::Get,
            ("POST", [_, _, "messages"]) => Self::Send,
            ("POST", [_, _, "media"]) => Self::Upload,
            _ => Self::Unknown,
        }
    }
}

/// The effect of a fault on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answers 400 with this code of Meta.
    Error(u64),
    /// Answers 401 with code 190, as for an expired token.
    Expired,
    /// Answers with this status and an HTML page, as a proxy does. The request has no effect.
    Status(u16),
    /// Delays the response. The request takes effect at once.
    Slow(Duration),
    /// Closes the connection without a response. The request has no effect.
    Cut,
    /// Closes the connection without a response, although the request takes effect.
    CutAfterActing,
    /// Closes the connection in the middle of the response. The request takes effect.
    Half,
}

/// A fault of Meta.
pub type Fault = fault::Fault<Action, Call>;

impl Action {
    /// Returns the actions by name. `number` is the argument of those that have one.
    fn named(number: Option<u64>) -> Vec<(String, Self)> {
        let all = [
            ("error", Self::Error(number.unwrap_or(131_000))),
            ("expired", Self::Expired),
            ("status", Self::Status(number.and_then(|number| u16::try_from(number).ok()).unwrap_or(502))),
            ("slow", Self::Slow(Duration::from_millis(number.unwrap_or(50)))),
            ("cut", Self::Cut),
            ("cut-after-acting", Self::CutAfterActing),
            ("half", Self::Half),
        ];
        all.into_iter().map(|(name, action)| (name.to_owned(), action)).collect()
    }

    /// Returns the response that replaces the correct one, if any.
    pub(super) fn reply(&self) -> Option<Reply> {
        Some(match self {
            Self::Error(code) => problem::coded(*code),
            Self::Expired => problem::expired(),
            Self::Status(status) => {
                Reply::new(*status, "<html><body>Bad Gateway</body></html>").header("content-type", "text/html")
            }
            Self::Slow(_) | Self::Cut | Self::CutAfterActing | Self::Half => return None,
        })
    }
}

/// Parses a fault from the fields of a form.
pub(super) fn parse<'f>(field: &impl Fn(&str) -> &'f str) -> Result<Fault, String> {
    fault::parse(field, &Action::named(field("number").parse().ok()), "")
}
