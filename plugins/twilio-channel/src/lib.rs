//! A Front channel over Twilio Conversations: teammates answer SMS and WhatsApp customers from Front.
//!
//! A channel is one of the company's numbers, a Messenger page, or an RCS sender. The admin enters the number when connecting the channel, unless there is
//! only one.
//!
//! # Configuration
//!
//! ```toml
//! [plugins.named.twilio-channel]
//! # The API, the Media Content Service, the host of its downloads, and the Content API for WhatsApp's templates.
//! outbound = ["https://conversations.twilio.com", "https://mcs.us1.twilio.com", "https://media.us1.twilio.com",
//!     "https://content.twilio.com"]
//! # The account's auth token, which signs webhooks. The gateway verifies with it; the plugin never sees it. During a
//! # rotation in Twilio: a list of the old and the new one. Twilio's SharedKeys have their ids as names:
//! # webhook_keys = { twilio = ..., webhooks_sharedkey_... = { env = "TWILIO_SHARED_KEY" } }
//! webhook_keys = { twilio = { env = "TWILIO_AUTH_TOKEN" } }
//! # For large files. The next call continues what a call could not finish.
//! limits = { call_timeout_ms = 30000, outbound_timeout_ms = 25000 }
//!
//! [plugins.named.twilio-channel.config]
//! # The Conversations service, which determines the URLs. Set `conversations_url`, `media_url` and `content_url` for
//! # another region.
//! service_sid = "IS..."
//! # The company's addresses, in Twilio's notation. Messenger pages and RCS senders have a prefix, too:
//! # messenger:108000000000001, rcs:acme_agent
//! numbers = "+12025550190, whatsapp:+12025550191"
//! # Whether customers' opt-outs that the plugin `consent` keeps apply to messages from Front; see below.
//! consent = false
//! # How webhooks are registered: "number", "service" or "manual"; see below.
//! webhooks = "number"
//! # The algorithm of SharedKeys: "HMAC_SHA256" or "HMAC_SHA1". Signatures with the other one are rejected.
//! shared_key_algorithm = "HMAC_SHA256"
//! # Teammates who also write in Twilio: the identity there, and the teammate in Front, by id or e-mail address.
//! teammates = { "otto" = "tea_6r55a", "ana" = "alt:email:ana@example.com" }
//! # Whether connecting registers the channel for calls of its number; see below.
//! voice = false
//!
//! # An API key. The gateway adds it to requests; the plugin never sees it. Downloads reject requests with a key, so
//! # none is bound to their host.
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
//!
//! [[plugins.named.twilio-channel.bound_secrets]]
//! to = "https://content.twilio.com"
//! header = "authorization"
//! value = "Basic {sid}:{secret}"
//! secrets = { sid = { env = "TWILIO_API_KEY_SID" }, secret = { env = "TWILIO_API_KEY_SECRET" } }
//! visible = ["sid"]
//! ```
//!
//! # Sign-in with OAuth
//!
//! In a Front app with OAuth, the person who connects a channel signs in to Twilio and chooses the number. The sign-in
//! proves that the person belongs to the operator's account; what is entered is checked with Twilio and not kept. It needs
//! one more setting and one more grant:
//!
//! ```toml
//! [plugins.named.twilio-channel]
//! outbound = ["https://api.twilio.com", "https://conversations.twilio.com", "..."]
//!
//! [plugins.named.twilio-channel.config]
//! # The account of the Conversations service.
//! account_sid = "AC..."
//! ```
//!
//! # Webhooks
//!
//! A Conversations service has one URL for events, but every channel has an address of its own. `webhooks` selects who
//! registers it:
//!
//! - `number` (default): by number. Connecting sets the number's address configuration, which creates a conversation
//!   for a new customer's message with a webhook. The plugin attaches webhooks to conversations that it finds or
//!   creates. Several channels can share a service, and the service's own URL stays unchanged. Conversations from
//!   before the connection report nothing until a teammate composes a message to that customer.
//! - `service`: the service's URL, which also covers older conversations, but allows only one channel. A service
//!   without a URL inherits the account's webhooks, and would lose them: connecting fails if the account has a URL.
//! - `manual`: the operator registers the channel's address.
//!
//! With `service` and `manual`, the plugin checks for each event that the channel's number is in the conversation, which
//! costs a request. A URL or a Studio flow of another system is never replaced: connecting fails instead.
//!
//! # Calls
//!
//! Twilio's status callbacks of calls, and its recording status callbacks, come to the channel's address followed by
//! `/voice`. Front shows the calls whose `To` (incoming) or `From` (outgoing) is the channel's number.
//!
//! - With `voice = true`, connecting sets the number's status callback, which reports incoming calls at their end. Front
//!   then shows them with their beginning. A status callback of another system is never replaced: connecting fails instead.
//! - The operator adds the address to `statusCallback` and `recordingStatusCallback` of the number's TwiML or of calls that
//!   programs make, for the states in between, for outgoing calls and for recordings.
//! - Recordings are fetched with the operator's key, which is bound to a host of its own, `voice_url`. Never bind a key to
//!   `https://api.twilio.com`: it would replace what people enter to sign in, and everyone could connect a channel.
//!
//! ```toml
//! [plugins.named.twilio-channel]
//! outbound = ["https://api.ashburn.us1.twilio.com", "https://conversations.twilio.com", "..."]
//!
//! [plugins.named.twilio-channel.config]
//! account_sid = "AC..."
//! voice = true
//! # For another region, its API.
//! voice_url = "https://api.ashburn.us1.twilio.com"
//!
//! [[plugins.named.twilio-channel.bound_secrets]]
//! to = "https://api.ashburn.us1.twilio.com"
//! header = "authorization"
//! value = "Basic {sid}:{secret}"
//! secrets = { sid = { env = "TWILIO_API_KEY_SID" }, secret = { env = "TWILIO_API_KEY_SECRET" } }
//! visible = ["sid"]
//! ```
//!
//! # Outbound messages
//!
//! - A text of more than 1,600 characters is split at words. Each file is a message of its own; the first one is sent
//!   with the last piece of the text.
//! - Every part has a mark in its attributes, `frontgate`. Twilio has no idempotency keys, so the plugin searches the
//!   newest messages for the mark before it sends: no part is sent twice.
//! - A reply must go to customers in the conversation. The plugin rejects other messages, and messages for a conversation
//!   that was closed in Twilio.
//! - A new message to several customers begins a group MMS with at most nine of them, if the channel is SMS; Twilio must
//!   have enabled groups for the account. These customers' present group is used if there is one.
//!
//! # Consent
//!
//! With `consent = true`, Twilio asks the service's pre-event webhook about each message. If that is the gateway, with the
//! plugin `consent` in the role `conversations`, customers who opted out get no messages from Front either. The teammate
//! reads why.
//!
//! # Authors and answers
//!
//! - The setting `teammates` maps identities: a message of a mapped teammate has the identity as its author in Twilio,
//!   and a message that the identity writes in Twilio belongs to the teammate in Front. Other teammates have their e-mail
//!   address as the author.
//! - Twilio's messages have no field for the message that they answer, and events do not contain WhatsApp's quotes. The
//!   plugin writes the SID (`IM...`) of the answered message into the attribute `in_reply_to`, and reads it from messages
//!   of apps that set the same attribute.
//!
//! # Templates
//!
//! - A channel of a WhatsApp number lists the account's contents (`HX...`) that have a text. A message with a template is
//!   sent by its SID and the values of its variables.
//! - WhatsApp accepts other messages only for 24 hours after the customer's last message. The plugin reads the newest
//!   messages of the conversation, and rejects a message outside this window at once.

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
mod sign_in;
mod signature;
mod teammates;
mod templates;
mod time;
mod twilio;
mod window;

use frontgate_sdk::channel::{
    Address, AddressPage, Connection, OutboundMessage, Request, SendReceipt, SendStatus, TemplatePage, WebhookResult,
};
use frontgate_sdk::channel_login::{Event, Login, Step};
use frontgate_sdk::{ChannelLogin, Result};

use crate::settings::{Channel, Settings};

/// The plugin.
pub struct TwilioChannel;

frontgate_sdk::export!(TwilioChannel: channel, channel_login);

impl frontgate_sdk::Channel for TwilioChannel {
    fn connect(connection: Connection) -> Result<()> {
        hooks::connect(&Channel::of(connection)?)
    }

    fn list_addresses(_: Option<String>, _: Option<String>) -> Result<AddressPage> {
        let show = |number: String| Address { name: Some(number::name(&number)), value: number };
        let addresses = Settings::read()?.numbers.into_iter().map(show).collect();
        Ok(AddressPage { addresses, next_page_token: None })
    }

    fn list_templates(connection: Connection, page_token: Option<String>) -> Result<TemplatePage> {
        templates::list(&Channel::of(connection)?, page_token)
    }

    fn send(connection: Connection, message: OutboundMessage) -> Result<SendReceipt> {
        send::send(&Channel::of(connection)?, &message)
    }

    fn check_sent(connection: Connection, message: OutboundMessage) -> Result<SendStatus> {
        sent::check(&Channel::of(connection)?, &message)
    }

    fn receive(connection: Connection, request: Request) -> Result<WebhookResult> {
        receive::receive(&Channel::of(connection)?, &request)
    }

    fn disconnect(connection: Connection) -> Result<()> {
        hooks::disconnect(&Channel::of(connection)?)
    }

    fn check(connection: Connection) -> Result<()> {
        twilio::check(&Channel::of(connection)?.url("Configuration/Webhooks"))
    }
}

impl ChannelLogin for TwilioChannel {
    fn advance(login: Login, event: Event) -> Result<Step> {
        sign_in::advance(&login.state, &event)
    }
}
