//! Webhooks of Twilio Conversations: before an event (`onMessageAdd`), and after it (`onMessageAdded`).

use frontgate_contract::bindings::conversations::{
    ConversationAdd, ConversationChanges, MessageAdd, MessageChanges, MessageVerdict, OtherEvent, ParticipantAdded,
    ParticipantChanges,
};
use frontgate_twilio::attributes;
use frontgate_twilio::form::Form;
use serde_json::{Map, Value};

use super::error::{DecodeError, EncodeError};
use super::{CallbackResponse, conversation_sid, people, required, sanitize, sid};

/// Name of the field that differs when Twilio sends an event again.
pub const RETRY_COUNT: &str = "RetryCount";

/// A decoded webhook.
#[derive(Debug)]
pub enum Event {
    /// `onConversationAdd`.
    ConversationAdd(ConversationAdd),
    /// `onMessageAdd`.
    MessageAdd(MessageAdd),
    /// `onParticipantAdded` for a customer.
    ParticipantAdded(ParticipantAdded),
    /// Any other event.
    Other(OtherEvent),
}

/// The moment of a webhook: before or after its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the event; an error response stops the event.
    Before,
    /// After the event; the response has no effect.
    After,
}

/// Returns the moment of a webhook. An unknown event is treated as [`Moment::Before`].
pub fn moment(form: &Form<'_>) -> Moment {
    match form.get("EventType") {
        Some(event) if event.ends_with("ed") => Moment::After,
        _ => Moment::Before,
    }
}

/// Decodes a webhook. `numbers` are the tenant's own numbers.
pub fn decode(form: &Form<'_>, numbers: &[String]) -> Result<Event, DecodeError> {
    let text = |name| form.get(name).map(str::to_owned);
    let attributes = || text("Attributes").unwrap_or_else(|| "{}".to_owned());
    Ok(match form.get("EventType").unwrap_or_default() {
        "onConversationAdd" => {
            let people = people(form, numbers);
            Event::ConversationAdd(ConversationAdd {
                addresses: people.customers,
                proxy_address: people.own,
                author: people.author,
                message_body: text("MessageBody"),
                attributes: attributes(),
            })
        }
        "onMessageAdd" => Event::MessageAdd(MessageAdd {
            conversation_sid: conversation_sid(form)?,
            author: text("Author").unwrap_or_default(),
            body: text("Body").unwrap_or_default(),
            attributes: attributes(),
        }),
        // A worker has an identity; a customer has an address.
        "onParticipantAdded" if form.get("Identity").is_none() && form.get("MessagingBinding.Address").is_some() => {
            Event::ParticipantAdded(ParticipantAdded {
                conversation_sid: conversation_sid(form)?,
                participant_sid: sid(required(form, "ParticipantSid")?, "MB", "ParticipantSid")?,
                address: text("MessagingBinding.Address"),
                proxy_address: text("MessagingBinding.ProxyAddress"),
                attributes: attributes(),
            })
        }
        event_type => Event::Other(OtherEvent {
            event_type: event_type.to_owned(),
            fields: form.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }),
    })
}

/// Returns Twilio's name of the event.
pub fn name<'f>(form: &'f Form<'_>) -> &'f str {
    form.get("EventType").unwrap_or("unknown")
}

/// Returns the identity of an event, which stays the same when Twilio repeats the event with another `RetryCount`.
///
/// An event that adds or removes an object is identified by the object's SID, every other event by all its fields. The
/// idempotency token is not signed, so it is not part of the identity.
pub fn identity(form: &Form<'_>) -> String {
    let event = name(form);
    let subject = match (moment(form), event) {
        (Moment::Before, _) => "",
        (Moment::After, event) => subject(event),
    };
    match form.get(subject) {
        Some(subject) => format!("{event} {subject}"),
        None => format!("{event} {}", form.digest_without(RETRY_COUNT)),
    }
}

/// Returns the name of the field with the SID of the object that was added or removed.
fn subject(event: &str) -> &'static str {
    match event {
        "onConversationAdded" | "onConversationRemoved" => "ConversationSid",
        "onParticipantAdded" | "onParticipantRemoved" => "ParticipantSid",
        "onMessageAdded" | "onMessageRemoved" => "MessageSid",
        "onUserAdded" => "UserSid",
        _ => "",
    }
}

/// Returns the response that changes nothing.
pub fn unchanged() -> CallbackResponse {
    CallbackResponse::whole(b"{}".to_vec())
}

/// Encodes the changes to a new conversation.
pub fn encode_conversation(changes: &ConversationChanges, event: &ConversationAdd) -> CallbackResponse {
    let mut fields = Map::new();
    let mut left_out = 0;
    if let Some(name) = changes.friendly_name.as_deref().map(sanitize::one_line).filter(|name| !name.is_empty()) {
        fields.insert("friendly_name".to_owned(), name.into());
    }
    let avatar = changes.avatar.as_deref().filter(|url| sanitize::is_avatar_url(url));
    left_out += usize::from(changes.avatar.is_some() && avatar.is_none());
    if !fields.is_empty() || avatar.is_some() {
        match attributes::merge(&event.attributes, &[("avatar", avatar)], attributes::CONVERSATION_BYTES_MAX) {
            Ok(merged) => drop(fields.insert("attributes".to_owned(), merged.text.into())),
            Err(_) => left_out += usize::from(avatar.is_some()),
        }
    }
    CallbackResponse { body: super::json(&fields), left_out, shortened: false }
}

/// Encodes the changes to a message.
fn encode_message(changes: &MessageChanges) -> CallbackResponse {
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
    CallbackResponse { body: super::json(&fields), left_out, shortened: false }
}

/// Encodes a plugin's decision about a message; a rejection is an error.
pub fn encode_verdict(verdict: MessageVerdict) -> Result<CallbackResponse, EncodeError> {
    match verdict {
        MessageVerdict::Accept => Ok(unchanged()),
        MessageVerdict::Change(changes) => Ok(encode_message(&changes)),
        MessageVerdict::Reject(reason) => Err(EncodeError::Rejected(reason)),
    }
}

/// Adds the customer to a participant's attributes; returns `None` if the attributes already have the customer.
pub fn participant_attributes(present: &str, changes: &ParticipantChanges) -> Result<Option<String>, &'static str> {
    let name = changes.display_name.as_deref().map(sanitize::one_line);
    let additions = [
        ("customer_id", Some(changes.customer_id.as_str())),
        ("display_name", name.as_deref()),
        ("avatar", changes.avatar.as_deref().filter(|url| sanitize::is_avatar_url(url))),
    ];
    let merged = attributes::merge(present, &additions, attributes::PARTICIPANT_BYTES_MAX)?;
    Ok(merged.changed.then_some(merged.text))
}
