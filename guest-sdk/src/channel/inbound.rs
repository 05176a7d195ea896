//! Builders for the events that a provider reports.

use crate::channel::{AgentMessage, Body, Event, FailedDelivery, File, InboundMessage, Party, Source};

impl Body {
    /// Returns the text or the HTML, for tests.
    ///
    /// ```
    /// let body = frontgate_sdk::channel::Body::Plain("1 < 2".to_owned());
    /// assert_eq!(body.as_str(), "1 < 2");
    /// ```
    pub fn as_str(&self) -> &str {
        match self {
            Self::Plain(body) | Self::Html(body) => body,
        }
    }
}

impl InboundMessage {
    /// Creates a customer's message with a plain text body, which Front shows literally. For a provider that delivers
    /// HTML, call [`html`](Self::html).
    ///
    /// ```
    /// use frontgate_sdk::channel::{File, InboundMessage};
    ///
    /// let message = InboundMessage::new("M2", "C7", "+12025550107", "Hello!")
    ///     .named("Mora Lind")
    ///     .subject("An order")
    ///     .delivered_at(1_767_225_600)
    ///     .file(File::url("a.png", "image/png", "https://media.example.com/a.png"));
    /// assert_eq!(message.files.len(), 1);
    /// ```
    pub fn new(
        external_id: impl Into<String>,
        external_conversation_id: impl Into<String>,
        sender: impl Into<String>,
        body: impl Into<String>,
    ) -> Self {
        Self {
            external_id: external_id.into(),
            external_conversation_id: external_conversation_id.into(),
            in_reply_to: None,
            sender: Party::new(sender),
            subject: None,
            body: Body::Plain(body.into()),
            delivered_at: None,
            files: Vec::new(),
        }
    }

    /// Sets the provider's HTML as the body. The gateway keeps paragraphs, lists, tables and emphasis, and removes the
    /// rest. Never use it for text that a person typed.
    ///
    /// ```
    /// use frontgate_sdk::channel::{Body, InboundMessage};
    ///
    /// let mail = InboundMessage::new("M2", "C7", "m@example.org", "").html("<p>Dear team,</p>");
    /// assert_eq!(mail.body, Body::Html("<p>Dear team,</p>".to_owned()));
    /// ```
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.body = Body::Html(html.into());
        self
    }

    /// Sets the sender's name.
    ///
    /// ```
    /// # use frontgate_sdk::channel::InboundMessage;
    /// let message = InboundMessage::new("M2", "C7", "+12025550107", "Hello!").named("Mora Lind");
    /// assert_eq!(message.sender.name.as_deref(), Some("Mora Lind"));
    /// ```
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.sender = self.sender.named(name);
        self
    }

    /// Sets the provider's id of the message that the customer explicitly answers.
    ///
    /// ```
    /// # use frontgate_sdk::channel::InboundMessage;
    /// let message = InboundMessage::new("M2", "C7", "+12025550107", "Yes!").in_reply_to("M1");
    /// assert_eq!(message.in_reply_to.as_deref(), Some("M1"));
    /// ```
    pub fn in_reply_to(mut self, id: impl Into<String>) -> Self {
        self.in_reply_to = Some(id.into());
        self
    }

    /// Sets the subject.
    ///
    /// ```
    /// # use frontgate_sdk::channel::InboundMessage;
    /// let message = InboundMessage::new("M2", "C7", "+12025550107", "Hello!").subject("An order");
    /// assert_eq!(message.subject.as_deref(), Some("An order"));
    /// ```
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets the time of delivery, in seconds since 1970.
    ///
    /// ```
    /// # use frontgate_sdk::channel::InboundMessage;
    /// let message = InboundMessage::new("M2", "C7", "+12025550107", "Hello!").delivered_at(1_767_225_600);
    /// assert!(message.delivered_at.is_some());
    /// ```
    pub fn delivered_at(mut self, seconds: u64) -> Self {
        self.delivered_at = Some(seconds);
        self
    }

    /// Adds a file.
    ///
    /// ```
    /// # use frontgate_sdk::channel::{File, InboundMessage};
    /// let file = File::bytes("a.txt", "text/plain", "a small text");
    /// assert_eq!(InboundMessage::new("M2", "C7", "+12025550107", "").file(file).files.len(), 1);
    /// ```
    pub fn file(mut self, file: File) -> Self {
        self.files.push(file);
        self
    }
}

impl AgentMessage {
    /// Creates a message that an agent wrote outside Front, with a plain text body. For a provider that delivers HTML,
    /// call [`html`](Self::html).
    ///
    /// ```
    /// use frontgate_sdk::channel::AgentMessage;
    ///
    /// let message = AgentMessage::new("M3", "C7", "+12025550107", "Hello!").author("Ana");
    /// assert_eq!(message.to[0].handle, "+12025550107");
    /// ```
    pub fn new(
        external_id: impl Into<String>,
        external_conversation_id: impl Into<String>,
        to: impl Into<String>,
        body: impl Into<String>,
    ) -> Self {
        Self {
            external_id: external_id.into(),
            external_conversation_id: external_conversation_id.into(),
            in_reply_to: None,
            to: vec![Party::new(to)],
            author: None,
            author_id: None,
            subject: None,
            body: Body::Plain(body.into()),
            delivered_at: None,
            files: Vec::new(),
        }
    }

    /// Sets the provider's HTML as the body. The gateway keeps paragraphs, lists, tables and emphasis, and removes the
    /// rest. Never use it for text that a person typed.
    ///
    /// ```
    /// use frontgate_sdk::channel::{Body, AgentMessage};
    ///
    /// let mail = AgentMessage::new("M3", "C7", "m@example.org", "").html("<p>Dear team,</p>");
    /// assert_eq!(mail.body, Body::Html("<p>Dear team,</p>".to_owned()));
    /// ```
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.body = Body::Html(html.into());
        self
    }

    /// Sets the agent's name, as Front shows it.
    ///
    /// ```
    /// # use frontgate_sdk::channel::AgentMessage;
    /// let message = AgentMessage::new("M3", "C7", "+12025550107", "Hello!").author("Ana");
    /// assert_eq!(message.author.as_deref(), Some("Ana"));
    /// ```
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.author = Some(author.into());
        self
    }

    /// Sets the agent's teammate in Front: `tea_...`, or an alias such as `alt:email:ana@example.com`.
    ///
    /// ```
    /// # use frontgate_sdk::channel::AgentMessage;
    /// let message = AgentMessage::new("M3", "C7", "+12025550107", "Hello!").author_id("tea_6r55a");
    /// assert_eq!(message.author_id.as_deref(), Some("tea_6r55a"));
    /// ```
    pub fn author_id(mut self, id: impl Into<String>) -> Self {
        self.author_id = Some(id.into());
        self
    }

    /// Sets the provider's id of the message that the agent explicitly answers.
    ///
    /// ```
    /// # use frontgate_sdk::channel::AgentMessage;
    /// let message = AgentMessage::new("M3", "C7", "+12025550107", "Hello!").in_reply_to("M2");
    /// assert_eq!(message.in_reply_to.as_deref(), Some("M2"));
    /// ```
    pub fn in_reply_to(mut self, id: impl Into<String>) -> Self {
        self.in_reply_to = Some(id.into());
        self
    }

    /// Sets the time of delivery, in seconds since 1970.
    ///
    /// ```
    /// # use frontgate_sdk::channel::AgentMessage;
    /// let message = AgentMessage::new("M3", "C7", "+12025550107", "Hello!").delivered_at(1_767_225_600);
    /// assert!(message.delivered_at.is_some());
    /// ```
    pub fn delivered_at(mut self, seconds: u64) -> Self {
        self.delivered_at = Some(seconds);
        self
    }

    /// Adds a file.
    ///
    /// ```
    /// # use frontgate_sdk::channel::{File, AgentMessage};
    /// let file = File::bytes("a.txt", "text/plain", "a small text");
    /// assert_eq!(AgentMessage::new("M3", "C7", "+12025550107", "").file(file).files.len(), 1);
    /// ```
    pub fn file(mut self, file: File) -> Self {
        self.files.push(file);
        self
    }
}

impl FailedDelivery {
    /// Creates the event from the id in the message's [`SendReceipt`](super::SendReceipt) and the reason.
    ///
    /// ```
    /// use frontgate_sdk::channel::{FailedDelivery, WebhookResult};
    ///
    /// let failed = FailedDelivery::new("M1", "The number is not in service");
    /// assert_eq!(WebhookResult::status(204).event(failed).events.len(), 1);
    /// ```
    pub fn new(external_id: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { external_id: external_id.into(), reason: reason.into() }
    }
}

impl File {
    /// Creates a file from its bytes.
    ///
    /// ```
    /// let file = frontgate_sdk::channel::File::bytes("a.txt", "text/plain", "a small text");
    /// assert_eq!(file.filename, "a.txt");
    /// ```
    pub fn bytes(filename: impl Into<String>, content_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { filename: filename.into(), content_type: content_type.into(), source: Source::Bytes(bytes.into()) }
    }

    /// Creates a file that the gateway fetches from a granted host.
    ///
    /// ```
    /// let file = frontgate_sdk::channel::File::url("a.png", "image/png", "https://media.example.com/a.png");
    /// assert_eq!(file.content_type, "image/png");
    /// ```
    pub fn url(filename: impl Into<String>, content_type: impl Into<String>, url: impl Into<String>) -> Self {
        Self { filename: filename.into(), content_type: content_type.into(), source: Source::Url(url.into()) }
    }
}

impl From<InboundMessage> for Event {
    fn from(message: InboundMessage) -> Self {
        Self::Inbound(message)
    }
}

impl From<AgentMessage> for Event {
    fn from(message: AgentMessage) -> Self {
        Self::Agent(message)
    }
}

impl From<FailedDelivery> for Event {
    fn from(failed: FailedDelivery) -> Self {
        Self::Failed(failed)
    }
}
