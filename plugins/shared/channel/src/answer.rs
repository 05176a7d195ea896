//! Answers of a provider's API, and the reasons for which a request has none that counts.

use frontgate_sdk::{Error, http};
use serde::de::DeserializeOwned;

/// Why a request has no answer of the provider. A retry may succeed, perhaps after an operator's fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// A retry may succeed.
    Passing(String),
    /// The request or the response exceeds the gateway's limits.
    TooLarge,
}

impl Unanswered {
    /// The provider asked for a pause.
    pub fn later(provider: &str) -> Self {
        Self::Passing(format!("{provider} asks to retry later"))
    }

    /// The provider failed, or another system answered.
    pub fn of_status(provider: &str, status: u16) -> Self {
        Self::Passing(format!("{provider} returned status {status}"))
    }
}

impl From<Unanswered> for Error {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Passing(why) => Self::Unavailable(why),
            Unanswered::TooLarge => Self::invalid("A file exceeds this channel's limit."),
        }
    }
}

/// Returns a response of any status.
///
/// # Errors
///
/// Fails if the gateway sent no request, or got no complete response.
pub fn answered(provider: &str, result: Result<http::Response, http::Error>) -> Result<http::Response, Unanswered> {
    result.map_err(|error| match error {
        http::Error::TooLarge => Unanswered::TooLarge,
        http::Error::Timeout => Unanswered::Passing(format!("the request to {provider} timed out")),
        // The operator can add a missing grant, and the next call has new limits.
        http::Error::Forbidden(why) | http::Error::NotConnected(why) | http::Error::Interrupted(why) => {
            Unanswered::Passing(why)
        }
    })
}

/// Parses the body of a successful response.
///
/// # Errors
///
/// Fails if the body has another shape, as behind a proxy that answers itself.
pub fn parsed<T: DeserializeOwned>(provider: &str, response: &http::Response) -> Result<T, Unanswered> {
    let parsed = serde_json::from_slice(&response.body);
    parsed.map_err(|_| Unanswered::Passing(format!("failed to parse {provider}'s response")))
}
