//! The role `conversations`: Twilio Conversations webhooks.

mod changes;
mod events;

use crate::bindings::conversations::Guest;
use crate::{
    ConversationAdd, ConversationChanges, ConversationRemove, ConversationUpdate, ConversationUpdateVerdict,
    ConversationVerdict, Customer, Error, MessageAdd, MessageRemove, MessageUpdate, MessageVerdict, OtherEvent,
    ParticipantAdd, ParticipantAdded, ParticipantChanges, ParticipantRemove, ParticipantUpdate, Result, UserUpdate,
    Verdict, directory,
};

/// Answers Conversations webhooks. The default methods behave like the gateway without a plugin: they name
/// conversations and participants after the CRM's customers, and accept everything else.
///
/// A plugin that checks texts checks new and updated messages, since a message can be edited after it was sent:
///
/// ```
/// use frontgate_sdk::{Conversations, MessageAdd, MessageUpdate, MessageVerdict, Result};
///
/// struct NoCardNumbers;
///
/// impl Conversations for NoCardNumbers {
///     fn on_message_add(event: MessageAdd) -> Result<MessageVerdict> {
///         Ok(check(&event.body))
///     }
///
///     fn on_message_update(event: MessageUpdate) -> Result<MessageVerdict> {
///         Ok(check(&event.body))
///     }
/// }
///
/// fn check(body: &str) -> MessageVerdict {
///     let digits = body.chars().filter(char::is_ascii_digit).count();
///     if digits >= 15 { MessageVerdict::reject("it contains a card number") } else { MessageVerdict::Accept }
/// }
///
/// frontgate_sdk::export!(NoCardNumbers: conversations);
/// ```
pub trait Conversations {
    /// Handles `onConversationAdd`: accepts, changes or rejects a new conversation. Called again from the queue for a
    /// conversation without a name; then a rejection has no effect.
    fn on_conversation_add(event: ConversationAdd) -> Result<ConversationVerdict> {
        // Without a proxy address, any unknown address except the first may be the company's own.
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
        // A group must not have the picture of one person.
        let avatar = avatar.filter(|_| names.len() == 1);
        let friendly_name = (!names.is_empty()).then(|| names.join(", "));
        Ok(ConversationChanges { friendly_name, avatar }.into())
    }

    /// Handles `onConversationUpdate`: accepts, renames or rejects the update of a conversation.
    fn on_conversation_update(event: ConversationUpdate) -> Result<ConversationUpdateVerdict> {
        let _ = event;
        Ok(ConversationUpdateVerdict::Accept)
    }

    /// Handles `onConversationRemove`: accepts or rejects the removal of a conversation.
    fn on_conversation_remove(event: ConversationRemove) -> Result<Verdict> {
        let _ = event;
        Ok(Verdict::Accept)
    }

    /// Handles `onParticipantAdd`: accepts or rejects a new participant.
    fn on_participant_add(event: ParticipantAdd) -> Result<Verdict> {
        let _ = event;
        Ok(Verdict::Accept)
    }

    /// Handles `onParticipantUpdate`: accepts or rejects the update of a participant.
    fn on_participant_update(event: ParticipantUpdate) -> Result<Verdict> {
        let _ = event;
        Ok(Verdict::Accept)
    }

    /// Handles `onParticipantRemove`: accepts or rejects the removal of a participant.
    fn on_participant_remove(event: ParticipantRemove) -> Result<Verdict> {
        let _ = event;
        Ok(Verdict::Accept)
    }

    /// Handles `onParticipantAdded`: returns values for the participant's attributes, or `None` for no change. May be
    /// called again after a failure.
    fn on_participant_added(event: ParticipantAdded) -> Result<Option<ParticipantChanges>> {
        let customer = match (&event.address, &event.identity) {
            (Some(address), None) => directory::find_customer(address)?,
            (None, Some(identity)) => chat_customer(identity)?,
            _ => None,
        };
        Ok(customer.map(ParticipantChanges::from))
    }

    /// Handles `onMessageAdd`: accepts, changes or rejects a new message.
    fn on_message_add(event: MessageAdd) -> Result<MessageVerdict> {
        let _ = event;
        Ok(MessageVerdict::Accept)
    }

    /// Handles `onMessageUpdate`: accepts, changes or rejects the update of a message.
    fn on_message_update(event: MessageUpdate) -> Result<MessageVerdict> {
        let _ = event;
        Ok(MessageVerdict::Accept)
    }

    /// Handles `onMessageRemove`: accepts or rejects the removal of a message.
    fn on_message_remove(event: MessageRemove) -> Result<Verdict> {
        let _ = event;
        Ok(Verdict::Accept)
    }

    /// Handles `onUserUpdate`: accepts or rejects the update of a user.
    fn on_user_update(event: UserUpdate) -> Result<Verdict> {
        let _ = event;
        Ok(Verdict::Accept)
    }

    /// Handles any other event. May be called again after a failure.
    fn on_event(event: OtherEvent) -> Result<()> {
        let _ = event;
        Ok(())
    }
}

/// Returns the customer with an identity. A worker has an identity too, so the CRM must have this one as a chat address.
/// A CRM may reject what is no number.
fn chat_customer(identity: &str) -> Result<Option<Customer>> {
    match directory::find_customer(identity) {
        Err(Error::Invalid(_) | Error::Forbidden(_)) => Ok(None),
        found => Ok(found?.filter(|customer| chats_as(customer, identity))),
    }
}

/// Returns whether a customer has this identity in chats.
fn chats_as(customer: &Customer, identity: &str) -> bool {
    customer.channels.iter().any(|channel| channel.kind == "chat" && channel.value == identity)
}

/// Forwards each function of the contract to the method of the trait.
macro_rules! forward {
    ($($function:ident($event:ident) -> $answer:ty;)+) => {
        impl<T: Conversations> Guest for T {
            $(fn $function(event: $event) -> Result<$answer> {
                T::$function(event)
            })+
        }
    };
}

forward! {
    on_conversation_add(ConversationAdd) -> ConversationVerdict;
    on_conversation_update(ConversationUpdate) -> ConversationUpdateVerdict;
    on_conversation_remove(ConversationRemove) -> Verdict;
    on_participant_add(ParticipantAdd) -> Verdict;
    on_participant_update(ParticipantUpdate) -> Verdict;
    on_participant_remove(ParticipantRemove) -> Verdict;
    on_participant_added(ParticipantAdded) -> Option<ParticipantChanges>;
    on_message_add(MessageAdd) -> MessageVerdict;
    on_message_update(MessageUpdate) -> MessageVerdict;
    on_message_remove(MessageRemove) -> Verdict;
    on_user_update(UserUpdate) -> Verdict;
    on_event(OtherEvent) -> ();
}

#[cfg(test)]
mod tests {
    use crate::{
        ConversationAdd, ConversationRemove, ConversationUpdate, ConversationUpdateVerdict, ConversationVerdict,
        Conversations, Customer, MessageAdd, MessageRemove, MessageUpdate, MessageVerdict, OtherEvent, ParticipantAdd,
        ParticipantAdded, ParticipantRemove, ParticipantUpdate, UserUpdate, Verdict, testing,
    };

    struct Plain;
    impl Conversations for Plain {}

    fn customers() {
        let mora = Customer::new("c-1", "Mora").sms("+12025550101").avatar("https://img.example.org/1.png");
        testing::customers([mora, Customer::new("c-2", "Otto").sms("+12025550102")]);
    }

    #[test]
    fn the_default_names_conversations_like_the_gateway() {
        customers();
        let (mora, otto, other, ours) = ("+12025550101", "+12025550102", "+12025550109", "+12025550199");
        let table = [
            (&[mora][..], None, Some("Mora"), true),
            (&[other], None, Some(other), false),
            (&[], None, None, false),
            (&[otto, mora], Some(ours), Some("Otto, Mora"), false),
            (&[mora, other], Some(ours), Some("Mora, +12025550109"), false),
            // One of the later addresses may be the company's own number.
            (&[mora, other], None, Some("Mora"), true),
            (&[other, mora, ours], None, Some("+12025550109, Mora"), false),
        ];
        for (addresses, proxy, name, pictured) in table {
            let event = ConversationAdd {
                proxy_address: proxy.map(str::to_owned),
                ..ConversationAdd::of(addresses.iter().copied())
            };
            let ConversationVerdict::Change(changes) = Plain::on_conversation_add(event).expect("the default succeeds")
            else {
                panic!("{addresses:?} is not changed");
            };
            assert_eq!(changes.friendly_name.as_deref(), name, "{addresses:?}");
            assert_eq!(changes.avatar.is_some(), pictured, "{addresses:?}");
        }
    }

    #[test]
    fn the_default_links_participants_to_customers() {
        customers();
        let added = |address: Option<&str>| {
            let event = ParticipantAdded { address: address.map(str::to_owned), ..ParticipantAdded::of("") };
            Plain::on_participant_added(event).expect("the default succeeds").map(|changes| changes.customer_id)
        };
        assert_eq!(added(Some("whatsapp:+12025550102")).as_deref(), Some("c-2"));
        assert_eq!((added(Some("+12025550109")), added(None)), (None, None));
    }

    #[test]
    fn the_default_links_a_chat_customer_but_no_worker() {
        let chats = Customer::new("c-3", "Eva").chat("eva-in-the-chat");
        testing::customers([chats, Customer::new("c-4", "Ana").sms("+12025550104")]);
        let added = |identity: &str| {
            let event = ParticipantAdded::with_identity(identity);
            Plain::on_participant_added(event).expect("the default succeeds").map(|changes| changes.customer_id)
        };
        assert_eq!(added("eva-in-the-chat").as_deref(), Some("c-3"));
        assert_eq!(added("ana@example.org"), None);
        // The CRM has this customer at an address that is no identity.
        assert_eq!(added("+12025550104"), None);
    }

    #[test]
    fn the_default_accepts_every_other_event() {
        let (sid, address) = ("CH00000000000000000000000000000000", "+12025550101");
        assert_eq!(Plain::on_conversation_update(ConversationUpdate::of(sid)), Ok(ConversationUpdateVerdict::Accept));
        assert_eq!(Plain::on_message_add(MessageAdd::of(address, "Hello")), Ok(MessageVerdict::Accept));
        assert_eq!(Plain::on_message_update(MessageUpdate::of(address, "Hello")), Ok(MessageVerdict::Accept));
        for verdict in [
            Plain::on_conversation_remove(ConversationRemove::of(sid)),
            Plain::on_participant_add(ParticipantAdd::of(address)),
            Plain::on_participant_update(ParticipantUpdate::of(address)),
            Plain::on_participant_remove(ParticipantRemove::of(address)),
            Plain::on_message_remove(MessageRemove::of(address, "Hello")),
            Plain::on_user_update(UserUpdate::of("ana@example.org")),
        ] {
            assert_eq!(verdict, Ok(Verdict::Accept));
        }
        assert_eq!(Plain::on_event(OtherEvent::of("onUserAdded", [("UserSid", "US1")])), Ok(()));
    }
}
