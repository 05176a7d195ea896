//! Why a run ended early.

use std::time::Duration;

use frontgate_runtime::CallError;
use frontgate_store::StoreError;

/// The reason why a run ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The source asked for a pause.
    Busy(Duration),
    /// The plugin failed.
    Plugin(CallError),
    /// The plugin broke a rule of the contract.
    Contract(String),
    /// The index cannot be written.
    Store(StoreError),
    /// The source has more customers than `customers_max`.
    Full,
    /// Another gateway runs, or this one is shutting down.
    Stopped,
}

impl Failure {
    /// Returns the code in metrics.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Busy(_) => "busy",
            Self::Plugin(error) => error.code(),
            Self::Contract(_) => "contract",
            Self::Store(_) => "store",
            Self::Full => "full",
            Self::Stopped => "stopped",
        }
    }

    /// Returns the reason for the operator.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Busy(pause) => format!("the CRM asks for a pause of {} s", pause.as_secs()),
            Self::Plugin(error) => {
                let detail = error.detail().map(|detail| format!(": {}", frontgate_telemetry::brief(&detail)));
                format!("{error}{}", detail.unwrap_or_default())
            }
            Self::Contract(problem) => format!("the plugin broke a rule of the contract: {problem}"),
            Self::Store(error) => format!("failed to write the index: {error}"),
            Self::Full => {
                "the CRM has more customers than customers_max; raise it or let the plugin report fewer".to_owned()
            }
            Self::Stopped => "stopped".to_owned(),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Plugin(error)
    }
}
