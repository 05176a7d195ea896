//! Everything but messages to send: a channel's beginning and end, and what became of imports.

use serde_json::Value;

use super::{Unreadable, message, shape};

/// An admin connects a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// `cha_...`.
    pub channel_id: String,
}

impl Authorization {
    pub(super) fn read(raw: &Value) -> Result<Self, Unreadable> {
        let channel_id = shape::word(raw, "/payload/channel_id").ok_or(Unreadable::Missing("payload.channel_id"))?;
        Ok(Self { channel_id })
    }
}

/// Front wants a page of what can be connected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListAddresses {
    /// The token of our answer before. Where Front puts it is not documented: the likely places are
    /// looked at.
    pub page_token: Option<String>,
}

impl ListAddresses {
    pub(super) fn read(raw: &Value) -> Self {
        let names = ["page_token", "next_page_token", "pagination/page_token", "pagination/next_page_token"];
        let places = ["/payload", "/metadata", ""];
        let token = |place: &str| names.iter().find_map(|name| shape::word(raw, &format!("{place}/{name}")));
        Self { page_token: places.into_iter().find_map(token) }
    }
}

/// A message that we told Front of is now one of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// `msg_...`.
    pub message_id: Option<String>,
    /// What the answer to our import called it.
    pub message_uid: Option<String>,
    /// `cnv_...`.
    pub front_conversation_id: Option<String>,
    /// Our id of the message. Front documents the field, but not that it is in this request.
    pub external_id: Option<String>,
    /// All of our ids that the conversation has by now: several after a merge.
    pub conversation_ids: Vec<String>,
    /// Whether a customer wrote it.
    pub is_inbound: bool,
}

impl Imported {
    pub(super) fn read(raw: &Value) -> Self {
        Self {
            message_id: shape::word(raw, "/payload/id"),
            message_uid: shape::word(raw, "/payload/message_uid"),
            front_conversation_id: shape::linked(raw, "/payload/_links/related/conversation"),
            external_id: shape::word(raw, "/payload/metadata/external_id"),
            conversation_ids: message::conversation_ids(raw),
            is_inbound: shape::flag(raw, "/payload/is_inbound"),
        }
    }
}

/// The channel is removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delete {
    /// `cha_...`, if Front said so and signed it: then the address must be that channel's. Without it
    /// the address alone says which.
    pub channel_id: Option<String>,
}

impl Delete {
    pub(super) fn read(raw: &Value) -> Self {
        Self { channel_id: shape::word(raw, "/payload/channel_id") }
    }
}
