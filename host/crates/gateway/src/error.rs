//! Errors of requests: one variant for each reason, with the HTTP status and the stable error code of the response.
//!
//! Callers get a constant text, or a text about their own request; [`Error::detail`] is only for the log.

use std::borrow::Cow;

use frontgate_front::oauth::OauthError;
use frontgate_runtime::CallError;
use frontgate_store::StoreError;
use frontgate_twilio_callbacks::error::{DecodeError, EncodeError};
use hyper::StatusCode;

/// Reason why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The path matches no route.
    #[error("unknown path")]
    UnknownAddress,
    /// The method is not POST, which all callbacks use.
    #[error("method not allowed; use POST")]
    Method,
    /// The `Host` header is missing or repeated, or two servers could interpret the request differently.
    #[error("ambiguous request: {0}")]
    Ambiguous(&'static str),
    /// The body is larger than `server.body_bytes_max`.
    #[error("body too large")]
    BodyTooLarge,
    /// The body took longer than `server.body_timeout_ms`.
    #[error("body not received in time")]
    BodyTimeout,
    /// Unverified bodies use all of `server.unverified_body_bytes_max`.
    #[error("too many requests at once")]
    BodiesFull,
    /// The caller behind a proxy has `server.connections_per_address_max` requests in progress.
    #[error("too many requests at once")]
    CallerFull,
    /// The connection ended before the body was complete.
    #[error("body interrupted")]
    BodyBroken,
    /// The signature is missing or wrong; the explanation goes to the log.
    #[error("invalid signature")]
    Signature(String),
    /// The signature is valid, but the content type is not that of a form.
    #[error("the body is not application/x-www-form-urlencoded")]
    NotForm,
    /// No connected Front channel has this address.
    #[error("no connected channel at the request's path")]
    NoChannel,
    /// Front's access token is missing, invalid or expired.
    #[error("the access token is missing, invalid or expired; connect the channel again")]
    Token,
    /// A request of Front to the authorization server is refused.
    #[error(transparent)]
    Oauth(OauthError),
    /// A browser's request begins no sign-in. The text is shown.
    #[error("{0}")]
    SignInInvalid(&'static str),
    /// The browser has no sign-in in progress.
    #[error("no sign-in in progress")]
    SignInEnded,
    /// A browser's request was not sent by a page of its sign-in.
    #[error("request is not from a page of this sign-in")]
    SignInForged,
    /// A request from Front cannot be decoded.
    #[error("{0}")]
    Unreadable(String),
    /// A request from Front has an unknown type.
    #[error("unknown request type: {0}")]
    UnknownType(String),
    /// A callback from Twilio cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Twilio would reject the plugin's answer.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A plugin call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The store failed or timed out.
    #[error("failed to store the event")]
    NotStored(String),
    /// A tenant or channel has reached its queue limit, or the disk is nearly full. The string names the limit.
    #[error("queue limit reached; try again later")]
    Overload(String),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Overload(overload) => Self::Overload(overload.to_string()),
            error => Self::NotStored(error.to_string()),
        }
    }
}

impl Error {
    /// Returns the status and the stable error code of the response.
    pub(crate) fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::UnknownAddress => (StatusCode::NOT_FOUND, "unknown-address"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
            Self::Ambiguous(_) => (StatusCode::BAD_REQUEST, "ambiguous-request"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "body-timeout"),
            Self::BodyBroken => (StatusCode::BAD_REQUEST, "body-broken"),
            Self::Signature(_) => (StatusCode::FORBIDDEN, "signature-mismatch"),
            Self::NotForm => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-a-form"),
            Self::NoChannel => (StatusCode::NOT_FOUND, "no-channel"),
            Self::Token => (StatusCode::UNAUTHORIZED, "invalid-token"),
            Self::Oauth(OauthError::InvalidRequest(_)) => (StatusCode::BAD_REQUEST, "oauth-invalid-request"),
            Self::Oauth(OauthError::InvalidClient) => (StatusCode::UNAUTHORIZED, "oauth-invalid-client"),
            Self::Oauth(OauthError::InvalidGrant(_)) => (StatusCode::BAD_REQUEST, "oauth-invalid-grant"),
            Self::Oauth(OauthError::UnsupportedGrantType) => (StatusCode::BAD_REQUEST, "oauth-unsupported-grant"),
            // The others reach Front through the browser.
            Self::Oauth(_) => (StatusCode::BAD_REQUEST, "oauth-refused"),
            Self::SignInInvalid(_) => (StatusCode::BAD_REQUEST, "sign-in-invalid"),
            Self::SignInEnded => (StatusCode::BAD_REQUEST, "sign-in-ended"),
            Self::SignInForged => (StatusCode::FORBIDDEN, "sign-in-forged"),
            Self::Unreadable(_) => (StatusCode::BAD_REQUEST, "unreadable"),
            Self::UnknownType(_) => (StatusCode::BAD_REQUEST, "unknown-type"),
            Self::Decode(error) => (StatusCode::BAD_REQUEST, error.code()),
            Self::Encode(EncodeError::Rejected(_)) => (StatusCode::FORBIDDEN, "rejected"),
            Self::Encode(error) => (StatusCode::BAD_GATEWAY, error.code()),
            Self::Call(error) => (status(error), error.code()),
            Self::BodiesFull | Self::CallerFull => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::NotStored(_) => (StatusCode::SERVICE_UNAVAILABLE, "not-stored"),
            Self::Overload(_) => (StatusCode::SERVICE_UNAVAILABLE, "overload"),
        }
    }

    /// Returns whether the error is part of normal operation: unknown path or record, or a plugin's refusal.
    pub(crate) fn is_ordinary(&self) -> bool {
        matches!(
            self,
            Self::UnknownAddress
                | Self::SignInEnded
                | Self::Call(CallError::NotFound | CallError::Forbidden(_))
                | Self::Encode(EncodeError::Rejected(_))
        )
    }

    /// Returns the seconds after which another attempt may succeed.
    pub(crate) fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Self::Call(
                CallError::Busy(_) | CallError::BreakerOpen | CallError::NotCommitted { retryable: true, .. },
            )
            | Self::BodiesFull
            | Self::CallerFull
            | Self::NotStored(_) => Some(1),
            // The queue must drain first.
            Self::Overload(_) => Some(5),
            _ => None,
        }
    }

    /// Returns the text for the log, in addition to the text for the caller.
    pub(crate) fn detail(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Call(error) => error.detail(),
            Self::Encode(error) => error.detail().map(Cow::from),
            Self::Signature(text) | Self::NotStored(text) | Self::Overload(text) => Some(text.into()),
            Self::CallerFull => Some("server.connections_per_address_max reached by a caller behind a proxy".into()),
            Self::BodiesFull => Some("server.unverified_body_bytes_max reached".into()),
            _ => None,
        }
    }
}

/// Returns the status of the response after a failed plugin call.
fn status(error: &CallError) -> StatusCode {
    match error {
        CallError::NotFound => StatusCode::NOT_FOUND,
        CallError::Forbidden(_) => StatusCode::FORBIDDEN,
        CallError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        CallError::NoPlugin(_)
        | CallError::Busy(_)
        | CallError::BreakerOpen
        | CallError::Unavailable(_)
        | CallError::NotCommitted { retryable: true, .. } => StatusCode::SERVICE_UNAVAILABLE,
        CallError::Failed(_) | CallError::NotCommitted { retryable: false, .. } | CallError::Trap { .. } => {
            StatusCode::BAD_GATEWAY
        }
        CallError::OutOfTime(_) => StatusCode::GATEWAY_TIMEOUT,
        CallError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
