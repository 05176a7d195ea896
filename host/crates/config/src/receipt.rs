//! The result of a reload of the configuration.

use serde::{Deserialize, Serialize};

/// The record of one reload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipt {
    /// Start of the reload, in milliseconds since 1970.
    pub time_ms: u64,
    /// How it ended, and why.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Keys, including those of secrets, whose values changed.
    pub changes: Vec<String>,
    /// Duration of the reload in milliseconds.
    pub duration_ms: u64,
}

/// How a reload ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "reason", rename_all = "kebab-case")]
pub enum Outcome {
    /// The whole file was applied.
    Live,
    /// The file was rejected for this reason; the previous configuration stays active.
    Kept(String),
}

impl Outcome {
    /// Returns the outcome's name in logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Kept(_) => "kept",
        }
    }

    /// Returns the reason why the file was rejected.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Live => None,
            Self::Kept(reason) => Some(reason),
        }
    }
}
