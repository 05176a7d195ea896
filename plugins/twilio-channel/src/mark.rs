//! The mark in the attributes of messages that this plugin has sent.

use serde::{Deserialize, Serialize};

/// Which part of which message this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The gateway's key of the message.
    pub(crate) key: String,
    /// From 1 on.
    pub(crate) part: usize,
    /// How many there are.
    pub(crate) of: usize,
    /// Front's id of the channel.
    #[serde(default)]
    pub(crate) channel: String,
    /// `IM...` of the first part, in the others: what the message is known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Attributes {
    frontgate: Mark,
}

impl Mark {
    /// As a message's attributes.
    pub(crate) fn attributes(self) -> String {
        serde_json::to_string(&Attributes { frontgate: self }).expect("texts and numbers")
    }

    /// The mark in a message's attributes, if this plugin has sent it.
    pub(crate) fn of(attributes: &str) -> Option<Self> {
        serde_json::from_str::<Attributes>(attributes).ok().map(|attributes| attributes.frontgate)
    }
}
