//! What makes Twilio tell a channel what happens.

mod number;
mod service;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use frontgate_sdk::Result;
use sha1::{Digest as _, Sha1};

use crate::settings::Channel;

/// The events that a channel needs.
const EVENTS: [&str; 2] = ["onMessageAdded", "onDeliveryUpdated"];

/// Who tells Twilio where a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Webhooks {
    /// The plugin: each conversation of the channel's number has its own.
    Number,
    /// The plugin: the service has one, for one channel.
    Service,
    /// The operator.
    Manual,
}

pub(crate) fn connect(channel: &Channel) -> Result<()> {
    match channel.settings.webhooks {
        Webhooks::Number => number::connect(channel),
        Webhooks::Service => service::connect(channel),
        Webhooks::Manual => Ok(()),
    }
}

pub(crate) fn disconnect(channel: &Channel) -> Result<()> {
    match channel.settings.webhooks {
        Webhooks::Number => number::disconnect(channel),
        Webhooks::Service => service::disconnect(channel),
        Webhooks::Manual => Ok(()),
    }
}

/// Sees to it that a conversation which the plugin has made or found tells the channel what happens in it.
pub(crate) fn attach(channel: &Channel, conversation: &str) -> Result<()> {
    match channel.settings.webhooks {
        Webhooks::Number => number::attach(channel, conversation),
        Webhooks::Service | Webhooks::Manual => Ok(()),
    }
}

/// Whether a request came over a webhook that only conversations of the channel's number have.
pub(crate) fn is_own(channel: &Channel, url: &str) -> bool {
    is_same_place(url, &own_url(channel))
}

/// The webhook of the number's conversations: below the channel's address, and another one for another number,
/// as the channel may get one.
fn own_url(channel: &Channel) -> String {
    let digest = Sha1::digest(channel.number.as_bytes());
    let tag = BASE64_URL_SAFE_NO_PAD.encode(&digest[..9]);
    format!("{}/{tag}", channel.webhook_url.trim_end_matches('/'))
}

/// Whether both lead to the same channel, also where the gateway had another name in between: nobody can guess
/// the path.
fn is_same_place(one: &str, other: &str) -> bool {
    let path =
        |url: &str| url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path.to_owned());
    path(one).is_some() && path(one) == path(other)
}
