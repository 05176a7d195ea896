//! Role `conversations`: events of Twilio's conversations. Methods that are not implemented behave like the gateway
//! without a plugin.

use frontgate_sdk::{
    ConversationAdd, ConversationChanges, ConversationVerdict, Conversations, MessageAdd, MessageUpdate, MessageVerdict,
    OtherEvent, ParticipantAdded, ParticipantChanges, Result, debug,
};

use crate::{Plugin, customers};

impl Conversations for Plugin {
    fn on_conversation_add(event: ConversationAdd) -> Result<ConversationVerdict> {
        let customer = event.addresses.iter().find_map(|address| customers::by_address(address));
        Ok(match customer {
            // Or `ConversationVerdict::reject("why")`.
            Some(customer) => {
                ConversationChanges { friendly_name: Some(customer.display_name), avatar: customer.avatar }.into()
            }
            None => ConversationVerdict::Accept,
        })
    }

    fn on_participant_added(event: ParticipantAdded) -> Result<Option<ParticipantChanges>> {
        let customer = event.address.and_then(|address| customers::by_address(&address));
        Ok(customer.map(|customer| ParticipantChanges {
            customer_id: customer.customer_id,
            display_name: Some(customer.display_name),
            avatar: customer.avatar,
            // With `true`, these values replace attributes that are already set.
            overwrite: false,
        }))
    }

    fn on_message_add(_: MessageAdd) -> Result<MessageVerdict> {
        // Or `MessageVerdict::Change`, or `MessageVerdict::reject("why")`.
        Ok(MessageVerdict::Accept)
    }

    fn on_message_update(_: MessageUpdate) -> Result<MessageVerdict> {
        // Check the text here too: a message can be edited after it was sent.
        Ok(MessageVerdict::Accept)
    }

    fn on_event(event: OtherEvent) -> Result<()> {
        // Never log customers' names, numbers or texts.
        debug!("{} occurred", event.event_type);
        Ok(())
    }
}
