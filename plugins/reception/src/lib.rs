//! A bot before routing: asks new customers who they want to talk to, hands the conversation over, and stays silent
//! afterwards.
//!
//! | event | reaction |
//! |---|---|
//! | a new conversation is routed | the bot becomes its worker, and asks |
//! | the first message already names a choice | its worker gets the conversation, without a question |
//! | a reply names a choice | the bot confirms, and transfers the conversation |
//! | a reply names none, or several | the bot asks again; after `tries` such replies `otherwise` gets the conversation |
//! | a worker writes while the bot is there | the bot leaves |
//!
//! The plugin has the roles `routing` and `conversations`. Other routing plugins can be asked first: for example,
//! `owner-routing` without `round_robin` finds the owners of known customers, and leaves the others to the bot.
//!
//! # Configuration
//!
//! ```toml
//! [tenants.demo.roles]
//! routing = ["owner-routing", "reception"]
//! conversations = ["reception"]
//!
//! [plugins.named.reception]
//! actions = true
//! state = true
//!
//! [plugins.named.reception.config]
//! # An identity for the bot that no worker has.
//! bot = "reception"
//! question = "Hello! Who would you like to talk to: sales or service?"
//! again = "Sorry, please reply with one word: sales or service."
//! handed_over = "Thank you, a colleague will answer here."
//! # Gets conversations whose customers did not choose, after this number of unclear replies.
//! otherwise = "ana@example.org"
//! tries = 2
//! # While the CRM is unavailable: "wait" delays the question until the customer's name is known, "continue" does without
//! # the name. A tenant without a CRM needs "continue".
//! without_crm = "wait"
//!
//! # Words, in any case, and the workers that they mean.
//! [plugins.named.reception.config.choices]
//! sales = "ben@example.org"
//! service = "chloe@example.org"
//! "1" = "ben@example.org"
//! ```
//!
//! The tenant's webhooks at Twilio need the event `onMessageAdded`. The plugin names conversations and participants as
//! the gateway does.

mod settings;

use std::time::Duration;

use frontgate_sdk::actions::{self, NewMessage};
use frontgate_sdk::{
    Assignment, ConversationAdd, ConversationVerdict, Conversations, InboundConversation, OtherEvent, ParticipantAdded,
    ParticipantChanges, Result, Routing, state, warn,
};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// Time for which a conversation is remembered after its last change.
const REMEMBERED: Duration = Duration::from_secs(30 * 86_400);

/// The plugin.
pub struct Reception;

frontgate_sdk::export!(Reception: routing, conversations);

/// Names conversations and participants as the gateway does.
struct AsGateway;

impl Conversations for AsGateway {}

/// The bot's memory of a conversation.
#[derive(Default, Serialize, Deserialize)]
struct Memory {
    /// The worker who gets or has the conversation; while absent, the bot has it.
    worker: Option<String>,
    /// Number of unclear replies.
    unclear: u32,
    /// The last message that was read: an event may be repeated.
    message_sid: Option<String>,
}

impl Routing for Reception {
    fn route(conversation: InboundConversation) -> Result<Option<Assignment>> {
        let settings = Settings::read()?;
        let key = key(&conversation.conversation_sid);
        match state::get_json::<Memory>(&key)? {
            Some(Memory { worker: Some(worker), .. }) => return Ok(Some(Assignment::worker(worker))),
            // A repeated routing: the customer has the question.
            Some(_) => {}
            None => {
                let question = NewMessage::text(&settings.question).by(&settings.bot);
                actions::post_message(&conversation.conversation_sid, question)?;
                state::set_json(&key, &Memory::default(), REMEMBERED)?;
            }
        }
        Ok(Some(Assignment::worker(settings.bot)))
    }
}

impl Conversations for Reception {
    fn on_conversation_add(event: ConversationAdd) -> Result<ConversationVerdict> {
        Ok(without_crm(AsGateway::on_conversation_add(event))?.unwrap_or(ConversationVerdict::Accept))
    }

    fn on_participant_added(event: ParticipantAdded) -> Result<Option<ParticipantChanges>> {
        Ok(without_crm(AsGateway::on_participant_added(event))?.flatten())
    }

    fn on_event(event: OtherEvent) -> Result<()> {
        if event.event_type != "onMessageAdded" {
            return Ok(());
        }
        let (Some(sid), Some(author)) = (event.field("ConversationSid"), event.field("Author")) else {
            return Ok(());
        };
        let settings = Settings::read()?;
        let key = key(sid);
        match state::get_json::<Memory>(&key)? {
            _ if author == settings.bot || author == "system" => Ok(()),
            None if event.field("Index") == Some("0") && is_customer(author) => first(&settings, &key, &event),
            None | Some(Memory { worker: Some(_), .. }) => Ok(()),
            Some(memory) if is_customer(author) => reply(&settings, &key, sid, memory, &event),
            Some(memory) => {
                actions::remove_participant(sid, &settings.bot)?;
                state::set_json(&key, &Memory { worker: Some(author.to_owned()), ..memory }, REMEMBERED)
            }
        }
    }
}

/// Returns `None` for an unavailable CRM, if the settings say so: the bot's question waits for these events.
fn without_crm<T>(named: Result<T>) -> Result<Option<T>> {
    match named {
        Err(_) if Settings::read()?.skips_crm => {
            warn!("the CRM is unavailable: continuing without the customer's name");
            Ok(None)
        }
        named => named.map(Some),
    }
}

/// Remembers a choice in a conversation's first message, for the routing that follows.
fn first(settings: &Settings, key: &str, event: &OtherEvent) -> Result<()> {
    let Some(worker) = settings.choice(event.field("Body").unwrap_or_default()) else {
        return Ok(());
    };
    state::set_json(key, &Memory { worker: Some(worker.to_owned()), ..Memory::default() }, REMEMBERED)
}

/// Reads a message of a customer who is with the bot.
fn reply(settings: &Settings, key: &str, sid: &str, memory: Memory, event: &OtherEvent) -> Result<()> {
    let message_sid = event.field("MessageSid").map(str::to_owned);
    if message_sid.is_some() && message_sid == memory.message_sid {
        return Ok(());
    }
    let choice = settings.choice(event.field("Body").unwrap_or_default());
    // The routing was faster than the event of the message that caused it, which is no reply.
    let is_reply = event.field("Index") != Some("0");
    let unclear = memory.unclear + u32::from(is_reply && choice.is_none());
    let worker = match choice {
        Some(worker) => Some(worker),
        None if unclear >= settings.tries => Some(settings.otherwise.as_str()),
        None => None,
    };
    match worker {
        Some(worker) => {
            if let Some(text) = &settings.handed_over {
                actions::post_message(sid, NewMessage::text(text).by(&settings.bot))?;
            }
            actions::transfer(sid, &settings.bot, worker)?;
        }
        None if is_reply => actions::post_message(sid, NewMessage::text(&settings.again).by(&settings.bot))?,
        None => {}
    }
    state::set_json(key, &Memory { worker: worker.map(str::to_owned), unclear, message_sid }, REMEMBERED)
}

/// Returns whether an author is a customer: an address instead of an identity.
fn is_customer(author: &str) -> bool {
    author.starts_with('+') || author.contains(":+")
}

fn key(conversation_sid: &str) -> String {
    format!("conversations/{conversation_sid}")
}
