//! Handles messages in a conversation, from a customer or an agent.

use frontgate_sdk::channel::{AgentMessage, Body, Event, File, InboundMessage, Party, Source};
use frontgate_sdk::{Result, warn};
use serde::Deserialize;

use crate::form::Form;
use crate::mark::{Mark, answered};
use crate::people::People;
use crate::settings::Channel;
use crate::time;
use crate::twilio::Refusal;

/// The author if the event has no author.
const SYSTEM: &str = "system";

/// A file in the event.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Media {
    sid: String,
    #[serde(default)]
    filename: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
}

/// The event's fields.
struct Added<'f> {
    sid: &'f str,
    conversation: &'f str,
    author: &'f str,
    body: String,
    in_reply_to: Option<String>,
    delivered_at: Option<u64>,
    files: Vec<File>,
}

/// Returns the event for Front, or `None` for messages that came from Front. `is_own`: whether the conversation is
/// known to belong to the channel's number.
pub(super) fn added(channel: &Channel, form: &Form, is_own: bool) -> Result<Option<Event>> {
    if form.get("Attributes").is_some_and(|attributes| Mark::of(attributes).is_some()) {
        return Ok(None);
    }
    let Some(added) = Added::read(channel, form) else {
        warn!("ignored an event of Twilio without message, conversation or author");
        return Ok(None);
    };
    let by_carrier = form.get("Source").is_some_and(is_carrier);
    if by_carrier && is_own {
        return Ok(Some(added.inbound().into()));
    }
    let people = match People::of(channel, added.conversation) {
        Ok(people) => people,
        // The message was deleted in the meantime.
        Err(Refusal::ForGood { .. }) => return Ok(None),
        Err(refusal) => return Err(refusal.into()),
    };
    if !is_own && !people.reaches(&channel.number) {
        return Ok(None);
    }
    if by_carrier || people.customers().any(|address| address == added.author) {
        return Ok(Some(added.inbound().into()));
    }
    let to: Vec<_> = people.customers().map(Party::new).collect();
    let agent = form.get("ClientIdentity").unwrap_or(added.author);
    let author_id = channel.settings.teammates.id(agent).map(str::to_owned);
    let author = Some(agent.to_owned()).filter(|author| author != SYSTEM);
    Ok((!to.is_empty()).then(|| AgentMessage { author, author_id, ..added.outbound(to) }.into()))
}

/// Returns whether a message came from outside of Twilio, and not through its API or an app.
fn is_carrier(source: &str) -> bool {
    ["SMS", "WHATSAPP", "MESSENGER", "RCS"].iter().any(|carrier| source.eq_ignore_ascii_case(carrier))
}

impl<'f> Added<'f> {
    fn read(channel: &Channel, form: &'f Form) -> Option<Self> {
        Some(Self {
            sid: form.get("MessageSid")?,
            conversation: form.get("ConversationSid")?,
            author: form.get("Author")?,
            body: form.get("Body").unwrap_or_default().to_owned(),
            in_reply_to: form.get("Attributes").and_then(answered),
            delivered_at: form.get("DateCreated").and_then(time::seconds),
            files: files(channel, form.get("Media")),
        })
    }

    fn inbound(self) -> InboundMessage {
        let mut message = InboundMessage::new(self.sid, self.conversation, self.author, self.body);
        (message.in_reply_to, message.delivered_at, message.files) = (self.in_reply_to, self.delivered_at, self.files);
        message
    }

    fn outbound(self, to: Vec<Party>) -> AgentMessage {
        AgentMessage {
            external_id: self.sid.to_owned(),
            external_conversation_id: self.conversation.to_owned(),
            in_reply_to: self.in_reply_to,
            to,
            author: None,
            author_id: None,
            subject: None,
            body: Body::Plain(self.body),
            delivered_at: self.delivered_at,
            files: self.files,
        }
    }
}

/// Returns the files as URLs. The gateway fetches them with the same credentials as for other requests.
fn files(channel: &Channel, media: Option<&str>) -> Vec<File> {
    let list = media.map(serde_json::from_str::<Vec<Media>>);
    let list = list.transpose().unwrap_or_else(|_| {
        warn!("failed to read the files of a message");
        None
    });
    list.unwrap_or_default().into_iter().map(|media| media.file(channel)).collect()
}

impl Media {
    fn file(self, channel: &Channel) -> File {
        let content_type = self.content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
        let filename = self.filename.filter(|name| !name.is_empty()).unwrap_or_else(|| name_of(&content_type));
        let source = Source::Url(channel.media_url(&format!("Media/{}/Content", self.sid)));
        File { filename, content_type, source }
    }
}

/// Derives a file name from a media type, such as `image.jpeg`: carriers rarely name files.
fn name_of(content_type: &str) -> String {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    match kind.split_once('/') {
        Some(("application", "octet-stream")) | None => "file".to_owned(),
        Some((family, ending)) => format!("{family}.{}", ending.trim_start_matches("x-")),
    }
}
