//! What a reload of the configuration came to.

use serde::{Deserialize, Serialize};

/// One attempt to take over what the file says now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipt {
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// How it ended, and why.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The keys that are different from before, and the secrets.
    pub changes: Vec<String>,
    /// How long the attempt took.
    pub duration_ms: u64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "reason", rename_all = "kebab-case")]
pub enum Outcome {
    /// All of the file counts.
    Live,
    /// Nothing of it does; what counted before counts on.
    Kept(String),
}

impl Outcome {
    /// As in the log and the metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Kept(_) => "kept",
        }
    }

    /// Why the file does not count.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Live => None,
            Self::Kept(reason) => Some(reason),
        }
    }
}
