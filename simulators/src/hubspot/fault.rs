//! Faults that hit requests to HubSpot.

use std::time::Duration;

use crate::common::fault::{self, Kind};
use crate::common::reply::Reply;
use crate::hubspot::problem;

/// An operation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Any operation, in a [`Fault`].
    Any,
    /// `POST /crm/v3/objects/contacts/search`.
    Search,
    /// `GET /crm/v3/objects/contacts`.
    Contacts,
    /// `POST /crm/v3/objects/contacts/batch/read`.
    ReadContacts,
    /// `GET /crm/v3/objects/contacts/{id}`.
    Contact,
    /// `POST /crm/v3/objects/calls`.
    CreateCall,
    /// `POST /crm/v3/objects/calls/search`.
    SearchCalls,
    /// `GET /crm/v3/objects/calls/{id}`.
    ReadCall,
    /// `GET /crm/v3/owners`.
    Owners,
    /// `GET /crm/v3/owners/{id}`.
    Owner,
    /// An unknown operation.
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
            ("POST", ["crm", "v3", "objects", "contacts", "batch", "read"]) => Self::ReadContacts,
            ("GET", ["crm", "v3", "objects", "contacts"]) => Self::Contacts,
            ("GET", ["crm", "v3", "objects", "contacts", _]) => Self::Contact,
            ("POST", ["crm", "v3", "objects", "calls"]) => Self::CreateCall,
            ("POST", ["crm", "v3", "objects", "calls", "search"]) => Self::SearchCalls,
            ("GET", ["crm", "v3", "objects", "calls", _]) => Self::ReadCall,
            ("GET", ["crm", "v3", "owners"]) => Self::Owners,
            ("GET", ["crm", "v3", "owners", _]) => Self::Owner,
            _ => Self::Unknown,
        }
    }
}

/// A rate limit of HubSpot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Five searches per second of an account.
    Secondly,
    /// The limit of a private app per ten seconds.
    TenSecondlyRolling,
    /// The daily limit of an account.
    Daily,
}

/// The effect of a fault on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answers 429 because this rate limit is reached.
    Limited(Policy),
    /// Answers 401, as for an expired token.
    Expired,
    /// Answers 403 because the private app lacks this scope.
    MissingScope(&'static str),
    /// Answers with this status and an HTML page, as a proxy does.
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

/// A fault of HubSpot.
pub type Fault = fault::Fault<Action, Call>;

impl Action {
    /// Returns the response that replaces the correct one, if any.
    pub(crate) fn reply(&self) -> Option<Reply> {
        Some(match self {
            Self::Limited(policy) => problem::limited(*policy),
            Self::Expired => problem::expired(),
            Self::MissingScope(scope) => problem::missing_scope(scope),
            Self::Status(status) => Reply::new(*status, "<html><body>Bad Gateway</body></html>"),
            Self::Slow(_) | Self::Cut | Self::CutAfterActing | Self::Half => return None,
        })
    }
}
