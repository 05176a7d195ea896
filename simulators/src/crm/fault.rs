//! Faults that hit requests to the CRM.

use std::time::Duration;

use crate::common::fault::{self, Kind};

/// An operation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `GET /contacts`
    List,
    /// `GET /contacts/{id}`
    Contact,
    /// Any operation, in a [`Fault`].
    Any,
}

impl Kind for Call {
    const ANY: Self = Self::Any;

    const NAMED: &'static [(&'static str, Self)] =
        &[("list", Self::List), ("contact", Self::Contact), ("any", Self::Any)];
}

/// The effect of a fault on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answers with this status.
    Status(u16),
    /// Answers 429 with `Retry-After` in seconds.
    TooManyRequests(u64),
    /// Answers 401, as for an expired token.
    ExpiredToken,
    /// Delays the response.
    Slow(Duration),
    /// Never answers.
    Hang,
    /// Closes the connection without a response.
    Close,
    /// Closes the connection in the middle of the response.
    Half,
    /// Answers 200 with an HTML page.
    Garbage,
    /// Answers 200 with JSON in which names are numbers.
    WrongType,
    /// Answers 200 with truncated JSON.
    Truncated,
    /// Answers 200 with this many bytes, at most [`Action::BYTES_MAX`].
    TooLarge(usize),
}

impl Action {
    /// The maximum of [`Action::TooLarge`], in bytes.
    pub const BYTES_MAX: usize = 8 << 20;

    /// Returns all actions by name. `number` is in seconds, milliseconds or bytes.
    pub(crate) fn named_all(number: Option<u64>) -> Vec<(String, Self)> {
        let bytes = number.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(2 << 20);
        let shapes = [
            ("500", Self::Status(500)),
            ("503", Self::Status(503)),
            ("429", Self::TooManyRequests(number.unwrap_or(7))),
            ("401", Self::ExpiredToken),
            ("403", Self::Status(403)),
            ("slow", Self::Slow(Duration::from_millis(number.unwrap_or(10_000).min(60_000)))),
            ("hang", Self::Hang),
            ("close", Self::Close),
            ("half", Self::Half),
            ("garbage", Self::Garbage),
            ("wrong-type", Self::WrongType),
            ("truncated", Self::Truncated),
            ("too-large", Self::TooLarge(bytes)),
        ];
        shapes.map(|(name, action)| (name.to_owned(), action)).into()
    }
}

/// A fault of the CRM.
pub type Fault = fault::Fault<Action, Call>;

/// The faults of the CRM.
pub(crate) type Faults = fault::Faults<Action, Call>;
