//! Everything that can go wrong with a request: one variant for each, with the status and the
//! stable code that the caller gets. What only operators may know goes to the log.

use std::borrow::Cow;

use hyper::StatusCode;

use crate::config::Role;

/// Why a request is not answered with what it asked for.
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
    /// No channel of Front's has this address, or none any more.
    #[error("no channel has this address")]
    NoChannel,
    /// A request of Front that cannot be worked with.
    #[error("{0}")]
    Unreadable(String),
    /// A request of Front of a kind that nobody here knows.
    #[error("requests of the type {0} are not known here")]
    UnknownType(String),
    /// A callback in the format that Twilio gave up in 2022.
    #[error("this is a version 1 callback; choose version 2 (form body with `Location`) in Twilio's console")]
    Version1,
    /// `Location` names an operation that this address does not have.
    #[error("unknown Location; this address answers {0}")]
    UnknownLocation(&'static str),
    /// A parameter that the operation needs.
    #[error("the parameter {0} is missing")]
    MissingParameter(&'static str),
    /// A parameter that cannot be used.
    #[error("the parameter {0} is {1}")]
    InvalidParameter(&'static str, &'static str),

    /// No plugin of the role is live.
    #[error("no plugin answers the role {0}")]
    NoPlugin(Role),
    /// All places for calls stayed taken; says which limit.
    #[error("too many calls at once")]
    Busy(&'static str),
    /// The plugin crashed or ran out of time again and again.
    #[error("the plugin failed repeatedly and is left alone for a moment")]
    BreakerOpen,
    /// The plugin: no such record.
    #[error("not found")]
    NotFound,
    /// The plugin: this worker may not.
    #[error("forbidden")]
    Forbidden(String),
    /// The plugin cannot work with the request.
    #[error("the plugin cannot work with this request")]
    Invalid(String),
    /// The system behind the plugin is down.
    #[error("the system behind the plugin is unavailable")]
    Unavailable(String),
    /// The plugin: anything else.
    #[error("the plugin failed")]
    Failed(String),
    /// The plugin has succeeded, and what it wanted to keep could not be.
    #[error("what the plugin keeps could not be written down")]
    NotCommitted {
        /// Why.
        text: String,
        /// Whether trying again may help.
        passes: bool,
    },
    /// The plugin crashed, or asked for more than its budget.
    #[error("the plugin crashed")]
    Trap {
        /// wasmtime's words.
        text: String,
        /// The limit that it had reached, if that may be why.
        limit: Option<&'static str>,
    },
    /// The plugin used up its time; says which limit, or `deadline` for the callback's.
    #[error("the plugin took too long")]
    OutOfTime(&'static str),
    /// What the plugin answered cannot be brought to a size that the platform takes.
    #[error("the plugin's answer is too large")]
    AnswerTooLarge,
    /// Frontline's error 48026.
    #[error("the plugin's proxy address is not E.164 with the channel's prefix")]
    ProxyAddress,
    /// Frontline's error 48027.
    #[error("the plugin's proxy address is the customer's own")]
    ProxyIsContact,
    /// A plugin decided so.
    #[error("the message was rejected")]
    Rejected(String),
    /// What has to be kept could not be written down.
    #[error("the event could not be stored")]
    NotStored(String),
    /// A tenant or channel has its share of what may wait, or the disk is nearly full; says which limit.
    #[error("too much is waiting; try again later")]
    Overload(String),
    /// A fault of ours.
    #[error("internal error")]
    Internal(String),
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
            Self::Version1 => (StatusCode::BAD_REQUEST, "callback-version-1"),
            Self::UnknownLocation(_) => (StatusCode::BAD_REQUEST, "unknown-location"),
            Self::MissingParameter(_) => (StatusCode::BAD_REQUEST, "missing-parameter"),
            Self::InvalidParameter(..) => (StatusCode::BAD_REQUEST, "invalid-parameter"),
            Self::NoPlugin(_) => (StatusCode::SERVICE_UNAVAILABLE, "no-plugin"),
            Self::Busy(_) | Self::BodiesFull => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::BreakerOpen => (StatusCode::SERVICE_UNAVAILABLE, "breaker-open"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Self::Unavailable(_) | Self::NotCommitted { passes: true, .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
            }
            Self::Failed(_) | Self::NotCommitted { passes: false, .. } => (StatusCode::BAD_GATEWAY, "plugin-failed"),
            Self::Trap { .. } => (StatusCode::BAD_GATEWAY, "plugin-trapped"),
            Self::OutOfTime(_) => (StatusCode::GATEWAY_TIMEOUT, "out-of-time"),
            Self::AnswerTooLarge => (StatusCode::BAD_GATEWAY, "answer-too-large"),
            Self::ProxyAddress => (StatusCode::BAD_GATEWAY, "proxy-address-invalid"),
            Self::ProxyIsContact => (StatusCode::BAD_GATEWAY, "proxy-address-is-contact"),
            Self::Rejected(_) => (StatusCode::FORBIDDEN, "rejected"),
            Self::NotStored(_) => (StatusCode::SERVICE_UNAVAILABLE, "not-stored"),
            Self::Overload(_) => (StatusCode::SERVICE_UNAVAILABLE, "overload"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    /// Whether this is how things go: the caller asked for what is not there, or a plugin said no.
    pub fn is_ordinary(&self) -> bool {
        matches!(self, Self::UnknownAddress | Self::NotFound | Self::Forbidden(_) | Self::Rejected(_))
    }

    /// After how many seconds the caller may come again, where it may.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Self::Busy(_)
            | Self::BodiesFull
            | Self::BreakerOpen
            | Self::NotStored(_)
            | Self::NotCommitted { passes: true, .. } => Some(1),
            // Room comes with deliveries that are made, not with the next moment.
            Self::Overload(_) => Some(5),
            _ => None,
        }
    }

    /// Which of the plugin's limits ended the call.
    pub fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Trap { limit, .. } => *limit,
            Self::OutOfTime(limit) => Some(limit),
            _ => None,
        }
    }

    /// What the log adds to the text that the caller gets.
    pub fn detail(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Signature(text)
            | Self::Forbidden(text)
            | Self::Invalid(text)
            | Self::Unavailable(text)
            | Self::Failed(text)
            | Self::Rejected(text)
            | Self::NotStored(text)
            | Self::Overload(text)
            | Self::Internal(text)
            | Self::NotCommitted { text, .. }
            | Self::Trap { text, limit: None } => Some(text.into()),
            Self::Trap { text, limit: Some(limit) } => Some(format!("{text}, after it had reached {limit}").into()),
            Self::OutOfTime("deadline") => Some("it reached the callback's deadline".into()),
            Self::OutOfTime(limit) => Some(format!("it reached {limit}").into()),
            Self::Busy(why) => Some((*why).into()),
            Self::BodiesFull => Some("it reached server.unverified_body_bytes_max".into()),
            _ => None,
        }
    }
}
