//! Role `channel`: messages between Front and a provider. This example has no provider: `send` only returns ids, and
//! `receive` accepts a text with two headers.

use frontgate_sdk::channel::{
    Address, AddressPage, Connection, InboundMessage, OutboundMessage, Request, SendReceipt, WebhookResult,
};
use frontgate_sdk::{Channel, Error, Result, info};

use crate::Plugin;

impl Channel for Plugin {
    fn connect(connection: Connection) -> Result<()> {
        // Check the credential here, and register `webhook_url` with the provider.
        info!("channel {} is connected", connection.channel_id);
        Ok(())
    }

    fn list_addresses(_credential: Option<String>, _page_token: Option<String>) -> Result<AddressPage> {
        let address = Address { value: "+12025550199".to_owned(), name: Some("Main number".to_owned()) };
        Ok(AddressPage { addresses: vec![address], next_page_token: None })
    }

    fn send(_: Connection, message: OutboundMessage) -> Result<SendReceipt> {
        // Call the provider's API here, with the idempotency key if it accepts one. `Error::Unavailable` is retried;
        // every other error is final, and the teammate sees its text.
        let conversation = match message.conversation_ids.first() {
            Some(known) => known.clone(),
            None => message.to.first().ok_or_else(|| Error::invalid("the message has no recipient"))?.handle.clone(),
        };
        Ok(SendReceipt::new(format!("sent-{}", message.idempotency_key), conversation))
    }

    // Implement `check_sent` to ask the provider whether it has a message. The SDK returns `SendStatus::Unknown`.

    fn receive(_: Connection, request: Request) -> Result<WebhookResult> {
        // First verify the provider's signature (`frontgate_sdk::signatures`): anyone can send this request.
        let (Some(id), Some(from)) = (request.header("message-id"), request.header("from")) else {
            return Ok(WebhookResult::status(400));
        };
        // The message is plain text: Front shows it literally, never as HTML.
        Ok(WebhookResult::status(204).event(InboundMessage::new(id, from, from, request.text()?)))
    }
}
