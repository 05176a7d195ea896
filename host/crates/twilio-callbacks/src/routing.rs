//! The custom routing callback: it has no `Location`, and Twilio ignores its response.

use frontgate_contract::bindings::routing::InboundConversation;
use frontgate_twilio::form::Form;

use super::error::DecodeError;
use super::fields::Fields;
use super::people;

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
    let mut fields = Fields::new(form);
    people.mark(&mut fields);
    let conversation = InboundConversation {
        conversation_sid: fields.sid("CH", "ConversationSid")?,
        friendly_name: fields.text("FriendlyName"),
        attributes: fields.attributes(),
        addresses: people.customers,
        proxy_address: people.own.clone(),
        author: people.author,
        unique_name: fields.text("UniqueName"),
        state: fields.text("State"),
        // Frontline has its own name for the field.
        chat_service_sid: fields.text("ConversationServiceSid").or_else(|| fields.text("ChatServiceSid")),
        date_created: fields.text("DateCreated"),
        date_updated: fields.text("DateUpdated"),
        more: fields.rest(),
    };
    Ok(Inbound {
        conversation,
        is_group: people.is_group,
        projected_address: people.own.filter(|_| people.is_group),
        all_addresses: people.all,
    })
}
