//! The custom routing callback: it has no `Location`, and Twilio ignores its response.

use frontgate_contract::bindings::routing::InboundConversation;
use frontgate_twilio::form::Form;

use super::error::DecodeError;
use super::{conversation_sid, people};

/// A new conversation, with the data that is needed to add a worker.
#[derive(Debug)]
pub struct Inbound {
    /// The conversation as plugins see it.
    pub conversation: InboundConversation,
    /// Whether it is a group conversation, where a worker appears under a number.
    pub is_group: bool,
    /// The number under which the worker appears, if known.
    pub projected_address: Option<String>,
    /// All addresses of the callback, including the tenant's own number.
    pub all_addresses: Vec<String>,
}

/// Decodes a callback. `numbers` are the tenant's own numbers.
pub fn decode(form: &Form<'_>, numbers: &[String]) -> Result<Inbound, DecodeError> {
    let people = people(form, numbers);
    let conversation = InboundConversation {
        conversation_sid: conversation_sid(form)?,
        friendly_name: form.get("FriendlyName").map(str::to_owned),
        attributes: form.get("Attributes").unwrap_or("{}").to_owned(),
        addresses: people.customers,
        proxy_address: people.own.clone(),
        author: people.author,
    };
    Ok(Inbound {
        conversation,
        is_group: people.is_group,
        projected_address: people.own.filter(|_| people.is_group),
        all_addresses: people.all,
    })
}
