//! Actions on conversations: from the contract's types to those that are stored.

use frontgate_contract::RequestedAction;
use frontgate_contract::bindings::actions;
use frontgate_twilio::action::{Action, ConversationState, ConversationUpdate, NewMessage, NewParticipant};

/// Converts a requested action.
pub fn convert(requested: RequestedAction) -> Action {
    match requested {
        RequestedAction::PostMessage(message) => Action::PostMessage(NewMessage {
            author: message.author,
            body: message.body,
            media_sid: message.media_sid,
            content_sid: message.content_sid,
            content_variables: message.content_variables.into_iter().collect(),
            attributes: message.attributes,
        }),
        RequestedAction::UpdateConversation(update) => Action::UpdateConversation(ConversationUpdate {
            friendly_name: update.friendly_name,
            unique_name: update.unique_name,
            attributes: update.attributes,
            state: update.state.map(state),
            inactive_after_seconds: update.inactive_after_seconds,
            closed_after_seconds: update.closed_after_seconds,
        }),
        RequestedAction::AddParticipant(participant) => Action::AddParticipant(NewParticipant {
            identity: participant.identity,
            address: participant.address,
            proxy_address: participant.proxy_address,
            projected_address: participant.projected_address,
            attributes: participant.attributes,
        }),
        RequestedAction::RemoveParticipant(participant) => Action::RemoveParticipant { participant },
        RequestedAction::Transfer { from, to } => Action::Transfer { from, to },
    }
}

fn state(state: actions::ConversationState) -> ConversationState {
    match state {
        actions::ConversationState::Active => ConversationState::Active,
        actions::ConversationState::Inactive => ConversationState::Inactive,
        actions::ConversationState::Closed => ConversationState::Closed,
    }
}
