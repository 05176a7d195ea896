//! Why a file could not be brought to life, and whether trying again could help.

use std::fmt;

/// Why a file is not usable.
#[derive(Debug)]
pub(super) enum Failure {
    /// The same bytes would fail again.
    Verdict(anyhow::Error),
    /// Nothing was said about the bytes: a full disk, no memory, a file that may not be read.
    Passing(anyhow::Error),
    /// It wants what the version before it did not, and the operator has not allowed it yet.
    Waits(String),
    /// It was live, was taken back, and is not tried again.
    PassedOver(String),
}

impl Failure {
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Passing(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verdict(error) | Self::Passing(error) => write!(f, "{error:#}"),
            Self::Waits(reason) | Self::PassedOver(reason) => f.write_str(reason),
        }
    }
}
