//! How HubSpot fails on demand.

use std::time::Duration;

use crate::common::fault::{self, Kind};
use crate::common::reply::Reply;
use crate::hubspot::problem;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// In a [`Fault`]: whatever it is.
    Any,
    /// `POST /crm/v3/objects/contacts/search`.
    Search,
    /// `GET /crm/v3/objects/contacts`.
    Contacts,
    /// `GET /crm/v3/objects/contacts/{id}`.
    Contact,
    /// `GET /crm/v3/owners`.
    Owners,
    /// `GET /crm/v3/owners/{id}`.
    Owner,
    /// Something that this stand-in does not have.
    Unknown,
}

impl Kind for Call {
    const ANY: Self = Self::Any;
}

impl Call {
    pub(crate) fn of(method: &str, path: &str) -> Self {
        let segments: Vec<_> = path.trim_matches('/').split('/').collect();
        match (method, segments.as_slice()) {
            ("POST", ["crm", "v3", "objects", "contacts", "search"]) => Self::Search,
            ("GET", ["crm", "v3", "objects", "contacts"]) => Self::Contacts,
            ("GET", ["crm", "v3", "objects", "contacts", _]) => Self::Contact,
            ("GET", ["crm", "v3", "owners"]) => Self::Owners,
            ("GET", ["crm", "v3", "owners", _]) => Self::Owner,
            _ => Self::Unknown,
        }
    }
}

/// Which limit of requests is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Five searches a second, for an account.
    Secondly,
    /// For a private app.
    TenSecondlyRolling,
    /// For an account.
    Daily,
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A limit is reached.
    Limited(Policy),
    /// The token has expired.
    Expired,
    /// The private app lacks this scope.
    MissingScope(&'static str),
    /// The answer is this status, with a page of whatever stands in between.
    Status(u16),
    /// The answer comes after this long.
    Slow(Duration),
    /// The connection is closed without an answer.
    Cut,
    /// It is closed within the answer.
    Half,
}

/// A failure that waits for its requests.
pub type Fault = fault::Fault<Action, Call>;

impl Action {
    /// What is answered in place of the right answer.
    pub(crate) fn reply(&self) -> Option<Reply> {
        Some(match self {
            Self::Limited(policy) => problem::limited(*policy),
            Self::Expired => problem::expired(),
            Self::MissingScope(scope) => problem::missing_scope(scope),
            Self::Status(status) => Reply::new(*status, "<html><body>Bad Gateway</body></html>"),
            Self::Slow(_) | Self::Cut | Self::Half => return None,
        })
    }
}
