//! Functions of the conversations role.

use frontgate_contract::bindings::conversations::{
    ConversationAdd, ConversationRemove, ConversationUpdate, ConversationUpdateVerdict, ConversationVerdict,
    MessageAdd, MessageRemove, MessageUpdate, MessageVerdict, OtherEvent, ParticipantAdd, ParticipantAdded,
    ParticipantChanges, ParticipantRemove, ParticipantUpdate, UserUpdate, Verdict,
};

use super::{Call, invoke};
use crate::error::CallError;

impl Call<'_> {
    /// Decides about a new conversation.
    pub async fn on_conversation_add(self, event: ConversationAdd) -> Result<ConversationVerdict, CallError> {
        invoke!(self, conversations.call_on_conversation_add(&event))
    }

    /// Decides about a conversation's update.
    pub async fn on_conversation_update(
        self,
        event: ConversationUpdate,
    ) -> Result<ConversationUpdateVerdict, CallError> {
        invoke!(self, conversations.call_on_conversation_update(&event))
    }

    /// Decides about a conversation's removal.
    pub async fn on_conversation_remove(self, event: ConversationRemove) -> Result<Verdict, CallError> {
        invoke!(self, conversations.call_on_conversation_remove(&event))
    }

    /// Decides about a new participant.
    pub async fn on_participant_add(self, event: ParticipantAdd) -> Result<Verdict, CallError> {
        invoke!(self, conversations.call_on_participant_add(&event))
    }

    /// Decides about a participant's update.
    pub async fn on_participant_update(self, event: ParticipantUpdate) -> Result<Verdict, CallError> {
        invoke!(self, conversations.call_on_participant_update(&event))
    }

    /// Decides about a participant's removal.
    pub async fn on_participant_remove(self, event: ParticipantRemove) -> Result<Verdict, CallError> {
        invoke!(self, conversations.call_on_participant_remove(&event))
    }

    /// Returns attributes of a new participant.
    pub async fn on_participant_added(self, event: ParticipantAdded) -> Result<Option<ParticipantChanges>, CallError> {
        invoke!(self, conversations.call_on_participant_added(&event))
    }

    /// Decides about a new message.
    pub async fn on_message_add(self, event: MessageAdd) -> Result<MessageVerdict, CallError> {
        invoke!(self, conversations.call_on_message_add(&event))
    }

    /// Decides about a message's update.
    pub async fn on_message_update(self, event: MessageUpdate) -> Result<MessageVerdict, CallError> {
        invoke!(self, conversations.call_on_message_update(&event))
    }

    /// Decides about a message's removal.
    pub async fn on_message_remove(self, event: MessageRemove) -> Result<Verdict, CallError> {
        invoke!(self, conversations.call_on_message_remove(&event))
    }

    /// Decides about a user's update.
    pub async fn on_user_update(self, event: UserUpdate) -> Result<Verdict, CallError> {
        invoke!(self, conversations.call_on_user_update(&event))
    }

    /// Handles any other event.
    pub async fn on_event(self, event: OtherEvent) -> Result<(), CallError> {
        invoke!(self, conversations.call_on_event(&event))
    }
}
