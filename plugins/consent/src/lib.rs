//! Keeps which customers have opted out of messages, and refuses messages to them.
//!
//! - A customer opts out or in with a message that is one of the words, in any channel.
//! - A worker cannot begin a conversation with a customer who opted out (`outgoing`), nor write or edit a message in one,
//!   and neither can an action of another plugin or an operator (`conversations`: Twilio asks before each of them).
//! - Everything else is as without this plugin: conversations and participants are named after the CRM's customers, and
//!   numbers are chosen by the rules of the plugin `numbers`, with the same settings.
//!
//! State: `wish/NUMBER` with the last wish of each customer who ever opted out, and `in/CONVERSATION` with the numbers of a
//! conversation's customers, for [`REMEMBERED`].

mod date;
mod settings;

use std::time::{Duration, SystemTime};

use frontgate_sdk::{
    Conversations, Error, MessageAdd, MessageUpdate, MessageVerdict, OtherEvent, Outgoing, OutgoingRequest,
    ParticipantAdded, ParticipantChanges, Result, address, clock, info, state,
};
use serde::{Deserialize, Serialize};

use crate::settings::{Settings, Wish};

/// Time for which the customers of a conversation are remembered after the last message of one.
const REMEMBERED: Duration = Duration::from_secs(5 * 365 * 24 * 60 * 60);

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
            remember(&event.conversation_sid, &event.author)?;
            note(&event.author, &event.body, clock::now())?;
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
                // The event may have waited for long, and the customer may have changed their mind in another
                // conversation meanwhile.
                let sent = date::read(field("DateCreated")).unwrap_or(SystemTime::UNIX_EPOCH);
                note(field("Author"), field("Body"), sent)
            }
            "onConversationRemoved" => Ok(state::delete(&customers_key(field("ConversationSid")))?),
            _ => Ok(()),
        }
    }
}

/// The last wish of a customer.
#[derive(Serialize, Deserialize)]
struct LastWish {
    is_out: bool,
    /// When the message was sent, in milliseconds since 1970.
    at_ms: u64,
}

/// Returns whether the author of a message is a customer: a worker has an identity.
fn is_customer(author: &str) -> bool {
    address::is_e164(address::number(author))
}

/// Records the wish of a customer, if the message is one of the words and no later wish is known.
fn note(author: &str, body: &str, sent: SystemTime) -> Result<()> {
    let Some(wish) = Settings::read()?.wish(body) else { return Ok(()) };
    let since = sent.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let new = LastWish { is_out: wish == Wish::OptOut, at_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) };
    let key = wish_key(author);
    match state::get_json::<LastWish>(&key)? {
        Some(last) if last.is_out == new.is_out || last.at_ms > new.at_ms => return Ok(()),
        // Without an opt-out there is nothing to opt in to.
        None if !new.is_out => return Ok(()),
        _ => {}
    }
    info!("a customer has opted {}", if new.is_out { "out" } else { "in" });
    state::set_json(&key, &new, None)
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
    Ok(state::get_json::<LastWish>(&wish_key(address))?.is_some_and(|last| last.is_out))
}

/// Remembers a customer as one of a conversation's.
fn remember(conversation_sid: &str, address: &str) -> Result<()> {
    let (mut all, number) = (customers(conversation_sid)?, address::number(address).to_owned());
    if !all.contains(&number) {
        all.push(number);
    }
    // Also without a change: each message of a customer renews the time.
    state::set_json(&customers_key(conversation_sid), &all, REMEMBERED)
}

/// Returns the numbers of the customers in a conversation.
fn customers(conversation_sid: &str) -> Result<Vec<String>> {
    Ok(state::get_json(&customers_key(conversation_sid))?.unwrap_or_default())
}

fn wish_key(address: &str) -> String {
    format!("wish/{}", address::number(address))
}

fn customers_key(conversation_sid: &str) -> String {
    format!("in/{conversation_sid}")
}
