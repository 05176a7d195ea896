//! Actions on conversations: recorded for the test.

use std::cell::RefCell;

use crate::actions::Action;
use crate::bindings::actions::{ActionError, ConversationUpdate, NewMessage, NewParticipant};

thread_local! {
    static ACCEPTED: RefCell<Vec<(String, Action)>> = const { RefCell::new(Vec::new()) };
}

/// Returns the accepted actions with their conversations, and forgets them.
pub(crate) fn take() -> Vec<(String, Action)> {
    ACCEPTED.take()
}

pub(crate) fn post_message(conversation: &str, message: &NewMessage) -> Result<(), ActionError> {
    accept(conversation, Action::PostMessage(message.clone()))
}

pub(crate) fn update_conversation(conversation: &str, changes: &ConversationUpdate) -> Result<(), ActionError> {
    accept(conversation, Action::UpdateConversation(changes.clone()))
}

pub(crate) fn add_participant(conversation: &str, participant: &NewParticipant) -> Result<(), ActionError> {
    accept(conversation, Action::AddParticipant(participant.clone()))
}

pub(crate) fn remove_participant(conversation: &str, participant: &str) -> Result<(), ActionError> {
    accept(conversation, Action::RemoveParticipant(participant.to_owned()))
}

pub(crate) fn transfer(conversation: &str, from: &str, to: &str) -> Result<(), ActionError> {
    accept(conversation, Action::Transfer(from.to_owned(), to.to_owned()))
}

fn accept(conversation: &str, action: Action) -> Result<(), ActionError> {
    ACCEPTED.with_borrow_mut(|accepted| accepted.push((conversation.to_owned(), action)));
    Ok(())
}
