//! Encodes plugins' decisions: the keys that Twilio accepts in the response to a pre-event, and attributes.
//!
//! A rejection is an error, so that the response gets a status that stops the event.

use frontgate_contract::bindings::conversations::{
    ConversationAdd, ConversationChanges, ConversationUpdateVerdict, ConversationVerdict, MessageChanges,
    MessageVerdict, ParticipantChanges, Verdict,
};
use frontgate_twilio::attributes;
use frontgate_twilio::attributes::Present;
use serde_json::{Map, Value};

use super::super::error::EncodeError;
use super::super::{CallbackResponse, json, sanitize};
use super::unchanged;

/// Encodes the decision about an event that cannot be changed.
pub fn verdict(verdict: Verdict) -> Result<CallbackResponse, EncodeError> {
    match verdict {
        Verdict::Accept => Ok(unchanged()),
        Verdict::Reject(reason) => Err(EncodeError::Rejected(reason)),
    }
}

/// Encodes the decision about a new conversation.
pub fn conversation(verdict: ConversationVerdict, event: &ConversationAdd) -> Result<CallbackResponse, EncodeError> {
    match verdict {
        ConversationVerdict::Accept => Ok(unchanged()),
        ConversationVerdict::Change(changes) => Ok(conversation_changes(&changes, &event.attributes)),
        ConversationVerdict::Reject(reason) => Err(EncodeError::Rejected(reason)),
    }
}

/// Encodes the changes to a new conversation.
fn conversation_changes(changes: &ConversationChanges, present: &str) -> CallbackResponse {
    let mut fields = Map::new();
    let mut left_out = 0;
    if let Some(name) = friendly_name(changes.friendly_name.as_deref()) {
        fields.insert("friendly_name".to_owned(), name.into());
    }
    let avatar = changes.avatar.as_deref().filter(|url| sanitize::is_avatar_url(url));
    left_out += usize::from(changes.avatar.is_some() && avatar.is_none());
    if !fields.is_empty() || avatar.is_some() {
        match conversation_attributes(present, avatar) {
            Ok(merged) => drop(fields.insert("attributes".to_owned(), merged.text.into())),
            Err(_) => left_out += usize::from(avatar.is_some()),
        }
    }
    CallbackResponse { body: json(&fields), left_out, shortened: false }
}

fn friendly_name(name: Option<&str>) -> Option<String> {
    name.map(sanitize::one_line).filter(|name| !name.is_empty()).map(String::from)
}

fn conversation_attributes(present: &str, avatar: Option<&str>) -> Result<attributes::Merged, &'static str> {
    attributes::merge(present, &[("avatar", avatar)], Present::Keep, attributes::CONVERSATION_BYTES_MAX)
}

/// Returns the name and, if they change, the attributes of a conversation that is named after it was created; `None`
/// if the changes have no name.
pub fn named_conversation(changes: &ConversationChanges, present: &str) -> Option<(String, Option<String>)> {
    let name = friendly_name(changes.friendly_name.as_deref())?;
    let avatar = changes.avatar.as_deref().filter(|url| sanitize::is_avatar_url(url));
    let merged = conversation_attributes(present, avatar).ok().filter(|merged| merged.changed);
    Some((name, merged.map(|merged| merged.text)))
}

/// Encodes the decision about a conversation's update. Twilio accepts a name only.
pub fn conversation_update(verdict: ConversationUpdateVerdict) -> Result<CallbackResponse, EncodeError> {
    let changes = match verdict {
        ConversationUpdateVerdict::Accept => return Ok(unchanged()),
        ConversationUpdateVerdict::Change(changes) => changes,
        ConversationUpdateVerdict::Reject(reason) => return Err(EncodeError::Rejected(reason)),
    };
    let name = friendly_name(changes.friendly_name.as_deref());
    let left_out = usize::from(changes.friendly_name.is_some() && name.is_none());
    let fields: Map<String, Value> = name.map(|name| ("friendly_name".to_owned(), name.into())).into_iter().collect();
    Ok(CallbackResponse { body: json(&fields), left_out, shortened: false })
}

/// Encodes the decision about a new message, or about the update of a message.
pub fn message(verdict: MessageVerdict) -> Result<CallbackResponse, EncodeError> {
    match verdict {
        MessageVerdict::Accept => Ok(unchanged()),
        MessageVerdict::Change(changes) => Ok(message_changes(&changes)),
        MessageVerdict::Reject(reason) => Err(EncodeError::Rejected(reason)),
    }
}

fn message_changes(changes: &MessageChanges) -> CallbackResponse {
    let mut fields = Map::new();
    let mut left_out = 0;
    for (name, value) in [("body", &changes.body), ("author", &changes.author)] {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value.as_str().into());
        }
    }
    if let Some(attributes) = &changes.attributes {
        match serde_json::from_str::<Map<String, Value>>(attributes) {
            Ok(_) => drop(fields.insert("attributes".to_owned(), attributes.as_str().into())),
            Err(_) => left_out += 1,
        }
    }
    CallbackResponse { body: json(&fields), left_out, shortened: false }
}

/// Adds the customer to a participant's attributes; returns `None` if the attributes already have the customer.
pub fn participant_attributes(present: &str, changes: &ParticipantChanges) -> Result<Option<String>, &'static str> {
    let name = changes.display_name.as_deref().map(sanitize::one_line);
    let additions = [
        ("customer_id", Some(changes.customer_id.as_str())),
        ("display_name", name.as_deref()),
        ("avatar", changes.avatar.as_deref().filter(|url| sanitize::is_avatar_url(url))),
    ];
    let kept = if changes.overwrite { Present::Overwrite } else { Present::Keep };
    let merged = attributes::merge(present, &additions, kept, attributes::PARTICIPANT_BYTES_MAX)?;
    Ok(merged.changed.then_some(merged.text))
}
