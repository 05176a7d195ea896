//! Why a file could not be loaded, and whether a retry can succeed.

use std::fmt;

/// Why a file is not usable.
#[derive(Debug)]
pub(super) enum Failure {
    /// The same bytes will fail again.
    Verdict(anyhow::Error),
    /// A temporary cause other than the bytes: a full disk, no memory, an unreadable file.
    Passing(anyhow::Error),
    /// It needs capabilities that the previous version did not, and waits for the operator.
    Waits(String),
    /// It was rolled back, and is not attempted again.
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
