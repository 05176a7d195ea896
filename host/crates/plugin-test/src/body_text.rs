//! Replaces the customer's text in the body of a provider's request.

use serde_json::Value;
use url::form_urlencoded;

/// Replaces a text in a request body (JSON, a form or plain text). Returns `None` if the text is not found.
pub(crate) fn replaced(body: &str, text: &str, by: &str) -> Option<String> {
    if let Ok(mut json) = serde_json::from_str::<Value>(body) {
        return replace_in(&mut json, text, by).then(|| json.to_string());
    }
    if body == text {
        return Some(by.to_owned());
    }
    let pairs: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
    pairs.iter().any(|(_, value)| value == text).then(|| {
        let pairs = pairs.iter().map(|(name, value)| (name, if value == text { by } else { value }));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    })
}

/// Replaces every JSON string that equals the text. Returns whether the text was found.
fn replace_in(json: &mut Value, text: &str, by: &str) -> bool {
    match json {
        Value::String(value) if value == text => {
            by.clone_into(value);
            true
        }
        Value::Array(values) => values.iter_mut().fold(false, |found, value| replace_in(value, text, by) | found),
        Value::Object(fields) => fields.values_mut().fold(false, |found, value| replace_in(value, text, by) | found),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_replaced_as_its_request_writes_it() {
        let table = [
            ("Hello", Some("<b>&".to_owned())),
            (r#"{"id":"1","text":"Hello"}"#, Some(r#"{"id":"1","text":"<b>&"}"#.to_owned())),
            (r#"[{"a":["Hello"]}]"#, Some(r#"[{"a":["<b>&"]}]"#.to_owned())),
            ("Id=1&Body=Hello", Some("Id=1&Body=%3Cb%3E%26".to_owned())),
            (r#"{"text":"Hello to you"}"#, None),
            ("Id=1&Body=Other", None),
            ("", None),
        ];
        for (body, want) in table {
            assert_eq!(replaced(body, "Hello", "<b>&"), want, "{body}");
        }
    }
}
