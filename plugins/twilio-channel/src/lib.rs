//! A Front channel over Twilio Conversations: a team answers its SMS and WhatsApp customers from Front.
//!
//! A channel is one number of the company. The admin types it when the channel is connected; where there is
//! only one, nothing has to be typed.
//!
//! # What an operator configures
//!
//! ```toml
//! [plugins.named.twilio-channel]
//! # The API, the Media Content Service, and where that one's downloads lead.
//! outbound = ["https://conversations.twilio.com", "https://mcs.us1.twilio.com", "https://media.us1.twilio.com"]
//! # The account's auth token, which signs webhooks. The gateway checks with it; the plugin never sees it. While it
//! # is rotated in Twilio: a list of the old one and the new one.
//! webhook_keys = { twilio = { env = "TWILIO_AUTH_TOKEN" } }
//! # A large file takes its time. What a call cannot finish, the next one goes on with.
//! limits = { call_timeout_ms = 30000, outbound_timeout_ms = 25000 }
//!
//! [plugins.named.twilio-channel.config]
//! # The Conversations service. Its URLs follow from it: `conversations_url` and `media_url` are for a Twilio
//! # in another region.
//! service_sid = "IS..."
//! # The company's numbers, as Twilio writes them.
//! numbers = "+12025550190, whatsapp:+12025550191"
//! # Where Twilio is told to send what happens: "number", "service" or "manual".
//! webhooks = "number"
//!
//! # An API key. The gateway puts it into requests; the plugin never sees it. The downloads get none: they
//! # refuse a request that has one.
//! [[plugins.named.twilio-channel.bound_secrets]]
//! to = "https://conversations.twilio.com"
//! header = "authorization"
//! value = "Basic {sid}:{secret}"
//! secrets = { sid = { env = "TWILIO_API_KEY_SID" }, secret = { env = "TWILIO_API_KEY_SECRET" } }
//! visible = ["sid"]
//!
//! [[plugins.named.twilio-channel.bound_secrets]]
//! to = "https://mcs.us1.twilio.com"
//! header = "authorization"
//! value = "Basic {sid}:{secret}"
//! secrets = { sid = { env = "TWILIO_API_KEY_SID" }, secret = { env = "TWILIO_API_KEY_SECRET" } }
//! visible = ["sid"]
//! ```
//!
//! # Webhooks
//!
//! A Conversations service has one URL for events, and every channel has an address of its own. So by default
//! (`number`) it is the number that leads to its channel: connecting sets the number's address configuration,
//! which makes a conversation of a new customer's message and attaches a webhook to it, and the plugin attaches
//! one to conversations that it finds or makes itself. Several channels share a service, and what else uses the
//! service's own URL is left alone. Conversations that were open before a channel was connected tell it nothing
//! until a teammate composes a message to that customer.
//!
//! With `service` the service's URL is set instead, which also covers older conversations, but there can be one
//! channel only. A URL or a Studio flow of somebody else is never replaced: connecting is refused. With `manual`
//! the operator sets what leads to the channel's address. In both cases an event counts only if the channel's
//! number is in the conversation, which costs a question for each.
//!
//! # What goes out
//!
//! A text of more than 1,600 characters is split at words, and each file is a message of its own; the first one
//! comes with the last piece of the text. Every part has a mark in its attributes, `frontgate`. Twilio has no keys
//! for repeated requests, so the newest messages are looked through for the mark before anything is written:
//! nothing is sent twice, whatever came of an earlier attempt. A reply must go to customers who are in the
//! conversation, and a new conversation has one customer; anything else is refused, as is a message for a
//! conversation that was closed in Twilio.

mod conversation;
mod form;
mod hooks;
mod mark;
mod meaning;
mod number;
mod parts;
mod people;
mod receive;
mod send;
mod sent;
mod settings;
mod signature;
mod time;
mod twilio;

use frontgate_sdk::channel::{Address, AddressPage, Connection, Fate, OutboundMessage, Receipt, Reception, Request};
use frontgate_sdk::{FrontChannel, Result};

use crate::settings::{Channel, Settings};

/// The plugin.
pub struct TwilioChannel;

frontgate_sdk::export!(TwilioChannel: channel);

impl FrontChannel for TwilioChannel {
    fn connect(connection: Connection) -> Result<()> {
        hooks::connect(&Channel::of(connection)?)
    }

    fn list_addresses(_: Option<String>, _: Option<String>) -> Result<AddressPage> {
        let show = |number: String| Address { name: Some(number::name(&number)), value: number };
        let addresses = Settings::read()?.numbers.into_iter().map(show).collect();
        Ok(AddressPage { addresses, next_page_token: None })
    }

    fn send(connection: Connection, message: OutboundMessage) -> Result<Receipt> {
        send::send(&Channel::of(connection)?, &message)
    }

    fn find_sent(connection: Connection, message: OutboundMessage) -> Result<Fate> {
        sent::fate(&Channel::of(connection)?, &message)
    }

    fn receive(connection: Connection, request: Request) -> Result<Reception> {
        receive::receive(&Channel::of(connection)?, &request)
    }

    fn disconnect(connection: Connection) -> Result<()> {
        hooks::disconnect(&Channel::of(connection)?)
    }
}
