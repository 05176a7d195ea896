//! Everything that can go wrong with a request: one variant for each, with the status and the
//! stable code that the caller gets. What only operators may know goes to the log.

use std::borrow::Cow;

use frontgate_runtime::CallError;
use frontgate_store::StoreError;
use frontgate_twilio_callbacks::error::{DecodeError, EncodeError};
use hyper::StatusCode;

/// Reason why a request is not answered with what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such address.
    #[error("there is nothing at this address")]
    UnknownAddress,
    /// Callbacks are POST requests.
    #[error("this address takes POST only")]
    Method,
    /// Missing or doubled `Host`.
    #[error("the request is ambiguous: {0}")]
    Ambiguous(&'static str),
    /// The body is larger than `server.body_bytes_max`.
    #[error("the body is too large")]
    BodyTooLarge,
    /// The body took longer than `server.body_timeout_ms`.
    #[error("the body did not arrive in time")]
    BodyTimeout,
    /// Bodies that are not verified hold `server.unverified_body_bytes_max`.
    #[error("too many requests at once")]
    BodiesFull,
    /// The connection broke inside the body.
    #[error("the body broke off")]
    BodyBroken,
    /// The explanation is in the log.
    #[error("the signature does not match")]
    Signature(String),
    /// Signed, but of another content type.
    #[error("the body is not application/x-www-form-urlencoded")]
    NotForm,
    /// No Front channel has this address.
    #[error("no channel has this address")]
    NoChannel,
    /// A request of Front that cannot be decoded.
    #[error("{0}")]
    Unreadable(String),
    /// A request of Front of an unknown kind.
    #[error("requests of the type {0} are not known here")]
    UnknownType(String),
    /// A callback of Twilio that cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A plugin's answer that Twilio would not take.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A call of a plugin that gave no answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The event could not be stored.
    #[error("the event could not be stored")]
    NotStored(String),
    /// A tenant or channel has used up its share, or the disk is nearly full; names the limit.
    #[error("too much is waiting; try again later")]
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
    /// Status and stable code of the answer.
    pub fn answer(&self) -> (StatusCode, &'static str) {
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
            Self::Unreadable(_) => (StatusCode::BAD_REQUEST, "unreadable"),
            Self::UnknownType(_) => (StatusCode::BAD_REQUEST, "unknown-type"),
            Self::Decode(error) => (StatusCode::BAD_REQUEST, error.code()),
            Self::Encode(EncodeError::Rejected(_)) => (StatusCode::FORBIDDEN, "rejected"),
            Self::Encode(error) => (StatusCode::BAD_GATEWAY, error.code()),
            Self::Call(error) => (status(error), error.code()),
            Self::BodiesFull => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::NotStored(_) => (StatusCode::SERVICE_UNAVAILABLE, "not-stored"),
            Self::Overload(_) => (StatusCode::SERVICE_UNAVAILABLE, "overload"),
        }
    }

    /// Whether the error is part of normal operation: the address or record does not exist, or a plugin said no.
    pub fn is_ordinary(&self) -> bool {
        matches!(
            self,
            Self::UnknownAddress
                | Self::Call(CallError::NotFound | CallError::Forbidden(_))
                | Self::Encode(EncodeError::Rejected(_))
        )
    }

    /// Seconds after which the caller may try again, where it may.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Self::Call(
                CallError::Busy(_) | CallError::BreakerOpen | CallError::NotCommitted { retryable: true, .. },
            )
            | Self::BodiesFull
            | Self::NotStored(_) => Some(1),
            // Room comes with deliveries that are made, not with the next moment.
            Self::Overload(_) => Some(5),
            _ => None,
        }
    }

    /// What the log adds to the text that the caller gets.
    pub fn detail(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Call(error) => error.detail(),
            Self::Encode(error) => error.detail().map(Cow::from),
            Self::Signature(text) | Self::NotStored(text) | Self::Overload(text) => Some(text.into()),
            Self::BodiesFull => Some("it reached server.unverified_body_bytes_max".into()),
            _ => None,
        }
    }
}

/// Status of the answer to a call that failed.
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
