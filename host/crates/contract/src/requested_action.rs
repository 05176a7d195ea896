//! A call of the interface `actions`, as a value.

use crate::bindings::actions::{ConversationUpdate, NewMessage, NewParticipant};

/// A change to a conversation that a plugin asks for.
#[derive(Debug, Clone)]
pub enum RequestedAction {
    /// `post-message`.
    PostMessage(NewMessage),
    /// `update-conversation`.
    UpdateConversation(ConversationUpdate),
    /// `add-participant`.
    AddParticipant(NewParticipant),
    /// `remove-participant`, with SID or identity.
    RemoveParticipant(String),
    /// `transfer`.
    Transfer {
        /// Identity of the worker to remove.
        from: String,
        /// Identity of the worker to add.
        to: String,
    },
}
