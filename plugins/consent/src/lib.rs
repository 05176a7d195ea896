//! Keeps which customers have opted out of messages, and refuses messages to them.
//!
//! - A customer opts out or in with a message that is one of the words, in any channel.
//! - A worker cannot begin a conversation with a customer who opted out (`outgoing`), nor write or edit a message in one,
//!   and neither can an action of another plugin or an operator (`conversations`: Twilio asks before each of them).
//! - Everything else is as without this plugin: conversations and participants are named after the CRM's customers, and
//!   numbers are chosen by the rules of the plugin `numbers`, with the same settings.
//!
//! State: `out/NUMBER` for each customer who opted out, and `in/CONVERSATION` with the numbers of a conversation's
//! customers, for [`REMEMBERED`].

mod settings;

use std::time::Duration;

use frontgate_sdk::{
    Conversations, Error, MessageAdd, MessageUpdate, MessageVerdict, OtherEvent, Outgoing, OutgoingRequest,
    ParticipantAdded, ParticipantChanges, Result, address, info, state,
};

use crate::settings::{Settings, Wish};

/// Time for which the customers of a conversation are remembered after the last one was added.
const REMEMBERED: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The reason of a refusal, for the log. Frontline's app shows a text of its own.
const REASON: &str = "the customer has opted out of messages";

/// The plugin.
pub struct Consent;

frontgate_sdk::export!(Consent: outgoing, conversations);

/// Behaves as the gateway does without a plugin.
struct Plain;

impl Conversations for Plain {}

impl Outgoing for Consent {
    fn proxy_address(request: OutgoingRequest) -> Result<String> {
        // A wrong setting is reported at once, not by the first opt-out.
        Settings::read()?;
        if has_opted_out(&request.channel.value)? {
            return Err(Error::Forbidden(REASON.to_owned()));
        }
        numbers_rules::proxy_address(request, &settings::KEYS)
    }
}

impl Conversations for Consent {
    fn on_participant_added(event: ParticipantAdded) -> Result<Option<ParticipantChanges>> {
        if let Some(address) = &event.address {
            remember(&event.conversation_sid, address)?;
        }
        Plain::on_participant_added(event)
    }

    fn on_message_add(event: MessageAdd) -> Result<MessageVerdict> {
        if is_customer(&event.author) {
            // The event after it does the same, if this one fails.
            note(&event.author, &event.body)?;
            return Ok(MessageVerdict::Accept);
        }
        check(&event.conversation_sid)
    }

    fn on_message_update(event: MessageUpdate) -> Result<MessageVerdict> {
        if is_customer(&event.author) { Ok(MessageVerdict::Accept) } else { check(&event.conversation_sid) }
    }

    fn on_event(event: OtherEvent) -> Result<()> {
        let field = |name| event.field(name).unwrap_or_default();
        match event.event_type.as_str() {
            "onMessageAdded" if is_customer(field("Author")) => {
                remember(field("ConversationSid"), field("Author"))?;
                note(field("Author"), field("Body"))
            }
            "onConversationRemoved" => Ok(state::delete(&customers_key(field("ConversationSid")))?),
            _ => Ok(()),
        }
    }
}

/// Returns whether the author of a message is a customer: a worker has an identity.
fn is_customer(author: &str) -> bool {
    address::is_e164(address::number(author))
}

/// Records the wish of a customer, if the message is one of the words.
fn note(author: &str, body: &str) -> Result<()> {
    let key = opt_out_key(author);
    match Settings::read()?.wish(body) {
        Some(Wish::OptOut) => {
            info!("a customer has opted out");
            state::set(&key, "", None)?;
        }
        Some(Wish::OptIn) => {
            info!("a customer has opted in");
            state::delete(&key)?;
        }
        None => {}
    }
    Ok(())
}

/// Rejects a message to a customer who has opted out.
fn check(conversation_sid: &str) -> Result<MessageVerdict> {
    for customer in customers(conversation_sid)? {
        if has_opted_out(&customer)? {
            return Ok(MessageVerdict::reject(REASON));
        }
    }
    Ok(MessageVerdict::Accept)
}

fn has_opted_out(address: &str) -> Result<bool> {
    Ok(state::get(&opt_out_key(address))?.is_some())
}

/// Adds a customer to those of a conversation.
fn remember(conversation_sid: &str, address: &str) -> Result<()> {
    let (mut all, number) = (customers(conversation_sid)?, address::number(address).to_owned());
    if all.contains(&number) {
        return Ok(());
    }
    all.push(number);
    state::set_json(&customers_key(conversation_sid), &all, REMEMBERED)
}

/// Returns the numbers of the customers in a conversation.
fn customers(conversation_sid: &str) -> Result<Vec<String>> {
    Ok(state::get_json(&customers_key(conversation_sid))?.unwrap_or_default())
}

fn opt_out_key(address: &str) -> String {
    format!("out/{}", address::number(address))
}

fn customers_key(conversation_sid: &str) -> String {
    format!("in/{conversation_sid}")
}
