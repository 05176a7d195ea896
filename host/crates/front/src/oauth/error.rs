//! Errors of the authorization server, with the codes of RFC 6749, sections 4.1.2.1 and 5.2.

use serde_json::json;

/// The reason why a request is refused. The texts reach the client and contain no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OauthError {
    /// A parameter is missing, repeated or malformed.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The client is unknown, or its secret is wrong.
    #[error("client authentication failed")]
    InvalidClient,
    /// A code or token is invalid, expired, revoked, or another client's.
    #[error("{0}")]
    InvalidGrant(&'static str),
    /// The grant is neither `authorization_code` nor `refresh_token`.
    #[error("grant_type is not supported")]
    UnsupportedGrantType,
    /// The response type is not `code`.
    #[error("response_type is not code")]
    UnsupportedResponseType,
    /// The person or the plugin refused.
    #[error("access was refused")]
    AccessDenied,
    /// The gateway cannot answer now.
    #[error("try again later")]
    TemporarilyUnavailable,
}

impl OauthError {
    /// Returns the code in the answer.
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::AccessDenied => "access_denied",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// Returns the body of the answer to a client.
    pub fn body(self) -> Vec<u8> {
        json!({ "error": self.code(), "error_description": self.to_string() }).to_string().into_bytes()
    }
}
