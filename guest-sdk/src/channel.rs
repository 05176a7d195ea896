//! The role `channel`: a Front application channel.

use std::str;

use crate::Result;
use crate::bindings::channel::Guest;
pub use crate::bindings::channel::{
    Address, AddressPage, Attachment, ChannelEvent as Event, Connection, FailedDelivery, Fate, File, Header,
    HttpRequest as Request, HttpResponse as Response, InboundMessage, OutboundKind, OutboundMessage, Party, Receipt,
    Reception, SentElsewhere, Source,
};

/// Connects Front with a provider. The gateway does what Front asks of a channel, and keeps every message
/// until it is delivered.
///
/// ```
/// use frontgate_sdk::channel::{Connection, Event, InboundMessage, OutboundMessage, Receipt, Reception, Request};
/// use frontgate_sdk::{FrontChannel, Result, http};
///
/// struct Pigeons;
///
/// impl FrontChannel for Pigeons {
///     fn send(_: Connection, message: OutboundMessage) -> Result<Receipt> {
///         let to = message.first_to()?.handle.clone();
///         http::post(&format!("https://pigeons.example.com/to/{to}")).body(message.text).send()?.success()?;
///         Ok(Receipt::of_conversation(to))
///     }
///
///     fn receive(_: Connection, request: Request) -> Result<Reception> {
///         let (id, from, text) = (request.header("id"), request.header("from"), request.text()?);
///         let (Some(id), Some(from)) = (id, from) else { return Ok(Reception::answer(400)) };
///         Ok(Reception::answer(204).event(InboundMessage::new(id, from, from, text)))
///     }
/// }
///
/// frontgate_sdk::export!(Pigeons: channel);
/// ```
pub trait FrontChannel {
    /// An admin connects the channel. An error refuses it; its text is shown to the admin.
    fn connect(connection: Connection) -> Result<()> {
        let _ = connection;
        Ok(())
    }

    /// What could be connected with a credential, from a token on.
    fn list_addresses(credential: Option<String>, page_token: Option<String>) -> Result<AddressPage> {
        let _ = (credential, page_token);
        Ok(AddressPage { addresses: Vec::new(), next_page_token: None })
    }

    /// Sends a message. `Unavailable` is tried again; every other error is for good, and its text is shown
    /// to the teammate.
    fn send(connection: Connection, message: OutboundMessage) -> Result<Receipt>;

    /// Whether the provider has a message whose [`send`](Self::send) ended without saying so. Without an
    /// answer of your own nobody can tell: it is not sent again, and the teammate is told.
    fn find_sent(connection: Connection, message: OutboundMessage) -> Result<Fate> {
        let _ = (connection, message);
        Ok(Fate::Unclear)
    }

    /// The provider's own webhook. Check the provider's signature first: anybody may have sent it.
    fn receive(connection: Connection, request: Request) -> Result<Reception>;

    /// The channel was removed.
    fn disconnect(connection: Connection) -> Result<()> {
        let _ = connection;
        Ok(())
    }
}

impl<T: FrontChannel> Guest for T {
    fn connect(connection: Connection) -> Result<()> {
        T::connect(connection)
    }

    fn list_addresses(credential: Option<String>, page_token: Option<String>) -> Result<AddressPage> {
        T::list_addresses(credential, page_token)
    }

    fn send(connection: Connection, message: OutboundMessage) -> Result<Receipt> {
        T::send(connection, message)
    }

    fn find_sent(connection: Connection, message: OutboundMessage) -> Result<Fate> {
        T::find_sent(connection, message)
    }

    fn receive(connection: Connection, request: Request) -> Result<Reception> {
        T::receive(connection, request)
    }

    fn disconnect(connection: Connection) -> Result<()> {
        T::disconnect(connection)
    }
}

impl OutboundMessage {
    /// The first of those whom it goes to.
    pub fn first_to(&self) -> Result<&Party> {
        self.to.first().ok_or_else(|| crate::Error::invalid("the message goes to nobody"))
    }
}

impl Party {
    /// Somebody of whom only this is known.
    pub fn new(handle: impl Into<String>) -> Self {
        Self { handle: handle.into(), name: None, email: None }
    }

    /// As it is shown.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Receipt {
    /// What the provider calls the message and its conversation.
    pub fn new(external_id: impl Into<String>, external_conversation_id: impl Into<String>) -> Self {
        let external_conversation_id = Some(external_conversation_id.into());
        Self { external_id: Some(external_id.into()), external_conversation_id, events: Vec::new() }
    }

    /// What the provider calls the conversation; it has no id of the message.
    pub fn of_conversation(external_conversation_id: impl Into<String>) -> Self {
        let external_conversation_id = Some(external_conversation_id.into());
        Self { external_id: None, external_conversation_id, events: Vec::new() }
    }

    /// Adds what the provider told at once.
    pub fn event(mut self, event: impl Into<Event>) -> Self {
        self.events.push(event.into());
        self
    }
}

impl InboundMessage {
    /// What this sender wrote in this conversation.
    pub fn new(
        external_id: impl Into<String>,
        external_conversation_id: impl Into<String>,
        sender: impl Into<String>,
        body: impl Into<String>,
    ) -> Self {
        Self {
            external_id: external_id.into(),
            external_conversation_id: external_conversation_id.into(),
            sender: Party::new(sender),
            subject: None,
            body: body.into(),
            delivered_at: None,
            files: Vec::new(),
        }
    }
}

impl From<InboundMessage> for Event {
    fn from(message: InboundMessage) -> Self {
        Self::Inbound(message)
    }
}

impl From<SentElsewhere> for Event {
    fn from(message: SentElsewhere) -> Self {
        Self::Outbound(message)
    }
}

impl From<FailedDelivery> for Event {
    fn from(failed: FailedDelivery) -> Self {
        Self::Failed(failed)
    }
}

impl Reception {
    /// An answer without a body, and nothing that happened.
    pub fn answer(status: u16) -> Self {
        let response = Response { status, headers: Vec::new(), body: Vec::new() };
        Self { response, events: Vec::new() }
    }

    /// Adds something that happened.
    pub fn event(mut self, event: impl Into<Event>) -> Self {
        self.events.push(event.into());
        self
    }

    /// Adds a body.
    pub fn body(mut self, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        self.response.headers.push(Header { name: "content-type".to_owned(), value: content_type.into() });
        self.response.body = body.into();
        self
    }
}

impl Request {
    /// The first header of this name, in any case.
    ///
    /// ```
    /// use frontgate_sdk::channel::{Header, Request};
    ///
    /// let headers = vec![Header { name: "x-signature".to_owned(), value: "s".to_owned() }];
    /// let (method, url) = ("POST".to_owned(), "https://gw.example.net/front/sms/k/provider".to_owned());
    /// let request = Request { method, url, headers, body: Vec::new() };
    /// assert_eq!(request.header("X-Signature"), Some("s"));
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> Result<&str> {
        str::from_utf8(&self.body).map_err(|_| crate::Error::invalid("the body is no text"))
    }
}
