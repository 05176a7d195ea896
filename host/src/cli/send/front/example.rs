//! Example requests in Front's format.

use frontgate_front::text;
use serde_json::{Value, json};

use super::Kind;

/// Host of the links to Front's resources.
const API: &str = "https://acme.api.frontapp.com";
const CUSTOMER: &str = "+12125550143";
const TEAMMATE: &str = "ana@acme.example";

/// Returns a request about a channel. Ids are random, because the gateway discards a repeated message.
pub(super) fn of(kind: Kind, channel: &str, now_ms: i64) -> Value {
    match kind {
        Kind::Authorization => json!({ "type": "authorization", "payload": { "channel_id": channel } }),
        Kind::ListAddresses => json!({ "type": "list_addresses", "payload": {} }),
        Kind::Message => json!({
            "type": "message",
            "payload": message(now_ms, false, "Your parcel left today."),
            "metadata": { "external_conversation_ids": [] },
        }),
        Kind::MessageAutoreply => json!({ "type": "message_autoreply", "payload": autoreply(now_ms) }),
        Kind::MessageImported => {
            let mut payload = message(now_ms, true, "Where is my parcel?");
            payload["metadata"]["external_id"] = format!("example-{}", digits()).into();
            let conversation = "example-conversation";
            json!({
                "type": "message_imported",
                "payload": payload,
                "metadata": {
                    "external_conversation_id": conversation,
                    "external_conversation_ids": [conversation],
                },
            })
        }
        Kind::Delete => json!({ "type": "delete", "payload": { "channel_id": channel } }),
    }
}

/// Copies an overridden text to the body and an overridden id to the links, unless those are overridden as well.
pub(super) fn agree(json: &mut Value, is_set: impl Fn(&str) -> bool) {
    let Some(payload) = json.get_mut("payload").filter(|payload| payload.is_object()) else { return };
    if let Some(said) = payload["text"].as_str().map(str::to_owned).filter(|_| is_set("payload.text")) {
        if !is_set("payload.body") {
            payload["body"] = format!("<p>{}</p>", text::html(&said)).into();
        }
        if !is_set("payload.blurb") && payload["blurb"].is_string() {
            payload["blurb"] = said.into();
        }
    }
    let id = payload["id"].as_str().map(str::to_owned).filter(|_| is_set("payload.id"));
    let link = payload.pointer_mut("/_links/self").filter(|_| !is_set("payload._links.self"));
    if let (Some(id), Some(link)) = (id, link) {
        *link = format!("{API}/messages/{id}").into();
    }
}

/// Returns a random id in Front's format.
pub(super) fn id(prefix: &str) -> String {
    format!("{prefix}_{}", &digits()[..12])
}

fn digits() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn message(now_ms: i64, is_inbound: bool, text: &str) -> Value {
    let id = id("msg");
    let (customer, teammate) = if is_inbound { ("from", "to") } else { ("to", "from") };
    let author = json!({
        "id": "tea_example", "email": TEAMMATE, "username": "ana", "first_name": "Ana", "last_name": "Ruiz",
        "is_admin": false, "is_available": true, "is_blocked": false, "type": "user",
    });
    json!({
        "_links": { "self": format!("{API}/messages/{id}"), "related": { "conversation": conversation() } },
        "id": id,
        "message_uid": digits(),
        "type": "custom",
        "is_inbound": is_inbound,
        "draft_mode": null,
        "is_draft": false,
        "error_type": null,
        "version": digits(),
        "created_at": seconds(now_ms),
        "subject": "",
        "blurb": text,
        "body": format!("<p>{}</p>", text::html(text)),
        "text": text,
        "author": if is_inbound { Value::Null } else { author },
        "recipients": [
            { "_links": { "related": { "contact": contact() } }, "name": "Lee", "handle": CUSTOMER, "role": customer },
            { "_links": { "related": { "contact": null } }, "name": null, "handle": TEAMMATE, "role": teammate },
        ],
        "attachments": [],
        "signature": null,
        "metadata": { "headers": { "in_reply_to": null } },
    })
}

/// Returns an autoreply. It has no id and no author; the link to the message that it answers identifies it.
fn autoreply(now_ms: i64) -> Value {
    let replied_to = format!("{API}/messages/{}", id("msg"));
    json!({
        "_links": { "related": { "conversation": conversation(), "message_replied_to": replied_to } },
        "type": "auto_reply",
        "is_inbound": false,
        "created_at": seconds(now_ms),
        "body": "<p>We are closed.</p>",
        "text": "We are closed.",
        "recipients": [
            { "_links": { "related": { "contact": contact() } }, "handle": CUSTOMER, "role": "to" },
        ],
        "attachments": [],
    })
}

fn conversation() -> String {
    format!("{API}/conversations/{}", id("cnv"))
}

fn contact() -> String {
    format!("{API}/contacts/crd_example")
}

/// Returns a time in seconds, with milliseconds as decimals. A whole number of seconds is an integer, as in JavaScript.
fn seconds(ms: i64) -> Value {
    if ms % 1_000 == 0 { (ms / 1_000).into() } else { (ms as f64 / 1_000.0).into() }
}
