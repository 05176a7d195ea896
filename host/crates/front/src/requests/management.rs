//! Requests about the channel itself: setup, removal, and confirmation of imports.

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

/// Front asks for a page of accounts that can be connected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListAddresses {
    /// The token of our previous page. Front does not document its place, so that the likely ones are tried.
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

/// Front has imported a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// `msg_...`.
    pub message_id: Option<String>,
    /// The `message_uid` in the response to our import.
    pub message_uid: Option<String>,
    /// `cnv_...`.
    pub front_conversation_id: Option<String>,
    /// Our id of the message. Front documents the field, but not for this request.
    pub external_id: Option<String>,
    /// All our ids of the conversation: several after a merge.
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
    /// `cha_...`, if it is part of the signed body: then the address must be that channel's. Otherwise the address alone
    /// identifies the channel.
    pub channel_id: Option<String>,
}

impl Delete {
    pub(super) fn read(raw: &Value) -> Self {
        Self { channel_id: shape::word(raw, "/payload/channel_id") }
    }
}
