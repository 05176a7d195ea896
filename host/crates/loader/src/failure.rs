//! Reasons why a file could not be loaded, which also determine whether a retry can succeed.

use std::fmt;

/// The reason why a file is not usable.
#[derive(Debug)]
pub(super) enum Failure {
    /// The same bytes will fail again.
    Permanent(anyhow::Error),
    /// The cause is temporary and outside the bytes, such as a full disk, no memory, or an unreadable file.
    Temporary(anyhow::Error),
    /// The file needs capabilities that the previous version did not, and waits for the operator.
    NeedsApproval(String),
    /// The file was rolled back, and is not attempted again.
    Excluded(String),
}

impl Failure {
    pub(super) fn is_temporary(&self) -> bool {
        matches!(self, Self::Temporary(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permanent(error) | Self::Temporary(error) => write!(f, "{error:#}"),
            Self::NeedsApproval(reason) | Self::Excluded(reason) => f.write_str(reason),
        }
    }
}
