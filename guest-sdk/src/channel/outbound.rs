//! Builders for outbound messages, and for the results of sending them.

use crate::channel::{
    Address, AddressPage, Attachment, Author, AuthorKind, Connection, Event, OutboundKind, OutboundMessage, Party,
    SendReceipt, TemplateUse,
};
use crate::{Error, Result};

impl Connection {
    /// Creates a channel without a credential, for tests.
    ///
    /// ```
    /// let connection = frontgate_sdk::channel::Connection::new("cha_1").credential("made-up");
    /// assert_eq!(connection.webhook_url, "https://gw.example.net/front/sms/cha_1/provider");
    /// ```
    pub fn new(channel_id: impl Into<String>) -> Self {
        let channel_id = channel_id.into();
        let webhook_url = format!("https://gw.example.net/front/sms/{channel_id}/provider");
        Self { channel_id, credential: None, webhook_url }
    }

    /// Sets the credential that the admin entered.
    ///
    /// ```
    /// let connection = frontgate_sdk::channel::Connection::new("cha_1").credential("made-up");
    /// assert_eq!(connection.credential.as_deref(), Some("made-up"));
    /// ```
    pub fn credential(mut self, credential: impl Into<String>) -> Self {
        self.credential = Some(credential.into());
        self
    }
}

impl OutboundMessage {
    /// Creates a teammate's message to one recipient, for tests.
    ///
    /// ```
    /// use frontgate_sdk::channel::OutboundMessage;
    ///
    /// let message = OutboundMessage::new("+12025550107", "Hello!").conversation("C7");
    /// assert_eq!(message.first_to()?.handle, "+12025550107");
    /// # Ok::<(), frontgate_sdk::Error>(())
    /// ```
    pub fn new(to: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            kind: OutboundKind::Message,
            idempotency_key: "key-1".to_owned(),
            message_id: Some("msg_1".to_owned()),
            conversation_ids: Vec::new(),
            to: vec![Party::new(to)],
            author: None,
            replied_to: None,
            in_reply_to: None,
            template: None,
            subject: None,
            html: html(&text),
            text,
            attachments: Vec::new(),
        }
    }

    /// Adds the plugin's id of the conversation.
    ///
    /// ```
    /// let message = frontgate_sdk::channel::OutboundMessage::new("+12025550107", "Hello!").conversation("C7");
    /// assert_eq!(message.conversation_ids, ["C7"]);
    /// ```
    pub fn conversation(mut self, id: impl Into<String>) -> Self {
        self.conversation_ids.push(id.into());
        self
    }

    /// Sets a teammate as the author.
    ///
    /// ```
    /// use frontgate_sdk::channel::{Author, OutboundMessage};
    ///
    /// let ana = Author::teammate("tea_1", "ana@example.org").named("Ana Ruiz");
    /// let message = OutboundMessage::new("+12025550107", "Hello!").author(ana);
    /// assert_eq!(message.author.and_then(|author| author.id).as_deref(), Some("tea_1"));
    /// ```
    pub fn author(mut self, author: Author) -> Self {
        self.author = Some(author);
        self
    }

    /// Sets the plugin's id of the message that the author chose to answer.
    ///
    /// ```
    /// let message = frontgate_sdk::channel::OutboundMessage::new("+12025550107", "Hello!").in_reply_to("M1");
    /// assert_eq!(message.answers(), Some("M1"));
    /// ```
    pub fn in_reply_to(mut self, id: impl Into<String>) -> Self {
        self.in_reply_to = Some(id.into());
        self
    }

    /// Returns the plugin's id of the answered message: the one that the author chose, or else the one that Front links.
    ///
    /// ```
    /// let mut message = frontgate_sdk::channel::OutboundMessage::new("+12025550107", "Hello!");
    /// message.replied_to = Some("M2".to_owned());
    /// assert_eq!(message.answers(), Some("M2"));
    /// ```
    pub fn answers(&self) -> Option<&str> {
        self.in_reply_to.as_deref().or(self.replied_to.as_deref())
    }

    /// Sets the template that the text was written from.
    ///
    /// ```
    /// use frontgate_sdk::channel::{OutboundMessage, TemplateUse};
    ///
    /// let used = TemplateUse::new("HX1", "en").value("1", "Mora");
    /// let message = OutboundMessage::new("+12025550107", "Hello Mora!").template(used);
    /// assert_eq!(message.template.map(|used| used.id).as_deref(), Some("HX1"));
    /// ```
    pub fn template(mut self, used: TemplateUse) -> Self {
        self.template = Some(used);
        self
    }

    /// Adds an attachment.
    ///
    /// ```
    /// use frontgate_sdk::channel::{Attachment, OutboundMessage};
    ///
    /// let picture = Attachment::new("fil_1", "a.png", "image/png");
    /// assert_eq!(OutboundMessage::new("+12025550107", "").attach(picture).attachments.len(), 1);
    /// ```
    pub fn attach(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self
    }

    /// Returns the first recipient, or [`Error::Invalid`] if there is none.
    ///
    /// ```
    /// use frontgate_sdk::channel::OutboundMessage;
    ///
    /// let mut message = OutboundMessage::new("+12025550107", "Hello!");
    /// assert_eq!(message.first_to()?.handle, "+12025550107");
    /// message.to.clear();
    /// assert!(message.first_to().is_err());
    /// # Ok::<(), frontgate_sdk::Error>(())
    /// ```
    pub fn first_to(&self) -> Result<&Party> {
        self.to.first().ok_or_else(|| Error::invalid("the message has no recipient"))
    }
}

/// Escapes text as the gateway does.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\n', "<br>")
}

impl Author {
    /// Creates a teammate without a name, for tests.
    ///
    /// ```
    /// use frontgate_sdk::channel::{Author, AuthorKind};
    ///
    /// assert_eq!(Author::teammate("tea_1", "ana@example.org").kind, AuthorKind::Teammate);
    /// ```
    pub fn teammate(id: impl Into<String>, handle: impl Into<String>) -> Self {
        Self { kind: AuthorKind::Teammate, id: Some(id.into()), handle: Some(handle.into()), name: None }
    }

    /// Sets the display name.
    ///
    /// ```
    /// let ana = frontgate_sdk::channel::Author::teammate("tea_1", "ana@example.org").named("Ana Ruiz");
    /// assert_eq!(ana.name.as_deref(), Some("Ana Ruiz"));
    /// ```
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Attachment {
    /// Creates an attachment, for tests. [`testing::files`](crate::testing::files) sets its content.
    ///
    /// ```
    /// let picture = frontgate_sdk::channel::Attachment::new("fil_1", "a.png", "image/png");
    /// assert_eq!(picture.size, None);
    /// ```
    pub fn new(id: impl Into<String>, filename: impl Into<String>, content_type: impl Into<String>) -> Self {
        let (id, filename, content_type) = (id.into(), filename.into(), content_type.into());
        Self { id, filename, content_type, size: None, is_inline: false, content_id: None }
    }
}

impl Party {
    /// Creates a party with only a handle.
    ///
    /// ```
    /// let mora = frontgate_sdk::channel::Party::new("+12025550107").named("Mora Lind").email("m@example.org");
    /// assert_eq!(mora.handle, "+12025550107");
    /// ```
    pub fn new(handle: impl Into<String>) -> Self {
        Self { handle: handle.into(), name: None, email: None }
    }

    /// Sets the display name.
    ///
    /// ```
    /// let mora = frontgate_sdk::channel::Party::new("+12025550107").named("Mora Lind");
    /// assert_eq!(mora.name.as_deref(), Some("Mora Lind"));
    /// ```
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the e-mail address.
    ///
    /// ```
    /// let mora = frontgate_sdk::channel::Party::new("mora").email("m@example.org");
    /// assert_eq!(mora.email.as_deref(), Some("m@example.org"));
    /// ```
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }
}

impl SendReceipt {
    /// Creates a receipt with the provider's ids of the message and its conversation.
    ///
    /// ```
    /// let receipt = frontgate_sdk::channel::SendReceipt::new("M1", "C7");
    /// assert_eq!(receipt.external_id.as_deref(), Some("M1"));
    /// ```
    pub fn new(external_id: impl Into<String>, external_conversation_id: impl Into<String>) -> Self {
        let external_conversation_id = Some(external_conversation_id.into());
        Self { external_id: Some(external_id.into()), external_conversation_id, events: Vec::new() }
    }

    /// Creates a receipt without a message id, for providers without message ids.
    ///
    /// ```
    /// let receipt = frontgate_sdk::channel::SendReceipt::of_conversation("C7");
    /// assert_eq!(receipt.external_id, None);
    /// ```
    pub fn of_conversation(external_conversation_id: impl Into<String>) -> Self {
        let external_conversation_id = Some(external_conversation_id.into());
        Self { external_id: None, external_conversation_id, events: Vec::new() }
    }

    /// Adds an event that the provider reported in its response.
    ///
    /// ```
    /// use frontgate_sdk::channel::{InboundMessage, SendReceipt};
    ///
    /// let receipt = SendReceipt::new("M1", "C7").event(InboundMessage::new("M2", "C7", "+12025550107", "Hello!"));
    /// assert_eq!(receipt.events.len(), 1);
    /// ```
    pub fn event(mut self, event: impl Into<Event>) -> Self {
        self.events.push(event.into());
        self
    }
}

impl Address {
    /// Creates an account that can be connected.
    ///
    /// ```
    /// let address = frontgate_sdk::channel::Address::new("+12025550199").named("Sales");
    /// assert_eq!(address.name.as_deref(), Some("Sales"));
    /// ```
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), name: None }
    }

    /// Sets the name that the admin sees.
    ///
    /// ```
    /// let address = frontgate_sdk::channel::Address::new("+12025550199").named("Sales");
    /// assert_eq!(address.value, "+12025550199");
    /// ```
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl AddressPage {
    /// Creates the last page.
    ///
    /// ```
    /// use frontgate_sdk::channel::{Address, AddressPage};
    ///
    /// let page = AddressPage::last([Address::new("+12025550199")]);
    /// assert_eq!(page.next_page_token, None);
    /// ```
    pub fn last(addresses: impl IntoIterator<Item = Address>) -> Self {
        Self { addresses: addresses.into_iter().collect(), next_page_token: None }
    }

    /// Sets the token of the next page.
    ///
    /// ```
    /// use frontgate_sdk::channel::{Address, AddressPage};
    ///
    /// let page = AddressPage::last([Address::new("+12025550199")]).then("2");
    /// assert_eq!(page.next_page_token.as_deref(), Some("2"));
    /// ```
    pub fn then(mut self, next_page_token: impl Into<String>) -> Self {
        self.next_page_token = Some(next_page_token.into());
        self
    }
}
