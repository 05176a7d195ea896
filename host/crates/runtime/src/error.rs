//! Errors of calls.

use std::borrow::Cow;

use frontgate_contract::Role;
use frontgate_contract::bindings::plugin_types;

/// Reason why a call of a plugin failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No live plugin has the role.
    #[error("no live plugin has the role {0}")]
    NoPlugin(Role),
    /// Admission control rejected the call; the text names the limit.
    #[error("too many calls at once")]
    Busy(&'static str),
    /// The circuit breaker is open.
    #[error("circuit breaker open after repeated failures of the plugin")]
    BreakerOpen,
    /// From the plugin: no such record.
    #[error("not found")]
    NotFound,
    /// From the plugin: the worker has no access.
    #[error("forbidden")]
    Forbidden(String),
    /// From the plugin: invalid request.
    #[error("the plugin rejected the request as invalid")]
    Invalid(String),
    /// From the plugin: its backend is down.
    #[error("the plugin's backend is unavailable")]
    Unavailable(String),
    /// From the plugin: any other error.
    #[error("the plugin failed")]
    Failed(String),
    /// The plugin returned `ok`, but its state was not committed.
    #[error("failed to commit the plugin's state")]
    NotCommitted {
        /// Cause.
        text: String,
        /// Whether a retry may succeed.
        retryable: bool,
    },
    /// The plugin trapped, possibly because of a limit.
    #[error("the plugin crashed")]
    Trap {
        /// Error message of wasmtime.
        text: String,
        /// A limit that the plugin had reached, which may be the cause.
        limit: Option<&'static str>,
    },
    /// The plugin timed out; the text names the limit, or is `deadline` for the deadline of the request.
    #[error("plugin call timed out")]
    OutOfTime(&'static str),
    /// An error of the gateway.
    #[error("internal error")]
    Internal(String),
}

impl CallError {
    /// Returns a stable code for responses, records and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPlugin(_) => "no-plugin",
            Self::Busy(_) => "busy",
            Self::BreakerOpen => "breaker-open",
            Self::NotFound => "not-found",
            Self::Forbidden(_) => "forbidden",
            Self::Invalid(_) => "invalid",
            Self::Unavailable(_) | Self::NotCommitted { retryable: true, .. } => "unavailable",
            Self::Failed(_) | Self::NotCommitted { retryable: false, .. } => "plugin-failed",
            Self::Trap { .. } => "plugin-trapped",
            Self::OutOfTime(_) => "out-of-time",
            Self::Internal(_) => "internal",
        }
    }

    /// Returns the error of the contract with which the plugin answered, if it did.
    pub(crate) fn as_contract_error(&self) -> Option<plugin_types::Error> {
        Some(match self {
            Self::NotFound => plugin_types::Error::NotFound,
            Self::Forbidden(text) => plugin_types::Error::Forbidden(text.clone()),
            Self::Invalid(text) => plugin_types::Error::Invalid(text.clone()),
            Self::Unavailable(text) => plugin_types::Error::Unavailable(text.clone()),
            Self::Failed(text) => plugin_types::Error::Failed(text.clone()),
            _ => return None,
        })
    }

    /// Returns the limit of the plugin that ended the call.
    pub fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Trap { limit, .. } => *limit,
            Self::OutOfTime(limit) => Some(limit),
            _ => None,
        }
    }

    /// Returns detail for the log, in addition to the text for the caller.
    pub fn detail(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Forbidden(text)
            | Self::Invalid(text)
            | Self::Unavailable(text)
            | Self::Failed(text)
            | Self::Internal(text)
            | Self::NotCommitted { text, .. }
            | Self::Trap { text, limit: None } => Some(text.into()),
            Self::Trap { text, limit: Some(limit) } => Some(format!("{text} (limit reached: {limit})").into()),
            Self::OutOfTime("deadline") => Some("callback deadline exceeded".into()),
            Self::OutOfTime(limit) => Some(format!("{limit} exceeded").into()),
            Self::Busy(why) => Some((*why).into()),
            Self::NoPlugin(_) | Self::BreakerOpen | Self::NotFound => None,
        }
    }
}

/// Converts an error that the plugin returned.
impl From<plugin_types::Error> for CallError {
    fn from(error: plugin_types::Error) -> Self {
        match error {
            plugin_types::Error::NotFound => Self::NotFound,
            plugin_types::Error::Forbidden(text) => Self::Forbidden(text),
            plugin_types::Error::Invalid(text) => Self::Invalid(text),
            plugin_types::Error::Unavailable(text) => Self::Unavailable(text),
            plugin_types::Error::Failed(text) => Self::Failed(text),
        }
    }
}
