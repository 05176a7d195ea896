//! The status callback of a number's calls, registered if the setting `voice` is true.

use frontgate_sdk::{Error, Result, address};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::form;
use crate::hooks::is_same_place;
use crate::settings::Channel;
use crate::twilio;

/// The last segment of the address of calls.
const SEGMENT: &str = "voice";

/// `IncomingPhoneNumbers.json`.
#[derive(Deserialize)]
struct Numbers {
    incoming_phone_numbers: Vec<Number>,
}

#[derive(Deserialize)]
struct Number {
    sid: String,
    #[serde(default)]
    status_callback: Option<String>,
}

/// Returns whether a request is a callback of calls.
pub(crate) fn is_callback(channel: &Channel, url: &str) -> bool {
    is_same_place(url, &callback_url(channel))
}

/// Returns the address of calls, below the channel's.
fn callback_url(channel: &Channel) -> String {
    format!("{}/{SEGMENT}", channel.webhook_url.trim_end_matches('/'))
}

/// Sets the number's status callback. Another system's is not replaced.
pub(super) fn connect(channel: &Channel) -> Result<()> {
    let Some(found) = found(channel)? else {
        return Err(Error::invalid(
            "This account does not have the number, so its calls cannot be reported. Ask the operator to set voice = false.",
        ));
    };
    let own = callback_url(channel);
    let before = found.status_callback.as_deref().filter(|url| !url.is_empty());
    if before.is_some_and(|url| !is_same_place(url, &own)) {
        return Err(Error::invalid(
            "Twilio reports calls of this number to another system. Remove the number's status callback in Twilio, or ask \
             the operator to set voice = false.",
        ));
    }
    set(channel, &found, &own)
}

/// Removes the number's status callback, unless it leads elsewhere.
pub(super) fn disconnect(channel: &Channel) -> Result<()> {
    let Some(found) = found(channel)? else { return Ok(()) };
    match found.status_callback.as_deref() {
        Some(url) if is_same_place(url, &callback_url(channel)) => set(channel, &found, ""),
        _ => Ok(()),
    }
}

fn found(channel: &Channel) -> Result<Option<Number>> {
    let number = form::encode(&[("PhoneNumber", address::number(&channel.number))]);
    let Numbers { incoming_phone_numbers } = twilio::get(&format!("{}.json?{number}", numbers_url(channel)?))?;
    Ok(incoming_phone_numbers.into_iter().next())
}

fn set(channel: &Channel, number: &Number, url: &str) -> Result<()> {
    let place = format!("{}/{}.json", numbers_url(channel)?, form::segment(&number.sid));
    let fields = [("StatusCallback", url), ("StatusCallbackMethod", "POST")];
    let IgnoredAny = twilio::post(&place, &fields)?;
    Ok(())
}

fn numbers_url(channel: &Channel) -> Result<String> {
    let account = channel.settings.account_sid.as_deref().ok_or_else(|| {
        Error::failed("setting `account_sid` missing; with voice = true, set it to the SID of the account (AC...)")
    })?;
    let account = form::segment(account);
    Ok(format!("{}/2010-04-01/Accounts/{account}/IncomingPhoneNumbers", channel.settings.voice_url))
}
