//! Which conversation of Twilio's a message goes into.

use frontgate_sdk::channel::OutboundMessage;
use frontgate_sdk::{Error, Result, warn};
use serde::Deserialize;

use crate::people::{Binding, People};
use crate::settings::Channel;
use crate::twilio::{self, Refusal};
use crate::{form, hooks, number};

/// A customer with more conversations than these pages hold is one of a test.
const PAGES_MAX: usize = 10;

#[derive(Deserialize)]
struct Conversation {
    sid: String,
    #[serde(default)]
    state: String,
}

/// A page of the conversations that a customer is in.
#[derive(Deserialize)]
struct Memberships {
    conversations: Vec<Membership>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Membership {
    conversation_sid: String,
    conversation_state: String,
    participant_messaging_binding: Option<Binding>,
}

#[derive(Deserialize)]
struct Meta {
    next_page_url: Option<String>,
}

/// A participant that was added, of whom nothing is needed.
#[derive(Deserialize)]
struct Added {}

/// The conversations of Twilio's that Front knows this one by.
pub(crate) fn named(message: &OutboundMessage) -> Vec<&str> {
    let ids = message.conversation_ids.iter().map(String::as_str);
    ids.filter(|id| id.starts_with("CH")).collect()
}

/// A conversation to write into.
pub(crate) struct Open {
    pub(crate) sid: String,
    /// Who Twilio is told has written it, where that is not the teammate's to say.
    pub(crate) author: Option<String>,
    /// Whether nothing can be in it.
    pub(crate) is_new: bool,
}

/// Those of the named conversations that everybody whom the message goes to is in, and that is open if any is.
/// A conversation that Front has merged has several names.
pub(crate) fn chosen(channel: &Channel, known: &[&str], message: &OutboundMessage) -> Result<Open> {
    let mut fitting: Option<Open> = None;
    let mut refused = None;
    for sid in known {
        let people = match People::of(channel, sid) {
            Ok(people) => people,
            Err(refusal) if refusal.is_not_found() => {
                refused = Some(refusal);
                continue;
            }
            Err(refusal) => return Err(refusal.into()),
        };
        if !message.to.iter().all(|party| people.has(&party.handle)) {
            continue;
        }
        let author = people.is_group_of(&channel.number).then(|| channel.number.clone());
        let open = Open { sid: (*sid).to_owned(), author, is_new: false };
        // The only one is tried without a look: Twilio says if it is closed.
        if known.len() == 1 || !is_closed(channel, sid)? {
            return Ok(open);
        }
        fitting = fitting.or(Some(open));
    }
    match (fitting, refused) {
        (Some(open), _) => Ok(open),
        (None, Some(refusal)) => Err(refusal.into()),
        (None, None) => Err(Error::invalid(
            "Somebody whom this goes to is not in the customer's conversation: write to them in a new one.",
        )),
    }
}

fn is_closed(channel: &Channel, sid: &str) -> Result<bool, Refusal> {
    let found: Conversation = twilio::get(&channel.url(&format!("Conversations/{sid}")))?;
    Ok(found.state == "closed")
}

/// The conversation with the one customer whom a new message goes to, which is made if there is none. Every step
/// can be repeated.
pub(crate) fn with_customer(channel: &Channel, message: &OutboundMessage) -> Result<Open> {
    let customer = customer(channel, message)?;
    let (sid, is_new) = match open_with(channel, &customer)? {
        Some(sid) => (sid, false),
        None => made(channel, &customer, &message.idempotency_key)?,
    };
    hooks::attach(channel, &sid)?;
    Ok(Open { sid, author: None, is_new })
}

/// Where an earlier attempt at a new message may have put it.
pub(crate) fn existing(channel: &Channel, message: &OutboundMessage) -> Result<Vec<String>> {
    let Ok(customer) = customer(channel, message) else { return Ok(Vec::new()) };
    let open = open_with(channel, &customer)?;
    let own = by_name(channel, &message.idempotency_key)?.map(|conversation| conversation.sid);
    let mut found: Vec<_> = open.into_iter().chain(own).collect();
    found.dedup();
    Ok(found)
}

fn customer(channel: &Channel, message: &OutboundMessage) -> Result<String> {
    match message.to.as_slice() {
        [one] => number::customer(&channel.number, &one.handle),
        [] => Err(Error::invalid("The message goes to nobody.")),
        _ => Err(Error::invalid("A new conversation has one customer: write to each of them.")),
    }
}

/// The open conversation of a customer with the channel's number: Twilio allows one.
fn open_with(channel: &Channel, customer: &str) -> Result<Option<String>, Refusal> {
    let query = form::encode(&[("Address", customer), ("PageSize", "50")]);
    let mut next = Some(channel.url(&format!("ParticipantConversations?{query}")));
    for _ in 0..PAGES_MAX {
        let Some(url) = next else { break };
        let page: Memberships = twilio::get(&url)?;
        let is_it = |membership: &&Membership| {
            let binding = membership.participant_messaging_binding.as_ref();
            let proxy = binding.and_then(|binding| binding.proxy_address.as_deref());
            membership.conversation_state != "closed" && proxy == Some(&channel.number)
        };
        if let Some(found) = page.conversations.iter().find(is_it) {
            return Ok(Some(found.conversation_sid.clone()));
        }
        next = page.meta.next_page_url;
    }
    Ok(None)
}

/// Makes a conversation under a name that a repeat finds it by, and adds the customer. Says whether this was
/// done now.
fn made(channel: &Channel, customer: &str, key: &str) -> Result<(String, bool)> {
    let created: Result<Conversation, _> =
        twilio::post(&channel.url("Conversations"), &[("UniqueName", &unique_name(key))]);
    let (own, is_new) = match created {
        Ok(conversation) => (conversation.sid, true),
        // An earlier attempt has made it.
        Err(refusal) if refusal.is(50353) => {
            let earlier = by_name(channel, key)?.ok_or_else(|| Error::unavailable("a conversation is being made"))?;
            (earlier.sid, false)
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let fields = [("MessagingBinding.Address", customer), ("MessagingBinding.ProxyAddress", &channel.number)];
    let added: Result<Added, _> = twilio::post(&channel.url(&format!("Conversations/{own}/Participants")), &fields);
    match added {
        Ok(_) => Ok((own, is_new)),
        Err(refusal) if refusal.is(50433) => Ok((own, false)),
        Err(refusal) if refusal.is(50416) => {
            let other = match taken(&refusal) {
                Some(other) => Some(other),
                None => open_with(channel, customer)?,
            };
            let other = other.ok_or_else(|| Error::from(refusal))?;
            if other != own && is_new {
                remove(channel, &own);
            }
            Ok((other, false))
        }
        Err(refusal @ Refusal::ForGood { .. }) => {
            if is_new {
                remove(channel, &own);
            }
            Err(refusal.into())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

fn unique_name(key: &str) -> String {
    format!("frontgate-{key}")
}

fn by_name(channel: &Channel, key: &str) -> Result<Option<Conversation>, Refusal> {
    match twilio::get(&channel.url(&format!("Conversations/{}", form::segment(&unique_name(key))))) {
        Ok(found) => Ok(Some(found)),
        Err(refusal) if refusal.is_not_found() => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// The conversation that has the customer already, as Twilio names it.
fn taken(refusal: &Refusal) -> Option<String> {
    let Refusal::ForGood { message, .. } = refusal else { return None };
    let is_sid = |word: &&str| word.len() == 34 && word.starts_with("CH");
    message.split(|letter: char| !letter.is_ascii_alphanumeric()).find(is_sid).map(str::to_owned)
}

/// An empty conversation would only be in the way of people.
fn remove(channel: &Channel, sid: &str) {
    if twilio::delete(&channel.url(&format!("Conversations/{sid}"))).is_err() {
        warn!("an empty conversation, {sid}, is left in Twilio");
    }
}
