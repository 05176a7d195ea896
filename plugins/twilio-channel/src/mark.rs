//! The attributes of messages: the mark of messages that this plugin sent, and the answered message.

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<String>,
}

/// The attributes of any message, as far as they are read.
#[derive(Deserialize)]
struct Reply {
    in_reply_to: Option<String>,
}

/// Returns the SID of the message that a message answers. Twilio has no field for it, so apps agree on this attribute.
pub(crate) fn answered(attributes: &str) -> Option<String> {
    serde_json::from_str::<Reply>(attributes).ok()?.in_reply_to.filter(|sid| sid.starts_with("IM"))
}

impl Mark {
    /// Encodes the mark as a message's attributes, with the SID of the answered message.
    pub(crate) fn attributes(self, in_reply_to: Option<&str>) -> String {
        let in_reply_to = in_reply_to.map(str::to_owned);
        serde_json::to_string(&Attributes { frontgate: self, in_reply_to }).expect("texts and numbers")
    }

    /// Reads the mark from a message's attributes, if this plugin sent it.
    pub(crate) fn of(attributes: &str) -> Option<Self> {
        serde_json::from_str::<Attributes>(attributes).ok().map(|attributes| attributes.frontgate)
    }
}
