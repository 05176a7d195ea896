//! Events: constructors for tests of plugins, and fields that the contract does not name.

use crate::{
    ConversationAdd, ConversationRemove, ConversationUpdate, InboundConversation, MessageAdd, MessageRemove,
    MessageUpdate, OtherEvent, ParticipantAdd, ParticipantAdded, ParticipantRemove, ParticipantUpdate, UserUpdate,
};

const CONVERSATION: &str = "CH00000000000000000000000000000000";
const PARTICIPANT: &str = "MB00000000000000000000000000000000";
const MESSAGE: &str = "IM00000000000000000000000000000000";

impl ConversationAdd {
    /// Creates the event for these addresses, for tests.
    ///
    /// ```
    /// use frontgate_sdk::{ConversationAdd, ConversationChanges, Conversations, Customer, testing};
    ///
    /// struct Plain;
    /// impl Conversations for Plain {}
    ///
    /// testing::customers([Customer::new("7", "Mora Lind").sms("+12025550107")]);
    /// let verdict = Plain::on_conversation_add(ConversationAdd::of(["+12025550107"]))?;
    /// assert_eq!(verdict, ConversationChanges::none().named("Mora Lind").into());
    /// # Ok::<(), frontgate_sdk::Error>(())
    /// ```
    pub fn of<A: Into<String>>(addresses: impl IntoIterator<Item = A>) -> Self {
        Self {
            addresses: addresses.into_iter().map(Into::into).collect(),
            attributes: "{}".to_owned(),
            proxy_address: None,
            author: None,
            message_body: None,
            friendly_name: None,
            unique_name: None,
            state: None,
            messaging_service_sid: None,
            media: Vec::new(),
            chat_service_sid: None,
            account_sid: None,
            source: None,
            client_identity: None,
            more: Vec::new(),
        }
    }
}

impl ConversationUpdate {
    /// Creates the event for this conversation, for tests.
    ///
    /// ```
    /// let event = frontgate_sdk::ConversationUpdate::of("CH00000000000000000000000000000007");
    /// assert_eq!(event.friendly_name, None);
    /// ```
    pub fn of(conversation_sid: impl Into<String>) -> Self {
        Self {
            conversation_sid: conversation_sid.into(),
            attributes: "{}".to_owned(),
            friendly_name: None,
            unique_name: None,
            state: None,
            date_created: None,
            date_updated: None,
            messaging_service_sid: None,
            chat_service_sid: None,
            account_sid: None,
            source: None,
            client_identity: None,
            more: Vec::new(),
        }
    }
}

impl ConversationRemove {
    /// Creates the event for this conversation, for tests.
    ///
    /// ```
    /// let event = frontgate_sdk::ConversationRemove::of("CH00000000000000000000000000000007");
    /// assert_eq!(event.friendly_name, None);
    /// ```
    pub fn of(conversation_sid: impl Into<String>) -> Self {
        Self {
            conversation_sid: conversation_sid.into(),
            attributes: "{}".to_owned(),
            friendly_name: None,
            unique_name: None,
            state: None,
            date_created: None,
            date_updated: None,
            messaging_service_sid: None,
            chat_service_sid: None,
            account_sid: None,
            source: None,
            client_identity: None,
            more: Vec::new(),
        }
    }
}

/// Generates the constructors of an event about a participant, whose own fields are given.
macro_rules! participant_event {
    ($event:ident { $($field:ident: $value:expr),* }) => {
        impl $event {
            /// Creates the event for a customer with this address, for tests.
            ///
            /// ```
            #[doc = concat!("let event = frontgate_sdk::", stringify!($event), "::of(\"+12025550107\");")]
            /// assert_eq!((event.attributes.as_str(), event.identity), ("{}", None));
            /// ```
            pub fn of(address: impl Into<String>) -> Self {
                Self { address: Some(address.into()), ..Self::new() }
            }

            /// Creates the event for a worker or a chat customer, for tests.
            ///
            /// ```
            #[doc = concat!("let event = frontgate_sdk::", stringify!($event), "::with_identity(\"ana@example.org\");")]
            /// assert_eq!((event.identity.as_deref(), event.address), (Some("ana@example.org"), None));
            /// ```
            pub fn with_identity(identity: impl Into<String>) -> Self {
                Self { identity: Some(identity.into()), ..Self::new() }
            }

            fn new() -> Self {
                Self {
                    conversation_sid: CONVERSATION.to_owned(),
                    attributes: "{}".to_owned(),
                    identity: None,
                    address: None,
                    proxy_address: None,
                    projected_address: None,
                    binding_type: None,
                    role_sid: None,
                    chat_service_sid: None,
                    account_sid: None,
                    source: None,
                    client_identity: None,
                    more: Vec::new(),
                    $($field: $value,)*
                }
            }
        }
    };
}

participant_event!(ParticipantAdd {});
participant_event!(ParticipantUpdate {
    participant_sid: PARTICIPANT.to_owned(),
    last_read_message_index: None,
    date_created: None,
    date_updated: None
});
participant_event!(ParticipantRemove {
    participant_sid: PARTICIPANT.to_owned(),
    last_read_message_index: None,
    date_created: None,
    date_updated: None
});
participant_event!(ParticipantAdded { participant_sid: PARTICIPANT.to_owned(), date_created: None });

impl MessageAdd {
    /// Creates the event for this author and text, for tests.
    ///
    /// ```
    /// let event = frontgate_sdk::MessageAdd::of("+12025550107", "Hello!");
    /// assert_eq!(event.body, "Hello!");
    /// ```
    pub fn of(author: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            conversation_sid: CONVERSATION.to_owned(),
            author: author.into(),
            body: body.into(),
            attributes: "{}".to_owned(),
            participant_sid: None,
            messaging_service_sid: None,
            media: Vec::new(),
            chat_service_sid: None,
            account_sid: None,
            source: None,
            client_identity: None,
            more: Vec::new(),
        }
    }
}

impl MessageUpdate {
    /// Creates the event for this author and text, for tests.
    ///
    /// ```
    /// let event = frontgate_sdk::MessageUpdate::of("+12025550107", "Hello!");
    /// assert_eq!(event.body, "Hello!");
    /// ```
    pub fn of(author: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            conversation_sid: CONVERSATION.to_owned(),
            message_sid: MESSAGE.to_owned(),
            index: None,
            author: author.into(),
            body: body.into(),
            attributes: "{}".to_owned(),
            participant_sid: None,
            messaging_service_sid: None,
            date_created: None,
            date_updated: None,
            media: Vec::new(),
            chat_service_sid: None,
            account_sid: None,
            source: None,
            client_identity: None,
            more: Vec::new(),
        }
    }
}

impl MessageRemove {
    /// Creates the event for this author and text, for tests.
    ///
    /// ```
    /// let event = frontgate_sdk::MessageRemove::of("+12025550107", "Hello!");
    /// assert_eq!(event.body, "Hello!");
    /// ```
    pub fn of(author: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            conversation_sid: CONVERSATION.to_owned(),
            message_sid: MESSAGE.to_owned(),
            index: None,
            author: author.into(),
            body: body.into(),
            attributes: "{}".to_owned(),
            participant_sid: None,
            messaging_service_sid: None,
            date_created: None,
            date_updated: None,
            media: Vec::new(),
            chat_service_sid: None,
            account_sid: None,
            source: None,
            client_identity: None,
            more: Vec::new(),
        }
    }
}

impl UserUpdate {
    /// Creates the event for the user with this identity, for tests.
    ///
    /// ```
    /// let event = frontgate_sdk::UserUpdate::of("ana@example.org");
    /// assert_eq!(event.friendly_name, None);
    /// ```
    pub fn of(identity: impl Into<String>) -> Self {
        Self {
            user_sid: "US00000000000000000000000000000000".to_owned(),
            identity: Some(identity.into()),
            attributes: "{}".to_owned(),
            friendly_name: None,
            role_sid: None,
            is_online: None,
            is_notifiable: None,
            date_created: None,
            date_updated: None,
            chat_service_sid: None,
            account_sid: None,
            source: None,
            client_identity: None,
            more: Vec::new(),
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
}

/// Returns the first value of a field. An empty value is `None`.
fn field<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    let found = fields.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

impl OtherEvent {
    /// Returns the first value of a field. An empty value is `None`.
    ///
    /// ```
    /// let event = frontgate_sdk::OtherEvent::of("onMessageAdded", [("MessageSid", "IM7"), ("Body", "")]);
    /// assert_eq!((event.field("MessageSid"), event.field("Body")), (Some("IM7"), None));
    /// ```
    pub fn field(&self, name: &str) -> Option<&str> {
        field(&self.fields, name)
    }
}

macro_rules! remaining_fields {
    ($($event:ident)+) => {
        $(impl $event {
            /// Returns the first value of a field that this record does not have, by Twilio's name. An empty value is
            /// `None`.
            pub fn field(&self, name: &str) -> Option<&str> {
                field(&self.more, name)
            }
        })+
    };
}

remaining_fields! {
    ConversationAdd ConversationUpdate ConversationRemove ParticipantAdd ParticipantUpdate ParticipantRemove
    ParticipantAdded MessageAdd MessageUpdate MessageRemove UserUpdate InboundConversation
}
