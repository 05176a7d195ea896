//! Roles of people, and what each may do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The role of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads pages without personal data.
    Viewer,
    /// Also shows personal data, which is recorded.
    Support,
    /// Also changes deliveries, channels and plugins.
    Operator,
}

/// Something that a role allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Read pages. Personal data is masked.
    View,
    /// Show personal data.
    Reveal,
    /// Change deliveries, channels and plugins.
    Change,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Support, Self::Operator];

    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Operator => "operator",
        }
    }

    /// Returns the role with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Returns whether the role has a right.
    pub fn may(self, right: Right) -> bool {
        match right {
            Right::View => true,
            Right::Reveal => self >= Self::Support,
            Right::Change => self == Self::Operator,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Right {
    /// Returns the least role that has the right.
    pub fn least_role(self) -> Role {
        Role::ALL.into_iter().find(|role| role.may(self)).unwrap_or(Role::Operator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_may_only_view() {
        let rights = [Right::View, Right::Reveal, Right::Change];
        assert_eq!(rights.map(|right| Role::Viewer.may(right)), [true, false, false]);
        assert_eq!(rights.map(|right| Role::Support.may(right)), [true, true, false]);
        assert_eq!(rights.map(|right| Role::Operator.may(right)), [true, true, true]);
    }
}
