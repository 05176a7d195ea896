//! Webhooks of Twilio Conversations: before an event (`onMessageAdd`), and after it (`onMessageAdded`).

mod decode;
mod encode;

use frontgate_contract::bindings::conversations::{
    ConversationAdd, ConversationRemove, ConversationUpdate, MessageAdd, MessageRemove, MessageUpdate, OtherEvent,
    ParticipantAdd, ParticipantAdded, ParticipantRemove, ParticipantUpdate, UserUpdate,
};
use frontgate_twilio::form::Form;
use frontgate_twilio::number::is_e164;

pub use self::decode::decode;
pub use self::encode::{
    conversation, conversation_update, message, named_conversation, participant_attributes, verdict,
};
use super::CallbackResponse;

/// Name of the field that differs when Twilio sends an event again.
pub const RETRY_COUNT: &str = "RetryCount";

/// A decoded webhook.
#[derive(Debug)]
pub enum Event {
    /// `onConversationAdd`, which the gateway answers even without a plugin.
    ConversationAdd(ConversationAdd),
    /// Any other event that Twilio asks about before it acts.
    Pre(PreEvent),
    /// `onParticipantAdded`.
    ParticipantAdded(ParticipantAdded),
    /// Any other event.
    Other(OtherEvent),
}

/// An event that Twilio asks about before it acts, and that only a plugin answers.
#[derive(Debug)]
pub enum PreEvent {
    /// `onConversationUpdate`.
    ConversationUpdate(ConversationUpdate),
    /// `onConversationRemove`.
    ConversationRemove(ConversationRemove),
    /// `onParticipantAdd`.
    ParticipantAdd(ParticipantAdd),
    /// `onParticipantUpdate`.
    ParticipantUpdate(ParticipantUpdate),
    /// `onParticipantRemove`.
    ParticipantRemove(ParticipantRemove),
    /// `onMessageAdd`.
    MessageAdd(MessageAdd),
    /// `onMessageUpdate`.
    MessageUpdate(MessageUpdate),
    /// `onMessageRemove`.
    MessageRemove(MessageRemove),
    /// `onUserUpdate`.
    UserUpdate(UserUpdate),
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

/// Returns whether a conversation has a name. An address is not a name: it is shown until one is known.
pub fn is_named(friendly_name: Option<&str>) -> bool {
    let name = friendly_name.unwrap_or_default().trim();
    !name.is_empty() && !is_e164(name.strip_prefix("whatsapp:").unwrap_or(name))
}

/// Returns whether a webhook reports a new conversation of a customer that has no name.
pub fn begins_unnamed(form: &Form<'_>) -> bool {
    let names_address = ["MessagingBinding.Address", "MessagingBinding.AuthorAddress"];
    form.get("EventType") == Some("onConversationAdded")
        && names_address.iter().any(|name| form.get(name).is_some())
        && !is_named(form.get("FriendlyName"))
}

/// Returns the response that changes nothing.
pub fn unchanged() -> CallbackResponse {
    CallbackResponse::whole(b"{}".to_vec())
}
