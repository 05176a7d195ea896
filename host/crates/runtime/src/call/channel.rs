//! Functions of the channel role.

use frontgate_contract::bindings::channel::{
    AddressPage, Connection, HttpRequest, OutboundMessage, SendReceipt, SendStatus, TemplatePage, WebhookResult,
};

use super::{Call, invoke};
use crate::error::CallError;

impl Call<'_> {
    /// Notifies the plugin that an admin connects a channel.
    pub async fn connect(self, connection: Connection) -> Result<(), CallError> {
        invoke!(self, channel.call_connect(&connection))
    }

    /// Lists addresses that a channel can be connected to.
    pub async fn list_addresses(
        self,
        credential: Option<String>,
        page_token: Option<String>,
    ) -> Result<AddressPage, CallError> {
        invoke!(self, channel.call_list_addresses(credential.as_deref(), page_token.as_deref()))
    }

    /// Lists the provider's templates.
    pub async fn list_channel_templates(
        self,
        connection: Connection,
        page_token: Option<String>,
    ) -> Result<TemplatePage, CallError> {
        invoke!(self, channel.call_list_templates(&connection, page_token.as_deref()))
    }

    /// Sends a message to the provider.
    pub async fn send(self, connection: Connection, message: OutboundMessage) -> Result<SendReceipt, CallError> {
        invoke!(self, channel.call_send(&connection, &message))
    }

    /// Checks whether a message whose outcome is unknown was sent.
    pub async fn check_sent(self, connection: Connection, message: OutboundMessage) -> Result<SendStatus, CallError> {
        invoke!(self, channel.call_check_sent(&connection, &message))
    }

    /// Handles a webhook of the provider.
    pub async fn receive(self, connection: Connection, request: HttpRequest) -> Result<WebhookResult, CallError> {
        invoke!(self, channel.call_receive(&connection, &request))
    }

    /// Notifies the plugin that an admin removed a channel.
    pub async fn disconnect(self, connection: Connection) -> Result<(), CallError> {
        invoke!(self, channel.call_disconnect(&connection))
    }

    /// Asks whether the provider answers and accepts the credential.
    pub async fn check(self, connection: Connection) -> Result<(), CallError> {
        invoke!(self, channel.call_check(&connection))
    }
}
