//! Role `channel`: messages between Front and a provider. There is no provider here: what goes out is said to be
//! sent, and what comes in is a text with two headers.

use frontgate_sdk::channel::{
    Address, AddressPage, Connection, InboundMessage, OutboundMessage, SendReceipt, WebhookResult, Request,
};
use frontgate_sdk::{Error, Channel, Result, info};

use crate::Plugin;

impl Channel for Plugin {
    fn connect(connection: Connection) -> Result<()> {
        // A good place to try the credential, and to tell the provider about `webhook_url`.
        info!("channel {} is connected", connection.channel_id);
        Ok(())
    }

    fn list_addresses(_credential: Option<String>, _page_token: Option<String>) -> Result<AddressPage> {
        let address = Address { value: "+12025550199".to_owned(), name: Some("Main number".to_owned()) };
        Ok(AddressPage { addresses: vec![address], next_page_token: None })
    }

    fn send(_: Connection, message: OutboundMessage) -> Result<SendReceipt> {
        // Here the provider's API is called, with the idempotency key if it takes one. `Error::Unavailable` is tried
        // again; what else goes wrong is for good, and its text is shown to the teammate.
        let conversation = match message.conversation_ids.first() {
            Some(known) => known.clone(),
            None => message.to.first().ok_or_else(|| Error::invalid("the message has no recipient"))?.handle.clone(),
        };
        Ok(SendReceipt::new(format!("sent-{}", message.idempotency_key), conversation))
    }

    // `check_sent` asks the provider whether it has a message; the SDK says that nobody can tell.

    fn receive(_: Connection, request: Request) -> Result<WebhookResult> {
        // First of all, check the provider's signature (`frontgate_sdk::signatures`): anybody may have sent this.
        let (Some(id), Some(from)) = (request.header("message-id"), request.header("from")) else {
            return Ok(WebhookResult::status(400));
        };
        // A message is plain text: Front shows it letter for letter, and never as HTML.
        Ok(WebhookResult::status(204).event(InboundMessage::new(id, from, from, request.text()?)))
    }
}
