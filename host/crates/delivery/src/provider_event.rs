//! What a channel's provider tells, as it is kept until Front knows it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_contract::bindings::channel::{
    Body as Written, ChannelEvent, File as Given, Party as Somebody, Source as Where,
};
use frontgate_front::html::Html;
use serde::{Deserialize, Serialize};

/// Something that a provider tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// Somebody wrote.
    Message(Box<Import>),
    /// A message did not arrive.
    Failed(Report),
}

/// A message that Front is to be told of. Ids are the plugin's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    pub(crate) external_id: String,
    pub(crate) conversation: String,
    /// A customer; none where an agent wrote.
    pub(crate) sender: Option<Party>,
    /// Whom an agent wrote to.
    pub(crate) to: Vec<Party>,
    /// As Front shows the agent.
    pub(crate) author: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) body: Body,
    pub(crate) delivered_at: Option<u64>,
    pub(crate) files: Vec<File>,
}

/// What was written. A text alone, as earlier versions kept it, is plain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Body {
    /// As it was typed.
    Plain(String),
    /// As the provider formatted it.
    Html {
        /// The body.
        html: String,
    },
}

/// Somebody.
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

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// In base64.
    Bytes(String),
    /// To be fetched, as the plugin may.
    Url(String),
}

/// A message that did not arrive: the plugin's name of it, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub(crate) message: String,
    pub(crate) reason: String,
}

impl Happened {
    /// Bytes of all its texts and files.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Message(import) => import.bytes(),
            Self::Failed(report) => report.message.len() + report.reason.len(),
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
        let (Body::Plain(body) | Body::Html { html: body }) = &self.body;
        ids + body.len() + optional(&self.subject) + optional(&self.author) + parties + files
    }

    pub(crate) fn is_inbound(&self) -> bool {
        self.sender.is_some()
    }

    /// Whom the conversation is with.
    pub(crate) fn handle(&self) -> Option<&str> {
        let with = self.sender.as_ref().or_else(|| self.to.first());
        with.map(|party| party.handle.as_str())
    }
}

impl From<ChannelEvent> for Happened {
    fn from(event: ChannelEvent) -> Self {
        match event {
            ChannelEvent::Inbound(message) => Self::Message(Box::new(Import {
                external_id: message.external_id,
                conversation: message.external_conversation_id,
                sender: Some(message.sender.into()),
                to: Vec::new(),
                author: None,
                subject: message.subject,
                body: message.body.into(),
                delivered_at: message.delivered_at,
                files: message.files.into_iter().map(File::from).collect(),
            })),
            ChannelEvent::Outbound(message) => Self::Message(Box::new(Import {
                external_id: message.external_id,
                conversation: message.external_conversation_id,
                sender: None,
                to: message.to.into_iter().map(Party::from).collect(),
                author: message.author,
                subject: message.subject,
                body: message.body.into(),
                delivered_at: message.delivered_at,
                files: message.files.into_iter().map(File::from).collect(),
            })),
            ChannelEvent::Failed(failed) => Self::Failed(Report { message: failed.external_id, reason: failed.reason }),
        }
    }
}

/// Bytes of an id or a handle. They are kept for months after the message is gone.
pub(crate) const ID_BYTES_MAX: usize = 1_024;

/// What is wrong with an event that Front would never accept, or that cannot be stored.
pub fn unusable(event: &ChannelEvent) -> Option<String> {
    let parts = match event {
        ChannelEvent::Inbound(message) => [
            ("external-id", &*message.external_id),
            ("external-conversation-id", &message.external_conversation_id),
            ("sender.handle", &message.sender.handle),
        ],
        ChannelEvent::Outbound(message) => [
            ("external-id", &*message.external_id),
            ("external-conversation-id", &message.external_conversation_id),
            ("to[0].handle", message.to.first().map_or("", |party| &party.handle)),
        ],
        ChannelEvent::Failed(failed) => [("external-id", &*failed.external_id); 3],
    };
    parts.into_iter().find_map(|(name, text)| match text.len() {
        _ if text.trim().is_empty() => Some(format!("no {name}")),
        length if length > ID_BYTES_MAX => Some(format!("a {name} of {length} bytes, more than {ID_BYTES_MAX}")),
        _ => None,
    })
}

impl Body {
    /// The body as Front takes it, with notes in lines of their own behind it.
    pub(crate) fn for_front(&self, notes: &[String], has_files: bool) -> Html {
        let html = match self {
            Self::Plain(text) => Html::of_text(text),
            Self::Html { html } => Html::of_html(html),
        };
        let html = html.or_word(has_files || !notes.is_empty());
        notes.iter().fold(html, |html, note| html.with_line(&format!("[{note}]")))
    }
}

impl From<Written> for Body {
    fn from(body: Written) -> Self {
        match body {
            Written::Plain(text) => Self::Plain(text),
            Written::Html(html) => Self::Html { html },
        }
    }
}

impl From<Somebody> for Party {
    fn from(party: Somebody) -> Self {
        Self { handle: party.handle, name: party.name, email: party.email }
    }
}

impl From<Given> for File {
    fn from(file: Given) -> Self {
        let source = match file.source {
            Where::Bytes(bytes) => Source::Bytes(BASE64_STANDARD.encode(bytes)),
            Where::Url(url) => Source::Url(url),
        };
        Self { filename: file.filename, content_type: file.content_type, source }
    }
}
