//! Messages, their files, and their delivery receipts.

use std::time::SystemTime;

use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::twilio::clock::rest_time;
use crate::twilio::model::{Conversation, Participant};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `IM...`
    pub sid: String,
    /// An address, an identity, or any text that a REST client sets. Default: `system`.
    pub author: String,
    /// The text. Empty if the message has only files.
    pub body: String,
    /// The attributes: JSON, which the API represents as a string.
    pub attributes: Value,
    /// The files in order. The REST API accepts one per message.
    pub media: Vec<Media>,
    /// The template that the message was sent from, `HX...`.
    pub content_sid: Option<String>,
    /// Delivery receipts: one for each participant that has an address and a reported status.
    pub receipts: Vec<Receipt>,
    pub(crate) index: usize,
    pub(crate) participant_sid: Option<String>,
    pub(crate) date_created: SystemTime,
    pub(crate) date_updated: SystemTime,
}

/// The metadata of a file in the Media Content Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// `ME...`
    pub sid: String,
    /// The file name. Some carriers omit it.
    pub filename: Option<String>,
    /// The media type, such as `image/png`.
    pub content_type: String,
    /// The size in bytes.
    pub size: usize,
    /// The SHA-256 of the bytes, in hexadecimal digits.
    pub sha256: String,
}

/// A stored file.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) media: Media,
    /// The bytes, shared by all copies of the world.
    pub(crate) content: Bytes,
    /// The signature in the temporary URL.
    pub(crate) secret: String,
    pub(crate) date_created: SystemTime,
}

/// The delivery of a message to one participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// `DY...`
    pub sid: String,
    /// `MB...`
    pub participant_sid: String,
    /// The latest status.
    pub status: DeliveryStatus,
    /// The error code, or 0.
    pub error_code: u32,
    pub(crate) channel_message_sid: String,
    pub(crate) date_created: SystemTime,
    pub(crate) date_updated: SystemTime,
}

/// A delivery status as carriers report it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// The carrier accepted the message.
    Sent,
    /// The customer's phone received the message.
    Delivered,
    /// The customer read the message.
    Read,
    /// The carrier failed to deliver the message.
    Undelivered,
    /// Twilio failed to send the message.
    Failed,
}

impl DeliveryStatus {
    const ALL: [Self; 5] = [Self::Sent, Self::Delivered, Self::Read, Self::Undelivered, Self::Failed];

    /// Returns the name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
        }
    }

    /// Returns the status with a name in the API.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Returns whether a message with this status has had the other status before.
    fn has_been(self, earlier: Self) -> bool {
        match earlier {
            Self::Sent => self != Self::Failed,
            Self::Delivered => matches!(self, Self::Delivered | Self::Read),
            _ => self == earlier,
        }
    }
}

impl Media {
    pub(crate) fn json(&self) -> Value {
        json!({
            "category": "media",
            "sid": self.sid,
            "size": self.size,
            "content_type": self.content_type,
            "filename": self.filename,
        })
    }
}

impl Stored {
    /// Returns the JSON of the file. `path` is the path of the resource.
    pub(crate) fn json(&self, account_sid: &str, service_sid: &str, storage_url: &str, path: &str) -> Value {
        let Media { sid, filename, content_type, size, .. } = &self.media;
        json!({
            "sid": sid,
            "account_sid": account_sid,
            "service_sid": service_sid,
            "date_created": rest_time(self.date_created),
            "date_updated": rest_time(self.date_created),
            "channel_sid": null,
            "message_sid": null,
            "size": size,
            "content_type": content_type,
            "filename": filename,
            "author": "sender",
            "url": path,
            // As in captured traffic, the first URL has no host and the second has another host.
            "links": { "content": format!("{path}/Content"), "content_direct_temporary": self.temporary_url(storage_url) },
        })
    }

    pub(crate) fn temporary_url(&self, storage_url: &str) -> String {
        format!("{storage_url}/temporary/{}?Expires=4102444800&Signature={}", self.media.sid, self.secret)
    }
}

impl Receipt {
    pub(crate) fn json(&self, place: &Place<'_>, message_sid: &str) -> Value {
        json!({
            "account_sid": place.account_sid,
            "conversation_sid": place.conversation_sid,
            "sid": self.sid,
            "message_sid": message_sid,
            "channel_message_sid": self.channel_message_sid,
            "participant_sid": self.participant_sid,
            "status": self.status.name(),
            "error_code": self.error_code,
            "date_created": rest_time(self.date_created),
            "date_updated": rest_time(self.date_updated),
            "url": format!("{}/Messages/{message_sid}/Receipts/{}", place.url, self.sid),
        })
    }
}

/// The resource path of a message.
pub(crate) struct Place<'p> {
    pub(crate) account_sid: &'p str,
    pub(crate) conversation_sid: &'p str,
    /// The URL of the conversation.
    pub(crate) url: String,
}

impl Message {
    pub(crate) fn json(&self, place: &Place<'_>) -> Value {
        let url = format!("{}/Messages/{}", place.url, self.sid);
        json!({
            "account_sid": place.account_sid,
            "conversation_sid": place.conversation_sid,
            "sid": self.sid,
            "index": self.index,
            "author": self.author,
            "body": (!self.body.is_empty()).then_some(&self.body),
            "media": (!self.media.is_empty()).then(|| self.media.iter().map(Media::json).collect::<Vec<_>>()),
            "attributes": self.attributes.to_string(),
            "participant_sid": self.participant_sid,
            "date_created": rest_time(self.date_created),
            "date_updated": rest_time(self.date_updated),
            "delivery": self.delivery(),
            "content_sid": self.content_sid,
            "url": url,
            "links": {
                "delivery_receipts": format!("{url}/Receipts"),
                "channel_metadata": format!("{url}/ChannelMetadata"),
            },
        })
    }

    /// Returns for each status whether `all`, `some` or `none` of the participants with an address reached it.
    fn delivery(&self) -> Value {
        if self.receipts.is_empty() {
            return Value::Null;
        }
        let total = self.receipts.len();
        let mut summary = json!({ "total": total });
        for status in DeliveryStatus::ALL {
            let been = self.receipts.iter().filter(|receipt| receipt.status.has_been(status)).count();
            summary[status.name()] = if been == total {
                "all"
            } else if been > 0 {
                "some"
            } else {
                "none"
            }
            .into();
        }
        summary
    }

    /// Returns the recipients: all participants with an address, except the author.
    pub(crate) fn readers<'c>(&self, conversation: &'c Conversation) -> Vec<&'c Participant> {
        let reads = |participant: &&Participant| participant.address.as_ref().is_some_and(|own| *own != self.author);
        conversation.participants.iter().filter(reads).collect()
    }
}
