//! Fields of payloads and bodies, masked unless they are known to contain no personal data.

use frontgate_console_pages::pages::Field;
use frontgate_console_pages::{Grant, Kind, Personal, is_id};
use serde_json::Value;
use url::form_urlencoded;

/// Maximum number of fields that a page shows.
const FIELDS_MAX: usize = 200;

/// Maximum length of a value that a page shows, in characters.
const VALUE_CHARS_MAX: usize = 4_000;

/// Fields of Twilio's forms without personal data; also all that end with `Sid`.
const TWILIO_HARMLESS: [&str; 15] = [
    "EventType",
    "Location",
    "PageSize",
    "RetryCount",
    "Source",
    "State",
    "Index",
    "DateCreated",
    "DateUpdated",
    "Timestamp",
    "ApiVersion",
    "CallStatus",
    "Direction",
    "ChannelType",
    "MessagingBinding.Type",
];

/// Returns the fields of a stored payload: a form as a list of pairs, or JSON.
pub(super) fn of_payload(payload: &Value, grant: Option<&Grant>) -> Vec<Field> {
    match serde_json::from_value::<Vec<(String, String)>>(payload.clone()) {
        Ok(pairs) => of_pairs(pairs, grant),
        Err(_) => of_json(payload, grant),
    }
}

/// Returns the fields of a body as it was received.
pub(super) fn of_body(body: &[u8], grant: Option<&Grant>) -> Vec<Field> {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        return of_json(&value, grant);
    }
    let text = String::from_utf8_lossy(body);
    let is_form = text.contains('=') && !text.contains([' ', '\n', '<']);
    if is_form {
        let pairs = form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned()));
        return of_pairs(pairs.collect(), grant);
    }
    if body.is_empty() {
        return Vec::new();
    }
    vec![personal("body".to_owned(), &text, grant)]
}

fn of_pairs(pairs: Vec<(String, String)>, grant: Option<&Grant>) -> Vec<Field> {
    let field = |(name, value): (String, String)| {
        let is_harmless = TWILIO_HARMLESS.contains(&name.as_str()) || (name.ends_with("Sid") && is_id(&value));
        if is_harmless { plain(name, value) } else { personal(name, &value, grant) }
    };
    pairs.into_iter().take(FIELDS_MAX).map(field).collect()
}

fn of_json(value: &Value, grant: Option<&Grant>) -> Vec<Field> {
    let mut fields = Vec::new();
    flatten(String::new(), value, grant, &mut fields);
    fields
}

fn flatten(path: String, value: &Value, grant: Option<&Grant>, fields: &mut Vec<Field>) {
    if fields.len() >= FIELDS_MAX {
        return;
    }
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| flatten(join(key), value, grant, fields)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| flatten(join(&index.to_string()), value, grant, fields));
        }
        Value::Null => fields.push(plain(path, "null".to_owned())),
        Value::Bool(value) => fields.push(plain(path, value.to_string())),
        Value::Number(number) if is_count_or_time(&path) => fields.push(plain(path, number.to_string())),
        Value::Number(number) => fields.push(personal(path, &number.to_string(), grant)),
        Value::String(text) if is_harmless(&path, text) => fields.push(plain(path, text.clone())),
        Value::String(text) => fields.push(personal(path, text, grant)),
    }
}

/// Returns the last key of a path.
fn key(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn is_count_or_time(path: &str) -> bool {
    let key = key(path);
    key.ends_with("_at")
        || key.ends_with("_ms")
        || ["at", "time", "timestamp", "index", "version", "count"].contains(&key)
}

/// Returns whether a text is a word of a platform, or an id of Front.
fn is_harmless(path: &str, text: &str) -> bool {
    let is_word =
        text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-');
    let is_front_id = text.split_once('_').is_some_and(|(kind, id)| {
        ["cha", "msg", "cnv", "tea", "inb", "cmp", "rul", "alt"].contains(&kind)
            && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            && is_id(text)
    });
    (["type", "kind", "status", "state", "direction"].contains(&key(path)) && is_word) || is_front_id
}

fn plain(name: String, value: String) -> Field {
    // Names come from the sender, too.
    Field {
        name: shortened(&frontgate_console_pages::mask_text(&name)),
        value: Some(shortened(&value)),
        personal: None,
    }
}

fn personal(name: String, value: &str, grant: Option<&Grant>) -> Field {
    let kind = if value.contains('+') { Kind::Address } else { Kind::Text };
    let masked = Personal::new(kind, shortened(value));
    let masked = match grant {
        Some(grant) => masked.shown(grant),
        None => masked,
    };
    Field { name: shortened(&frontgate_console_pages::mask_text(&name)), value: None, personal: Some(masked) }
}

fn shortened(text: &str) -> String {
    frontgate_console_pages::words::short(text, VALUE_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(fields: &[Field]) -> String {
        serde_json::to_string(fields).expect("JSON")
    }

    #[test]
    fn only_known_fields_of_a_form_are_shown() {
        let sid = format!("CH{}", "0123456789abcdef".repeat(2));
        let body = format!(
            "EventType=onMessageAdded&ConversationSid={sid}&Body=secret+text&MessagingBinding.Address=%2B12025550107&FooSid=12025550107"
        );
        let text = shown(&of_body(body.as_bytes(), None));
        assert!(text.contains("onMessageAdded") && text.contains(&sid), "{text}");
        assert!(!text.contains("secret") && !text.contains("2025550107"), "{text}");
    }

    #[test]
    fn only_known_texts_of_json_are_shown() {
        let body = br#"{"type": "message", "payload": {"id": "msg_1a", "text": "secret text", "handle": "+12025550107", "number": 12025550107}}"#;
        let text = shown(&of_body(body, None));
        assert!(text.contains("message") && text.contains("msg_1a"), "{text}");
        assert!(!text.contains("secret") && !text.contains("2025550107"), "{text}");
    }

    #[test]
    fn a_grant_shows_all_fields() {
        let text = shown(&of_body(br#"{"text": "secret text"}"#, Some(&Grant::recorded())));
        assert!(text.contains("secret text"), "{text}");
    }
}
