//! The outgoing conversation callback: `GetProxyAddress`.

use serde::Serialize;

use super::{Answer, location, required, shape};
use crate::bindings::outgoing::OutgoingRequest;
use crate::bindings::plugin_types::ContactChannel;
use crate::error::Error;
use crate::twilio::form::Form;

const PROXY_ADDRESS: &str = "GetProxyAddress";

/// Reads the form of a callback.
pub fn decode(form: &Form<'_>, query: Option<&str>) -> Result<OutgoingRequest, Error> {
    match location(form, query)? {
        PROXY_ADDRESS => Ok(OutgoingRequest {
            worker: required(form, "Worker")?.to_owned(),
            customer_id: required(form, "CustomerId")?.to_owned(),
            channel: ContactChannel {
                kind: required(form, "ChannelType")?.to_owned(),
                value: required(form, "ChannelValue")?.to_owned(),
            },
        }),
        _ => Err(Error::UnknownLocation(PROXY_ADDRESS)),
    }
}

#[derive(Serialize)]
struct Proxy<'a> {
    proxy_address: &'a str,
}

/// Writes the number, unless Frontline would refuse it only after it has begun the conversation
/// (errors 48026 and 48027).
pub fn encode(proxy_address: &str, contact: &ContactChannel) -> Result<Answer, Error> {
    // Calls go over the number itself, as text messages do.
    let kind = if contact.kind.eq_ignore_ascii_case("whatsapp") { "whatsapp" } else { "sms" };
    if !shape::channel(kind, proxy_address) {
        return Err(Error::ProxyAddress);
    }
    if proxy_address == contact.value {
        return Err(Error::ProxyIsContact);
    }
    Ok(Answer::whole(super::json(&Proxy { proxy_address })))
}
