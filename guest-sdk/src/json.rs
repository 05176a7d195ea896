//! Reads JSON from other systems. Errors never contain values.

use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// Parses a value. `what` is the start of the error message.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        let place = text.rfind(" at line ").map_or("", |at| &text[at..]);
        let words = text.strip_suffix(place).unwrap_or(&text);
        Error::failed(format!("{what}: {}{place}", without_value(words)))
    })
}

/// Parses the body of a webhook: a body of another form is the sender's fault.
pub(crate) fn read_request<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    read(bytes, "unexpected request").map_err(|error| match error {
        Error::Failed(problem) => Error::Invalid(problem),
        other => other,
    })
}

/// Removes the value from serde's error: it may be a customer's name, and errors are logged.
pub(crate) fn without_value(problem: &str) -> &str {
    let has_value =
        ["invalid type: ", "invalid value: ", "unknown variant "].iter().any(|one| problem.starts_with(one));
    match problem.rfind(", expected ") {
        Some(at) if has_value => &problem[at + 2..],
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Person {
        id: u32,
    }

    #[test]
    fn errors_name_fields_and_types_but_no_values() {
        let table = [
            (r#"{"id":"Mora, expected"}"#, "x: expected u32 at line 1 column 22"),
            ("{}", "x: missing field `id` at line 1 column 2"),
            ("", "x: EOF while parsing a value at line 1 column 0"),
            ("<html>", "x: expected value at line 1 column 1"),
        ];
        for (text, want) in table {
            assert_eq!(read::<Person>(text.as_bytes(), "x"), Err(Error::failed(want)), "{text}");
        }
        assert_eq!(read(br#"{"id":7,"more":[]}"#, "x"), Ok(Person { id: 7 }));
    }
}
