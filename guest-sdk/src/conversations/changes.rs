//! Decisions about events: changes, and verdicts that carry them.

use crate::{
    ConversationChanges, ConversationUpdateChanges, ConversationUpdateVerdict, ConversationVerdict, Customer,
    MessageChanges, MessageVerdict, ParticipantChanges, Verdict,
};

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
        Self { customer_id: customer_id.into(), display_name: None, avatar: None, overwrite: false }
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

impl ParticipantChanges {
    /// Replaces attributes that are already set, such as a wrong customer id. Without this, those stay unchanged.
    ///
    /// ```
    /// let changes = frontgate_sdk::ParticipantChanges::new("7").overwriting();
    /// assert!(changes.overwrite);
    /// ```
    pub fn overwriting(mut self) -> Self {
        self.overwrite = true;
        self
    }
}

impl From<Customer> for ParticipantChanges {
    fn from(customer: Customer) -> Self {
        let Customer { customer_id, display_name, avatar, .. } = customer;
        Self { customer_id, display_name: Some(display_name), avatar, overwrite: false }
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

impl From<ConversationChanges> for ConversationVerdict {
    fn from(changes: ConversationChanges) -> Self {
        Self::Change(changes)
    }
}

impl ConversationVerdict {
    /// Rejects the conversation; the reason goes to the gateway's log.
    ///
    /// ```
    /// use frontgate_sdk::ConversationVerdict;
    ///
    /// assert_eq!(ConversationVerdict::reject("spam"), ConversationVerdict::Reject("spam".to_owned()));
    /// ```
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject(reason.into())
    }
}

impl ConversationUpdateVerdict {
    /// Updates the conversation with this name: one line of at most 256 characters.
    ///
    /// ```
    /// use frontgate_sdk::ConversationUpdateVerdict;
    ///
    /// let verdict = ConversationUpdateVerdict::named("Mora Lind");
    /// assert!(matches!(verdict, ConversationUpdateVerdict::Change(changes) if changes.friendly_name.is_some()));
    /// ```
    pub fn named(friendly_name: impl Into<String>) -> Self {
        Self::Change(ConversationUpdateChanges { friendly_name: Some(friendly_name.into()) })
    }

    /// Rejects the update; the reason goes to the gateway's log.
    ///
    /// ```
    /// use frontgate_sdk::ConversationUpdateVerdict;
    ///
    /// assert!(matches!(ConversationUpdateVerdict::reject("closed"), ConversationUpdateVerdict::Reject(_)));
    /// ```
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject(reason.into())
    }
}

impl Verdict {
    /// Rejects the event; the reason goes to the gateway's log.
    ///
    /// ```
    /// use frontgate_sdk::Verdict;
    ///
    /// assert_eq!(Verdict::reject("messages are kept"), Verdict::Reject("messages are kept".to_owned()));
    /// ```
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject(reason.into())
    }
}
