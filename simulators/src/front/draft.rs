//! Inputs of scenarios: a message to send, and a channel to connect.

use std::fmt;
use std::sync::Arc;

use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::common::rng::Rng;
use crate::front::model::Author;

type Edit = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// A message to send.
#[derive(Clone)]
pub struct Draft {
    pub(crate) text: String,
    pub(crate) body: Option<String>,
    pub(crate) subject: String,
    pub(crate) author: Option<String>,
    pub(crate) author_kind: String,
    pub(crate) quoted: Option<String>,
    /// The recipients: handles and roles.
    pub(crate) recipients: Vec<(String, String)>,
    pub(crate) files: Vec<NewFile>,
    edit: Option<Edit>,
}

#[derive(Debug, Clone)]
pub(crate) struct NewFile {
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) content: Bytes,
}

impl Draft {
    /// Creates a message by Ana. A reply goes to the conversation's recipients; other messages need [`Draft::to`].
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            body: None,
            subject: String::new(),
            author: Some("ana@acme.example".to_owned()),
            author_kind: Author::USER.to_owned(),
            quoted: None,
            recipients: Vec::new(),
            files: Vec::new(),
            edit: None,
        }
    }

    /// Adds a recipient.
    pub fn to(self, handle: &str) -> Self {
        self.recipient("to", handle)
    }

    /// Adds a recipient with another role, such as `cc`.
    pub fn recipient(mut self, role: &str, handle: &str) -> Self {
        self.recipients.push((handle.to_owned(), role.to_owned()));
        self
    }

    /// Sets the HTML of the advanced composer. Default: the text in a paragraph.
    pub fn html(self, body: &str) -> Self {
        Self { body: Some(body.to_owned()), ..self }
    }

    /// Sets the subject.
    pub fn subject(self, subject: &str) -> Self {
        Self { subject: subject.to_owned(), ..self }
    }

    /// Sets the author by email.
    pub fn author(self, email: &str) -> Self {
        Self { author: Some(email.to_owned()), ..self }
    }

    /// Sets the type of the author: a bot such as `rule`, `macro`, `api` or `ai`.
    pub fn author_kind(self, kind: &str) -> Self {
        Self { author_kind: kind.to_owned(), ..self }
    }

    /// Answers a message of the conversation explicitly, by its `msg_...`. Default: the customer's last message, without
    /// a quote.
    pub fn quote(self, message: &str) -> Self {
        Self { quoted: Some(message.to_owned()), ..self }
    }

    /// Sets the author to null.
    pub fn without_author(self) -> Self {
        Self { author: None, ..self }
    }

    /// Adds a file.
    pub fn attach(mut self, filename: &str, content_type: &str, content: impl Into<Bytes>) -> Self {
        let (filename, content_type) = (filename.to_owned(), content_type.to_owned());
        self.files.push(NewFile { filename, content_type, content: content.into() });
        self
    }

    /// Adds a file of this size with the bytes of [`generated`].
    pub fn attach_generated(self, filename: &str, content_type: &str, size: usize) -> Self {
        self.attach(filename, content_type, generated(size))
    }

    /// Modifies the whole request before it is signed, for missing, invalid or new fields.
    pub fn edit(self, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self { edit: Some(Arc::new(edit)), ..self }
    }

    pub(crate) fn edited(&self, request: &mut Value) {
        if let Some(edit) = &self.edit {
            edit(request);
        }
    }

    /// Returns the body and the text. Like Front, inserts a word if the message has only files.
    pub(crate) fn words(&self) -> (String, String) {
        let alone = self.text.is_empty() && !self.files.is_empty();
        let text = if alone { "Attachment" } else { &self.text };
        let paragraph = || {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            format!("<p>{}</p>", escaped.replace('\n', "<br>"))
        };
        (self.body.clone().unwrap_or_else(paragraph), text.to_owned())
    }
}

impl From<&str> for Draft {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} to {:?} with {} files", self.text, self.recipients, self.files.len())
    }
}

/// Generates pseudo-random bytes, the same for the same size.
pub fn generated(size: usize) -> Vec<u8> {
    let mut rng = Rng::new(size as u64);
    let mut bytes: Vec<u8> = (0..size.div_ceil(8)).flat_map(|_| rng.next().to_le_bytes()).collect();
    bytes.truncate(size);
    bytes
}

/// A channel to connect.
#[derive(Debug, Clone)]
pub struct Connect {
    pub(crate) server_url: String,
    pub(crate) token: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) payload: Value,
}

impl Connect {
    /// Creates a connection to the app's server at this URL.
    pub fn to(server_url: &str) -> Self {
        Self { server_url: server_url.to_owned(), token: None, address: None, payload: json!({}) }
    }

    /// Sets the token that the admin types. All requests send the token as `Authorization: Bearer`.
    pub fn token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    /// Sets the channel's address. Default: a generated one.
    pub fn address(self, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..self }
    }

    /// Adds a field to the payload, next to `channel_id`.
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.payload[name] = value.into();
        self
    }
}

impl From<&str> for Connect {
    fn from(server_url: &str) -> Self {
        Self::to(server_url)
    }
}

impl From<&String> for Connect {
    fn from(server_url: &String) -> Self {
        Self::to(server_url)
    }
}
