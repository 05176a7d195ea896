//! The role `channel`: a Front application channel.

mod inbound;
mod outbound;

use crate::Result;
use crate::bindings::channel::Guest;
pub use crate::bindings::channel::{
    Address, AddressPage, Attachment, Body, ChannelEvent as Event, Connection, FailedDelivery, Fate, File, Header,
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
        Ok(AddressPage::last([]))
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

    /// The provider's own webhook. Check the provider's signature first ([`signatures`](crate::signatures)): anybody
    /// may have sent it. Without an answer of your own there is nothing at its address (404), which is right for a
    /// provider that has no webhooks.
    fn receive(connection: Connection, request: Request) -> Result<Reception> {
        let _ = (connection, request);
        Ok(Reception::answer(404))
    }

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
