//! Attributes of conversations and participants: a JSON object in a string, which a write replaces as a whole.
//!
//! Values are merged into the present object, so that values of other applications are kept.

use serde_json::{Map, Value};

/// Twilio's limit for a participant's attributes, in bytes.
pub const PARTICIPANT_BYTES_MAX: usize = 4 * 1024;
/// Twilio's limit for a conversation's attributes, in bytes.
pub const CONVERSATION_BYTES_MAX: usize = 16 * 1024;

/// Attributes after a merge.
#[derive(Debug, PartialEq, Eq)]
pub struct Merged {
    /// The JSON object.
    pub text: String,
    /// Whether a value was added.
    pub changed: bool,
}

/// Treatment of a value that is already set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Present {
    /// The value stays.
    Keep,
    /// The new value replaces it.
    Overwrite,
}

/// Adds values. A value that would make the object longer than `bytes_max` is left out. If it is the first of
/// `additions`, the merge fails.
pub fn merge(
    attributes: &str,
    additions: &[(&str, Option<&str>)],
    present: Present,
    bytes_max: usize,
) -> Result<Merged, &'static str> {
    let mut attributes: Map<String, Value> = match attributes.trim() {
        // PHP encodes an empty object as `[]`.
        "" | "null" | "[]" => Map::new(),
        text => serde_json::from_str(text).map_err(|_| "are not a JSON object, and cannot be extended")?,
    };
    let mut changed = false;
    for (index, (name, value)) in additions.iter().enumerate() {
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        let missing = match attributes.get(*name) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(_) => false,
        };
        if !missing && (present == Present::Keep || attributes[*name] == *value) {
            continue;
        }
        let before = attributes.insert((*name).to_owned(), value.into());
        if text(&attributes).len() <= bytes_max {
            changed = true;
        } else if index == 0 {
            return Err("have no room for another value");
        } else {
            match before {
                Some(before) => drop(attributes.insert((*name).to_owned(), before)),
                None => drop(attributes.shift_remove(*name)),
            }
        }
    }
    Ok(Merged { text: text(&attributes), changed })
}

fn text(attributes: &Map<String, Value>) -> String {
    serde_json::to_string(attributes).expect("a map of JSON values")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn merged(attributes: &str, additions: &[(&str, Option<&str>)]) -> Result<(String, bool), &'static str> {
        merge(attributes, additions, Present::Keep, 100).map(|merged| (merged.text, merged.changed))
    }

    #[test]
    fn present_values_stay_and_missing_ones_are_added() {
        let id = ("customer_id", Some("c-7"));
        let table = [
            ("{}", vec![id], r#"{"customer_id":"c-7"}"#, true),
            ("", vec![id], r#"{"customer_id":"c-7"}"#, true),
            ("[]", vec![id], r#"{"customer_id":"c-7"}"#, true),
            (r#"{"customer_id":"other"}"#, vec![id], r#"{"customer_id":"other"}"#, false),
            (r#"{"customer_id":""}"#, vec![id], r#"{"customer_id":"c-7"}"#, true),
            (r#"{"customer_id":null}"#, vec![id], r#"{"customer_id":"c-7"}"#, true),
            (r#"{"z":[1],"a":2}"#, vec![id, ("avatar", None)], r#"{"z":[1],"a":2,"customer_id":"c-7"}"#, true),
            (r#"{"customer_id":7}"#, vec![id], r#"{"customer_id":7}"#, false),
        ];
        for (present, additions, expected, changed) in table {
            assert_eq!(merged(present, &additions), Ok((expected.to_owned(), changed)), "{present}");
        }
    }

    #[test]
    fn values_are_overwritten_on_request() {
        let id = ("customer_id", Some("c-7"));
        let table = [
            (r#"{"customer_id":"other","z":1}"#, r#"{"customer_id":"c-7","z":1}"#, true),
            (r#"{"customer_id":7}"#, r#"{"customer_id":"c-7"}"#, true),
            (r#"{"customer_id":"c-7"}"#, r#"{"customer_id":"c-7"}"#, false),
        ];
        for (present, expected, changed) in table {
            let merged = merge(present, &[id, ("avatar", None)], Present::Overwrite, 100).expect("an object");
            assert_eq!((merged.text.as_str(), merged.changed), (expected, changed), "{present}");
        }
    }

    #[test]
    fn attributes_that_are_not_an_object_are_not_overwritten() {
        for present in ["[1]", "7", "{", "not json"] {
            assert!(merged(present, &[("customer_id", Some("c-7"))]).is_err(), "{present}");
        }
    }

    #[test]
    fn a_value_that_is_too_long_is_left_out_unless_it_is_the_first() {
        let long = "x".repeat(90);
        let expected = Ok((r#"{"customer_id":"c-7"}"#.to_owned(), true));
        assert_eq!(merged("{}", &[("customer_id", Some("c-7")), ("avatar", Some(&long))]), expected);
        assert!(merged("{}", &[("customer_id", Some(&long))]).is_err());
    }

    proptest! {
        #[test]
        fn a_second_merge_changes_nothing(present in "\\{\\}|", id in ".{1,20}", name in ".{0,20}") {
            let additions = [("customer_id", Some(id.as_str())), ("display_name", Some(name.as_str()))];
            let once = merge(&present, &additions, Present::Keep, 4096).expect("an object");
            let twice = merge(&once.text, &additions, Present::Keep, 4096).expect("an object");
            prop_assert_eq!((twice.text, twice.changed), (once.text, false));
        }
    }
}
