//! Handles Meta's webhooks: the challenge, customers' messages, and reports about messages.

mod challenge;
mod content;
mod message;
mod status;

use frontgate_sdk::channel::{Request, WebhookResult};
use frontgate_sdk::{Result, signatures, warn};
use serde::Deserialize;
use serde_json::Value;

use crate::numbers;
use crate::settings::Settings;

/// The name of the key in `webhook_keys`: the app's secret, which stays in the gateway.
const KEY: &str = "whatsapp";

const SIGNATURE: &str = "x-hub-signature-256";

/// The body of a webhook.
#[derive(Deserialize)]
struct Notice {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    id: String,
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    field: String,
    #[serde(default)]
    value: Changed,
}

/// What happened. All lists can be in one body.
#[derive(Default, Deserialize)]
struct Changed {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    contacts: Vec<Contact>,
    #[serde(default)]
    messages: Vec<Value>,
    /// What the company wrote in WhatsApp's own app.
    #[serde(default)]
    message_echoes: Vec<Value>,
    #[serde(default)]
    statuses: Vec<Value>,
}

/// The company's number.
#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    display_phone_number: String,
    #[serde(default)]
    phone_number_id: String,
}

#[derive(Deserialize)]
struct Contact {
    #[serde(default)]
    wa_id: String,
    #[serde(default)]
    profile: Profile,
}

#[derive(Default, Deserialize)]
struct Profile {
    #[serde(default)]
    name: Option<String>,
}

/// Handles a request. Accepts unrelated events as well, so that Meta does not send them again.
pub(crate) fn receive(settings: &Settings, credential: Option<&str>, request: &Request) -> Result<WebhookResult> {
    match request.method.as_str() {
        "GET" => return Ok(challenge::answer(&settings.verify_token, &request.url)),
        "POST" => {}
        _ => return Ok(WebhookResult::status(405)),
    }
    let signature = request.header(SIGNATURE).and_then(|value| value.strip_prefix("sha256="));
    let Some(signature) = signature else { return Ok(WebhookResult::status(403)) };
    if !signatures::hmac_sha256(KEY, &request.body, signature)? {
        return Ok(WebhookResult::status(403));
    }
    let Ok(notice) = request.json::<Notice>() else {
        warn!("failed to read a webhook that Meta signed");
        return Ok(WebhookResult::status(400));
    };
    let mut result = WebhookResult::status(200);
    for entry in notice.entry.iter().filter(|entry| entry.id == settings.business_account_id) {
        for change in entry.changes.iter().filter(|change| is_handled(&change.field)) {
            let Metadata { phone_number_id: id, display_phone_number: display } = &change.value.metadata;
            if !numbers::is_for(settings, credential, id, display)? {
                warn!("ignored events for the number {id}, which is not this channel's");
                continue;
            }
            let value = &change.value;
            for written in &value.messages {
                result.events.extend(message::inbound(settings, id, &value.contacts, written)?);
            }
            for written in &value.message_echoes {
                result.events.extend(message::echo(settings, written)?);
            }
            for status in &value.statuses {
                result.events.extend(status::reported(status)?.map(Into::into));
            }
        }
    }
    Ok(result)
}

fn is_handled(field: &str) -> bool {
    matches!(field, "messages" | "smb_message_echoes")
}
