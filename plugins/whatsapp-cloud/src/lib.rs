//! A Front channel over Meta's WhatsApp Cloud API: teammates answer WhatsApp customers from Front.
//!
//! A channel is one of the numbers of a WhatsApp Business account. The admin enters the number or its id when connecting
//! the channel, unless there is only one.
//!
//! # Configuration
//!
//! ```toml
//! [plugins.named.whatsapp-cloud]
//! # The Graph API, and the host of customers' files.
//! outbound = ["https://graph.facebook.com", "https://lookaside.fbsbx.com"]
//! # The app's secret, which signs webhooks. The gateway verifies with it; the plugin never sees it.
//! webhook_keys = { whatsapp = { env = "WHATSAPP_APP_SECRET" } }
//! # When customers wrote, and which messages arrived; see below.
//! state = true
//! # For large files.
//! limits = { call_timeout_ms = 30000, outbound_timeout_ms = 25000 }
//! # A text of your choice, which is also entered at Meta.
//! secrets = { verify_token = { env = "WHATSAPP_VERIFY_TOKEN" } }
//!
//! [plugins.named.whatsapp-cloud.config]
//! # The id of the WhatsApp Business account.
//! business_account_id = "102290129340398"
//! # Optional: another version of the Graph API, and another URL.
//! # api_version = "v23.0"
//! # api_url = "https://graph.facebook.com"
//!
//! # The access token of a system user. The gateway adds it to requests; the plugin never sees it.
//! [[plugins.named.whatsapp-cloud.bound_secrets]]
//! to = "https://graph.facebook.com"
//! header = "authorization"
//! value = "Bearer {token}"
//! secrets = { token = { env = "WHATSAPP_TOKEN" } }
//!
//! [[plugins.named.whatsapp-cloud.bound_secrets]]
//! to = "https://lookaside.fbsbx.com"
//! header = "authorization"
//! value = "Bearer {token}"
//! secrets = { token = { env = "WHATSAPP_TOKEN" } }
//! ```
//!
//! # Outbound messages
//!
//! - A text of more than 4,096 characters is split at words. Each file is a message of its own; the last piece of the text
//!   is the caption of the first file, if it is short enough and the file can have one.
//! - Files are uploaded before the first message is sent, so that a rejected file leaves nothing behind.
//! - Meta has no idempotency keys, and cannot be asked for a message. Every part has a mark in its
//!   `biz_opaque_callback_data`, which comes back in the reports about it. `check_sent` waits up to two seconds for
//!   reports about all parts, and answers `sent`, or otherwise `unknown`.
//! - If a later part is rejected, the message fails with a text that says how much was sent. A retry would send the first
//!   part twice.
//!
//! # The window of 24 hours
//!
//! WhatsApp accepts messages without a template for 24 hours after the customer's last message. The plugin remembers the
//! end of the window, and rejects a message after it at once. It does not know customers who wrote before the plugin was
//! installed: Meta then decides, and reports the failure.

mod graph;
mod mark;
mod meaning;
mod memory;
mod numbers;
mod parts;
mod receive;
mod send;
mod sent;
mod settings;
mod templates;
mod window;

use frontgate_sdk::channel::{
    AddressPage, Connection, OutboundMessage, Request, SendReceipt, SendStatus, TemplatePage, WebhookResult,
};
use frontgate_sdk::{Channel, Result};

use crate::settings::Settings;

/// The plugin.
pub struct WhatsAppCloud;

frontgate_sdk::export!(WhatsAppCloud: channel);

impl Channel for WhatsAppCloud {
    fn connect(connection: Connection) -> Result<()> {
        let settings = Settings::read()?;
        numbers::verify(&settings, connection.credential.as_deref())
    }

    fn list_addresses(_: Option<String>, page_token: Option<String>) -> Result<AddressPage> {
        numbers::list(&Settings::read()?, page_token)
    }

    fn list_templates(_: Connection, page_token: Option<String>) -> Result<TemplatePage> {
        templates::list(&Settings::read()?, page_token)
    }

    fn send(connection: Connection, message: OutboundMessage) -> Result<SendReceipt> {
        let settings = Settings::read()?;
        let number = numbers::resolve(&settings, connection.credential.as_deref())?;
        send::send(&settings, &number, &message)
    }

    fn check_sent(_: Connection, message: OutboundMessage) -> Result<SendStatus> {
        sent::check(&message)
    }

    fn receive(connection: Connection, request: Request) -> Result<WebhookResult> {
        receive::receive(&Settings::read()?, connection.credential.as_deref(), &request)
    }

    /// The plugin has registered nothing at Meta.
    fn disconnect(_: Connection) -> Result<()> {
        Ok(())
    }

    fn check(connection: Connection) -> Result<()> {
        numbers::check(&Settings::read()?, connection.credential.as_deref())
    }
}
