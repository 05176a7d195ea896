//! The WhatsApp Business account: numbers, templates, messages, files and customers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::whatsapp::WhatsApp;

/// The length of the window after a customer's message, in seconds.
const WINDOW: u64 = 24 * 60 * 60;

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// `wamid....`
    pub id: String,
    /// The number that sent it.
    pub number: String,
    /// The customer's WhatsApp id.
    pub to: String,
    /// The request.
    pub body: Value,
    /// The file, if there is one.
    pub media: Option<Media>,
    /// Whether it was accepted outside the window and without a template, so that it fails.
    pub is_outside_window: bool,
}

impl Message {
    /// Returns the text, the caption, or the name of the template.
    pub fn text(&self) -> &str {
        let content = &self.body[self.kind()];
        ["body", "caption", "name"].iter().find_map(|name| content[*name].as_str()).unwrap_or_default()
    }

    /// Returns the type.
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or("text")
    }
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Such as `image/png`.
    pub content_type: String,
    /// The content.
    pub bytes: Bytes,
    /// The SHA-256 of the content, in hexadecimal digits.
    pub digest: String,
}

/// A number of the company.
#[derive(Debug, Clone)]
pub(super) struct Number {
    pub(super) id: String,
    pub(super) display: String,
    pub(super) name: String,
}

impl Number {
    pub(super) fn shown(&self) -> Value {
        json!({
            "verified_name": self.name, "display_phone_number": self.display, "id": self.id, "quality_rating": "GREEN",
        })
    }
}

#[derive(Debug)]
pub(super) struct Account {
    pub(super) token: String,
    pub(super) url: String,
    pub(super) numbers: Vec<Number>,
    pub(super) templates: Vec<Value>,
    pub(super) media: BTreeMap<String, Media>,
    pub(super) messages: Vec<Message>,
    /// When customers wrote, in seconds since 1970.
    pub(super) wrote: BTreeMap<String, u64>,
    /// Customers who are not on WhatsApp.
    pub(super) unreachable: BTreeSet<String>,
    /// Whether accepted messages are reported as sent and delivered.
    pub(super) reports: bool,
    next_id: u64,
}

impl Account {
    pub(super) fn new(token: &str, url: &str) -> Self {
        let number = Number {
            id: WhatsApp::NUMBER_ID.to_owned(),
            display: "+1 555-078-3881".to_owned(),
            name: "Lind & Co".to_owned(),
        };
        Self {
            token: token.to_owned(),
            url: url.to_owned(),
            numbers: vec![number],
            templates: Vec::new(),
            media: BTreeMap::new(),
            messages: Vec::new(),
            wrote: BTreeMap::new(),
            unreachable: BTreeSet::new(),
            reports: true,
            next_id: 1_000_001,
        }
    }

    pub(super) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Returns a new id of a message.
    pub(super) fn message_id(&mut self) -> String {
        format!("wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI{:020}", self.id())
    }

    pub(super) fn number(&self, id: &str) -> Option<&Number> {
        self.numbers.iter().find(|number| number.id == id)
    }

    /// Stores a file, and returns its id.
    pub(super) fn store(&mut self, content_type: &str, bytes: impl Into<Bytes>) -> String {
        let (id, bytes) = (self.id().to_string(), bytes.into());
        let digest = crate::common::digest(&bytes);
        self.media.insert(id.clone(), Media { content_type: content_type.to_owned(), bytes, digest });
        id
    }

    /// Returns whether a customer wrote within the window.
    pub(super) fn is_window_open(&self, customer: &str) -> bool {
        self.wrote.get(customer).is_some_and(|at| at + WINDOW > now())
    }

    /// Returns the approved template, or whether there is one in another state.
    pub(super) fn template(&self, name: &str, language: &str) -> Option<&Value> {
        self.templates.iter().find(|one| one["name"] == name && one["language"] == language)
    }
}

/// Returns the seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
