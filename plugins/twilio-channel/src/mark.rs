//! The mark in the attributes of messages that this plugin sent.

use serde::{Deserialize, Serialize};

/// Identifies a part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The gateway's key of the message.
    pub(crate) key: String,
    /// The number of the part, from 1.
    pub(crate) part: usize,
    /// The total number of parts.
    pub(crate) of: usize,
    /// Front's id of the channel.
    #[serde(default)]
    pub(crate) channel: String,
    /// The SID (`IM...`) of the first part, in later parts. The SID identifies the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Attributes {
    frontgate: Mark,
}

impl Mark {
    /// Encodes the mark as a message's attributes.
    pub(crate) fn attributes(self) -> String {
        serde_json::to_string(&Attributes { frontgate: self }).expect("texts and numbers")
    }

    /// Reads the mark from a message's attributes, if this plugin sent it.
    pub(crate) fn of(attributes: &str) -> Option<Self> {
        serde_json::from_str::<Attributes>(attributes).ok().map(|attributes| attributes.frontgate)
    }
}
