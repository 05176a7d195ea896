//! Outcomes of a call that gave no answer.

use std::borrow::Cow;

use frontgate_contract::Role;

/// Reason why a call of a plugin gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No plugin of the role is live.
    #[error("no plugin answers the role {0}")]
    NoPlugin(Role),
    /// No place for the call became free in time; names the limit.
    #[error("too many calls at once")]
    Busy(&'static str),
    /// The circuit breaker is open: the plugin crashed or ran out of time repeatedly.
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
    /// The plugin succeeded, and its state could not be committed.
    #[error("what the plugin keeps could not be written down")]
    NotCommitted {
        /// Cause.
        text: String,
        /// Whether a later try may succeed.
        passes: bool,
    },
    /// The plugin crashed, or asked for more than its budget.
    #[error("the plugin crashed")]
    Trap {
        /// wasmtime's words.
        text: String,
        /// The limit that it had reached, if that may be the cause.
        limit: Option<&'static str>,
    },
    /// The plugin used up its time; names the limit, or `deadline` for that of the request.
    #[error("the plugin took too long")]
    OutOfTime(&'static str),
    /// A fault of the gateway.
    #[error("internal error")]
    Internal(String),
}

impl CallError {
    /// Stable code, as in answers, receipts and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPlugin(_) => "no-plugin",
            Self::Busy(_) => "busy",
            Self::BreakerOpen => "breaker-open",
            Self::NotFound => "not-found",
            Self::Forbidden(_) => "forbidden",
            Self::Invalid(_) => "invalid",
            Self::Unavailable(_) | Self::NotCommitted { passes: true, .. } => "unavailable",
            Self::Failed(_) | Self::NotCommitted { passes: false, .. } => "plugin-failed",
            Self::Trap { .. } => "plugin-trapped",
            Self::OutOfTime(_) => "out-of-time",
            Self::Internal(_) => "internal",
        }
    }

    /// The plugin's limit that ended the call.
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
            Self::Forbidden(text)
            | Self::Invalid(text)
            | Self::Unavailable(text)
            | Self::Failed(text)
            | Self::Internal(text)
            | Self::NotCommitted { text, .. }
            | Self::Trap { text, limit: None } => Some(text.into()),
            Self::Trap { text, limit: Some(limit) } => Some(format!("{text}, after it had reached {limit}").into()),
            Self::OutOfTime("deadline") => Some("it reached the callback's deadline".into()),
            Self::OutOfTime(limit) => Some(format!("it reached {limit}").into()),
            Self::Busy(why) => Some((*why).into()),
            Self::NoPlugin(_) | Self::BreakerOpen | Self::NotFound => None,
        }
    }
}
