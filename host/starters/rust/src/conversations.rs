//! Role `conversations`: what happens in Twilio's conversations. The SDK answers what is left out here as the
//! gateway does without a plugin.

use frontgate_sdk::{
    ConversationAdd, ConversationChanges, Conversations, MessageAdd, MessageVerdict, OtherEvent, ParticipantAdded,
    ParticipantChanges, Result, debug,
};

use crate::{Plugin, customers};

impl Conversations for Plugin {
    fn on_conversation_add(event: ConversationAdd) -> Result<ConversationChanges> {
        let customer = event.addresses.iter().find_map(|address| customers::by_address(address));
        Ok(match customer {
            Some(customer) => {
                ConversationChanges { friendly_name: Some(customer.display_name), avatar: customer.avatar }
            }
            None => ConversationChanges { friendly_name: None, avatar: None },
        })
    }

    fn on_participant_added(event: ParticipantAdded) -> Result<Option<ParticipantChanges>> {
        let customer = event.address.and_then(|address| customers::by_address(&address));
        Ok(customer.map(|customer| ParticipantChanges {
            customer_id: customer.customer_id,
            display_name: Some(customer.display_name),
            avatar: customer.avatar,
        }))
    }

    fn on_message_add(_: MessageAdd) -> Result<MessageVerdict> {
        // Or `MessageVerdict::Change`, or `MessageVerdict::reject("why")`.
        Ok(MessageVerdict::Accept)
    }

    fn on_event(event: OtherEvent) -> Result<()> {
        // Names, numbers and texts of customers do not belong into a log.
        debug!("{} took place", event.event_type);
        Ok(())
    }
}
