//! What a teammate is about to send, and what an admin typed to connect a channel.

use std::fmt;
use std::sync::Arc;

use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::common::chance::Chance;

type Edit = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// A message that is to be sent.
#[derive(Clone)]
pub struct Draft {
    pub(crate) text: String,
    pub(crate) body: Option<String>,
    pub(crate) subject: String,
    pub(crate) author: Option<String>,
    /// Handles and their roles.
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
    /// A text, by Ana. Replies go to whoever the conversation is with; others need [`Draft::to`].
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            body: None,
            subject: String::new(),
            author: Some("ana@acme.example".to_owned()),
            recipients: Vec::new(),
            files: Vec::new(),
            edit: None,
        }
    }

    /// One more recipient.
    pub fn to(self, handle: &str) -> Self {
        self.recipient("to", handle)
    }

    /// The same with another role, such as `cc`.
    pub fn recipient(mut self, role: &str, handle: &str) -> Self {
        self.recipients.push((handle.to_owned(), role.to_owned()));
        self
    }

    /// What the advanced composer makes; without it the body is the text in a paragraph.
    pub fn html(self, body: &str) -> Self {
        Self { body: Some(body.to_owned()), ..self }
    }

    /// A subject.
    pub fn subject(self, subject: &str) -> Self {
        Self { subject: subject.to_owned(), ..self }
    }

    /// Another teammate, by email.
    pub fn author(self, email: &str) -> Self {
        Self { author: Some(email.to_owned()), ..self }
    }

    /// Nobody: the author is null.
    pub fn nobody(self) -> Self {
        Self { author: None, ..self }
    }

    /// One more file.
    pub fn attach(mut self, filename: &str, content_type: &str, content: impl Into<Bytes>) -> Self {
        let (filename, content_type) = (filename.to_owned(), content_type.to_owned());
        self.files.push(NewFile { filename, content_type, content: content.into() });
        self
    }

    /// One more file of so many bytes, which look random and are the same for the same size.
    pub fn attach_generated(self, filename: &str, content_type: &str, size: usize) -> Self {
        self.attach(filename, content_type, generated(size))
    }

    /// Changes the whole request by hand before it is signed: fields that are missing, strange or new.
    pub fn edit(self, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self { edit: Some(Arc::new(edit)), ..self }
    }

    pub(crate) fn edited(&self, request: &mut Value) {
        if let Some(edit) = &self.edit {
            edit(request);
        }
    }

    /// What the body says, and the text: Front fills a word in where a file stands alone.
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

/// So many bytes that look random, and are the same for the same size.
pub fn generated(size: usize) -> Vec<u8> {
    let mut chance = Chance::new(size as u64);
    let mut bytes: Vec<u8> = (0..size.div_ceil(8)).flat_map(|_| chance.next().to_le_bytes()).collect();
    bytes.truncate(size);
    bytes
}

/// A channel that is to be connected.
#[derive(Debug, Clone)]
pub struct Connect {
    pub(crate) server_url: String,
    pub(crate) token: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) payload: Value,
}

impl Connect {
    /// By the app's server at this URL.
    pub fn to(server_url: &str) -> Self {
        Self { server_url: server_url.to_owned(), token: None, address: None, payload: json!({}) }
    }

    /// What the admin typed as the server's token: `Authorization: Bearer` on all requests.
    pub fn token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    /// The channel's address; a made-up one otherwise.
    pub fn address(self, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..self }
    }

    /// One more field of the payload, beside `channel_id`.
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
