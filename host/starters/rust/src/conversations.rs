//! Role `conversations`: events of Twilio's conversations. Methods that are not implemented behave like the gateway
//! without a plugin.

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
        // Never log customers' names, numbers or texts.
        debug!("{} occurred", event.event_type);
        Ok(())
    }
}
