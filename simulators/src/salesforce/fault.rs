//! Faults that hit requests to Salesforce.

use std::time::Duration;

use crate::common::fault::{self, Kind};
use crate::common::reply::Reply;
use crate::salesforce::problem::Problem;

/// A resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Any resource, in a [`Fault`].
    Any,
    /// `POST /services/oauth2/token`.
    Token,
    /// `GET /services/data/vXX.0/query?q=`.
    Query,
    /// `GET /services/data/vXX.0/queryAll?q=`.
    QueryAll,
    /// `GET /services/data/vXX.0/query/LOCATOR`.
    MoreRows,
    /// `GET /services/data/vXX.0/sobjects/OBJECT/ID`.
    Record,
    /// `GET /services/data/vXX.0/limits`.
    Limits,
    /// An unknown resource.
    Unknown,
}

impl Kind for Call {
    const ANY: Self = Self::Any;
}

impl Call {
    pub(super) fn of(method: &str, path: &str) -> Self {
        let segments: Vec<_> = path.trim_matches('/').split('/').collect();
        match (method, segments.as_slice()) {
            ("POST", ["services", "oauth2", "token"]) => Self::Token,
            ("GET", ["services", "data", _, "query"]) => Self::Query,
            ("GET", ["services", "data", _, "queryAll"]) => Self::QueryAll,
            ("GET", ["services", "data", _, "query" | "queryAll", _]) => Self::MoreRows,
            ("GET", ["services", "data", _, "sobjects", _, _]) => Self::Record,
            ("GET", ["services", "data", _, "limits"]) => Self::Limits,
            _ => Self::Unknown,
        }
    }
}

/// The effect of a fault on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answers with an error.
    Refuse(Problem),
    /// Answers with this status and an HTML page, as a proxy does.
    Status(u16),
    /// Delays the response.
    Slow(Duration),
    /// Closes the connection without a response.
    Cut,
    /// Closes the connection in the middle of the response.
    Half,
}

/// A fault that hits requests.
pub type Fault = fault::Fault<Action, Call>;

impl Action {
    /// Returns the response that replaces the regular one, if any.
    pub(super) fn reply(&self) -> Option<Reply> {
        match self {
            Self::Refuse(problem) => Some(problem.into()),
            Self::Status(status) => Some(Reply::new(*status, "<html><body>Service Unavailable</body></html>")),
            Self::Slow(_) | Self::Cut | Self::Half => None,
        }
    }
}
