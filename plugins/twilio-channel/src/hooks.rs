//! Registers Twilio's webhooks for a channel.

mod number;
mod service;
mod voice;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use frontgate_sdk::Result;
use sha1::{Digest as _, Sha1};

pub(crate) use self::voice::is_callback;
use crate::settings::Channel;

/// The events that a channel needs.
const EVENTS: [&str; 2] = ["onMessageAdded", "onDeliveryUpdated"];

/// The way in which Twilio's webhooks are registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Webhooks {
    /// The plugin registers one webhook for each conversation of the channel's number.
    Number,
    /// The plugin registers one webhook for the service, which serves one channel.
    Service,
    /// The operator registers the webhook.
    Manual,
}

pub(crate) fn connect(channel: &Channel) -> Result<()> {
    match channel.settings.webhooks {
        Webhooks::Number => number::connect(channel)?,
        Webhooks::Service => service::connect(channel)?,
        Webhooks::Manual => {}
    }
    if channel.settings.voice { voice::connect(channel) } else { Ok(()) }
}

pub(crate) fn disconnect(channel: &Channel) -> Result<()> {
    let messages = match channel.settings.webhooks {
        Webhooks::Number => number::disconnect(channel),
        Webhooks::Service => service::disconnect(channel),
        Webhooks::Manual => Ok(()),
    };
    // A failure of one does not keep the other.
    let calls = if channel.settings.voice { voice::disconnect(channel) } else { Ok(()) };
    messages.and(calls)
}

/// Attaches a webhook to a conversation that the plugin has created or found.
pub(crate) fn attach(channel: &Channel, conversation: &str) -> Result<()> {
    match channel.settings.webhooks {
        Webhooks::Number => number::attach(channel, conversation),
        Webhooks::Service | Webhooks::Manual => Ok(()),
    }
}

/// Returns whether a request came through a webhook that only conversations of the channel's number have.
pub(crate) fn is_own(channel: &Channel, url: &str) -> bool {
    is_same_place(url, &own_url(channel))
}

/// Returns the webhook URL for the number's conversations. The URL is below the channel's address, and differs for each
/// number, since a channel may change its number.
fn own_url(channel: &Channel) -> String {
    let digest = Sha1::digest(channel.number.as_bytes());
    let tag = BASE64_URL_SAFE_NO_PAD.encode(&digest[..9]);
    format!("{}/{tag}", channel.webhook_url.trim_end_matches('/'))
}

/// Returns the URL of the account, without the service.
fn account_url(channel: &Channel) -> &str {
    let url = channel.settings.conversations_url.as_str();
    url.split_once("/Services/").map_or(url, |(account, _)| account)
}

/// Returns whether two URLs belong to the same channel, even if the gateway's host name changed. Compares the paths,
/// which cannot be guessed.
fn is_same_place(one: &str, other: &str) -> bool {
    let path =
        |url: &str| url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path.to_owned());
    path(one).is_some() && path(one) == path(other)
}
