//! Events of a channel's provider, as they are stored until Front has them.
//!
//! The contract's types are converted here, so stored payloads do not depend on the version of the contract.

mod call;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_contract::bindings::channel;
use frontgate_contract::bindings::channel::ChannelEvent;
use frontgate_front::html::Html;
use serde::{Deserialize, Serialize};

pub use self::call::CallEvent;
pub(crate) use self::call::{CallChange, Line, is_call};

/// An event of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderEvent {
    /// A customer or an agent wrote a message.
    Message(Box<Import>),
    /// A message was not delivered.
    Failed(Report),
    /// Something happened to a call.
    Call(Box<CallEvent>),
}

/// A message to be imported into Front. The plugin assigns all ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    pub(crate) external_id: String,
    pub(crate) conversation: String,
    /// The plugin's id of the message that this one answers.
    #[serde(default)]
    pub(crate) in_reply_to: Option<String>,
    /// The customer who wrote the message; `None` if an agent wrote it.
    pub(crate) sender: Option<Party>,
    /// Recipients of an agent's message.
    pub(crate) to: Vec<Party>,
    /// Display name of the agent.
    pub(crate) author: Option<String>,
    /// Front's id of the agent's teammate, as the plugin wrote it.
    #[serde(default)]
    pub(crate) author_id: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) body: Body,
    pub(crate) delivered_at: Option<u64>,
    pub(crate) files: Vec<File>,
}

/// The text of a message. A bare string, as earlier versions stored it, is plain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Body {
    /// Text as typed.
    Plain(String),
    /// HTML of the provider.
    Html {
        /// The body.
        html: String,
    },
}

/// A participant of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub(crate) handle: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) source: Source,
}

/// The content of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The bytes in base64.
    Bytes(String),
    /// A URL, fetched with the plugin's grants.
    Url(String),
}

/// A report of an undelivered message: the plugin's id of the message, and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub(crate) message: String,
    pub(crate) reason: String,
}

impl ProviderEvent {
    /// Returns the total bytes of all texts and files of the event.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Message(import) => import.bytes(),
            Self::Failed(report) => report.message.len() + report.reason.len(),
            Self::Call(event) => event.bytes(),
        }
    }
}

impl Import {
    fn bytes(&self) -> usize {
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let party = |party: &Party| party.handle.len() + optional(&party.name) + optional(&party.email);
        let file = |file: &File| {
            let (Source::Bytes(content) | Source::Url(content)) = &file.source;
            file.filename.len() + file.content_type.len() + content.len()
        };
        let parties: usize = self.sender.iter().chain(&self.to).map(party).sum();
        let files: usize = self.files.iter().map(file).sum();
        let ids = self.external_id.len() + self.conversation.len();
        let ids = ids + optional(&self.in_reply_to) + optional(&self.author_id);
        let (Body::Plain(body) | Body::Html { html: body }) = &self.body;
        ids + body.len() + optional(&self.subject) + optional(&self.author) + parties + files
    }

    pub(crate) fn is_inbound(&self) -> bool {
        self.sender.is_some()
    }

    /// Returns the handle of the sender, or else of the first recipient.
    pub(crate) fn handle(&self) -> Option<&str> {
        let with = self.sender.as_ref().or_else(|| self.to.first());
        with.map(|party| party.handle.as_str())
    }
}

impl From<ChannelEvent> for ProviderEvent {
    fn from(event: ChannelEvent) -> Self {
        match event {
            ChannelEvent::Inbound(message) => Self::Message(Box::new(Import {
                external_id: message.external_id,
                conversation: message.external_conversation_id,
                in_reply_to: message.in_reply_to,
                sender: Some(message.sender.into()),
                to: Vec::new(),
                author: None,
                author_id: None,
                subject: message.subject,
                body: message.body.into(),
                delivered_at: message.delivered_at,
                files: message.files.into_iter().map(File::from).collect(),
            })),
            ChannelEvent::Agent(message) => Self::Message(Box::new(Import {
                external_id: message.external_id,
                conversation: message.external_conversation_id,
                in_reply_to: message.in_reply_to,
                sender: None,
                to: message.to.into_iter().map(Party::from).collect(),
                author: message.author,
                author_id: message.author_id,
                subject: message.subject,
                body: message.body.into(),
                delivered_at: message.delivered_at,
                files: message.files.into_iter().map(File::from).collect(),
            })),
            ChannelEvent::Failed(failed) => Self::Failed(Report { message: failed.external_id, reason: failed.reason }),
            ChannelEvent::Call(event) => Self::Call(Box::new(event.into())),
        }
    }
}

/// Maximum bytes of an id or a handle; both are stored for months after the message is deleted.
pub(crate) const ID_BYTES_MAX: usize = 1_024;

/// Returns the reason why Front would reject an event or why it cannot be stored; `None` for a valid event.
pub fn invalid_reason(event: &ChannelEvent) -> Option<String> {
    let parts = match event {
        ChannelEvent::Inbound(message) => [
            ("external-id", &*message.external_id),
            ("external-conversation-id", &message.external_conversation_id),
            ("sender.handle", &message.sender.handle),
        ],
        ChannelEvent::Agent(message) => [
            ("external-id", &*message.external_id),
            ("external-conversation-id", &message.external_conversation_id),
            ("to[0].handle", message.to.first().map_or("", |party| &party.handle)),
        ],
        ChannelEvent::Failed(failed) => [("external-id", &*failed.external_id); 3],
        ChannelEvent::Call(event) => call_ids(event),
    };
    let invalid_part = || match event {
        ChannelEvent::Call(event) => call::invalid_part(event).map(str::to_owned),
        _ => None,
    };
    let invalid_id = parts.into_iter().find_map(|(name, text)| match text.len() {
        _ if text.trim().is_empty() => Some(format!("{name} is empty")),
        length if length > ID_BYTES_MAX => Some(format!("{name} has {length} bytes, more than {ID_BYTES_MAX}")),
        _ => None,
    });
    invalid_id.or_else(invalid_part)
}

/// Returns the ids of an event of a call; an absent one is replaced by the call's.
fn call_ids(event: &channel::CallEvent) -> [(&'static str, &str); 3] {
    let call = ("call-id", &*event.call_id);
    let id = event.event_id.as_deref().map_or(call, |id| ("event-id", id));
    match &event.change {
        channel::CallChange::Begun(begun) => {
            let (channel::CallDirection::Inbound(party) | channel::CallDirection::Outbound(party)) = &begun.direction;
            let parent = begun.parent_call_id.as_deref().map_or(id, |parent| ("parent-call-id", parent));
            [call, ("direction.handle", &*party.handle), parent]
        }
        _ => [call, id, id],
    }
}

impl Body {
    /// Returns the body for Front, followed by a line for each note.
    pub(crate) fn for_front(&self, notes: &[String], has_files: bool) -> Html {
        let html = match self {
            Self::Plain(text) => Html::of_text(text),
            Self::Html { html } => Html::of_html(html),
        };
        let html = html.or_word(has_files || !notes.is_empty());
        notes.iter().fold(html, |html, note| html.with_line(&format!("[{note}]")))
    }
}

impl From<channel::Body> for Body {
    fn from(body: channel::Body) -> Self {
        match body {
            channel::Body::Plain(text) => Self::Plain(text),
            channel::Body::Html(html) => Self::Html { html },
        }
    }
}

impl From<channel::Party> for Party {
    fn from(party: channel::Party) -> Self {
        Self { handle: party.handle, name: party.name, email: party.email }
    }
}

impl From<channel::File> for File {
    fn from(file: channel::File) -> Self {
        let source = match file.source {
            channel::Source::Bytes(bytes) => Source::Bytes(BASE64_STANDARD.encode(bytes)),
            channel::Source::Url(url) => Source::Url(url),
        };
        Self { filename: file.filename, content_type: file.content_type, source }
    }
}
