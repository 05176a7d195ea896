//! The role `conversations`: Twilio Conversations webhooks.

use crate::bindings::conversations::Guest;
use crate::{
    ConversationAdd, ConversationChanges, MessageAdd, MessageVerdict, OtherEvent, ParticipantAdded, ParticipantChanges,
    Result, directory,
};

/// Answers Conversations webhooks. What a plugin leaves out is answered as the gateway answers it
/// without a plugin: conversations and participants are named after the CRM's customer, messages pass.
///
/// ```
/// use frontgate_sdk::{Conversations, MessageAdd, MessageVerdict, Result};
///
/// struct NoCardNumbers;
///
/// impl Conversations for NoCardNumbers {
///     fn on_message_add(event: MessageAdd) -> Result<MessageVerdict> {
///         let digits = event.body.chars().filter(char::is_ascii_digit).count();
///         Ok(if digits >= 15 { MessageVerdict::reject("it has a card number") } else { MessageVerdict::Accept })
///     }
/// }
///
/// frontgate_sdk::export!(NoCardNumbers: conversations);
/// ```
pub trait Conversations {
    /// A conversation is about to begin: how shall it look?
    fn on_conversation_add(event: ConversationAdd) -> Result<ConversationChanges> {
        // Where it is not known which number is your own, an unknown one may be it.
        let shown = |address: &String| event.proxy_address.is_some() || event.addresses.first() == Some(address);
        let (mut names, mut avatar) = (Vec::new(), None);
        for address in &event.addresses {
            match directory::find_customer(address)? {
                Some(customer) => {
                    names.push(customer.display_name);
                    avatar = avatar.or(customer.avatar);
                }
                None if shown(address) => names.push(address.clone()),
                None => {}
            }
        }
        // The picture of one of several people would stand for all of them.
        let avatar = avatar.filter(|_| names.len() == 1);
        Ok(ConversationChanges { friendly_name: (!names.is_empty()).then(|| names.join(", ")), avatar })
    }

    /// A customer came into a conversation: what shall the participant's attributes say? `None`
    /// leaves them as they are. May be asked again after a failure.
    fn on_participant_added(event: ParticipantAdded) -> Result<Option<ParticipantChanges>> {
        let Some(address) = event.address else {
            return Ok(None);
        };
        let customer = directory::find_customer(&address)?;
        Ok(customer.map(|customer| ParticipantChanges {
            customer_id: customer.customer_id,
            display_name: Some(customer.display_name),
            avatar: customer.avatar,
        }))
    }

    /// A message is about to be added: may it, and as it is?
    fn on_message_add(event: MessageAdd) -> Result<MessageVerdict> {
        let _ = event;
        Ok(MessageVerdict::Accept)
    }

    /// Any other event, for taking note. May come again after a failure.
    fn on_event(event: OtherEvent) -> Result<()> {
        let _ = event;
        Ok(())
    }
}

impl<T: Conversations> Guest for T {
    fn on_conversation_add(event: ConversationAdd) -> Result<ConversationChanges> {
        T::on_conversation_add(event)
    }

    fn on_participant_added(event: ParticipantAdded) -> Result<Option<ParticipantChanges>> {
        T::on_participant_added(event)
    }

    fn on_message_add(event: MessageAdd) -> Result<MessageVerdict> {
        T::on_message_add(event)
    }

    fn on_event(event: OtherEvent) -> Result<()> {
        T::on_event(event)
    }
}

impl MessageVerdict {
    /// The message is not added; the reason goes to the gateway's log.
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject(reason.into())
    }
}

impl OtherEvent {
    /// The first value of a field; an empty one counts as missing.
    ///
    /// ```
    /// let fields = vec![("MessageSid".to_owned(), "IM7".to_owned())];
    /// let event = frontgate_sdk::OtherEvent { event_type: "onMessageAdded".to_owned(), fields };
    /// assert_eq!(event.field("MessageSid"), Some("IM7"));
    /// ```
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}
