//! Channels, contacts, conversations and messages.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::body::Bytes;

/// A channel.
#[derive(Debug, Clone)]
pub struct Channel {
    /// `cha_...`
    pub id: String,
    /// The address that customers see. Also an alias of the id in paths.
    pub address: String,
    /// The URL of the app's server, which authorized the channel.
    pub server_url: String,
    /// The URL for all later requests.
    pub webhook_url: String,
    /// The token that the admin typed.
    pub token: Option<String>,
    /// Whether the channel is connected. False after its removal.
    pub is_connected: bool,
    /// The status that the channel reports. Default: `true`.
    pub is_online: bool,
}

/// A contact, known by handles.
#[derive(Debug, Clone)]
pub struct Contact {
    /// `crd_...`
    pub id: String,
    /// The name in the latest message.
    pub name: Option<String>,
    /// The contact's numbers or other identifiers in channels.
    pub handles: Vec<String>,
    /// The email address, which links the contact's handles in several channels.
    pub email: Option<String>,
}

/// A conversation of one channel.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// `cnv_...`
    pub id: String,
    /// `cha_...`
    pub channel: String,
    /// All ids of the channel server for this conversation: several after a merge, empty for a new conversation.
    pub external_ids: Vec<String>,
    /// The messages, in the order in which they were sent or accepted for import.
    pub messages: Vec<Message>,
    /// Whether the conversation is open. A teammate's reply archives it; a customer's message or a failure reopens it.
    pub is_open: bool,
    pub(crate) subject: String,
}

impl Conversation {
    /// Returns the texts, oldest first.
    pub fn texts(&self) -> Vec<&str> {
        self.messages.iter().map(|message| message.text.as_str()).collect()
    }

    /// Returns the recipients of a reply: the customer who wrote last, or the recipients of the last message.
    pub(crate) fn handles(&self) -> Vec<String> {
        let Some(last) = self.messages.last() else { return Vec::new() };
        let role = if last.is_inbound { "from" } else { "to" };
        let handles = last.recipients.iter().filter(|recipient| recipient.role == role);
        handles.map(|recipient| recipient.handle.clone()).collect()
    }
}

/// The outcome of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageState {
    /// The message is sent, and the response is pending.
    Sending,
    /// The channel server has sent the response that Front requires.
    Sent,
    /// The teammate saw that the channel's servers are unresponsive. Contains the reason.
    Unresponsive(String),
    /// The channel reported a failure after the message was sent, with the reason if there is one.
    Failed(Option<String>),
    /// An accepted import, which cannot be read yet.
    Accepted,
    /// A completed import.
    Imported,
}

/// A message.
#[derive(Debug, Clone)]
pub struct Message {
    /// `msg_...`. Autoreplies have an id here, but not in requests.
    pub id: String,
    /// The key of an import before its id is known.
    pub uid: String,
    /// Whether a customer wrote the message.
    pub is_inbound: bool,
    /// Whether a rule wrote the message.
    pub is_autoreply: bool,
    /// The id of the channel server.
    pub external_id: Option<String>,
    /// The body, which may be HTML.
    pub body: String,
    /// The body as plain text.
    pub text: String,
    /// The teammate or bot that wrote the message. `None` for customers, autoreplies, and imports without `author_id`.
    pub author: Option<Author>,
    /// Sender and recipients.
    pub recipients: Vec<Recipient>,
    /// The files in order.
    pub attachments: Vec<Attachment>,
    /// The outcome.
    pub state: MessageState,
    /// The external id of the message to which this one replies.
    pub referenced: Option<String>,
    pub(crate) subject: String,
    pub(crate) replied_to: Option<String>,
    /// The time of creation, in milliseconds since 1970.
    pub(crate) created_at: u64,
}

impl Message {
    /// Returns the time of creation. Front's API uses seconds.
    pub fn created(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.created_at)
    }

    /// Returns the handles with the role `to`.
    pub fn to(&self) -> Vec<&str> {
        let to = self.recipients.iter().filter(|recipient| recipient.role == "to");
        to.map(|recipient| recipient.handle.as_str()).collect()
    }

    pub(crate) fn is_readable(&self) -> bool {
        self.state != MessageState::Accepted
    }
}

/// A teammate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// `tea_...`
    pub id: String,
    /// The email address.
    pub email: String,
    /// The type: `user`, or the kind of a bot.
    pub kind: String,
}

impl Author {
    /// The type of a person.
    pub const USER: &str = "user";
}

/// A sender or recipient of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The handle, or a teammate's email.
    pub handle: String,
    /// The name, if known.
    pub name: Option<String>,
    /// `from`, `to`, `cc`, `bcc` or `reply-to`.
    pub role: String,
    /// `crd_...`
    pub contact: Option<String>,
}

/// A template of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// `cha_...`
    pub channel: String,
    /// The id of the channel server.
    pub external_id: String,
    /// The name that admins see.
    pub name: String,
    /// The text with variables.
    pub blurb: String,
    /// Whether teammates cannot choose it.
    pub is_disabled: bool,
    /// `PENDING`, `APPROVED` or `REJECTED`.
    pub status_name: String,
    /// The variables.
    pub variable_mappings: Vec<TemplateVariable>,
    /// HTML.
    pub template_preview: String,
    pub(crate) number: u64,
}

/// A variable of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateVariable {
    /// The key in the text.
    pub uid: String,
    /// The label.
    pub name: String,
    /// `text`, `file`, `image` or `video`.
    pub kind: String,
}

impl Template {
    pub(crate) fn new(channel: &str, external_id: &str, number: u64) -> Self {
        Self {
            channel: channel.to_owned(),
            external_id: external_id.to_owned(),
            name: String::new(),
            blurb: String::new(),
            is_disabled: false,
            status_name: String::new(),
            variable_mappings: Vec::new(),
            template_preview: String::new(),
            number,
        }
    }

    /// Returns the text that a teammate sends with these values. [?] Front does not document which requests a message
    /// from a template causes; here it is a message with this text.
    ///
    /// # Panics
    ///
    /// Panics if the template is disabled.
    pub fn filled(&self, values: &[(&str, &str)]) -> String {
        assert!(!self.is_disabled, "{} is disabled", self.name);
        values.iter().fold(self.blurb.clone(), |text, (key, value)| text.replace(&format!("{{{{{key}}}}}"), value))
    }
}

/// A file of a message.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// `fil_...`
    pub id: String,
    /// The file name.
    pub filename: String,
    /// The media type.
    pub content_type: String,
    /// The size in bytes.
    pub size: usize,
    /// The SHA-256 of the bytes, in hexadecimal digits.
    pub digest: String,
    /// The bytes. Not stored for imports.
    pub(crate) content: Option<Bytes>,
}
