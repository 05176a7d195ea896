//! Functions of the conversations role.

use frontgate_contract::bindings::conversations::{
    ConversationAdd, ConversationChanges, MessageAdd, MessageVerdict, OtherEvent, ParticipantAdded, ParticipantChanges,
};

use super::{Call, invoke};
use crate::error::CallError;

impl Call<'_> {
    /// Returns name and avatar of a new conversation.
    pub async fn on_conversation_add(self, event: ConversationAdd) -> Result<ConversationChanges, CallError> {
        invoke!(self, conversations.call_on_conversation_add(&event))
    }

    /// Returns attributes of a new participant.
    pub async fn on_participant_added(self, event: ParticipantAdded) -> Result<Option<ParticipantChanges>, CallError> {
        invoke!(self, conversations.call_on_participant_added(&event))
    }

    /// Accepts, changes or rejects a message.
    pub async fn on_message_add(self, event: MessageAdd) -> Result<MessageVerdict, CallError> {
        invoke!(self, conversations.call_on_message_add(&event))
    }

    /// Handles any other event.
    pub async fn on_event(self, event: OtherEvent) -> Result<(), CallError> {
        invoke!(self, conversations.call_on_event(&event))
    }
}
