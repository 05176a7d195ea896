//! What customers and operators do: messages, reports, the account's data.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::common::watched::Watched;
use crate::whatsapp::account::{Number, now};
use crate::whatsapp::webhooks::{self, Target};
use crate::whatsapp::{State, WhatsApp, problem};

/// A customer's message.
#[derive(Debug, Clone)]
pub struct Written {
    from: String,
    name: String,
    content: Value,
    at: u64,
}

impl Written {
    /// Creates a text of a customer, who is given by number.
    pub fn text(from: &str, text: &str) -> Self {
        Self::of(from, "text", json!({ "body": text }))
    }

    /// Creates a message of a type with its content.
    pub fn of(from: &str, kind: &str, content: Value) -> Self {
        let from = from.chars().filter(char::is_ascii_digit).collect();
        let mut all = json!({ "type": kind });
        all[kind] = content;
        Self { from, name: "Mora Lind".to_owned(), content: all, at: now() }
    }

    /// Sets the answered message.
    pub fn answers(mut self, id: &str) -> Self {
        self.content["context"] = json!({ "from": WhatsApp::NUMBER.trim_start_matches('+'), "id": id });
        self
    }

    /// Sets the time, in seconds before now.
    pub fn before(mut self, seconds: u64) -> Self {
        self.at -= seconds;
        self
    }
}

impl WhatsApp {
    /// Sends webhooks to a URL from now on. `address`: where the URL leads.
    pub fn point_at(&self, address: SocketAddr, url: &str) {
        let target = Target { address, url: url.to_owned() };
        self.state.update(|state| state.webhooks.point_at(target));
    }

    /// Verifies a webhook's URL with a challenge, and returns status and body of the response.
    ///
    /// # Errors
    ///
    /// Fails if there is no response.
    pub fn challenge(&self, address: SocketAddr, url: &str, token: &str) -> Result<(u16, String), String> {
        let target = Target { address, url: url.to_owned() };
        self.runtime().block_on(webhooks::challenge(&target, token, "1158201444"))
    }

    /// Returns the value of `X-Hub-Signature-256` for a body.
    pub fn signature(&self, body: &str) -> String {
        self.look(|state| state.webhooks.signature(body))
    }

    /// Sends customers' messages in one webhook, and returns their ids. The webhook is sent again until it is accepted.
    pub fn receive(&self, messages: impl IntoIterator<Item = Written>) -> Vec<String> {
        let (body, ids) = prepare(&self.state, messages);
        let state = Arc::clone(&self.state);
        self.runtime().spawn(async move { webhooks::deliver(&state, body).await });
        ids
    }

    /// Sends a webhook once, and returns the status of the response.
    ///
    /// # Errors
    ///
    /// Fails without a response or a subscription.
    pub fn fire(&self, body: &Value) -> Result<u16, String> {
        let fired = self.runtime().block_on(webhooks::fire(&self.state, body));
        fired.unwrap_or_else(|| Err("no subscription".to_owned()))
    }

    /// Returns the body of a webhook with customers' messages, without sending it.
    pub fn body_of(&self, messages: impl IntoIterator<Item = Written>) -> Value {
        prepare(&self.state, messages).0
    }

    /// Reports a status of a message: `sent`, `delivered`, `read`, or `failed` with a code.
    pub fn report(&self, id: &str, status: &str, code: Option<u64>) {
        let body = self.state.read(|state| status_of(state, id, status, code));
        let state = Arc::clone(&self.state);
        self.runtime().spawn(async move { webhooks::deliver(&state, body).await });
    }

    /// Switches the reports of accepted messages on or off. Failures are reported in any case.
    pub fn reports(&self, on: bool) {
        self.state.update(|state| state.account.reports = on);
    }

    /// Stores a customer's file, and returns its id.
    pub fn file(&self, content_type: &str, bytes: &[u8]) -> String {
        self.state.update(|state| state.account.store(content_type, bytes.to_vec()))
    }

    /// Adds a number of the company.
    pub fn number(&self, id: &str, display: &str, name: &str) {
        let number = Number { id: id.to_owned(), display: display.to_owned(), name: name.to_owned() };
        self.state.update(|state| state.account.numbers.push(number));
    }

    /// Adds a template with a body, or changes its state.
    pub fn template(&self, name: &str, language: &str, status: &str, body: &str) {
        self.state.update(|state| set_template(state, name, language, status, body));
    }

    /// Makes a number one that is not on WhatsApp.
    pub fn unreachable(&self, number: &str) {
        let digits = number.chars().filter(char::is_ascii_digit).collect();
        self.state.update(|state| state.account.unreachable.insert(digits));
    }

    /// Replaces the access token.
    pub fn rotate(&self, token: &str) {
        self.state.update(|state| state.account.token = token.to_owned());
    }
}

pub(super) fn set_template(state: &mut State, name: &str, language: &str, status: &str, body: &str) {
    let account = &mut state.account;
    account.templates.retain(|one| one["name"] != name || one["language"] != language);
    let keys = body.matches("{{").count();
    let mut component = json!({ "type": "BODY", "text": body });
    if keys > 0 {
        let examples: Vec<_> = (1..=keys).map(|key| format!("example {key}")).collect();
        component["example"] = json!({ "body_text": [examples] });
    }
    let id = account.id().to_string();
    account.templates.push(json!({
        "id": id, "name": name, "language": language, "status": status, "category": "UTILITY",
        "parameter_format": "POSITIONAL", "components": [component, { "type": "FOOTER", "text": "Lind & Co" }],
    }));
}

/// Returns a webhook with customers' messages, and the ids of the messages.
pub(super) fn prepare(state: &Watched<State>, messages: impl IntoIterator<Item = Written>) -> (Value, Vec<String>) {
    state.update(|state| {
        let (mut contacts, mut shown, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for Written { from, name, content, at } in messages {
            let account = &mut state.account;
            let last = account.wrote.entry(from.clone()).or_default();
            *last = at.max(*last);
            let id = account.message_id();
            let mut message = content;
            (message["from"], message["id"]) = (from.as_str().into(), id.as_str().into());
            message["timestamp"] = at.to_string().into();
            contacts.push(json!({ "profile": { "name": name }, "wa_id": from }));
            shown.push(message);
            ids.push(id);
        }
        let mut value = value(WhatsApp::NUMBER_ID, WhatsApp::NUMBER);
        (value["contacts"], value["messages"]) = (contacts.into(), shown.into());
        (envelope(value), ids)
    })
}

fn value(number: &str, display: &str) -> Value {
    let display = display.trim_start_matches('+');
    json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": display, "phone_number_id": number },
    })
}

fn envelope(value: Value) -> Value {
    let changes = [json!({ "value": value, "field": "messages" })];
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": WhatsApp::ACCOUNT, "changes": changes }] })
}

/// Returns a webhook with a status.
pub(super) fn status_of(state: &State, id: &str, status: &str, code: Option<u64>) -> Value {
    let message = state.account.messages.iter().find(|message| message.id == id);
    let to = message.map(|message| message.to.as_str()).unwrap_or_default();
    let mut shown = json!({ "id": id, "status": status, "timestamp": now().to_string(), "recipient_id": to });
    // [?] Meta documents it for messages that were sent, delivered and read.
    if let Some(data) = message.and_then(|message| message.body["biz_opaque_callback_data"].as_str()) {
        shown["biz_opaque_callback_data"] = data.into();
    }
    if let Some(code) = code {
        shown["errors"] = problem::reported(code);
    }
    let number = message.map_or(WhatsApp::NUMBER_ID, |message| message.number.as_str());
    let display = state.account.number(number).map_or_else(
        || WhatsApp::NUMBER.to_owned(),
        |known| known.display.chars().filter(char::is_ascii_digit).collect(),
    );
    let mut value = value(number, &display);
    value["statuses"] = json!([shown]);
    envelope(value)
}

/// Reports an accepted message as sent and delivered, or as failed.
pub(super) async fn report(state: Arc<Watched<State>>, id: String) {
    let bodies = state.read(|state| {
        let message = state.account.messages.iter().find(|message| message.id == id)?;
        let failure = match message {
            message if message.is_outside_window => Some(131_047),
            message if state.account.unreachable.contains(&message.to) => Some(131_026),
            _ => None,
        };
        Some(match failure {
            Some(code) => vec![status_of(state, &id, "failed", Some(code))],
            None if state.account.reports => {
                ["sent", "delivered"].map(|status| status_of(state, &id, status, None)).to_vec()
            }
            None => Vec::new(),
        })
    });
    for body in bodies.unwrap_or_default() {
        webhooks::deliver(&state, body).await;
    }
}
