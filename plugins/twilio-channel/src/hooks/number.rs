//! Webhooks of a number's conversations. The number's address configuration adds a webhook to conversations that
//! Twilio creates for customers' messages. The plugin adds the webhook to other conversations.

use frontgate_sdk::{Error, Result};
use serde::Deserialize;

use crate::form;
use crate::hooks::{EVENTS, account_url, is_same_place, own_url};
use crate::number::Kind;
use crate::settings::Channel;
use crate::twilio::{self, Refusal};

/// `Configuration/Addresses/{IG}`.
#[derive(Deserialize)]
struct Configured {
    sid: String,
    #[serde(default)]
    auto_creation: Option<AutoCreation>,
}

#[derive(Default, Deserialize)]
struct AutoCreation {
    #[serde(default)]
    enabled: bool,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    webhook_url: Option<String>,
    #[serde(default)]
    conversation_service_sid: Option<String>,
}

#[derive(Deserialize)]
struct Hooks {
    webhooks: Vec<Hook>,
}

#[derive(Deserialize)]
struct Hook {
    #[serde(default)]
    configuration: Option<Target>,
}

#[derive(Default, Deserialize)]
struct Target {
    #[serde(default)]
    url: Option<String>,
}

pub(super) fn connect(channel: &Channel) -> Result<()> {
    let found = configured(channel)?;
    let before = found.as_ref().and_then(|found| found.auto_creation.as_ref());
    if before.is_some_and(|before| before.belongs_to_another_system(channel)) {
        return Err(Error::invalid(
            "Twilio sends messages to this number to another system: a webhook, a Studio flow or another Conversations \
             service. Change the number's address configuration in Twilio, or ask the operator to set \
             webhooks = \"manual\".",
        ));
    }
    let own = own_url(channel);
    let mut fields = vec![
        ("AutoCreation.Enabled", "true"),
        ("AutoCreation.Type", "webhook"),
        ("AutoCreation.WebhookUrl", own.as_str()),
        ("AutoCreation.WebhookMethod", "post"),
    ];
    fields.extend(EVENTS.map(|event| ("AutoCreation.WebhookFilters", event)));
    fields.extend(service(channel).map(|sid| ("AutoCreation.ConversationServiceSid", sid)));
    let url = match found {
        Some(found) => address_url(channel, &found.sid),
        None => {
            fields.extend([("Type", Kind::of(&channel.number).type_name()), ("Address", channel.number.as_str())]);
            addresses_url(channel)
        }
    };
    let _: Configured = twilio::post(&url, &fields)?;
    Ok(())
}

/// Removes the webhook. Customers' messages still create conversations.
pub(super) fn disconnect(channel: &Channel) -> Result<()> {
    let Some(found) = configured(channel)? else { return Ok(()) };
    let is_own = |before: &AutoCreation| before.webhook_url.as_deref().is_some_and(|url| leads_to(url, channel));
    if found.auto_creation.as_ref().is_some_and(is_own) {
        let fields = [("AutoCreation.Type", "default")];
        let _: Configured = twilio::post(&address_url(channel, &found.sid), &fields)?;
    }
    Ok(())
}

/// Adds the webhook to a conversation, unless the webhook exists.
pub(super) fn attach(channel: &Channel, conversation: &str) -> Result<()> {
    let (url, own) = (channel.url(&format!("Conversations/{conversation}/Webhooks")), own_url(channel));
    let hooks: Hooks = twilio::get(&url)?;
    let mut urls = hooks.webhooks.into_iter().filter_map(|hook| hook.configuration?.url);
    if urls.any(|url| url == own) {
        return Ok(());
    }
    let mut fields = vec![("Target", "webhook"), ("Configuration.Method", "post"), ("Configuration.Url", own.as_str())];
    fields.extend(EVENTS.map(|event| ("Configuration.Filters", event)));
    let _: Hook = twilio::post(&url, &fields)?;
    Ok(())
}

impl AutoCreation {
    /// Returns whether connecting the channel would redirect customers' messages away from another system.
    fn belongs_to_another_system(&self, channel: &Channel) -> bool {
        let elsewhere = match self.kind.as_deref() {
            Some("webhook") => !self.webhook_url.as_deref().is_some_and(|url| leads_to(url, channel)),
            Some("studio") => true,
            _ => false,
        };
        let other_service = match (&self.conversation_service_sid, service(channel)) {
            (Some(known), Some(own)) => known != own,
            _ => false,
        };
        self.enabled && (elsewhere || other_service)
    }
}

/// Returns whether a webhook belongs to this channel, for any number.
fn leads_to(url: &str, channel: &Channel) -> bool {
    let place = url.rsplit_once('/').map_or(url, |(place, _)| place);
    is_same_place(place, channel.webhook_url.trim_end_matches('/'))
}

fn configured(channel: &Channel) -> Result<Option<Configured>, Refusal> {
    match twilio::get(&address_url(channel, &channel.number)) {
        Ok(found) => Ok(Some(found)),
        Err(refusal) if refusal.is_not_found() => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// Returns the URL of address configurations, which belong to the account, not to a service.
fn addresses_url(channel: &Channel) -> String {
    format!("{}/Configuration/Addresses", account_url(channel))
}

fn address_url(channel: &Channel, name: &str) -> String {
    format!("{}/{}", addresses_url(channel), form::segment(name))
}

fn service(channel: &Channel) -> Option<&str> {
    channel.settings.conversations_url.split_once("/Services/").map(|(_, sid)| sid)
}
