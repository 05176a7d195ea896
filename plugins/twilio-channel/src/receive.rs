//! Handles Twilio's webhooks: messages, delivery reports, and calls.

mod delivery;
mod message;
mod voice;

use frontgate_sdk::Result;
use frontgate_sdk::channel::{Request, WebhookResult};

use crate::form::Form;
use crate::hooks;
use crate::settings::Channel;
use crate::signature;

/// Handles a webhook. Accepts unrelated events as well, so that Twilio does not send them again.
pub(crate) fn receive(channel: &Channel, request: &Request) -> Result<WebhookResult> {
    let Some(form) = Form::parse(&request.body) else { return Ok(WebhookResult::status(403)) };
    if !signature::is_valid(request, &form, channel.settings.shared_key_algorithm)? {
        return Ok(WebhookResult::status(403));
    }
    if hooks::is_callback(channel, &request.url) {
        let events = voice::events(channel, &form);
        return Ok(events.into_iter().fold(WebhookResult::status(200), WebhookResult::event));
    }
    let is_own = hooks::is_own(channel, &request.url);
    let event = match form.get("EventType") {
        Some("onMessageAdded") => message::added(channel, &form, is_own)?,
        Some("onDeliveryUpdated") => delivery::updated(channel, &form)?.map(Into::into),
        _ => None,
    };
    let mut result = WebhookResult::status(200);
    result.events.extend(event);
    Ok(result)
}
