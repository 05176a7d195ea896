//! Requests about the channel itself: setup, removal, and confirmation of imports.

use serde_json::Value;

use super::{Unreadable, message, shape};

/// A request of an admin to connect a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Front's id of the channel, `cha_...`.
    pub channel_id: String,
}

impl Authorization {
    pub(super) fn read(raw: &Value) -> Result<Self, Unreadable> {
        let channel_id = shape::word(raw, "/payload/channel_id").ok_or(Unreadable::Missing("payload.channel_id"))?;
        Ok(Self { channel_id })
    }
}

/// A request for a page of accounts that can be connected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListAddresses {
    /// The token in the gateway's previous page. Front does not document where it is sent, so likely fields are tried.
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

/// A notification that Front has imported a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Front's id of the message, `msg_...`.
    pub message_id: Option<String>,
    /// The `message_uid` in the response to the gateway's import.
    pub message_uid: Option<String>,
    /// Front's id of the conversation, `cnv_...`.
    pub front_conversation_id: Option<String>,
    /// The gateway's id of the message. Front documents the field, but not for this request.
    pub external_id: Option<String>,
    /// All ids that the gateway gave the conversation: several after a merge.
    pub conversation_ids: Vec<String>,
    /// Whether a customer wrote the message.
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

/// A notification that the channel is removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delete {
    /// Front's id, `cha_...`, if the signed body has it: the address must then be that of this channel. Otherwise the
    /// address alone identifies the channel.
    pub channel_id: Option<String>,
}

impl Delete {
    pub(super) fn read(raw: &Value) -> Self {
        Self { channel_id: shape::word(raw, "/payload/channel_id") }
    }
}
