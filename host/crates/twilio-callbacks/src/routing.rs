//! The custom routing callback, which has neither `Location` nor an answer that anybody reads.

use frontgate_contract::bindings::routing::InboundConversation;
use frontgate_twilio::form::Form;

use super::error::DecodeError;
use super::{conversation_sid, people};

/// What happened, and what adding a worker takes.
#[derive(Debug)]
pub struct Inbound {
    /// As plugins see it.
    pub conversation: InboundConversation,
    /// Whether it is a group conversation, where a worker needs a number to appear under.
    pub is_group: bool,
    /// That number, where it is known.
    pub projected_address: Option<String>,
    /// Every address of the callback, with the number among them.
    pub all_addresses: Vec<String>,
}

/// Reads the form of a callback. `numbers` are the tenant's own.
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
