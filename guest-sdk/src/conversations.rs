//! The role `conversations`: Twilio Conversations webhooks.

use crate::bindings::conversations::Guest;
use crate::{
    ConversationAdd, ConversationChanges, Customer, MessageAdd, MessageChanges, MessageVerdict, OtherEvent,
    ParticipantAdded, ParticipantChanges, Result, directory,
};

/// Answers Conversations webhooks. The default methods behave like the gateway without a plugin: they name
/// conversations and participants after the CRM's customers, and accept messages.
///
/// ```
/// use frontgate_sdk::{Conversations, MessageAdd, MessageVerdict, Result};
///
/// struct NoCardNumbers;
///
/// impl Conversations for NoCardNumbers {
///     fn on_message_add(event: MessageAdd) -> Result<MessageVerdict> {
///         let digits = event.body.chars().filter(char::is_ascii_digit).count();
///         Ok(if digits >= 15 { MessageVerdict::reject("it contains a card number") } else { MessageVerdict::Accept })
///     }
/// }
///
/// frontgate_sdk::export!(NoCardNumbers: conversations);
/// ```
pub trait Conversations {
    /// Handles `onConversationAdd`: returns changes to the new conversation.
    fn on_conversation_add(event: ConversationAdd) -> Result<ConversationChanges> {
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
        Ok(ConversationChanges { friendly_name: (!names.is_empty()).then(|| names.join(", ")), avatar })
    }

    /// Handles `onParticipantAdded`: returns values for the participant's attributes, or `None` for no change. May be
    /// called again after a failure.
    fn on_participant_added(event: ParticipantAdded) -> Result<Option<ParticipantChanges>> {
        let Some(address) = event.address else {
            return Ok(None);
        };
        Ok(directory::find_customer(&address)?.map(ParticipantChanges::from))
    }

    /// Handles `onMessageAdd`: accepts, changes or rejects the message.
    fn on_message_add(event: MessageAdd) -> Result<MessageVerdict> {
        let _ = event;
        Ok(MessageVerdict::Accept)
    }

    /// Handles any other event. May be called again after a failure.
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

impl ConversationChanges {
    /// Creates an empty set of changes.
    ///
    /// ```
    /// use frontgate_sdk::ConversationChanges;
    ///
    /// let changes = ConversationChanges::none().named("Mora Lind").avatar("https://img.example.com/7.png");
    /// assert_eq!(changes.friendly_name.as_deref(), Some("Mora Lind"));
    /// ```
    pub fn none() -> Self {
        Self { friendly_name: None, avatar: None }
    }

    /// Sets the conversation's name: one line of at most 256 characters.
    ///
    /// ```
    /// let changes = frontgate_sdk::ConversationChanges::none().named("Mora Lind");
    /// assert_eq!(changes.avatar, None);
    /// ```
    pub fn named(mut self, friendly_name: impl Into<String>) -> Self {
        self.friendly_name = Some(friendly_name.into());
        self
    }

    /// Sets the conversation's picture, by its absolute URL.
    ///
    /// ```
    /// let changes = frontgate_sdk::ConversationChanges::none().avatar("https://img.example.com/7.png");
    /// assert_eq!(changes.friendly_name, None);
    /// ```
    pub fn avatar(mut self, url: impl Into<String>) -> Self {
        self.avatar = Some(url.into());
        self
    }
}

impl ParticipantChanges {
    /// Links the participant to a customer of the CRM.
    ///
    /// ```
    /// use frontgate_sdk::{Customer, ParticipantChanges};
    ///
    /// let changes = ParticipantChanges::new("7").named("Mora Lind");
    /// assert_eq!(changes, ParticipantChanges::from(Customer::new("7", "Mora Lind")));
    /// ```
    pub fn new(customer_id: impl Into<String>) -> Self {
        Self { customer_id: customer_id.into(), display_name: None, avatar: None }
    }

    /// Sets the participant's name: one line.
    ///
    /// ```
    /// let changes = frontgate_sdk::ParticipantChanges::new("7").named("Mora Lind");
    /// assert_eq!(changes.display_name.as_deref(), Some("Mora Lind"));
    /// ```
    pub fn named(mut self, display_name: impl Into<String>) -> Self {
        self.display_name = Some(display_name.into());
        self
    }

    /// Sets the participant's picture, by its absolute URL.
    ///
    /// ```
    /// let changes = frontgate_sdk::ParticipantChanges::new("7").avatar("https://img.example.com/7.png");
    /// assert!(changes.avatar.is_some());
    /// ```
    pub fn avatar(mut self, url: impl Into<String>) -> Self {
        self.avatar = Some(url.into());
        self
    }
}

impl From<Customer> for ParticipantChanges {
    fn from(customer: Customer) -> Self {
        let Customer { customer_id, display_name, avatar, .. } = customer;
        Self { customer_id, display_name: Some(display_name), avatar }
    }
}

impl MessageChanges {
    /// Creates an empty set of changes.
    ///
    /// ```
    /// use frontgate_sdk::{MessageChanges, MessageVerdict};
    ///
    /// let verdict: MessageVerdict = MessageChanges::none().body("Hello!").into();
    /// assert!(matches!(verdict, MessageVerdict::Change(changes) if changes.author.is_none()));
    /// ```
    pub fn none() -> Self {
        Self { body: None, author: None, attributes: None }
    }

    /// Replaces the text.
    ///
    /// ```
    /// let changes = frontgate_sdk::MessageChanges::none().body("Hello!");
    /// assert_eq!(changes.body.as_deref(), Some("Hello!"));
    /// ```
    pub fn body(mut self, text: impl Into<String>) -> Self {
        self.body = Some(text.into());
        self
    }

    /// Replaces the author: an address or an identity.
    ///
    /// ```
    /// let changes = frontgate_sdk::MessageChanges::none().author("ana@example.org");
    /// assert_eq!(changes.author.as_deref(), Some("ana@example.org"));
    /// ```
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.author = Some(author.into());
        self
    }

    /// Replaces the attributes: the text of a JSON object.
    ///
    /// ```
    /// let changes = frontgate_sdk::MessageChanges::none().attributes(r#"{"seen":true}"#);
    /// assert!(changes.attributes.is_some());
    /// ```
    pub fn attributes(mut self, json: impl Into<String>) -> Self {
        self.attributes = Some(json.into());
        self
    }
}

impl From<MessageChanges> for MessageVerdict {
    fn from(changes: MessageChanges) -> Self {
        Self::Change(changes)
    }
}

impl MessageVerdict {
    /// Rejects the message; the reason goes to the gateway's log.
    ///
    /// ```
    /// use frontgate_sdk::MessageVerdict;
    ///
    /// assert_eq!(MessageVerdict::reject("spam"), MessageVerdict::Reject("spam".to_owned()));
    /// ```
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject(reason.into())
    }
}

impl ConversationAdd {
    /// Creates the event for these addresses, for tests.
    ///
    /// ```
    /// use frontgate_sdk::{ConversationAdd, Conversations, Customer, testing};
    ///
    /// struct Plain;
    /// impl Conversations for Plain {}
    ///
    /// testing::customers([Customer::new("7", "Mora Lind").sms("+12025550107")]);
    /// let changes = Plain::on_conversation_add(ConversationAdd::of(["+12025550107"]))?;
    /// assert_eq!(changes.friendly_name.as_deref(), Some("Mora Lind"));
    /// # Ok::<(), frontgate_sdk::Error>(())
    /// ```
    pub fn of<A: Into<String>>(addresses: impl IntoIterator<Item = A>) -> Self {
        Self {
            addresses: addresses.into_iter().map(Into::into).collect(),
            proxy_address: None,
            author: None,
            message_body: None,
            attributes: "{}".to_owned(),
        }
    }
}

impl ParticipantAdded {
    /// Creates the event for this address, for tests.
    ///
    /// ```
    /// let event = frontgate_sdk::ParticipantAdded::of("+12025550107");
    /// assert_eq!((event.attributes.as_str(), event.proxy_address), ("{}", None));
    /// ```
    pub fn of(address: impl Into<String>) -> Self {
        Self {
            conversation_sid: "CH00000000000000000000000000000000".to_owned(),
            participant_sid: "MB00000000000000000000000000000000".to_owned(),
            address: Some(address.into()),
            proxy_address: None,
            attributes: "{}".to_owned(),
        }
    }
}

impl MessageAdd {
    /// Creates the event for this author and text, for tests.
    ///
    /// ```
    /// let event = frontgate_sdk::MessageAdd::of("+12025550107", "Hello!");
    /// assert_eq!(event.body, "Hello!");
    /// ```
    pub fn of(author: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            conversation_sid: "CH00000000000000000000000000000000".to_owned(),
            author: author.into(),
            body: body.into(),
            attributes: "{}".to_owned(),
        }
    }
}

impl OtherEvent {
    /// Creates an event with these fields, for tests.
    ///
    /// ```
    /// let event = frontgate_sdk::OtherEvent::of("onMessageAdded", [("MessageSid", "IM7")]);
    /// assert_eq!(event.field("MessageSid"), Some("IM7"));
    /// ```
    pub fn of<N: Into<String>, V: Into<String>>(
        event_type: impl Into<String>,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { event_type: event_type.into(), fields }
    }

    /// Returns the first value of a field. An empty value is `None`.
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
            let changes = Plain::on_conversation_add(event).expect("the default succeeds");
            assert_eq!(changes.friendly_name.as_deref(), name, "{addresses:?}");
            assert_eq!(changes.avatar.is_some(), pictured, "{addresses:?}");
        }
    }

    #[test]
    fn the_default_links_participants_to_customers_and_accepts_messages() {
        customers();
        let added = |address: Option<&str>| {
            let event = ParticipantAdded { address: address.map(str::to_owned), ..ParticipantAdded::of("") };
            Plain::on_participant_added(event).expect("the default succeeds").map(|changes| changes.customer_id)
        };
        assert_eq!(added(Some("whatsapp:+12025550102")).as_deref(), Some("c-2"));
        assert_eq!((added(Some("+12025550109")), added(None)), (None, None));
        assert_eq!(Plain::on_message_add(MessageAdd::of("+12025550101", "Hello")), Ok(MessageVerdict::Accept));
        assert_eq!(Plain::on_event(OtherEvent::of("onUserAdded", [("UserSid", "US1")])), Ok(()));
    }
}
