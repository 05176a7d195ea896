//! Selects the Twilio conversation for a message.

mod group;

use std::collections::BTreeSet;

use frontgate_sdk::channel::OutboundMessage;
use frontgate_sdk::{Error, Result, warn};
use serde::Deserialize;

use crate::people::{Binding, People};
use crate::settings::Channel;
use crate::twilio::{self, Refusal};
use crate::{form, hooks, number, window};

/// The maximum number of pages. Only test customers have more.
const PAGES_MAX: usize = 10;

/// The maximum number of closed conversations that are searched for a customer's message.
const CLOSED_MAX: usize = 5;

#[derive(Deserialize)]
struct Conversation {
    sid: String,
    #[serde(default)]
    state: String,
}

/// A page of a customer's conversations.
#[derive(Deserialize)]
struct Memberships {
    conversations: Vec<Membership>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Membership {
    conversation_sid: String,
    conversation_state: String,
    #[serde(default)]
    conversation_date_updated: Option<String>,
    participant_messaging_binding: Option<Binding>,
}

#[derive(Deserialize)]
struct Meta {
    next_page_url: Option<String>,
}

/// The response for an added participant. No field is needed.
#[derive(Deserialize)]
struct Added {}

/// Returns the Twilio conversations that belong to Front's conversation.
pub(crate) fn named(message: &OutboundMessage) -> Vec<&str> {
    let ids = message.conversation_ids.iter().map(String::as_str);
    ids.filter(|id| id.starts_with("CH")).collect()
}

/// A conversation to write into.
pub(crate) struct Open {
    pub(crate) sid: String,
    /// The author of the message in Twilio, if the author is not the teammate.
    pub(crate) author: Option<String>,
    /// Whether the plugin has just created the conversation, so that it is empty.
    pub(crate) is_new: bool,
    /// Whether WhatsApp's window was checked, if the message needs it.
    pub(crate) is_checked: bool,
}

/// Returns the one of these conversations that contains all recipients, preferably an open one. A conversation that
/// was merged in Front has several ids.
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
        let open = Open { sid: (*sid).to_owned(), author, is_new: false, is_checked: false };
        // A single candidate needs no check: Twilio reports a closed conversation.
        if known.len() == 1 || !is_closed(channel, sid)? {
            return Ok(open);
        }
        fitting = fitting.or(Some(open));
    }
    match (fitting, refused) {
        (Some(open), _) => Ok(open),
        (None, Some(refusal)) => Err(refusal.into()),
        (None, None) => {
            Err(Error::invalid("A recipient is not in the customer's conversation: write to them in a new one."))
        }
    }
}

fn is_closed(channel: &Channel, sid: &str) -> Result<bool, Refusal> {
    let found: Conversation = twilio::get(&channel.url(&format!("Conversations/{sid}")))?;
    Ok(found.state == "closed")
}

/// Returns the conversation with the customers of a new message, and creates it if necessary. Every step can be repeated.
pub(crate) fn with_customer(channel: &Channel, message: &OutboundMessage, needs_window: bool) -> Result<Open> {
    let customer = match customers(channel, message)? {
        Recipients::One(customer) => customer,
        Recipients::Group(customers) => return group::with(channel, &customers, &message.idempotency_key),
    };
    let memberships = Found::with(channel, &customer)?;
    let is_checked = memberships.open.is_none();
    let (sid, is_new) = match memberships.open {
        Some(sid) => (sid, false),
        None if needs_window && !memberships.wrote_recently(channel)? => return Err(window::closed()),
        None => made(channel, &customer, &message.idempotency_key)?,
    };
    hooks::attach(channel, &sid)?;
    Ok(Open { sid, author: None, is_new, is_checked })
}

/// Returns the conversations in which an earlier attempt may have put a new message.
pub(crate) fn existing(channel: &Channel, message: &OutboundMessage) -> Result<Vec<String>> {
    let open = match customers(channel, message) {
        Ok(Recipients::One(customer)) => Found::with(channel, &customer)?.open,
        Ok(Recipients::Group(_)) => None,
        Err(_) => return Ok(Vec::new()),
    };
    let own = by_name(channel, &message.idempotency_key)?.map(|conversation| conversation.sid);
    let mut found: Vec<_> = open.into_iter().chain(own).collect();
    found.dedup();
    Ok(found)
}

/// The recipients of a new conversation, in Twilio's notation.
enum Recipients {
    One(String),
    /// At least two.
    Group(BTreeSet<String>),
}

fn customers(channel: &Channel, message: &OutboundMessage) -> Result<Recipients> {
    let to = message.to.iter().map(|party| number::customer(&channel.number, &party.handle));
    let mut all: BTreeSet<String> = to.collect::<Result<_>>()?;
    match all.len() {
        0 => Err(Error::invalid("The message has no recipient.")),
        1 => all.pop_first().map(Recipients::One).ok_or_else(|| Error::failed("no recipient")),
        _ => Ok(Recipients::Group(all)),
    }
}

/// A customer's conversations with the channel's number.
#[derive(Default)]
struct Found {
    /// The open one; Twilio allows one.
    open: Option<String>,
    /// Closed ones that changed in the last 24 hours.
    closed: Vec<String>,
}

impl Found {
    /// Searches until the open conversation is found.
    fn with(channel: &Channel, customer: &str) -> Result<Self, Refusal> {
        let query = form::encode(&[("Address", customer), ("PageSize", "50")]);
        let mut next = Some(channel.url(&format!("ParticipantConversations?{query}")));
        let mut found = Self::default();
        for _ in 0..PAGES_MAX {
            let Some(url) = next else { break };
            let page: Memberships = twilio::get(&url)?;
            for membership in page.conversations {
                let binding = membership.participant_messaging_binding.as_ref();
                if binding.and_then(|binding| binding.proxy_address.as_deref()) != Some(&channel.number) {
                    continue;
                }
                if membership.conversation_state != "closed" {
                    return Ok(Self { open: Some(membership.conversation_sid), ..found });
                }
                if window::includes(membership.conversation_date_updated.as_deref()) {
                    found.closed.push(membership.conversation_sid);
                }
            }
            next = page.meta.next_page_url;
        }
        Ok(found)
    }

    /// Returns whether the customer wrote in one of the closed conversations within WhatsApp's window.
    fn wrote_recently(&self, channel: &Channel) -> Result<bool, Refusal> {
        for conversation in self.closed.iter().take(CLOSED_MAX) {
            if window::is_open(channel, conversation)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Creates a conversation under a name that a retry finds, and adds the customer. Returns the SID, and whether this
/// call created the conversation.
fn made(channel: &Channel, customer: &str, key: &str) -> Result<(String, bool)> {
    let (own, is_new) = own(channel, key)?;
    let fields = [("MessagingBinding.Address", customer), ("MessagingBinding.ProxyAddress", &channel.number)];
    let added: Result<Added, _> = twilio::post(&channel.url(&format!("Conversations/{own}/Participants")), &fields);
    match added {
        Ok(_) => Ok((own, is_new)),
        Err(refusal) if refusal.is(50433) => Ok((own, false)),
        Err(refusal) if refusal.is(50416) => {
            let other = match taken(&refusal) {
                Some(other) => Some(other),
                None => Found::with(channel, customer)?.open,
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

/// Creates the conversation of a message, or finds the one of an earlier attempt. Returns the SID, and whether this call
/// created the conversation.
fn own(channel: &Channel, key: &str) -> Result<(String, bool)> {
    let created: Result<Conversation, _> =
        twilio::post(&channel.url("Conversations"), &[("UniqueName", &unique_name(key))]);
    match created {
        Ok(conversation) => Ok((conversation.sid, true)),
        Err(refusal) if refusal.is(50353) => {
            let earlier = by_name(channel, key)?;
            let earlier = earlier.ok_or_else(|| Error::unavailable("the conversation is being created"))?;
            Ok((earlier.sid, false))
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

/// Extracts the customer's existing conversation from Twilio's error.
fn taken(refusal: &Refusal) -> Option<String> {
    let Refusal::ForGood { message, .. } = refusal else { return None };
    let is_sid = |word: &&str| word.len() == 34 && word.starts_with("CH");
    message.split(|letter: char| !letter.is_ascii_alphanumeric()).find(is_sid).map(str::to_owned)
}

/// Removes an empty conversation, which would confuse workers.
fn remove(channel: &Channel, sid: &str) {
    if twilio::delete(&channel.url(&format!("Conversations/{sid}"))).is_err() {
        warn!("failed to delete the empty conversation {sid} in Twilio");
    }
}
