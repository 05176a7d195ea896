//! The outgoing conversation callback: `GetProxyAddress`.

use frontgate_contract::bindings::outgoing::OutgoingRequest;
use frontgate_contract::bindings::plugin_types::ContactChannel;
use frontgate_twilio::form::Form;
use serde::Serialize;

use super::error::{DecodeError, EncodeError};
use super::{CallbackResponse, location, required, sanitize, worker};

const PROXY_ADDRESS: &str = "GetProxyAddress";

/// Decodes a callback. `default_worker` asks if the request names no worker. The number may depend on the channel's
/// kind only, so customer and address may be missing.
pub fn decode(
    form: &Form<'_>,
    query: Option<&str>,
    default_worker: Option<&str>,
) -> Result<OutgoingRequest, DecodeError> {
    match location(form, query)? {
        PROXY_ADDRESS => Ok(OutgoingRequest {
            worker: worker(form, default_worker),
            customer_id: form.get("CustomerId").unwrap_or_default().to_owned(),
            channel: ContactChannel {
                kind: required(form, "ChannelType")?.to_owned(),
                value: form.get("ChannelValue").unwrap_or_default().to_owned(),
            },
        }),
        _ => Err(DecodeError::UnknownLocation(PROXY_ADDRESS)),
    }
}

#[derive(Serialize)]
struct Proxy<'a> {
    proxy_address: &'a str,
}

/// Encodes the proxy address. An address that Frontline would reject only after it started the conversation is an error
/// here (Twilio's errors 48026 and 48027).
pub fn encode(proxy_address: &str, contact: &ContactChannel) -> Result<CallbackResponse, EncodeError> {
    let kind = match contact.kind.to_ascii_lowercase().as_str() {
        "whatsapp" => "whatsapp",
        "chat" => "chat",
        // Voice calls use a plain number, like text messages.
        _ => "sms",
    };
    if !sanitize::channel(kind, proxy_address) {
        return Err(EncodeError::ProxyAddress);
    }
    if proxy_address == contact.value {
        return Err(EncodeError::ProxyIsContact);
    }
    Ok(CallbackResponse::whole(super::json(&Proxy { proxy_address })))
}
