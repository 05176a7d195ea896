//! Checks and accepts messages.

use serde_json::{Map, Value, json};

use crate::common::reply::Reply;
use crate::whatsapp::account::{Account, Message};
use crate::whatsapp::{problem, upload};

/// The limits on lengths, in characters.
const TEXT_MAX: usize = 4096;
const CAPTION_MAX: usize = 1024;
const CALLBACK_DATA_MAX: usize = 512;

/// Fields of every message.
const FIELDS: [&str; 6] = ["messaging_product", "recipient_type", "to", "type", "context", "biz_opaque_callback_data"];

/// The fields of the content, by type.
const CONTENTS: [(&str, &[&str]); 6] = [
    ("text", &["body", "preview_url"]),
    ("image", &["id", "link", "caption"]),
    ("audio", &["id", "link", "voice"]),
    ("video", &["id", "link", "caption"]),
    ("document", &["id", "link", "caption", "filename"]),
    ("template", &["name", "language", "components"]),
];

/// Returns the response, and the id of the accepted message.
pub(super) fn accept(account: &mut Account, number: &str, body: &[u8]) -> (Reply, Option<String>) {
    match checked(account, number, body) {
        Err(reply) => (reply, None),
        Ok(message) => {
            let input = message.body["to"].clone();
            let answer = json!({
                "messaging_product": "whatsapp",
                "contacts": [{ "input": input, "wa_id": message.to }],
                "messages": [{ "id": message.id, "message_status": "accepted" }],
            });
            let id = message.id.clone();
            account.messages.push(message);
            (Reply::new(200, answer.to_string()), Some(id))
        }
    }
}

fn checked(account: &mut Account, number: &str, body: &[u8]) -> Result<Message, Reply> {
    let invalid = |words: &str| problem::invalid(words);
    let body: Value = serde_json::from_slice(body).map_err(|_| invalid("The body is not JSON."))?;
    let fields = body.as_object().ok_or_else(|| invalid("The body is not an object."))?;
    if account.number(number).is_none() {
        return Err(problem::missing(number));
    }
    let kind = body["type"].as_str().unwrap_or("text").to_owned();
    let (_, known) = CONTENTS.iter().find(|(name, _)| *name == kind).ok_or_else(|| problem::coded(131_051))?;
    only(fields, &FIELDS, &kind)?;
    let content = body[&kind].as_object().ok_or_else(|| problem::coded(131_008))?;
    only(content, known, "")?;
    if body["messaging_product"] != "whatsapp" || !matches!(body["recipient_type"].as_str(), None | Some("individual"))
    {
        return Err(problem::coded(131_009));
    }
    if body["context"] != Value::Null {
        only(body["context"].as_object().unwrap_or(&Map::new()), &["message_id"], "")?;
        body["context"]["message_id"].as_str().ok_or_else(|| problem::coded(131_008))?;
    }
    let is_long = |value: &Value, most: usize| value.as_str().is_some_and(|text| text.chars().count() > most);
    if is_long(&content_of(&body, &kind)["body"], TEXT_MAX)
        || is_long(&content_of(&body, &kind)["caption"], CAPTION_MAX)
        || is_long(&body["biz_opaque_callback_data"], CALLBACK_DATA_MAX)
    {
        return Err(invalid("A text is too long."));
    }
    let to: String = body["to"].as_str().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    if !(7..=15).contains(&to.len()) {
        return Err(problem::coded(131_009));
    }
    let media = match kind.as_str() {
        "text" if body["text"]["body"].as_str().is_none_or(str::is_empty) => return Err(problem::coded(131_008)),
        "text" => None,
        "template" => {
            template(account, &body["template"])?;
            None
        }
        // Links are documented, but not simulated.
        _ => {
            let id = body[&kind]["id"].as_str().unwrap_or_default();
            let media = account.media.get(id).ok_or_else(|| problem::coded(131_053))?;
            let fits = upload::TYPES.iter().any(|(name, of, _)| *name == media.content_type && *of == kind);
            Some(media.clone()).filter(|_| fits).ok_or_else(|| problem::coded(131_053)).map(Some)?
        }
    };
    let is_outside_window = kind != "template" && !account.is_window_open(&to);
    Ok(Message { id: account.message_id(), number: number.to_owned(), to, body, media, is_outside_window })
}

fn content_of<'b>(body: &'b Value, kind: &str) -> &'b Value {
    &body[kind]
}

/// Rejects fields that are not documented.
fn only(fields: &Map<String, Value>, known: &[&str], also: &str) -> Result<(), Reply> {
    let unknown = fields.keys().find(|name| !known.contains(&name.as_str()) && *name != also);
    unknown.map_or(Ok(()), |name| Err(problem::invalid(&format!("Unexpected key \"{name}\" on param"))))
}

/// Checks that the template is approved and that its body's variables have values.
fn template(account: &Account, used: &Value) -> Result<(), Reply> {
    let (name, language) = (used["name"].as_str().unwrap_or_default(), used["language"]["code"].as_str());
    let found = account.template(name, language.unwrap_or_default()).ok_or_else(|| problem::coded(132_001))?;
    match found["status"].as_str() {
        Some("APPROVED") => {}
        Some("PAUSED") => return Err(problem::coded(132_015)),
        _ => return Err(problem::coded(132_001)),
    }
    let body = found["components"].as_array().into_iter().flatten().find(|one| one["type"] == "BODY");
    let wanted = body.and_then(|body| body["text"].as_str()).unwrap_or_default().matches("{{").count();
    let components = used["components"].as_array();
    let given = components.into_iter().flatten().find(|one| one["type"] == "body");
    let given = given.and_then(|one| one["parameters"].as_array()).map_or(0, Vec::len);
    if wanted == given { Ok(()) } else { Err(problem::coded(132_000)) }
}
