//! What is asked of a channel.

use frontgate_contract::bindings::channel::{
    AddressPage, Connection, HttpRequest, OutboundMessage, SendReceipt, SendStatus, WebhookResult,
};

use super::{Call, ask};
use crate::error::CallError;

impl Call<'_> {
    /// An admin connects the channel.
    pub async fn connect(self, connection: Connection) -> Result<(), CallError> {
        ask!(self, channel.call_connect(&connection))
    }

    /// What could be connected.
    pub async fn list_addresses(
        self,
        credential: Option<String>,
        page_token: Option<String>,
    ) -> Result<AddressPage, CallError> {
        ask!(self, channel.call_list_addresses(credential.as_deref(), page_token.as_deref()))
    }

    /// A message goes out.
    pub async fn send(self, connection: Connection, message: OutboundMessage) -> Result<SendReceipt, CallError> {
        ask!(self, channel.call_send(&connection, &message))
    }

    /// Asks whether the provider has a message whose `send` had no clear outcome.
    pub async fn check_sent(self, connection: Connection, message: OutboundMessage) -> Result<SendStatus, CallError> {
        ask!(self, channel.call_check_sent(&connection, &message))
    }

    /// The provider has something to say.
    pub async fn receive(self, connection: Connection, request: HttpRequest) -> Result<WebhookResult, CallError> {
        ask!(self, channel.call_receive(&connection, &request))
    }

    /// The channel was removed.
    pub async fn disconnect(self, connection: Connection) -> Result<(), CallError> {
        ask!(self, channel.call_disconnect(&connection))
    }
}
