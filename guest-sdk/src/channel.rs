//! The role `channel`: a Front application channel.

mod call;
mod inbound;
mod outbound;
mod template;
mod webhook;

use crate::Result;
use crate::bindings::channel::Guest;
pub use crate::bindings::channel::{
    Address, AddressPage, AgentMessage, Attachment, Author, AuthorKind, BegunCall, Body, CallChange, CallDirection,
    CallEvent, CallRecording, CallStatus, ChangedCall, ChannelEvent as Event, Connection, FailedDelivery, File, Header,
    HttpRequest as Request, HttpResponse as Response, InboundMessage, InitialCallStatus, OutboundKind, OutboundMessage,
    Party, RecordingKind, SendReceipt, SendStatus, Source, SpeakerSide, Template, TemplatePage, TemplateStatus,
    TemplateUse, TemplateVariable, TranscriptLine, VariableKind, VariableValue, WebhookResult,
};

/// Connects Front with a provider. The gateway implements Front's side of the channel, and stores every message until
/// it is delivered.
///
/// ```
/// use frontgate_sdk::channel::{Connection, InboundMessage, OutboundMessage, Request, SendReceipt, WebhookResult};
/// use frontgate_sdk::{Channel, Result, http};
///
/// struct Pigeons;
///
/// impl Channel for Pigeons {
///     fn send(_: Connection, message: OutboundMessage) -> Result<SendReceipt> {
///         let to = message.first_to()?.handle.clone();
///         http::post(&format!("https://pigeons.example.com/to/{to}")).body(message.text).send()?.success()?;
///         Ok(SendReceipt::of_conversation(to))
///     }
///
///     fn receive(_: Connection, request: Request) -> Result<WebhookResult> {
///         let (id, from, text) = (request.header("id"), request.header("from"), request.text()?);
///         let (Some(id), Some(from)) = (id, from) else { return Ok(WebhookResult::status(400)) };
///         Ok(WebhookResult::status(204).event(InboundMessage::new(id, from, from, text)))
///     }
/// }
///
/// frontgate_sdk::export!(Pigeons: channel);
/// ```
pub trait Channel {
    /// Called when an admin connects the channel. An error rejects the connection; the admin sees its text.
    fn connect(connection: Connection) -> Result<()> {
        let _ = connection;
        Ok(())
    }

    /// Returns a page of the accounts that can be connected with this credential. By default, the page is empty.
    fn list_addresses(credential: Option<String>, page_token: Option<String>) -> Result<AddressPage> {
        let _ = (credential, page_token);
        Ok(AddressPage::last([]))
    }

    /// Returns a page of the provider's templates, which teammates can choose in Front. By default, the page is empty.
    fn list_templates(connection: Connection, page_token: Option<String>) -> Result<TemplatePage> {
        let _ = (connection, page_token);
        Ok(TemplatePage::last([]))
    }

    /// Sends a message. `Unavailable` is retried; every other error is final, and the teammate sees its text.
    ///
    /// Use a non-GET method for every request with side effects: after a crash the gateway uses its request log to
    /// decide whether `send` may have had an effect.
    fn send(connection: Connection, message: OutboundMessage) -> Result<SendReceipt>;

    /// Returns whether the provider has a message, after a [`send`](Self::send) whose outcome the gateway could not
    /// observe. The default is [`SendStatus::Unknown`]: the message is not sent again, and the teammate is notified.
    fn check_sent(connection: Connection, message: OutboundMessage) -> Result<SendStatus> {
        let _ = (connection, message);
        Ok(SendStatus::Unknown)
    }

    /// Handles a request to the channel's webhook. Anyone can send one: verify the provider's signature first
    /// ([`signatures`](crate::signatures)). The default is status 404, for providers without webhooks.
    fn receive(connection: Connection, request: Request) -> Result<WebhookResult> {
        let _ = (connection, request);
        Ok(WebhookResult::status(404))
    }

    /// Called when the channel was removed. `Unavailable` is retried.
    fn disconnect(connection: Connection) -> Result<()> {
        let _ = connection;
        Ok(())
    }

    /// Asks the provider whether it answers and accepts the credential, and changes nothing there.
    ///
    /// After `Forbidden`, Front shows the channel as offline at once; after other errors, if they last. By default, the
    /// channel works, for providers that cannot be asked.
    fn check(connection: Connection) -> Result<()> {
        let _ = connection;
        Ok(())
    }
}

impl<T: Channel> Guest for T {
    fn connect(connection: Connection) -> Result<()> {
        T::connect(connection)
    }

    fn list_addresses(credential: Option<String>, page_token: Option<String>) -> Result<AddressPage> {
        T::list_addresses(credential, page_token)
    }

    fn list_templates(connection: Connection, page_token: Option<String>) -> Result<TemplatePage> {
        T::list_templates(connection, page_token)
    }

    fn send(connection: Connection, message: OutboundMessage) -> Result<SendReceipt> {
        T::send(connection, message)
    }

    fn check_sent(connection: Connection, message: OutboundMessage) -> Result<SendStatus> {
        T::check_sent(connection, message)
    }

    fn receive(connection: Connection, request: Request) -> Result<WebhookResult> {
        T::receive(connection, request)
    }

    fn disconnect(connection: Connection) -> Result<()> {
        T::disconnect(connection)
    }

    fn check(connection: Connection) -> Result<()> {
        T::check(connection)
    }
}
