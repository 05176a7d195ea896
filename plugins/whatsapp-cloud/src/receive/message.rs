//! Handles messages of customers, and of the company in WhatsApp's own app.

use frontgate_sdk::channel::{AgentMessage, Event, InboundMessage};
use frontgate_sdk::{Result, warn};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Contact, content};
use crate::settings::Settings;
use crate::window;

/// A message of a customer or of the company.
#[derive(Deserialize)]
pub(super) struct Written {
    pub(super) id: String,
    /// The sender's number. [?] Meta has announced that it can be absent for customers with a user name.
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    from_user_id: Option<String>,
    /// The customer's number, in messages of the company.
    #[serde(default)]
    to: Option<String>,
    /// Seconds since 1970.
    #[serde(default)]
    timestamp: String,
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    context: Option<Context>,
    /// The content, under the name of the type.
    #[serde(flatten)]
    pub(super) content: Map<String, Value>,
}

/// The message that this one answers. Forwarded messages have a context without an id.
#[derive(Deserialize)]
struct Context {
    #[serde(default)]
    id: Option<String>,
}

fn read(message: &Value) -> Option<Written> {
    let written = Written::deserialize(message).ok();
    if written.is_none() {
        warn!("ignored a message of Meta without an id");
    }
    written
}

/// Returns the event for a customer's message, and remembers when the customer wrote.
pub(super) fn inbound(
    settings: &Settings,
    number: &str,
    contacts: &[Contact],
    message: &Value,
) -> Result<Option<Event>> {
    let Some(written) = read(message) else { return Ok(None) };
    let Some(from) = written.from.clone().or(written.from_user_id.clone()) else {
        warn!("ignored a message of Meta without a sender");
        return Ok(None);
    };
    let at = written.timestamp.parse().ok();
    if let Some(at) = at {
        window::opened(number, &from, at, written.content.contains_key("referral"))?;
    }
    let name = contacts.iter().find(|contact| contact.wa_id == from).and_then(|contact| contact.profile.name.clone());
    let content = content::of(settings, &written)?;
    let mut event = InboundMessage::new(written.id, &from, handle(&from), content.text);
    event.sender.name = name.filter(|name| !name.trim().is_empty());
    event.in_reply_to = content.refers_to.or(written.context.and_then(|context| context.id));
    (event.delivered_at, event.files) = (at, content.files);
    Ok(Some(event.into()))
}

/// Returns the event for a message that the company wrote in WhatsApp's own app.
pub(super) fn echo(settings: &Settings, message: &Value) -> Result<Option<Event>> {
    let Some(written) = read(message) else { return Ok(None) };
    let Some(to) = written.to.clone() else { return Ok(None) };
    let content = content::of(settings, &written)?;
    let mut event = AgentMessage::new(written.id, &to, handle(&to), content.text).author("WhatsApp Business app");
    event.in_reply_to = content.refers_to.or(written.context.and_then(|context| context.id));
    (event.delivered_at, event.files) = (written.timestamp.parse().ok(), content.files);
    Ok(Some(event.into()))
}

/// Returns a number as Front shows it. Ids of customers without a number stay as they are.
fn handle(id: &str) -> String {
    if id.bytes().all(|byte| byte.is_ascii_digit()) { format!("+{id}") } else { id.to_owned() }
}
