//! `actions`: changes to conversations, accepted when the call succeeds.

use std::sync::Arc;

use frontgate_contract::RequestedAction;
use frontgate_contract::bindings::actions::{ActionError, ConversationUpdate, Host, NewMessage, NewParticipant};
use wasmtime::component::HasData;

use crate::actions::{ActionQueue, CheckedAction};

/// Host side of the import `actions` for one call.
pub(crate) struct ActionsHost<'a> {
    /// Whether the operator granted actions.
    pub(crate) is_granted: bool,
    /// `None` during a trial start, which has no tenant.
    pub(crate) queue: Option<&'a Arc<dyn ActionQueue>>,
    /// Maximum number of actions of a call.
    pub(crate) most: usize,
    /// Actions of the call so far.
    pub(crate) actions: &'a mut Vec<CheckedAction>,
}

impl HasData for ActionsHost<'static> {
    type Data<'a> = ActionsHost<'a>;
}

impl Host for ActionsHost<'_> {
    fn post_message(&mut self, conversation: String, message: NewMessage) -> Result<(), ActionError> {
        self.add(conversation, RequestedAction::PostMessage(message))
    }

    fn update_conversation(&mut self, conversation: String, changes: ConversationUpdate) -> Result<(), ActionError> {
        self.add(conversation, RequestedAction::UpdateConversation(changes))
    }

    fn add_participant(&mut self, conversation: String, participant: NewParticipant) -> Result<(), ActionError> {
        self.add(conversation, RequestedAction::AddParticipant(participant))
    }

    fn remove_participant(&mut self, conversation: String, participant: String) -> Result<(), ActionError> {
        self.add(conversation, RequestedAction::RemoveParticipant(participant))
    }

    fn transfer(&mut self, conversation: String, from: String, to: String) -> Result<(), ActionError> {
        self.add(conversation, RequestedAction::Transfer { from, to })
    }
}

impl ActionsHost<'_> {
    fn add(&mut self, conversation: String, action: RequestedAction) -> Result<(), ActionError> {
        if !self.is_granted {
            return Err(ActionError::NotGranted);
        }
        let queue = self.queue.ok_or(ActionError::Unavailable)?;
        if self.actions.len() >= self.most {
            return Err(ActionError::TooMany);
        }
        self.actions.push(queue.check(conversation, action).map_err(ActionError::Invalid)?);
        Ok(())
    }
}
