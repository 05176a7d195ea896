//! Twilio's webhooks: what customers, agents and carriers did.

mod delivery;
mod message;

use frontgate_sdk::Result;
use frontgate_sdk::channel::{Reception, Request};

use crate::form::Form;
use crate::hooks;
use crate::settings::Channel;
use crate::signature;

const SIGNATURE: &str = "x-twilio-signature";

/// Events that mean nothing to a channel are taken, too, so that Twilio does not send them again.
pub(crate) fn receive(channel: &Channel, request: &Request) -> Result<Reception> {
    let (form, signature) = (Form::parse(&request.body), request.header(SIGNATURE));
    let (Some(form), Some(signature)) = (form, signature) else { return Ok(Reception::answer(403)) };
    if !signature::is_valid(signature, &request.url, &form)? {
        return Ok(Reception::answer(403));
    }
    let is_own = hooks::is_own(channel, &request.url);
    let event = match form.get("EventType") {
        Some("onMessageAdded") => message::added(channel, &form, is_own)?,
        Some("onDeliveryUpdated") => delivery::updated(channel, &form)?.map(Into::into),
        _ => None,
    };
    let mut reception = Reception::answer(200);
    reception.events.extend(event);
    Ok(reception)
}
