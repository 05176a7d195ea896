//! The questions of the conversations role.

use frontgate_contract::bindings::conversations::{
    ConversationAdd, ConversationChanges, MessageAdd, MessageVerdict, OtherEvent, ParticipantAdded, ParticipantChanges,
};

use super::{Call, ask};
use crate::error::CallError;

impl Call<'_> {
    /// How a conversation shall look.
    pub async fn on_conversation_add(self, event: ConversationAdd) -> Result<ConversationChanges, CallError> {
        ask!(self, conversations.call_on_conversation_add(&event))
    }

    /// What a participant's attributes shall say.
    pub async fn on_participant_added(self, event: ParticipantAdded) -> Result<Option<ParticipantChanges>, CallError> {
        ask!(self, conversations.call_on_participant_added(&event))
    }

    /// Whether a message may pass.
    pub async fn on_message_add(self, event: MessageAdd) -> Result<MessageVerdict, CallError> {
        ask!(self, conversations.call_on_message_add(&event))
    }

    /// Hands over any other event.
    pub async fn on_event(self, event: OtherEvent) -> Result<(), CallError> {
        ask!(self, conversations.call_on_event(&event))
    }
}
