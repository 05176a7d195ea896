//! Reasons why a file could not be loaded, which also determine whether a retry can succeed.

use std::fmt;

use anyhow::anyhow;
use frontgate_contract::Role;

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
    /// The replicas know the version and have agreed on another one.
    Known(String),
}

impl Failure {
    /// Returns the failure of a version without a role that a tenant uses.
    pub(super) fn lost_role(role: Role) -> Self {
        Self::Permanent(anyhow!("role {role}, which a tenant uses, is missing in the new file"))
    }

    pub(super) fn is_temporary(&self) -> bool {
        matches!(self, Self::Temporary(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permanent(error) | Self::Temporary(error) => write!(f, "{error:#}"),
            Self::NeedsApproval(reason) | Self::Excluded(reason) | Self::Known(reason) => f.write_str(reason),
        }
    }
}
