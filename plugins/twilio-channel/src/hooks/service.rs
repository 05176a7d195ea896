//! The service's single webhook URL. A service without a URL inherits the URLs of the account.

use frontgate_sdk::{Error, Result};
use serde::Deserialize;

use crate::hooks::{EVENTS, account_url, is_same_place};
use crate::settings::Channel;
use crate::twilio;

/// `Configuration/Webhooks` of the service or the account.
#[derive(Deserialize)]
struct Configured {
    #[serde(default)]
    pre_webhook_url: Option<String>,
    #[serde(default)]
    post_webhook_url: Option<String>,
    #[serde(default)]
    filters: Option<Vec<String>>,
}

pub(super) fn connect(channel: &Channel) -> Result<()> {
    let configured = configured(channel)?;
    // The first URL of the service ends the inheritance: events that the account sends to another system would stop.
    if !configured.has_url() && account(channel)?.has_url() {
        return Err(Error::invalid(
            "The Conversations service in Twilio has no webhooks of its own: the account's webhooks get its events. Set \
             a Pre-Event URL of the service in Twilio, or ask the operator to set webhooks = \"number\".",
        ));
    }
    let post_url = configured.post_webhook_url.unwrap_or_default();
    if !post_url.is_empty() && !is_same_place(&post_url, &channel.webhook_url) {
        return Err(Error::invalid(
            "The Conversations service in Twilio sends its events to another system. Remove its Post-Event URL in \
             Twilio, or ask the operator to set webhooks = \"number\".",
        ));
    }
    let mut filters: Vec<_> = EVENTS.to_vec();
    let others = configured.filters.unwrap_or_default();
    // Both URLs share one list of events: keep the events of the other URL.
    if configured.pre_webhook_url.is_some_and(|url| !url.is_empty()) {
        filters.extend(others.iter().map(String::as_str).filter(|event| !EVENTS.contains(event)));
    }
    let mut fields = vec![("Method", "POST"), ("PostWebhookUrl", channel.webhook_url.as_str())];
    fields.extend(filters.into_iter().map(|event| ("Filters", event)));
    let _: Configured = twilio::post(&url(channel), &fields)?;
    Ok(())
}

pub(super) fn disconnect(channel: &Channel) -> Result<()> {
    let configured = configured(channel)?;
    if configured.post_webhook_url.is_some_and(|url| is_same_place(&url, &channel.webhook_url)) {
        let _: Configured = twilio::post(&url(channel), &[("PostWebhookUrl", "")])?;
    }
    Ok(())
}

fn configured(channel: &Channel) -> Result<Configured> {
    twilio::get(&url(channel)).map_err(|refusal| match refusal.is_not_found() {
        true => Error::invalid("Twilio does not have the configured Conversations service."),
        false => refusal.into(),
    })
}

/// Returns the account's webhooks, which a service inherits.
fn account(channel: &Channel) -> Result<Configured> {
    Ok(twilio::get(&format!("{}/Configuration/Webhooks", account_url(channel)))?)
}

fn url(channel: &Channel) -> String {
    channel.url("Configuration/Webhooks")
}

impl Configured {
    fn has_url(&self) -> bool {
        [&self.pre_webhook_url, &self.post_webhook_url].into_iter().flatten().any(|url| !url.is_empty())
    }
}
