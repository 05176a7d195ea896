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

#[cfg(test)]
mod tests {
    use crate::{
        ConversationAdd, Conversations, Customer, MessageAdd, MessageVerdict, OtherEvent, ParticipantAdded, testing,
    };

    struct Plain;
    impl Conversations for Plain {}

    fn customers() {
        let mora = Customer::new("c-1", "Mora").sms("+12025550101").avatar("https://img.example.org/1.png");
        testing::customers([mora, Customer::new("c-2", "Otto").sms("+12025550102")]);
    }

    #[test]
    fn a_plugin_without_an_answer_of_its_own_names_conversations_as_the_gateway_does() {
        customers();
        let (mora, otto, other, ours) = ("+12025550101", "+12025550102", "+12025550109", "+12025550199");
        let table = [
            (&[mora][..], None, Some("Mora"), true),
            (&[other], None, Some(other), false),
            (&[], None, None, false),
            (&[otto, mora], Some(ours), Some("Otto, Mora"), false),
            (&[mora, other], Some(ours), Some("Mora, +12025550109"), false),
            // One of the others may be the number that was written to.
            (&[mora, other], None, Some("Mora"), true),
            (&[other, mora, ours], None, Some("+12025550109, Mora"), false),
        ];
        for (addresses, proxy, name, pictured) in table {
            let event = ConversationAdd {
                addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
                proxy_address: proxy.map(str::to_owned),
                author: None,
                message_body: None,
                attributes: "{}".to_owned(),
            };
            let changes = Plain::on_conversation_add(event).expect("an answer");
            assert_eq!(changes.friendly_name.as_deref(), name, "{addresses:?}");
            assert_eq!(changes.avatar.is_some(), pictured, "{addresses:?}");
        }
    }

    #[test]
    fn and_ties_participants_to_customers_and_lets_messages_pass() {
        customers();
        let added = |address: Option<&str>| {
            let event = ParticipantAdded {
                conversation_sid: "CH1".to_owned(),
                participant_sid: "MB1".to_owned(),
                address: address.map(str::to_owned),
                proxy_address: None,
                attributes: "{}".to_owned(),
            };
            Plain::on_participant_added(event).expect("an answer").map(|changes| changes.customer_id)
        };
        assert_eq!(added(Some("whatsapp:+12025550102")).as_deref(), Some("c-2"));
        assert_eq!((added(Some("+12025550109")), added(None)), (None, None));
        let (sid, author) = ("CH1".to_owned(), "+12025550101".to_owned());
        let message =
            MessageAdd { conversation_sid: sid, author, body: "Hello".to_owned(), attributes: "{}".to_owned() };
        assert_eq!(Plain::on_message_add(message), Ok(MessageVerdict::Accept));
        assert_eq!(Plain::on_event(OtherEvent { event_type: "onUserAdded".to_owned(), fields: Vec::new() }), Ok(()));
    }
}
