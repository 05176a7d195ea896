//! Addresses in the body of a request: phone numbers and mail addresses.

use std::collections::BTreeSet;

use serde_json::Value;
use url::form_urlencoded;

/// Most addresses of one request. A body with more is unusual, and each costs a row.
const ADDRESSES_MAX: usize = 16;

/// Longest address, in bytes.
const ADDRESS_BYTES_MAX: usize = 254;

/// Digits of a phone number with country code, by E.164.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Returns one spelling of an address: digits of a phone number with country code, or a mail address in lower case.
/// `None` if the text is not an address.
pub fn normalized(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > ADDRESS_BYTES_MAX {
        return None;
    }
    // A channel's prefix, such as `whatsapp:`.
    let bare = match text.split_once(':') {
        Some((channel, bare)) if channel.chars().all(|c| c.is_ascii_alphabetic()) => bare.trim(),
        _ => text,
    };
    if let Some((name, host)) = bare.split_once('@') {
        let is_mail = !name.is_empty() && host.contains('.') && !bare.contains(char::is_whitespace);
        return (is_mail && !host.contains('@')).then(|| bare.to_lowercase());
    }
    if !bare.chars().all(|c| c.is_ascii_digit() || "+ -.()/".contains(c)) {
        return None;
    }
    let digits: String = bare.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    DIGITS.contains(&digits.len()).then(|| digits.to_owned())
}

/// Returns the addresses in a body, which is a form or JSON. Only whole values are addresses: a text is not searched.
pub(crate) fn of_body(body: &[u8]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        of_json(&value, &mut found);
        return found;
    }
    for (_, value) in form_urlencoded::parse(body) {
        add(&value, &mut found);
    }
    found
}

fn of_json(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => add(text, found),
        Value::Array(values) => values.iter().for_each(|value| of_json(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| of_json(value, found)),
        _ => {}
    }
}

fn add(text: &str, found: &mut BTreeSet<String>) {
    if found.len() < ADDRESSES_MAX {
        found.extend(normalized(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_number_are_equal() {
        for text in ["+12025550107", "whatsapp:+12025550107", "+1 (202) 555-0107", "0012025550107", " 12025550107 "] {
            assert_eq!(normalized(text).as_deref(), Some("12025550107"), "{text}");
        }
        assert_eq!(normalized("Ana@Example.org").as_deref(), Some("ana@example.org"));
    }

    #[test]
    fn other_texts_are_no_addresses() {
        for text in ["", "12345", "call +12025550107", "CH0123456789", "a@b", "1234567890123456", "a@b.c@d.e"] {
            assert_eq!(normalized(text), None, "{text}");
        }
    }

    #[test]
    fn whole_values_of_forms_and_json_are_found() {
        let form = of_body(b"Author=%2B12025550107&Body=call+me&MessagingBinding.ProxyAddress=%2B18005550100");
        assert_eq!(Vec::from_iter(form), ["12025550107", "18005550100"]);
        let json =
            of_body(br#"{"recipients": [{"handle": "+12025550107"}], "text": "from +12025550108", "n": 12025550109}"#);
        assert_eq!(Vec::from_iter(json), ["12025550107"]);
    }
}
