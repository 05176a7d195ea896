//! Lenient access to JSON values that may be missing or of another type.

use std::borrow::Cow;

use serde_json::Value;

/// Returns a text unchanged, or a number as its digits.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> Option<Cow<'v, str>> {
    match value.pointer(pointer)? {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// Returns a trimmed text that is not blank, such as an id, a name or a handle.
pub(super) fn word(value: &Value, pointer: &str) -> Option<String> {
    let text = text(value, pointer)?;
    let word = text.trim();
    (!word.is_empty()).then(|| word.to_owned())
}

/// Returns a flag: true for `true` or the text `true`.
pub(super) fn flag(value: &Value, pointer: &str) -> bool {
    match value.pointer(pointer) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// Returns a number that is not negative, so that a cast to an integer only rounds or saturates.
pub(super) fn number(value: &Value, pointer: &str) -> Option<f64> {
    let number = match value.pointer(pointer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite() && *number >= 0.0)
}

/// Returns a list, or a single value as a list.
pub(super) fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    match value.pointer(pointer) {
        None | Some(Value::Null) => &[],
        Some(Value::Array(items)) => items,
        Some(item) => std::slice::from_ref(item),
    }
}

/// Returns the id at the end of a link, such as `msg_aa0` of `https://acme.api.frontapp.com/messages/msg_aa0`.
pub(super) fn linked(value: &Value, pointer: &str) -> Option<String> {
    let link = word(value, pointer)?;
    let path = link.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').find(|segment| !segment.is_empty()).map(str::to_owned)
}

/// Converts a text to one short line without control characters.
pub(super) fn line(text: &str, chars_max: usize) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(chars_max).collect::<String>().trim().to_owned()
}
