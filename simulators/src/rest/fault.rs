//! Faults that hit requests to the CRM.

use std::time::Duration;

use crate::common::fault::{self, Kind};
use crate::common::reply::Reply;
use crate::rest::{Dialect, limited, problem};

/// An operation of an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Any operation, in a [`Fault`].
    Any,
    /// A page of all people.
    List,
    /// A page of people that changed.
    Changes,
    /// A page of people that were removed.
    Removed,
    /// People by id.
    Get,
    /// A search by text or number.
    Search,
    /// The owners.
    Owners,
    /// An unknown operation.
    Unknown,
}

impl Kind for Call {
    const ANY: Self = Self::Any;
}

/// The effect of a fault on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answers 429, with the seconds to wait if the API names them.
    Limited(Option<u64>),
    /// Answers with this status and an error of the API.
    Status(u16),
    /// Answers with this status and an HTML page, as a proxy does.
    Page(u16),
    /// Delays the response.
    Slow(Duration),
    /// Closes the connection without a response.
    Cut,
    /// Closes the connection in the middle of the response.
    Half,
}

/// A fault of the CRM.
pub type Fault = fault::Fault<Action, Call>;

impl Action {
    /// Returns the response that replaces the correct one, if any.
    pub(super) fn reply(&self, dialect: Dialect) -> Option<Reply> {
        Some(match self {
            Self::Limited(wait) => limited(dialect, *wait),
            Self::Status(status) => problem(dialect, *status),
            Self::Page(status) => Reply::new(*status, "<html><body>Bad Gateway</body></html>"),
            Self::Slow(_) | Self::Cut | Self::Half => return None,
        })
    }
}
