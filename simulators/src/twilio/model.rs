//! Conversations and their participants.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::twilio::addresses::ScopedWebhook;
use crate::twilio::clock::rest_time;
use crate::twilio::message::{Message, Place};

/// The state of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationState {
    /// A new group MMS. Rejects every write.
    Initializing,
    /// Open, without a recent message.
    Inactive,
    /// Open.
    Active,
    /// Closed permanently.
    Closed,
}

impl ConversationState {
    /// Returns the name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Inactive => "inactive",
            Self::Active => "active",
            Self::Closed => "closed",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Initializing, Self::Inactive, Self::Active, Self::Closed].into_iter().find(|state| state.name() == name)
    }
}

/// A conversation.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// `CH...`
    pub sid: String,
    /// The name that the app shows.
    pub friendly_name: Option<String>,
    /// A second key of the conversation, chosen at creation.
    pub unique_name: Option<String>,
    /// The attributes: JSON, which the API represents as a string.
    pub attributes: Value,
    /// The state.
    pub state: ConversationState,
    /// The participants, oldest first.
    pub participants: Vec<Participant>,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    pub(crate) webhooks: Vec<ScopedWebhook>,
    pub(crate) messaging_service_sid: String,
    /// The company's number in a group MMS.
    pub(crate) business_number: Option<String>,
    /// The number of writes that are rejected before the conversation becomes active.
    pub(crate) refusals_left: Option<u32>,
    /// The index of the next message. Twilio never reuses the index of a removed one.
    pub(crate) next_index: usize,
    pub(crate) timers: Value,
    pub(crate) date_created: SystemTime,
    pub(crate) date_updated: SystemTime,
}

impl Conversation {
    /// Finds a participant by `MB...`, identity or address.
    pub fn participant(&self, name: &str) -> Option<&Participant> {
        let named = |participant: &&Participant| {
            let names = [Some(&participant.sid), participant.identity.as_ref(), participant.address.as_ref()];
            names.into_iter().flatten().any(|known| known == name)
        };
        self.participants.iter().find(named)
    }

    /// Returns the identities in the conversation, in order of arrival.
    pub fn workers(&self) -> Vec<&str> {
        self.participants.iter().filter_map(|participant| participant.identity.as_deref()).collect()
    }

    /// Returns true if the conversation has more than one customer.
    pub fn is_group(&self) -> bool {
        self.participants.iter().filter(|participant| participant.address.is_some()).count() > 1
    }

    pub(crate) fn message(&self, sid: &str) -> Option<&Message> {
        self.messages.iter().find(|message| message.sid == sid)
    }

    /// Returns the resource path of the conversation's messages.
    pub(crate) fn place<'p>(&'p self, account_sid: &'p str, base: &str) -> Place<'p> {
        let url = format!("{base}/Conversations/{}", self.sid);
        Place { account_sid, conversation_sid: &self.sid, url }
    }

    pub(crate) fn json(&self, account_sid: &str, service_sid: &str, base: &str) -> Value {
        let url = format!("{base}/Conversations/{}", self.sid);
        json!({
            "account_sid": account_sid,
            "chat_service_sid": service_sid,
            "messaging_service_sid": self.messaging_service_sid,
            "sid": self.sid,
            "friendly_name": self.friendly_name,
            "unique_name": self.unique_name,
            "attributes": self.attributes.to_string(),
            "state": self.state.name(),
            "date_created": rest_time(self.date_created),
            "date_updated": rest_time(self.date_updated),
            "timers": self.timers,
            "bindings": null,
            "url": url,
            "links": {
                "participants": format!("{url}/Participants"),
                "messages": format!("{url}/Messages"),
                "webhooks": format!("{url}/Webhooks"),
            },
        })
    }
}

/// Returns the kind of an address.
pub(crate) fn kind(address: &str) -> &'static str {
    ["whatsapp", "messenger", "rcs"].into_iter().find(|kind| address.starts_with(&format!("{kind}:"))).unwrap_or("sms")
}

/// A participant. A worker has an identity, a customer has an address, and the company's number in a group MMS has only
/// a projected address.
#[derive(Debug, Clone)]
pub struct Participant {
    /// `MB...`
    pub sid: String,
    /// The identity of a worker.
    pub identity: Option<String>,
    /// The customer's number.
    pub address: Option<String>,
    /// The company's number to which the customer writes.
    pub proxy_address: Option<String>,
    /// The company's number that represents a worker in a group MMS.
    pub projected_address: Option<String>,
    /// The attributes: JSON, which the API represents as a string.
    pub attributes: Value,
    pub(crate) role_sid: String,
    pub(crate) last_read_message_index: Option<i64>,
    pub(crate) last_read_timestamp: Option<String>,
    pub(crate) date_created: SystemTime,
    pub(crate) date_updated: SystemTime,
}

impl Participant {
    /// Returns the kind of the address, or `chat` for a worker without a number.
    pub(crate) fn kind(&self) -> &'static str {
        self.address.as_deref().or(self.projected_address.as_deref()).map_or("chat", kind)
    }

    pub(crate) fn binding(&self) -> Value {
        if self.address.is_none() && self.projected_address.is_none() {
            return Value::Null;
        }
        json!({
            "type": self.kind(),
            "address": self.address,
            "proxy_address": self.proxy_address,
            "projected_address": self.projected_address,
        })
    }

    pub(crate) fn json(&self, account_sid: &str, conversation_sid: &str, base: &str) -> Value {
        json!({
            "account_sid": account_sid,
            "conversation_sid": conversation_sid,
            "sid": self.sid,
            "identity": self.identity,
            "attributes": self.attributes.to_string(),
            "messaging_binding": self.binding(),
            "role_sid": self.role_sid,
            "date_created": rest_time(self.date_created),
            "date_updated": rest_time(self.date_updated),
            "url": format!("{base}/Conversations/{conversation_sid}/Participants/{}", self.sid),
            "last_read_message_index": self.last_read_message_index,
            "last_read_timestamp": self.last_read_timestamp,
        })
    }
}
