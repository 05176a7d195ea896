//! The shapes in which a request to the CRM fails, and which requests they hit.

use std::time::Duration;

use crate::common::fault::{self, Kind};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `GET /contacts`
    List,
    /// `GET /contacts/{id}`
    Contact,
    /// In a [`Fault`]: whatever it is.
    Any,
}

impl Kind for Call {
    const ANY: Self = Self::Any;
}

impl Call {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "list" => Some(Self::List),
            "contact" => Some(Self::Contact),
            "any" => Some(Self::Any),
            _ => None,
        }
    }
}

/// How a request fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// This status, and nothing is done.
    Status(u16),
    /// 429, and `Retry-After` in seconds.
    TooManyRequests(u64),
    /// 401: the token has expired.
    ExpiredToken,
    /// The answer comes after this long.
    Slow(Duration),
    /// The answer never comes.
    Hang,
    /// The connection is closed without an answer.
    Close,
    /// The connection is closed in the middle of the answer.
    Half,
    /// 200 with a page for people.
    Garbage,
    /// 200 with JSON that has another type where a name should be.
    WrongType,
    /// 200 with JSON that ends too early.
    Truncated,
    /// 200 with so many bytes; [`Action::BYTES_MAX`] at most.
    TooLarge(usize),
}

impl Action {
    /// The largest answer that it gives.
    pub const BYTES_MAX: usize = 8 << 20;

    /// All of them, by names for people; `number` is of seconds, milliseconds, or bytes.
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

/// A failure that waits for its requests.
pub type Fault = fault::Fault<Action, Call>;

/// All failures to come.
pub(crate) type Faults = fault::Faults<Action, Call>;
